//! What a batch remembers of a shard's nodes.

use std::cell::RefCell;
use std::sync::atomic::Ordering::Relaxed;

use kaskade_model::coin::activation_fingerprint;
use kaskade_model::ids::Round;
use kaskade_model::lanes::{LaneMask, is_empty};
use kaskade_model::{NodeId, NodeRange};

use super::bitmap::SummaryBitmap;
use super::counts::LaneCounts;
use super::prefetch::prefetch;
use super::words::Words;
use crate::slice::Slice;

/// The lanes in which each node of a shard is active (`seen`) and those in which it became
/// so in the round that is being computed (`new`): W words a node each, dense and side by side.
///
/// Memory: 16·W bytes a node, and an eighth of a byte for each of the bitmaps that tell which nodes
/// changed, which were used, and to which no arc need be looked at any more.
#[derive(Debug)]
pub struct ShardState<const W: usize> {
    nodes: NodeRange,
    /// The batch's lanes: in these all nodes may become active.
    all: LaneMask<W>,
    /// Per node the W words of `seen`, then those of `new`.
    lanes: Words,
    /// Nodes that are active in all lanes of the batch.
    saturated: Words,
    /// Nodes with a lane in `new`.
    changed: SummaryBitmap,
    /// Nodes with a lane in `seen`, but for those that changed.
    used: SummaryBitmap,
}

/// Nodes whose bits share a word of `saturated`.
const NODES_PER_WORD: usize = 64;

/// The bytes of the lane state of one batch in flight for the `n_nodes` nodes of a shard.
#[must_use]
pub fn state_bytes(n_nodes: u64, lane_words: usize) -> u64 {
    let words = 16 * lane_words.next_power_of_two() as u64;
    n_nodes.saturating_mul(words)
        + 8 * n_nodes.div_ceil(NODES_PER_WORD as u64)
        + 2 * SummaryBitmap::bytes_for(n_nodes)
}

impl<const W: usize> ShardState<W> {
    /// The state in which no node of `nodes` is active.
    #[must_use]
    pub fn new(nodes: NodeRange) -> Self {
        let n_nodes = nodes.n_nodes();
        Self {
            nodes,
            all: [u64::MAX; W],
            lanes: Words::zeroed(2 * n_nodes * W),
            saturated: Words::zeroed(n_nodes.div_ceil(NODES_PER_WORD)),
            changed: SummaryBitmap::new(n_nodes),
            used: SummaryBitmap::new(n_nodes),
        }
    }

    /// The bytes that it takes: [`state_bytes`] of its nodes.
    #[must_use]
    pub fn allocated_bytes(&self) -> u64 {
        let words = size_of_val(&*self.lanes) + size_of_val(&*self.saturated);
        words as u64 + self.changed.allocated_bytes() + self.used.allocated_bytes()
    }

    /// The nodes that it is about.
    #[must_use]
    pub fn nodes(&self) -> NodeRange {
        self.nodes
    }

    /// Begins a batch with the lanes `all` on a cleared state.
    pub fn begin(&mut self, all: LaneMask<W>) {
        self.all = all;
    }

