//! The streams that peers open.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use kaskade_model::WorkerId;
use kaskade_model::message::PeerMessage;
use kaskade_rpc::exchange::{Exchange, ExchangeMessage, Hello, Receipt};
use kaskade_rpc::{ErrorCode, RpcError, pb};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::driver::Input;

/// Where the service finds the driver of the present session with the coordinator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switchboard(Arc<Mutex<Option<Line>>>);

/// The driver of a session, the number that this worker has in it, and what room it has.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) own: WorkerId,
    pub(crate) mailbox: mpsc::Sender<Input>,
    /// For chunks of each peer and batch, until they are taken in.
    pub(crate) credit_bytes: u64,
    pub(crate) room: Room,
}

/// Room for chunks of all peers between their streams and the driver: peers keep to their credit,
/// but nothing makes them.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

/// So many bytes. The driver never waits, so they are on their way for microseconds.
const ROOM_BYTES: usize = 32 << 20;

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_BYTES)))
    }
}

impl Room {
    /// Waits for room for `message`; markers and credits take none.
    async fn take(&self, message: &PeerMessage) -> Option<OwnedSemaphorePermit> {
        let PeerMessage::Chunk(chunk) = message else { return None };
        let n_bytes = chunk.payload.len().min(ROOM_BYTES) as u32;
        Arc::clone(&self.0).acquire_many_owned(n_bytes).await.ok()
    }
}

impl Switchboard {
    /// Connects the service to `line`, or to none between sessions.
    pub(crate) fn connect(&self, line: Option<Line>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    fn line(&self) -> Option<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The service that peers call.
#[derive(Clone, Debug)]
pub(crate) struct ExchangeService {
    pub(crate) switchboard: Switchboard,
}

type Replies = Pin<Box<dyn Stream<Item = Result<pb::ExchangeReply, Status>> + Send>>;

#[tonic::async_trait]
impl Exchange for ExchangeService {
    type ExchangeStream = Replies;

    async fn exchange(
        &self,
        request: Request<Streaming<pb::ExchangeMessage>>,
    ) -> Result<Response<Replies>, Status> {
        let line = self.switchboard.line().ok_or_else(|| {
            RpcError::new(ErrorCode::Unavailable, "this worker has no coordinator at the moment")
        })?;
        let mut incoming = request.into_inner();
        let first = incoming.message().await?;
        let first = first.map(ExchangeMessage::try_from).transpose()?;
        let Some(ExchangeMessage::Hello(hello)) = first else {
            let text = "the first message on an exchange stream must be a hello";
            return Err(RpcError::new(ErrorCode::InvalidArgument, text).into());
        };
        // Room for the two receipts of a stream: neither waits for the peer to read.
        let (replies, receiver) = mpsc::channel(2);
        let accepted = nothing_yet(&line);
        let _ = replies.send(Ok(accepted.into())).await;
        // Ends with the peer's stream, or when the driver is gone.
        tokio::spawn(take_in(incoming, hello, line, replies));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

fn nothing_yet(line: &Line) -> Receipt {
    let Line { own, credit_bytes, .. } = *line;
    Receipt { worker: own, n_messages: 0, n_bytes: 0, credit_bytes }
}

async fn take_in(
    mut incoming: Streaming<pb::ExchangeMessage>,
    hello: Hello,
    line: Line,
    replies: mpsc::Sender<Result<pb::ExchangeReply, Status>>,
) {
    let mut receipt = nothing_yet(&line);
    let broken = loop {
        let message = match incoming.message().await {
            Ok(Some(message)) => peer_message(message, &hello),
            Ok(None) => break None,
            Err(status) => Err(status.into()),
        };
        match message {
            Ok(None) => {}
            Ok(Some(message)) => {
                receipt.n_messages += 1;
                if let PeerMessage::Chunk(chunk) = &message {
                    receipt.n_bytes += chunk.payload.len() as u64;
                }
                let (attempt, from) = (hello.attempt.clone(), hello.from);
                let room = line.room.take(&message).await;
                let input = Input::Peer { attempt, from, message, room };
                if line.mailbox.send(input).await.is_err() {
                    return;
                }
            }
            Err(error) => break Some(error),
        }
    };
    let reply = match broken {
        None => Ok(receipt.into()),
        Some(error) => {
            let input = Input::PeerStreamBroken {
                attempt: hello.attempt,
                peer: hello.from,
                detail: error.to_string(),
            };
            // Without a driver nobody needs to know.
            let _ = line.mailbox.send(input).await;
            Err(error.into())
        }
    };
    // A peer that is gone does not read its receipt.
    let _ = replies.send(reply).await;
}

/// The message of a peer; `None` when it is of an epoch that is over.
fn peer_message(
    message: pb::ExchangeMessage,
    hello: &Hello,
) -> Result<Option<PeerMessage>, RpcError> {
    match ExchangeMessage::try_from(message)? {
        ExchangeMessage::Peer(envelope) if envelope.epoch < hello.attempt.epoch => Ok(None),
        // Said twice, like anything else on the stream, it changes nothing.
        ExchangeMessage::Hello(repeated) if repeated == *hello => Ok(None),
        ExchangeMessage::Peer(envelope)
            if (envelope.epoch, envelope.from) == (hello.attempt.epoch, hello.from) =>
        {
            Ok(Some(envelope.message))
        }
        _ => {
            let text = "a message on an exchange stream does not fit the stream's hello";
            Err(RpcError::new(ErrorCode::InvalidArgument, text))
        }
    }
}
