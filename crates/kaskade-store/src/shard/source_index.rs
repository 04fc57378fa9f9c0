//! Which sources have arcs into a shard, and where those arcs lie.
//!
//! Most sources are absent from most shards, so an array of offsets over all n nodes
//! would mostly repeat itself. Here a bitmap tells who is present, a block per 256
//! nodes counts who and what came before, and only present sources have an offset:
//! 1.5 bits per node of the graph plus 4 bytes per source present. A lookup touches one
//! word of the bitmap, one block and two neighbouring offsets.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use kaskade_model::NodeId;

/// Nodes that share a block.
pub(super) const BLOCK_NODES: usize = 256;

const WORD_NODES: usize = 64;
pub(super) const BLOCK_WORDS: usize = BLOCK_NODES / WORD_NODES;

/// What came before a block of [`BLOCK_NODES`] nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SourceBlock {
    /// Arcs of the sources before the block.
    pub(super) arc_base: u64,
    /// Sources present before the block.
    pub(super) source_base: u32,
    /// Sources present in the block before each of its words: 0 to 192.
    pub(super) word_ranks: [u8; BLOCK_WORDS],
}

impl SourceBlock {
    /// The block whose bitmap words are `words`, at most [`BLOCK_WORDS`] of them.
    pub(super) fn new(arc_base: u64, source_base: u32, words: &[u64]) -> Self {
        let mut word_ranks = [0; BLOCK_WORDS];
        let mut n_present = 0u8;
        for (idx, rank) in word_ranks.iter_mut().enumerate() {
            *rank = n_present;
            // Before the last word at most 3 · 64 are present; the sum after it is not used.
            let n_in_word = words.get(idx).map_or(0, |word| word.count_ones() as u8);
            n_present = n_present.wrapping_add(n_in_word);
        }
        Self { arc_base, source_base, word_ranks }
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

/// The index, borrowed from wherever it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceIndex<'a> {
    /// A bit per node of the graph: whether it has arcs into the shard.
    pub(super) bitmap: &'a [u64],
    /// A block per 256 nodes of the graph.
    pub(super) blocks: &'a [SourceBlock],
    /// Per source present, the end of its arcs, counted from its block's `arc_base`.
    pub(super) ends: &'a [u32],
}

impl SourceIndex<'_> {
    /// The positions of the arcs from `source`, `None` when it has none. O(1).
    ///
    /// # Panics
    /// When `source` is no node of the graph, or the index was not checked and is wrong.
    #[inline]
    pub(super) fn arcs_of(self, source: NodeId) -> Option<Range<usize>> {
        let node = source.index();
        let word = self.bitmap[node / WORD_NODES];
        let bit = 1u64 << (node % WORD_NODES);
        if word & bit == 0 {
            return None;
        }
        let block = &self.blocks[node / BLOCK_NODES];
        let in_word = (word & (bit - 1)).count_ones();
        let in_block = u32::from(block.word_ranks[node / WORD_NODES % BLOCK_WORDS]) + in_word;
        let source_idx = (block.source_base + in_block) as usize;
        let begin = if in_block == 0 { 0 } else { self.ends[source_idx - 1] };
        let arc_base = block.arc_base as usize;
        Some(arc_base + begin as usize..arc_base + self.ends[source_idx] as usize)
    }
}
