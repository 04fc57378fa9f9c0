//! What others got wrong and we must not (`reference/peers.md` §1.1): a test for each defect, by
//! whose it is. Those of coins are elsewhere:
//! - Neo4j, the same coins at every node: `adversarial.rs`, `coins_are_not_shared_between_nodes`;
//!   for the nodes' own draws here;
//! - InFuseR and SuperFuseR, one number for all arcs: `adversarial.rs`,
//!   `path_with_consecutive_ids` and `supercritical_graph_against_percolation`;
//! - starsim, draws by a modulus: `adversarial.rs`, `lanes_are_uncorrelated`, and
//!   `coin_quality.rs`;
//! - Neo4j and IMB, seeds that take spread away: `laws.rs`,
//!   `spread_is_monotone_and_submodular_in_the_seeds`.
//!
//! Those of seed selection (SUBSIM's estimates on its own samples, IMM's reused sets) have no
//! counterpart as long as kaskade selects no seeds by simulation.

use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::ColumnChoice;
use kaskade_model::coin::Isa;
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::dynamics::{Conduct, Course, Delay, Dynamics, Immunity, NodeRule, Requirement};
use kaskade_model::job::JobPlan;
use kaskade_model::spec::{ModelKind, ModelSpec, Probability};
use kaskade_model::tally::SimulationRow;
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::oracle::{self, Fraction};
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run, run_as};
use kaskade_testkit::{ArcList, directories, fixtures};

const SIMULATIONS: u64 = 1 << 16;

fn cascade(probability: f64) -> LiveArcModel {
    LiveArcModel::IndependentCascade(ArcProbability::Constant(probability))
}

fn epidemic(incubation: Option<f64>, recovery: f64, immunity: Immunity) -> Dynamics {
    let course = Course { incubation, recovery, immunity };
    Dynamics { rule: NodeRule::Epidemic(course), ..Dynamics::default() }
}

fn spread(rows: &[SimulationRow]) -> Estimate {
    Estimate::of_counts(rows.iter().map(SimulationRow::spread))
}

/// Its generator starts anew at every node, so all nodes of a simulation decide alike. If the
/// leaves of a star decided alike about forwarding, all or none of their own leaves were reached.
#[test]
fn neo4j_nodes_decide_alike() {
    let n_leaves = 16;
    let arcs = (1..=n_leaves).flat_map(|leaf| [(0, leaf), (leaf, leaf + n_leaves)]);
    let graph = ArcList::new(1 + 2 * n_leaves, arcs);
    let conduct = Conduct { forward: Some(0.5), endorse: None, ..Conduct::default() };
    let dynamics = Dynamics { conduct, ..Dynamics::default() };
    let plan = JobPlan { dynamics, ..plan(&graph, cascade(1.0), fixed_seeds([0]), SIMULATIONS) };
    let reached: Vec<f64> = run(&graph, &plan)
        .iter()
        .map(|row| (row.spread() - u64::from(1 + n_leaves)) as f64)
        .collect();
    assert_mean("forwarders", Estimate::of(reached.iter().copied()), 8.0);
    // Binomial: n/4. Decided alike: n²/4.
    let squares = reached.iter().map(|number| (number - 8.0).powi(2));
    assert_mean("their variance", Estimate::of(squares), 4.0);
}

/// Its `format` step shifts the weights of all nodes behind one without in-arcs.
#[test]
fn opim_nodes_without_in_arcs() {
    // In-degrees 0, 0, 2, 0, 3, 1: sources and targets take turns.
    let arcs = [(0, 2), (1, 2), (0, 4), (2, 4), (3, 4), (4, 5)];
    let graph = ArcList::new(6, arcs);
    let in_degrees = graph.in_degrees();
    let share =
        |arc: kaskade_testkit::Arc| Fraction::new(1, in_degrees[arc.target as usize].into());
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("arcs.txt"), folder.path().join("g.kg"));
    directories::write_text(&input, &graph, graph.arcs().iter().copied());
    let _ = directories::build(&directories::build_spec(vec![input], out.clone()));
    for (kind, exact) in [
        (ModelKind::IndependentCascade, oracle::independent_cascade(&graph, share, &[0, 3])),
        (ModelKind::LinearThreshold, oracle::linear_threshold(&graph, share, &[0, 3])),
    ] {
        let model = ModelSpec::new(kind, Probability::WeightedCascade);
        let job = directories::job(model, directories::seed_ids([0, 3]), SIMULATIONS);
        let rows = directories::run(&job, directories::open(&out), Layout::plain());
        assert_mean(&kind.to_string(), spread(&rows), exact.mean().to_f64());
    }
}

