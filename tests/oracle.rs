//! Exact answers: the engine against enumeration and closed forms, the enumeration against
//! published fractions (`reference/peers.md` §7.1).

use kaskade_model::diffusion::{
    ArcProbability, ArcWeight, FactorColumns, LiveArcModel, SegmentMatrix,
};
use kaskade_model::seeds::SeedPlan;
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::oracle::{self, Fraction, SpreadDistribution};
use kaskade_testkit::philox::Philox;
use kaskade_testkit::reference::arc_thresholds;
use kaskade_testkit::runs::{fixed_seeds, plan, run};
use kaskade_testkit::{Arc, ArcList, NodeTable, fixtures};

const SIMULATIONS: u64 = 1 << 17;

fn cascade(p: f64) -> LiveArcModel {
    LiveArcModel::IndependentCascade(ArcProbability::Constant(p))
}

fn threshold(weight: f64) -> LiveArcModel {
    LiveArcModel::LinearThreshold(ArcWeight::Constant(weight))
}

const WEIGHTED_CASCADE: LiveArcModel =
    LiveArcModel::IndependentCascade(ArcProbability::WeightedCascade);
const WEIGHTED_THRESHOLD: LiveArcModel = LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade);
const COLUMN_THRESHOLD: LiveArcModel = LiveArcModel::LinearThreshold(ArcWeight::Column);

fn spreads(graph: &ArcList, model: LiveArcModel, seeds: SeedPlan, n_simulations: u64) -> Vec<u64> {
    let rows = run(graph, &plan(graph, model, seeds, n_simulations));
    rows.iter().map(|row| row.spread()).collect()
}

/// Holds the engine's spreads against the mean and every probability of `exact`.
#[track_caller]
fn assert_distribution(
    what: &str,
    graph: &ArcList,
    model: LiveArcModel,
    seeds: &[u32],
    exact: &SpreadDistribution,
) {
    let spreads = spreads(graph, model, fixed_seeds(seeds.iter().copied()), SIMULATIONS);
    let mean = exact.mean().to_f64();
    assert_mean(what, Estimate::of_counts(spreads.iter().copied()), mean);
    for (spread, probability) in (0u64..).zip(exact.probabilities()) {
        let p = probability.to_f64();
        let share = spreads.iter().filter(|&&other| other == spread).count() as f64;
        let estimate = Estimate {
            mean: share / SIMULATIONS as f64,
            // The true one: the estimated one is 0 for an outcome that never occurred.
            standard_error: (p * (1.0 - p) / SIMULATIONS as f64).sqrt(),
        };
        assert_mean(&format!("{what}, P(spread = {spread})"), estimate, p);
    }
}

#[track_caller]
fn assert_fraction(what: &str, exact: &SpreadDistribution, published: (u128, u128)) {
    assert_eq!(exact.mean(), Fraction::new(published.0, published.1), "{what}");
}

#[test]
fn independent_cascade_on_tiny_graphs() {
    let half = ((1, 2), 0.5);
    let tenth = ((1, 10), 0.1);
    let cases = [
        ("diamond, 1/2", fixtures::diamond(), half, Some((39, 16))),
        ("diamond, 1/10", fixtures::diamond(), tenth, Some((12_199, 10_000))),
        ("K3, 1/2", fixtures::complete(3), half, Some((9, 4))),
        ("K4, 1/2", fixtures::complete(4), half, Some((13, 4))),
        ("K4, 1/10", fixtures::complete(4), tenth, Some((169_763, 125_000))),
        ("C5, 1/2", fixtures::cycle(5), half, Some((31, 16))),
        ("star, 1/10", fixtures::out_star(10), tenth, Some((2, 1))),
        ("path, 1/2", fixtures::path(12), half, Some((4095, 2048))),
        ("tree, 1/2", fixtures::tree(3, 2), half, None),
    ];
    for (what, graph, (fraction, p), published) in cases {
        let probability = Fraction::new(fraction.0, fraction.1);
        let exact = oracle::independent_cascade(&graph, |_| probability, &[0]);
        if let Some(published) = published {
            assert_fraction(what, &exact, published);
        }
        assert_distribution(what, &graph, cascade(p), &[0], &exact);
        let column = graph.clone().with_column(|_| p);
        let model = LiveArcModel::IndependentCascade(ArcProbability::Column);
        assert_distribution(&format!("{what}, column"), &column, model, &[0], &exact);
    }
}

