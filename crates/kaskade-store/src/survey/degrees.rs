//! How degrees are distributed.

use rayon::prelude::*;

/// The quantiles of a [`DegreeDistribution`].
pub const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// The same in thousandths: ranks are whole numbers.
const PER_MILLE: [u64; 4] = [500, 900, 990, 999];

/// The distribution of one kind of degree over all nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct DegreeDistribution {
    /// The mean; 0 without nodes.
    pub mean: f64,
    /// The degrees at [`QUANTILES`]: the inverse of the empirical distribution.
    pub quantiles: [u32; 4],
    /// The highest.
    pub max: u32,
    /// Nodes by the powers of two that their degrees lie between, up to the highest degree.
    pub histogram: Vec<HistogramBin>,
}

/// The nodes whose degree lies in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistogramBin {
    /// The lowest degree of the range: 0, or a power of two.
    pub from: u32,
    /// The highest: 0, or one less than the next power of two.
    pub to: u32,
    /// Nodes.
    pub n_nodes: u64,
}

impl DegreeDistribution {
    /// The distribution of `degrees`. O(n log n), 4 bytes a node.
    pub(super) fn of(degrees: &[u32]) -> Self {
        let mut sorted = degrees.to_vec();
        sorted.par_sort_unstable();
        let n_nodes = sorted.len() as u64;
        let sum: u64 = sorted.par_iter().map(|&degree| u64::from(degree)).sum();
        let quantile = |per_mille: u64| {
            let rank = (n_nodes * per_mille).div_ceil(1000);
            sorted.get((rank as usize).saturating_sub(1)).copied().unwrap_or(0)
        };
        Self {
            mean: sum as f64 / n_nodes.max(1) as f64,
            quantiles: PER_MILLE.map(quantile),
            max: sorted.last().copied().unwrap_or(0),
            histogram: histogram(&sorted),
        }
    }
}

fn histogram(sorted: &[u32]) -> Vec<HistogramBin> {
    let mut bins = Vec::new();
    let (mut from, mut rest) = (0u32, sorted);
    while !rest.is_empty() {
        let to = if from == 0 { 0 } else { from | (from - 1) };
        let n_nodes = rest.partition_point(|&degree| degree <= to);
        bins.push(HistogramBin { from, to, n_nodes: n_nodes as u64 });
        rest = &rest[n_nodes..];
        // Degrees end below 2³²: behind the last bin nothing is left.
        from = to.wrapping_add(1);
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_fall_between_powers_of_two() {
        let degrees = [0, 0, 1, 2, 3, 4, 9, u32::MAX];
        let found = DegreeDistribution::of(&degrees);
        let bins: Vec<_> = found.histogram.iter().map(|b| (b.from, b.to, b.n_nodes)).collect();
        assert_eq!(bins[..5], [(0, 0, 2), (1, 1, 1), (2, 3, 2), (4, 7, 1), (8, 15, 1)]);
        assert_eq!(*bins.last().unwrap(), (1 << 31, u32::MAX, 1));
        assert_eq!(bins.iter().map(|bin| bin.2).sum::<u64>(), 8);
        assert_eq!((found.quantiles, found.max), ([2, u32::MAX, u32::MAX, u32::MAX], u32::MAX));
    }

    #[test]
    fn quantiles_are_degrees_that_occur() {
        let degrees: Vec<u32> = (1..=1000).rev().collect();
        let found = DegreeDistribution::of(&degrees);
        assert_eq!((found.quantiles, found.mean), ([500, 900, 990, 999], 500.5));
        let none = DegreeDistribution::of(&[]);
        assert_eq!((none.mean, none.quantiles, none.max), (0.0, [0; 4], 0));
        assert!(none.histogram.is_empty());
    }
}
