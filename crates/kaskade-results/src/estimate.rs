//! Means, deviations, intervals and quantiles, from exact integer sums.

mod bootstrap;

use kaskade_model::spec::{IntervalMethod, RunSpec};
use serde::{Deserialize, Serialize};

use crate::sample::Sample;

/// The confidence level of every interval, but those under a stop rule that names another.
pub const CONFIDENCE_LEVEL: f64 = 0.95;

/// The standard normal distribution's quantile at (1 + [`CONFIDENCE_LEVEL`]) / 2.
pub const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// What a job says about the number of nodes that a cascade reaches, seeds included.
///
/// [`Interval`] says how the interval was made. It is not clipped to the possible spreads. With
/// one simulation there is no deviation, no error and no interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadEstimate {
    /// The mean over all simulations.
    pub mean: f64,
    /// The sample's standard deviation, with n − 1.
    pub standard_deviation: Option<f64>,
    /// The mean's standard error: the deviation over √n.
    pub standard_error: Option<f64>,
    /// The chance that the interval holds the expected spread.
    pub confidence_level: f64,
    /// The interval's lower and upper end.
    pub confidence_interval: Option<[f64; 2]>,
    /// How it was made.
    #[serde(default)]
    pub interval: Interval,
    /// The smallest spread.
    pub min: u64,
    /// The largest spread.
    pub max: u64,
    /// The spread's quantiles.
    pub quantiles: Quantiles,
}

/// How an interval was made; `docs/statistics.md` has the formulas and their sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// Mean ± 1.96 standard errors: by the central limit theorem it holds the expected spread in
    /// 95 of 100 jobs once there are some dozens of simulations.
    #[default]
    Normal,
    /// Bias-corrected and accelerated bootstrap, from the job's seed: for few simulations of a
    /// skewed spread.
    Bootstrap,
    /// Mean ± a margin so much wider that the interval holds whenever the stop rule let the job
    /// stop ([`kaskade_model::until`]).
    Sequential,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles<T = u64> {
    /// At 5 %.
    #[serde(rename = "0.05")]
    pub p05: T,
    /// The median.
    #[serde(rename = "0.5")]
    pub p50: T,
    /// At 95 %.
    #[serde(rename = "0.95")]
    pub p95: T,
}

impl SpreadEstimate {
    /// The estimate from all spreads of `sample`, with the interval that `run` asks for.
    /// O(simulations).
    #[must_use]
    pub fn of(sample: &Sample, run: &RunSpec) -> Self {
        let sorted = &sample.sorted_spreads;
        let n = sorted.len();
        let moments = Moments::of(sorted);
        let mean = moments.mean();
        let standard_deviation = moments.standard_deviation();
        let standard_error = standard_deviation.map(|deviation| deviation / (n as f64).sqrt());
        let around = |margin: f64, error: f64| [mean - margin * error, mean + margin * error];
        let (interval, confidence_level) = match (run.until, run.interval) {
            (Some(until), _) => (Interval::Sequential, until.confidence),
            (None, IntervalMethod::Normal) => (Interval::Normal, CONFIDENCE_LEVEL),
            (None, IntervalMethod::Bootstrap) => (Interval::Bootstrap, CONFIDENCE_LEVEL),
        };
        let ends = |error: f64| match (interval, run.until) {
            (Interval::Bootstrap, _) => bootstrap::interval(&sample.spreads, run.seed),
            (_, Some(until)) => around(until.margin(run.simulations), error),
            (_, None) => around(NORMAL_QUANTILE, error),
        };
        Self {
            mean,
            standard_deviation,
            standard_error,
            confidence_level,
            confidence_interval: standard_error.map(ends),
            interval,
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
    pub(crate) fn by_rank(n: usize, mut value: impl FnMut(usize) -> u64) -> Self {
        // In whole percent, because 0.95 · n in floating point may land above a whole
        // number that it should hit.
        let mut at = |percent: usize| value((percent * n).div_ceil(100));
        Self { p05: at(5), p50: at(50), p95: at(95) }
    }

    /// The same in other units.
    pub(crate) fn map<T>(self, value: impl Fn(u64) -> T) -> Quantiles<T> {
        Quantiles { p05: value(self.p05), p50: value(self.p50), p95: value(self.p95) }
    }
}

/// An exact integer sum over `n` simulations as a mean, rounded twice at most.
pub(crate) fn mean(sum: u128, n: u64) -> f64 {
    sum as f64 / n as f64
}

/// Exact sums of integers, and of the squares of their distances from the whole number below their
/// mean.
pub(crate) struct Moments {
    n: u64,
    sum: u128,
    squares: u128,
}

impl Moments {
    /// The sums of at most `MAX_SAMPLE` values of at most 2⁵³. Squares that do not fit 128 bits, of
    /// millions of such values, are those that do.
    pub(crate) fn of(values: &[u64]) -> Self {
        let n = values.len() as u64;
        let sum = values.iter().map(|&value| u128::from(value)).sum();
        // At most the largest value.
        let whole = if n == 0 { 0 } else { (sum / u128::from(n)) as u64 };
        let squares = values.iter().map(|&value| {
            let distance = u128::from(value.abs_diff(whole));
            distance * distance
        });
        Self { n, sum, squares: squares.fold(0, u128::saturating_add) }
    }

    pub(crate) fn mean(&self) -> f64 {
        mean(self.sum, self.n)
    }

    /// √(Σ(x − mean)² / (n − 1)), with Σ(x − mean)² = (n Σ(x − m)² − (Σ(x − m))²) / n for the whole
    /// number m below the mean. The difference is taken in integers: in floating point, nearly equal
    /// terms would cancel.
    pub(crate) fn standard_deviation(&self) -> Option<f64> {
        let n = u128::from(self.n);
        let n_minus_1 = n.checked_sub(1).filter(|&rest| rest > 0)?;
        // Σ(x − m), below n.
        let rest = self.sum % n;
        let variance = match n.checked_mul(self.squares) {
            Some(squares_times_n) => {
                (squares_times_n - rest * rest) as f64 / (n * n_minus_1) as f64
            }
            // The squares exceed 2⁹⁶: beside them what is left out is nothing.
            None => self.squares as f64 / n_minus_1 as f64,
        };
        Some(variance.sqrt())
    }

    /// The normal interval of the mean.
    pub(crate) fn interval(&self) -> Option<[f64; 2]> {
        let margin = NORMAL_QUANTILE * self.standard_deviation()? / (self.n as f64).sqrt();
        Some([self.mean() - margin, self.mean() + margin])
    }
}

#[cfg(test)]
mod tests;
