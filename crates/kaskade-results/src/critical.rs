//! The smallest push that is enough: a bisection on common random numbers.
//!
//! A push is a number of seeds, or of steps of a probability. All of them are simulated with the same
//! coins, so that in models whose cascades only gain by a larger push every simulation does, and with
//! it every mean and share: then bisecting finds what trying every push would. `docs/sweeps.md` says
//! for which models that holds, and what the interval means.

use std::ops::RangeInclusive;

use kaskade_model::normal::two_sided;
use serde::Serialize;

use crate::estimate::Moments;
use crate::outbreak::wilson;

/// What a push has to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Goal {
    /// So many nodes on average.
    Mean {
        /// The nodes.
        nodes: f64,
    },
    /// So many nodes in a share of all cascades.
    Chance {
        /// The nodes.
        nodes: u64,
        /// The share.
        chance: f64,
    },
}

/// What the cascades of one push say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// The push.
    pub push: u64,
    /// The mean spread, or the share of cascades.
    pub value: f64,
    /// The interval of its expected value.
    pub interval: [f64; 2],
    /// Whether the value reaches the goal.
    pub is_enough: bool,
    /// Whether the interval's lower end does.
    pub is_surely_enough: bool,
    /// Whether the interval's upper end does.
    pub may_be_enough: bool,
}

