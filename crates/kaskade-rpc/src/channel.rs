//! Connections to servers, with every limit set.

use std::{fmt, io};

use http::uri::Scheme;
use tokio_rustls::rustls;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::address;
use crate::error::{ErrorCode, RpcError};
use crate::limits;
use crate::security::ClientSecurity;
use crate::security::tls::ClientTls;
use crate::security::tokens::Token;

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

/// A connection on which every call shows the client's token.
pub type Connection = InterceptedService<Channel, ShowToken>;

/// Adds the client's token to a call.
#[derive(Clone, Debug)]
pub struct ShowToken(Option<MetadataValue<Ascii>>);

impl Interceptor for ShowToken {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// Opens a connection to the `remote` at `address`, `http://host:port` or `https://host:port`.
/// One connection is served by one core at each end: open several to move more than about a
/// gigabyte a second.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`] when `address` is none, or needs what `security` lacks,
/// [`ErrorCode::PermissionDenied`] when the token would be seen by others, or the other side
/// shows no certificate that is trusted, [`ErrorCode::Unavailable`] when nobody answers there
/// within [`limits::CONNECT_TIMEOUT`].
pub async fn connect(
    address: &str,
    remote: Remote,
    security: &ClientSecurity,
) -> Result<Connection, RpcError> {
    let endpoint = endpoint(address, remote, security)?;
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    let connected = endpoint.connect().await;
    let channel = connected.map_err(|error| unreachable(address, remote, &error))?;
    Ok(with_token(channel, security.token.as_ref()))
}

/// As [`connect`], but opens the connection with the first call on it, whose error says so when
/// nobody answers. It is served by the tokio runtime that this is called on.
///
/// # Errors
/// Those of [`connect`] that need no connection.
pub fn connect_when_called(
    address: &str,
    remote: Remote,
    security: &ClientSecurity,
) -> Result<Connection, RpcError> {
    let channel = endpoint(address, remote, security)?.connect_lazy();
    Ok(with_token(channel, security.token.as_ref()))
}

fn endpoint(
    address: &str,
    remote: Remote,
    security: &ClientSecurity,
) -> Result<Endpoint, RpcError> {
    let uri = address::parse(address)
        .map_err(|error| RpcError::new(ErrorCode::InvalidArgument, error.to_string()))?;
    let is_encrypted = uri.scheme() == Some(&Scheme::HTTPS);
    if security.token.is_some() && !is_encrypted && !address::is_loopback(&uri) {
        let text = format!(
            "refused to show the token to {address}: others could read it on its way; use https://"
        );
        return Err(RpcError::new(ErrorCode::PermissionDenied, text));
    }
    let mut endpoint = Endpoint::from(uri)
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
    if is_encrypted {
        let Some(ClientTls(tls)) = &security.tls else {
            let text = format!(
                "{address} is encrypted: name the authority that signed its certificate with \
                 --tls-ca FILE"
            );
            return Err(RpcError::new(ErrorCode::InvalidArgument, text));
        };
        let refused = |error| unreachable(address, remote, &error);
        endpoint = endpoint.tls_config(tls.clone()).map_err(refused)?;
    }
    Ok(endpoint)
}

/// `channel`, on which every call shows `token`, if there is one.
#[must_use]
pub fn with_token(channel: Channel, token: Option<&Token>) -> Connection {
    let header = token.map(|token| {
        let header = format!("Bearer {}", token.expose());
        let mut value = MetadataValue::try_from(header).expect("a token is letters and digits");
        value.set_sensitive(true);
        value
    });
    InterceptedService::new(channel, ShowToken(header))
}

fn unreachable(address: &str, remote: Remote, error: &tonic::transport::Error) -> RpcError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let of_tls = cause.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
    let of_tls = of_tls.and_then(|error| error.downcast_ref::<rustls::Error>());
    let next_step = match (of_tls, remote) {
        (Some(rustls::Error::InvalidMessage(_)), _) => ": it does not speak TLS, use http://",
        (Some(rustls::Error::InvalidCertificate(_)), _) => {
            ": --tls-ca must name the authority of its certificate, and that must be for this host \
             and of today"
        }
        (Some(_), _) => "",
        (None, Remote::Coordinator) => ": is it running? start it with `kaskade coordinator`",
        (None, Remote::Worker) => "",
    };
    let text = format!("could not reach the {remote} at {address} ({cause}){next_step}");
    // What is wrong with certificates is wrong with them the next time.
    let code = if of_tls.is_some() { ErrorCode::PermissionDenied } else { ErrorCode::Unavailable };
    RpcError::new(code, text)
}
