//! Service `Exchange`: workers of a group send each other their slices of the frontier.

use kaskade_model::ids::{BatchId, Epoch, Round, WorkerId};
use kaskade_model::message::{Attempt, Chunk, Credit, Marker, PeerMessage};

use crate::channel::Connection;
use crate::convert::required;
use crate::error::ConvertError;
use crate::limits::{self, CHUNK_BYTES, EXCHANGE_MESSAGE_BYTES};
use crate::pb;
use crate::version::{self, PROTOCOL_VERSION};

pub use pb::exchange_server::Exchange;

/// What a worker calls on its peers.
pub type Client = pb::exchange_client::ExchangeClient<Connection>;

/// What a worker serves to its peers.
pub type Server<S> = pb::exchange_server::ExchangeServer<S>;

/// A client over `connection`, with the limits of this crate.
#[must_use]
pub fn client(connection: Connection) -> Client {
    Client::new(connection)
        .max_decoding_message_size(EXCHANGE_MESSAGE_BYTES)
        .max_encoding_message_size(limits::LEFT_TO_THE_SERVER)
}

/// A server of `service`, with the limits of this crate.
#[must_use]
pub fn server<S: Exchange>(service: S) -> Server<S> {
    Server::new(service)
        .max_decoding_message_size(EXCHANGE_MESSAGE_BYTES)
        .max_encoding_message_size(EXCHANGE_MESSAGE_BYTES)
}

/// What a worker sends on a stream to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeMessage {
    /// The first message, and only the first.
    Hello(Hello),
    /// A piece of the frontier, the end of a round, or room for more.
    Peer(Envelope),
}

/// Who sends on a stream, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The attempt that all messages of the stream belong to.
    pub attempt: Attempt,
    /// The sender.
    pub from: WorkerId,
}

/// A message of an attempt, with what lets its receiver drop it when it is stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The epoch of the stream's attempt.
    pub epoch: Epoch,
    /// The sender.
    pub from: WorkerId,
    /// The message.
    pub message: PeerMessage,
}

/// How much of a stream its receiver has taken in: sent when it has accepted the hello
/// (nothing yet), and when the sender has closed its side (all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The receiver.
    pub worker: WorkerId,
    /// Messages taken in, the hello not counted.
    pub n_messages: u64,
    /// Their payload bytes.
    pub n_bytes: u64,
    /// Bytes of chunks of a batch that the receiver has room for from this sender, over all streams;
    /// or for one chunk, where that is more.
    pub credit_bytes: u64,
}

impl From<ExchangeMessage> for pb::ExchangeMessage {
    fn from(message: ExchangeMessage) -> Self {
        use pb::exchange_message::Kind;
        let kind = match message {
            ExchangeMessage::Hello(hello) => Kind::Hello(hello.into()),
            ExchangeMessage::Peer(envelope) => Kind::Peer(envelope.into()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::ExchangeMessage> for ExchangeMessage {
    type Error = ConvertError;

    fn try_from(message: pb::ExchangeMessage) -> Result<Self, ConvertError> {
        use pb::exchange_message::Kind;
        Ok(match required(message.kind, "ExchangeMessage", "kind")? {
            Kind::Hello(hello) => Self::Hello(hello.try_into()?),
            Kind::Peer(peer) => Self::Peer(peer.try_into()?),
        })
    }
}

impl From<Hello> for pb::Hello {
    fn from(hello: Hello) -> Self {
        Self {
            protocol_version: PROTOCOL_VERSION,
            attempt: Some(hello.attempt.into()),
            from: hello.from.0,
        }
    }
}

impl TryFrom<pb::Hello> for Hello {
    type Error = ConvertError;

    fn try_from(hello: pb::Hello) -> Result<Self, ConvertError> {
        let from = WorkerId(hello.from);
        version::check_protocol("worker", format!("worker {from}"), hello.protocol_version)?;
        Ok(Self { attempt: required(hello.attempt, "Hello", "attempt")?.try_into()?, from })
    }
}

impl From<Envelope> for pb::PeerMessage {
    fn from(envelope: Envelope) -> Self {
        use pb::peer_message::Content;
        let (batch, round, sequence, content) = match envelope.message {
            PeerMessage::Chunk(Chunk { batch, round, sequence, payload }) => {
                (batch, round, sequence, Content::Chunk(payload))
            }
            PeerMessage::Marker(Marker { batch, round, n_chunks, n_bytes, n_new, n_pending }) => {
                let marker = pb::Marker { n_chunks, n_bytes, n_new, n_pending };
                (batch, round, n_chunks, Content::Marker(marker))
            }
            PeerMessage::Credit(Credit { batch, n_bytes }) => {
                (batch, Round(0), 0, Content::Credit(pb::Credit { n_bytes }))
            }
        };
        Self {
            epoch: envelope.epoch.0,
            from: envelope.from.0,
            batch: batch.0,
            round: round.0,
            sequence,
            content: Some(content),
        }
    }
}

impl TryFrom<pb::PeerMessage> for Envelope {
    type Error = ConvertError;

    fn try_from(peer: pb::PeerMessage) -> Result<Self, ConvertError> {
        use pb::peer_message::Content;
        let invalid = |field, reason: String| Err(ConvertError::new("PeerMessage", field, reason));
        let (batch, round) = (BatchId(peer.batch), Round(peer.round));
        let message = match required(peer.content, "PeerMessage", "content")? {
            Content::Chunk(payload) if !(1..=CHUNK_BYTES).contains(&payload.len()) => {
                let n_bytes = payload.len();
                return invalid(
                    "chunk",
                    format!("has {n_bytes} bytes, must be 1 to {CHUNK_BYTES}"),
                );
            }
            Content::Chunk(payload) => {
                PeerMessage::Chunk(Chunk { batch, round, sequence: peer.sequence, payload })
            }
            Content::Marker(marker) if marker.n_chunks != peer.sequence => {
                let reason = format!("is {}, of {} chunks", peer.sequence, marker.n_chunks);
                return invalid("sequence", reason);
            }
            Content::Marker(pb::Marker { n_chunks, n_bytes, n_new, n_pending }) => {
                PeerMessage::Marker(Marker { batch, round, n_chunks, n_bytes, n_new, n_pending })
            }
            Content::Credit(_) if (round, peer.sequence) != (Round(0), 0) => {
                return invalid("round", "must be 0 for a credit, as its sequence".to_owned());
            }
            Content::Credit(pb::Credit { n_bytes }) => {
                PeerMessage::Credit(Credit { batch, n_bytes })
            }
        };
        Ok(Self { epoch: Epoch(peer.epoch), from: WorkerId(peer.from), message })
    }
}

impl From<Receipt> for pb::ExchangeReply {
    fn from(receipt: Receipt) -> Self {
        Self {
            worker_id: receipt.worker.0,
            n_messages: receipt.n_messages,
            n_bytes: receipt.n_bytes,
            credit_bytes: receipt.credit_bytes,
        }
    }
}

impl From<pb::ExchangeReply> for Receipt {
    fn from(reply: pb::ExchangeReply) -> Self {
        Self {
            worker: WorkerId(reply.worker_id),
            n_messages: reply.n_messages,
            n_bytes: reply.n_bytes,
            credit_bytes: reply.credit_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
