//! Which shards a source has arcs into.

use kaskade_model::{NodeId, Shard};
use rayon::prelude::*;

use super::prefetch::prefetch;

/// For every node of the graph a bit a shard, whether the node has arcs into it, and the number of
/// its arcs into all. Most nodes have few arcs, and a source that is looked up in every shard is
/// mostly looked up in vain.
#[derive(Debug)]
pub struct Presence(Vec<Source>);

#[derive(Clone, Copy, Debug)]
struct Source {
    shards: u64,
    n_arcs: u32,
}

/// With more shards a mask would not fit a word.
const MAX_SHARDS: usize = u64::BITS as usize;

/// On larger graphs this takes longer to make than a short job takes in all.
const MAX_NODES: u32 = 1 << 23;

impl Presence {
    /// What the `n_nodes` nodes of a graph have in `shards`; `None` where looking up is cheaper.
    /// O(nodes · shards), on the current rayon pool.
    pub fn new<S: Shard>(shards: &[S], n_nodes: u32) -> Option<Self> {
        if n_nodes > MAX_NODES || !(1..=MAX_SHARDS).contains(&shards.len()) {
            return None;
        }
        let source = |node| {
            let mut source = Source { shards: 0, n_arcs: 0 };
            for (shard_idx, shard) in shards.iter().enumerate() {
                let n_arcs = shard.n_out_arcs(NodeId(node));
                source.shards |= u64::from(n_arcs > 0) << shard_idx;
                // A node has at most as many arcs as there are nodes.
                source.n_arcs += n_arcs as u32;
            }
            source
        };
        Some(Self((0..n_nodes).into_par_iter().map(source).collect()))
    }

    /// Says that `source` will soon be asked about.
    #[inline(always)]
    pub(super) fn prefetch(&self, source: NodeId) {
        prefetch(&self.0[source.index()]);
    }

    /// A bit for each shard that `source` has arcs into.
    #[inline(always)]
    pub(super) fn of(&self, source: NodeId) -> u64 {
        self.0[source.index()].shards
    }

    /// The arcs of `source` into all shards.
    #[inline(always)]
    pub(super) fn n_arcs(&self, source: NodeId) -> u32 {
        self.0[source.index()].n_arcs
    }
}
