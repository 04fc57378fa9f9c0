//! Large random graphs: final sizes, chances of an outbreak, windows (`reference/peers.md` §7.2).

use kaskade_model::dynamics::{Dynamics, Immunity, Requirement};
use kaskade_model::job::JobPlan;
use kaskade_model::seeds::SeedPlan;
use kaskade_testkit::accept::{Estimate, assert_mean};
use kaskade_testkit::runs::{Layout, plan, run_as};
use kaskade_testkit::{fixtures, oracle};

use super::{cascade, epidemic, waiting};

const N_NODES: u32 = 4000;
const N_GRAPHS: u64 = 12;

/// A finite graph's giant component is a few nodes off the limit; see `tests/adversarial.rs`.
const OFF_THE_LIMIT_NODES: f64 = 8.0;

/// From one random seed: how often a tenth of the nodes is reached, and the share that is then.
fn outbreaks(mean_degree: f64, p: f64, dynamics: &Dynamics) -> (Estimate, Estimate) {
    let of_graph = |seed| {
        let graph = fixtures::erdos_renyi(N_NODES, mean_degree, seed);
        let plan = plan(&graph, cascade(p), SeedPlan::RandomEach(1), 1024);
        let plan = JobPlan { dynamics: dynamics.clone(), ..plan };
        let rows = run_as(&graph, &plan, Layout::new(2, 2, 2));
        let spreads = rows.iter().map(|row| row.spread());
        let large: Vec<u64> = spreads.filter(|&spread| spread > u64::from(N_NODES) / 10).collect();
        let mean_size = large.iter().sum::<u64>() as f64 / large.len().max(1) as f64;
        (large.len() as f64 / rows.len() as f64, mean_size / f64::from(N_NODES))
    };
    let (chances, sizes): (Vec<f64>, Vec<f64>) = (0..N_GRAPHS).map(of_graph).unzip();
    (Estimate::of(chances), Estimate::of(sizes))
}

#[track_caller]
fn assert_near_limit(what: &str, share: Estimate, limit: f64) {
    let off = OFF_THE_LIMIT_NODES / f64::from(N_NODES);
    assert_mean(what, share, share.mean.clamp(limit - off, limit + off));
}

/// The chance that an infection from one node of a large Poisson graph dies out not, where it
/// lasts a geometric number of rounds: 1 − Q with Q = E[exp(−c T(L) (1 − Q))],
/// T(L) = 1 − (1 − β)^L. All arcs of a node share its L, so this is less than the attack rate.
fn epidemic_probability(mean_degree: f64, contact: f64, recovery: f64) -> f64 {
    let lasts = |rounds: i32| recovery * (1.0 - recovery).powi(rounds - 1);
    let step = |chance: f64| {
        let dies = (1..400).map(|rounds| {
            let crosses = 1.0 - (1.0 - contact).powi(rounds);
            lasts(rounds) * (-mean_degree * crosses * chance).exp()
        });
        1.0 - dies.sum::<f64>()
    };
    (0..10_000).fold(1.0, |chance, _| step(chance))
}

/// Where all are infectious for one round, attack rate and chance are the same S(c·β).
#[test]
fn sir_with_recovery_1_has_the_size_of_the_giant_component() {
    let sir = epidemic(None, 1.0, Immunity::Lasting);
    for (mean_degree, contact) in [(4.0, 0.5), (4.0, 0.375), (3.0, 1.0)] {
        let truth = oracle::giant_component(mean_degree * contact);
        let (chance, size) = outbreaks(mean_degree, contact, &sir);
        assert_near_limit(&format!("{mean_degree} × {contact}, chance"), chance, truth);
        assert_near_limit(&format!("{mean_degree} × {contact}, size"), size, truth);
    }
}

/// With recoveries drawn, the infectious period is shared by a node's arcs: as many are infected
/// as in a cascade with the same chance of crossing, but in fewer outbreaks. Incubation changes
/// neither.
#[test]
fn sir_has_fewer_outbreaks_than_its_attack_rate() {
    let (mean_degree, contact, recovery) = (4.0, 0.2, 0.25);
    let crosses = contact / (1.0 - (1.0 - contact) * (1.0 - recovery));
    let attack = oracle::giant_component(mean_degree * crosses);
    let probability = epidemic_probability(mean_degree, contact, recovery);
    assert!(attack - probability > 0.05, "{attack} and {probability} can be told apart");
    for (what, incubation) in [("sir", None), ("seir", Some(0.5))] {
        let dynamics = epidemic(incubation, recovery, Immunity::Lasting);
        let (chance, size) = outbreaks(mean_degree, contact, &dynamics);
        assert_near_limit(&format!("{what}, chance"), chance, probability);
        assert_near_limit(&format!("{what}, attack rate"), size, attack);
    }
}

/// The chance that one seed starts a global cascade among Poisson degrees of mean z under Watts'
/// share: some neighbour leads to infinitely many vulnerable nodes, whom a single neighbour is
/// enough for: those of at most `most_vulnerable` neighbours.
fn watts_trigger(z: f64, most_vulnerable: u32) -> f64 {
    let poisson = |k: u32| (1..=k).fold((-z).exp(), |p, i| p * z / f64::from(i));
    // A neighbour has k − 1 other neighbours with the Poisson probability of k − 1.
    let step = |leads_nowhere: f64| {
        let leads = (1..=most_vulnerable)
            .map(|degree| poisson(degree - 1) * (1.0 - leads_nowhere.powf(f64::from(degree - 1))));
        1.0 - leads.sum::<f64>()
    };
    let leads_nowhere = (0..10_000).fold(0.0, |u, _| step(u));
    1.0 - (-z * (1.0 - leads_nowhere)).exp()
}

/// Global cascades for mean degrees z in (1.02, 5.77) at a share of 0.18 (Watts, PNAS 2002).
#[test]
fn watts_window() {
    let share = waiting(Requirement::Share(0.18));
    for z in [2.0, 3.0, 4.0] {
        let (chance, size) = outbreaks(z, 1.0, &share);
        let truth = watts_trigger(z, 5);
        assert_near_limit(&format!("z = {z}, chance"), chance, truth);
        assert!(size.mean > 0.75, "z = {z}: a global cascade reaches nearly all, {size:?}");
    }
    for z in [0.9, 8.0] {
        assert!(watts_trigger(z, 5) < 1e-3, "z = {z} lies outside of the window");
        let (chance, _) = outbreaks(z, 1.0, &share);
        assert!(chance.mean < 0.001, "z = {z}: {chance:?}");
    }
}
