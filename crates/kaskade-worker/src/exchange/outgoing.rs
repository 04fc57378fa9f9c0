//! The streams to a peer.

use std::time::Duration;

use kaskade_model::WorkerId;
use kaskade_model::message::{Attempt, Member, PeerMessage};
use kaskade_rpc::channel::{self, Remote};
use kaskade_rpc::exchange::{self, Envelope, ExchangeMessage, Hello, Receipt};
use kaskade_rpc::security::ClientSecurity;
use kaskade_rpc::{ErrorCode, RpcError, limits, pb};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;

/// A chunk of so many bytes goes with the marker that counts it: one message less to wait for,
/// and nothing that a marker would notice.
const SMALL_CHUNK_BYTES: usize = 4 << 10;

/// Open streams to one peer. Dropping it closes them after what was queued.
#[derive(Debug)]
pub(crate) struct PeerLink {
    /// What the peer has room for, of each batch.
    pub(crate) credit_bytes: u64,
    /// Markers, credits and small chunks.
    control: Queue,
    /// Chunks, one stream after the other.
    data: Vec<Queue>,
    next: usize,
    watch: AbortHandle,
}

/// Messages that wait for a stream: markers and credits, of which there are few, and chunks as
/// far as the peer has room for them.
type Queue = mpsc::UnboundedSender<PeerMessage>;

impl PeerLink {
    /// Queues `message`. A broken stream is reported by the watch, not here.
    pub(crate) fn send(&mut self, message: PeerMessage) {
        let queue = match &message {
            PeerMessage::Chunk(chunk) if chunk.payload.len() > SMALL_CHUNK_BYTES => {
                self.next = (self.next + 1) % self.data.len();
                &self.data[self.next]
            }
            _ => &self.control,
        };
        let _ = queue.send(message);
    }
}

impl Drop for PeerLink {
    fn drop(&mut self) {
        // The attempt is over: a receipt that is still to come interests nobody.
        self.watch.abort();
    }
}

/// Opens the streams of `attempt` from `own` to `peer`, `n_data_streams` (at least 1) for chunks and one
/// for the rest, and waits until the peer has taken them. When one breaks later, `broken` is called
/// once with what was seen.
pub(crate) async fn open_link(
    attempt: &Attempt,
    own: WorkerId,
    (peer, n_data_streams): (&Member, usize),
    security: &ClientSecurity,
    broken: impl FnOnce(String) + Send + 'static,
) -> Result<PeerLink, RpcError> {
    let mut watches = JoinSet::new();
    let control = open_stream(attempt, own, peer, security).await?;
    let credit_bytes = control.receipt.credit_bytes;
    watches.spawn(watch(control.replies, control.receipt));
    let mut data = Vec::new();
    for _ in 0..n_data_streams.max(1) {
        let stream = open_stream(attempt, own, peer, security).await?;
        watches.spawn(watch(stream.replies, stream.receipt));
        data.push(stream.queue);
    }
    let watch = tokio::spawn(async move {
        // Whatever else it says, and whatever becomes of the other streams, is of no interest.
        if let Some(Ok(seen)) = watches.join_next().await {
            broken(seen);
        }
    });
    let watch = watch.abort_handle();
    Ok(PeerLink { credit_bytes, control: control.queue, data, next: 0, watch })
}

/// A stream that the peer has taken.
struct OpenStream {
    queue: Queue,
    replies: Streaming<pb::ExchangeReply>,
    receipt: Receipt,
}

async fn open_stream(
    attempt: &Attempt,
    own: WorkerId,
    peer: &Member,
    security: &ClientSecurity,
) -> Result<OpenStream, RpcError> {
    let channel = channel::connect(&peer.address, Remote::Worker, security).await?;
    let (queue, queued) = mpsc::unbounded_channel();
    let hello = ExchangeMessage::Hello(Hello { attempt: attempt.clone(), from: own });
    let epoch = attempt.epoch;
    let in_envelope = move |message| ExchangeMessage::Peer(Envelope { epoch, from: own, message });
    let outgoing = tokio_stream::once(hello)
        .chain(UnboundedReceiverStream::new(queued).map(in_envelope))
        .map(pb::ExchangeMessage::from);
    let mut client = exchange::client(channel);
    let deadline = limits::ANSWER_DEADLINE;
    let mut replies = within(deadline, client.exchange(outgoing)).await??.into_inner();
    let accepted = within(deadline, replies.message()).await??;
    let receipt: Receipt = accepted
        .map(Receipt::from)
        .ok_or_else(|| RpcError::new(ErrorCode::Unavailable, "the peer closed the stream"))?;
    if receipt.worker != peer.worker {
        let text = format!("worker {} answers for worker {}", receipt.worker, peer.worker);
        return Err(RpcError::new(ErrorCode::FailedPrecondition, text));
    }
    Ok(OpenStream { queue, replies, receipt })
}

/// Ends with the stream; says what was seen. The peer's next word comes when this side has
/// closed; earlier, it is the end. Only its first may be repeated.
async fn watch(mut replies: Streaming<pb::ExchangeReply>, first: Receipt) -> String {
    loop {
        match replies.message().await {
            Ok(Some(repeated)) if Receipt::from(repeated) == first => {}
            Ok(_) => return "the peer closed the stream".to_owned(),
            Err(status) => return RpcError::from(status).to_string(),
        }
    }
}

async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<Result<T, RpcError>, RpcError> {
    let late = |_| RpcError::new(ErrorCode::DeadlineExceeded, "the peer did not answer in time");
    let answered = tokio::time::timeout(deadline, answer).await.map_err(late)?;
    Ok(answered.map_err(RpcError::from))
}
