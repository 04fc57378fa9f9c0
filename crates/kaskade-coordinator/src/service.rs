//! What the coordinator serves: jobs and graphs to clients, control to workers.
//!
//! Services check and convert; what is asked for is done by the scheduler, the registry
//! or the result store.

mod control;
mod graphs;
mod jobs;

pub(crate) use control::ControlService;
pub(crate) use graphs::GraphsService;
pub(crate) use jobs::JobsService;

use kaskade_rpc::{ErrorCode, RpcError};
use tokio::sync::{mpsc, oneshot};
use tonic::Status;

use crate::error::CoordinatorError;
use crate::scheduler::Request;

/// Pieces of a file that wait to be sent, of at most 256 KiB each.
const CHUNKS_AHEAD: usize = 8;

/// How services reach the scheduler.
#[derive(Clone, Debug)]
pub(crate) struct SchedulerHandle(pub(crate) mpsc::Sender<Request>);

impl SchedulerHandle {
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, RpcError> {
        let gone = || RpcError::new(ErrorCode::Unavailable, "the coordinator is shutting down");
        let (answer, answered) = oneshot::channel();
        self.0.send(request(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}

/// Runs file work of any length beside the services.
async fn with_files<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CoordinatorError> + Send + 'static,
) -> Result<T, Status> {
    #[expect(clippy::disallowed_methods, reason = "reads and writes files")]
    let outcome = tokio::task::spawn_blocking(work).await;
    match outcome {
        Ok(outcome) => outcome.map_err(Status::from),
        Err(error) => Err(RpcError::new(ErrorCode::Internal, error.to_string()).into()),
    }
}
