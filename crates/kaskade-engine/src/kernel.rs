//! The round kernel: a frontier in, the activations of the next round out.
//!
//! Mostly push, or pull where the frontier is large, bit-parallel: for each frontier node and each of its arcs, the lanes that the
//! arc is offered and its target lacks throw the model's coin together; what is live is
//! ORed into the target. OR is commutative and idempotent, so threads, shards and
//! chunks may come in any order. A shard's nodes are decided by whoever holds the shard:
//! coins, de-duplication and counting are local to it.

mod backward;
mod bitmap;
mod counts;
mod edge_map;
mod keys;
mod light;
mod live_blocks;
mod offers;
mod one_by_one;
mod out_lists;
mod outcomes;
mod parents;
mod prefetch;
mod presence;
mod pull;
mod push;
mod push_blocks;
mod reach_counter;
mod reached;
mod state;
mod words;

pub use backward::{backward_bytes, run_backward};
pub use counts::{LaneCounts, LaneTotals};
pub use edge_map::{Coins, EdgeMap, Effort, JobModel, Parallelism};
pub use keys::BatchKeys;
pub use light::Activation;
pub use one_by_one::{BlockJob, OneByOne};
pub use out_lists::{OutLists, out_lists_bytes};
pub use presence::{Presence, presence_bytes};
pub use pull::{DenseFrontier, dense_frontier_bytes};
pub use state::{ShardState, state_bytes};

pub(crate) use bitmap::SummaryBitmap;
pub(crate) use live_blocks::{LiveArc, LiveBlocks};
pub(crate) use offers::{ByLane, ByOctet, WordCoins};
pub(crate) use prefetch::prefetch;
pub(crate) use push::{PushArcs, Sources, Work};
pub(crate) use reached::Reached;
pub(crate) use words::Words;
