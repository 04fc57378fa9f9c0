//! `GET /metrics`: what a server tells of itself, as Prometheus reads it (docs/observability.md).
//!
//! An HTTP address of its own, with the same locks as the other one: on anything but loopback
//! TLS and tokens, and where tokens are asked for, any role may read.

mod process;

use std::convert::Infallible;
use std::net::SocketAddr;

use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tonic::transport::server::Connected;

use crate::error::RpcError;
use crate::limits;
use crate::security::tls::ServerTls;
use crate::security::{Gate, ServerSecurity};
use crate::server::{self, Connection, Listener, Peer};

/// Where the page is.
pub const PATH: &str = "/metrics";

/// The text format of OpenMetrics, which Prometheus asks for first.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A registry whose names begin with `kaskade_`, and beside them what Prometheus knows of any
/// process, `process_…`.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    process::register(&mut registry);
    registry
}

/// The page of `registry`.
#[must_use]
pub fn page(registry: &Registry) -> String {
    let mut page = String::new();
    text::encode(&mut page, registry).expect("a string takes any text");
    page
}

/// Binds to `address`, where [`serve`] will answer.
///
/// # Errors
/// As [`server::bind`].
pub fn bind(address: SocketAddr, security: &ServerSecurity) -> Result<Listener, RpcError> {
    let tls = security.tls.as_ref().map(ServerTls::for_http1);
    let security = ServerSecurity { tls, ..security.clone() };
    server::bind_for(address, &security, limits::SCRAPES)
}

/// Answers everybody who comes to `listener` and whom `gate` knows with what `page` gives, for as
/// long as it is polled. A page that takes too long is not waited for.
pub async fn serve<F, R>(listener: Listener, gate: Gate, page: F)
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Option<String>> + Send + 'static,
{
    tracing::info!(url = format!("{}{PATH}", listener.url()), "metrics");
    let mut incoming = listener.incoming;
    // Ends with this future.
    let mut open = JoinSet::new();
    while let Some(Ok(connection)) = incoming.next().await {
        open.spawn(answer(connection, gate.clone(), page.clone()));
        while open.try_join_next().is_some() {}
    }
}

async fn answer<F, R>(connection: Connection, gate: Gate, page: F)
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Option<String>> + Send + 'static,
{
    let peer = connection.connect_info();
    let service = service_fn(move |request: Request<Incoming>| {
        let (gate, peer, page) = (gate.clone(), peer.clone(), page.clone());
        async move { Ok::<_, Infallible>(respond(&request, &gate, &peer, page).await) }
    });
    let mut protocol = http1::Builder::new();
    // A request a connection: then none is held without one.
    protocol.timer(TokioTimer::new()).keep_alive(false);
    protocol.header_read_timeout(limits::SCRAPE_DEADLINE).max_buf_size(16 << 10);
    let served = protocol.serve_connection(TokioIo::new(connection), service);
    // Whoever is gone does not wait for an answer.
    let _ = tokio::time::timeout(3 * limits::SCRAPE_DEADLINE, served).await;
}

async fn respond<F, R>(
    request: &Request<Incoming>,
    gate: &Gate,
    peer: &Peer,
    page: F,
) -> Response<Full<Bytes>>
where
    F: Fn() -> R,
    R: Future<Output = Option<String>>,
{
    if let Err(refusal) = gate.admit(request, peer) {
        let mut response = plain(StatusCode::UNAUTHORIZED, refusal.message());
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        return response;
    }
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, "only /metrics is here");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "metrics are read with GET");
    }
    match tokio::time::timeout(limits::SCRAPE_DEADLINE, page()).await {
        Ok(Some(page)) => {
            let mut response = Response::new(Full::from(page));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FORMAT));
            response
        }
        Ok(None) | Err(_) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "what is to be measured does not answer")
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}
