//! Spreads on real graphs, as independent programs found them (`known-answers.json`).
//!
//! The largest graph takes minutes at full size, so every-day runs simulate it less often:
//! `KASKADE_FULL=1 cargo test --release -p kaskade-tests --test known_answers` does all of it.

use std::env;

use kaskade_model::spec::{ModelSpec, Probability};
use kaskade_store::Manifest;
use kaskade_testkit::accept::{Estimate, assert_same_mean};
use kaskade_testkit::directories;
use kaskade_testkit::known_answers::{self, KnownAnswer, KnownGraph};
use kaskade_testkit::runs::Layout;

/// At least 20,000, in full batches.
const SIMULATIONS: u64 = 40 * 512;

/// What an every-day run can afford on the largest graph.
const FEWER_SIMULATIONS: u64 = 2 * 512;

#[test]
fn wiki_vote() {
    check("wiki-Vote.txt", SIMULATIONS);
}

#[test]
fn net_hept() {
    check("NetHEPT.txt", SIMULATIONS);
}

#[test]
fn slashdot() {
    let is_full = env::var_os("KASKADE_FULL").is_some();
    let n_simulations = if is_full { SIMULATIONS } else { FEWER_SIMULATIONS };
    eprintln!("note: {n_simulations} simulations; KASKADE_FULL=1 asks for {SIMULATIONS}");
    check("soc-Slashdot0902.txt.gz", n_simulations);
}

fn check(name: &str, n_simulations: u64) {
    let Some(mut known) = known_answers::load() else {
        return;
    };
    let known = known.graphs.remove(name).expect("the file lists the graph");
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let out = folder.path().join("graph.kg");
    let mut spec = directories::build_spec(vec![known_answers::graph_file(name)], out.clone());
    for option in &known.options {
        assert_eq!(option, "--undirected", "the only option that is known here");
        spec.undirected = true;
    }
    check_counts(&known, directories::build(&spec).manifest());
    for answer in &known.answers {
        let graph = directories::open(&out);
        let seeds = directories::seed_ids(known.seeds_in_order.iter().copied().take(answer.seeds));
        let job = directories::job(model(answer), seeds, n_simulations);
        let rows = directories::run(&job, graph, Layout::new(1, 2, 2));
        let found = Estimate::of_counts(rows.iter().map(|row| row.spread()));
        let what =
            format!("{name}, {}, {}, {} seeds", answer.model, answer.probability, answer.seeds);
        assert_same_mean(&what, found, answer.estimate());
    }
}

fn check_counts(known: &KnownGraph, built: &Manifest) {
    assert_eq!((built.n_nodes, built.n_arcs), (known.nodes, known.arcs));
    let max_degrees = (built.max_out_degree, built.max_in_degree);
    assert_eq!(max_degrees, (known.max_out_degree, known.max_in_degree));
}

fn model(answer: &KnownAnswer) -> ModelSpec {
    let kind = serde_json::from_value(answer.model.clone().into());
    let probability: Result<Probability, _> = serde_json::from_value(answer.probability.clone());
    ModelSpec::new(kind.expect("a model's name"), probability.expect("a number or a word"))
}

/// The seeds that the file lists are those that `top-degree` chooses.
#[test]
fn seeds_are_the_nodes_of_highest_degree() {
    let Some(known) = known_answers::load() else {
        return;
    };
    for (name, known) in &known.graphs {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("graph.kg");
        let mut spec = directories::build_spec(vec![known_answers::graph_file(name)], out);
        spec.undirected = !known.options.is_empty();
        let graph = directories::build(&spec);
        let n_seeds = known.seeds_in_order.len();
        let chosen = kaskade_model::seeds::top_degree(n_seeds as u32, &graph);
        let originals = graph.nodes().originals().numbers().expect("ids are numbers");
        let chosen: Vec<u64> = chosen.into_iter().map(|node| originals[node.index()]).collect();
        assert_eq!(chosen, known.seeds_in_order, "{name}");
    }
}