/// It ignores a map of probabilities that lacks an arc, and takes 1/out-degree for all: here a
/// line without its value is an error, and a value of 0 blocks.
#[test]
fn ndlib_drops_probabilities_where_one_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("arcs.txt"), folder.path().join("g.kg"));
    let mut spec = directories::build_spec(vec![input.clone()], out.clone());
    spec.column = Some(ColumnChoice::Index(2));
    let path = fixtures::path(20);
    let lines = |last: &str| {
        let arcs = path.arcs().iter();
        let line = |arc: &kaskade_testkit::Arc| {
            let value = if arc.source == 9 { last } else { "1" };
            format!("{} {} {value}\n", arc.source, arc.target)
        };
        arcs.map(line).collect::<String>()
    };
    std::fs::write(&input, lines("")).unwrap();
    let error = kaskade_ingest::build(&spec, &Unwatched).unwrap_err().to_string();
    assert!(error.contains(":10: the chosen column is missing"), "{error}");

    std::fs::write(&input, lines("0")).unwrap();
    let _ = directories::build(&spec);
    let model = ModelSpec::new(ModelKind::IndependentCascade, Probability::Column);
    let job = directories::job(model, directories::seed_ids([0]), 100);
    let rows = directories::run(&job, directories::open(&out), Layout::plain());
    assert!(rows.iter().all(|row| row.spread() == 10), "nothing passes the arc of 0");
}

/// Its SIR infects with β whatever the number of infectious neighbours.
#[test]
fn ndlib_sir_ignores_how_many_are_infectious() {
    for n_sources in [1, 2, 5] {
        let graph = fixtures::in_star(n_sources);
        let dynamics = epidemic(None, 1.0, Immunity::Lasting);
        let plan = plan(&graph, cascade(0.3), fixed_seeds(1..=n_sources), SIMULATIONS);
        let rows = run(&graph, &JobPlan { dynamics, ..plan });
        let catches = 1.0 - 0.7f64.powi(n_sources as i32);
        assert_mean(&format!("{n_sources}"), spread(&rows), f64::from(n_sources) + catches);
    }
}

/// Its SEIR changes states while other threads read them: other results with two threads, and with
/// each run.
#[test]
fn networkit_seir_races() {
    let graph = fixtures::erdos_renyi(2000, 8.0, 1);
    let dynamics = epidemic(Some(0.3), 0.2, Immunity::Lasting);
    let plan = plan(&graph, cascade(0.1), fixed_seeds(0..10), 512);
    let plan = JobPlan { dynamics, ..plan };
    let expected = run(&graph, &plan);
    assert!(spread(&expected).mean > 1000.0, "most are infected");
    for n_threads in [2, 4] {
        for _ in 0..3 {
            // One batch, whose shards are what threads share.
            let found = run_as(&graph, &plan, Layout::new(8, n_threads, 1));
            assert!(found == expected, "{n_threads} threads");
        }
    }
}

/// It walks arcs against their direction.
#[test]
fn igraph_sir_ignores_direction() {
    let graph = fixtures::path(10);
    for immunity in [Immunity::Lasting, Immunity::None, Immunity::Waning(0.5)] {
        let plan = plan(&graph, cascade(1.0), fixed_seeds([4]), 64);
        let dynamics = epidemic(None, 0.5, immunity);
        let rows = run(&graph, &JobPlan { dynamics, max_rounds: Some(50), ..plan });
        assert!(rows.iter().all(|row| row.spread() == 6), "4 to 9, and none before");
    }
}

