//! A coordinator for tests that answers as it is told.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use bytes::Bytes;
use kaskade_model::coin::Family;
use kaskade_model::diffusion::{ArcProbability, LiveArcModel};
use kaskade_model::dynamics::Dynamics;
use kaskade_model::ids::{Epoch, JobId, WorkerId};
use kaskade_model::job::JobPlan;
use kaskade_model::message::{Assignment, Attempt, Member};
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_rpc::control::{self, Client, Control, CoordinatorMessage, Registered, WorkerMessage};
use kaskade_rpc::file::FileChunk;
use kaskade_rpc::security::{ClientSecurity, Gate, ServerSecurity};
use kaskade_rpc::{channel, pb, server};
use tokio::task::AbortHandle;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

/// A coordinator on loopback, stopped when dropped.
pub(crate) struct TestCoordinator {
    pub(crate) url: String,
    /// Calls of `FetchFile` so far.
    pub(crate) n_fetches: Arc<AtomicU64>,
    /// Heartbeats so far, of all sessions.
    pub(crate) n_heartbeats: Arc<AtomicU64>,
    serve: AbortHandle,
}

impl Drop for TestCoordinator {
    fn drop(&mut self) {
        self.serve.abort();
    }
}

impl TestCoordinator {
    /// It closes every session at once. Of every file it has `file`, and sends at most
    /// `bytes_per_fetch` of it before it ends a stream.
    pub(crate) fn start(file: &'static [u8], bytes_per_fetch: usize) -> Self {
        Self::serve(Answers { file, bytes_per_fetch, ..Answers::default() })
    }

    /// It takes every worker that registers, and wants a heartbeat of it every so many milliseconds.
    pub(crate) fn registering(heartbeat_interval_ms: u32) -> Self {
        Self::serve(Answers { heartbeat_interval_ms, ..Answers::default() })
    }

    fn serve(service: Answers) -> Self {
        let n_fetches = Arc::clone(&service.n_fetches);
        let n_heartbeats = Arc::clone(&service.n_heartbeats);
        let listener = server::bind(([127, 0, 0, 1], 0).into(), &ServerSecurity::default())
            .expect("loopback is allowed");
        let url = listener.url();
        let router = server::builder(Gate::default()).add_service(control::server(service));
        let serve = tokio::spawn(async move {
            router.serve_with_incoming(listener.incoming).await.expect("the listener stays open");
        });
        Self { url, n_fetches, n_heartbeats, serve: serve.abort_handle() }
    }

    pub(crate) async fn client(&self) -> Client {
        control::client(
            channel::connect(&self.url, channel::Remote::Coordinator, &ClientSecurity::default())
                .await
                .unwrap(),
        )
    }
}

#[derive(Default)]
struct Answers {
    file: &'static [u8],
    bytes_per_fetch: usize,
    n_fetches: Arc<AtomicU64>,
    /// 0 where it closes every session at once.
    heartbeat_interval_ms: u32,
    n_heartbeats: Arc<AtomicU64>,
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Control for Answers {
    type SessionStream = Replies<pb::CoordinatorMessage>;
    type FetchFileStream = Replies<pb::FileChunk>;

    async fn session(
        &self,
        request: Request<Streaming<pb::WorkerMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        if self.heartbeat_interval_ms == 0 {
            return Ok(Response::new(Box::pin(tokio_stream::empty())));
        }
        let n_heartbeats = Arc::clone(&self.n_heartbeats);
        let registered = CoordinatorMessage::Registered(Registered {
            worker: WorkerId(1),
            coordinator_instance: 1,
            heartbeat_interval_ms: self.heartbeat_interval_ms,
        });
        let acknowledged = request.into_inner().filter_map(move |message| {
            let message = WorkerMessage::try_from(message.ok()?).ok()?;
            matches!(message, WorkerMessage::Heartbeat { .. }).then(|| {
                n_heartbeats.fetch_add(1, SeqCst);
                CoordinatorMessage::HeartbeatAck
            })
        });
        let answers = tokio_stream::once(registered).chain(acknowledged);
        Ok(Response::new(Box::pin(answers.map(|answer| Ok(answer.into())))))
    }

    async fn fetch_file(
        &self,
        request: Request<pb::FetchRequest>,
    ) -> Result<Response<Self::FetchFileStream>, Status> {
        self.n_fetches.fetch_add(1, SeqCst);
        let start = request.into_inner().offset as usize;
        let end = self.file.len().min(start + self.bytes_per_fetch);
        let chunk = FileChunk {
            offset: start as u64,
            total_bytes: self.file.len() as u64,
            data: Bytes::from_static(&self.file[start..end]),
        };
        let chunks = (end > start).then(|| Ok(chunk.into()));
        Ok(Response::new(Box::pin(tokio_stream::iter(chunks))))
    }
}

/// The assignment of epoch `epoch` of group 0 of a job to `workers`, none of which has a shard.
pub(crate) fn assignment(epoch: u64, workers: &[u64]) -> Assignment {
    let member = |&worker: &u64| Member {
        worker: WorkerId(worker),
        address: "http://127.0.0.1:1".to_owned(),
        shards: Vec::new(),
    };
    Assignment {
        attempt: Attempt { job: JobId::new("tale").unwrap(), group: 0, epoch: Epoch(epoch) },
        graph: "town".to_owned(),
        graph_digest: "0f".to_owned(),
        shard_table_digest: "1e".to_owned(),
        plan: JobPlan {
            model: LiveArcModel::IndependentCascade(ArcProbability::Constant(0.5)),
            dynamics: Dynamics::default(),
            coins: Family::Octet,
            seed: 1,
            seeds: SeedPlan::RandomEach(1),
            n_nodes: 10,
            first_simulation: 0,
            n_simulations: 64,
            max_rounds: None,
            recording: Recording::default(),
            lane_words: 1,
        },
        members: workers.iter().map(member).collect(),
    }
}
