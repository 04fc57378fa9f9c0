//! The task that accepts connections: so many at a time, each encrypted before it counts.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;

use super::connection::{Bytes, Connection};
use crate::limits;
use crate::security::throttle::Throttle;
use crate::security::tls::ServerTls;

/// The pause after the system refused a connection, as it does when descriptors run out:
/// what refused it now would refuse it again at once.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepted connections that wait for the server to take them.
const CONNECTIONS_AHEAD: usize = 16;

/// The connections of a listener, for the server.
#[derive(Debug)]
pub struct Connections {
    accepted: mpsc::Receiver<Connection>,
    accepting: AbortHandle,
}

impl Connections {
    /// Accepts what comes to `sockets` from now on, at most `n_places` at a time.
    pub(super) fn accept(sockets: TcpIncoming, tls: Option<ServerTls>, n_places: usize) -> Self {
        let (sender, accepted) = mpsc::channel(CONNECTIONS_AHEAD);
        let acceptor = tls.map(|ServerTls(config)| TlsAcceptor::from(config));
        let accepting = tokio::spawn(accept_all(sockets, acceptor, sender, n_places));
        let accepting = accepting.abort_handle();
        Self { accepted, accepting }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Connection>>> {
        self.accepted.poll_recv(context).map(|connection| connection.map(Ok))
    }
}

async fn accept_all(
    mut sockets: TcpIncoming,
    acceptor: Option<TlsAcceptor>,
    accepted: mpsc::Sender<Connection>,
    n_places: usize,
) {
    let places = Arc::new(Semaphore::new(n_places));
    let (failures, refusals) = (Throttle::default(), Arc::new(Throttle::default()));
    // Ends with this task.
    let mut handshakes = JoinSet::new();
    loop {
        // More connections than places wait where the system queues them.
        let place = Arc::clone(&places).acquire_owned().await;
        let place = place.expect("nobody closes the semaphore");
        let socket = match sockets.next().await {
            Some(Ok(socket)) => socket,
            Some(Err(error)) => {
                if let Some(held_back) = failures.pass() {
                    tracing::warn!(%error, held_back, "could not accept a connection");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            None => return,
        };
        // One that is gone already has no address.
        let Ok(address) = socket.peer_addr() else { continue };
        let (acceptor, refusals, accepted) =
            (acceptor.clone(), Arc::clone(&refusals), accepted.clone());
        let opening = open(socket, address, acceptor, place);
        handshakes.spawn(async move {
            match opening.await {
                // A server that is gone takes none.
                Ok(connection) => drop(accepted.send(connection).await),
                Err(Refused::Left) => tracing::debug!(from = %address, "a connection without a word"),
                Err(Refused::Because(error)) => {
                    if let Some(held_back) = refusals.pass() {
                        tracing::warn!(from = %address, error, held_back, "a connection was refused");
                    }
                }
            }
        });
        while handshakes.try_join_next().is_some() {}
    }
}

/// Why a connection did not come to be.
enum Refused {
    /// Its other end closed it in mid-handshake, as probes of a port do.
    Left,
    Because(String),
}

async fn open(
    socket: TcpStream,
    address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    place: OwnedSemaphorePermit,
) -> Result<Connection, Refused> {
    let begun = Instant::now();
    let bytes = match acceptor {
        None => Bytes::Plain(socket),
        Some(acceptor) => {
            let handshake =
                tokio::time::timeout(limits::HANDSHAKE_TIMEOUT, acceptor.accept(socket));
            let stream = handshake
                .await
                .map_err(|_| Refused::Because("the TLS handshake took too long".to_owned()))?;
            let refused = |error: io::Error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Refused::Left,
                _ => Refused::Because(error.to_string()),
            };
            Bytes::Encrypted(Box::new(stream.map_err(refused)?))
        }
    };
    Ok(Connection::new(bytes, address, begun, place))
}
