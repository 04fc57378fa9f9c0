//! A job in this process, without a socket.
//!
//! The engine is generic over shards, and its kernels are compiled anew wherever a run is called.
//! Here it is called for the shards that workers have, too, so that a program has them once.

use std::sync::Arc;

use kaskade_engine::EngineError;
use kaskade_engine::local::{self, Observer};
use kaskade_engine::partition::Partition;
use kaskade_model::tally::JobTally;
use kaskade_model::until::Until;
use kaskade_store::MappedShard;

/// Runs `partition`, which holds the whole graph, on the current rayon pool, all of it or `until`
/// that is enough: the tally, and the number of its simulations, from the first on, that are in
/// the result.
///
/// # Errors
/// As [`local::run`] and [`local::run_until`].
pub fn run_alone(
    partition: Partition<Arc<MappedShard>>,
    until: Option<Until>,
    max_in_flight: usize,
    observer: &dyn Observer,
) -> Result<(JobTally, u64), EngineError> {
    let n_simulations = partition.plan.n_simulations;
    match until {
        Some(until) => local::run_until(partition, until, max_in_flight, &observer),
        None => Ok((local::run(partition, max_in_flight, &observer)?, n_simulations)),
    }
}
