//! The out-view of a shard, made from its in-view by counting sort.

use kaskade_model::{NodeId, ShardId};

use super::scan::Scan;
use super::{ShardArcs, source_index};
use crate::choices::{Layout, Views};
use crate::container::{SectionData, Tag};
use crate::error::StoreError;
use crate::shard::gaps;
use crate::shard::out_view::rank_bytes;
use crate::shard::source_index::{BLOCK_NODES, SourceBlock, WORD_NODES};

/// The arcs of a shard by source, and what belongs to each of them.
#[derive(Debug)]
pub(super) struct BySource {
    bitmap: Vec<u64>,
    blocks: Vec<SourceBlock>,
    ends: Vec<u16>,
    targets: Targets,
    in_ranks: Option<RankVec>,
    thresholds: Option<Vec<u32>>,
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
    /// Sorts `arcs`, in which `scan` was found, by source and target. O(n_nodes + arcs).
    pub(super) fn new(
        shard: ShardId,
        arcs: &ShardArcs<'_>,
        scan: &Scan,
        views: Views,
        layout: Layout,
    ) -> Result<Self, StoreError> {
        let mut places = Places::count(shard, arcs)?;
        let n_arcs = arcs.in_sources.len();
        let mut targets = vec![0u32; n_arcs];
        let mut thresholds = scan.thresholds.as_ref().map(|_| vec![0u32; n_arcs]);
        let mut column = scan.thresholds.as_deref().zip(thresholds.as_deref_mut());
        let mut put_threshold = |from: usize, to: usize| {
            if let Some((in_thresholds, thresholds)) = &mut column {
                thresholds[to] = in_thresholds[from];
            }
        };
        let in_ranks = if views.has_in() {
            Some(match rank_bytes(scan.max_in_degree) {
                1 => {
                    let mut ranks = vec![0u8; n_arcs];
                    places.put_all(arcs, |to, from, target, rank| {
                        (targets[to], ranks[to]) = (target, rank as u8);
                        put_threshold(from, to);
                    });
                    RankVec::U8(ranks)
                }
                2 => {
                    let mut ranks = vec![0u16; n_arcs];
                    places.put_all(arcs, |to, from, target, rank| {
                        (targets[to], ranks[to]) = (target, rank as u16);
                        put_threshold(from, to);
                    });
                    RankVec::U16(ranks)
                }
                _ => {
                    let mut ranks = vec![0u32; n_arcs];
                    places.put_all(arcs, |to, from, target, rank| {
                        (targets[to], ranks[to]) = (target, rank);
                        put_threshold(from, to);
                    });
                    RankVec::U32(ranks)
                }
            })
        } else {
            places.put_all(arcs, |to, from, target, _| {
                targets[to] = target;
                put_threshold(from, to);
            });
            None
        };
        let bitmap = places.bitmap();
        let (blocks, ends, targets) = match layout {
            Layout::Plain => {
                let (blocks, ends) = places.index(shard, &bitmap)?;
                (blocks, ends, Targets::Plain(targets))
            }
            Layout::Compressed => places.code(shard, &bitmap, &targets)?,
        };
        Ok(Self { bitmap, blocks, ends, targets, in_ranks, thresholds })
    }

    pub(super) fn push_sections<'a>(&'a self, sections: &mut Vec<SectionData<'a>>) {
        sections.push(SectionData::new(Tag::SourceBitmap, &self.bitmap));
        sections.push(SectionData::new(Tag::SourceBlocks, &self.blocks));
        sections.push(SectionData::new(Tag::OutEnds, &self.ends));
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
    }
}

/// Where the arcs of each source go.
struct Places {
    /// Per block, the arcs of the sources before it.
    bases: Vec<u64>,
    /// Per source, where its next arc goes, counted from its block's base; when all are placed,
    /// that is where its arcs end.
    next: Vec<u32>,
}

impl Places {
    fn count(shard: ShardId, arcs: &ShardArcs<'_>) -> Result<Self, StoreError> {
        let mut next = vec![0u32; arcs.n_nodes as usize];
        for &source in arcs.in_sources {
            // At most one arc per source and own node: below 2³².
            next[source as usize] += 1;
        }
        let mut bases = Vec::with_capacity(source_index::n_blocks(arcs.n_nodes));
        let mut base = 0u64;
        for counts in next.chunks_mut(BLOCK_NODES) {
            let mut n_arcs = 0u32;
            for count in counts {
                let begin = n_arcs;
                let end = n_arcs.checked_add(*count);
                n_arcs = end.ok_or_else(|| too_many_arcs(shard, bases.len()))?;
                *count = begin;
            }
            bases.push(base);
            base += u64::from(n_arcs);
        }
        Ok(Self { bases, next })
    }

