//! What a worker is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kaskade_store::Load;

/// The settings of a worker.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The coordinator, `http://host:port`.
    pub coordinator: String,
    /// Where shards are kept that were fetched from the coordinator.
    pub cache: PathBuf,
    /// Where peers reach this worker; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that peers are told, where it is not the one that is listened on.
    pub advertise: Option<String>,
    /// Bytes for shards and state that the worker offers.
    pub memory_bytes: u64,
    /// How shards come into memory.
    pub load: Load,
    /// Threads that compute.
    pub n_threads: usize,
    /// How long a worker looks for a coordinator at its start.
    pub find_coordinator: Duration,
    /// How long it looks for one that it has lost.
    pub find_again: Duration,
}

impl WorkerConfig {
    /// Loopback, and any free port.
    pub const DEFAULT_LISTEN: &str = "127.0.0.1:0";
    /// [`WorkerConfig::find_coordinator`] of a worker that is not told otherwise.
    pub const DEFAULT_FIND_COORDINATOR: Duration = Duration::from_secs(10);
    /// [`WorkerConfig::find_again`] of a worker that is not told otherwise.
    pub const DEFAULT_FIND_AGAIN: Duration = Duration::from_secs(600);
}
