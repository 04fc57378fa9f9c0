//! Nodes that wait, take sides or infect for many rounds, exactly: the joint states of all nodes of a
//! tiny graph as a Markov chain, whose probabilities are carried on from round to round.
//!
//! Shares neither coins nor code with the engine or the plain reference: nothing is drawn, every
//! outcome of a round is gone through with its probability.

mod contagion;
mod epidemic;

use std::collections::BTreeMap;

use kaskade_model::dynamics::NodeRule;
use kaskade_model::job::JobPlan;
use kaskade_model::seeds::SeedPlan;

use crate::ArcList;
use contagion::Contagion;
use epidemic::Epidemic;

/// What a job is expected to give, up to rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// By spread, 0 to n: its probability.
    pub spread: Vec<f64>,
    /// By round: the mean number of nodes that become active in it.
    pub new_per_round: Vec<f64>,
    /// For each of the dynamics' measures, by round: its mean.
    pub series: Vec<Vec<f64>>,
}

impl Expected {
    /// The expected spread σ.
    #[must_use]
    pub fn mean_spread(&self) -> f64 {
        (0u32..).zip(&self.spread).map(|(spread, chance)| f64::from(spread) * chance).sum()
    }
}

/// What `plan`, whose seeds are fixed, gives on `graph`. Exponential in nodes and arcs: for graphs of
/// about five nodes.
///
/// # Panics
/// For seeds that are drawn, and for trivalency.
#[must_use]
pub fn chain(graph: &ArcList, plan: &JobPlan) -> Expected {
    match plan.dynamics.rule {
        NodeRule::Epidemic(course) => evolve(&Epidemic::new(graph, plan, course), plan),
        NodeRule::Contagion(_) | NodeRule::Threshold(_) => {
            evolve(&Contagion::new(graph, plan), plan)
        }
    }
}

/// A chain whose states say all that the next round depends on.
trait Process {
    type State: Ord;

    /// Before round 0.
    fn start(&self) -> Vec<Chance<Self::State>>;

    /// Everything that may come of `state` in `round`.
    fn step(&self, round: u32, state: &Self::State) -> Vec<Chance<Outcome<Self::State>>>;

    /// Whether nothing more can happen after `round` unless seeds start.
    fn is_over(&self, state: &Self::State) -> bool;

    /// Nodes that were ever active.
    fn spread(&self, state: &Self::State) -> usize;
}

/// What may happen, with its probability.
type Chance<T> = (f64, T);

/// What came of a round.
struct Outcome<S> {
    state: S,
    /// Nodes that became active, then each measure.
    counted: Vec<f64>,
}

/// States that are rarer are not followed any further.
const NEGLIGIBLE: f64 = 1e-12;

fn evolve<P: Process>(process: &P, plan: &JobPlan) -> Expected {
    let last_push = plan.dynamics.pushes.iter().map(|push| push.round).max().unwrap_or(0);
    let mut expected = Expected {
        spread: vec![0.0; plan.n_nodes as usize + 1],
        new_per_round: Vec::new(),
        series: vec![Vec::new(); plan.dynamics.measures().len()],
    };
    let mut states = merged(process.start());
    for round in 0.. {
        let mut counted = vec![0.0; 1 + expected.series.len()];
        let mut next = Vec::new();
        for (state, before) in &states {
            for (chance, outcome) in process.step(round, state) {
                let chance = before * chance;
                counted.iter_mut().zip(&outcome.counted).for_each(|(sum, of)| *sum += chance * of);
                if process.is_over(&outcome.state) && round >= last_push {
                    expected.spread[process.spread(&outcome.state)] += chance;
                } else {
                    next.push((chance, outcome.state));
                }
            }
        }
        let by_round = std::iter::once(&mut expected.new_per_round).chain(&mut expected.series);
        by_round.zip(counted).for_each(|(by_round, number)| by_round.push(number));
        states = merged(next);
        if plan.max_rounds == Some(round) || states.values().sum::<f64>() < NEGLIGIBLE {
            break;
        }
    }
    for (state, chance) in &states {
        expected.spread[process.spread(state)] += chance;
    }
    expected
}

fn merged<S: Ord>(chances: Vec<Chance<S>>) -> BTreeMap<S, f64> {
    let mut sums = BTreeMap::new();
    for (chance, state) in chances.into_iter().filter(|(chance, _)| *chance > 0.0) {
        *sums.entry(state).or_insert(0.0) += chance;
    }
    sums
}

/// Every way to take one of each of `choices`, which are independent.
fn product<T: Clone>(choices: impl IntoIterator<Item = Vec<Chance<T>>>) -> Vec<Chance<Vec<T>>> {
    choices.into_iter().fold(vec![(1.0, Vec::new())], |ways, choice| {
        let possible = choice.iter().filter(|(chance, _)| *chance > 0.0);
        possible
            .flat_map(|(chance, taken)| {
                ways.iter().map(move |(before, way)| {
                    let way = way.iter().chain([taken]).cloned().collect();
                    (before * chance, way)
                })
            })
            .collect()
    })
}

/// The seeds of `round`, push by push: node, side, and the probability that it starts.
fn starters(plan: &JobPlan, round: u32) -> Vec<(u32, u8, f64)> {
    let first = (round == 0).then_some((0, &plan.seeds));
    let pushes = plan.dynamics.pushes.iter().filter(|push| push.round == round);
    let of_round = first.into_iter().chain(pushes.map(|push| (push.side, &push.seeds)));
    let chance = plan.dynamics.firing.unwrap_or(1.0);
    of_round
        .flat_map(|(side, seeds)| {
            let SeedPlan::Fixed(nodes) = seeds else { panic!("the chain has fixed seeds") };
            nodes.iter().map(move |node| (node, side, chance))
        })
        .collect()
}

#[cfg(test)]
mod tests;
