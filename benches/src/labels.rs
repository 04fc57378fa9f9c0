//! What a bench says of itself: graph, seed, threads.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::graphs::{GraphChoice, SEED};

/// The label of a bench on the graph of that name with `n_threads`.
#[must_use]
pub fn on(graph: &str, n_threads: usize) -> String {
    format!("{graph} seed={SEED} threads={n_threads}")
}

/// The label of a bench on the R-MAT graph of `scale` with `n_threads`.
#[must_use]
pub fn on_rmat(scale: u32, n_threads: usize) -> String {
    on(&GraphChoice::Rmat(scale).name(), n_threads)
}

/// One thread, and all of them where there are more.
#[must_use]
pub fn thread_counts() -> Vec<usize> {
    let mut counts = vec![1, available_parallelism().map_or(1, NonZeroUsize::get)];
    counts.dedup();
    counts
}

/// A pool of `n_threads`.
///
/// # Panics
/// When they cannot be started.
#[must_use]
pub fn pool(n_threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(n_threads).build();
    pool.expect("threads can be started")
}
