//! The one place where this crate reads arcs out of shards.

use kaskade_model::{NodeId, Shard};
use kaskade_store::MappedShard;

/// The position of the first arc from `source` into `shard`, and the arcs' targets as offsets
/// of own nodes.
pub(crate) fn out_targets(shard: &MappedShard, source: NodeId) -> (usize, &[u32]) {
    let arcs = shard.out_arcs(source);
    (arcs.first_arc, arcs.targets)
}

/// The sources of the own node of `shard` at `target_idx`; none without an in-view.
pub(crate) fn in_sources(shard: &MappedShard, target_idx: u32) -> &[u32] {
    shard.in_sources(target_idx).unwrap_or_default()
}
