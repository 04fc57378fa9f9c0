use std::path::PathBuf;

use kaskade_model::diffusion::ModelError;
use kaskade_model::message::Reason;
use kaskade_rpc::RpcError;
use kaskade_store::StoreError;

/// Why a worker stops, or cannot take up an attempt.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The coordinator or a peer.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A shard or manifest.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model cannot run on the graph.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The coordinator sent another graph than it assigned.
    #[error(
        "the coordinator's graph {graph} has digest {found} or another cut, the job was planned on {expected}"
    )]
    OtherGraph {
        /// The graph's name.
        graph: String,
        /// The digest that the job was planned on.
        expected: String,
        /// The digest of what was sent.
        found: String,
    },
    /// An assignment that cannot be carried out.
    #[error("assignment is broken: {0}")]
    Assignment(&'static str),
    /// A file of the shard cache.
    #[error("could not {action} {path}")]
    Cache {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// The threads that compute could not be started.
    #[error("could not start {n_threads} threads that compute")]
    Threads {
        /// The number asked for.
        n_threads: usize,
        /// The system's word.
        #[source]
        source: rayon::ThreadPoolBuildError,
    },
    /// The thread that speaks with the coordinator could not be started.
    #[error("could not start the thread that speaks with the coordinator")]
    ControlThread {
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// A computation panicked: a defect, reported instead of taking the worker down.
    #[error("a computation panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The server for peers failed.
    #[error("the server for peers failed")]
    Server(#[source] tonic::transport::Error),
}

impl WorkerError {
    /// The reason that a job fails with when a worker cannot take it up for this.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Store(error) if error.is_corrupt() => Reason::CorruptShard,
            Self::Store(error) if error.is_disk_full() => Reason::DiskFull,
            Self::Cache { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Reason::DiskFull
            }
            Self::OtherGraph { .. } => Reason::GraphChanged,
            Self::Model(_) => Reason::InvalidSpec,
            Self::Rpc(error) => error.reason.unwrap_or(Reason::Internal),
            _ => Reason::Internal,
        }
    }
}
