//! Async shell round the worker machine: service, exchange, compute pool, shard cache.
//!
//! A worker registers with the coordinator ([`run`]), and for as long as that session
//! lasts one task (module `driver`) owns the worker machine of `kaskade-engine`: commands,
//! peers' messages and finished computations reach it through one mailbox, and what
//! the machine asks for goes to the compute pool, to the peers' streams or back to the
//! coordinator. Tokio threads move bytes; rounds run on the compute pool.

mod cache;
mod compute_pool;
pub mod config;
mod driver;
mod error;
mod exchange;
mod metrics;
mod round_times;
mod run;
mod session;
mod spans;
#[cfg(test)]
mod test_coordinator;

pub use config::WorkerConfig;
pub use error::WorkerError;
pub use metrics::PhaseTimes;
pub use run::run;
