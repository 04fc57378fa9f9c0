//! The out-view of a mapped shard: for every source present, its targets.

use std::ops::Range;

use kaskade_model::Ranks;

use super::gaps;
use super::source_index::{self, Place, SourceBlock, SourceIndex};
use crate::container::{Container, Tag};
use crate::error::StoreError;
use crate::mmap::MappedSlice;

#[derive(Debug)]
pub(super) struct MappedOutView {
    pub(super) bitmap: MappedSlice<u64>,
    pub(super) blocks: MappedSlice<SourceBlock>,
    pub(super) ends: MappedSlice<u16>,
    /// Slots as those of the ends.
    pub(super) first_ranks: MappedSlice<u16>,
    pub(super) targets: MappedTargets,
    pub(super) in_ranks: Option<MappedRanks>,
    pub(super) thresholds: Option<MappedSlice<u32>>,
    pub(super) channels: Option<MappedSlice<u8>>,
}

#[derive(Debug)]
pub(super) enum MappedTargets {
    Plain(MappedSlice<u32>),
    Coded(CodedTargets),
}

/// Targets coded by their gaps, and where in the bytes a source's begin.
#[derive(Debug)]
pub(super) struct CodedTargets {
    /// Per block of sources, the bytes of all before it.
    pub(super) bases: MappedSlice<u64>,
    /// As the arcs' ends, in bytes.
    pub(super) ends: MappedSlice<u16>,
    pub(super) bytes: MappedSlice<u8>,
}

/// See [`Ranks`].
#[derive(Debug)]
pub(super) enum MappedRanks {
    U8(MappedSlice<u8>),
    U16(MappedSlice<u16>),
    U32(MappedSlice<u32>),
}

/// The bytes of a rank in a shard whose highest in-degree is `max_in_degree`.
pub(super) fn rank_bytes(max_in_degree: u32) -> u32 {
    match max_in_degree {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

impl MappedOutView {
    pub(super) fn open(container: &Container) -> Result<Option<Self>, StoreError> {
        if !container.has(Tag::SourceBitmap) {
            return Ok(None);
        }
        let shape = container.shape();
        let n_words = source_index::n_words(shape.n_nodes) as u64;
        let n_blocks = source_index::n_blocks(shape.n_nodes) as u64;
        let targets = if container.has(Tag::OutTargetBytes) {
            MappedTargets::Coded(CodedTargets {
                bases: container.required(Tag::OutByteBases, n_blocks)?,
                ends: container.required_any(Tag::OutByteEnds)?,
                bytes: container.required_any(Tag::OutTargetBytes)?,
            })
        } else {
            MappedTargets::Plain(container.required(Tag::OutTargets, shape.n_arcs)?)
        };
        let (has_thresholds, has_channels) =
            (container.has(Tag::ArcThresholds), container.has(Tag::ArcChannels));
        let ends: MappedSlice<u16> = container.required_any(Tag::OutEnds)?;
        Ok(Some(Self {
            bitmap: container.required(Tag::SourceBitmap, n_words)?,
            blocks: container.required(Tag::SourceBlocks, n_blocks)?,
            first_ranks: container.required(Tag::FirstRanks, ends.len() as u64)?,
            ends,
            targets,
            in_ranks: MappedRanks::open(container, shape.n_arcs)?,
            thresholds: has_thresholds
                .then(|| container.required(Tag::ArcThresholds, shape.n_arcs))
                .transpose()?,
            channels: has_channels
                .then(|| container.required(Tag::ArcChannels, shape.n_arcs))
                .transpose()?,
        }))
    }

    #[inline]
    pub(super) fn index(&self) -> SourceIndex<'_> {
        SourceIndex { bitmap: &self.bitmap, blocks: &self.blocks }
    }

    /// The positions of the arcs of the source at `place`.
    #[inline]
    pub(super) fn arcs_at(&self, place: Place) -> Range<usize> {
        place.range(place.block.arc_base, &self.ends)
    }

    /// The rank of the first arc of the source at `place` among all arcs of the source.
    #[inline]
    pub(super) fn first_rank_at(&self, place: Place) -> u32 {
        place.number(&self.first_ranks)
    }

    /// The targets of the source at `place`, whose arcs are `arcs`; where they are coded they
    /// are decoded into `scratch`.
    #[inline]
    pub(super) fn targets_at<'a>(
        &'a self,
        place: Place,
        arcs: Range<usize>,
        scratch: &'a mut Vec<u32>,
    ) -> &'a [u32] {
        match &self.targets {
            MappedTargets::Plain(targets) => &targets[arcs],
            MappedTargets::Coded(coded) => {
                let bytes = place.range(coded.bases[place.block_idx], &coded.ends);
                gaps::decode(&coded.bytes[bytes.start..], arcs.len(), scratch);
                scratch
            }
        }
    }

    pub(super) fn in_ranks(&self) -> Option<Ranks<'_>> {
        self.in_ranks.as_ref().map(|ranks| match ranks {
            MappedRanks::U8(ranks) => Ranks::U8(ranks),
            MappedRanks::U16(ranks) => Ranks::U16(ranks),
            MappedRanks::U32(ranks) => Ranks::U32(ranks),
        })
    }
}

impl MappedRanks {
    fn open(container: &Container, n_arcs: u64) -> Result<Option<Self>, StoreError> {
        let Some(element_bytes) = container.element_bytes(Tag::InRanks) else { return Ok(None) };
        let required = match element_bytes {
            1 => Self::U8(container.required(Tag::InRanks, n_arcs)?),
            2 => Self::U16(container.required(Tag::InRanks, n_arcs)?),
            // Any other size is told as one that is not 4.
            _ => Self::U32(container.required(Tag::InRanks, n_arcs)?),
        };
        Ok(Some(required))
    }
}
