//! Closed forms on paths and complete graphs (`reference/peers.md` §7.3).

use kaskade_model::dynamics::{Conduct, Delay, Dynamics, Immunity, Push};
use kaskade_model::job::JobPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run_as};
use kaskade_testkit::{ArcList, fixtures, oracle};

use super::{cascade, epidemic, opinion};

const SIMULATIONS: u64 = 1 << 17;

fn rows(
    graph: &ArcList,
    probability: f64,
    dynamics: Dynamics,
    max_rounds: Option<u32>,
) -> Vec<SimulationRow> {
    let plan = plan(graph, cascade(probability), fixed_seeds([0]), SIMULATIONS);
    run_as(graph, &JobPlan { dynamics, max_rounds, ..plan }, Layout::new(1, 2, 2))
}

fn spread(rows: &[SimulationRow]) -> Estimate {
    Estimate::of_counts(rows.iter().map(SimulationRow::spread))
}

fn measured(rows: &[SimulationRow], place: usize) -> Estimate {
    Estimate::of_counts(rows.iter().map(|row| row.series[place].iter().sum()))
}

/// Σ_d p^d P(Bin(τ, m) ≥ d): the d-th node follows in time where d meetings came within τ rounds.
fn met_in_time(n_nodes: u32, p: f64, meeting: f64, deadline: u32) -> f64 {
    let mut met = vec![0.0; deadline as usize + 1];
    met[0] = 1.0;
    for _ in 0..deadline {
        for count in (1..met.len()).rev() {
            met[count] = met[count] * (1.0 - meeting) + met[count - 1] * meeting;
        }
        met[0] *= 1.0 - meeting;
    }
    let at_least = |d: u32| met.iter().skip(d as usize).sum::<f64>();
    (0..n_nodes).map(|d| p.powf(f64::from(d)) * at_least(d)).sum()
}

#[test]
fn meetings_and_a_deadline_on_a_path() {
    let published = [
        (0, 1.0),
        (1, 1.25),
        (2, 1.4375),
        (3, 1.578125),
        (5, 1.762695),
        (10, 1.943686),
        (20, 1.995972),
    ];
    for (deadline, digits) in published {
        let truth = met_in_time(10, 0.5, 0.5, deadline);
        assert!((truth - digits).abs() < 6e-7, "{truth} is not {digits}");
        let met = Dynamics { delay: Delay::Meeting(0.5), ..Dynamics::default() };
        let rows = rows(&fixtures::path(10), 0.5, met, Some(deadline));
        assert_mean(&format!("deadline {deadline}"), spread(&rows), truth);
    }
}

/// Positive Σ q^(d+1) p^d, active Σ p^d: a good word survives d + 1 nodes on its way.
#[test]
fn a_good_word_on_a_path() {
    let (p, q) = (0.5, 0.9);
    let rows = rows(&fixtures::path(30), p, opinion(q), None);
    let powers = |base: f64| (0..30).map(|d| base.powi(d)).sum::<f64>();
    let positive = q * powers(p * q);
    assert!((positive - 1.636364).abs() < 1e-6, "{positive} is not the published one");
    assert_mean("active", spread(&rows), powers(p));
    assert_mean("positive", measured(&rows, 0), positive);
    assert_mean("negative", measured(&rows, 1), powers(p) - positive);
}

/// On a path a node that does not forward ends it: p·f takes the place of p, but for the seed's.
#[test]
fn those_who_forward_and_those_who_endorse_on_a_path() {
    let (p, forward, endorse) = (0.6, 0.5, 0.25);
    let conduct = Conduct { forward: Some(forward), endorse: Some(endorse) };
    let rows = rows(&fixtures::path(30), p, Dynamics { conduct, ..Dynamics::default() }, None);
    let truth = 1.0 + p * oracle::path(29, p * forward);
    assert_mean("spread", spread(&rows), truth);
    assert_mean("forwarded", measured(&rows, 0), 1.0 + (truth - 1.0) * forward);
    assert_mean("endorsed", measured(&rows, 1), truth * endorse);
}

/// Infectious for one round each, contacts between all pairs: Reed and Frost's chain.
#[test]
fn reed_frost_is_sir_with_recovery_1() {
    for (n_nodes, p) in [(4, 0.5), (10, 0.1), (10, 0.2), (50, 0.02)] {
        let sir = epidemic(None, 1.0, Immunity::Lasting);
        let rows = rows(&fixtures::complete(n_nodes), p, sir, None);
        assert_mean(&format!("K{n_nodes}, {p}"), spread(&rows), oracle::reed_frost(n_nodes, p));
        let infections = measured(&rows, 0);
        assert_eq!(infections, spread(&rows), "each node once");
    }
}

/// An SIR infection crosses an arc with probability β / (1 − (1 − β)(1 − γ)): on a path that is
/// the p of a cascade. Each node is infectious for 1/γ rounds.
#[test]
fn sir_on_a_path() {
    let (contact, recovery) = (0.2f64, 0.3f64);
    let crosses = contact / (1.0 - (1.0 - contact) * (1.0 - recovery));
    let rows =
        rows(&fixtures::path(20), contact, epidemic(None, recovery, Immunity::Lasting), None);
    let truth = oracle::path(20, crosses);
    assert_mean("spread", spread(&rows), truth);
    assert_mean("rounds of infectiousness", measured(&rows, 1), truth / recovery);
}

/// Two paths side by side, the second begun five rounds later: two cascades, one count.
#[test]
fn two_pushes_on_two_paths() {
    let graph = ArcList::new(24, (1..24).filter(|&node| node != 12).map(|node| (node - 1, node)));
    let push = Push { round: 5, side: 0, seeds: fixed_seeds([12]) };
    let pushed = Dynamics { pushes: vec![push], ..Dynamics::default() };
    let rows = rows(&graph, 0.5, pushed, None);
    assert_mean("spread", spread(&rows), 2.0 * oracle::path(12, 0.5));
    for round in 0..10 {
        let new = rows.iter().map(|row| row.new_per_round.get(round).copied().unwrap_or(0));
        let first = 0.5f64.powi(round as i32);
        let second = if round < 5 { 0.0 } else { 0.5f64.powi(round as i32 - 5) };
        assert_mean(&format!("round {round}"), Estimate::of_counts(new), first + second);
    }
}
