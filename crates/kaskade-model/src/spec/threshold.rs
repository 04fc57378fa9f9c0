//! `model.threshold`: how many in-neighbours a node waits for, as it is written.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dynamics::Requirement;

/// A share of the in-degree, or a table that says something else.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a share in [0, 1], { count = K } or { uniform = [LOW, HIGH] }")]
pub enum ThresholdSpec {
    /// At least this share.
    Share(f64),
    /// At least so many.
    Count {
        /// How many.
        count: Count,
    },
    /// At least a share between two, drawn for each node and simulation.
    Uniform {
        /// The least and the most.
        uniform: [f64; 2],
    },
}

/// A number, or two between which it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    /// Always so many.
    Fixed(u32),
    /// Drawn for each node and simulation, both included.
    Drawn([u32; 2]),
}

impl ThresholdSpec {
    /// The same for the engine.
    #[must_use]
    pub fn requirement(self) -> Requirement {
        match self {
            Self::Share(share) => Requirement::Share(share),
            Self::Count { count: Count::Fixed(count) } => Requirement::Count(count),
            Self::Count { count: Count::Drawn([low, high]) } => {
                Requirement::UniformCount(low, high)
            }
            Self::Uniform { uniform: [low, high] } => Requirement::UniformShare(low, high),
        }
    }
}

impl FromStr for ThresholdSpec {
    type Err = String;

    /// Reads the flag form: `0.18`, `count:3`, `count:1-5` or `uniform:0.1-0.3`.
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || {
            format!(
                "{text:?} is no threshold: use a share in [0, 1], count:K, count:LOW-HIGH or \
                     uniform:LOW-HIGH"
            )
        };
        // At the hyphen that leaves a number on both sides: `1e-3-0.2` has two.
        fn pair<T: FromStr>(range: &str) -> Option<[T; 2]> {
            range.match_indices('-').find_map(|(hyphen, _)| {
                let low = range[..hyphen].trim().parse().ok()?;
                Some([low, range[hyphen + 1..].trim().parse().ok()?])
            })
        }
        if let Some(count) = text.strip_prefix("count:") {
            let fixed = count.trim().parse().ok().map(Count::Fixed);
            let count = fixed.or_else(|| pair(count).map(Count::Drawn));
            return count.map(|count| Self::Count { count }).ok_or_else(unknown);
        }
        if let Some(uniform) = text.strip_prefix("uniform:") {
            return pair(uniform).map(|uniform| Self::Uniform { uniform }).ok_or_else(unknown);
        }
        text.parse().map(Self::Share).map_err(|_| unknown())
    }
}

impl fmt::Display for ThresholdSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::Count { count: Count::Fixed(count) } => write!(f, "count:{count}"),
            Self::Count { count: Count::Drawn([low, high]) } => write!(f, "count:{low}-{high}"),
            Self::Uniform { uniform: [low, high] } => write!(f, "uniform:{low}-{high}"),
        }
    }
}
