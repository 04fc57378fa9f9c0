//! A shard: a range of nodes and all arcs that end in them.

mod check;
mod gaps;
mod in_view;
mod mapped;
mod out_view;
mod reconcile;
mod source_index;
mod weights;
mod write;

pub use mapped::MappedShard;
pub(crate) use reconcile::check_first_ranks;
pub(crate) use write::write_shard;
pub use write::{
    CountedShard, FirstRanks, RankedShard, ShardArcs, WrittenShard, shard_write_bytes,
};
