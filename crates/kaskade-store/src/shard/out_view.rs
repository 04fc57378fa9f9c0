//! The out-view of a shard, made from its in-view by counting sort.

use kaskade_model::{NodeId, ShardId};

use super::source_index::{self, BLOCK_NODES, BLOCK_WORDS, SourceBlock};
use super::write::ShardArcs;
use crate::choices::Views;
use crate::error::StoreError;

/// The arcs of a shard by source, and what belongs to each of them.
#[derive(Debug)]
pub(super) struct OutView {
    pub(super) bitmap: Vec<u64>,
    pub(super) blocks: Vec<SourceBlock>,
    pub(super) ends: Vec<u32>,
    pub(super) targets: Vec<u32>,
    /// Per arc, the rank of its source among its target's sources; empty without an
    /// in-view.
    pub(super) in_ranks: Vec<u32>,
    /// Per arc, its probability; empty without a column.
    pub(super) thresholds: Vec<u32>,
}

impl OutView {
    /// Sorts `arcs`, whose thresholds are `in_thresholds`, by source and target.
    /// O(n_nodes + arcs) time; beside the result 4 bytes per node of the graph.
    pub(super) fn new(
        shard: ShardId,
        arcs: &ShardArcs<'_>,
        in_thresholds: Option<&[u32]>,
        views: Views,
    ) -> Result<Self, StoreError> {
        let mut counts = vec![0u32; arcs.n_nodes as usize];
        for &source in arcs.in_sources {
            // At most one arc per source and own node: below 2³².
            counts[source as usize] += 1;
        }
        let bitmap = bitmap(&counts);
        let (blocks, n_present) = begin_blocks(shard, &bitmap, &mut counts)?;

        // From here on `counts` holds, per source, where its next arc goes, counted from
        // its block's base; when all are placed, that is where its arcs end.
        let n_arcs = arcs.in_sources.len();
        let mut targets = vec![0; n_arcs];
        let mut in_ranks = vec![0; if views.has_in() { n_arcs } else { 0 }];
        let mut thresholds = vec![0; in_thresholds.map_or(0, <[u32]>::len)];
        for (target_idx, in_arcs) in arcs.own_in_arcs() {
            for (in_rank, in_position) in (0u32..).zip(in_arcs) {
                let source = arcs.in_sources[in_position] as usize;
                let next = &mut counts[source];
                let position = blocks[source / BLOCK_NODES].arc_base as usize + *next as usize;
                *next += 1;
                targets[position] = target_idx;
                if views.has_in() {
                    in_ranks[position] = in_rank;
                }
                if let Some(in_thresholds) = in_thresholds {
                    thresholds[position] = in_thresholds[in_position];
                }
            }
        }
        let mut ends = Vec::with_capacity(n_present as usize);
        for (source, &end) in counts.iter().enumerate() {
            if bitmap[source / 64] >> (source % 64) & 1 == 1 {
                ends.push(end);
            }
        }
        Ok(Self { bitmap, blocks, ends, targets, in_ranks, thresholds })
    }
}

fn bitmap(counts: &[u32]) -> Vec<u64> {
    let word = |counts: &[u32]| {
        counts.iter().rev().fold(0u64, |word, &count| word << 1 | u64::from(count > 0))
    };
    counts.chunks(64).map(word).collect()
}

/// The blocks, and the number of sources present. Turns the count of each source into the
/// place of its first arc, counted from its block's base.
fn begin_blocks(
    shard: ShardId,
    bitmap: &[u64],
    counts: &mut [u32],
) -> Result<(Vec<SourceBlock>, u32), StoreError> {
    let mut blocks = Vec::with_capacity(source_index::n_blocks(counts.len() as u32));
    let (mut arc_base, mut source_base) = (0u64, 0u32);
    for (words, counts) in bitmap.chunks(BLOCK_WORDS).zip(counts.chunks_mut(BLOCK_NODES)) {
        let mut n_arcs = 0u32;
        for count in counts {
            let begin = n_arcs;
            n_arcs = n_arcs.checked_add(*count).ok_or_else(|| StoreError::TooManyArcs {
                shard,
                first_source: NodeId((blocks.len() * BLOCK_NODES) as u32),
            })?;
            *count = begin;
        }
        blocks.push(SourceBlock::new(arc_base, source_base, words));
        arc_base += u64::from(n_arcs);
        source_base += words.iter().map(|word| word.count_ones()).sum::<u32>();
    }
    Ok((blocks, source_base))
}