    /// The state for one thread alone.
    #[inline]
    pub(super) fn exclusive(&mut self) -> Exclusive<'_, W> {
        let (changed, summary) = self.changed.exclusive();
        let (used, used_summary) = self.used.exclusive();
        Exclusive {
            all: self.all,
            lanes: self.lanes.exclusive(),
            saturated: self.saturated.exclusive(),
            changed,
            summary,
            used,
            used_summary,
        }
    }

    /// The state for several threads at a time.
    #[inline]
    pub(super) fn shared(&self) -> Shared<'_, W> {
        Shared(self)
    }

    /// Activates `node`, which must be an own node, in the lanes of `mask`: seeds.
    pub fn seed(&mut self, node: NodeId, mask: &LaneMask<W>) {
        let node_idx = node.0 - self.nodes.begin;
        self.exclusive().activate(node_idx, mask);
    }

    /// Ends a round: the nodes that became active in it with their lanes, counted into
    /// `counts`. Afterwards none is new.
    pub fn take_new(&mut self, round: Round, counts: &mut LaneCounts<W>) -> Slice<W> {
        let mut slice = Slice::default();
        let Self { nodes, lanes, changed, used, .. } = self;
        let lanes = RefCell::new(lanes.exclusive());
        let announce = |node_idx| prefetch(&lanes.borrow()[(2 * node_idx + 1) * W]);
        changed.drain(announce, |node_idx| {
            let mut lanes = lanes.borrow_mut();
            let new = &mut lanes[(2 * node_idx + 1) * W..][..W];
            let mask = std::array::from_fn(|word| std::mem::take(&mut new[word]));
            let node = nodes.node(node_idx as u32);
            counts.add(&mask, activation_fingerprint(node, round));
            slice.push(node.0, mask);
            used.insert(node_idx);
        });
        slice
    }

    /// Ends a round of activations that were listed instead of made new: forgets that the node at
    /// `node_idx` has a mark.
    #[inline]
    pub fn forget_mark(&mut self, node: NodeId) {
        let node_idx = (node.0 - self.nodes.begin) as usize;
        let (changed, _) = self.changed.exclusive();
        changed[node_idx / 64] &= !(1 << (node_idx % 64));
    }

    /// Makes `node`, which is active in `lane` and has no mark, new in it: it comes out of
    /// [`ShardState::take_new`].
    #[inline]
    pub fn make_new(&mut self, node: NodeId, lane: u32) {
        let node_idx = (node.0 - self.nodes.begin) as usize;
        self.lanes.exclusive()[(2 * node_idx + 1) * W + (lane / 64) as usize] |= 1 << (lane % 64);
        self.exclusive().mark_changed(node_idx);
    }

    /// Calls `visit` with each node that is active, ascending, and its lanes; between rounds.
    pub(crate) fn each_reached(&self, mut visit: impl FnMut(NodeId, LaneMask<W>)) {
        self.used.each(|node_idx| {
            let seen = &self.lanes[2 * node_idx * W..][..W];
            let lanes = std::array::from_fn(|word| seen[word].load(Relaxed));
            visit(self.nodes.node(node_idx as u32), lanes);
        });
    }

    /// Forgets everything, at a cost of the nodes that were used.
    pub fn clear(&mut self) {
        // A batch that was aborted within a round leaves nodes that are still new.
        self.take_new(Round(0), &mut LaneCounts::default());
        let (lanes, saturated) = (self.lanes.exclusive(), self.saturated.exclusive());
        self.used.drain(
            |_| (),
            |node_idx| {
                lanes[2 * node_idx * W..][..2 * W].fill(0);
                saturated[node_idx / NODES_PER_WORD] = 0;
            },
        );
    }
}

/// What the kernel asks of a shard's state, and does to it.
pub(super) trait NodeLanes<const W: usize> {
    /// Whether the node at `node_idx` is active in all lanes. Without a promise: where it is not
    /// known yet the answer is no.
    fn is_saturated(&self, node_idx: u32) -> bool;

    /// Says that the lanes of the node at `node_idx` will soon be asked for.
    fn prefetch(&self, node_idx: u32);

    /// The lanes of `offered` in which the node at `node_idx` is not yet active. A lane that
    /// another thread activates meanwhile may still be among them.
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W>;

    /// Activates the node at `node_idx` in the lanes `live`.
    fn activate(&mut self, node_idx: u32, live: &LaneMask<W>);

    /// Activates the node at `node_idx` in the lanes `live` of word `word`.
    fn activate_word(&mut self, node_idx: u32, word: usize, live: u64);
}

/// A state that one thread has to itself.
#[derive(Debug)]
pub(super) struct Exclusive<'a, const W: usize> {
    all: LaneMask<W>,
    lanes: &'a mut [u64],
    saturated: &'a mut [u64],
    changed: &'a mut [u64],
    summary: &'a mut [u64],
    used: &'a mut [u64],
    used_summary: &'a mut [u64],
}

impl<const W: usize> Exclusive<'_, W> {
    #[inline(always)]
    fn mark_changed(&mut self, node_idx: usize) {
        self.changed[node_idx / 64] |= 1 << (node_idx % 64);
        self.summary[node_idx / 4096] |= 1 << (node_idx / 64 % 64);
    }

    /// Says that `lane` of the node at `node_idx` will soon be asked for.
    #[inline(always)]
    pub(super) fn prefetch_word(&self, node_idx: u32, lane: u32) {
        prefetch(&self.lanes[2 * node_idx as usize * W + (lane / 64) as usize]);
    }

    /// Activates the node at `node_idx` in `lane`, without making it new: whoever calls keeps the
    /// list of what is. `None` where it was active; else whether it is the node's first
    /// activation since [`ShardState::forget_mark`].
    #[inline(always)]
    pub(super) fn activate_lane(&mut self, node_idx: u32, lane: u32) -> Option<bool> {
        let node_idx = node_idx as usize;
        let (word, bit) = ((lane / 64) as usize, 1u64 << (lane % 64));
        let lanes = &mut self.lanes[2 * node_idx * W..][..W];
        if lanes[word] & bit != 0 {
            return None;
        }
        lanes[word] |= bit;
        if lanes[word] == self.all[word] && *lanes == self.all {
            self.saturated[node_idx / NODES_PER_WORD] |= 1 << (node_idx % NODES_PER_WORD);
        }
        self.used[node_idx / 64] |= 1 << (node_idx % 64);
        self.used_summary[node_idx / 4096] |= 1 << (node_idx / 64 % 64);
        let mark = 1u64 << (node_idx % 64);
        let is_first = self.changed[node_idx / 64] & mark == 0;
        self.changed[node_idx / 64] |= mark;
        Some(is_first)
    }
}

