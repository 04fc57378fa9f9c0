//! The in-process run: all shards, no socket, the same kernel.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use kaskade_model::Shard;
use kaskade_model::ids::BatchId;
use kaskade_model::tally::{JobTally, PartitionTally};

use crate::error::EngineError;
use crate::kernel::{Parallelism, ShardState};
use crate::partition::{BatchRun, Partition};
use crate::with_lane_words;

/// Who watches an in-process run.
pub trait Observer: Sync {
    /// So many more simulations are finished.
    fn simulations_finished(&self, _n_simulations: u64) {}

    /// Whether the run should stop; asked once a round.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// An observer that only lets the run go on.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// Runs every batch of `partition`, which holds the whole graph, on the current rayon pool.
/// At most `max_in_flight` batches hold state at a time ([`Partition::state_bytes`] each).
///
/// While there are more batches than threads each runs on one thread; the last ones
/// share the pool. The result is the same for any pool and any `max_in_flight`.
///
/// # Errors
/// [`EngineError::Interrupted`] when `observer` says so, or [`EngineError::Model`].
pub fn run<S: Shard>(
    partition: Partition<S>,
    max_in_flight: usize,
    observer: &impl Observer,
) -> Result<JobTally, EngineError> {
    let lane_words = partition.plan.lane_words;
    let partition = Arc::new(partition);
    with_lane_words!(lane_words, W => run_batches::<S, W>(&partition, max_in_flight, observer))
}

fn run_batches<S: Shard, const W: usize>(
    partition: &Arc<Partition<S>>,
    max_in_flight: usize,
    observer: &impl Observer,
) -> Result<JobTally, EngineError> {
    let n_batches = partition.plan.n_batches();
    let n_threads = rayon::current_num_threads();
    let n_runners = max_in_flight.clamp(1, n_threads).min(n_batches as usize);
    let next = AtomicU32::new(0);
    let outcome = Mutex::new(Ok(JobTally::default()));

    let run_until_none_is_left = || {
        let mut states = partition.new_states::<W>();
        loop {
            let batch = BatchId(next.fetch_add(1, Relaxed));
            if batch.0 >= n_batches {
                return;
            }
            let n_left = (n_batches - batch.0) as usize;
            let parallelism = if n_left >= n_threads && n_runners == n_threads {
                Parallelism::Sequential
            } else {
                Parallelism::Pool
            };
            let result = run_batch(partition, batch, states, parallelism, observer);
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            let added = result.and_then(|(tally, cleared)| {
                observer.simulations_finished(tally.n_lanes.into());
                if let Ok(job) = &mut *outcome {
                    job.add_batch(batch, tally)?;
                }
                Ok(cleared)
            });
            match added {
                Ok(cleared) => states = cleared,
                Err(error) => {
                    *outcome = Err(error);
                    next.store(n_batches, Relaxed);
                    return;
                }
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..n_runners {
            scope.spawn(|_| run_until_none_is_left());
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run_batch<S: Shard, const W: usize>(
    partition: &Arc<Partition<S>>,
    batch: BatchId,
    states: Vec<ShardState<W>>,
    parallelism: Parallelism,
    observer: &impl Observer,
) -> Result<(PartitionTally, Vec<ShardState<W>>), EngineError> {
    let _span = tracing::debug_span!("batch", batch_id = batch.0).entered();
    let plan = partition.plan.batch(batch);
    let mut run = BatchRun::begin(Arc::clone(partition), plan, states);
    while run.n_new() > 0 && !run.is_cut_off() {
        if observer.is_interrupted() {
            return Err(EngineError::Interrupted);
        }
        run.step(&[], parallelism)?;
    }
    Ok(run.finish())
}
