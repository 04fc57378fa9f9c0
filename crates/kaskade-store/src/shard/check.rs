//! Whether a shard's sections are sound: after this, no lookup can leave a section.

use kaskade_model::{NodeId, NodeRange, Shard};
use rayon::prelude::*;

use super::gaps;
use super::in_view::{IN_BLOCK_NODES, InBlock, MappedInView, MappedSources};
use super::mapped::MappedShard;
use super::out_view::{MappedOutView, MappedRanks, MappedTargets, rank_bytes};
use super::source_index::{self, BLOCK_NODES, BLOCK_WORDS, SourceBlock};
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
        let in_degrees = &self.in_degrees;
        if let Some(view) = &self.out {
            view.check(in_degrees, self.n_graph_nodes(), self.nodes()).map_err(flawed)?;
        }
        if let Some(view) = &self.r#in {
            view.check(in_degrees, self.n_graph_nodes(), self.nodes()).map_err(flawed)?;
        }
        Ok(())
    }
}

/// What the block after the one in question begins with.
#[derive(Clone, Copy)]
struct Bases {
    arcs: u64,
    slots: u64,
    bytes: u64,
}

impl MappedOutView {
    /// `in_degrees`, of the nodes `own`, sum to the number of arcs.
    fn check(&self, in_degrees: &[u32], n_nodes: u32, own: NodeRange) -> Result<(), Flaw> {
        let n_arcs = in_degrees.par_iter().map(|&degree| u64::from(degree)).sum();
        let bits_beyond = n_nodes % 64;
        if bits_beyond != 0 && self.bitmap.last().is_some_and(|word| word >> bits_beyond != 0) {
            return Err(Flaw(Tag::SourceBitmap, "no bit beyond the last node"));
        }
        self.check_lengths(in_degrees, n_arcs)?;
        let n_bytes = match &self.targets {
            MappedTargets::Plain(_) => 0,
            MappedTargets::Coded(coded) => coded.bytes.len() as u64,
        };
        let end = Bases { arcs: n_arcs, slots: self.ends.len() as u64, bytes: n_bytes };
        let first = if self.blocks.is_empty() { end } else { self.bases(0) };
        if (first.arcs, first.slots, first.bytes) != (0, 0, 0) {
            return Err(Flaw(Tag::SourceBlocks, "a first block that begins at 0"));
        }
        (0..self.blocks.len()).into_par_iter().with_min_len(TASK_LENGTH).try_for_each_init(
            Vec::new,
            |scratch, idx| {
                let next = if idx + 1 < self.blocks.len() { self.bases(idx + 1) } else { end };
                // Blocks ascend (each is compared with the next), but that is not yet known.
                if next.arcs > end.arcs || next.slots > end.slots || next.bytes > end.bytes {
                    return Err(Flaw(Tag::SourceBlocks, "blocks that end with their sections"));
                }
                self.check_block(idx, next, in_degrees, own, scratch)
            },
        )
    }

    /// Checks that sections which belong together are equally long and as wide as they must be.
    fn check_lengths(&self, in_degrees: &[u32], n_arcs: u64) -> Result<(), Flaw> {
        if let MappedTargets::Coded(coded) = &self.targets {
            if coded.ends.len() != self.ends.len() {
                return Err(Flaw(Tag::OutByteEnds, "as many ends as out-ends"));
            }
            if (coded.bytes.len() as u64) < n_arcs {
                return Err(Flaw(Tag::OutTargetBytes, "a byte for every arc at least"));
            }
        }
        let max_in_degree = in_degrees.par_iter().copied().max().unwrap_or(0);
        let expected = rank_bytes(max_in_degree);
        let is_as_wide = self.in_ranks.as_ref().is_none_or(|ranks| match ranks {
            MappedRanks::U8(_) => expected == 1,
            MappedRanks::U16(_) => expected == 2,
            MappedRanks::U32(_) => expected == 4,
        });
        if !is_as_wide {
            return Err(Flaw(Tag::InRanks, "ranks as wide as the highest in-degree needs"));
        }
        Ok(())
    }

    fn bases(&self, block_idx: usize) -> Bases {
        let block = self.blocks[block_idx];
        let bytes = match &self.targets {
            MappedTargets::Plain(_) => 0,
            MappedTargets::Coded(coded) => coded.bases[block_idx],
        };
        Bases { arcs: block.arc_base, slots: block.slot_base.into(), bytes }
    }

