//! The neighbours of a node, whatever shards its arcs lie in.
//!
//! For who looks at a graph as a whole (a survey, a sample); a run reads shards one by one.

use kaskade_model::{NodeId, Shard};

use crate::graph::Graph;

impl Graph {
    /// Appends to `targets` the nodes that `source` has arcs to, ascending by dense id. Of the
    /// mapped shards only, and none without an out-view. O(shards + targets).
    ///
    /// # Panics
    /// When the graph has no node `source`.
    pub fn append_targets(&self, source: NodeId, targets: &mut Vec<u32>) {
        let mut scratch = Vec::new();
        for shard in self.shards() {
            let begin = shard.nodes().begin;
            let arcs = shard.out_arcs(source, &mut scratch);
            targets.extend(arcs.targets.iter().map(|&target_idx| begin + target_idx));
        }
    }

    /// Appends to `sources` the nodes that have arcs to `target`, ascending by dense id. None
    /// without an in-view, or where the shard of `target` is not mapped. O(log shards + sources).
    pub fn append_sources(&self, target: NodeId, sources: &mut Vec<u32>) {
        let shards = self.shards();
        // Shards follow each other: the first that ends behind the node, if any, has it.
        let idx = shards.partition_point(|shard| shard.nodes().end <= target.0);
        let own = shards.get(idx).filter(|shard| shard.nodes().contains(target));
        let mut scratch = Vec::new();
        if let Some(shard) = own
            && let Some(found) = shard.in_sources(target.0 - shard.nodes().begin, &mut scratch)
        {
            sources.extend_from_slice(found);
        }
    }
}
