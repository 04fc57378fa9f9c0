//! The out-view of a shard, made from its in-view by counting sort.

use kaskade_model::ShardId;

use super::places::{Places, too_many_arcs};
use super::scan::Scan;
use super::{ShardArcs, source_index};
use crate::choices::{Layout, Views};
use crate::container::{SectionData, Tag};
use crate::error::StoreError;
use crate::shard::gaps;
use crate::shard::out_view::rank_bytes;
use crate::shard::source_index::{BLOCK_NODES, SourceBlock};

/// The arcs of a shard by source, and what belongs to each of them.
#[derive(Debug)]
pub(super) struct BySource {
    bitmap: Vec<u64>,
    index: Index,
    targets: Targets,
    in_ranks: Option<RankVec>,
    thresholds: Option<Vec<u32>>,
    channels: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Targets {
    Plain(Vec<u32>),
    Coded { bases: Vec<u64>, ends: Vec<u16>, bytes: Vec<u8> },
}

#[derive(Debug)]
enum RankVec {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl BySource {
    /// Sorts `arcs`, in which `scan` was found, by source and target. `places` are theirs, and
    /// `first_ranks` those of the sources present. O(n_nodes + arcs).
    pub(super) fn new(
        shard: ShardId,
        arcs: &ShardArcs,
        scan: &Scan,
        mut places: Places,
        first_ranks: &[u32],
        views: Views,
        layout: Layout,
    ) -> Result<Self, StoreError> {
        let n_arcs = arcs.in_sources.len();
        let mut targets = vec![0u32; n_arcs];
        let mut thresholds = scan.thresholds.as_ref().map(|_| vec![0u32; n_arcs]);
        let mut column = scan.thresholds.as_deref().zip(thresholds.as_deref_mut());
        let mut channels = arcs.channels.as_ref().map(|_| vec![0u8; n_arcs]);
        let mut channel_sets = arcs.channels.as_deref().zip(channels.as_deref_mut());
        let mut put_value = |from: usize, to: usize| {
            if let Some((in_thresholds, thresholds)) = &mut column {
                thresholds[to] = in_thresholds[from];
            }
            if let Some((in_channels, channels)) = &mut channel_sets {
                channels[to] = in_channels[from];
            }
        };
        let in_ranks = if views.has_in() {
            Some(match rank_bytes(scan.max_in_degree) {
                1 => {
                    let mut ranks = vec![0u8; n_arcs];
                    places.put_all(arcs, |to, from, target, rank| {
                        (targets[to], ranks[to]) = (target, rank as u8);
                        put_value(from, to);
                    });
                    RankVec::U8(ranks)
                }
                2 => {
                    let mut ranks = vec![0u16; n_arcs];
                    places.put_all(arcs, |to, from, target, rank| {
                        (targets[to], ranks[to]) = (target, rank as u16);
                        put_value(from, to);
                    });
                    RankVec::U16(ranks)
                }
                _ => {
                    let mut ranks = vec![0u32; n_arcs];
                    places.put_all(arcs, |to, from, target, rank| {
                        (targets[to], ranks[to]) = (target, rank);
                        put_value(from, to);
                    });
                    RankVec::U32(ranks)
                }
            })
        } else {
            places.put_all(arcs, |to, from, target, _| {
                targets[to] = target;
                put_value(from, to);
            });
            None
        };
        let (index, targets) = match layout {
            Layout::Plain => (places.index(shard, first_ranks)?, Targets::Plain(targets)),
            Layout::Compressed => places.code(shard, first_ranks, &targets)?,
        };
        Ok(Self { bitmap: places.bitmap, index, targets, in_ranks, thresholds, channels })
    }

    pub(super) fn push_sections<'a>(&'a self, sections: &mut Vec<SectionData<'a>>) {
        sections.push(SectionData::new(Tag::SourceBitmap, &self.bitmap));
        sections.push(SectionData::new(Tag::SourceBlocks, &self.index.blocks));
        sections.push(SectionData::new(Tag::OutEnds, &self.index.ends));
        sections.push(SectionData::new(Tag::FirstRanks, &self.index.first_ranks));
        match &self.targets {
            Targets::Plain(targets) => sections.push(SectionData::new(Tag::OutTargets, targets)),
            Targets::Coded { bases, ends, bytes } => {
                sections.push(SectionData::new(Tag::OutByteBases, bases));
                sections.push(SectionData::new(Tag::OutByteEnds, ends));
                sections.push(SectionData::new(Tag::OutTargetBytes, bytes));
            }
        }
        if let Some(ranks) = &self.in_ranks {
            sections.push(match ranks {
                RankVec::U8(ranks) => SectionData::new(Tag::InRanks, ranks),
                RankVec::U16(ranks) => SectionData::new(Tag::InRanks, ranks),
                RankVec::U32(ranks) => SectionData::new(Tag::InRanks, ranks),
            });
        }
        if let Some(thresholds) = &self.thresholds {
            sections.push(SectionData::new(Tag::ArcThresholds, thresholds));
        }
        if let Some(channels) = &self.channels {
            sections.push(SectionData::new(Tag::ArcChannels, channels));
        }
    }
}

impl Places {
    /// The index of a plain shard.
    fn index(&self, shard: ShardId, first_ranks: &[u32]) -> Result<Index, StoreError> {
        let mut growing = GrowingIndex::new(shard, &self.bitmap, first_ranks);
        for (base, ends) in self.blocks() {
            let last_end = ends.last().copied().unwrap_or(0);
            growing.push_block(base, ends, last_end)?;
        }
        Ok(growing.index)
    }

