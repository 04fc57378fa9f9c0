//! What a client is told of a job; serialized, the answer of `kaskade status --json`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{BatchId, Epoch, JobId, Round, WorkerId};
use crate::message::Reason;
use crate::spec::Placement;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits for its turn or for workers.
    Queued,
    /// Spec, graph and memory are being checked.
    Planning,
    /// Batches run.
    Running,
    /// All simulations are done, the results are there.
    Succeeded,
    /// The reason says why.
    Failed,
    /// Its client stopped it.
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

    /// Whether the job stays in this state for ever.
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

/// A job as it is at one moment. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job.
    pub id: JobId,
    /// How far it is.
    pub state: JobState,
    /// Why it failed, was cancelled, or stands still for a while.
    pub reason: Option<Reason>,
    /// A sentence for people; may be empty.
    pub detail: String,
    /// When it was submitted.
    pub submitted: f64,
    /// When its first batch began.
    pub started: Option<f64>,
    /// When it ended.
    pub finished: Option<f64>,
    /// Finished simulations.
    pub simulations_done: u64,
    /// Simulations of the job; 0 as long as the spec is not resolved.
    pub simulations_total: u64,
    /// Workers that hold a part of it now.
    #[serde(rename = "workers")]
    pub n_workers: u32,
    /// The placement that the planner chose.
    pub placement: Option<Placement>,
    /// Why it chose that, a sentence with the bytes per worker; empty unless the job runs.
    pub placement_why: String,
    /// What was recovered from, oldest first.
    pub recoveries: Vec<Recovery>,
    /// The latest round of every batch in flight.
    pub rounds: Vec<RoundProgress>,
}

/// A registered worker at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Its number with this run of the coordinator.
    pub id: WorkerId,
    /// Where its peers reach it, `http://host:port`.
    pub address: String,
    /// The machine's name, for people.
    #[serde(rename = "host")]
    pub host_name: String,
    /// The process number on that machine.
    #[serde(rename = "pid")]
    pub process_id: u32,
    /// Bytes for graph and state.
    pub memory_bytes: u64,
    /// Resident bytes, as last reported.
    pub resident_bytes: u64,
    /// Threads that compute.
    #[serde(rename = "threads")]
    pub n_threads: u32,
    /// Of a worker that holds the others up: how many times as long as the median of them it
    /// takes for the same work.
    pub straggler: Option<f64>,
}

/// Something that was lost and made good: an entry of a job's recovery log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The epoch that it ended.
    pub epoch: Epoch,
    /// What happened, a sentence.
    pub what: String,
    /// The batches that were in flight, and are run again.
    pub batches: Vec<BatchId>,
    /// Whether rounds of one of them were under way.
    pub was_in_rounds: bool,
    /// When, in seconds since 1970.
    pub at: f64,
}

/// How far a batch in flight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundProgress {
    /// The batch.
    pub batch: BatchId,
    /// Its latest round that closed on some worker.
    pub round: Round,
    /// (node, lane) pairs that became active in it, over the workers that have reported it.
    pub n_new: u64,
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
