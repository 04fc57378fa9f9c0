//! The ranks of sources' first arcs into a shard, which depend on all shards before it.

use super::{CountedShard, RankedShard};
use crate::error::StoreError;

/// Gives shards the first ranks of their sources: for every node of the graph, its arcs into
/// the shards that were ranked so far. 4 bytes a node.
#[derive(Debug)]
pub struct FirstRanks {
    n_arcs_before: Vec<u32>,
    /// One past the last node of the shards ranked so far.
    end: u32,
}

impl FirstRanks {
    /// Of a graph of `n_nodes` nodes, before its first shard.
    #[must_use]
    pub fn new(n_nodes: u32) -> Self {
        Self { n_arcs_before: vec![0; n_nodes as usize], end: 0 }
    }

    /// Ranks `shard`, which must begin where the one before it ends: everything that needs an
    /// order of shards. O(n_nodes / 64 + sources present).
    ///
    /// # Errors
    /// [`StoreError::InvalidInput`] when it does not, or is of another graph.
    pub fn rank(&mut self, shard: CountedShard) -> Result<RankedShard, StoreError> {
        let CountedShard { shard: id, arcs, places, .. } = &shard;
        if arcs.nodes.begin != self.end || arcs.n_nodes as usize != self.n_arcs_before.len() {
            let reason = "it does not follow the shards that were ranked before it";
            return Err(StoreError::invalid_input(format!("shard {id}"), reason));
        }
        self.end = arcs.nodes.end;
        let mut first_ranks = Vec::new();
        if let Some(places) = places {
            first_ranks.reserve_exact(places.n_present());
            for (source, n_arcs) in places.counts() {
                let n_before = &mut self.n_arcs_before[source];
                first_ranks.push(*n_before);
                // Arcs to nodes that are all different: below 2³².
                *n_before += n_arcs;
            }
        }
        Ok(RankedShard { counted: shard, first_ranks })
    }
}
