//! What the builder of a graph chooses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The order in which nodes get their dense ids. Part of the graph digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By in-degree, descending, ties by original id: the hubs share cache lines.
    InDegree,
    /// By original id.
    Id,
}

/// What `u v` means in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// What `u` posts reaches `v`: the arc u → v.
    Influence,
    /// `u` follows `v`: the arc v → u.
    Follows,
}

/// What the ids of the input are, all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdKind {
    /// Numbers from 0 to 2⁶⁴ − 1.
    #[default]
    Number,
    /// Texts in UTF-8, ordered bytewise.
    String,
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Number => "number",
            Self::String => "string",
        })
    }
}

/// Which views of its arcs a shard holds; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Views {
    /// Both, and the ranks that tie them together.
    Both,
    /// For every source present, its targets.
    Out,
    /// For every own node, its sources.
    In,
}

/// How a shard keeps its lists of targets and of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Four bytes a node, read where they lie.
    #[default]
    Plain,
    /// Coded by their gaps; a list is decoded each time that it is read.
    Compressed,
}

impl Layout {
    /// The layout of a builder who was asked to `compress`, or not.
    #[must_use]
    pub fn of(compress: bool) -> Self {
        if compress { Self::Compressed } else { Self::Plain }
    }
}

impl Views {
    /// Whether shards hold the targets of each source.
    #[must_use]
    pub fn has_out(self) -> bool {
        self != Self::In
    }

    /// Whether shards hold the sources of each target.
    #[must_use]
    pub fn has_in(self) -> bool {
        self != Self::Out
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InDegree => "in-degree",
            Self::Id => "id",
        })
    }
}

impl FromStr for Order {
    type Err = InvalidChoice;

    fn from_str(word: &str) -> Result<Self, InvalidChoice> {
        match word {
            "in-degree" => Ok(Self::InDegree),
            "id" => Ok(Self::Id),
            _ => Err(InvalidChoice::new(word, "in-degree, id")),
        }
    }
}

impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Influence => "influence",
            Self::Follows => "follows",
        })
    }
}

impl FromStr for Orientation {
    type Err = InvalidChoice;

    fn from_str(word: &str) -> Result<Self, InvalidChoice> {
        match word {
            "influence" => Ok(Self::Influence),
            "follows" => Ok(Self::Follows),
            _ => Err(InvalidChoice::new(word, "influence, follows")),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plain => "plain",
            Self::Compressed => "compressed",
        })
    }
}

impl fmt::Display for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Both => "out,in",
            Self::Out => "out",
            Self::In => "in",
        })
    }
}

impl FromStr for Views {
    type Err = InvalidChoice;

    fn from_str(word: &str) -> Result<Self, InvalidChoice> {
        match word {
            "out,in" | "in,out" => Ok(Self::Both),
            "out" => Ok(Self::Out),
            "in" => Ok(Self::In),
            _ => Err(InvalidChoice::new(word, "out,in or out or in")),
        }
    }
}

impl TryFrom<String> for Views {
    type Error = InvalidChoice;

    fn try_from(word: String) -> Result<Self, InvalidChoice> {
        word.parse()
    }
}

impl From<Views> for String {
    fn from(views: Views) -> Self {
        views.to_string()
    }
}

/// A word that names none of the choices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of: {accepted}")]
pub struct InvalidChoice {
    /// What was given.
    pub word: String,
    /// What is accepted.
    pub accepted: &'static str,
}

impl InvalidChoice {
    pub(crate) fn new(word: &str, accepted: &'static str) -> Self {
        Self { word: word.to_owned(), accepted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_return() {
        for order in [Order::InDegree, Order::Id] {
            assert_eq!(order.to_string().parse(), Ok(order));
            assert_eq!(serde_json::to_string(&order).unwrap(), format!("\"{order}\""));
        }
        for orientation in [Orientation::Influence, Orientation::Follows] {
            assert_eq!(orientation.to_string().parse(), Ok(orientation));
            assert_eq!(serde_json::to_string(&orientation).unwrap(), format!("\"{orientation}\""));
        }
        for views in [Views::Both, Views::Out, Views::In] {
            assert_eq!(views.to_string().parse(), Ok(views));
            assert_eq!(serde_json::to_string(&views).unwrap(), format!("\"{views}\""));
            assert!(views.has_in() || views.has_out());
        }
        for layout in [Layout::of(false), Layout::of(true)] {
            assert_eq!(serde_json::to_string(&layout).unwrap(), format!("\"{layout}\""));
        }
        assert!("".parse::<Views>().is_err());
        assert!(serde_json::from_str::<Views>("\"sideways\"").is_err());
    }
}
