//! Weakly connected components, by a union-find that all threads share.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use kaskade_model::NodeId;
use kaskade_model::seeds::NodeDirectory;
use rayon::prelude::*;

use super::ArcMeter;
use crate::graph::Graph;

/// How a graph falls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Components {
    pub(super) n_components: u64,
    pub(super) n_nodes_of_largest: u64,
}

/// Nodes that one task joins with their neighbours.
const TASK_NODES: usize = 1 << 10;

/// Finds the components of `graph`. Memory: 8 bytes a node.
pub(super) fn components(graph: &Graph, meter: &ArcMeter<'_>) -> Components {
    let forest = Forest::new(graph.n_nodes());
    let has_in_view = graph.manifest().views.has_in();
    let n_tasks = (graph.n_nodes() as usize).div_ceil(TASK_NODES);
    (0..n_tasks).into_par_iter().for_each_init(Vec::new, |neighbours, task| {
        let begin = (task * TASK_NODES) as u32;
        let end = graph.n_nodes().min(begin.saturating_add(TASK_NODES as u32));
        let mut n_arcs = 0;
        for node in begin..end {
            neighbours.clear();
            if has_in_view {
                graph.append_sources(NodeId(node), neighbours);
            } else {
                graph.append_targets(NodeId(node), neighbours);
            }
            neighbours.iter().for_each(|&neighbour| forest.join(node, neighbour));
            n_arcs += neighbours.len() as u64;
        }
        meter.add(n_arcs);
    });
    forest.count()
}

/// Trees of nodes: a parent is never larger than its child, so there is no cycle whatever
/// threads do, and a root is its own parent.
struct Forest {
    parents: Vec<AtomicU32>,
}

impl Forest {
    fn new(n_nodes: u32) -> Self {
        Self { parents: (0..n_nodes).map(AtomicU32::new).collect() }
    }

    /// The root of the tree of `node`; halves the path to it.
    fn root(&self, mut node: u32) -> u32 {
        loop {
            let parent = self.parents[node as usize].load(Relaxed);
            if parent == node {
                return node;
            }
            let grandparent = self.parents[parent as usize].load(Relaxed);
            if grandparent != parent {
                // Fails where another thread has shortened the path already: as good.
                let _ = self.parents[node as usize].compare_exchange_weak(
                    parent,
                    grandparent,
                    Relaxed,
                    Relaxed,
                );
            }
            node = parent;
        }
    }

    /// Makes one tree of those of `a` and `b`.
    fn join(&self, a: u32, b: u32) {
        let (mut a, mut b) = (self.root(a), self.root(b));
        while a != b {
            let (low, high) = (a.min(b), a.max(b));
            // Only a root may be hung below another; one that no longer is is looked up anew.
            match self.parents[high as usize].compare_exchange(high, low, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(_) => (a, b) = (self.root(low), self.root(high)),
            }
        }
    }

    fn count(&self) -> Components {
        let sizes: Vec<AtomicU32> = self.parents.par_iter().map(|_| AtomicU32::new(0)).collect();
        let (n_components, largest) = (AtomicU64::new(0), AtomicU32::new(0));
        (0..self.parents.len() as u32).into_par_iter().for_each(|node| {
            let root = self.root(node);
            if root == node {
                n_components.fetch_add(1, Relaxed);
            }
            let size = sizes[root as usize].fetch_add(1, Relaxed) + 1;
            largest.fetch_max(size, Relaxed);
        });
        Components {
            n_components: n_components.into_inner(),
            n_nodes_of_largest: largest.into_inner().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_join_one_ring_find_one_tree() {
        let n_nodes = 10_000u32;
        let forest = Forest::new(n_nodes);
        // Steps of 7 from every node: one ring, as 7 and 10,000 have no common factor.
        (0..n_nodes).into_par_iter().for_each(|node| forest.join(node, (node + 7) % n_nodes));
        assert_eq!(forest.count(), Components { n_components: 1, n_nodes_of_largest: 10_000 });
        let forest = Forest::new(n_nodes);
        (0..n_nodes).into_par_iter().for_each(|node| forest.join(node, (node + 8) % n_nodes));
        assert_eq!(forest.count(), Components { n_components: 8, n_nodes_of_largest: 1250 });
    }
}
