//! Bounds on what a coordinator waits for and keeps.

use clap::Args;
use kaskade_coordinator::CoordinatorConfig;
use kaskade_engine::job::JobLimits;

/// The flags of `coordinator` that bound something.
#[derive(Debug, Args)]
pub(crate) struct BoundArgs {
    /// Seconds that a job waits for workers when all are gone
    #[arg(
        long,
        env = "KASKADE_NO_WORKERS_GRACE",
        value_name = "SECONDS",
        default_value_t = JobLimits::DEFAULT.no_workers_grace_ms / 1000
    )]
    pub(crate) no_workers_grace: u64,
    /// Seconds of silence after which a worker counts as lost
    #[arg(
        long,
        env = "KASKADE_DEAD_AFTER",
        value_name = "SECONDS",
        default_value_t = CoordinatorConfig::DEFAULT_DEAD_AFTER.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub(crate) dead_after: u64,
    /// Ended jobs to keep with their results, the latest so many [default: all]
    #[arg(
        long,
        env = "KASKADE_KEEP_JOBS",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) keep_jobs: Option<u32>,
}
