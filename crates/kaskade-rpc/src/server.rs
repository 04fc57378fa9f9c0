//! Servers: where they listen, with every limit set.

mod accept;
mod connection;

use std::net::SocketAddr;
use std::{fmt, io};

use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower_layer::{Identity, Stack};

use crate::error::{ErrorCode, RpcError};
use crate::limits;
use crate::security::{Gate, ServerSecurity};

pub use accept::Connections;
pub use connection::{Connection, Peer};

/// A server behind a gate, with services.
pub type Router = tonic::transport::server::Router<Stack<Gate, Identity>>;

/// A bound socket: connections queue up from now on, and its address may be announced.
#[derive(Debug)]
pub struct Listener {
    /// Where it really listens: the port is never 0.
    pub address: SocketAddr,
    /// The connections, for [`tonic::transport::server::Router::serve_with_incoming`].
    pub incoming: Connections,
    scheme: &'static str,
}

impl Listener {
    /// The address as others connect to it, who reach this machine as the listener does.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.address)
    }

    /// The address as others connect to it, who know it as `place`, `host:port`.
    #[must_use]
    pub fn url_at(&self, place: impl fmt::Display) -> String {
        format!("{}://{place}", self.scheme)
    }
}

/// Binds to `address`; port 0 takes a free one. Must be called on a tokio runtime.
///
/// # Errors
/// [`ErrorCode::PermissionDenied`] for any but a loopback address, unless connections are
/// encrypted and calls need tokens. [`ErrorCode::FailedPrecondition`] when the system refuses,
/// as it does for a port in use.
pub fn bind(address: SocketAddr, security: &ServerSecurity) -> Result<Listener, RpcError> {
    bind_for(address, security, limits::connections())
}

/// As [`bind`], with room for no more than `n_connections` at a time.
pub(crate) fn bind_for(
    address: SocketAddr,
    security: &ServerSecurity,
    n_connections: usize,
) -> Result<Listener, RpcError> {
    check_security(address, security)?;
    let failed = |error: io::Error| {
        let next_step = match error.kind() {
            io::ErrorKind::AddrInUse => ": choose another port, or 0 for any free one",
            _ => "",
        };
        let text = format!("could not listen on {address} ({error}){next_step}");
        RpcError::new(ErrorCode::FailedPrecondition, text)
    };
    // Set on the sockets here: tonic's own settings do not reach a listener that it is handed.
    let sockets = TcpIncoming::bind(address)
        .map_err(failed)?
        .with_nodelay(Some(true))
        .with_keepalive(Some(limits::KEEPALIVE_INTERVAL));
    let address = sockets.local_addr().map_err(failed)?;
    let scheme = if security.tls.is_some() { "https" } else { "http" };
    let incoming = Connections::accept(sockets, security.tls.clone(), n_connections);
    Ok(Listener { address, incoming, scheme })
}

/// Refuses to be reached by others without both locks.
fn check_security(address: SocketAddr, security: &ServerSecurity) -> Result<(), RpcError> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let missing = match (&security.tls, &security.tokens) {
        (Some(_), Some(_)) => return Ok(()),
        (None, None) => {
            "TLS (--tls-cert, --tls-key) and tokens (--tokens, a worker's --token-file)"
        }
        (None, Some(_)) => "TLS (--tls-cert, --tls-key)",
        (Some(_), None) => "tokens (--tokens, a worker's --token-file)",
    };
    let text = format!(
        "refused to listen on {address}: others could reach it, and it lacks {missing}: make \
         certificates with `kaskade cert init DIR` and tokens with `kaskade token create` \
         (docs/security.md), or listen on 127.0.0.1:{} and reach it over an SSH tunnel",
        address.port()
    );
    Err(RpcError::new(ErrorCode::PermissionDenied, text))
}

/// A server to add services to, all of them behind `gate`.
#[must_use]
pub fn builder(gate: Gate) -> Server<Stack<Gate, Identity>> {
    Server::builder()
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .http2_adaptive_window(Some(false))
        .max_frame_size(limits::FRAME_BYTES)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION)
        .http2_max_header_list_size(limits::HEADER_LIST_BYTES)
        .http2_max_pending_accept_reset_streams(Some(limits::RESET_STREAMS))
        .http2_max_local_error_reset_streams(Some(limits::RESET_STREAMS))
        .http2_keepalive_interval(Some(limits::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE_TIMEOUT))
        .accept_http1(false)
        .layer(gate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::tokens::{Token, Tokens};

    #[tokio::test]
    async fn only_loopback_is_listened_on_without_locks() {
        let open = ServerSecurity::default();
        let token = Tokens::Own(Token::new([1; 32]));
        let half = ServerSecurity { tokens: Some(token), ..open.clone() };
        for others in ["0.0.0.0:7400", "[::]:7400", "192.0.2.1:7400", "[::ffff:192.0.2.1]:7400"] {
            let error = bind(others.parse().unwrap(), &open).unwrap_err();
            assert_eq!(error.code, ErrorCode::PermissionDenied, "{others}");
            assert!(error.message.contains("and tokens (--tokens"), "{error}");
            let error = bind(others.parse().unwrap(), &half).unwrap_err();
            assert!(
                error.message.contains("it lacks TLS (--tls-cert, --tls-key): make"),
                "{error}"
            );
        }
        let listener = bind("127.0.0.1:0".parse().unwrap(), &open).unwrap();
        assert_ne!(listener.address.port(), 0);
        assert_eq!(listener.url(), format!("http://127.0.0.1:{}", listener.address.port()));

        let error = bind(listener.address, &open).unwrap_err();
        assert_eq!(error.code, ErrorCode::FailedPrecondition);
        assert!(error.message.ends_with("choose another port, or 0 for any free one"), "{error}");
    }
}
