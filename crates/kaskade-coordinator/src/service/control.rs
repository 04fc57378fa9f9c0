//! Control, for workers.

use std::pin::Pin;

use kaskade_model::WorkerId;
use kaskade_rpc::control::{Control, CoordinatorMessage, FetchRequest, WorkerMessage};
use kaskade_rpc::security::Caller;
use kaskade_rpc::{ErrorCode, RpcError, pb};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::{CHUNKS_AHEAD, SchedulerHandle};
use crate::registry::Registry;
use crate::scheduler::{self, in_background};

/// The service that workers register with.
#[derive(Clone, Debug)]
pub(crate) struct ControlService {
    pub(crate) scheduler: SchedulerHandle,
    pub(crate) registry: Registry,
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Control for ControlService {
    type SessionStream = Replies<pb::CoordinatorMessage>;
    type FetchFileStream = Replies<pb::FileChunk>;

    async fn session(
        &self,
        request: Request<Streaming<pb::WorkerMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let mut incoming = request.into_inner();
        let first = incoming.message().await?.map(WorkerMessage::try_from).transpose()?;
        let Some(WorkerMessage::Register(registration)) = first else {
            let text = "the first message of a session must be a registration";
            return Err(RpcError::new(ErrorCode::InvalidArgument, text).into());
        };
        // Commands are few and small; a worker that does not read them is soon silent and lost.
        let (commands, queue) = mpsc::unbounded_channel();
        let registration = Box::new(registration);
        let sender = commands.clone();
        let registered = self
            .scheduler
            .ask(|answer| scheduler::Request::Register(registration, sender, answer))
            .await?;
        let worker = registered.worker;
        let first = tokio_stream::once(CoordinatorMessage::Registered(registered));
        // Ends with the worker's side of the session.
        tokio::spawn(listen(incoming, worker, self.scheduler.clone(), commands));
        let replies = first.chain(UnboundedReceiverStream::new(queue));
        Ok(Response::new(Box::pin(replies.map(|message| Ok(message.into())))))
    }

    async fn fetch_file(
        &self,
        request: Request<pb::FetchRequest>,
    ) -> Result<Response<Self::FetchFileStream>, Status> {
        let caller = Caller::of(&request);
        let FetchRequest { graph, graph_digest, file, offset } = request.into_inner().try_into()?;
        caller.note_graph(&graph);
        let (chunks, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let registry = self.registry.clone();
        in_background(move || {
            let send = |chunk| chunks.blocking_send(chunk).is_ok();
            let mut reader = match registry.reader(&graph, &graph_digest, file, offset) {
                Ok(reader) => reader,
                Err(error) => {
                    send(Err(error.into()));
                    return;
                }
            };
            // Ends early when the worker does not want the rest.
            loop {
                let goes_on = match reader.next_chunk() {
                    Ok(Some(chunk)) => send(Ok(chunk.into())),
                    Ok(None) => false,
                    Err(error) => {
                        send(Err(error.into()));
                        false
                    }
                };
                if !goes_on {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

/// Passes on what `worker` says until its session ends. Holds the commands' sender so that the
/// session lasts as long as the worker's side of it.
async fn listen(
    mut incoming: Streaming<pb::WorkerMessage>,
    worker: WorkerId,
    scheduler: SchedulerHandle,
    commands: mpsc::UnboundedSender<CoordinatorMessage>,
) {
    let why = loop {
        let message = match incoming.message().await {
            Ok(Some(message)) => WorkerMessage::try_from(message).map_err(RpcError::from),
            Ok(None) => break "it closed the session".to_owned(),
            Err(status) => Err(status.into()),
        };
        match message {
            Ok(message) => {
                let said = scheduler::Request::WorkerSaid(worker, Box::new(message));
                if scheduler.0.send(said).await.is_err() {
                    return;
                }
            }
            Err(error) => break error.to_string(),
        }
    };
    drop(commands);
    // A scheduler that is gone needs not be told.
    let _ = scheduler.0.send(scheduler::Request::WorkerGone(worker, why)).await;
}
