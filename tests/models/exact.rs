//! Every model on tiny graphs: spread, its distribution, every round of the growth curve and of
//! every measure, against the Markov chain of all joint states.

use kaskade_model::diffusion::{ArcProbability, FactorColumns, LiveArcModel, SegmentMatrix};
use kaskade_model::dynamics::{
    Conduct, Delay, Dynamics, Immunity as I, NodeRule, Push, Requirement as R, Tie,
};
use kaskade_model::job::JobPlan;
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::oracle::{self, Expected};
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run_as};
use kaskade_testkit::{ArcList, NodeTable, fixtures};

use super::{
    FAMILIES, LINEAR_THRESHOLD, WEIGHTED_CASCADE, campaigns, cascade, epidemic, opinion, waiting,
};

const SIMULATIONS: u64 = 1 << 17;

/// Rounds whose expected number is smaller have too few events for a normal interval.
const LEAST_OF_A_ROUND: f64 = 0.002;

/// A chord makes ways of different lengths to one node, and the last node loops back.
fn five_nodes() -> ArcList {
    ArcList::new(5, [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3), (3, 4), (4, 1), (4, 2)])
}

fn assert_exact(what: &str, graph: &ArcList, dynamics: Dynamics, model: &LiveArcModel) {
    assert_exact_until(what, graph, dynamics, model, None);
}

fn assert_exact_until(
    what: &str,
    graph: &ArcList,
    dynamics: Dynamics,
    model: &LiveArcModel,
    max_rounds: Option<u32>,
) {
    assert_eq!(dynamics.check(), Ok(()), "{what}");
    let plan = JobPlan {
        dynamics,
        max_rounds,
        ..plan(graph, model.clone(), fixed_seeds([0]), SIMULATIONS)
    };
    let expected = oracle::chain(graph, &plan);
    assert!(
        (expected.spread.iter().sum::<f64>() - 1.0).abs() < 1e-9,
        "{what}: all is gone through"
    );
    for coins in FAMILIES {
        let plan = JobPlan { coins, ..plan.clone() };
        assert_as_expected(&format!("{what}, {coins:?}"), graph, &plan, &expected);
    }
}

fn assert_as_expected(what: &str, graph: &ArcList, plan: &JobPlan, expected: &Expected) {
    let rows = run_as(graph, plan, Layout::new(2, 2, 2));
    let spreads: Vec<u64> = rows.iter().map(|row| row.spread()).collect();
    let estimate = Estimate::of_counts(spreads.iter().copied());
    assert_mean(&format!("{what}, spread"), estimate, expected.mean_spread());
    for (spread, &chance) in (0u64..).zip(&expected.spread) {
        let n_such = spreads.iter().filter(|&&other| other == spread).count() as f64;
        let chance = chance.clamp(0.0, 1.0);
        let share = Estimate {
            mean: n_such / SIMULATIONS as f64,
            // The true one: the estimated one is 0 for an outcome that never occurred.
            standard_error: (chance * (1.0 - chance) / SIMULATIONS as f64).sqrt(),
        };
        assert_mean(&format!("{what}, P(spread = {spread})"), share, chance);
    }
    let new = rows.iter().map(|row| row.new_per_round.as_slice());
    assert_rounds(&format!("{what}, new"), &new, &expected.new_per_round);
    for (place, measure) in plan.dynamics.measures().iter().enumerate() {
        let by_round = rows.iter().map(|row| row.series[place].as_slice());
        assert_rounds(&format!("{what}, {measure}"), &by_round, &expected.series[place]);
    }
}

/// Holds the sum over all rounds and every round that is frequent enough against its mean.
fn assert_rounds<'a>(
    what: &str,
    found: &(impl Iterator<Item = &'a [u64]> + Clone),
    expected: &[f64],
) {
    let totals = found.clone().map(|by_round| by_round.iter().sum());
    assert_mean(&format!("{what}, total"), Estimate::of_counts(totals), expected.iter().sum());
    let frequent = expected.iter().enumerate().filter(|(_, mean)| **mean >= LEAST_OF_A_ROUND);
    for (round, &mean) in frequent {
        let of_round = found.clone().map(|by_round| by_round.get(round).copied().unwrap_or(0));
        assert_mean(&format!("{what}, round {round}"), Estimate::of_counts(of_round), mean);
    }
}

fn pushed(dynamics: Dynamics, pushes: &[(u32, u8, u32)]) -> Dynamics {
    let pushes =
        pushes.iter().map(|&(round, side, node)| Push { round, side, seeds: fixed_seeds([node]) });
    Dynamics { pushes: pushes.collect(), ..dynamics }
}

