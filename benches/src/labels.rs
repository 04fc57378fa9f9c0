//! What a bench says of itself: graph, seed, threads.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use crate::graphs::SEED;

/// The label of a bench on the R-MAT graph of `scale` with `n_threads`.
#[must_use]
pub fn on_rmat(scale: u32, n_threads: usize) -> String {
    format!("rmat-{scale} seed={SEED} threads={n_threads}")
}

/// One thread, and all of them where there are more.
#[must_use]
pub fn thread_counts() -> Vec<usize> {
    let mut counts = vec![1, available_parallelism().map_or(1, NonZeroUsize::get)];
    counts.dedup();
    counts
}
