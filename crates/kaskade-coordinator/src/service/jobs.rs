//! Jobs, for clients.

use std::pin::Pin;

use bytes::Bytes;
use kaskade_model::JobId;
use kaskade_model::status::{JobState, JobStatus};
use kaskade_results::ResultFile;
use kaskade_rpc::file::{FileChunk, FileName};
use kaskade_rpc::jobs::{Jobs, ResultChunk, Submission};
use kaskade_rpc::security::Caller;
use kaskade_rpc::{ErrorCode, RpcError, limits, pb};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{SchedulerHandle, with_files};
use crate::report::ResultStore;
use crate::scheduler;

/// The service that clients submit to.
#[derive(Clone, Debug)]
pub(crate) struct JobsService {
    pub(crate) scheduler: SchedulerHandle,
    pub(crate) results: ResultStore,
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Jobs for JobsService {
    type ListStream = Replies<pb::JobStatus>;
    type ListWorkersStream = Replies<pb::WorkerStatus>;
    type WatchStream = Replies<pb::JobStatus>;
    type ResultsStream = Replies<pb::ResultChunk>;

    async fn submit(
        &self,
        request: Request<pb::SubmitRequest>,
    ) -> Result<Response<pb::SubmitReply>, Status> {
        let caller = Caller::of(&request);
        let submission = Submission::try_from(request.into_inner())?;
        caller.note_job(submission.job.as_str());
        let job_id = submission.job.to_string();
        let submitted = self
            .scheduler
            .ask(|answer| scheduler::Request::Submit(submission, caller, answer))
            .await?;
        Ok(Response::new(pb::SubmitReply { job_id, already_known: submitted? }))
    }

    async fn list(
        &self,
        _request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let jobs = self.scheduler.ask(scheduler::Request::List).await?;
        let replies = tokio_stream::iter(jobs).map(|status| Ok(status.into()));
        Ok(Response::new(Box::pin(replies)))
    }

    async fn list_workers(
        &self,
        _request: Request<pb::ListWorkersRequest>,
    ) -> Result<Response<Self::ListWorkersStream>, Status> {
        let workers = self.scheduler.ask(scheduler::Request::ListWorkers).await?;
        let replies = tokio_stream::iter(workers).map(|status| Ok(status.into()));
        Ok(Response::new(Box::pin(replies)))
    }

    async fn status(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<pb::JobStatus>, Status> {
        let status = self.watch_job(job_of(request)?).await?.borrow().clone();
        Ok(Response::new(status.into()))
    }

    async fn watch(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let job = self.watch_job(job_of(request)?).await?;
        let mut has_ended = false;
        let until_the_end = WatchStream::new(job).take_while(move |status: &JobStatus| {
            let goes_on = !has_ended;
            has_ended = status.state.is_final();
            goes_on
        });
        Ok(Response::new(Box::pin(until_the_end.map(|status| Ok(status.into())))))
    }

    async fn results(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<Self::ResultsStream>, Status> {
        let job = job_of(request)?;
        let status = self.watch_job(job.clone()).await?.borrow().clone();
        if status.state != JobState::Succeeded {
            let text =
                format!("job {job} is {}, only a job that succeeded has results", status.state);
            return Err(RpcError::new(ErrorCode::FailedPrecondition, text).into());
        }
        let results = self.results.clone();
        let files = with_files(move || results.read(&job)).await?;
        let chunks = files.into_iter().flat_map(pieces).collect::<Vec<_>>();
        Ok(Response::new(Box::pin(tokio_stream::iter(chunks))))
    }

    async fn cancel(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<pb::JobStatus>, Status> {
        let caller = Caller::of(&request);
        let job = job_of(request)?;
        let status =
            self.scheduler.ask(|answer| scheduler::Request::Cancel(job, caller, answer)).await??;
        Ok(Response::new(status.into()))
    }
}

impl JobsService {
    async fn watch_job(&self, job: JobId) -> Result<watch::Receiver<JobStatus>, RpcError> {
        self.scheduler.ask(|answer| scheduler::Request::Watch(job, answer)).await?
    }
}

/// The job that `request` names, noted for the audit log.
fn job_of(request: Request<pb::JobRequest>) -> Result<JobId, Status> {
    let caller = Caller::of(&request);
    let job = JobId::try_from(request.into_inner())?;
    caller.note_job(job.as_str());
    Ok(job)
}

/// A result file in pieces that share its bytes.
fn pieces(file: ResultFile) -> Vec<Result<pb::ResultChunk, Status>> {
    let bytes = Bytes::from(file.bytes);
    let name = match FileName::new(file.kind.name()) {
        Ok(name) => name,
        Err(error) => return vec![Err(error.into())],
    };
    let total_bytes = bytes.len() as u64;
    let n_pieces = bytes.len().div_ceil(limits::CHUNK_BYTES).max(1);
    let piece = |piece: usize| {
        let begin = piece * limits::CHUNK_BYTES;
        let end = bytes.len().min(begin + limits::CHUNK_BYTES);
        let data = bytes.slice(begin..end);
        let chunk = FileChunk { offset: begin as u64, total_bytes, data };
        Ok(ResultChunk { name: name.clone(), chunk }.into())
    };
    (0..n_pieces).map(piece).collect()
}
