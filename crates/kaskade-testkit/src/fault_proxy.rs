//! A TCP proxy that does to a connection what networks do: it delays, drops, cuts in the
//! middle of a frame, closes one direction, says things twice, or falls silent.
//!
//! It knows where HTTP/2 frames end, so that a test can say where it hits. A fault is armed with
//! a budget and disarms itself when that is spent; how often it fired is counted, because a
//! fault that never fires tests nothing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

mod frames;

use frames::{Frame, Frames};

/// What is done to the frames that pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every frame is held for so long.
    Delay(Duration),
    /// The connection is closed both ways before a frame.
    Drop,
    /// The connection is closed both ways in the middle of a data frame.
    CutMidFrame,
    /// No more goes in the direction of a data frame; the other way stays open.
    HalfClose,
    /// A data frame that holds whole messages is sent twice.
    Duplicate,
    /// Nothing passes, and nothing is closed: what a cable that was pulled looks like.
    Silence,
}

/// A proxy before one server, until dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    armed: Mutex<Armed>,
    n_fired: AtomicU64,
    n_connections: AtomicU64,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Armed {
    fault: Option<Fault>,
    /// Data frames that pass unharmed between two that are hit.
    spare: u64,
    passed: u64,
    budget: u64,
}

/// How long a thread waits for bytes before it looks whether the proxy is over.
const LOOK: Duration = Duration::from_millis(20);

impl FaultProxy {
    /// A proxy on loopback before `target`, without faults.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            armed: Mutex::default(),
            n_fired: AtomicU64::new(0),
            n_connections: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept_all(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, connections go to `target`.
    pub fn redirect(&self, target: SocketAddr) {
        *lock(&self.shared.target) = target;
    }

    /// Hits a data frame with `fault` after every `spare` that pass, `budget` times in all; delays
    /// and silence hit every frame and end with [`FaultProxy::heal`].
    pub fn arm(&self, fault: Fault, spare: u64, budget: u64) {
        *lock(&self.shared.armed) = Armed { fault: Some(fault), spare, passed: 0, budget };
    }

    /// Lets everything pass again.
    pub fn heal(&self) {
        *lock(&self.shared.armed) = Armed::default();
    }

    /// How often a fault has hit.
    #[must_use]
    pub fn n_fired(&self) -> u64 {
        self.shared.n_fired.load(SeqCst)
    }

    /// Connections that were taken so far.
    #[must_use]
    pub fn n_connections(&self) -> u64 {
        self.shared.n_connections.load(SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl Shared {
    /// What is done to `frame`; counts and spends.
    fn fault_for(&self, frame: &Frame<'_>) -> Option<Fault> {
        let mut armed = lock(&self.armed);
        let fault = armed.fault?;
        match fault {
            Fault::Delay(_) | Fault::Silence => {}
            _ if armed.budget == 0 => return None,
            Fault::Drop => {}
            Fault::CutMidFrame | Fault::HalfClose if frame.is_data() => {}
            Fault::Duplicate if frame.holds_whole_messages() => {}
            _ => return None,
        }
        if !matches!(fault, Fault::Delay(_) | Fault::Silence) {
            armed.passed += 1;
            if armed.passed <= armed.spare {
                return None;
            }
            armed.passed = 0;
            armed.budget -= 1;
        }
        self.n_fired.fetch_add(1, SeqCst);
        Some(fault)
    }

    fn is_silent(&self) -> bool {
        lock(&self.armed).fault == Some(Fault::Silence)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut pumps = Vec::new();
    for incoming in listener.incoming() {
        if shared.is_over() {
            break;
        }
        let Ok(client) = incoming else { continue };
        shared.n_connections.fetch_add(1, SeqCst);
        let target = *lock(&shared.target);
        // Without a server the client sees its connection closed, as it would without a proxy.
        let Ok(server) = TcpStream::connect(target) else { continue };
        for (from, to, is_client) in [(&client, &server, true), (&server, &client, false)] {
            let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { continue };
            let shared = Arc::clone(shared);
            pumps.push(thread::spawn(move || {
                // However a direction ends, its connection shows it.
                let _ = pump(from, to, is_client, &shared);
            }));
        }
    }
    for pump in pumps {
        let _ = pump.join();
    }
}

/// Passes frames on in one direction until one side or a fault ends it.
fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    is_client: bool,
    shared: &Shared,
) -> io::Result<()> {
    from.set_read_timeout(Some(LOOK))?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let mut frames = Frames::new(is_client);
    let mut bytes = vec![0; 64 << 10];
    loop {
        if shared.is_over() {
            to.shutdown(Shutdown::Both)?;
            return from.shutdown(Shutdown::Both);
        }
        if shared.is_silent() {
            // What was sent meanwhile waits in the system's buffers, and passes once it is healed.
            shared.n_fired.fetch_add(1, SeqCst);
            thread::sleep(LOOK);
            continue;
        }
        let n_read = match from.read(&mut bytes) {
            Ok(0) => return to.shutdown(Shutdown::Write),
            Ok(n_read) => n_read,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                continue;
            }
            Err(error) => {
                to.shutdown(Shutdown::Both)?;
                return Err(error);
            }
        };
        frames.push(&bytes[..n_read]);
        while let Some(frame) = frames.next() {
            let wire = frame.bytes;
            match shared.fault_for(&frame) {
                None | Some(Fault::Silence) => to.write_all(wire)?,
                Some(Fault::Delay(time)) => {
                    thread::sleep(time);
                    to.write_all(wire)?;
                }
                Some(Fault::Duplicate) => {
                    to.write_all(wire)?;
                    to.write_all(wire)?;
                }
                Some(Fault::HalfClose) => return to.shutdown(Shutdown::Write),
                Some(fault) => {
                    if fault == Fault::CutMidFrame {
                        to.write_all(&wire[..wire.len() / 2 + 1])?;
                    }
                    to.shutdown(Shutdown::Both)?;
                    return from.shutdown(Shutdown::Both);
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
