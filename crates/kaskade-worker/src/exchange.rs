//! Streams between the workers of a group.
//!
//! Every worker opens one stream to each of its peers per attempt ([`outgoing`]) and
//! serves those that its peers open ([`incoming`]). What is sent was made before it is
//! queued, and the same bytes go to all peers, so queues hold references: they need no
//! bound of their own, and the driver never waits for a peer.

mod incoming;
mod outgoing;

/// What the engine makes fits the wire.
const _: () = assert!(kaskade_engine::slice::MAX_PAYLOAD_BYTES <= kaskade_rpc::limits::CHUNK_BYTES);

pub(crate) use incoming::{ExchangeService, Line, Switchboard};
pub(crate) use outgoing::{PeerLink, open_link};