impl<const W: usize> NodeLanes<W> for Exclusive<'_, W> {
    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        self.saturated[node_idx as usize / NODES_PER_WORD] >> (node_idx as usize % NODES_PER_WORD)
            & 1
            == 1
    }

    #[inline(always)]
    fn prefetch(&self, node_idx: u32) {
        let first = 2 * node_idx as usize * W;
        prefetch(&self.lanes[first]);
        if W == 8 {
            prefetch(&self.lanes[first + W]);
        }
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        let seen: &LaneMask<W> = self.lanes[2 * node_idx as usize * W..].first_chunk().expect(NODE);
        std::array::from_fn(|word| offered[word] & !seen[word])
    }

    #[inline(always)]
    fn activate(&mut self, node_idx: u32, live: &LaneMask<W>) {
        let node_idx = node_idx as usize;
        let lanes = &mut self.lanes[2 * node_idx * W..][..2 * W];
        let (seen, new) = lanes.split_at_mut(W);
        let seen: &mut LaneMask<W> = seen.try_into().expect(NODE);
        let new: &mut LaneMask<W> = new.try_into().expect(NODE);
        let added: LaneMask<W> = std::array::from_fn(|word| live[word] & !seen[word]);
        if is_empty(&added) {
            return;
        }
        *seen = std::array::from_fn(|word| seen[word] | added[word]);
        *new = std::array::from_fn(|word| new[word] | added[word]);
        let is_full = u64::from(*seen == self.all);
        self.saturated[node_idx / NODES_PER_WORD] |= is_full << (node_idx % NODES_PER_WORD);
        self.mark_changed(node_idx);
    }

    #[inline(always)]
    fn activate_word(&mut self, node_idx: u32, word: usize, live: u64) {
        let node_idx = node_idx as usize;
        let lanes = &mut self.lanes[2 * node_idx * W..][..2 * W];
        let added = live & !lanes[word];
        if added == 0 {
            return;
        }
        lanes[word] |= added;
        lanes[W + word] |= added;
        if lanes[word] == self.all[word] && lanes[..W] == self.all {
            self.saturated[node_idx / NODES_PER_WORD] |= 1 << (node_idx % NODES_PER_WORD);
        }
        self.mark_changed(node_idx);
    }
}

const NODE: &str = "every node has W words of either kind";

/// A state that several threads change at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a, const W: usize>(&'a ShardState<W>);

impl<const W: usize> NodeLanes<W> for Shared<'_, W> {
    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        let word = self.0.saturated[node_idx as usize / NODES_PER_WORD].load(Relaxed);
        word >> (node_idx as usize % NODES_PER_WORD) & 1 == 1
    }

    #[inline(always)]
    fn prefetch(&self, node_idx: u32) {
        let first = 2 * node_idx as usize * W;
        prefetch(&self.0.lanes[first]);
        if W == 8 {
            prefetch(&self.0.lanes[first + W]);
        }
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        let seen = &self.0.lanes[2 * node_idx as usize * W..][..W];
        std::array::from_fn(|word| offered[word] & !seen[word].load(Relaxed))
    }

    #[inline(always)]
    fn activate(&mut self, node_idx: u32, live: &LaneMask<W>) {
        for (word, &live) in live.iter().enumerate().filter(|(_, live)| **live != 0) {
            self.activate_word(node_idx, word, live);
        }
    }

    #[inline(always)]
    fn activate_word(&mut self, node_idx: u32, word: usize, live: u64) {
        let Self(ShardState { all, lanes, saturated, changed, .. }) = self;
        let node_idx = node_idx as usize;
        let lanes = &lanes[2 * node_idx * W..][..2 * W];
        let before = lanes[word].fetch_or(live, Relaxed);
        let added = live & !before;
        if added == 0 {
            return;
        }
        if lanes[W + word].fetch_or(added, Relaxed) == 0 {
            changed.set(node_idx);
        }
        // Whoever completes the last word sees the others complete, or leaves it to nobody: the
        // bit only saves work.
        let is_full =
            |(lanes, all): (&std::sync::atomic::AtomicU64, &u64)| lanes.load(Relaxed) == *all;
        if before | live == all[word] && lanes[..W].iter().zip(all).all(is_full) {
            saturated[node_idx / NODES_PER_WORD]
                .fetch_or(1 << (node_idx % NODES_PER_WORD), Relaxed);
        }
    }
}
