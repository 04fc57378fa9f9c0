//! What a coordinator is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kaskade_engine::job::JobLimits;
use kaskade_rpc::security::ServerSecurity;

pub use crate::scheduler::Quotas;

/// The settings of a coordinator.
#[derive(Clone, Debug)]
pub struct CoordinatorConfig {
    /// Where clients and workers reach it; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where Prometheus reads what it does; port 0 takes a free one, `None` serves it nowhere.
    pub metrics: Option<SocketAddr>,
    /// What it shows to those who come, and asks of them.
    pub security: ServerSecurity,
    /// The folder of graph directories.
    pub graphs: PathBuf,
    /// The folder of job log and results.
    pub state: PathBuf,
    /// Bounds on what a job waits for.
    pub limits: JobLimits,
    /// Bounds on what a user whom a token names may have open.
    pub quotas: Quotas,
    /// Ended jobs that are kept, with their results: the latest so many; `None` keeps all.
    pub keep_jobs: Option<usize>,
    /// The time between two heartbeats of a worker.
    pub heartbeat: Duration,
    /// The silence after which a worker counts as lost.
    pub dead_after: Duration,
}

impl CoordinatorConfig {
    /// Loopback, kaskade's port.
    pub const DEFAULT_LISTEN: &str = "127.0.0.1:7400";
    /// [`CoordinatorConfig::heartbeat`] of a coordinator that is not told otherwise.
    pub const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(1);
    /// [`CoordinatorConfig::dead_after`] of a coordinator that is not told otherwise.
    pub const DEFAULT_DEAD_AFTER: Duration = Duration::from_secs(10);
}