    /// Calls `put` for every arc with its position by source, that by target, its target and its
    /// rank among the target's arcs.
    #[inline]
    fn put_all(&mut self, arcs: &ShardArcs<'_>, mut put: impl FnMut(usize, usize, u32, u32)) {
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

    /// The ends of the sources of every block, each with the arcs before it; sources without
    /// arcs end where they begin.
    fn blocks(&self) -> impl Iterator<Item = (u64, &[u32])> {
        self.bases.iter().copied().zip(self.next.chunks(BLOCK_NODES))
    }

    fn bitmap(&self) -> Vec<u64> {
        let mut bitmap = Vec::with_capacity(self.next.len().div_ceil(WORD_NODES));
        for ends in self.next.chunks(BLOCK_NODES) {
            let mut begin = 0;
            for ends in ends.chunks(WORD_NODES) {
                let mut word = 0;
                for (bit, &end) in ends.iter().enumerate() {
                    word |= u64::from(end != begin) << bit;
                    begin = end;
                }
                bitmap.push(word);
            }
        }
        bitmap
    }

    /// The blocks and the ends of a plain shard.
    fn index(
        &self,
        shard: ShardId,
        bitmap: &[u64],
    ) -> Result<(Vec<SourceBlock>, Vec<u16>), StoreError> {
        let mut index = Index::new(shard, bitmap);
        for (base, ends) in self.blocks() {
            let last_end = ends.last().copied().unwrap_or(0);
            let slots = source_index::slots_per_end(last_end.into());
            index.push_block(base, slots, ends)?;
        }
        Ok((index.blocks, index.ends))
    }

    /// The blocks, the ends and the targets of a compressed shard.
    fn code(
        &self,
        shard: ShardId,
        bitmap: &[u64],
        targets: &[u32],
    ) -> Result<(Vec<SourceBlock>, Vec<u16>, Targets), StoreError> {
        let mut index = Index::new(shard, bitmap);
        let (mut byte_bases, mut byte_ends) = (Vec::with_capacity(self.bases.len()), Vec::new());
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
            let slots = source_index::slots_per_end(last_end.into());
            for &end in &block_ends {
                source_index::push_end(&mut byte_ends, slots, end);
            }
            byte_bases.push(byte_base as u64);
            index.push_block(base, slots, ends)?;
        }
        let targets = Targets::Coded { bases: byte_bases, ends: byte_ends, bytes };
        Ok((index.blocks, index.ends, targets))
    }
}

/// A source index that grows block by block.
struct Index<'a> {
    shard: ShardId,
    words: std::slice::Chunks<'a, u64>,
    blocks: Vec<SourceBlock>,
    ends: Vec<u16>,
}

impl<'a> Index<'a> {
    fn new(shard: ShardId, bitmap: &'a [u64]) -> Self {
        let words = bitmap.chunks(source_index::BLOCK_WORDS);
        let n_present: usize = bitmap.iter().map(|word| word.count_ones() as usize).sum();
        let blocks = Vec::with_capacity(words.len());
        Self { shard, words, blocks, ends: Vec::with_capacity(n_present) }
    }

    fn push_block(&mut self, base: u64, slots: u8, ends: &[u32]) -> Result<(), StoreError> {
        let slot_base = u32::try_from(self.ends.len())
            .map_err(|_| too_many_arcs(self.shard, self.blocks.len()))?;
        let words = self.words.next().unwrap_or(&[]);
        self.blocks.push(SourceBlock::new(base, slot_base, slots, words));
        let mut begin = 0;
        for &end in ends {
            if end != begin {
                source_index::push_end(&mut self.ends, slots, end);
            }
            begin = end;
        }
        Ok(())
    }
}

fn too_many_arcs(shard: ShardId, block_idx: usize) -> StoreError {
    StoreError::TooManyArcs { shard, first_source: NodeId((block_idx * BLOCK_NODES) as u32) }
}
