//! Nodes at which nothing can change any more.

use std::sync::atomic::Ordering::Relaxed;

use kaskade_model::dynamics::NodeTraits;
use kaskade_model::{NodeId, NodeRange};

use crate::kernel::Words;

/// A bit a node: set where all lanes are active, and from the start where no arc reaches the node.
#[derive(Debug)]
pub(super) struct Saturated {
    bits: Words,
    /// Nodes that no arc reaches; empty where there is none.
    closed: Vec<u64>,
}

impl Saturated {
    pub(super) fn new(nodes: NodeRange, traits: &NodeTraits) -> Self {
        let n_words = nodes.n_nodes().div_ceil(64);
        let mut bits = Words::zeroed(n_words);
        let mut closed = Vec::new();
        if traits.has_closed() {
            closed.resize(n_words, 0);
            for node in (nodes.begin..nodes.end).map(NodeId) {
                let at = (node.0 - nodes.begin) as usize;
                closed[at / 64] |= u64::from(!traits.class(node).can_be_reached) << (at % 64);
            }
            bits.exclusive().copy_from_slice(&closed);
        }
        Self { bits, closed }
    }

    #[inline(always)]
    pub(super) fn contains(&self, node_idx: u32) -> bool {
        self.bits[node_idx as usize / 64].load(Relaxed) >> (node_idx % 64) & 1 == 1
    }

    #[inline(always)]
    pub(super) fn insert(&mut self, node_idx: u32) {
        self.bits.exclusive()[node_idx as usize / 64] |= 1 << (node_idx % 64);
    }

    /// Forgets what a batch added about the node at `at` and those that share its word.
    #[inline]
    pub(super) fn forget(&mut self, at: usize) {
        let closed = self.closed.get(at / 64).copied().unwrap_or(0);
        self.bits.exclusive()[at / 64] = closed;
    }
}
