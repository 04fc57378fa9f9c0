//! What a worker is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kaskade_rpc::security::{ClientSecurity, ServerSecurity};
use kaskade_store::Load;

use crate::metrics::PhaseTimes;

/// The settings of a worker.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The coordinator, `http://host:port` or `https://host:port`.
    pub coordinator: String,
    /// What this worker shows the coordinator and its peers, and asks of them.
    pub security: ClientSecurity,
    /// Where shards are kept that were fetched from the coordinator.
    pub cache: PathBuf,
    /// Where peers reach this worker; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host, or host and port, that peers are told to reach it at instead of `listen`.
    pub advertise: Option<String>,
    /// Where Prometheus reads what it does; port 0 takes a free one, `None` serves it nowhere.
    pub metrics: Option<SocketAddr>,
    /// Time that it has spent in its rounds, as far as somebody keeps it.
    pub phases: PhaseTimes,
    /// What it asks of peers that come to it.
    pub peers: ServerSecurity,
    /// Bytes for shards and state that the worker offers.
    pub memory_bytes: u64,
    /// How shards come into memory.
    pub load: Load,
    /// Threads that compute.
    pub n_threads: usize,
    /// How it exchanges slices with its peers.
    pub exchange: ExchangeConfig,
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

/// How a worker exchanges slices with its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeConfig {
    /// Streams of chunks to each peer, each with a connection of its own; at least 1. What ends rounds has
    /// one more.
    pub n_streams: usize,
    /// Bytes of chunks of each peer and batch that this worker has room for, until it takes them in.
    /// One chunk it always takes, 256 KiB at most.
    pub credit_bytes: u64,
}

impl ExchangeConfig {
    /// What a worker does that is not told otherwise.
    pub const DEFAULT: Self = Self { n_streams: 2, credit_bytes: 8 << 20 };
}
