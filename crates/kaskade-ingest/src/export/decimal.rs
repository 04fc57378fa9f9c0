//! Probabilities in as few decimal places as bring them back exactly.

use std::io::Write;

use kaskade_model::coin::Threshold;

/// The fraction `digits` / 10^`n_places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: u64,
    n_places: u32,
}

/// With so many places every threshold is told from its neighbours, which are 2⁻³² away.
const MAX_PLACES: u32 = 10;

impl Decimal {
    /// The shortest decimal fraction that is read as `threshold`, and of those the nearest.
    pub(super) fn of(threshold: Threshold) -> Self {
        let nearest = |n_places: u32| {
            let one = u128::from(Threshold::ALWAYS.width());
            let scaled = u128::from(threshold.width()) * 10u128.pow(n_places);
            // At most 10^MAX_PLACES.
            Self { digits: ((scaled + one / 2) / one) as u64, n_places }
        };
        let is_read_back =
            |decimal: &Self| Threshold::from_probability(decimal.to_f64()) == Ok(threshold);
        let found = (0..MAX_PLACES).map(nearest).find(is_read_back);
        found.unwrap_or_else(|| nearest(MAX_PLACES))
    }

    /// Appends it as text.
    pub(super) fn append_to(self, text: &mut Vec<u8>) {
        let power = 10u64.pow(self.n_places);
        let (whole, places) = (self.digits / power, self.digits % power);
        let written = match self.n_places {
            0 => write!(text, "{whole}"),
            n_places => write!(text, "{whole}.{places:0width$}", width = n_places as usize),
        };
        written.expect("memory can be written");
    }

    /// The nearest double.
    pub(super) fn to_f64(self) -> f64 {
        // Both are exact, so the quotient is rounded once.
        self.digits as f64 / 10u64.pow(self.n_places) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(threshold: Threshold) -> String {
        let mut text = Vec::new();
        Decimal::of(threshold).append_to(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn check(stored: u32) {
        let threshold = Threshold::from_stored(stored);
        let decimal = Decimal::of(threshold);
        let read: f64 = text(threshold).parse().unwrap();
        assert_eq!(read.to_bits(), decimal.to_f64().to_bits(), "{decimal:?}");
        let back = Threshold::from_probability(read).unwrap();
        assert_eq!(back.stored(), stored, "{decimal:?}");
    }

    proptest! {
        #[test]
        fn every_threshold_returns(stored in any::<u32>(), small in 0u32..100_000) {
            check(stored);
            check(small);
            check(u32::MAX - small);
        }

        #[test]
        fn what_people_write_returns_as_they_wrote_it(digits in 1u64..1_000_000) {
            let written = format!("0.{digits:06}").trim_end_matches('0').to_owned();
            let threshold = Threshold::from_probability(written.parse().unwrap()).unwrap();
            prop_assert_eq!(text(threshold), written);
        }
    }

    #[test]
    fn ends_are_short() {
        assert_eq!(text(Threshold::NEVER), "0");
        assert_eq!(text(Threshold::ALWAYS), "1");
        assert_eq!(text(Threshold::from_probability(0.25).unwrap()), "0.25");
        assert_eq!(text(Threshold::from_stored(1)), "0.0000000002");
        assert_eq!(text(Threshold::from_stored(u32::MAX - 1)), "0.9999999995");
    }
}
