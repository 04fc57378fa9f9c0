//! A connection, from its acceptance on: who is at its other end, and by when that one must
//! have shown who it is.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::limits;
use crate::security::tls::CertificateUse;

/// Who is at the other end of a connection; each request carries it.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// What its certificate is for, where one was asked for and says so.
    pub(crate) certificate: Option<CertificateUse>,
    is_welcome: Arc<AtomicBool>,
}

impl Peer {
    /// A call of it was let in: the connection may stay.
    pub(crate) fn welcome(&self) {
        self.is_welcome.store(true, Ordering::Relaxed);
    }
}

/// A connection. It ends by itself when no call on it was let in in time, which is all that
/// somebody without a token can have of it.
#[derive(Debug)]
pub struct Connection {
    bytes: Bytes,
    peer: Peer,
    /// Gone once the peer is welcome.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Its place among the connections of the server.
    _place: OwnedSemaphorePermit,
}

/// How its bytes come.
#[derive(Debug)]
pub(super) enum Bytes {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// The connection with `address` that was accepted at `accepted`.
    pub(super) fn new(
        bytes: Bytes,
        address: SocketAddr,
        accepted: Instant,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let certificate = match &bytes {
            Bytes::Plain(_) => None,
            Bytes::Encrypted(stream) => {
                let shown = stream.get_ref().1.peer_certificates();
                shown.and_then(|chain| CertificateUse::of(chain.first()?))
            }
        };
        let peer = Peer { address, certificate, is_welcome: Arc::default() };
        let deadline = tokio::time::sleep_until(accepted + limits::FIRST_CALL_DEADLINE);
        Self { bytes, peer, deadline: Some(Box::pin(deadline)), _place: place }
    }

    /// An error once it is too late for a first call.
    fn check_deadline(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let Some(deadline) = &mut self.deadline else { return Ok(()) };
        if self.peer.is_welcome.load(Ordering::Relaxed) {
            self.deadline = None;
        } else if deadline.as_mut().poll(context).is_ready() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no call was let in in time"));
        }
        Ok(())
    }

    fn bytes(&mut self) -> Pin<&mut (dyn Stream + Unpin)> {
        let stream: &mut (dyn Stream + Unpin) = match &mut self.bytes {
            Bytes::Plain(stream) => stream,
            Bytes::Encrypted(stream) => &mut **stream,
        };
        Pin::new(stream)
    }
}

trait Stream: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Stream for T {}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_deadline(context)?;
        self.bytes().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_deadline(context)?;
        self.bytes().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_deadline(context)?;
        self.bytes().poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.bytes {
            Bytes::Plain(stream) => stream.is_write_vectored(),
            Bytes::Encrypted(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_deadline(context)?;
        self.bytes().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.bytes().poll_shutdown(context)
    }
}
