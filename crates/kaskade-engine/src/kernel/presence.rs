//! Which shards a source has arcs into.

use kaskade_model::{NodeId, Shard};
use rayon::prelude::*;

/// For every node of the graph a bit a shard: whether the node has arcs into it. Most nodes have
/// few arcs, and a source that is looked up in every shard is mostly looked up in vain.
#[derive(Debug)]
pub struct Presence(Vec<u64>);

/// With more shards a mask would not fit a word.
const MAX_SHARDS: usize = u64::BITS as usize;

/// On larger graphs the masks take longer to make than a short job takes in all.
const MAX_NODES: u32 = 1 << 23;

/// The bytes of the masks for a graph of `n_nodes` in `n_shards`.
#[must_use]
pub fn presence_bytes(n_nodes: u32, n_shards: usize) -> u64 {
    if is_worth_it(n_nodes, n_shards) { 8 * u64::from(n_nodes) } else { 0 }
}

fn is_worth_it(n_nodes: u32, n_shards: usize) -> bool {
    n_nodes <= MAX_NODES && (2..=MAX_SHARDS).contains(&n_shards)
}

impl Presence {
    /// The masks of the `n_nodes` nodes of a graph in `shards`; `None` where looking up is cheaper.
    /// O(nodes · shards), on the current rayon pool.
    pub fn new<S: Shard>(shards: &[S], n_nodes: u32) -> Option<Self> {
        if !is_worth_it(n_nodes, shards.len()) {
            return None;
        }
        let mask = |node| {
            let bits = shards.iter().enumerate().map(|(shard_idx, shard)| {
                u64::from(shard.n_out_arcs(NodeId(node)) > 0) << shard_idx
            });
            bits.fold(0, |mask, bit| mask | bit)
        };
        Some(Self((0..n_nodes).into_par_iter().map(mask).collect()))
    }

    /// A bit for each shard that `source` has arcs into.
    #[inline(always)]
    pub(super) fn of(&self, source: NodeId) -> u64 {
        self.0[source.index()]
    }
}