fn conducted(dynamics: Dynamics, forward: f64, endorse: f64) -> Dynamics {
    let conduct = Conduct { forward: Some(forward), endorse: Some(endorse), ..Conduct::default() };
    Dynamics { conduct, ..dynamics }
}

#[test]
fn epidemics() {
    let (contact, five) = (&cascade(0.3), five_nodes());
    let four = fixtures::complete(4);
    assert_exact("sir", &five, epidemic(None, 0.4, I::Lasting), contact);
    assert_exact("sir on K4", &four, epidemic(None, 0.6, I::Lasting), contact);
    assert_exact("sir, weighted", &five, epidemic(None, 0.5, I::Lasting), &WEIGHTED_CASCADE);
    assert_exact("sir, recovery 1", &five, epidemic(None, 1.0, I::Lasting), contact);
    assert_exact("seir", &five, epidemic(Some(0.5), 0.4, I::Lasting), contact);
    assert_exact("seir, incubation 1", &four, epidemic(Some(1.0), 0.5, I::Lasting), contact);
    let until = |what, graph: &ArcList, dynamics| {
        assert_exact_until(what, graph, dynamics, contact, Some(9));
    };
    until("sis", &five, epidemic(None, 0.4, I::None));
    until("sis on K4", &four, epidemic(None, 0.8, I::None));
    until("sirs", &five, epidemic(None, 0.5, I::Waning(0.3)));
    until("seirs", &four, epidemic(Some(0.6), 0.5, I::Waning(0.5)));
    until("si", &five, epidemic(None, 0.0, I::Lasting));
    let pushes = [(2, 0, 4), (3, 0, 0), (3, 0, 2)];
    let fired = |dynamics| Dynamics { firing: Some(0.6), ..pushed(dynamics, &pushes) };
    assert_exact("sir, pushes", &five, fired(epidemic(None, 0.5, I::Lasting)), contact);
    assert_exact("seir, pushes", &five, fired(epidemic(Some(0.5), 0.7, I::Lasting)), contact);
    until("sirs, pushes", &five, fired(epidemic(None, 0.5, I::Waning(0.5))));
}

#[test]
fn thresholds() {
    let (graphs, p) = ([("five", five_nodes()), ("K4", fixtures::complete(4))], &cascade(0.7));
    let requirements = [
        R::Share(0.5),
        R::Share(0.34),
        R::Count(2),
        R::UniformShare(0.0, 1.0),
        R::UniformShare(0.3, 0.8),
        R::UniformCount(1, 3),
    ];
    for (name, graph) in &graphs {
        for requirement in requirements {
            let what = format!("{name}, {requirement:?}");
            // A second seed, so that somebody meets what two are needed for.
            let two = pushed(waiting(requirement), &[(1, 0, 2)]);
            assert_exact(&what, graph, two.clone(), p);
            assert_exact(&format!("{what}, conduct"), graph, conducted(two, 0.7, 0.4), p);
        }
    }
    let delayed = Dynamics {
        delay: Delay::Table(vec![2.0, 1.0]),
        ..pushed(waiting(R::Count(2)), &[(0, 0, 2)])
    };
    assert_exact("threshold, delayed", &five_nodes(), delayed, p);
}

#[test]
fn opinions() {
    for (name, graph) in [("five", five_nodes()), ("K4", fixtures::complete(4))] {
        for quality in [0.9, 0.3] {
            let what = |of: &str| format!("{name}, {quality}{of}");
            let p = &cascade(0.5);
            assert_exact(&what(""), &graph, opinion(quality), p);
            assert_exact(&what(", conduct"), &graph, conducted(opinion(quality), 0.6, 0.2), p);
            let pushes = pushed(opinion(quality), &[(1, 0, 3), (2, 0, 2)]);
            assert_exact(&what(", pushes"), &graph, pushes, p);
        }
    }
    let met = Dynamics { delay: Delay::Meeting(0.5), ..opinion(0.7) };
    assert_exact_until("met", &fixtures::diamond(), met, &cascade(0.8), Some(5));
    assert_exact("listening", &five_nodes(), opinion(0.7), &LINEAR_THRESHOLD);
}

