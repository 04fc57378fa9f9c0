//! How large and how long anything on the wire may be: both ends use these.

use std::time::Duration;

use crate::error::{ErrorCode, RpcError};

/// Flow-control window of a stream. On a fast network it is what is in flight.
pub const STREAM_WINDOW_BYTES: u32 = 16 << 20;

/// Flow-control window of a connection, the largest that HTTP/2 has. With a smaller one,
/// streams whose receiver waits for a barrier could fill the window that the barrier's
/// last marker needs: a deadlock.
pub const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;

/// Largest HTTP/2 frame; the default of 16 KiB costs a third more CPU time a byte.
pub const FRAME_BYTES: u32 = 256 << 10;

/// Largest list of headers or trailers; holds an error of [`ERROR_MESSAGE_BYTES`] with
/// every byte percent-encoded.
pub const HEADER_LIST_BYTES: u32 = 32 << 10;

/// Largest payload of a chunk of a slice or of a file.
pub const CHUNK_BYTES: usize = 256 << 10;

/// What a stream's encoder and decoder allocate at once.
pub const CODEC_BUFFER_BYTES: usize = CHUNK_BYTES;

/// Encoded messages that wait at most before they are handed to the connection.
pub const CODEC_YIELD_BYTES: usize = 4 * CHUNK_BYTES;

/// Largest spec or manifest document that a client may send.
pub const DOCUMENT_BYTES: usize = 16 << 20;

/// Largest message of the services of clients, a document and its surroundings.
pub const CLIENT_MESSAGE_BYTES: usize = DOCUMENT_BYTES + (1 << 20);

/// Largest message between worker and coordinator. A tally takes 8 bytes a round and
/// simulation: this holds 16,000 rounds of 512 simulations. An assignment carries the
/// seeds, at most a bit a node.
pub const CONTROL_MESSAGE_BYTES: usize = 64 << 20;

/// Largest message between workers, a chunk and its surroundings.
pub const EXCHANGE_MESSAGE_BYTES: usize = 2 * CHUNK_BYTES;

/// Largest request that names things and carries nothing.
pub const SMALL_REQUEST_BYTES: usize = 64 << 10;

/// What the requests of one user may hold of a server at a time, while they are read: a few
/// documents. Without it, messages that are begun and never ended would fill its memory.
pub const USER_REQUEST_BYTES: usize = 4 * CLIENT_MESSAGE_BYTES;

/// What a client may send: anything, since the server refuses what is too large and says
/// so. Refused by the client's own encoder, it would only show as a broken stream.
pub const LEFT_TO_THE_SERVER: usize = usize::MAX;

/// Longest error message in UTF-8; longer ones are cut.
pub const ERROR_MESSAGE_BYTES: usize = 4 << 10;

/// Calls and streams that a client may have open on one connection.
pub const STREAMS_PER_CONNECTION: u32 = 1024;

/// Streams of a connection that were reset and not looked at yet, and that this side reset
/// for the peer's errors. One that goes beyond it is closed: it does nothing but that.
pub const RESET_STREAMS: usize = 64;

/// Connections that a server has at a time; more wait until one ends.
pub const CONNECTIONS: usize = 1024;

/// [`CONNECTIONS`], or half of the descriptors that this process may have: the others are
/// for files and for connections that it opens itself.
pub(crate) fn connections() -> usize {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let half = descriptors.map_or(CONNECTIONS as u64, |descriptors| descriptors / 2);
    usize::try_from(half).unwrap_or(CONNECTIONS).clamp(1, CONNECTIONS)
}

/// Connections that a server's page of metrics has at a time; more wait until one ends.
pub const SCRAPES: usize = 16;

/// Time for a request for it to arrive, and for the answer.
pub const SCRAPE_DEADLINE: Duration = Duration::from_secs(5);

/// Time for a TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time from a connection's acceptance to the first call on it that is let in. After it the
/// connection is closed, however busy it is.
pub const FIRST_CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Silence on a connection after which it is asked for a sign of life.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Time for that sign, after which the connection is closed.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time to open a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for the answer to a call that is no stream, and for the first answer of one that is.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Refuses a message that its receiver would refuse, before it is sent: the refusal ends the
/// stream that carried it. `limit` is one of this module's `…_MESSAGE_BYTES`.
///
/// # Errors
/// [`ErrorCode::ResourceExhausted`] names the message, its size and the limit.
pub fn check_size(name: &str, message: &impl prost::Message, limit: usize) -> Result<(), RpcError> {
    let n_bytes = message.encoded_len();
    if n_bytes <= limit {
        return Ok(());
    }
    let text = format!("{name} takes {n_bytes} bytes, a message may take {limit}");
    Err(RpcError::new(ErrorCode::ResourceExhausted, text))
}

/// A request with [`ANSWER_DEADLINE`], which a stream that has begun to answer outlives. Not
/// for `PushFile`, which answers when all of the file is there.
pub fn request<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(ANSWER_DEADLINE);
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb;

    #[test]
    fn a_message_over_its_limit_is_refused_before_it_is_sent() {
        let tally = pb::PartitionTally { fingerprints: vec![0; 100].into(), ..Default::default() };
        check_size("the tally of batch 3", &tally, 102).unwrap();
        let error = check_size("the tally of batch 3", &tally, 101).unwrap_err();
        assert_eq!(error.code, ErrorCode::ResourceExhausted);
        assert_eq!(error.message, "the tally of batch 3 takes 102 bytes, a message may take 101");
    }
}
