//! How many simulations of a batch reached each node, where simulations are run one by one.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use kaskade_model::recording::NodeCount;

use super::Parallelism;

/// A number a node; of none where nobody asks.
#[derive(Debug)]
pub(crate) struct ReachCounter {
    counts: Vec<AtomicU32>,
    is_shared: bool,
}

impl ReachCounter {
    /// The counter of a batch on a graph of `n_nodes`, if nodes are counted.
    pub(crate) fn new(is_asked: bool, n_nodes: u32, parallelism: Parallelism) -> Self {
        let n_counts = if is_asked { n_nodes as usize } else { 0 };
        let counts = std::iter::repeat_with(AtomicU32::default).take(n_counts).collect();
        Self { counts, is_shared: parallelism == Parallelism::Pool }
    }

    /// Whether nodes are counted.
    pub(crate) fn is_asked(&self) -> bool {
        !self.counts.is_empty()
    }

    /// Counts `node` once more.
    #[inline(always)]
    pub(crate) fn add(&self, node: u32) {
        let count = &self.counts[node as usize];
        if self.is_shared {
            count.fetch_add(1, Relaxed);
        } else {
            // One thread alone need not lock the line.
            count.store(count.load(Relaxed) + 1, Relaxed);
        }
    }

    /// The nodes that were counted, ascending.
    pub(crate) fn into_counts(self) -> Vec<NodeCount> {
        let counts = (0..).zip(self.counts);
        let counts =
            counts.map(|(node, count)| NodeCount { node, simulations: count.into_inner() });
        counts.filter(|count| count.simulations > 0).collect()
    }
}
