//! Servers: where they listen, with every limit set.

use std::io;
use std::net::SocketAddr;

use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::error::{ErrorCode, RpcError};
use crate::limits;

/// A bound socket: connections queue up from now on, and its address may be announced.
#[derive(Debug)]
pub struct Listener {
    /// Where it really listens: the port is never 0.
    pub address: SocketAddr,
    /// The connections, for [`tonic::transport::server::Router::serve_with_incoming_shutdown`].
    pub incoming: TcpIncoming,
}

impl Listener {
    /// The address as others connect to it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Binds to `address`; port 0 takes a free one. Must be called on a tokio runtime.
///
/// # Errors
/// [`ErrorCode::PermissionDenied`] for any but a loopback address: connections are neither
/// encrypted nor authenticated yet. [`ErrorCode::FailedPrecondition`] when the system refuses,
/// as it does for a port in use.
pub fn bind(address: SocketAddr) -> Result<Listener, RpcError> {
    if !address.ip().to_canonical().is_loopback() {
        let text = format!(
            "refused to listen on {address}: others could reach it, and there is no TLS and no \
             token yet; listen on 127.0.0.1:{} and reach it over an SSH tunnel",
            address.port()
        );
        return Err(RpcError::new(ErrorCode::PermissionDenied, text));
    }
    let failed = |error: io::Error| {
        let next_step = match error.kind() {
            io::ErrorKind::AddrInUse => ": choose another port, or 0 for any free one",
            _ => "",
        };
        let text = format!("could not listen on {address} ({error}){next_step}");
        RpcError::new(ErrorCode::FailedPrecondition, text)
    };
    // Set on the sockets here: tonic's own settings do not reach a listener that it is handed.
    let incoming = TcpIncoming::bind(address)
        .map_err(failed)?
        .with_nodelay(Some(true))
        .with_keepalive(Some(limits::KEEPALIVE_INTERVAL));
    let address = incoming.local_addr().map_err(failed)?;
    Ok(Listener { address, incoming })
}

/// A server to add services to.
#[must_use]
pub fn builder() -> Server {
    Server::builder()
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .http2_adaptive_window(Some(false))
        .max_frame_size(limits::FRAME_BYTES)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(limits::HEADER_LIST_BYTES)
        .http2_keepalive_interval(Some(limits::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE_TIMEOUT))
        .accept_http1(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_loopback_is_listened_on() {
        for open in ["0.0.0.0:7400", "[::]:7400", "192.0.2.1:7400", "[::ffff:192.0.2.1]:7400"] {
            let error = bind(open.parse().unwrap()).unwrap_err();
            assert_eq!(error.code, ErrorCode::PermissionDenied, "{open}");
            assert!(error.message.contains("no TLS and no token yet"), "{error}");
        }
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(listener.address.port(), 0);
        assert_eq!(listener.url(), format!("http://127.0.0.1:{}", listener.address.port()));

        let error = bind(listener.address).unwrap_err();
        assert_eq!(error.code, ErrorCode::FailedPrecondition);
        assert!(error.message.ends_with("choose another port, or 0 for any free one"), "{error}");
    }
}