    /// Checks the block at `idx` against its bitmap words and the block after it, and the
    /// arcs of its sources.
    fn check_block(
        &self,
        idx: usize,
        next: Bases,
        in_degrees: &[u32],
        nodes: NodeRange,
        scratch: &mut Vec<u32>,
    ) -> Result<(), Flaw> {
        let (block, own) = (self.blocks[idx], self.bases(idx));
        let words = &self.bitmap[idx * BLOCK_WORDS..self.bitmap.len().min((idx + 1) * BLOCK_WORDS)];
        let n_present: u64 = words.iter().map(|word| u64::from(word.count_ones())).sum();
        let (Some(n_arcs), Some(n_bytes)) =
            (next.arcs.checked_sub(own.arcs), next.bytes.checked_sub(own.bytes))
        else {
            return Err(Flaw(Tag::SourceBlocks, "blocks that ascend"));
        };
        let counted = match &self.targets {
            MappedTargets::Plain(_) => n_arcs,
            MappedTargets::Coded(_) => n_bytes,
        };
        let n_slots = block.slots_per_number;
        let is_counted = (1..=2).contains(&n_slots)
            && block == SourceBlock::new(block.arc_base, block.slot_base, n_slots, words)
            && own.slots + n_present * u64::from(n_slots) == next.slots;
        if !is_counted {
            return Err(Flaw(Tag::SourceBlocks, "counts of the bits in the source bitmap"));
        }
        let (mut arcs_end, mut bytes_end, mut max_first_rank) = (own.arcs, own.bytes, 0);
        for (word_idx, &word) in words.iter().enumerate() {
            for bit in kaskade_model::lanes::lanes_of(word) {
                let source = NodeId((idx * BLOCK_NODES + word_idx * 64 + bit) as u32);
                let place = self.index().find(source).expect("its bit is set");
                let arcs = self.arcs_at(place);
                if arcs.start as u64 != arcs_end
                    || arcs.end <= arcs.start
                    || arcs.end as u64 > next.arcs
                {
                    return Err(Flaw(Tag::OutEnds, "ends that ascend to the next block's arcs"));
                }
                arcs_end = arcs.end as u64;
                let first_rank = self.first_rank_at(place);
                // Each of the arcs before goes to another of the nodes before, none to its source.
                if first_rank > nodes.begin - u32::from(source.0 < nodes.begin) {
                    return Err(Flaw(Tag::FirstRanks, "no more arcs than nodes before the shard"));
                }
                max_first_rank = max_first_rank.max(first_rank);
                let targets = match &self.targets {
                    MappedTargets::Plain(targets) => &targets[arcs.clone()],
                    MappedTargets::Coded(coded) => {
                        let place = place.range(own.bytes, &coded.ends);
                        if place.start as u64 != bytes_end || place.end < place.start {
                            return Err(Flaw(Tag::OutByteEnds, "ends that ascend"));
                        }
                        bytes_end = place.end as u64;
                        let bytes = coded
                            .bytes
                            .get(place)
                            .ok_or(Flaw(Tag::OutByteEnds, "ends inside the out-target-bytes"))?;
                        let limit = in_degrees.len() as u32;
                        let taken = gaps::decode_checked(bytes, arcs.len(), limit, scratch);
                        if taken != Some(bytes.len()) {
                            let expected = "ascending offsets of own nodes, a list for each source";
                            return Err(Flaw(Tag::OutTargetBytes, expected));
                        }
                        &scratch[..]
                    }
                };
                self.check_targets(arcs.start, targets, in_degrees)?;
            }
        }
        if n_slots != source_index::slots_per_number(counted, max_first_rank) {
            return Err(Flaw(Tag::SourceBlocks, "as many slots as ends and first ranks need"));
        }
        if arcs_end != next.arcs {
            return Err(Flaw(Tag::SourceBlocks, "counts of the arcs before each block"));
        }
        if bytes_end != next.bytes {
            return Err(Flaw(Tag::OutByteBases, "counts of the bytes before each block"));
        }
        Ok(())
    }

    /// Checks the arcs of one source, the first of which is at `first_arc`.
    fn check_targets(
        &self,
        first_arc: usize,
        targets: &[u32],
        in_degrees: &[u32],
    ) -> Result<(), Flaw> {
        if targets.last().is_some_and(|&last| last as usize >= in_degrees.len()) {
            return Err(Flaw(Tag::OutTargets, "offsets of own nodes"));
        }
        if !targets.is_sorted_by(|a, b| a < b) {
            return Err(Flaw(Tag::OutTargets, "strictly ascending targets for each source"));
        }
        // The sections of arcs are as long as the arcs are many, and these end before that.
        let arcs = first_arc..first_arc + targets.len();
        let is_ranked = match &self.in_ranks {
            None => true,
            Some(MappedRanks::U8(ranks)) => are_ranks(targets, &ranks[arcs], in_degrees),
            Some(MappedRanks::U16(ranks)) => are_ranks(targets, &ranks[arcs], in_degrees),
            Some(MappedRanks::U32(ranks)) => are_ranks(targets, &ranks[arcs], in_degrees),
        };
        if !is_ranked {
            return Err(Flaw(Tag::InRanks, "ranks below the target's in-degree"));
        }
        Ok(())
    }
}

fn are_ranks<R: Copy + Into<u32>>(targets: &[u32], ranks: &[R], in_degrees: &[u32]) -> bool {
    let mut ranked = targets.iter().zip(ranks);
    ranked.all(|(&target, &rank)| rank.into() < in_degrees[target as usize])
}