#[test]
fn linear_threshold_on_tiny_graphs() {
    let diamond = fixtures::diamond();
    let halves_and_quarters = |arc: Arc| Fraction::new(1, if arc.target == 3 { 4 } else { 2 });
    let exact = oracle::linear_threshold(&diamond, halves_and_quarters, &[0]);
    assert_fraction("diamond, 1/2 and 1/4", &exact, (9, 4));
    let column = diamond.with_column(|arc| halves_and_quarters(arc).to_f64());
    assert_distribution("diamond, 1/2 and 1/4", &column, COLUMN_THRESHOLD, &[0], &exact);

    let cases = [
        ("K3, 1/2", fixtures::complete(3), 2, (5, 2)),
        ("K4, 1/3", fixtures::complete(4), 3, (26, 9)),
        ("K4, 1/5", fixtures::complete(4), 5, (236, 125)),
        ("path, 1/2", fixtures::path(12), 2, (4095, 2048)),
    ];
    for (what, graph, denominator, mean) in cases {
        let exact = oracle::linear_threshold(&graph, |_| Fraction::new(1, denominator), &[0]);
        assert_fraction(what, &exact, mean);
        assert_distribution(what, &graph, threshold(1.0 / denominator as f64), &[0], &exact);
    }
}

#[test]
fn weighted_cascade_on_tiny_graphs() {
    let cases = [
        ("diamond", fixtures::diamond(), 0, None, Some((4, 1))),
        ("path", fixtures::bidirectional_path(4), 1, Some((3, 1)), Some((3, 1))),
        ("K3", fixtures::complete(3), 0, Some((9, 4)), Some((5, 2))),
        ("K4", fixtures::complete(4), 0, None, Some((26, 9))),
        ("star", fixtures::bidirectional_star(5), 1, None, None),
    ];
    for (what, graph, seed, cascade_mean, threshold_mean) in cases {
        let in_degrees = graph.in_degrees();
        let weight = |arc: Arc| Fraction::new(1, in_degrees[arc.target as usize].into());
        let cascade = oracle::independent_cascade(&graph, weight, &[seed]);
        let threshold = oracle::linear_threshold(&graph, weight, &[seed]);
        if let Some(mean) = cascade_mean {
            assert_fraction(what, &cascade, mean);
        }
        if let Some(mean) = threshold_mean {
            assert_fraction(what, &threshold, mean);
        }
        assert_distribution(what, &graph, WEIGHTED_CASCADE, &[seed], &cascade);
        assert_distribution(what, &graph, WEIGHTED_THRESHOLD, &[seed], &threshold);
    }
}

/// Graphs without any symmetry, up to 12 arcs and three seeds, probabilities all different.
#[test]
fn random_tiny_graphs() {
    for stream in 0..12 {
        let mut philox = Philox::new(1, stream);
        let arcs: Vec<_> = (0..12).map(|_| (philox.below(6), philox.below(6))).collect();
        let graph = ArcList::new(6, arcs);
        let in_degrees = graph.in_degrees();
        let seeds: Vec<u32> = (0..=stream as u32 % 3).collect();

        let shares: Vec<u32> = graph.arcs().iter().map(|_| philox.below(17)).collect();
        let share = |arc: Arc| shares[graph.arcs().binary_search(&arc).expect("an arc of it")];
        let probability = |arc: Arc| Fraction::new(share(arc).into(), 16);
        let column = graph.clone().with_column(|arc| probability(arc).to_f64());
        let exact = oracle::independent_cascade(&graph, probability, &seeds);
        let model = LiveArcModel::IndependentCascade(ArcProbability::Column);
        assert_distribution(&format!("cascade {stream}"), &column, model, &seeds, &exact);

        let weight = |arc: Arc| {
            let sources = u128::from(in_degrees[arc.target as usize]);
            Fraction::new(share(arc).into(), 16 * sources)
        };
        let column = graph.clone().with_column(|arc| weight(arc).to_f64());
        let exact = oracle::linear_threshold(&graph, weight, &seeds);
        assert_distribution(
            &format!("threshold {stream}"),
            &column,
            COLUMN_THRESHOLD,
            &seeds,
            &exact,
        );
    }
}

