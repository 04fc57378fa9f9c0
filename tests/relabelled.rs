//! What the nodes are called in a file changes nothing: same spreads in distribution.
//!
//! Coins name arcs by dense ids, and these go by in-degree and then by original id. So other
//! names are other coins, and means agree within their interval, not to the bit.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::spec::{ModelKind, ModelSpec, Probability};
use kaskade_testkit::accept::{Estimate, assert_same_mean};
use kaskade_testkit::runs::Layout;
use kaskade_testkit::textbook::{self, Diffusion};
use kaskade_testkit::{ArcList, directories, fixtures};

const SIMULATIONS: u64 = 20_000;

/// In the dense ids of the list.
const SEEDS: [u32; 2] = [3, 50];

/// Names of nodes, each from the node's dense id in the list.
type Naming = fn(u32) -> String;

/// The first keeps the order of the nodes, the others do not.
const NAMINGS: [(&str, Naming); 5] = [
    ("from 0", |node| node.to_string()),
    ("from 1", |node| (node + 1).to_string()),
    ("sparse", |node| u64::from(node).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string()),
    ("up to the last of 64 bits", |node| (u64::MAX - u64::from(node) * (1 << 40)).to_string()),
    ("strings", |node| format!("@user{node}")),
];

#[test]
fn spreads_are_the_same_whatever_nodes_are_called() {
    let graph = fixtures::erdos_renyi(80, 5.0, 1);
    let folder = tempfile::tempdir().unwrap();
    for (kind, probability, model) in [
        (
            ModelKind::IndependentCascade,
            Probability::Constant(0.2),
            LiveArcModel::IndependentCascade(ArcProbability::Constant(0.2)),
        ),
        (
            ModelKind::LinearThreshold,
            Probability::WeightedCascade,
            LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade),
        ),
    ] {
        let diffusion = Diffusion::of(&graph, &model);
        let expected = textbook::spreads(&graph, &diffusion, &SEEDS, SIMULATIONS);
        let expected = Estimate::of_counts(expected);
        let model = ModelSpec::new(kind, probability);
        let found = NAMINGS.map(|(what, name)| {
            (what, spread(&graph, name, model.clone(), &folder.path().join(what)))
        });
        for (what, estimate) in found {
            assert!(estimate.standard_error > 0.0, "{what}: something happens by chance");
            assert_same_mean(&format!("{what}, by the book"), estimate, expected);
            assert_same_mean(&format!("{what}, from 0"), estimate, found[0].1);
        }
        assert_eq!(found[0].1, found[1].1, "the same order, so the same coins");
        assert_ne!(found[0].1, found[2].1, "another order, so other coins");
    }
}

/// The spread of `model` on `graph` with the nodes called so, by way of a file at `path`.
fn spread(graph: &ArcList, name: Naming, model: ModelSpec, path: &Path) -> Estimate {
    let mut text = String::new();
    for arc in graph.arcs() {
        writeln!(text, "{}\t{}", name(arc.source), name(arc.target)).expect("a string takes text");
    }
    fs::write(path, text).expect("the scratch folder can be written to");
    let mut spec = directories::build_spec(vec![path.to_owned()], path.with_extension("kg"));
    spec.directory.force = true;
    let built = directories::build(&spec);
    assert_eq!(built.manifest().n_arcs, graph.arcs().len() as u64);
    let seeds = SEEDS.map(name).join(",");
    let seeds = format!("ids:{seeds}").parse().expect("the seeds are ids");
    let job = directories::job(model, seeds, SIMULATIONS);
    let rows = directories::run(&job, built, Layout::new(1, 2, 2));
    Estimate::of_counts(rows.iter().map(|row| row.spread()))
}
