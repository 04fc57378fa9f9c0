//! Channels: layers of arcs over the same nodes, each with a probability, a delay and an audience
//! of its own.

use super::{Delay, Selector};
use crate::diffusion::ArcProbability;

/// The most channels that arcs can belong to.
pub const MAX_CHANNELS: usize = 8;

/// A layer of arcs that messages go along. An arc that belongs to several channels is tried over
/// each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Its name in the graph and in results.
    pub name: String,
    /// Its place among the channels of the graph: the bit of the arcs that belong to it. Its coins
    /// depend on this and not on what other channels a job has; those of place 0 are the coins of a
    /// job without channels.
    pub place: u8,
    /// How surely its arcs are live; 1 over the in-degree counts the arcs of the channel alone.
    pub probability: ArcProbability,
    /// How long a message is under way on it.
    pub delay: Delay,
    /// Whom it reaches; everybody where nothing is said.
    pub audience: Option<Selector>,
}

/// Over how many channels a node must be reached to become active.
///
/// The two rules of cascades on multiplex networks (Lee, Brummitt and Goh, Physical Review E 90,
/// 062816, 2014).
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
pub enum ActivationRule {
    /// Over any.
    #[default]
    Any,
    /// Over all of the job, in whatever rounds.
    All,
}

/// Whether `name` can be that of a channel: 1 to 64 ASCII letters, digits, dots, dashes and
/// underscores.
#[must_use]
pub fn is_channel_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(is_known)
}
