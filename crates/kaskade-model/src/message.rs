//! What coordinator and workers say to each other, in domain terms.
//!
//! Commands are imperative, events past tense. Crate `kaskade-rpc` gives them their
//! bytes; the machines of `kaskade-engine` take and make them without any I/O.

use bytes::Bytes;

use crate::ids::{BatchId, Epoch, JobId, Round, ShardId, WorkerId};
use crate::job::{BatchPlan, JobPlan};
use crate::tally::PartitionTally;

/// Which attempt at which job a message belongs to. Lower epochs are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// The job's group that works on it, `0..groups`.
    pub group: u32,
    /// The number of the assignment.
    pub epoch: Epoch,
}

/// What a group of workers is to run: who holds which shards of which graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The attempt that this assignment begins.
    pub attempt: Attempt,
    /// The registered name of the graph.
    pub graph: String,
    /// The graph's digest, hexadecimal; a worker with another graph of that name refuses.
    pub graph_digest: String,
    /// The digest of its shard table, hexadecimal: the same graph may be cut differently.
    pub shard_table_digest: String,
    /// What to simulate.
    pub plan: JobPlan,
    /// All workers of the group, the receiver among them; together they hold each shard once.
    pub members: Vec<Member>,
}

/// A worker of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The worker.
    pub worker: WorkerId,
    /// Where its peers reach it, `http://host:port`.
    pub address: String,
    /// The shards that it holds for this job, ascending.
    pub shards: Vec<ShardId>,
}

/// Coordinator to worker.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerCommand {
    /// Map the shards, connect to the peers, report [`WorkerEvent::Prepared`].
    Prepare(Box<Assignment>),
    /// Run a batch of a prepared attempt.
    BeginBatch {
        /// The attempt.
        attempt: Attempt,
        /// The batch.
        batch: BatchPlan,
    },
    /// Forget the attempt and every batch of it: it is finished, cancelled, or replaced.
    Release {
        /// The attempt.
        attempt: Attempt,
    },
}

/// Worker to coordinator.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerEvent {
    /// The shards are mapped and verified, the peers connected.
    Prepared {
        /// The attempt.
        attempt: Attempt,
    },
    /// A round closed; for progress and status only.
    RoundReported {
        /// The attempt.
        attempt: Attempt,
        /// The batch.
        batch: BatchId,
        /// The round.
        round: Round,
        /// (node, lane) pairs that this worker's nodes activated in it.
        n_new: u64,
    },
    /// A batch ended on this worker.
    BatchTallied {
        /// The attempt.
        attempt: Attempt,
        /// The batch.
        batch: BatchId,
        /// What this worker's partition counted.
        tally: Box<PartitionTally>,
    },
    /// A peer's stream broke or it broke the protocol. Only the coordinator draws conclusions.
    PeerLost {
        /// The attempt.
        attempt: Attempt,
        /// The peer.
        peer: WorkerId,
        /// What was seen.
        detail: String,
    },
    /// The worker cannot do what it was assigned.
    AttemptFailed {
        /// The attempt.
        attempt: Attempt,
        /// Why.
        reason: Reason,
        /// A sentence for people.
        detail: String,
    },
}

impl WorkerEvent {
    /// The attempt that the event is of.
    #[must_use]
    pub fn attempt(&self) -> &Attempt {
        match self {
            Self::Prepared { attempt }
            | Self::RoundReported { attempt, .. }
            | Self::BatchTallied { attempt, .. }
            | Self::PeerLost { attempt, .. }
            | Self::AttemptFailed { attempt, .. } => attempt,
        }
    }
}

/// Why a job ended or an attempt failed, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// No worker was there, for longer than the grace.
    NoWorkers,
    /// Workers were lost more often than a batch may be retried.
    WorkerLost,
    /// A worker's memory does not hold its share.
    OutOfMemory,
    /// A disk is full.
    DiskFull,
    /// A shard's bytes are not those that were written.
    CorruptShard,
    /// The graph is not registered, or is another one than the job was planned on.
    GraphChanged,
    /// The spec asks for what the graph or the model cannot give.
    InvalidSpec,
    /// Two runs of one batch differ, or sums do not add up: a defect in kaskade.
    Inconsistent,
    /// Cancelled by its client.
    Cancelled,
    /// Anything else; the sentence says what.
    Internal,
}

/// A piece of a worker's slice of the frontier, to all its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The batch.
    pub batch: BatchId,
    /// The round in which the nodes became active.
    pub round: Round,
    /// The chunk's number in its round, from 0.
    pub sequence: u32,
    /// The slice codec's bytes (`kaskade-engine`).
    pub payload: Bytes,
}

/// The end of a worker's round. A round closes when the markers of all peers are in
/// *and* all chunks that they count have been received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The batch.
    pub batch: BatchId,
    /// The round.
    pub round: Round,
    /// Chunks sent to this peer in this round.
    pub n_chunks: u32,
    /// Their payload bytes.
    pub n_bytes: u64,
    /// (node, lane) pairs that became active on the sender in this round.
    pub n_new: u64,
    /// What can still happen on the sender without input (delays, later seeds).
    pub n_pending: u64,
}

/// Room that a receiver of chunks has again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The batch.
    pub batch: BatchId,
    /// Payload bytes of it that its receiver has taken in from the one it tells, over all rounds so
    /// far. So credits may be lost, repeated and reordered, as long as the last one arrives.
    pub n_bytes: u64,
}

/// What flows from worker to worker within an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerMessage {
    /// A piece of the frontier.
    Chunk(Chunk),
    /// The barrier.
    Marker(Marker),
    /// Room for more chunks.
    Credit(Credit),
}

impl PeerMessage {
    /// The batch that it is about.
    #[must_use]
    pub fn batch(&self) -> BatchId {
        match self {
            Self::Chunk(chunk) => chunk.batch,
            Self::Marker(marker) => marker.batch,
            Self::Credit(credit) => credit.batch,
        }
    }
}
