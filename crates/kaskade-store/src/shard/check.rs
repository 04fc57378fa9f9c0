//! Whether a shard's sections are sound: after this, no lookup can leave a section.

use std::ops::Range;

use kaskade_model::{NodeRange, Shard};
use rayon::prelude::*;

use super::mapped::{MappedInView, MappedOutView, MappedShard};
use super::source_index::{BLOCK_WORDS, SourceBlock};
use crate::container::Tag;
use crate::error::StoreError;

/// Nodes or blocks that one task checks.
const TASK_LENGTH: usize = 64;

/// A section and what should be there but is not.
struct Flaw(Tag, &'static str);

impl MappedShard {
    /// Checks bounds and order of everything in the file, in parallel. O(n_nodes + arcs).
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let flawed =
            |Flaw(tag, expected)| self.container.malformed(tag, expected, "something else");
        let in_degree_sum: u64 = self.in_degrees.par_iter().map(|&degree| u64::from(degree)).sum();
        if in_degree_sum != self.n_arcs() {
            let expected = format!("degrees that sum to {}", self.n_arcs());
            return Err(self.container.malformed(Tag::InDegrees, expected, in_degree_sum));
        }
        if let Some(view) = &self.out {
            view.check(&self.in_degrees, self.n_graph_nodes(), self.n_arcs()).map_err(flawed)?;
        }
        if let Some(view) = &self.r#in {
            view.check(&self.in_degrees, self.n_graph_nodes(), self.nodes()).map_err(flawed)?;
        }
        Ok(())
    }
}

impl MappedOutView {
    fn check(&self, in_degrees: &[u32], n_nodes: u32, n_arcs: u64) -> Result<(), Flaw> {
        let bits_beyond = n_nodes % 64;
        if bits_beyond != 0 && self.bitmap.last().is_some_and(|word| word >> bits_beyond != 0) {
            return Err(Flaw(Tag::SourceBitmap, "no bit beyond the last node"));
        }
        let first = self.blocks.first().copied().unwrap_or_default();
        if (first.arc_base, first.source_base) != (0, 0) {
            return Err(Flaw(Tag::SourceBlocks, "a first block that begins at 0"));
        }
        let end = SourceBlock {
            arc_base: n_arcs,
            source_base: u32::try_from(self.ends.len())
                .map_err(|_| Flaw(Tag::OutEnds, "at most one end for each node"))?,
            ..SourceBlock::default()
        };
        if self.blocks.is_empty() && (end.arc_base, end.source_base) != (0, 0) {
            return Err(Flaw(Tag::SourceBlocks, "a block for every 256 nodes"));
        }
        (0..self.blocks.len()).into_par_iter().with_min_len(TASK_LENGTH).try_for_each(|idx| {
            let next = self.blocks.get(idx + 1).unwrap_or(&end);
            self.check_block(idx, next, in_degrees)
        })
    }

    /// Checks the block at `idx` against its bitmap words and the block after it, and the
    /// arcs of its sources.
    fn check_block(&self, idx: usize, next: &SourceBlock, in_degrees: &[u32]) -> Result<(), Flaw> {
        let block = self.blocks[idx];
        let words = &self.bitmap[idx * BLOCK_WORDS..self.bitmap.len().min((idx + 1) * BLOCK_WORDS)];
        let n_present: u32 = words.iter().map(|word| word.count_ones()).sum();
        let is_counted = block == SourceBlock::new(block.arc_base, block.source_base, words)
            && block.source_base.checked_add(n_present) == Some(next.source_base);
        if !is_counted {
            return Err(Flaw(Tag::SourceBlocks, "counts of the bits in the source bitmap"));
        }
        let ends = self.ends.get(block.source_base as usize..next.source_base as usize);
        let ends = ends.ok_or(Flaw(Tag::OutEnds, "an end for each bit in the source bitmap"))?;
        let mut begin = 0;
        for &end in ends {
            if end <= begin {
                return Err(Flaw(Tag::OutEnds, "ends that ascend"));
            }
            self.check_arcs(block.arc_base, begin..end, in_degrees)?;
            begin = end;
        }
        if block.arc_base.checked_add(begin.into()) != Some(next.arc_base) {
            return Err(Flaw(Tag::SourceBlocks, "counts of the arcs before each block"));
        }
        Ok(())
    }

    /// Checks the arcs of one source.
    fn check_arcs(&self, arc_base: u64, arcs: Range<u32>, in_degrees: &[u32]) -> Result<(), Flaw> {
        let position = |arc: u32| {
            let position = arc_base.checked_add(arc.into())?;
            usize::try_from(position).ok().filter(|&position| position <= self.targets.len())
        };
        let (Some(begin), Some(end)) = (position(arcs.start), position(arcs.end)) else {
            return Err(Flaw(Tag::OutEnds, "ends inside the out-targets"));
        };
        let targets = &self.targets[begin..end];
        if targets.last().is_some_and(|&last| last as usize >= in_degrees.len()) {
            return Err(Flaw(Tag::OutTargets, "offsets of own nodes"));
        }
        if !targets.is_sorted_by(|a, b| a < b) {
            return Err(Flaw(Tag::OutTargets, "strictly ascending targets for each source"));
        }
        if let Some(in_ranks) = &self.in_ranks {
            let mut ranked = targets.iter().zip(&in_ranks[begin..end]);
            if !ranked.all(|(&target, &rank)| rank < in_degrees[target as usize]) {
                return Err(Flaw(Tag::InRanks, "ranks below the target's in-degree"));
            }
        }
        Ok(())
    }
}

impl MappedInView {
    fn check(&self, in_degrees: &[u32], n_nodes: u32, own: NodeRange) -> Result<(), Flaw> {
        if self.offsets.first() != Some(&0) {
            return Err(Flaw(Tag::InOffsets, "offsets that begin at 0"));
        }
        let node_ids = own.begin..own.end;
        in_degrees
            .par_iter()
            .zip(self.offsets.par_windows(2))
            .zip(node_ids)
            .with_min_len(TASK_LENGTH)
            .try_for_each(|((&in_degree, ends), node)| {
                // Ascending from 0 by degrees whose sum is the number of arcs: in bounds.
                if ends[0].checked_add(in_degree.into()) != Some(ends[1])
                    || ends[1] > self.sources.len() as u64
                {
                    return Err(Flaw(Tag::InOffsets, "offsets that ascend by the in-degrees"));
                }
                let arcs = ends[0] as usize..ends[1] as usize;
                let sources = &self.sources[arcs.clone()];
                if !sources.is_sorted_by(|a, b| a < b) {
                    return Err(Flaw(Tag::InSources, "strictly ascending sources for each target"));
                }
                if sources.last().is_some_and(|&last| last >= n_nodes) {
                    return Err(Flaw(Tag::InSources, "nodes of the graph"));
                }
                if sources.binary_search(&node).is_ok() {
                    return Err(Flaw(Tag::InSources, "no node as its own source"));
                }
                let sums = self.cumulative_weights.as_ref().map(|sums| &sums[arcs]);
                if !sums.is_none_or(|sums| sums.is_sorted()) {
                    return Err(Flaw(Tag::CumulativeWeights, "sums that ascend for each target"));
                }
                Ok(())
            })
    }
}