/// Factors that are whole eighths, a matrix, and shares of the in-degree: the same enumeration.
#[test]
fn probabilities_by_the_nodes_of_an_arc() {
    let eighths = [3u32, 8, 5, 1, 0];
    let number = |node: u32| f64::from(eighths[node as usize % 5]) / 8.0;
    for (name, graph) in [
        ("diamond", fixtures::diamond()),
        ("K4", fixtures::complete(4)),
        ("C5", fixtures::cycle(5)),
    ] {
        let n_nodes = graph.n_nodes();
        let segments = (0..n_nodes).map(|node| ["a", "b", ""][node as usize % 3]);
        let nodes = NodeTable::default()
            .with_numbers("heard", (0..n_nodes).map(number))
            .with_numbers("listens", (0..n_nodes).map(|node| number(node + 2)))
            .with_categories("segment", segments);
        let in_degrees = graph.in_degrees();
        let graph = graph.with_nodes(nodes);
        let holds = |what: &str, probability, of: &dyn Fn(Arc) -> (u128, u128)| {
            let of = |arc| Fraction::new(of(arc).0, of(arc).1);
            let exact = oracle::independent_cascade(&graph, of, &[0]);
            let model = LiveArcModel::IndependentCascade(probability);
            assert_distribution(&format!("{name}, {what}"), &graph, model, &[0], &exact);
        };
        let columns = |influence: Option<&str>, susceptibility: Option<&str>| {
            ArcProbability::Factors(FactorColumns {
                influence: influence.map(str::to_owned),
                susceptibility: susceptibility.map(str::to_owned),
            })
        };
        let eighth = |node: u32| u128::from(eighths[node as usize % 5]);
        holds("factors", columns(Some("heard"), Some("listens")), &|arc| {
            (eighth(arc.source) * eighth(arc.target + 2), 64)
        });
        holds("influence", columns(Some("heard"), None), &|arc| (eighth(arc.source), 8));
        holds("susceptibility", columns(None, Some("listens")), &|arc| (eighth(arc.target + 2), 8));

        let to =
            |pairs: &[(&str, f64)]| pairs.iter().map(|(to, p)| ((*to).to_owned(), *p)).collect();
        let from = [("a", to(&[("a", 0.25), ("b", 0.75)])), ("b", to(&[("a", 1.0)]))];
        let matrix = SegmentMatrix {
            segment: "segment".to_owned(),
            default: 0.5,
            from: from.into_iter().map(|(from, to)| (from.to_owned(), to)).collect(),
        };
        holds("segments", ArcProbability::Segments(matrix), &|arc| match (
            arc.source % 3,
            arc.target % 3,
        ) {
            (0, 0) => (1, 4),
            (0, 1) => (3, 4),
            (1, 0) => (1, 1),
            _ => (1, 2),
        });
        holds("1.5/in-degree", ArcProbability::OverInDegree(1.5), &|arc| {
            let in_degree = u128::from(in_degrees[arc.target as usize]);
            (3.min(2 * in_degree), 2 * in_degree)
        });
        let exact = oracle::linear_threshold(
            &graph,
            |arc| Fraction::new(3, 4 * u128::from(in_degrees[arc.target as usize])),
            &[0],
        );
        let model = LiveArcModel::LinearThreshold(ArcWeight::OverInDegree(0.75));
        assert_distribution(&format!("{name}, 0.75/in-degree"), &graph, model, &[0], &exact);
    }
}

#[test]
fn trivalency_given_its_levels() {
    let model = LiveArcModel::IndependentCascade(ArcProbability::Trivalency);
    let graph = fixtures::complete(4);
    let thresholds = arc_thresholds(&graph, &ArcProbability::Trivalency, 1);
    let level = |arc: Arc| {
        let position = graph.arcs().binary_search(&arc).expect("an arc of it");
        let p = thresholds[position] as f64 / (1u64 << 32) as f64;
        Fraction::new((1000.0 * p).round() as u128, 1000)
    };
    let mut levels: Vec<u128> = graph.arcs().iter().map(|&arc| level(arc).denominator).collect();
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels, [10, 100, 1000], "all three levels occur");
    let exact = oracle::independent_cascade(&graph, level, &[0]);
    assert_distribution("trivalency", &graph, model, &[0], &exact);
}

