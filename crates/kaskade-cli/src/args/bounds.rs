//! Bounds on what a coordinator waits for, allows and keeps.

use clap::Args;
use kaskade_coordinator::{CoordinatorConfig, Quotas};
use kaskade_engine::job::JobLimits;

use crate::size::Size;

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
    /// Jobs that a user may have queued and running, where tokens tell users apart
    #[arg(
        long,
        env = "KASKADE_USER_JOBS",
        value_name = "N",
        default_value_t = Quotas::DEFAULT.open_jobs
    )]
    pub(crate) user_jobs: usize,
    /// Simulations that one job may have, where tokens tell users apart
    #[arg(
        long,
        env = "KASKADE_JOB_SIMULATIONS",
        value_name = "N",
        default_value_t = Quotas::DEFAULT.job_simulations
    )]
    pub(crate) job_simulations: u64,
    /// Bytes that the specs of a user's open jobs may take, seeds included: 64MiB [default: 256MiB]
    #[arg(
        long,
        env = "KASKADE_USER_SPEC_BYTES",
        value_name = "SIZE",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(crate) user_spec_bytes: Size,
}

impl BoundArgs {
    /// What one user may have open.
    pub(crate) fn quotas(&self) -> Quotas {
        let spec_bytes = self.user_spec_bytes.resolve(None, 1.0);
        Quotas {
            open_jobs: self.user_jobs,
            open_spec_bytes: spec_bytes.unwrap_or(Quotas::DEFAULT.open_spec_bytes),
            job_simulations: self.job_simulations,
        }
    }
}