/// It refuses graphs in which an arc is named twice.
#[test]
fn igraph_sir_refuses_repeated_arcs() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("arcs.txt"), folder.path().join("g.kg"));
    std::fs::write(&input, "0 1\n1 2\n0 1\n0 1\n").unwrap();
    let built = directories::build(&directories::build_spec(vec![input], out.clone()));
    assert_eq!((built.manifest().n_arcs, built.manifest().n_duplicates), (2, 2));
    let sir = ModelSpec {
        recovery: Some(1.0),
        ..ModelSpec::new(ModelKind::Sir, Probability::Constant(0.5))
    };
    let job = directories::job(sir, directories::seed_ids([0]), SIMULATIONS);
    let rows = directories::run(&job, directories::open(&out), Layout::plain());
    assert_mean("an arc counts once", spread(&rows), 1.75);
}

/// Sums of rates, added and taken away one by one, drifted below 0 and stopped it. Compartments
/// that are counted cannot: after a thousand rounds all nodes are still there.
#[test]
fn igraph_sir_drifts_with_rounding() {
    let graph = fixtures::erdos_renyi(200, 6.0, 1);
    let plan = plan(&graph, cascade(0.1), fixed_seeds([0, 1, 2]), 64);
    let dynamics = epidemic(Some(0.3), 0.1, Immunity::Waning(0.7));
    let rows = run(&graph, &JobPlan { dynamics, max_rounds: Some(1000), ..plan });
    assert!(rows.iter().any(|row| row.series[2].len() == 1001), "it lasts");
    for row in rows {
        let [infections, exposed, infectious] = &row.series[..] else { panic!("three measures") };
        assert!(infections.iter().sum::<u64>() >= row.spread());
        for round in 0..=1000 {
            let in_round = |by_round: &[u64]| by_round.get(round).copied().unwrap_or(0);
            assert!(in_round(exposed) + in_round(infectious) <= 200, "round {round}");
        }
    }
}

/// Its linear threshold looks at all active nodes again in every round: O(rounds · arcs). Here an
/// arc is looked at once in a batch, whatever nodes do, but for those who stay infectious.
#[test]
fn ripples_scans_arcs_again_in_every_round() {
    let graph = fixtures::path(2000);
    let rules = [
        Dynamics::default(),
        Dynamics { delay: Delay::Constant(2), ..Dynamics::default() },
        Dynamics { rule: NodeRule::Threshold(Requirement::Share(1.0)), ..Dynamics::default() },
        epidemic(None, 1.0, Immunity::Lasting),
    ];
    for dynamics in rules {
        for model in [cascade(1.0), LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade)] {
            if dynamics.draws_every_round() && model != cascade(1.0) {
                continue;
            }
            // Two batches, of 512 simulations each.
            let plan = plan(&graph, model.clone(), fixed_seeds([0]), 1024);
            let plan = JobPlan { dynamics: dynamics.clone(), ..plan };
            let partition = Partition::new(graph.shards(2), plan, Isa::detect()).unwrap();
            let tally = local::run(partition, 1, &Unobserved).unwrap();
            assert!(tally.rows().all(|row| row.spread() == 2000));
            assert_eq!(tally.work().arcs_scanned, 2 * 1999, "{dynamics:?}, {model:?}");
        }
    }
}

/// Its seed is fixed at 0, OPIM's is the time of day: here it is said, and decides.
#[test]
fn ripples_and_opim_have_no_seed_to_choose() {
    let graph = fixtures::erdos_renyi(300, 6.0, 1);
    let rows = |seed| {
        let plan = plan(&graph, cascade(0.25), fixed_seeds([0]), 256);
        let dynamics = epidemic(None, 0.5, Immunity::Lasting);
        run(&graph, &JobPlan { dynamics, seed, ..plan })
    };
    assert_eq!(rows(7), rows(7));
    assert_ne!(rows(7), rows(8));
}
