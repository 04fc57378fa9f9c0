//! What the input calls a node.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node's id in the graph's input. Its text decides: what reads as a number from 0 to
/// 2⁶⁴ − 1, without a sign or a zero too many, is that number, all else is a name. So an id and
/// its text say the same, whatever the graph's ids are, and nothing is lost between them.
///
/// Numbers are ordered before names, names bytewise. (The nodes of a graph with names are
/// ordered bytewise, numerals among them too: [`crate::seeds::NodeDirectory::by_original`].)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginalId {
    /// A number.
    Number(u64),
    /// Any other text.
    Name(Box<str>),
}

/// The number that `text` is, if it is written as one is printed.
fn canonical_number(text: &str) -> Option<u64> {
    let is_padded = text.starts_with(['+', '-']) || (text.len() > 1 && text.starts_with('0'));
    if is_padded { None } else { text.parse().ok() }
}

impl From<&str> for OriginalId {
    fn from(text: &str) -> Self {
        canonical_number(text).map_or_else(|| Self::Name(text.into()), Self::Number)
    }
}

impl From<u64> for OriginalId {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl FromStr for OriginalId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for OriginalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Serialize for OriginalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for OriginalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = OriginalId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a node id: a whole number, in quotes from 2^63 on, or a name in quotes",
                )
            }
            fn visit_u64<E: de::Error>(self, id: u64) -> Result<OriginalId, E> {
                Ok(OriginalId::Number(id))
            }
            fn visit_i64<E: de::Error>(self, id: i64) -> Result<OriginalId, E> {
                u64::try_from(id)
                    .map(OriginalId::Number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(id), &self))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<OriginalId, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_what_prints_as_it_reads() {
        for (text, number) in [("0", 0), ("7", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(OriginalId::from(text), OriginalId::Number(number));
        }
        for text in ["", "007", "00", "+7", "-0", "-7", " 7", "7.0", "18446744073709551616", "é"] {
            assert_eq!(OriginalId::from(text), OriginalId::Name(text.into()));
        }
    }

    #[test]
    fn numbers_come_before_names_and_names_are_bytes() {
        let mut ids = ["b", "10", "é", "9", "a", "007", "B"].map(OriginalId::from);
        ids.sort();
        assert_eq!(ids.map(|id| id.to_string()), ["9", "10", "007", "B", "a", "b", "é"]);
    }

    #[test]
    fn both_kinds_pass_through_documents() {
        let ids: Vec<OriginalId> = serde_json::from_str(r#"[3, "7", "007", "ann"]"#).unwrap();
        let expected = ["3", "7", "007", "ann"].map(OriginalId::from);
        assert_eq!(ids, expected);
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"[3,7,"007","ann"]"#);
        assert!(serde_json::from_str::<OriginalId>("-1").is_err());
        assert!(serde_json::from_str::<OriginalId>("1.5").is_err());
    }

    proptest! {
        #[test]
        fn text_and_id_say_the_same(text in "([0-9]{0,20}|\\PC{0,12})") {
            prop_assert_eq!(OriginalId::from(text.as_str()).to_string(), text);
        }
    }
}
