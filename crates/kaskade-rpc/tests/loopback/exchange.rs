//! Streams between workers: the hello, the receipts, and what must not block what.

use std::pin::Pin;

use bytes::Bytes;
use kaskade_model::ids::{BatchId, Epoch, JobId, Round, WorkerId};
use kaskade_model::message::{Attempt, Chunk, Marker, PeerMessage};
use kaskade_rpc::channel::{Remote, connect};
use kaskade_rpc::exchange::{self, Envelope, Exchange, ExchangeMessage, Hello, Receipt};
use kaskade_rpc::limits::{CHUNK_BYTES, STREAM_WINDOW_BYTES};
use kaskade_rpc::{ErrorCode, RpcError, pb};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::{open_client, open_server, start, within_deadline};

/// The worker that never gets round to reading.
const SLOW: WorkerId = WorkerId(1);
const QUICK: WorkerId = WorkerId(2);
const RECEIVER: WorkerId = WorkerId(9);

struct Receiver;

#[tonic::async_trait]
impl Exchange for Receiver {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<pb::ExchangeReply, Status>> + Send>>;

    async fn exchange(
        &self,
        request: Request<Streaming<pb::ExchangeMessage>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let mut messages = request.into_inner();
        let first = messages.message().await?.expect("a hello");
        let ExchangeMessage::Hello(hello) = ExchangeMessage::try_from(first)? else {
            return Err(RpcError::new(ErrorCode::InvalidArgument, "no hello").into());
        };
        let nothing = Receipt { worker: RECEIVER, n_messages: 0, n_bytes: 0, credit_bytes: 0 };
        let accepted = tokio_stream::once(Ok(nothing.into()));
        if hello.from == SLOW {
            let unread = tokio_stream::pending().map(move |()| {
                let _kept_open = &messages;
                Err(Status::internal("never"))
            });
            return Ok(Response::new(Box::pin(accepted.chain(unread))));
        }
        let (reply, replies) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut receipt = nothing;
            while let Some(message) = messages.message().await.expect("no broken stream") {
                let message = ExchangeMessage::try_from(message).expect("a valid message");
                receipt.n_messages += 1;
                if let ExchangeMessage::Peer(Envelope {
                    message: PeerMessage::Chunk(chunk), ..
                }) = message
                {
                    receipt.n_bytes += chunk.payload.len() as u64;
                }
            }
            reply.send(Ok(receipt.into())).await.expect("the sender waits for it");
        });
        Ok(Response::new(Box::pin(accepted.chain(ReceiverStream::new(replies)))))
    }
}

/// The sending side of a stream.
struct Sender {
    messages: mpsc::Sender<pb::ExchangeMessage>,
    replies: Streaming<pb::ExchangeReply>,
    from: WorkerId,
}

impl Sender {
    async fn open(client: &mut exchange::Client, from: WorkerId) -> Self {
        let (messages, stream) = mpsc::channel(1);
        let attempt =
            Attempt { job: JobId::new("job").expect("a name"), group: 0, epoch: Epoch(1) };
        let hello = ExchangeMessage::Hello(Hello { attempt, from });
        messages.send(hello.into()).await.expect("there is room for it");
        let replies = client.exchange(ReceiverStream::new(stream)).await.expect("it is accepted");
        Self { messages, replies: replies.into_inner(), from }
    }

    async fn send(&self, message: PeerMessage) {
        let envelope = Envelope { epoch: Epoch(1), from: self.from, message };
        let message = ExchangeMessage::Peer(envelope).into();
        self.messages.send(message).await.expect("the stream is open");
    }

    async fn receipt(&mut self) -> Receipt {
        self.replies.message().await.expect("no error").expect("a receipt").into()
    }
}

fn chunk(sequence: u32, n_bytes: usize) -> PeerMessage {
    let payload = Bytes::from(vec![7; n_bytes]);
    PeerMessage::Chunk(Chunk { batch: BatchId(0), round: Round(3), sequence, payload })
}

fn marker(n_chunks: u32, n_bytes: u64) -> PeerMessage {
    let (batch, round) = (BatchId(0), Round(3));
    PeerMessage::Marker(Marker { batch, round, n_chunks, n_bytes, n_new: 1, n_pending: 0 })
}

/// What DESIGN §5 asks of the windows: a stream whose receiver waits for a barrier must leave
/// room for the marker that it waits for, on the same connection.
#[tokio::test]
async fn a_full_stream_does_not_hold_up_another() {
    let worker = start(open_server().add_service(exchange::server(Receiver)));
    let mut client =
        exchange::client(connect(&worker.url, Remote::Worker, &open_client()).await.unwrap());
    within_deadline(async {
        // Two streams take all that their windows hold, less what surrounds the payloads.
        let mut full = Vec::new();
        for _ in 0..2 {
            let mut slow = Sender::open(&mut client, SLOW).await;
            assert_eq!(slow.receipt().await.n_messages, 0);
            for sequence in 0..STREAM_WINDOW_BYTES / CHUNK_BYTES as u32 {
                slow.send(chunk(sequence, CHUNK_BYTES - 1024)).await;
            }
            full.push(slow);
        }

        let mut quick = Sender::open(&mut client, QUICK).await;
        assert_eq!(
            quick.receipt().await,
            Receipt { worker: RECEIVER, n_messages: 0, n_bytes: 0, credit_bytes: 0 }
        );
        for sequence in 0..8 {
            quick.send(chunk(sequence, CHUNK_BYTES)).await;
        }
        let n_bytes = 8 * CHUNK_BYTES as u64;
        quick.send(marker(8, n_bytes)).await;
        let Sender { messages, mut replies, .. } = quick;
        drop(messages);
        let receipt = replies.message().await.unwrap().unwrap();
        let expected = Receipt { worker: RECEIVER, n_messages: 9, n_bytes, credit_bytes: 0 };
        assert_eq!(Receipt::from(receipt), expected);
        assert!(replies.message().await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_stream_without_a_hello_is_refused() {
    let worker = start(open_server().add_service(exchange::server(Receiver)));
    let mut client =
        exchange::client(connect(&worker.url, Remote::Worker, &open_client()).await.unwrap());
    let envelope = Envelope { epoch: Epoch(1), from: QUICK, message: marker(0, 0) };
    let stream = tokio_stream::once(ExchangeMessage::Peer(envelope).into());
    let error = within_deadline(client.exchange(stream)).await.map(drop).unwrap_err();
    assert_eq!(RpcError::from(error), RpcError::new(ErrorCode::InvalidArgument, "no hello"));
}

#[tokio::test]
async fn a_peer_of_another_version_is_refused() {
    let worker = start(open_server().add_service(exchange::server(Receiver)));
    let mut client =
        exchange::client(connect(&worker.url, Remote::Worker, &open_client()).await.unwrap());
    let hello = pb::Hello { protocol_version: 7, attempt: None, from: QUICK.0 };
    let kind = Some(pb::exchange_message::Kind::Hello(hello));
    let stream = tokio_stream::once(pb::ExchangeMessage { kind });
    let error = within_deadline(client.exchange(stream)).await.map(drop).unwrap_err();
    let error = RpcError::from(error);
    assert_eq!(error.code, ErrorCode::FailedPrecondition);
    assert!(error.message.starts_with("worker 2 has protocol version 7"), "{error}");
}
