//! Whether the job's cascades are of two kinds, those that die and those that break out.
//!
//! Near critical mass the mean is a spread that no cascade has. The rule: count simulations by
//! octaves of x = 1 + the nodes that followed the seeds (x from 1, from 2, from 4, …). A *valley*
//! is an octave with at most half as many simulations as the fullest octave on either side, where
//! the lower of these two peaks p exceeds the valley v by more than chance would let it:
//! p − v > 3 √(p + v). The deepest valley divides, at its middle; without one the job is reported
//! as of one kind.

use serde::{Deserialize, Serialize};

use crate::estimate::{Moments, NORMAL_QUANTILE};
use crate::sample::Sample;

/// Cascades of two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outbreak {
    /// A simulation of at least this spread, seeds included, is an outbreak.
    pub threshold: u64,
    /// Outbreaks.
    pub simulations: u64,
    /// Their share.
    pub probability: f64,
    /// The 95 % interval of their share (Wilson, JASA 22 (1927) 209–212).
    pub probability_interval: [f64; 2],
    /// The mean spread of an outbreak.
    pub mean_spread: f64,
    /// Its normal 95 % interval; `null` with one outbreak.
    pub mean_spread_interval: Option<[f64; 2]>,
    /// The mean spread of the other simulations.
    pub mean_spread_otherwise: f64,
}

impl Outbreak {
    /// What divides the simulations of `sample`, if something does. O(simulations).
    #[must_use]
    pub fn of(sample: &Sample) -> Option<Self> {
        let sorted = &sample.sorted_spreads;
        let n_seeds = sample.new_by_round[0].iter().copied().min().unwrap_or(1);
        let followed = |spread: u64| spread - n_seeds + 1;
        let mut octaves = vec![0_u64; 65];
        sorted.iter().for_each(|&spread| octaves[followed(spread).ilog2() as usize] += 1);
        let threshold = middle_of_valley(&octaves)? + n_seeds - 1;

        let (others, outbreaks) =
            sorted.split_at(sorted.partition_point(|&spread| spread < threshold));
        let moments = Moments::of(outbreaks);
        let (n_outbreaks, n) = (outbreaks.len() as u64, sorted.len() as u64);
        Some(Self {
            threshold,
            simulations: n_outbreaks,
            probability: n_outbreaks as f64 / n as f64,
            probability_interval: wilson(n_outbreaks, n, NORMAL_QUANTILE),
            mean_spread: moments.mean(),
            mean_spread_interval: moments.interval(),
            mean_spread_otherwise: Moments::of(others).mean(),
        })
    }
}

/// The x that divides, where `counts[k]` simulations have x from 2^k to 2^(k+1) − 1.
fn middle_of_valley(counts: &[u64]) -> Option<u64> {
    let n = counts.len();
    let lower_peak = |at: usize| {
        let highest = |octaves: &[u64]| octaves.iter().copied().max().unwrap_or(0);
        highest(&counts[..at]).min(highest(&counts[at + 1..]))
    };
    let depth = |at: usize| lower_peak(at).saturating_sub(counts[at]);
    let is_valley = |at: usize| {
        let (peak, valley) = (lower_peak(at), counts[at]);
        valley <= peak / 2 && (depth(at) as f64) > 3.0 * ((peak + valley) as f64).sqrt()
    };
    let deepest = (1..n - 1).filter(|&at| is_valley(at)).map(depth).max()?;
    let mut floor = (1..n - 1).skip_while(|&at| !is_valley(at) || depth(at) != deepest);
    let first = floor.next()?;
    let last = floor.take_while(|&at| depth(at) == deepest).last().unwrap_or(first);
    // From 2^first to 2^(last + 1): its middle on a scale of octaves.
    let octaves_doubled = first + last + 1;
    let whole = 1_u64 << (octaves_doubled / 2);
    let is_half = !octaves_doubled.is_multiple_of(2);
    Some(if is_half { (whole as f64 * std::f64::consts::SQRT_2).ceil() as u64 } else { whole })
}

/// The score interval of a share of `k` in `n`, at least 1, so many standard errors wide on each side.
pub(crate) fn wilson(k: u64, n: u64, z: f64) -> [f64; 2] {
    let (n, share, z2) = (n as f64, k as f64 / n as f64, z * z);
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let variance = share * (1.0 - share) / n + z2 / (4.0 * n * n);
    let margin = z / (1.0 + z2 / n) * variance.sqrt();
    [(centre - margin).max(0.0), (centre + margin).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn repeated(parts: &[(u64, usize)]) -> Vec<u64> {
        parts.iter().flat_map(|&(spread, n)| std::iter::repeat_n(spread, n)).collect()
    }

    fn outbreak(parts: &[(u64, usize)]) -> Option<Outbreak> {
        // Two seeds, then the rest.
        let rows: Vec<_> = repeated(parts).into_iter().map(|spread| [2, spread - 2]).collect();
        let slices: Vec<_> = rows.iter().map(|row| row.as_slice()).collect();
        Outbreak::of(&fixture::sample(&slices))
    }

    #[test]
    fn two_kinds_are_told_apart() {
        let found = outbreak(&[(2, 600), (3, 80), (4, 20), (900, 150), (1000, 150)]).unwrap();
        // x: 1 in octave 0; 2 and 3 in octave 1; 899 and 999 in octave 9. Octaves 2 to 8 are
        // empty, their middle is 2^5.5 = 45.3; one seed more than x counts.
        assert_eq!(found.threshold, 46 + 1);
        assert_eq!((found.simulations, found.probability), (300, 0.3));
        assert_eq!(found.mean_spread, 950.0);
        assert_eq!(found.mean_spread_otherwise, (1200.0 + 240.0 + 80.0) / 700.0);
        let [low, high] = found.probability_interval;
        assert!((low - 0.2724).abs() < 1e-4 && (high - 0.3291).abs() < 1e-4, "{low} {high}");
        let [low, high] = found.mean_spread_interval.unwrap();
        assert!((high - low) / 2.0 - 1.96 * 50.083_5 / 300_f64.sqrt() < 1e-3);
    }

    #[test]
    fn one_kind_is_left_whole() {
        assert_eq!(outbreak(&[(900, 10), (1000, 500), (1100, 20)]), None);
        assert_eq!(outbreak(&[(2, 600), (4, 300), (8, 150), (16, 75), (32, 37), (64, 18)]), None);
        assert_eq!(outbreak(&[(5, 1)]), None);
        assert_eq!(outbreak(&[(2, 4), (1000, 4)]), None, "too few to tell from chance");
    }

    #[test]
    fn rare_deaths_count_too() {
        let found = outbreak(&[(2, 20), (1000, 980)]).unwrap();
        assert_eq!(found.probability, 0.98);
    }
}