impl MappedInView {
    fn check(&self, in_degrees: &[u32], n_nodes: u32, own: NodeRange) -> Result<(), Flaw> {
        match &self.sources {
            MappedSources::Plain { offsets, sources } => {
                self.check_plain(offsets, sources, in_degrees, n_nodes, own)
            }
            MappedSources::Coded { blocks, bytes } => {
                self.check_coded(blocks, bytes, in_degrees, n_nodes, own)
            }
        }
    }

    fn check_plain(
        &self,
        offsets: &[u64],
        sources: &[u32],
        in_degrees: &[u32],
        n_nodes: u32,
        own: NodeRange,
    ) -> Result<(), Flaw> {
        if offsets.first() != Some(&0) {
            return Err(Flaw(Tag::InOffsets, "offsets that begin at 0"));
        }
        in_degrees
            .par_iter()
            .zip(offsets.par_windows(2))
            .zip(own.begin..own.end)
            .with_min_len(TASK_LENGTH)
            .try_for_each(|((&in_degree, ends), node)| {
                // Ascending from 0 by degrees whose sum is the number of arcs: in bounds.
                if ends[0].checked_add(in_degree.into()) != Some(ends[1])
                    || ends[1] > sources.len() as u64
                {
                    return Err(Flaw(Tag::InOffsets, "offsets that ascend by the in-degrees"));
                }
                let arcs = ends[0] as usize..ends[1] as usize;
                self.check_sources(arcs.start, &sources[arcs], n_nodes, node)
            })
    }

    fn check_coded(
        &self,
        blocks: &[InBlock],
        bytes: &[u8],
        in_degrees: &[u32],
        n_nodes: u32,
        own: NodeRange,
    ) -> Result<(), Flaw> {
        let n_arcs: u64 = in_degrees.par_iter().map(|&degree| u64::from(degree)).sum();
        let end = InBlock { arc_base: n_arcs, byte_base: bytes.len() as u64 };
        if *blocks.first().unwrap_or(&end) != InBlock::default() {
            return Err(Flaw(Tag::InBlocks, "a first block that begins at 0"));
        }
        (0..blocks.len())
            .into_par_iter()
            .with_min_len(TASK_LENGTH / IN_BLOCK_NODES)
            .try_for_each_init(Vec::new, |scratch, idx| {
                let next = blocks.get(idx + 1).unwrap_or(&end);
                let nodes = idx * IN_BLOCK_NODES..in_degrees.len().min((idx + 1) * IN_BLOCK_NODES);
                let InBlock { mut arc_base, mut byte_base } = blocks[idx];
                // Counted before anything is read, so that all arcs are in bounds.
                let n_own: u64 = in_degrees[nodes.clone()].iter().map(|&d| u64::from(d)).sum();
                if arc_base.checked_add(n_own) != Some(next.arc_base) || next.arc_base > n_arcs {
                    return Err(Flaw(Tag::InBlocks, "counts of the arcs before each block"));
                }
                for node_idx in nodes {
                    let in_degree = in_degrees[node_idx] as usize;
                    let list = usize::try_from(byte_base).ok().and_then(|begin| bytes.get(begin..));
                    let list = list.ok_or(Flaw(Tag::InBlocks, "places in the in-source-bytes"))?;
                    let taken = gaps::decode_checked(list, in_degree, n_nodes, scratch);
                    let expected = "ascending nodes of the graph, a list for each target";
                    byte_base += taken.ok_or(Flaw(Tag::InSourceBytes, expected))? as u64;
                    let node = own.begin + node_idx as u32;
                    self.check_sources(arc_base as usize, scratch, n_nodes, node)?;
                    arc_base += in_degree as u64;
                }
                if byte_base != next.byte_base {
                    return Err(Flaw(Tag::InBlocks, "counts of the bytes before each block"));
                }
                Ok(())
            })
    }

    /// Checks the sources of `node`, the first of whose arcs is at `first_arc`.
    fn check_sources(
        &self,
        first_arc: usize,
        sources: &[u32],
        n_nodes: u32,
        node: u32,
    ) -> Result<(), Flaw> {
        if !sources.is_sorted_by(|a, b| a < b) {
            return Err(Flaw(Tag::InSources, "strictly ascending sources for each target"));
        }
        if sources.last().is_some_and(|&last| last >= n_nodes) {
            return Err(Flaw(Tag::InSources, "nodes of the graph"));
        }
        if sources.binary_search(&node).is_ok() {
            return Err(Flaw(Tag::InSources, "no node as its own source"));
        }
        let arcs = first_arc..first_arc + sources.len();
        let sums = self.cumulative_weights.as_ref().map(|sums| &sums[arcs]);
        if !sums.is_none_or(|sums| sums.is_sorted()) {
            return Err(Flaw(Tag::CumulativeWeights, "sums that ascend for each target"));
        }
        Ok(())
    }
}
