use std::path::PathBuf;

use kaskade_model::job::PlanError;
use kaskade_model::message::Reason;
use kaskade_results::ResultsError;
use kaskade_rpc::{ErrorCode, RpcError};
use kaskade_store::{StoreError, StoreErrorKind};

use crate::job_log::LogError;

/// Why a coordinator stops, or a job or request cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    /// The socket, a peer, or a request.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The job log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A graph directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A result.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A spec asks for what cannot be, or not on its graph.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The graph is another one than the job was planned on.
    #[error("graph {graph} has digest {found} now, the job was planned on {expected}")]
    GraphChanged {
        /// The graph's name.
        graph: String,
        /// The digest that the job was planned on.
        expected: String,
        /// The present digest.
        found: String,
    },
    /// A file or folder of the coordinator.
    #[error("could not {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// Work of the coordinator stopped in the middle; the panic stands in its log.
    #[error("{what} stopped by a defect of kaskade: {text}")]
    Panicked {
        /// The work.
        what: &'static str,
        /// What the panic said.
        text: String,
    },
    /// The scheduler ended, and nothing is served without it.
    #[error("the scheduler stopped by a defect of kaskade: start the coordinator again")]
    Scheduler(#[source] tokio::task::JoinError),
    /// The server failed.
    #[error("the server failed")]
    Server(#[source] tonic::transport::Error),
}

impl CoordinatorError {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// The reason that a job fails with for this.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Store(error) => match error.kind() {
                StoreErrorKind::Corrupt => Reason::CorruptShard,
                StoreErrorKind::DiskFull => Reason::DiskFull,
                StoreErrorKind::NotFound => Reason::GraphChanged,
                _ => Reason::Internal,
            },
            Self::Log(error) if error.is_disk_full() => Reason::DiskFull,
            Self::Results(error) if error.is_disk_full() => Reason::DiskFull,
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Reason::DiskFull
            }
            Self::Plan(_) => Reason::InvalidSpec,
            Self::GraphChanged { .. } => Reason::GraphChanged,
            Self::Rpc(error) => error.reason.unwrap_or(Reason::Internal),
            _ => Reason::Internal,
        }
    }

    /// The error with all that caused it, on one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        error_chain(self)
    }
}

/// `error` with all that caused it, on one line.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl From<CoordinatorError> for RpcError {
    fn from(error: CoordinatorError) -> Self {
        let text = error.sentence();
        let code = match error {
            CoordinatorError::Rpc(error) => return error,
            CoordinatorError::Plan(_) => ErrorCode::InvalidArgument,
            CoordinatorError::GraphChanged { .. } => ErrorCode::FailedPrecondition,
            CoordinatorError::Store(ref error) if error.is_corrupt() => ErrorCode::DataLoss,
            CoordinatorError::Results(ref error) if error.is_corrupt() => ErrorCode::DataLoss,
            ref other if other.reason() == Reason::DiskFull => ErrorCode::ResourceExhausted,
            CoordinatorError::Store(ref error) if error.kind() == StoreErrorKind::NotFound => {
                ErrorCode::NotFound
            }
            _ => ErrorCode::Internal,
        };
        Self::new(code, text)
    }
}

impl From<CoordinatorError> for tonic::Status {
    fn from(error: CoordinatorError) -> Self {
        RpcError::from(error).into()
    }
}
