//! The models that others become in the limit: bit for bit where the coins are the same, else in
//! distribution.

use kaskade_model::coin::Family;
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::dynamics::{Conduct, Delay, Dynamics, Immunity, Push, Requirement, Tie};
use kaskade_model::job::JobPlan;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_testkit::accept::{Estimate, assert_same_mean};
use kaskade_testkit::fixtures;
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run_as};

use super::{
    FAMILIES, LINEAR_THRESHOLD, WEIGHTED_CASCADE, campaigns, cascade, epidemic, opinion, waiting,
};

/// What happened, without what else was measured.
fn activations(rows: Vec<SimulationRow>) -> Vec<SimulationRow> {
    rows.into_iter().map(|row| SimulationRow { series: Vec::new(), ..row }).collect()
}

/// The rows of `dynamics` on one graph for all, from `seeds`.
fn rows(
    dynamics: &Dynamics,
    model: &LiveArcModel,
    seeds: SeedPlan,
    coins: Family,
    n_simulations: u64,
) -> Vec<SimulationRow> {
    let graph = fixtures::erdos_renyi(300, 6.0, 1);
    let dynamics = dynamics.clone();
    let plan = JobPlan { dynamics, coins, ..plan(&graph, model.clone(), seeds, n_simulations) };
    activations(run_as(&graph, &plan, Layout::new(3, 2, 2)))
}

/// All that changes nothing: the plain cascade with the same coins, bit for bit.
#[test]
fn what_changes_nothing_is_the_plain_cascade() {
    let plain = Dynamics::default();
    let delayed = |delay| Dynamics { delay, ..Dynamics::default() };
    let conduct = Conduct { forward: Some(1.0), endorse: Some(1.0), ..Conduct::default() };
    let none = Push { round: 0, side: 1, seeds: fixed_seeds([]) };
    let cases = [
        ("quality 1", opinion(1.0)),
        ("quality 0", opinion(0.0)),
        ("quality 0.5", opinion(0.5)),
        ("forward and endorse 1", Dynamics { conduct, ..plain.clone() }),
        ("delay 1", delayed(Delay::Constant(1))),
        ("meeting 1", delayed(Delay::Meeting(1.0))),
        ("a table of one round", delayed(Delay::Table(vec![3.0]))),
        ("firing 1", Dynamics { firing: Some(1.0), ..plain.clone() }),
        ("a rival without seeds", Dynamics { pushes: vec![none], ..campaigns(1, Tie::Random) }),
        ("a count of 1", waiting(Requirement::Count(1))),
        ("a share of 0", waiting(Requirement::Share(0.0))),
    ];
    for coins in FAMILIES {
        for model in [&cascade(0.25), &WEIGHTED_CASCADE, &LINEAR_THRESHOLD] {
            for seeds in [fixed_seeds([0, 7]), SeedPlan::RandomEach(3)] {
                let of = |dynamics: &Dynamics| rows(dynamics, model, seeds.clone(), coins, 600);
                let expected = of(&plain);
                assert!(expected.iter().any(|row| row.spread() > 20), "something happens");
                for (what, dynamics) in &cases {
                    assert!(!dynamics.is_plain(), "{what} goes another way");
                    assert!(of(dynamics) == expected, "{what}: {model:?}, {coins:?}, {seeds:?}");
                }
            }
        }
    }
}

/// Who follows does not depend on whom: rivals together reach what one campaign would.
#[test]
fn rivals_together_are_one_cascade_from_all_seeds() {
    for coins in FAMILIES {
        for tie in [Tie::Random, Tie::First] {
            let push = |side, node| Push { round: 0, side, seeds: fixed_seeds([node]) };
            let rivals = Dynamics { pushes: vec![push(1, 7), push(2, 9)], ..campaigns(2, tie) };
            let together = rows(&rivals, &cascade(0.25), fixed_seeds([0]), coins, 600);
            let alone =
                rows(&Dynamics::default(), &cascade(0.25), fixed_seeds([0, 7, 9]), coins, 600);
            assert!(together == alone, "{tie:?}, {coins:?}");
        }
    }
}

/// A constant delay stretches time and nothing else.
#[test]
fn a_constant_delay_stretches_time() {
    let delayed = Dynamics { delay: Delay::Constant(3), ..Dynamics::default() };
    let of = |dynamics| rows(dynamics, &cascade(0.25), fixed_seeds([0]), Family::Octet, 600);
    for (slow, fast) in of(&delayed).iter().zip(of(&Dynamics::default())) {
        let every_third: Vec<u64> = slow.new_per_round.iter().copied().step_by(3).collect();
        assert_eq!(every_third, fast.new_per_round);
        assert_eq!(slow.spread(), fast.spread());
    }
}

#[track_caller]
fn assert_same_growth(what: &str, found: &[SimulationRow], expected: &[SimulationRow]) {
    let spread = |rows: &[SimulationRow]| Estimate::of_counts(rows.iter().map(|row| row.spread()));
    assert_same_mean(&format!("{what}, spread"), spread(found), spread(expected));
    for round in 0..8 {
        let new = |rows: &[SimulationRow]| {
            let of = |row: &SimulationRow| row.new_per_round.get(round).copied().unwrap_or(0);
            Estimate::of_counts(rows.iter().map(of))
        };
        assert_same_mean(&format!("{what}, round {round}"), new(found), new(expected));
    }
}

/// Its coins are of rounds, so it is the same in distribution, and not bit for bit.
#[test]
fn sir_with_recovery_1_is_a_cascade_in_distribution() {
    let sir = epidemic(None, 1.0, Immunity::Lasting);
    for coins in FAMILIES {
        for model in [&cascade(0.2), &WEIGHTED_CASCADE] {
            let of = |dynamics: &Dynamics| rows(dynamics, model, fixed_seeds([0]), coins, 1 << 15);
            let (found, expected) = (of(&sir), of(&Dynamics::default()));
            assert_same_growth(&format!("{model:?}, {coins:?}"), &found, &expected);
            assert!(found != expected, "the coins are of rounds");
        }
    }
}

/// Of d in-neighbours, j are enough with probability j/d, whether a threshold is drawn or the node
/// listens to one of them.
#[test]
fn a_uniform_share_is_linear_threshold_in_distribution() {
    let drawn = waiting(Requirement::UniformShare(0.0, 1.0));
    for coins in FAMILIES {
        let found = rows(&drawn, &cascade(1.0), fixed_seeds([0, 7]), coins, 1 << 15);
        let plain = Dynamics::default();
        let expected = rows(&plain, &LINEAR_THRESHOLD, fixed_seeds([0, 7]), coins, 1 << 15);
        assert_same_growth(&format!("{coins:?}"), &found, &expected);
    }
}
