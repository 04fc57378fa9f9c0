//! What a batch remembers of a shard's nodes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kaskade_model::coin::activation_fingerprint;
use kaskade_model::ids::Round;
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, NodeRange};

use super::bitmap::SummaryBitmap;
use super::counts::LaneCounts;
use super::words::Words;
use crate::slice::Slice;

/// The lanes in which each node of a shard is active (`seen`) and those in which it became
/// so in the round that is being computed (`new`): W words a node each, dense.
///
/// Memory: 16·W bytes a node, and a quarter of a bit for the bitmaps that find the nodes
/// that changed without looking at the others.
#[derive(Debug)]
pub struct ShardState<const W: usize> {
    nodes: NodeRange,
    seen: Words,
    new: Words,
    /// Nodes with a lane in `new`.
    changed: SummaryBitmap,
    /// Blocks of [`BLOCK_NODES`] nodes with a lane in `seen`.
    used_blocks: SummaryBitmap,
}

/// Nodes that are cleared together between batches.
const BLOCK_NODES: usize = 64;

/// The bytes of the lane state of one batch in flight for the `n_nodes` nodes of a shard.
#[must_use]
pub fn state_bytes(n_nodes: u64, lane_words: usize) -> u64 {
    let words = 16 * lane_words as u64;
    n_nodes.saturating_mul(words)
        + SummaryBitmap::bytes_for(n_nodes)
        + SummaryBitmap::bytes_for(n_nodes.div_ceil(BLOCK_NODES as u64))
}

impl<const W: usize> ShardState<W> {
    /// The state in which no node of `nodes` is active.
    #[must_use]
    pub fn new(nodes: NodeRange) -> Self {
        let n_nodes = nodes.n_nodes();
        Self {
            nodes,
            seen: Words::zeroed(n_nodes * W),
            new: Words::zeroed(n_nodes * W),
            changed: SummaryBitmap::new(n_nodes),
            used_blocks: SummaryBitmap::new(n_nodes.div_ceil(BLOCK_NODES)),
        }
    }

    /// The bytes that it takes: [`state_bytes`] of its nodes.
    #[must_use]
    pub fn allocated_bytes(&self) -> u64 {
        let words = size_of_val(&*self.seen) + size_of_val(&*self.new);
        words as u64 + self.changed.allocated_bytes() + self.used_blocks.allocated_bytes()
    }

    /// The nodes that it is about.
    #[must_use]
    pub fn nodes(&self) -> NodeRange {
        self.nodes
    }

    /// The lanes of `offered` in which the node at `node_idx` is not yet active. A lane that
    /// another thread activates meanwhile may still be among them.
    #[inline]
    pub(super) fn lacking(&self, node_idx: usize, offered: &LaneMask<W>) -> LaneMask<W> {
        let seen = &self.seen[node_idx * W..][..W];
        std::array::from_fn(|word| offered[word] & !seen[word].load(Relaxed))
    }

    /// Activates the node at `node_idx` in the lanes `live` of word `word`. `SHARED` says
    /// whether other threads may do so at the same time.
    #[inline]
    pub(super) fn activate<const SHARED: bool>(&self, node_idx: usize, word: usize, live: u64) {
        let at = node_idx * W + word;
        let new = live & !or_into::<SHARED>(&self.seen[at], live);
        if new != 0 && or_into::<SHARED>(&self.new[at], new) == 0 {
            self.changed.set(node_idx);
        }
    }

    /// Activates `node`, which must be an own node, in the lanes of `mask`: seeds.
    pub fn seed(&mut self, node: NodeId, mask: &LaneMask<W>) {
        let node_idx = (node.0 - self.nodes.begin) as usize;
        for (word, &live) in mask.iter().enumerate() {
            self.activate::<false>(node_idx, word, live);
        }
    }

    /// Ends a round: the nodes that became active in it with their lanes, counted into
    /// `counts`. Afterwards none is new.
    pub fn take_new(&mut self, round: Round, counts: &mut LaneCounts<W>) -> Slice<W> {
        let mut slice = Slice::default();
        let Self { nodes, new, changed, used_blocks, .. } = self;
        changed.drain(|node_idx| {
            let words = &mut new[node_idx * W..][..W];
            let mask = std::array::from_fn(|word| std::mem::take(words[word].get_mut()));
            let node = nodes.node(node_idx as u32);
            counts.add(&mask, activation_fingerprint(node, round));
            slice.push(node.0, mask);
            used_blocks.set(node_idx / BLOCK_NODES);
        });
        slice
    }

    /// Forgets everything, at a cost of the blocks that were used.
    pub fn clear(&mut self) {
        // A batch that was aborted within a round leaves nodes that are still new.
        self.take_new(Round(0), &mut LaneCounts::default());
        let seen = &mut self.seen;
        self.used_blocks.drain(|block| {
            let begin = block * BLOCK_NODES * W;
            let end = seen.len().min(begin + BLOCK_NODES * W);
            seen[begin..end].iter_mut().for_each(|word| *word.get_mut() = 0);
        });
    }
}

/// ORs `bits` into `word` and gives its value before.
#[inline(always)]
fn or_into<const SHARED: bool>(word: &AtomicU64, bits: u64) -> u64 {
    if SHARED {
        word.fetch_or(bits, Relaxed)
    } else {
        // One thread: a plain read and write, without the bus lock.
        let before = word.load(Relaxed);
        word.store(before | bits, Relaxed);
        before
    }
}
