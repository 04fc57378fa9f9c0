//! Connections to servers, with every limit set.

use std::fmt;

use tonic::transport::{Channel, Endpoint};

use crate::address;
use crate::error::{ErrorCode, RpcError};
use crate::limits;

/// Whom a connection goes to, as an error names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remote {
    /// The coordinator, from a client or a worker.
    Coordinator,
    /// Another worker.
    Worker,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coordinator => "coordinator",
            Self::Worker => "worker",
        })
    }
}

/// Opens a connection to the `remote` at `address`, `http://host:port`. One connection is
/// served by one core at each end: open several to move more than about a gigabyte a second.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`] when `address` is none, [`ErrorCode::Unavailable`] when
/// nobody answers there within [`limits::CONNECT_TIMEOUT`].
pub async fn connect(address: &str, remote: Remote) -> Result<Channel, RpcError> {
    let uri = address::parse(address)
        .map_err(|error| RpcError::new(ErrorCode::InvalidArgument, error.to_string()))?;
    let endpoint = Endpoint::from(uri)
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .http2_adaptive_window(false)
        .max_frame_size(limits::FRAME_BYTES)
        .http2_max_header_list_size(limits::HEADER_LIST_BYTES)
        .http2_keep_alive_interval(limits::KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    let connected = endpoint.connect().await;
    connected.map_err(|error| unreachable(address, remote, &error))
}

fn unreachable(address: &str, remote: Remote, error: &tonic::transport::Error) -> RpcError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let next_step = match remote {
        Remote::Coordinator => ": is it running? start it with `kaskade coordinator`",
        Remote::Worker => "",
    };
    let text = format!("could not reach the {remote} at {address} ({cause}){next_step}");
    RpcError::new(ErrorCode::Unavailable, text)
}
