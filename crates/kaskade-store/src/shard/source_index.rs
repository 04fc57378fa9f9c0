//! Which sources have arcs into a shard, and where those arcs lie.
//!
//! Most sources are absent from most shards, so an array of offsets over all n nodes
//! would mostly repeat itself. Here a bitmap tells who is present, a block per 256
//! nodes counts what came before, and only present sources have an end: 1.5 bits per node of
//! the graph plus 2 bytes per source present, 4 in the few blocks with too much for 16 bits.
//! A lookup touches one word of the bitmap, one block and two neighbouring ends. Other numbers of
//! the sources present, their first ranks, lie in slots of their own that are found alike.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use kaskade_model::NodeId;

/// Nodes that share a block.
pub(super) const BLOCK_NODES: usize = 256;

pub(super) const WORD_NODES: usize = 64;
pub(super) const BLOCK_WORDS: usize = BLOCK_NODES / WORD_NODES;

/// What came before a block of [`BLOCK_NODES`] nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SourceBlock {
    /// Arcs of the sources before the block.
    pub(super) arc_base: u64,
    /// Slots in use before the block.
    pub(super) slot_base: u32,
    /// Slots of 16 bits that a number takes in this block: 1, or 2 (the lower half first).
    pub(super) slots_per_number: u8,
    /// Sources present in the block before its second, third and fourth word: 0 to 192.
    pub(super) word_ranks: [u8; BLOCK_WORDS - 1],
}

impl SourceBlock {
    /// The block whose bitmap words are `words`, at most [`BLOCK_WORDS`] of them.
    pub(super) fn new(arc_base: u64, slot_base: u32, slots_per_number: u8, words: &[u64]) -> Self {
        let mut word_ranks = [0; BLOCK_WORDS - 1];
        let mut n_present = 0;
        for (idx, rank) in word_ranks.iter_mut().enumerate() {
            n_present += words.get(idx).map_or(0, |word| word.count_ones() as u8);
            *rank = n_present;
        }
        Self { arc_base, slot_base, slots_per_number, word_ranks }
    }
}

/// The slots that a number takes in a block whose ends go up to `last_end` and whose sources'
/// first ranks go up to `max_first_rank`.
pub(super) fn slots_per_number(last_end: u64, max_first_rank: u32) -> u8 {
    if last_end.max(max_first_rank.into()) <= u64::from(u16::MAX) { 1 } else { 2 }
}

/// Appends a number to the slots of a block that takes `slots_per_number` for each.
pub(super) fn push_number(slots: &mut Vec<u16>, slots_per_number: u8, number: u32) {
    slots.push(number as u16);
    if slots_per_number == 2 {
        slots.push((number >> 16) as u16);
    }
}

/// The words of a bitmap over `n_nodes` nodes.
pub(super) fn n_words(n_nodes: u32) -> usize {
    (n_nodes as usize).div_ceil(WORD_NODES)
}

/// The blocks over `n_nodes` nodes.
pub(super) fn n_blocks(n_nodes: u32) -> usize {
    (n_nodes as usize).div_ceil(BLOCK_NODES)
}

/// The bitmap and the blocks, borrowed from wherever they lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceIndex<'a> {
    /// A bit per node of the graph: whether it has arcs into the shard.
    pub(super) bitmap: &'a [u64],
    /// A block per 256 nodes of the graph.
    pub(super) blocks: &'a [SourceBlock],
}

impl SourceIndex<'_> {
    /// Where to look for the ends of `source`, `None` when it has no arcs. O(1).
    ///
    /// # Panics
    /// When `source` is no node of the graph.
    #[inline]
    pub(super) fn find(self, source: NodeId) -> Option<Place> {
        let node = source.index();
        let word = self.bitmap[node / WORD_NODES];
        let bit = 1u64 << (node % WORD_NODES);
        if word & bit == 0 {
            return None;
        }
        let block_idx = node / BLOCK_NODES;
        let block = self.blocks[block_idx];
        let word_rank = match node / WORD_NODES % BLOCK_WORDS {
            0 => 0,
            word => u32::from(block.word_ranks[word - 1]),
        };
        Some(Place { block_idx, block, rank: word_rank + (word & (bit - 1)).count_ones() })
    }
}

/// A source that is present.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) block_idx: usize,
    pub(super) block: SourceBlock,
    /// Sources present in the block before it.
    rank: u32,
}

impl Place {
    /// What lies between the end before the source's and its own in `slots`, whose ends are
    /// counted from `base` in this block.
    ///
    /// # Panics
    /// When the index was not checked and is wrong.
    #[inline]
    pub(super) fn range(self, base: u64, slots: &[u16]) -> Range<usize> {
        let (slot_base, rank) = (self.block.slot_base as usize, self.rank as usize);
        let (begin, end) = if self.block.slots_per_number == 1 {
            let slot = slot_base + rank;
            let begin = if rank == 0 { 0 } else { slots[slot - 1] };
            (begin.into(), slots[slot].into())
        } else {
            let slot = slot_base + 2 * rank;
            (if rank == 0 { 0 } else { wide(slots, slot - 2) }, wide(slots, slot))
        };
        let base = base as usize;
        base + begin as usize..base + end as usize
    }

    /// The source's number in `slots`.
    ///
    /// # Panics
    /// When the index was not checked and is wrong.
    #[inline]
    pub(super) fn number(self, slots: &[u16]) -> u32 {
        let (slot_base, rank) = (self.block.slot_base as usize, self.rank as usize);
        if self.block.slots_per_number == 1 {
            slots[slot_base + rank].into()
        } else {
            wide(slots, slot_base + 2 * rank)
        }
    }
}

/// The number in the two slots from `slot` on.
#[inline]
fn wide(slots: &[u16], slot: usize) -> u32 {
    u32::from(slots[slot]) | u32::from(slots[slot + 1]) << 16
}
