//! Means, deviations, intervals and quantiles, from exact integer sums.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;

/// The confidence level of every interval.
pub const CONFIDENCE_LEVEL: f64 = 0.95;

/// The standard normal distribution's quantile at (1 + [`CONFIDENCE_LEVEL`]) / 2.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// What a job says about the number of nodes that a cascade reaches, seeds included.
///
/// The interval is the normal one, mean ± 1.96 standard errors: by the central limit
/// theorem it covers the expected spread in 95 of 100 jobs once there are some dozens of
/// simulations. It is not clipped to the possible spreads. With one simulation there is
/// no deviation, no error and no interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadEstimate {
    /// The mean over all simulations.
    pub mean: f64,
    /// The sample's standard deviation, with n − 1.
    pub standard_deviation: Option<f64>,
    /// The mean's standard error: the deviation over √n.
    pub standard_error: Option<f64>,
    /// [`CONFIDENCE_LEVEL`].
    pub confidence_level: f64,
    /// The interval's lower and upper end.
    pub confidence_interval: Option<[f64; 2]>,
    /// The smallest spread.
    pub min: u64,
    /// The largest spread.
    pub max: u64,
    /// The spread's quantiles.
    pub quantiles: Quantiles,
}

/// What a job says about how long a cascade lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundsEstimate {
    /// The mean index of the last round with an activation.
    pub mean: f64,
    /// The largest.
    pub max: u32,
}

/// Quantiles as the inverse of the empirical distribution: the smallest observed x such
/// that at least the given share of the simulations is at most x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// At 5 %.
    #[serde(rename = "0.05")]
    pub p05: u64,
    /// The median.
    #[serde(rename = "0.5")]
    pub p50: u64,
    /// At 95 %.
    #[serde(rename = "0.95")]
    pub p95: u64,
}

impl SpreadEstimate {
    /// The estimate from all spreads of `sample`. O(simulations).
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        let sorted = &sample.sorted_spreads;
        let n = sorted.len();
        let moments = Moments::of(sorted);
        let mean = moments.mean();
        let standard_deviation = moments.standard_deviation();
        let standard_error = standard_deviation.map(|deviation| deviation / (n as f64).sqrt());
        let interval = |error: f64| {
            let margin = NORMAL_QUANTILE * error;
            [mean - margin, mean + margin]
        };
        Self {
            mean,
            standard_deviation,
            standard_error,
            confidence_level: CONFIDENCE_LEVEL,
            confidence_interval: standard_error.map(interval),
            min: sorted[0],
            max: sorted[n - 1],
            quantiles: Quantiles::by_rank(n, |rank| sorted[rank - 1]),
        }
    }
}

impl RoundsEstimate {
    /// The estimate from all simulations of `sample`. O(simulations).
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        let sum = sample.rounds.iter().map(|&rounds| u128::from(rounds)).sum();
        Self {
            mean: mean(sum, sample.n_simulations()),
            max: (sample.new_by_round.len() - 1) as u32,
        }
    }
}

impl Quantiles {
    /// The quantiles of `n` values (at least 1), of which `value(k)` is the k-th smallest,
    /// k from 1 to `n`.
    pub(crate) fn by_rank(n: usize, value: impl Fn(usize) -> u64) -> Self {
        // In whole percent, because 0.95 · n in floating point may land above a whole
        // number that it should hit.
        let at = |percent: usize| value((percent * n).div_ceil(100));
        Self { p05: at(5), p50: at(50), p95: at(95) }
    }
}

/// An exact integer sum over `n` simulations as a mean, rounded twice at most.
pub(crate) fn mean(sum: u128, n: u64) -> f64 {
    sum as f64 / n as f64
}

/// Exact sums of integers and of their squares.
struct Moments {
    n: u64,
    sum: u128,
    squares: u128,
}

impl Moments {
    /// The sums of at most `MAX_SAMPLE` values of at most 2³² − 1.
    fn of(values: &[u64]) -> Self {
        let wide = || values.iter().map(|&value| u128::from(value));
        Self {
            n: values.len() as u64,
            sum: wide().sum(),
            squares: wide().map(|value| value * value).sum(),
        }
    }

    fn mean(&self) -> f64 {
        mean(self.sum, self.n)
    }

    /// √(Σ(x − mean)² / (n − 1)), with Σ(x − mean)² = (n Σx² − (Σx)²) / n. The difference
    /// is taken in integers: in floating point, nearly equal terms would cancel.
    fn standard_deviation(&self) -> Option<f64> {
        let n = u128::from(self.n);
        let n_minus_1 = n.checked_sub(1).filter(|&rest| rest > 0)?;
        let squared_deviations_times_n = n * self.squares - self.sum * self.sum;
        Some((squared_deviations_times_n as f64 / (n * n_minus_1) as f64).sqrt())
    }
}

#[cfg(test)]
mod tests;
