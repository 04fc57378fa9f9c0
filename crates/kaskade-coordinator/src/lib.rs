//! Async shell round the job machine: queue, planner, membership, job log, results.
//!
//! One task, the `scheduler`, owns all state: jobs, workers, and the machine of the
//! job that runs. Services hand it requests through a mailbox and get answers back; it
//! hands commands to the workers' sessions. What must survive is in the [`job_log`]
//! before anybody hears of it. Arcs are never read here: a coordinator maps manifests,
//! id maps and degrees (`registry`), and serves shard files as bytes.

pub mod config;
mod error;
pub mod job_log;
mod metrics;
mod planner;
mod registry;
mod report;
mod run;
mod scheduler;
mod service;

pub use config::{CoordinatorConfig, Quotas};
pub use error::CoordinatorError;
pub use run::run;
