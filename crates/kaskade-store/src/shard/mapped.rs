//! A shard's file, mapped.

use std::path::Path;

use kaskade_model::{NodeId, NodeRange, OutArcs, Ranks, Shard};

use super::in_view::MappedInView;
use super::out_view::MappedOutView;
use crate::choices::Layout;
use crate::container::{Container, FileKind, Tag};
use crate::error::StoreError;
use crate::mmap::MappedSlice;
use crate::opening::{Meter, Opening, Verify};

/// A shard of a graph directory, mapped read-only. A run reads it through
/// [`kaskade_model::Shard`]; the mapping ends when this is dropped.
#[derive(Debug)]
pub struct MappedShard {
    pub(super) container: Container,
    pub(super) in_degrees: MappedSlice<u32>,
    pub(super) out: Option<MappedOutView>,
    pub(super) r#in: Option<MappedInView>,
}

impl MappedShard {
    pub(crate) fn open(
        path: &Path,
        opening: Opening,
        meter: &Meter<'_>,
    ) -> Result<Self, StoreError> {
        let container = Container::open(path, FileKind::Shard, opening.load)?;
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
        if opening.verify == Verify::Full {
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

    /// How the shard keeps its lists.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::of(
            self.container.has(Tag::OutTargetBytes) || self.container.has(Tag::InSourceBytes),
        )
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
    fn out_arcs<'a>(&'a self, source: NodeId, scratch: &'a mut Vec<u32>) -> OutArcs<'a> {
        const NONE: OutArcs<'_> = OutArcs { first_arc: 0, targets: &[] };
        let Some(view) = &self.out else { return NONE };
        match view.index().find(source) {
            Some(place) => {
                let arcs = view.arcs_at(place);
                let first_arc = arcs.start;
                OutArcs { first_arc, targets: view.targets_at(place, arcs, scratch) }
            }
            None => NONE,
        }
    }

    #[inline]
    fn n_out_arcs(&self, source: NodeId) -> usize {
        let Some(view) = &self.out else { return 0 };
        view.index().find(source).map_or(0, |place| view.arcs_at(place).len())
    }

    #[inline]
    fn first_rank(&self, source: NodeId) -> u32 {
        let Some(view) = &self.out else { return 0 };
        view.index().find(source).map_or(0, |place| view.first_rank_at(place))
    }

    /// # Panics
    /// When the shard has no such node.
    #[inline]
    fn in_sources<'a>(&'a self, node_idx: u32, scratch: &'a mut Vec<u32>) -> Option<&'a [u32]> {
        let view = self.r#in.as_ref()?;
        Some(view.sources_of(&self.in_degrees, node_idx, scratch))
    }

    fn in_degrees(&self) -> &[u32] {
        &self.in_degrees
    }

    fn in_ranks(&self) -> Option<Ranks<'_>> {
        self.out.as_ref()?.in_ranks()
    }

    fn arc_thresholds(&self) -> Option<&[u32]> {
        self.out.as_ref()?.thresholds.as_deref()
    }

    fn arc_channels(&self) -> Option<&[u8]> {
        self.out.as_ref()?.channels.as_deref()
    }

    #[inline]
    fn cumulative_weights(&self, node_idx: u32) -> Option<&[u32]> {
        let view = self.r#in.as_ref()?;
        let sums = view.cumulative_weights.as_ref()?;
        Some(&sums[view.arcs_of(&self.in_degrees, node_idx)])
    }
}
