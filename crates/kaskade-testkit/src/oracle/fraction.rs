use std::fmt;

/// A fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line.
    pub numerator: u128,
    /// Below the line, positive.
    pub denominator: u128,
}

impl Fraction {
    /// `numerator` / `denominator`.
    ///
    /// # Panics
    /// When `denominator` is 0.
    #[must_use]
    pub fn new(numerator: u128, denominator: u128) -> Self {
        assert!(denominator > 0, "a fraction has a positive denominator");
        let divisor = greatest_common_divisor(numerator, denominator);
        Self { numerator: numerator / divisor, denominator: denominator / divisor }
    }

    /// The nearest double, to the last place or two.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// The smallest positive number that all `denominators` divide.
pub(super) fn common_denominator(fractions: impl IntoIterator<Item = Fraction>) -> u128 {
    fractions.into_iter().fold(1, |common, fraction| {
        common / greatest_common_divisor(common, fraction.denominator) * fraction.denominator
    })
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
