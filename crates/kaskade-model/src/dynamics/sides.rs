//! Messages that are told apart: opinions, or campaigns that compete.

use crate::coin::Threshold;
use crate::dynamics::DynamicsError;

/// The most campaigns.
pub const MAX_SIDES: usize = 8;

/// What a node can be besides active. It takes one side, once.
///
/// Where arcs of several sides are live in the round in which it becomes active, one of the
/// sources decides: each has a uniform of its own (arc, simulation), and the lowest wins, so all are
/// equally likely. Seeds of several campaigns at one node draw likewise.
#[derive(Clone, Debug, PartialEq)]
pub enum Sides {
    /// Active, no more.
    One,
    /// Positive or negative (IC-N of Chen et al., SDM 2011): whoever hears it from a positive node,
    /// and a seed, is positive with probability `quality`; whoever hears it from a negative node
    /// is negative.
    Opinion {
        /// The probability that a good word stays one.
        quality: f64,
    },
    /// One of several campaigns, that of the job's seeds first (Bharathi, Kempe and Salek, WINE
    /// 2007).
    Campaigns {
        /// The others, in the order of their sides from 1 on.
        rivals: Vec<Rival>,
        /// Who wins where several arrive in one round.
        tie: Tie,
    },
}

/// A campaign beside that of the job's seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Its name in results.
    pub name: String,
}

/// Who wins where several campaigns arrive at a node in one round.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// Each source with the same probability.
    #[default]
    Random,
    /// The campaign that is named first; the job's own before all rivals.
    First,
}

impl Sides {
    /// The side of positive nodes.
    pub const POSITIVE: usize = 0;
    /// The side of negative nodes.
    pub const NEGATIVE: usize = 1;

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::One => 1,
            Self::Opinion { .. } => 2,
            Self::Campaigns { rivals, .. } => 1 + rivals.len(),
        }
    }

    pub(super) fn check(&self) -> Result<(), DynamicsError> {
        match self {
            Self::One => Ok(()),
            Self::Opinion { quality } => {
                Threshold::from_probability(*quality)?;
                Ok(())
            }
            Self::Campaigns { rivals, .. } => {
                let names: std::collections::BTreeSet<_> =
                    rivals.iter().map(|rival| rival.name.as_str()).chain([""]).collect();
                let is_right = (2..=MAX_SIDES).contains(&self.count());
                if is_right && names.len() == self.count() {
                    Ok(())
                } else {
                    Err(DynamicsError::Campaigns)
                }
            }
        }
    }
}
