//! When a simulated mean counts as right: within four standard errors of the truth.
//!
//! A right engine misses that once in 16,000 comparisons. Tests use seed 1 and coins are
//! frozen, so a comparison that holds keeps holding; a seed that fails is a finding.

/// So many standard errors may lie between an estimate and the truth.
pub const STANDARD_ERRORS: f64 = 4.0;

/// The mean of a sample and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard error of the mean; 0 where all values are equal.
    pub standard_error: f64,
}

impl Estimate {
    /// The estimate from `values`, of which there must be two.
    ///
    /// # Panics
    /// With fewer than two values.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        assert!(values.len() > 1, "an estimate needs two values");
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        Self { mean, standard_error: (squares / (n - 1.0) / n).sqrt() }
    }

    /// The estimate from whole numbers: spreads.
    #[must_use]
    pub fn of_counts(counts: impl IntoIterator<Item = u64>) -> Self {
        Self::of(counts.into_iter().map(|count| count as f64))
    }

    /// The share of `true` among `outcomes`.
    #[must_use]
    pub fn of_share(outcomes: impl IntoIterator<Item = bool>) -> Self {
        Self::of_counts(outcomes.into_iter().map(u64::from))
    }
}

/// Asserts that `estimate` lies within four of its standard errors of `truth`.
///
/// # Panics
/// When it does not; the message says by how many.
#[track_caller]
pub fn assert_mean(what: &str, estimate: Estimate, truth: f64) {
    let exact = Estimate { mean: truth, standard_error: 0.0 };
    assert_same_mean(what, estimate, exact);
}

/// Asserts that two estimates differ by at most four standard errors of their difference.
///
/// # Panics
/// When they differ by more; the message says by how many.
#[track_caller]
pub fn assert_same_mean(what: &str, found: Estimate, expected: Estimate) {
    let standard_error = found.standard_error.hypot(expected.standard_error);
    let difference = found.mean - expected.mean;
    // Sums of a few hundred doubles, for samples without any spread.
    let rounding = 1e-9 * expected.mean.abs();
    assert!(
        difference.abs() <= STANDARD_ERRORS * standard_error + rounding,
        "{what}: mean {} ± {}, expected {} ± {}: {:.1} standard errors apart",
        found.mean,
        found.standard_error,
        expected.mean,
        expected.standard_error,
        difference / standard_error,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_those_of_the_textbook() {
        let estimate = Estimate::of_counts([1, 2, 3, 4]);
        assert_eq!(estimate.mean, 2.5);
        assert!((estimate.standard_error - (5.0f64 / 3.0 / 4.0).sqrt()).abs() < 1e-15);
        assert_eq!(Estimate::of_share([true, false]).mean, 0.5);
    }

    #[test]
    fn accepts_what_is_near() {
        assert_mean("near", Estimate { mean: 10.0, standard_error: 0.1 }, 10.39);
        assert_mean("equal", Estimate { mean: 3.0, standard_error: 0.0 }, 3.0);
    }

    #[test]
    #[should_panic(expected = "far: mean 10 ± 0.1, expected 10.41 ± 0: -4.1 standard errors apart")]
    fn refuses_what_is_far() {
        assert_mean("far", Estimate { mean: 10.0, standard_error: 0.1 }, 10.41);
    }
}