    /// The index and the targets of a compressed shard.
    fn code(
        &self,
        shard: ShardId,
        first_ranks: &[u32],
        targets: &[u32],
    ) -> Result<(Index, Targets), StoreError> {
        let mut growing = GrowingIndex::new(shard, &self.bitmap, first_ranks);
        let (mut byte_bases, mut byte_ends) = (Vec::new(), Vec::with_capacity(first_ranks.len()));
        let mut bytes = Vec::with_capacity(targets.len());
        let mut block_ends = Vec::with_capacity(BLOCK_NODES);
        for (block_idx, (base, ends)) in self.blocks().enumerate() {
            let (byte_base, mut begin) = (bytes.len(), 0);
            block_ends.clear();
            for &end in ends {
                if end != begin {
                    let arcs = base as usize + begin as usize..base as usize + end as usize;
                    gaps::encode(&targets[arcs], &mut bytes);
                    let byte_end = u32::try_from(bytes.len() - byte_base);
                    block_ends.push(byte_end.map_err(|_| too_many_arcs(shard, block_idx))?);
                }
                begin = end;
            }
            // Each arc takes a byte at least, so what fits the bytes fits the arcs.
            let last_end = block_ends.last().copied().unwrap_or(0);
            let n_slots = growing.push_block(base, ends, last_end)?;
            for &end in &block_ends {
                source_index::push_number(&mut byte_ends, n_slots, end);
            }
            byte_bases.push(byte_base as u64);
        }
        let targets = Targets::Coded { bases: byte_bases, ends: byte_ends, bytes };
        Ok((growing.index, targets))
    }
}

/// The blocks of a source index and what its slots hold.
#[derive(Debug)]
struct Index {
    blocks: Vec<SourceBlock>,
    ends: Vec<u16>,
    first_ranks: Vec<u16>,
}

/// An index that grows block by block.
struct GrowingIndex<'a> {
    shard: ShardId,
    words: std::slice::Chunks<'a, u64>,
    /// Those of the sources of the blocks to come.
    first_ranks: &'a [u32],
    index: Index,
}

impl<'a> GrowingIndex<'a> {
    fn new(shard: ShardId, bitmap: &'a [u64], first_ranks: &'a [u32]) -> Self {
        let words = bitmap.chunks(source_index::BLOCK_WORDS);
        let index = Index {
            blocks: Vec::with_capacity(words.len()),
            ends: Vec::with_capacity(first_ranks.len()),
            first_ranks: Vec::with_capacity(first_ranks.len()),
        };
        Self { shard, words, first_ranks, index }
    }

    /// Appends a block with `base` arcs before it, whose sources' arcs end at `ends` and whose
    /// slots count up to `last_end`; gives the slots that a number takes in it.
    fn push_block(&mut self, base: u64, ends: &[u32], last_end: u32) -> Result<u8, StoreError> {
        let Index { blocks, ends: end_slots, first_ranks: rank_slots } = &mut self.index;
        let slot_base =
            u32::try_from(end_slots.len()).map_err(|_| too_many_arcs(self.shard, blocks.len()))?;
        let words = self.words.next().unwrap_or(&[]);
        let n_present = words.iter().map(|word| word.count_ones() as usize).sum();
        let (first_ranks, rest) = self.first_ranks.split_at(n_present);
        self.first_ranks = rest;
        let max_first_rank = first_ranks.iter().copied().max().unwrap_or(0);
        let n_slots = source_index::slots_per_number(last_end.into(), max_first_rank);
        blocks.push(SourceBlock::new(base, slot_base, n_slots, words));
        let mut begin = 0;
        for &end in ends {
            if end != begin {
                source_index::push_number(end_slots, n_slots, end);
            }
            begin = end;
        }
        for &first_rank in first_ranks {
            source_index::push_number(rank_slots, n_slots, first_rank);
        }
        Ok(n_slots)
    }
}
