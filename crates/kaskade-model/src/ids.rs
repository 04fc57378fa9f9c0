//! Newtypes for everything that is counted, so that a round is never a batch.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id! {
    /// A node's dense global id: its place in the graph's chosen order, `0..n_nodes`.
    NodeId(u32)
}
number_id! {
    /// A shard of the graph directory, `0..n_shards`, ascending with its node range.
    ShardId(u32)
}
number_id! {
    /// A batch of a job: simulations `first + 64·W·batch ..` advance together.
    BatchId(u32)
}
number_id! {
    /// A synchronized step of a batch; the seeds are active in round 0.
    Round(u32)
}
number_id! {
    /// The number of a (job, group) assignment. Only the coordinator raises it;
    /// messages of a lower epoch are dropped.
    Epoch(u64)
}
number_id! {
    /// A worker as registered with one run of the coordinator.
    WorkerId(u64)
}

impl NodeId {
    /// The id as an index into an array over all nodes.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Round {
    /// The round after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A job's name, chosen by its client: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// The alphabet makes a path traversal impossible by construction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// The longest accepted id, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Accepts `text` as a job id.
    ///
    /// # Errors
    /// [`InvalidName`] when `text` is empty, too long or has another character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if is_plain_name(&text) { Ok(Self(text)) } else { Err(InvalidName { name: text }) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` may name a job or a registered graph: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[must_use]
pub fn is_plain_name(text: &str) -> bool {
    (1..=JobId::MAX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for JobId {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// A name outside the accepted alphabet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid name {name:?}: use 1 to 64 letters, digits, '_' or '-'")]
pub struct InvalidName {
    /// What was given.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_ids_cannot_name_a_path() {
        for bad in ["", "a/b", "..", "a.b", "a b", "ä", &"x".repeat(65)] {
            assert!(JobId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "2026-11-23_x", &"x".repeat(64)] {
            assert_eq!(JobId::new(good).unwrap().as_str(), good);
        }
    }
}
