//! The bias-corrected and accelerated bootstrap of a mean (Efron, JASA 82 (1987) 171–185).

use kaskade_model::normal;

use super::CONFIDENCE_LEVEL;

/// Samples that are drawn again.
const N_RESAMPLES: usize = 2000;

/// More simulations than this are drawn in groups of neighbours: the sums of groups of one size
/// have the same mean, and their mean has the same deviation and skewness, so that the cost has a
/// bound.
const MAX_GROUPS: usize = 4096;

/// The interval of the mean of `spreads`, at least 2, drawn from the job's `seed`.
pub(super) fn interval(spreads: &[u64], seed: u64) -> [f64; 2] {
    let groups = Groups::of(spreads);
    let mean = groups.mean_of(0..groups.sums.len());
    let mut random = SplitMix(seed);
    let mut means: Vec<f64> = (0..N_RESAMPLES)
        .map(|_| {
            let n = groups.sums.len();
            groups.mean_of((0..n).map(|_| random.below(n)))
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);

    let n_below = means.partition_point(|&other| other < mean);
    let n_up_to = means.partition_point(|&other| other <= mean);
    let share_below = (n_below + n_up_to) as f64 / (2 * N_RESAMPLES) as f64;
    let smallest_share = 0.5 / N_RESAMPLES as f64;
    let bias = normal::quantile(share_below.clamp(smallest_share, 1.0 - smallest_share));
    let acceleration = groups.acceleration(mean);
    let end = |share: f64| {
        let shifted = bias + normal::quantile(share);
        let corrected = normal::cumulative(bias + shifted / (1.0 - acceleration * shifted));
        let rank = (corrected * N_RESAMPLES as f64).ceil() as usize;
        means[rank.clamp(1, N_RESAMPLES) - 1]
    };
    let outside = (1.0 - CONFIDENCE_LEVEL) / 2.0;
    [end(outside), end(1.0 - outside)]
}

/// Spreads of neighbouring simulations, summed.
struct Groups {
    sums: Vec<u64>,
    /// Simulations of each.
    sizes: Vec<u64>,
}

impl Groups {
    fn of(spreads: &[u64]) -> Self {
        let groups = || spreads.chunks(spreads.len().div_ceil(MAX_GROUPS));
        Self {
            sums: groups().map(|group| group.iter().sum()).collect(),
            sizes: groups().map(|group| group.len() as u64).collect(),
        }
    }

    /// The mean spread over the groups with these numbers.
    fn mean_of(&self, numbers: impl Iterator<Item = usize>) -> f64 {
        let (mut sum, mut size) = (0_u64, 0_u64);
        for number in numbers {
            sum += self.sums[number];
            size += self.sizes[number];
        }
        sum as f64 / size as f64
    }

    /// Σd³ / 6 (Σd²)^(3/2) over the groups' distances from the mean; 0 where all are equal.
    fn acceleration(&self, mean: f64) -> f64 {
        let (mut squares, mut cubes) = (0.0, 0.0);
        for (&sum, &size) in self.sums.iter().zip(&self.sizes) {
            let distance = sum as f64 - mean * size as f64;
            squares += distance * distance;
            cubes += distance * distance * distance;
        }
        if squares > 0.0 { cubes / (6.0 * squares * squares.sqrt()) } else { 0.0 }
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_near_the_normal_interval_of_a_symmetric_sample() {
        let spreads: Vec<u64> = (0..2000).map(|i| 1000 + i % 101).collect();
        let [low, high] = interval(&spreads, 1);
        let moments = crate::estimate::Moments::of(&spreads);
        let [normal_low, normal_high] = moments.interval().unwrap();
        let width = normal_high - normal_low;
        assert!((low - normal_low).abs() < 0.05 * width, "{low} {normal_low}");
        assert!((high - normal_high).abs() < 0.05 * width, "{high} {normal_high}");
        assert_eq!(interval(&spreads, 1), [low, high]);
        assert_ne!(interval(&spreads, 2), [low, high]);
    }

    #[test]
    fn it_leans_to_the_long_tail() {
        let spreads: Vec<u64> =
            (0..60).map(|i| if i % 20 == 0 { 500 } else { 1 + i % 3 }).collect();
        let moments = crate::estimate::Moments::of(&spreads);
        let [low, high] = interval(&spreads, 1);
        let [normal_low, normal_high] = moments.interval().unwrap();
        assert!(normal_low < 1.0 && low > 1.0, "the normal interval reaches the impossible");
        assert!(high > normal_high);
    }

    #[test]
    fn equal_spreads_leave_no_width() {
        assert_eq!(interval(&[7; 50], 1), [7.0, 7.0]);
    }

    #[test]
    fn groups_keep_mean_and_width() {
        let mut random = SplitMix(5);
        let spreads: Vec<u64> = (0..50_001).map(|_| 100 + random.below(997) as u64).collect();
        let moments = crate::estimate::Moments::of(&spreads);
        let [low, high] = interval(&spreads, 3);
        let [normal_low, normal_high] = moments.interval().unwrap();
        assert!(((high - low) / (normal_high - normal_low) - 1.0).abs() < 0.15);
        assert!(low < moments.mean() && moments.mean() < high);
    }
}
