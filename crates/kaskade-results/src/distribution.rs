//! How the spreads are spread: a histogram on a logarithmic scale.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;

/// Bins, at most.
const MAX_BINS: usize = 32;

/// Spreads that are close to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadBin {
    /// The smallest spread of the bin.
    pub from: u64,
    /// The largest.
    pub to: u64,
    /// Simulations in it.
    pub simulations: u64,
}

/// The spreads of `sample` in up to 32 bins that tile the range from the smallest to the largest
/// evenly on a logarithmic scale. O(bins · log simulations).
#[must_use]
pub fn distribution(sample: &Sample) -> Vec<SpreadBin> {
    let sorted = &sample.sorted_spreads;
    let (min, end) = (sorted[0], sorted[sorted.len() - 1] + 1);
    let scale = libm::log(end as f64 / min as f64) / MAX_BINS as f64;
    let mut bins: Vec<SpreadBin> = Vec::new();
    let (mut from, mut begin) = (min, 0);
    for bin in 1..=MAX_BINS {
        let is_last = bin == MAX_BINS;
        let bound = (min as f64 * libm::exp(scale * bin as f64)).round() as u64;
        let bound = if is_last { end } else { bound.min(end) };
        if bound <= from {
            continue;
        }
        let place = sorted.partition_point(|&spread| spread < bound);
        bins.push(SpreadBin { from, to: bound - 1, simulations: (place - begin) as u64 });
        (from, begin) = (bound, place);
    }
    bins
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    proptest! {
        #[test]
        fn bins_tile_the_range_and_hold_everybody(
            spreads in prop::collection::vec(1_u64..1 << 32, 1..200),
            narrow in 1_u64..1 << 32,
        ) {
            let spreads: Vec<_> = spreads.iter().map(|spread| spread % narrow + 1).collect();
            let bins = distribution(&fixture::sample_of_spreads(&spreads));
            prop_assert!(bins.len() <= MAX_BINS);
            prop_assert_eq!(bins[0].from, *spreads.iter().min().unwrap());
            prop_assert_eq!(bins[bins.len() - 1].to, *spreads.iter().max().unwrap());
            prop_assert!(bins.windows(2).all(|two| two[0].to + 1 == two[1].from));
            for bin in bins {
                let inside = spreads.iter().filter(|&&x| bin.from <= x && x <= bin.to).count();
                prop_assert_eq!(bin.simulations, inside as u64);
            }
        }
    }
}
