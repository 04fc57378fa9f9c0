//! Which shards a source has arcs into.

use kaskade_model::{NodeId, Shard};
use rayon::prelude::*;

use super::prefetch::prefetch;

/// For every node of the graph a bit a shard: whether the node has arcs into it. Most nodes have
/// few arcs, and a source that is looked up in every shard is mostly looked up in vain.
#[derive(Debug)]
pub struct Presence(Vec<u64>);

/// With more shards a mask would not fit a word.
const MAX_SHARDS: usize = u64::BITS as usize;

/// On larger graphs this takes longer to make than a short job takes in all.
const MAX_NODES: u32 = 1 << 23;

/// The bytes that it takes for a graph of `n_nodes` in `n_shards`: none where looking up is cheaper.
#[must_use]
pub fn presence_bytes(n_nodes: u64, n_shards: usize) -> u64 {
    let is_made = n_nodes <= MAX_NODES.into() && (1..=MAX_SHARDS).contains(&n_shards);
    if is_made { 8 * n_nodes } else { 0 }
}

impl Presence {
    /// What the `n_nodes` nodes of a graph have in `shards`; `None` where looking up is cheaper.
    /// O(nodes · shards), on the current rayon pool.
    pub fn new<S: Shard>(shards: &[S], n_nodes: u32) -> Option<Self> {
        if n_nodes > MAX_NODES || !(1..=MAX_SHARDS).contains(&shards.len()) {
            return None;
        }
        let has_arcs = |shard: &S, node| u64::from(shard.n_out_arcs(NodeId(node)) > 0);
        let mask = |node| {
            let bits = shards.iter().enumerate();
            bits.fold(0, |mask, (shard_idx, shard)| mask | has_arcs(shard, node) << shard_idx)
        };
        Some(Self((0..n_nodes).into_par_iter().map(mask).collect()))
    }

    /// Says that `source` will soon be asked about.
    #[inline(always)]
    pub(super) fn prefetch(&self, source: NodeId) {
        prefetch(&self.0[source.index()]);
    }

    /// A bit for each shard that `source` has arcs into.
    #[inline(always)]
    pub(super) fn of(&self, source: NodeId) -> u64 {
        self.0[source.index()]
    }
}
