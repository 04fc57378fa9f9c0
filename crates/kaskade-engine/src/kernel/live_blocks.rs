//! The live arcs of a frontier where coins come in blocks, each with its source.

use std::cell::RefCell;

use kaskade_model::coin::{BlockCoins, Isa};
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, Shard};

use super::keys::BatchKeys;
use super::presence::Presence;
use super::push::{Sources, each_source};
use super::push_blocks::{BlockWork, PartedLists, PushBlocks};
use super::state::NodeLanes;

/// What draws blocks of arcs in a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveBlocks<'a, S, const W: usize> {
    pub(crate) shards: &'a [S],
    pub(crate) presence: Option<&'a Presence>,
    pub(crate) coins: &'a BlockCoins,
    pub(crate) keys: &'a BatchKeys<W>,
    pub(crate) isa: Isa,
}

/// A live arc: its source, the place of the shard, the target's place there, and one word of lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveArc {
    pub(crate) source: NodeId,
    pub(crate) shard: usize,
    pub(crate) target_idx: u32,
    pub(crate) word: usize,
    pub(crate) lanes: u64,
}

impl<S: Shard, const W: usize> LiveBlocks<'_, S, W> {
    /// Calls `visit` with the arcs of `frontier` that are live in a lane that they are offered.
    /// One source after another: slower than a push, whose targets do not ask who reached them.
    pub(crate) fn visit(&self, frontier: &[Sources<'_, W>], visit: impl FnMut(LiveArc)) {
        let Self { shards, presence, coins, keys, isa } = *self;
        let visit = RefCell::new(visit);
        for (source, offered) in each_source(frontier) {
            let alone = [Sources { nodes: &[source.0], masks: std::slice::from_ref(offered) }];
            let lanes = |shard| Heard { source, shard, visit: &visit };
            isa.run(PushBlocks {
                lists: PartedLists { shards, presence },
                lanes: (0..shards.len()).map(lanes).collect(),
                keys,
                coins,
                work: BlockWork::Sources { groups: &alone, end: u64::MAX },
            });
        }
    }
}

/// The nodes of a shard, which do nothing but tell who reached them.
struct Heard<'a, F> {
    source: NodeId,
    shard: usize,
    visit: &'a RefCell<F>,
}

impl<F: FnMut(LiveArc), const W: usize> NodeLanes<W> for Heard<'_, F> {
    fn is_saturated(&self, _node_idx: u32) -> bool {
        false
    }

    fn prefetch(&self, _node_idx: u32) {}

    fn lacking(&self, _node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        *offered
    }

    fn activate(&mut self, node_idx: u32, live: &LaneMask<W>) {
        for (word, &live) in live.iter().enumerate().filter(|(_, live)| **live != 0) {
            NodeLanes::<W>::activate_word(self, node_idx, word, live);
        }
    }

    fn activate_word(&mut self, target_idx: u32, word: usize, lanes: u64) {
        let Self { source, shard, .. } = *self;
        (self.visit.borrow_mut())(LiveArc { source, shard, target_idx, word, lanes });
    }
}