impl Evaluation {
    /// What `spreads`, at least two and in any order, say of `goal`. O(simulations).
    #[must_use]
    pub fn of(push: u64, spreads: &[u64], goal: Goal, confidence: f64) -> Self {
        let margin = two_sided(1.0 - confidence);
        let (value, interval, aim) = match goal {
            Goal::Mean { nodes } => {
                let moments = Moments::of(spreads);
                let (mean, n) = (moments.mean(), spreads.len() as f64);
                let deviation = moments.standard_deviation().unwrap_or(f64::INFINITY);
                let error = margin * deviation / n.sqrt();
                (mean, [mean - error, mean + error], nodes)
            }
            Goal::Chance { nodes, chance } => {
                let n = spreads.len() as u64;
                let reached = spreads.iter().filter(|&&spread| spread >= nodes).count() as u64;
                (reached as f64 / n as f64, wilson(reached, n, margin), chance)
            }
        };
        let [is_surely_enough, is_enough, may_be_enough] =
            [interval[0], value, interval[1]].map(|found| found >= aim);
        Self { push, value, interval, is_enough, is_surely_enough, may_be_enough }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct CriticalPush {
    /// The pushes that were tried, in the order in which they were.
    pub evaluations: Vec<Evaluation>,
    /// The smallest push whose value reaches the goal; none if the largest does not.
    pub estimate: Option<u64>,
    /// The smallest push whose interval does not rule the goal out.
    pub low: Option<u64>,
    /// The smallest push whose interval leaves no doubt.
    pub high: Option<u64>,
}

impl CriticalPush {
    /// Searches `pushes`, where `evaluate` gives more for more. At most 5 log₂(pushes) + 3
    /// evaluations, each push at most once.
    ///
    /// # Errors
    /// Those of `evaluate`.
    pub fn search<E>(
        pushes: RangeInclusive<u64>,
        evaluate: impl FnMut(u64) -> Result<Evaluation, E>,
    ) -> Result<Self, E> {
        let mut search = Search { pushes, evaluate, tried: Vec::new() };
        // The estimate first: the other two lie around it.
        let estimate = search.smallest(|found| found.is_enough)?;
        let low = search.smallest(|found| found.may_be_enough)?;
        let high = search.smallest(|found| found.is_surely_enough)?;
        Ok(Self { evaluations: search.tried, estimate, low, high })
    }

    /// Whether more push never gave less among the pushes that were tried.
    #[must_use]
    pub fn is_ascending(&self) -> bool {
        let mut sorted: Vec<_> = self.evaluations.iter().map(|e| (e.push, e.value)).collect();
        sorted.sort_by_key(|&(push, _)| push);
        sorted.windows(2).all(|two| two[0].1 <= two[1].1)
    }
}

struct Search<F> {
    pushes: RangeInclusive<u64>,
    evaluate: F,
    /// A few dozen at most.
    tried: Vec<Evaluation>,
}

impl<E, F: FnMut(u64) -> Result<Evaluation, E>> Search<F> {
    fn at(&mut self, push: u64) -> Result<Evaluation, E> {
        if let Some(found) = self.tried.iter().find(|found| found.push == push) {
            return Ok(*found);
        }
        let found = (self.evaluate)(push)?;
        self.tried.push(found);
        Ok(found)
    }

    /// The smallest push for which `is_enough`: from what is known, by doubling, then by halving.
    fn smallest(&mut self, is_enough: fn(&Evaluation) -> bool) -> Result<Option<u64>, E> {
        let (first, last) = (*self.pushes.start(), *self.pushes.end());
        let known = |is: bool| self.tried.iter().filter(move |&found| is_enough(found) == is);
        let mut enough = known(true).map(|found| found.push).min();
        let mut too_little = known(false).map(|found| found.push).max();
        while enough.is_none() {
            let next = too_little.map_or(first, |push| push.saturating_mul(2).min(last));
            if too_little == Some(last) {
                return Ok(None);
            }
            match is_enough(&self.at(next)?) {
                true => enough = Some(next),
                false => too_little = Some(next),
            }
        }
        let mut high = enough.unwrap_or(last);
        // Below the first push nothing is tried.
        let mut low = too_little.map_or(first - 1, |push| push.min(high - 1));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match is_enough(&self.at(middle)?) {
                true => high = middle,
                false => low = middle,
            }
        }
        Ok(Some(high))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Spreads that grow with the push, simulation by simulation.
    fn spreads(gains: &[Vec<u64>], push: u64) -> Vec<u64> {
        gains.iter().map(|gains| gains[..push as usize].iter().sum()).collect()
    }

    proptest! {
        #[test]
        fn bisecting_finds_what_trying_every_push_does(
            gains in prop::collection::vec(prop::collection::vec(0_u64..4, 60), 2..40),
            nodes in 1_u64..120,
            chance in prop::option::of(0.05_f64..1.0),
        ) {
            let goal = match chance {
                Some(chance) => Goal::Chance { nodes, chance },
                None => Goal::Mean { nodes: nodes as f64 },
            };
            let all: Vec<_> =
                (1..=60).map(|push| Evaluation::of(push, &spreads(&gains, push), goal, 0.95)).collect();
            let mut n_evaluations = 0;
            let found = CriticalPush::search(1..=60, |push| {
                n_evaluations += 1;
                Ok::<_, Infallible>(all[push as usize - 1])
            }).unwrap();
            prop_assert_eq!(n_evaluations, found.evaluations.len());
            prop_assert!(n_evaluations <= 33);
            prop_assert!(found.is_ascending());
            let first = |is: fn(&Evaluation) -> bool| {
                all.iter().find(|found| is(found)).map(|found| found.push)
            };
            prop_assert_eq!(found.estimate, first(|found| found.is_enough));
            if chance.is_some() {
                // The ends of a share's interval grow with the share.
                prop_assert_eq!(found.low, first(|found| found.may_be_enough));
                prop_assert_eq!(found.high, first(|found| found.is_surely_enough));
            }
            prop_assert!(found.low <= found.estimate || found.estimate.is_none());
        }
    }

    #[test]
    fn what_nothing_achieves_is_not_found() {
        let goal = Goal::Mean { nodes: 100.0 };
        let mut pushes = Vec::new();
        let found = CriticalPush::search(1..=40, |push| {
            pushes.push(push);
            Ok::<_, Infallible>(Evaluation::of(push, &[push, push], goal, 0.95))
        });
        let found = found.unwrap();
        assert_eq!((found.estimate, found.low, found.high), (None, None, None));
        assert_eq!(pushes, [1, 2, 4, 8, 16, 32, 40]);
        let easy = Goal::Chance { nodes: 1, chance: 0.5 };
        let found = CriticalPush::search(1..=40, |push| {
            Ok::<_, Infallible>(Evaluation::of(push, &[push; 50], easy, 0.95))
        });
        assert_eq!(found.unwrap().evaluations.len(), 1);
    }
}
