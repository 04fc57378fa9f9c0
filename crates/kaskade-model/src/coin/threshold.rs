//! Probabilities as integers.

/// The probability that a 32-bit uniform lies below it: an integer of 2⁻³², 0 to 2³².
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// Never live.
    pub const NEVER: Self = Self(0);
    /// Always live.
    pub const ALWAYS: Self = Self(1 << 32);

    /// The nearest integer to `probability` · 2³², ties to even.
    ///
    /// # Errors
    /// [`InvalidProbability`] when `probability` is NaN, outside [0, 1], or positive
    /// and so small that it would round to never.
    pub fn from_probability(probability: f64) -> Result<Self, InvalidProbability> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(InvalidProbability::OutOfRange { probability });
        }
        if probability > 0.0 && probability < Self::SMALLEST_PROBABILITY {
            return Err(InvalidProbability::TooSmall { probability });
        }
        // Exact: a product with a power of two does not round.
        Ok(Self((probability * Self::ALWAYS.0 as f64).round_ties_even() as u64))
    }

    /// Half a unit of the last place: smaller positive probabilities are refused.
    pub const SMALLEST_PROBABILITY: f64 = 1.0 / (1u64 << 33) as f64;

    /// 1/`in_degree` in integers, ties to even; `in_degree` 0 never fires.
    #[inline]
    #[must_use]
    pub fn one_over(in_degree: u32) -> Self {
        if in_degree == 0 {
            return Self::NEVER;
        }
        // Exact although doubles round: a quotient that is no tie lies at least 1/(2·in_degree)
        // from one, and is rounded by less than a thousandth of that. Adding 2⁵² leaves the
        // integer, ties to even.
        const TO_INTEGER: f64 = (1u64 << 52) as f64;
        let quotient = Self::ALWAYS.0 as f64 / f64::from(in_degree);
        Self((quotient + TO_INTEGER - TO_INTEGER) as u64)
    }

    /// Refuses a share of an in-degree that is not positive, or above `most`.
    ///
    /// # Errors
    /// [`InvalidProbability`].
    pub fn check_share(share: f64, most: f64) -> Result<(), InvalidProbability> {
        if (Self::SMALLEST_PROBABILITY..=most).contains(&share) {
            Ok(())
        } else {
            Err(InvalidProbability::Share { share, most })
        }
    }

    /// The nearest integer to `share` / `in_degree` · 2³², ties to even, at most 2³²; `in_degree` 0
    /// never fires. `share` is one that [`Threshold::check_share`] accepts.
    #[inline]
    #[must_use]
    pub fn over(share: f64, in_degree: u32) -> Self {
        let degree = f64::from(in_degree);
        if share >= degree {
            return if in_degree == 0 { Self::NEVER } else { Self::ALWAYS };
        }
        // Exact: a product with a power of two does not round.
        let scaled = share * Self::ALWAYS.0 as f64;
        let quotient = scaled / degree;
        Self(nearest(quotient, || quotient.mul_add(-degree, scaled)))
    }

    /// The nearest integer to `a` · `b` · 2³², ties to even; both are in [0, 1].
    #[inline]
    #[must_use]
    pub fn product(a: f64, b: f64) -> Self {
        let scaled = a * Self::ALWAYS.0 as f64;
        let product = scaled * b;
        Self(nearest(product, || scaled.mul_add(b, -product)))
    }

    /// `width` units of 2⁻³², at most 2³² of them.
    #[must_use]
    pub fn from_width(width: u64) -> Self {
        Self(width.min(Self::ALWAYS.0))
    }

    /// The integer itself, 0 to 2³².
    #[inline]
    #[must_use]
    pub fn width(self) -> u64 {
        self.0
    }

    /// The threshold in the four bytes that a graph directory keeps: itself, except that
    /// 2³² − 1 stands for 2³², "always". The error is at most 2⁻³², and only there.
    #[must_use]
    pub fn stored(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// The threshold that [`Threshold::stored`] keeps as `stored`.
    #[inline]
    #[must_use]
    pub fn from_stored(stored: u32) -> Self {
        if stored == u32::MAX { Self::ALWAYS } else { Self(u64::from(stored)) }
    }
}

/// The integer nearest to a number that was rounded to `value`, from 0 to 2³²; its sign says on
/// which side of `value` the number lies that `beyond` gives. Rounding keeps order, and a tie is a
/// double: so it matters only where `value` is a tie.
#[inline]
fn nearest(value: f64, beyond: impl FnOnce() -> f64) -> u64 {
    let floor = value.floor();
    if value - floor == 0.5 {
        let beyond = beyond();
        if beyond != 0.0 {
            return floor as u64 + u64::from(beyond > 0.0);
        }
    }
    value.round_ties_even() as u64
}

