//! The growth curve: how many nodes are active after each round.

mod extinct;
mod reproduction;

use kaskade_model::dynamics::Measure;
use kaskade_model::spec::Spec;
use serde::{Deserialize, Serialize};

use crate::estimate::{Quantiles, mean};
use crate::sample::Sample;
use extinct::ExtinctSpreads;
use reproduction::reproduction;

/// A round of the growth curve, over all simulations: one that is extinct has no new
/// activation and keeps its total.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GrowthRound {
    /// The round; the seeds are active in round 0.
    pub round: u32,
    /// The mean number of nodes that became active in it.
    pub mean_new: f64,
    /// The mean number of nodes active by its end.
    pub mean_total: f64,
    /// Quantiles of the number of nodes active by its end.
    pub quantiles_total: Quantiles,
    /// Quantiles of the number of nodes that became active in it.
    #[serde(default)]
    pub quantiles_new: Quantiles,
    /// The effective reproduction number, over all simulations together: nodes that became active
    /// in the next round for each one that did in this; in an epidemic the infections that an
    /// infectious node causes until it recovers. `null` in the last round, before later seeds
    /// start, and where messages are under way for more than a round.
    #[serde(default)]
    pub reproduction_number: Option<f64>,
}

/// A simulation that still activates nodes.
struct Alive {
    simulation_idx: usize,
    total: u64,
}

/// The growth curve of `sample`, a job of `spec` that counted `measures`, up to the last round of
/// its longest simulation.
///
/// O(E log E) for E activation counts, however long the longest simulation is: a round
/// costs as much as it has simulations alive, and those extinct are only looked up.
#[must_use]
pub fn growth(sample: &Sample, spec: &Spec, measures: &[Measure]) -> Vec<GrowthRound> {
    let n_simulations = sample.simulations.len();
    let mut alive: Vec<_> =
        (0..n_simulations).map(|simulation_idx| Alive { simulation_idx, total: 0 }).collect();
    let mut extinct = ExtinctSpreads::new(&sample.sorted_spreads);
    let mut alive_totals = Vec::with_capacity(n_simulations);
    let mut scratch = Vec::with_capacity(n_simulations);
    let mut sum_of_totals = 0_u128;
    let mut curve: Vec<GrowthRound> = Vec::with_capacity(sample.new_by_round.len());
    let numbers = reproduction(sample, spec, measures);
    for ((round, new_in_round), number) in (0..).zip(&sample.new_by_round).zip(numbers) {
        let sum_of_new = new_in_round.iter().map(|&new| u128::from(new)).sum();
        sum_of_totals += sum_of_new;
        alive.iter_mut().zip(new_in_round).for_each(|(cascade, new)| cascade.total += new);
        alive_totals.clear();
        alive_totals.extend(alive.iter().map(|cascade| cascade.total));
        alive_totals.sort_unstable();
        curve.push(GrowthRound {
            round,
            mean_new: mean(sum_of_new, sample.n_simulations()),
            mean_total: mean(sum_of_totals, sample.n_simulations()),
            quantiles_total: Quantiles::by_rank(n_simulations, |rank| {
                extinct.smallest_in_union(&alive_totals, rank)
            }),
            quantiles_new: quantiles_of_new(new_in_round, n_simulations, &mut scratch),
            reproduction_number: number,
        });
        alive.retain(|cascade| {
            let goes_on = sample.rounds[cascade.simulation_idx] > round;
            if !goes_on {
                extinct.insert(cascade.total);
            }
            goes_on
        });
    }
    curve
}

/// The quantiles over `n_simulations`, of which those not among `new_in_round` have none.
fn quantiles_of_new(
    new_in_round: &[u64],
    n_simulations: usize,
    scratch: &mut Vec<u64>,
) -> Quantiles {
    scratch.clear();
    scratch.extend(new_in_round);
    let n_extinct = n_simulations - new_in_round.len();
    Quantiles::by_rank(n_simulations, |rank| match rank.checked_sub(n_extinct + 1) {
        Some(idx) => *scratch.select_nth_unstable(idx).1,
        None => 0,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    /// The curve of a plain cascade.
    fn growth(sample: &Sample) -> Vec<GrowthRound> {
        super::growth(sample, &fixture::record().spec, &[])
    }

    #[test]
    fn totals_carry_on_after_extinction() {
        let curve = growth(&fixture::sample(&[&[2, 10, 5], &[2], &[2, 3], &[2, 30, 100, 1]]));
        let means: Vec<_> = curve.iter().map(|r| (r.round, r.mean_new, r.mean_total)).collect();
        assert_eq!(means, [(0, 2.0, 2.0), (1, 10.75, 12.75), (2, 26.25, 39.0), (3, 0.25, 39.25)]);
        // By round: {2,2,2,2}, {2,5,12,32}, {2,5,17,132}, {2,5,17,133}.
        let quantiles: Vec<_> = curve.iter().map(|r| r.quantiles_total).collect();
        let expected = [(2, 2, 2), (2, 5, 32), (2, 5, 132), (2, 5, 133)];
        assert_eq!(quantiles, expected.map(|(p05, p50, p95)| Quantiles { p05, p50, p95 }));
    }

    proptest! {
        #[test]
        fn the_curve_equals_its_definition(
            rows in prop::collection::vec(prop::collection::vec(0_u64..9, 1..8), 1..60),
        ) {
            let slices: Vec<_> = rows.iter().map(Vec::as_slice).collect();
            let curve = growth(&fixture::sample(&slices));
            prop_assert_eq!(curve.len(), rows.iter().map(Vec::len).max().unwrap());
            for (round, found) in curve.iter().enumerate() {
                let totals: Vec<u64> =
                    rows.iter().map(|row| row.iter().take(round + 1).sum()).collect();
                let new: u64 = rows.iter().filter_map(|row| row.get(round)).sum();
                let n = rows.len() as f64;
                prop_assert_eq!(found.round as usize, round);
                prop_assert_eq!(found.mean_new, new as f64 / n);
                prop_assert_eq!(found.mean_total, totals.iter().sum::<u64>() as f64 / n);
                let quantiles = found.quantiles_total;
                prop_assert_eq!(quantiles.p05, fixture::quantile(&totals, 5));
                prop_assert_eq!(quantiles.p50, fixture::quantile(&totals, 50));
                prop_assert_eq!(quantiles.p95, fixture::quantile(&totals, 95));
                let new_of = |round: usize| -> Vec<u64> {
                    rows.iter().map(|row| row.get(round).copied().unwrap_or(0)).collect()
                };
                let quantiles = found.quantiles_new;
                prop_assert_eq!(quantiles.p05, fixture::quantile(&new_of(round), 5));
                prop_assert_eq!(quantiles.p50, fixture::quantile(&new_of(round), 50));
                prop_assert_eq!(quantiles.p95, fixture::quantile(&new_of(round), 95));
                let next = new_of(round + 1).iter().sum::<u64>() as f64;
                let is_defined = round + 1 < curve.len() && new > 0;
                prop_assert_eq!(found.reproduction_number, is_defined.then(|| next / new as f64));
            }
        }
    }
}
