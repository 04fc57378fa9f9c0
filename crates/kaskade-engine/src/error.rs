use kaskade_model::diffusion::ModelError;
use kaskade_model::ids::{BatchId, Round, WorkerId};
use kaskade_model::tally::TallyError;

use crate::slice::DecodeError;

/// What can go wrong in a run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The model cannot run on this graph.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Tallies that should add up do not.
    #[error(transparent)]
    Tally(#[from] TallyError),
    /// A peer sent bytes that no slice encoder writes.
    #[error("worker {peer} sent an unreadable slice in round {round} of batch {batch}")]
    Slice {
        /// The sender.
        peer: WorkerId,
        /// The batch.
        batch: BatchId,
        /// The round.
        round: Round,
        /// What was unreadable.
        #[source]
        source: DecodeError,
    },
    /// A peer sent other activations than its marker counts.
    #[error(
        "worker {peer} counted {counted} activations in round {round} of batch {batch}, {received} arrived"
    )]
    Conservation {
        /// The sender.
        peer: WorkerId,
        /// The batch.
        batch: BatchId,
        /// The round.
        round: Round,
        /// Activations that its marker counts.
        counted: u64,
        /// Activations in its chunks.
        received: u64,
    },
    /// A peer sent other chunks than its marker counts.
    #[error(
        "worker {peer} counted other chunks in round {round} of batch {batch} than those that arrived"
    )]
    Miscounted {
        /// The sender.
        peer: WorkerId,
        /// The batch.
        batch: BatchId,
        /// The round.
        round: Round,
    },
    /// A peer sent more than this worker has room for, or took in more than it was sent.
    #[error("worker {peer} does not keep to the credit of batch {batch}")]
    Credit {
        /// The peer.
        peer: WorkerId,
        /// The batch.
        batch: BatchId,
    },
    /// A peer began more batches than a coordinator lets be in flight.
    #[error("worker {peer} began batch {batch}, too many before the coordinator's word")]
    TooFarAhead {
        /// The sender.
        peer: WorkerId,
        /// The batch.
        batch: BatchId,
    },
    /// A peer is ahead of, or behind, what the barrier allows.
    #[error(
        "worker {peer} sent round {round} of batch {batch}, which the barrier does not allow now"
    )]
    OutOfStep {
        /// The sender.
        peer: WorkerId,
        /// The batch.
        batch: BatchId,
        /// The round.
        round: Round,
    },
    /// The coordinator began a batch that the job does not have.
    #[error("batch {batch} is none of the job's, or has other simulations")]
    UnknownBatch {
        /// The batch.
        batch: BatchId,
    },
    /// A message from a worker that is not of the group.
    #[error("worker {peer} is not of the group that runs this job")]
    Stranger {
        /// The sender.
        peer: WorkerId,
    },
    /// The run was told to stop.
    #[error("interrupted")]
    Interrupted,
}