#[test]
fn trivalency_levels_are_equally_likely() {
    let graph = fixtures::complete(300);
    let thresholds = arc_thresholds(&graph, &ArcProbability::Trivalency, 1);
    for level in [0.1, 0.01, 0.001] {
        let threshold = (level * (1u64 << 32) as f64).round_ties_even() as u64;
        let share = Estimate::of_share(thresholds.iter().map(|&other| other == threshold));
        assert_mean(&format!("level {level}"), share, 1.0 / 3.0);
    }
}

#[test]
fn paths_and_stars() {
    for (n_nodes, p) in [(20, 0.5), (50, 0.1)] {
        let truth = oracle::path(n_nodes, p);
        for model in [cascade(p), threshold(p)] {
            let path = fixtures::path(n_nodes);
            let spreads = spreads(&path, model.clone(), fixed_seeds([0]), SIMULATIONS);
            assert_mean(&format!("path {n_nodes}, {model:?}"), Estimate::of_counts(spreads), truth);
        }
    }
    let star = fixtures::bidirectional_star(10);
    for (seed, truth) in [(0, 2.0), (1, 1.19)] {
        let spreads = spreads(&star, cascade(0.1), fixed_seeds([seed]), SIMULATIONS);
        assert_mean(&format!("star from {seed}"), Estimate::of_counts(spreads), truth);
    }
}

#[test]
fn trees() {
    for (p, truth) in [(0.3, 2.490930), (0.5, 11.0)] {
        assert!((oracle::tree(2, 10, p) - truth).abs() < 1e-6);
        let spreads = spreads(&fixtures::tree(2, 10), cascade(p), fixed_seeds([0]), SIMULATIONS);
        assert_mean(&format!("tree, {p}"), Estimate::of_counts(spreads), oracle::tree(2, 10, p));
    }
}

/// All d in-neighbours of the centre are active, the weights sum to 1: linear threshold fires
/// in *every* simulation, however 1/d is rounded. The independent cascade does not.
#[test]
fn in_stars() {
    for n_sources in [2, 3, 5, 6, 7, 10, 49, 100, 1000] {
        let star = fixtures::in_star(n_sources);
        let share = 1.0 / f64::from(n_sources);
        let column = star.clone().with_column(|_| share);
        let sources = || fixed_seeds(1..=n_sources);
        for model in [WEIGHTED_THRESHOLD, threshold(share), COLUMN_THRESHOLD] {
            for (simulation, spread) in
                spreads(&column, model.clone(), sources(), SIMULATIONS).into_iter().enumerate()
            {
                assert_eq!(
                    spread,
                    u64::from(n_sources) + 1,
                    "{model:?}, {n_sources} sources, simulation {simulation}"
                );
            }
        }
        let fires = spreads(&star, WEIGHTED_CASCADE, sources(), SIMULATIONS)
            .into_iter()
            .map(|spread| spread > u64::from(n_sources));
        let truth = oracle::in_star_cascade(n_sources);
        assert_mean(&format!("{n_sources} sources"), Estimate::of_share(fires), truth);
    }
}

#[test]
fn linear_threshold_on_complete_graphs() {
    let cases = [
        (5, 1, SIMULATIONS),
        (10, 1, SIMULATIONS),
        (100, 1, SIMULATIONS),
        (100, 5, SIMULATIONS),
        // A million arcs: fewer simulations, a wider interval.
        (1000, 1, 1 << 13),
    ];
    for (n_nodes, n_seeds, n_simulations) in cases {
        let graph = fixtures::complete(n_nodes);
        let truth = oracle::complete_linear_threshold(n_nodes, n_seeds);
        let model = threshold(1.0 / f64::from(n_nodes - 1));
        let spreads = spreads(&graph, model, fixed_seeds(0..n_seeds), n_simulations);
        let what = format!("K{n_nodes} from {n_seeds}");
        assert_mean(&what, Estimate::of_counts(spreads), truth);
    }
}

#[test]
fn reed_frost_on_complete_graphs() {
    for (n_nodes, p) in [(4, 0.5), (10, 0.1), (10, 0.2), (50, 0.02), (100, 0.02)] {
        let graph = fixtures::complete(n_nodes);
        let spreads = spreads(&graph, cascade(p), fixed_seeds([0]), SIMULATIONS);
        let truth = oracle::reed_frost(n_nodes, p);
        assert_mean(&format!("K{n_nodes}, {p}"), Estimate::of_counts(spreads), truth);
    }
}
