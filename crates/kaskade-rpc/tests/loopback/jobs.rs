//! Errors, versions and limits, as the clients of a coordinator see them.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use kaskade_model::ids::JobId;
use kaskade_model::message::Reason;
use kaskade_rpc::channel::{Remote, connect};
use kaskade_rpc::jobs::{self, Jobs, Submission};
use kaskade_rpc::limits::{self, CLIENT_MESSAGE_BYTES, DOCUMENT_BYTES};
use kaskade_rpc::security::ServerSecurity;
use kaskade_rpc::{ErrorCode, PROTOCOL_VERSION, RpcError, pb, server};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use super::{Running, open_client, open_server, start, within_deadline};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Takes every job, knows one that failed, and never answers a `List`.
struct Coordinator;

fn status(job_id: String) -> pb::JobStatus {
    pb::JobStatus { job_id, state: pb::JobState::Running.into(), ..Default::default() }
}

#[tonic::async_trait]
impl Jobs for Coordinator {
    type ListStream = Answers<pb::JobStatus>;
    type ListWorkersStream = Answers<pb::WorkerStatus>;
    type WatchStream = Answers<pb::JobStatus>;
    type ResultsStream = Answers<pb::ResultChunk>;

    async fn submit(
        &self,
        request: Request<pb::SubmitRequest>,
    ) -> Result<Response<pb::SubmitReply>, Status> {
        let submission = Submission::try_from(request.into_inner())?;
        let reply = pb::SubmitReply { job_id: submission.job.into(), already_known: false };
        Ok(Response::new(reply))
    }

    async fn list(
        &self,
        _request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        std::future::pending().await
    }

    async fn list_workers(
        &self,
        _request: Request<pb::ListWorkersRequest>,
    ) -> Result<Response<Self::ListWorkersStream>, Status> {
        Ok(Response::new(Box::pin(tokio_stream::empty())))
    }

    async fn status(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<pb::JobStatus>, Status> {
        let job = JobId::try_from(request.into_inner())?;
        let text = format!("job {job} failed: shard 3 is corrupt, push the graph again");
        Err(RpcError::new(ErrorCode::DataLoss, text).with_reason(Reason::CorruptShard).into())
    }

    async fn watch(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let first = tokio_stream::once(Ok(status(request.into_inner().job_id)));
        Ok(Response::new(Box::pin(first.chain(tokio_stream::pending()))))
    }

    async fn results(
        &self,
        _request: Request<pb::JobRequest>,
    ) -> Result<Response<Self::ResultsStream>, Status> {
        let broken = RpcError::new(ErrorCode::NotFound, "the results were removed");
        let chunk = pb::ResultChunk::default();
        Ok(Response::new(Box::pin(tokio_stream::iter([Ok(chunk), Err(broken.into())]))))
    }

    async fn cancel(
        &self,
        request: Request<pb::JobRequest>,
    ) -> Result<Response<pb::JobStatus>, Status> {
        Ok(Response::new(status(request.into_inner().job_id)))
    }
}

fn coordinator() -> Running {
    start(open_server().add_service(jobs::server(Coordinator)))
}

async fn client(running: &Running) -> jobs::Client {
    jobs::client(
        connect(&running.url, Remote::Coordinator, &open_client()).await.expect("it is running"),
    )
}

fn job() -> pb::JobRequest {
    JobId::new("job-7").expect("a plain name").into()
}

fn submit_request(n_bytes: usize) -> pb::SubmitRequest {
    pb::SubmitRequest {
        protocol_version: PROTOCOL_VERSION,
        job_id: "job-7".into(),
        spec_json: Bytes::from(vec![b' '; n_bytes]),
    }
}

#[tokio::test]
async fn a_typed_error_arrives_as_it_was_sent() {
    let coordinator = coordinator();
    let mut client = client(&coordinator).await;
    let error = within_deadline(client.status(limits::request(job()))).await.unwrap_err();
    assert_eq!(
        RpcError::from(error),
        RpcError {
            code: ErrorCode::DataLoss,
            message: "job job-7 failed: shard 3 is corrupt, push the graph again".into(),
            reason: Some(Reason::CorruptShard),
        }
    );
}

#[tokio::test]
async fn a_typed_error_ends_a_stream_too() {
    let coordinator = coordinator();
    let mut client = client(&coordinator).await;
    let mut results =
        within_deadline(client.results(limits::request(job()))).await.unwrap().into_inner();
    assert!(within_deadline(results.message()).await.unwrap().is_some());
    let error = within_deadline(results.message()).await.unwrap_err();
    let expected = RpcError::new(ErrorCode::NotFound, "the results were removed");
    assert_eq!(RpcError::from(error), expected);
}

#[tokio::test]
async fn a_client_of_another_version_is_refused() {
    let coordinator = coordinator();
    let mut client = client(&coordinator).await;
    let accepted = within_deadline(client.submit(limits::request(submit_request(2)))).await;
    assert_eq!(accepted.unwrap().into_inner().job_id, "job-7");

    let later = pb::SubmitRequest { protocol_version: PROTOCOL_VERSION + 1, ..submit_request(2) };
    let error = within_deadline(client.submit(limits::request(later))).await.unwrap_err();
    let error = RpcError::from(error);
    assert_eq!(error.code, ErrorCode::FailedPrecondition);
    let theirs = format!("the client has protocol version {}", PROTOCOL_VERSION + 1);
    assert!(error.message.starts_with(&theirs), "{error}");
    assert!(error.message.ends_with("run the same release on both sides"), "{error}");
}

#[tokio::test]
async fn what_is_over_the_limit_is_refused_with_the_limit() {
    let coordinator = coordinator();
    let mut client = client(&coordinator).await;
    let largest = within_deadline(client.submit(submit_request(DOCUMENT_BYTES))).await;
    assert!(largest.is_ok());
    let document = within_deadline(client.submit(submit_request(DOCUMENT_BYTES + 1))).await;
    assert_eq!(RpcError::from(document.unwrap_err()).code, ErrorCode::InvalidArgument);

    let message = within_deadline(client.submit(submit_request(CLIENT_MESSAGE_BYTES))).await;
    let error = RpcError::from(message.unwrap_err());
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    assert!(error.message.contains("the limit is: 17825792 bytes"), "{error}");

    let again = within_deadline(client.submit(submit_request(1))).await;
    assert!(again.is_ok(), "the connection survives it");
}

#[tokio::test]
async fn a_coordinator_that_is_not_running_is_named_with_the_next_step() {
    let url = server::bind(([127, 0, 0, 1], 0).into(), &ServerSecurity::default()).unwrap().url();
    let error =
        within_deadline(connect(&url, Remote::Coordinator, &open_client())).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Unavailable);
    assert!(error.message.starts_with(&format!("could not reach the coordinator at {url}")));
    assert!(
        error.message.ends_with("is it running? start it with `kaskade coordinator`"),
        "{error}"
    );

