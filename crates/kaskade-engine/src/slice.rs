//! A slice of the frontier: nodes with the lanes in which they became active.

mod ascending;
mod bits;
mod codec;
mod error;
mod ids;
mod masks;
mod varint;

pub use codec::{EncodedSlice, MAX_PAYLOAD_BYTES, decode, encode};
pub use error::DecodeError;

use kaskade_model::lanes::{LaneMask, count_lanes};

/// Nodes that became active in one round, ascending by global id, each with its lanes.
/// The two arrays have one entry a node; no mask is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<const W: usize> {
    /// Global node ids, strictly ascending.
    pub nodes: Vec<u32>,
    /// The lanes of each node.
    pub masks: Vec<LaneMask<W>>,
}

impl<const W: usize> Default for Slice<W> {
    fn default() -> Self {
        Self { nodes: Vec::new(), masks: Vec::new() }
    }
}

impl<const W: usize> Slice<W> {
    /// The number of nodes.
    #[must_use]
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The number of (node, lane) pairs.
    #[must_use]
    pub fn n_activations(&self) -> u64 {
        self.masks.iter().map(|mask| count_lanes(mask)).sum()
    }

    /// Appends a node, whose id must be above all that are there.
    pub fn push(&mut self, node: u32, mask: LaneMask<W>) {
        debug_assert!(self.nodes.last().is_none_or(|&last| last < node));
        self.nodes.push(node);
        self.masks.push(mask);
    }
}
