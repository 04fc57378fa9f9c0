//! Where a job stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A job's state; the last three are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Accepted; others are before it.
    Queued,
    /// Graph and workers are being looked up and assigned.
    Planning,
    /// Batches are being run.
    Running,
    /// All simulations are finished.
    Succeeded,
    /// It cannot be finished; its reason says why.
    Failed,
    /// Its client asked for its end.
    Cancelled,
}

impl JobState {
    /// The state as the word that INTERFACE.md gives it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Planning => "planning",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the job will never change its state again.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_text_use_the_same_words() {
        use JobState as S;
        for state in [S::Queued, S::Planning, S::Running, S::Succeeded, S::Failed, S::Cancelled] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(format!("{state:>10}"), format!("{:>10}", state.as_str()));
        }
        assert_eq!(S::Running.is_final(), S::Queued.is_final());
        assert!(S::Cancelled.is_final() && S::Failed.is_final() && S::Succeeded.is_final());
        assert!(!S::Planning.is_final() && !S::Running.is_final());
    }
}