/// A number that is no probability a coin can have.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum InvalidProbability {
    /// NaN, infinite, or outside [0, 1].
    #[error("probability {probability} is not in [0, 1]")]
    OutOfRange {
        /// What was given.
        probability: f64,
    },
    /// A share of the in-degree that is none.
    #[error("{share} over the in-degree is not in (0, {most}]")]
    Share {
        /// What was given.
        share: f64,
        /// The most that may be.
        most: f64,
    },
    /// Positive, but it would round to "never".
    #[error("probability {probability:e} is below 2^-33, the smallest a coin can tell from 0")]
    TooSmall {
        /// What was given.
        probability: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_round_half_to_even() {
        let width = |p: f64| Threshold::from_probability(p).unwrap().width();
        assert_eq!(width(0.0), 0);
        assert_eq!(width(1.0), 1 << 32);
        assert_eq!(width(0.5), 1 << 31);
        let unit = 1.0 / (1u64 << 32) as f64;
        assert_eq!(width(1.5 * unit), 2);
        assert_eq!(width(2.5 * unit), 2);
        assert_eq!(width(0.5 * unit), 0, "the smallest accepted value is a tie, to even");
        assert!(Threshold::from_probability(0.49 * unit).is_err());
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Threshold::from_probability(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_over_matches_exact_rounding() {
        let powers = (1..32).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]);
        for degree in (1..2000).chain(powers).chain([u32::MAX, u32::MAX - 1]) {
            let exact = i128::from(Threshold::one_over(degree).width()) * i128::from(degree);
            assert!((exact - (1i128 << 32)).abs() * 2 <= i128::from(degree), "degree {degree}");
            let wide = u64::from(degree);
            let (floor, rest) = ((1 << 32) / wide, (1 << 32) % wide);
            let is_up = 2 * rest > wide || 2 * rest == wide && floor % 2 == 1;
            assert_eq!(Threshold::one_over(degree).width(), floor + u64::from(is_up));
        }
        assert_eq!(Threshold::one_over(1), Threshold::ALWAYS);
        assert_eq!(Threshold::one_over(0), Threshold::NEVER);
    }

    #[test]
    fn quotients_and_products_round_once() {
        // As whole numbers of 2⁻⁵³ times a power of two: the doubles' own, so nothing is rounded here.
        let parts = |value: f64| {
            let bits = value.to_bits();
            let exponent = (bits >> 52) as i32;
            let mantissa = bits & ((1 << 52) - 1) | u64::from(exponent > 0) << 52;
            (u128::from(mantissa), exponent.max(1) - 1075)
        };
        let half_even = |numerator: u128, denominator: u128| {
            let (floor, rest) = (numerator / denominator, numerator % denominator);
            let up = 2 * rest > denominator || 2 * rest == denominator && floor % 2 == 1;
            (floor + u128::from(up)) as u64
        };
        let tie = 0.5f64.powi(33);
        let values = [1.0, 0.5, 0.1, 0.3, 1.0 - f64::EPSILON / 2.0, 3.0 * tie, 1e-9, 0.75, tie];
        for (a, b) in values.into_iter().flat_map(|a| values.map(|b| (a, b))) {
            let ((m, e), (n, f)) = (parts(a), parts(b));
            let shift = -(e + f + 32);
            // Below 2⁻³³ all round to 0.
            let exact = if shift > 126 { 0 } else { half_even(m * n, 1 << shift) };
            assert_eq!(Threshold::product(a, b).width(), exact, "{a} * {b}");
        }
        for degree in (1..200).chain([65_537, 1 << 30, u32::MAX]) {
            for share in [0.1, 0.5, 1.0, 1.5, 2.0, 17.3, 1e9] {
                let (m, e) = parts(share);
                let shift = -(e + 32);
                let denominator = u128::from(degree) << shift.max(0);
                let numerator = m << (-shift).max(0);
                let exact = half_even(numerator, denominator).min(1 << 32);
                assert_eq!(Threshold::over(share, degree).width(), exact, "{share}/{degree}");
            }
            assert_eq!(Threshold::over(1.0, degree), Threshold::one_over(degree));
        }
        assert_eq!(Threshold::over(2.0, 0), Threshold::NEVER);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Threshold::check_share(bad, 9.0).is_err(), "{bad}");
        }
    }

    #[test]
    fn stored_thresholds_return() {
        for width in [0, 1, 77, (1 << 32) - 2, 1 << 32] {
            assert_eq!(Threshold::from_stored(Threshold(width).stored()), Threshold(width));
        }
    }
}
