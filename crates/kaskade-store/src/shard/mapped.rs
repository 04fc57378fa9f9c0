//! A shard's file, mapped.

use std::path::Path;

use kaskade_model::{NodeId, NodeRange, OutArcs, Shard};

use super::source_index::{self, SourceBlock, SourceIndex};
use crate::container::{Container, FileKind, Tag};
use crate::error::StoreError;
use crate::mmap::MappedSlice;
use crate::opening::{Meter, Verify};

/// A shard of a graph directory, mapped read-only. A run reads it through
/// [`kaskade_model::Shard`]; the mapping ends when this is dropped.
#[derive(Debug)]
pub struct MappedShard {
    pub(super) container: Container,
    pub(super) in_degrees: MappedSlice<u32>,
    pub(super) out: Option<MappedOutView>,
    pub(super) r#in: Option<MappedInView>,
}

#[derive(Debug)]
pub(super) struct MappedOutView {
    pub(super) bitmap: MappedSlice<u64>,
    pub(super) blocks: MappedSlice<SourceBlock>,
    pub(super) ends: MappedSlice<u32>,
    pub(super) targets: MappedSlice<u32>,
    pub(super) in_ranks: Option<MappedSlice<u32>>,
    pub(super) thresholds: Option<MappedSlice<u32>>,
}

#[derive(Debug)]
pub(super) struct MappedInView {
    pub(super) offsets: MappedSlice<u64>,
    pub(super) sources: MappedSlice<u32>,
    pub(super) cumulative_weights: Option<MappedSlice<u32>>,
}

impl MappedShard {
    pub(crate) fn open(path: &Path, verify: Verify, meter: &Meter<'_>) -> Result<Self, StoreError> {
        let container = Container::open(path, FileKind::Shard)?;
        let n_own = container.shape().nodes.n_nodes() as u64;
        let shard = Self {
            in_degrees: container.required(Tag::InDegrees, n_own)?,
            out: MappedOutView::open(&container)?,
            r#in: MappedInView::open(&container)?,
            container,
        };
        if shard.out.is_none() && shard.r#in.is_none() {
            let expected = "an out-view or an in-view";
            return Err(shard.container.malformed(Tag::SourceBitmap, expected, "neither"));
        }
        if verify == Verify::Full {
            shard.container.check_blocks(meter)?;
            shard.check()?;
        }
        Ok(shard)
    }

    /// Whether the shard has an out-view; without it [`Shard::out_arcs`] is always empty.
    #[must_use]
    pub fn has_out_view(&self) -> bool {
        self.out.is_some()
    }

    /// Whether the shard has an in-view.
    #[must_use]
    pub fn has_in_view(&self) -> bool {
        self.r#in.is_some()
    }

    /// The global ids of the sources of the own node at `node_idx`, ascending; `None`
    /// without an in-view.
    ///
    /// # Panics
    /// When the shard has no such node.
    #[inline]
    #[must_use]
    pub fn in_sources(&self, node_idx: u32) -> Option<&[u32]> {
        let view = self.r#in.as_ref()?;
        Some(&view.sources[view.arcs_of(node_idx)])
    }

    /// Nodes of the whole graph.
    #[must_use]
    pub fn n_graph_nodes(&self) -> u32 {
        self.container.shape().n_nodes
    }

    /// The length of the shard's file.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.container.bytes().len() as u64
    }

    pub(crate) fn container(&self) -> &Container {
        &self.container
    }
}

impl Shard for MappedShard {
    fn nodes(&self) -> NodeRange {
        self.container.shape().nodes
    }

    fn n_arcs(&self) -> u64 {
        self.container.shape().n_arcs
    }

    #[inline]
    fn out_arcs(&self, source: NodeId) -> OutArcs<'_> {
        const NONE: OutArcs<'_> = OutArcs { first_arc: 0, targets: &[] };
        let Some(view) = &self.out else { return NONE };
        match view.index().arcs_of(source) {
            Some(arcs) => OutArcs { first_arc: arcs.start, targets: &view.targets[arcs] },
            None => NONE,
        }
    }

    #[inline]
    fn in_degree(&self, node_idx: u32) -> u32 {
        self.in_degrees[node_idx as usize]
    }

    fn in_ranks(&self) -> Option<&[u32]> {
        self.out.as_ref()?.in_ranks.as_deref()
    }

    fn arc_thresholds(&self) -> Option<&[u32]> {
        self.out.as_ref()?.thresholds.as_deref()
    }

    #[inline]
    fn cumulative_weights(&self, node_idx: u32) -> Option<&[u32]> {
        let view = self.r#in.as_ref()?;
        Some(&view.cumulative_weights.as_ref()?[view.arcs_of(node_idx)])
    }
}

impl MappedOutView {
    fn open(container: &Container) -> Result<Option<Self>, StoreError> {
        if !container.has(Tag::SourceBitmap) {
            return Ok(None);
        }
        let shape = container.shape();
        let n_words = source_index::n_words(shape.n_nodes) as u64;
        let n_blocks = source_index::n_blocks(shape.n_nodes) as u64;
        let per_arc =
            |tag| container.has(tag).then(|| container.required(tag, shape.n_arcs)).transpose();
        let ends = container.section(Tag::OutEnds)?;
        Ok(Some(Self {
            bitmap: container.required(Tag::SourceBitmap, n_words)?,
            blocks: container.required(Tag::SourceBlocks, n_blocks)?,
            ends: ends.ok_or_else(|| {
                container.malformed(Tag::OutEnds, "an end for each source", "no such section")
            })?,
            targets: container.required(Tag::OutTargets, shape.n_arcs)?,
            in_ranks: per_arc(Tag::InRanks)?,
            thresholds: per_arc(Tag::ArcThresholds)?,
        }))
    }

    #[inline]
    pub(super) fn index(&self) -> SourceIndex<'_> {
        SourceIndex { bitmap: &self.bitmap, blocks: &self.blocks, ends: &self.ends }
    }
}

impl MappedInView {
    fn open(container: &Container) -> Result<Option<Self>, StoreError> {
        if !container.has(Tag::InOffsets) {
            return Ok(None);
        }
        let shape = container.shape();
        let n_offsets = shape.nodes.n_nodes() as u64 + 1;
        let weights = Tag::CumulativeWeights;
        let has_weights = container.has(weights);
        Ok(Some(Self {
            offsets: container.required(Tag::InOffsets, n_offsets)?,
            sources: container.required(Tag::InSources, shape.n_arcs)?,
            cumulative_weights: has_weights
                .then(|| container.required(weights, shape.n_arcs))
                .transpose()?,
        }))
    }

    /// The positions of the arcs into the own node at `node_idx`.
    #[inline]
    pub(super) fn arcs_of(&self, node_idx: u32) -> std::ops::Range<usize> {
        let node_idx = node_idx as usize;
        self.offsets[node_idx] as usize..self.offsets[node_idx + 1] as usize
    }
}
