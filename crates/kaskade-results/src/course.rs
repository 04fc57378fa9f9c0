//! When cascades do what: the round of the peak, and how soon a share of the reach is there.

use serde::{Deserialize, Serialize};

use crate::estimate::{Quantiles, mean};
use crate::sample::Sample;

/// Shares of a simulation's own final spread, in percent.
const SHARES: [u64; 3] = [50, 90, 99];

/// The course of a job's cascades.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Course {
    /// The round in which most nodes followed, the earliest of several; 0 where nobody did.
    pub peak_round: Figure,
    /// The nodes that followed in it.
    pub peak_new: Figure,
    /// By which round a simulation had reached a share of its own final spread.
    pub time_to: Vec<TimeTo>,
}

/// How soon a share is reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeTo {
    /// The share of the final spread, in (0, 1).
    pub share: f64,
    /// The first round by whose end it is reached.
    pub rounds: Figure,
}

/// Mean and quantiles of a figure that each simulation has.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Figure {
    /// The mean over all simulations.
    pub mean: f64,
    /// The quantiles.
    pub quantiles: Quantiles,
}

impl Figure {
    /// O(values · log values).
    pub(crate) fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let sum = values.iter().map(|&value| u128::from(value)).sum();
        Self {
            mean: mean(sum, values.len() as u64),
            quantiles: Quantiles::by_rank(values.len(), |rank| values[rank - 1]),
        }
    }
}

impl Course {
    /// The course of `sample`. O(activation counts + simulations · log simulations).
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        let n = sample.simulations.len();
        let (mut peak_round, mut peak_new) = (vec![0; n], vec![0; n]);
        let mut reached = SHARES.map(|_| vec![0; n]);
        let mut totals = vec![0_u64; n];
        let mut alive: Vec<usize> = (0..n).collect();
        for (round, new_in_round) in (0_u64..).zip(&sample.new_by_round) {
            for (&idx, &new) in alive.iter().zip(new_in_round) {
                if round > 0 && new > peak_new[idx] {
                    (peak_round[idx], peak_new[idx]) = (round, new);
                }
                let (before, spread) = (totals[idx], sample.spreads[idx]);
                totals[idx] += new;
                for (reached, percent) in reached.iter_mut().zip(SHARES) {
                    let goal = percent * spread;
                    if 100 * before < goal && 100 * totals[idx] >= goal {
                        reached[idx] = round;
                    }
                }
            }
            alive.retain(|&idx| u64::from(sample.rounds[idx]) > round);
        }
        let time_to = SHARES.into_iter().zip(reached).map(|(percent, rounds)| TimeTo {
            share: percent as f64 / 100.0,
            rounds: Figure::of(rounds),
        });
        Self {
            peak_round: Figure::of(peak_round),
            peak_new: Figure::of(peak_new),
            time_to: time_to.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    #[test]
    fn a_hand_made_course() {
        let course = Course::of(&fixture::sample(&[&[2, 10, 10, 5], &[2], &[2, 3, 95]]));
        assert_eq!(course.peak_round.quantiles, Quantiles { p05: 0, p50: 1, p95: 2 });
        assert_eq!(course.peak_new.mean, (10.0 + 0.0 + 95.0) / 3.0);
        // Half of 27 by round 2, of 2 by round 0, of 100 by round 2.
        assert_eq!(course.time_to[0].rounds.mean, 4.0 / 3.0);
        // 99 % of 27 by round 3, of 2 by round 0, of 100 by round 2.
        assert_eq!(course.time_to[2].rounds.mean, 5.0 / 3.0);
    }

    proptest! {
        #[test]
        fn the_course_equals_its_definition(
            rows in prop::collection::vec(prop::collection::vec(1_u64..9, 1..8), 1..40),
        ) {
            let slices: Vec<_> = rows.iter().map(Vec::as_slice).collect();
            let course = Course::of(&fixture::sample(&slices));
            let peak = |row: &Vec<u64>| {
                let most = row.iter().skip(1).max();
                most.map_or(0, |most| 1 + row.iter().skip(1).position(|new| new == most).unwrap())
            };
            let n = rows.len() as f64;
            let mean_peak = rows.iter().map(peak).sum::<usize>() as f64 / n;
            prop_assert_eq!(course.peak_round.mean, mean_peak);
            for found in course.time_to {
                let time = |row: &Vec<u64>| {
                    let spread = row.iter().sum::<u64>() as f64;
                    let total = |end: usize| row[..=end].iter().sum::<u64>() as f64;
                    (0..row.len()).find(|&end| total(end) >= found.share * spread).unwrap()
                };
                let expected = rows.iter().map(time).sum::<usize>() as f64 / n;
                prop_assert_eq!(found.rounds.mean, expected);
            }
        }
    }
}
