//! Streams between the workers of a group.
//!
//! Every worker opens streams to each of its peers per attempt ([`outgoing`]) and serves those that
//! its peers open ([`incoming`]). One of them carries what ends rounds, and the others chunks: each
//! has a connection of its own, so that a marker never waits behind data. What is sent was made
//! before it is queued, and the same bytes go to all peers, so queues hold references; and they
//! hold no more of them than the peer has room for, because the engine waits for its credit.
//! So the driver never waits for a peer.

mod incoming;
mod outgoing;

/// What the engine makes fits the wire.
const _: () = assert!(kaskade_engine::slice::MAX_PAYLOAD_BYTES <= kaskade_rpc::limits::CHUNK_BYTES);

pub(crate) use incoming::{ExchangeService, Line, Room, Switchboard};
pub(crate) use outgoing::{PeerLink, open_link};