#[test]
fn rival_campaigns() {
    for tie in [Tie::Random, Tie::First] {
        for (name, graph) in [("five", five_nodes()), ("K4", fixtures::complete(4))] {
            let what = |of: &str| format!("{name}, {tie:?}{of}");
            let p = &cascade(0.6);
            let two = pushed(campaigns(1, tie), &[(0, 1, 2)]);
            assert_exact(&what(""), &graph, two.clone(), p);
            assert_exact(&what(", conduct"), &graph, conducted(two.clone(), 0.7, 0.3), p);
            let delayed = Dynamics { delay: Delay::Table(vec![1.0, 2.0]), ..two };
            assert_exact(&what(", delayed"), &graph, delayed, p);
            // Seeds of three campaigns at one node, some of which do not fire.
            let three = pushed(campaigns(2, tie), &[(0, 1, 0), (0, 2, 0), (1, 2, 3)]);
            let three = Dynamics { firing: Some(0.7), ..three };
            assert_exact(&what(", three"), &graph, three, p);
        }
    }
}

#[test]
fn conduct_delays_and_launches() {
    let (five, diamond) = (five_nodes(), fixtures::diamond());
    let plain = Dynamics::default();
    for (name, model) in
        [("ic", &cascade(0.5)), ("wc", &WEIGHTED_CASCADE), ("lt", &LINEAR_THRESHOLD)]
    {
        let exact = |what: &str, dynamics| {
            assert_exact(&format!("{name}, {what}"), &five, dynamics, model);
        };
        exact("conduct", conducted(plain.clone(), 0.6, 0.3));
        exact("firing", Dynamics { firing: Some(0.4), ..plain.clone() });
        exact("pushes", pushed(plain.clone(), &[(1, 0, 4), (3, 0, 2), (3, 0, 0)]));
        exact("constant delay", Dynamics { delay: Delay::Constant(3), ..plain.clone() });
        let table = Delay::Table(vec![1.0, 0.0, 3.0]);
        exact("delays by weight", Dynamics { delay: table, ..plain.clone() });
        let met = Dynamics { delay: Delay::Meeting(0.4), ..plain.clone() };
        let what = format!("{name}, meeting and deadline");
        assert_exact_until(&what, &diamond, met, model, Some(6));
        let cut_off = conducted(plain.clone(), 0.8, 0.5);
        assert_exact_until(&format!("{name}, cut off"), &five, cut_off, model, Some(2));
    }
}

/// What the columns of the nodes say of their arcs holds whatever nodes do.
#[test]
fn probabilities_by_the_nodes() {
    let nodes = NodeTable::default()
        .with_numbers("heard", [0.9, 0.5, 0.7, 1.0, 0.3])
        .with_numbers("listens", [0.2, 0.8, 1.0, 0.6, 0.9])
        .with_categories("country", ["at", "de", "", "de", "at"]);
    let five = five_nodes().with_nodes(nodes);
    let column = |name: &str| Some(name.to_owned());
    let factors = FactorColumns { influence: column("heard"), susceptibility: column("listens") };
    let to = |at, de| [("at".to_owned(), at), ("de".to_owned(), de)].into();
    let matrix = SegmentMatrix {
        segment: "country".to_owned(),
        default: 0.4,
        from: [("at".to_owned(), to(0.7, 0.2)), ("de".to_owned(), to(0.1, 0.9))].into(),
    };
    for (name, probability) in [
        ("factors", ArcProbability::Factors(factors)),
        ("segments", ArcProbability::Segments(matrix)),
        ("1.2/in-degree", ArcProbability::OverInDegree(1.2)),
    ] {
        let model = &LiveArcModel::IndependentCascade(probability);
        let what = |of: &str| format!("{name}, {of}");
        assert_exact(&what("plain"), &five, Dynamics::default(), model);
        assert_exact(&what("conduct"), &five, conducted(Dynamics::default(), 0.7, 0.4), model);
        assert_exact(&what("sir"), &five, epidemic(None, 0.5, I::Lasting), model);
        assert_exact(&what("opinion"), &five, opinion(0.8), model);
        let two = pushed(waiting(R::Count(2)), &[(1, 0, 2)]);
        assert_exact(&what("threshold"), &five, two, model);
    }
}

/// What the chain says of a plain rule is what is enumerated elsewhere; here it says that the plain
/// kernels agree with it, too.
#[test]
fn plain_cascades() {
    for model in [&cascade(0.5), &WEIGHTED_CASCADE, &LINEAR_THRESHOLD] {
        let dynamics = Dynamics::default();
        assert_eq!(dynamics.rule, NodeRule::default());
        assert_exact(&format!("{model:?}"), &five_nodes(), dynamics, model);
    }
}
