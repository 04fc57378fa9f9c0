//! Sizes of memory as people write them.

use std::str::FromStr;

/// An amount of memory: `64MiB`, `50%` of what is free, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Size {
    /// So many bytes.
    Bytes(u64),
    /// A share of what is free, above 0 and at most 1.
    Share(f64),
    /// What the command finds sensible.
    Auto,
}

impl Size {
    /// The size in bytes where `free_bytes` are free and `auto` means the share `auto`.
    /// `None`, no limit, when a share is asked of a machine that does not tell.
    pub(crate) fn resolve(self, free_bytes: Option<u64>, auto: f64) -> Option<u64> {
        let share_of_free = |share: f64| free_bytes.map(|bytes| (bytes as f64 * share) as u64);
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Share(share) => share_of_free(share),
            Self::Auto => share_of_free(auto),
        }
    }
}

/// The units and their bytes.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

impl FromStr for Size {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let invalid = || InvalidSize { text: text.to_owned() };
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim());
        let number: f64 = number.parse().map_err(|_| invalid())?;
        if unit == "%" {
            let is_share = number > 0.0 && number <= 100.0;
            return is_share.then_some(Self::Share(number / 100.0)).ok_or_else(invalid);
        }
        let known = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let (_, unit_bytes) = known.ok_or_else(invalid)?;
        let bytes = number * *unit_bytes as f64;
        // Above 2^53 a float skips whole numbers, and no machine has that much.
        let is_exact = (1.0..=(1u64 << 53) as f64).contains(&bytes);
        is_exact.then_some(Self::Bytes(bytes as u64)).ok_or_else(invalid)
    }
}

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no size: use for example 64MiB, 1.5GB, 50% or auto")]
pub(crate) struct InvalidSize {
    /// What was given.
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!("64MiB".parse(), Ok(Size::Bytes(64 << 20)));
        assert_eq!("1.5gb".parse(), Ok(Size::Bytes(1_500_000_000)));
        assert_eq!("4096".parse(), Ok(Size::Bytes(4096)));
        assert_eq!("2 GiB".parse(), Ok(Size::Bytes(2 << 30)));
        assert_eq!("50%".parse(), Ok(Size::Share(0.5)));
        assert_eq!("auto".parse(), Ok(Size::Auto));
        for bad in ["", "MiB", "-1", "0", "0%", "101%", "5 parsecs", "1e3", "1.2.3", "9999999TB"] {
            assert!(bad.parse::<Size>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn shares_are_of_what_is_free() {
        assert_eq!(Size::Share(0.5).resolve(Some(100), 0.8), Some(50));
        assert_eq!(Size::Auto.resolve(Some(100), 0.8), Some(80));
        assert_eq!(Size::Auto.resolve(None, 0.8), None);
        assert_eq!(Size::Bytes(7).resolve(None, 0.8), Some(7));
    }
}
