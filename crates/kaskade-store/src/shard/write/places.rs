//! Where a shard's arcs go when they are sorted by source.

use kaskade_model::{NodeId, ShardId, lanes};

use super::ShardArcs;
use crate::error::StoreError;
use crate::shard::source_index::{self, BLOCK_NODES, WORD_NODES};

/// Where the arcs of each source go.
#[derive(Debug)]
pub(super) struct Places {
    /// A bit per source: whether it has arcs.
    pub(super) bitmap: Vec<u64>,
    /// Per block, the arcs of the sources before it; and the number of arcs.
    bases: Vec<u64>,
    /// Per source, where its next arc goes, counted from its block's base; when all are placed,
    /// that is where its arcs end.
    next: Vec<u32>,
}

impl Places {
    /// Those of `arcs`, none of which is placed. O(n_nodes + arcs).
    pub(super) fn count(shard: ShardId, arcs: &ShardArcs) -> Result<Self, StoreError> {
        let mut next = vec![0u32; arcs.n_nodes as usize];
        for &source in &arcs.in_sources {
            // At most one arc per source and own node: below 2³².
            next[source as usize] += 1;
        }
        let mut bitmap = Vec::with_capacity(source_index::n_words(arcs.n_nodes));
        let mut bases = Vec::with_capacity(source_index::n_blocks(arcs.n_nodes) + 1);
        let mut base = 0u64;
        for counts in next.chunks_mut(BLOCK_NODES) {
            let mut n_arcs = 0u32;
            for counts in counts.chunks_mut(WORD_NODES) {
                let mut word = 0;
                for (bit, count) in counts.iter_mut().enumerate() {
                    word |= u64::from(*count != 0) << bit;
                    let begin = n_arcs;
                    let end = n_arcs.checked_add(*count);
                    n_arcs = end.ok_or_else(|| too_many_arcs(shard, bases.len()))?;
                    *count = begin;
                }
                bitmap.push(word);
            }
            bases.push(base);
            base += u64::from(n_arcs);
        }
        bases.push(base);
        Ok(Self { bitmap, bases, next })
    }

    /// The number of sources that have arcs. O(n_nodes / 64).
    pub(super) fn n_present(&self) -> usize {
        self.bitmap.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The sources that have arcs, ascending, each with their number, while none is placed.
    pub(super) fn counts(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let present = (0..).step_by(WORD_NODES).zip(&self.bitmap);
        let present =
            present.flat_map(|(first, &word)| lanes::lanes_of(word).map(move |bit| first + bit));
        present.map(|source| {
            let after = source + 1;
            let end = if after.is_multiple_of(BLOCK_NODES) || after == self.next.len() {
                let block_idx = source / BLOCK_NODES;
                // Checked when they were counted: below 2³².
                (self.bases[block_idx + 1] - self.bases[block_idx]) as u32
            } else {
                self.next[after]
            };
            (source, end - self.next[source])
        })
    }

    /// Calls `put` for every arc with its position by source, that by target, its target and its
    /// rank among the target's arcs.
    #[inline]
    pub(super) fn put_all(
        &mut self,
        arcs: &ShardArcs,
        mut put: impl FnMut(usize, usize, u32, u32),
    ) {
        for (target_idx, in_arcs) in arcs.own_in_arcs() {
            for (in_rank, from) in (0u32..).zip(in_arcs) {
                let source = arcs.in_sources[from] as usize;
                let next = &mut self.next[source];
                let to = self.bases[source / BLOCK_NODES] as usize + *next as usize;
                *next += 1;
                put(to, from, target_idx, in_rank);
            }
        }
    }

    /// The ends of the sources of every block, each with the arcs before it, when all are placed;
    /// sources without arcs end where they begin.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (u64, &[u32])> {
        self.bases.iter().copied().zip(self.next.chunks(BLOCK_NODES))
    }
}

pub(super) fn too_many_arcs(shard: ShardId, block_idx: usize) -> StoreError {
    StoreError::TooManyArcs { shard, first_source: NodeId((block_idx * BLOCK_NODES) as u32) }
}