    let worker = within_deadline(connect(&url, Remote::Worker, &open_client())).await.unwrap_err();
    assert!(worker.message.starts_with(&format!("could not reach the worker at {url}")));
    let no_url =
        within_deadline(connect("127.0.0.1:7400", Remote::Coordinator, &open_client())).await;
    assert_eq!(no_url.unwrap_err().code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_connection_that_breaks_is_worth_another_try() {
    let coordinator = proxy::Proxy::to(coordinator()).await;
    let channel = connect(&coordinator.url, Remote::Coordinator, &open_client()).await.unwrap();
    let mut client = jobs::client(channel);
    let mut watch =
        within_deadline(client.watch(limits::request(job()))).await.unwrap().into_inner();
    assert_eq!(within_deadline(watch.message()).await.unwrap().unwrap().job_id, "job-7");

    drop(coordinator);
    let error = RpcError::from(within_deadline(watch.message()).await.unwrap_err());
    assert!(error.is_retryable(), "{error:?}");
    let error = within_deadline(client.cancel(limits::request(job()))).await.unwrap_err();
    let error = RpcError::from(error);
    assert_eq!(error.code, ErrorCode::Unavailable, "{error}");
}

#[tokio::test]
async fn a_call_without_an_answer_ends_at_its_deadline() {
    let coordinator = coordinator();
    let mut client = client(&coordinator).await;
    let mut request = limits::request(pb::ListJobsRequest {});
    request.set_timeout(Duration::from_millis(10));
    let error = RpcError::from(within_deadline(client.list(request)).await.map(drop).unwrap_err());
    assert_eq!(error, RpcError::new(ErrorCode::DeadlineExceeded, "no answer within the deadline"));
}

/// A way to a server that can be cut in the middle of a stream.
mod proxy {
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinHandle;

    use super::Running;

    pub(super) struct Proxy {
        pub(super) url: String,
        pump: JoinHandle<()>,
        _server: Running,
    }

    impl Proxy {
        /// Carries one connection.
        pub(super) async fn to(server: Running) -> Self {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback");
            let url = format!("http://{}", listener.local_addr().expect("bound"));
            let target = server.url.trim_start_matches("http://").to_owned();
            let pump = tokio::spawn(async move {
                let (mut from, _) = listener.accept().await.expect("a client");
                drop(listener);
                let mut to = TcpStream::connect(target).await.expect("the server is running");
                // The end of either side is the end of both: nothing to report.
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
            Self { url, pump, _server: server }
        }
    }

    impl Drop for Proxy {
        fn drop(&mut self) {
            self.pump.abort();
        }
    }
}
