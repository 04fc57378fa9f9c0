//! The stream to a peer.

use std::time::Duration;

use kaskade_model::WorkerId;
use kaskade_model::message::{Attempt, Member, PeerMessage};
use kaskade_rpc::channel::{self, Remote};
use kaskade_rpc::exchange::{self, Envelope, ExchangeMessage, Hello, Receipt};
use kaskade_rpc::security::ClientSecurity;
use kaskade_rpc::{ErrorCode, RpcError, limits, pb};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// An open stream to one peer. Dropping it closes the stream after what was queued.
#[derive(Debug)]
pub(crate) struct PeerLink {
    messages: mpsc::UnboundedSender<PeerMessage>,
    watch: tokio::task::JoinHandle<()>,
}

impl PeerLink {
    /// Queues `message`. A broken stream is reported by its watch, not here.
    pub(crate) fn send(&self, message: PeerMessage) {
        let _ = self.messages.send(message);
    }
}

impl Drop for PeerLink {
    fn drop(&mut self) {
        // The attempt is over: a receipt that is still to come interests nobody.
        self.watch.abort();
    }
}

/// Opens the stream of `attempt` from `own` to `peer` and waits until the peer has taken it.
/// When it breaks later, `broken` is called once with what was seen.
pub(crate) async fn open_link(
    attempt: &Attempt,
    own: WorkerId,
    peer: &Member,
    security: &ClientSecurity,
    broken: impl FnOnce(String) + Send + 'static,
) -> Result<PeerLink, RpcError> {
    let channel = channel::connect(&peer.address, Remote::Worker, security).await?;
    let (messages, queue) = mpsc::unbounded_channel();
    let hello = ExchangeMessage::Hello(Hello { attempt: attempt.clone(), from: own });
    let epoch = attempt.epoch;
    let in_envelope = move |message| ExchangeMessage::Peer(Envelope { epoch, from: own, message });
    let outgoing = tokio_stream::once(hello)
        .chain(UnboundedReceiverStream::new(queue).map(in_envelope))
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
    let watch = tokio::spawn(async move {
        // The peer's next word comes when this side has closed; earlier, it is the end. Only its
        // first may be repeated.
        let seen = loop {
            match replies.message().await {
                Ok(Some(repeated)) if Receipt::from(repeated) == receipt => {}
                Ok(_) => break "the peer closed the stream".to_owned(),
                Err(status) => break RpcError::from(status).to_string(),
            }
        };
        broken(seen);
    });
    Ok(PeerLink { messages, watch })
}

async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<Result<T, RpcError>, RpcError> {
    let late = |_| RpcError::new(ErrorCode::DeadlineExceeded, "the peer did not answer in time");
    let answered = tokio::time::timeout(deadline, answer).await.map_err(late)?;
    Ok(answered.map_err(RpcError::from))
}
