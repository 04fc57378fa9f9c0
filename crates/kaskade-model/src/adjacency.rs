//! All that a run asks of a graph, so that the engine never learns where arcs are kept.

use crate::ids::NodeId;

/// A contiguous range of dense node ids, `begin..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct NodeRange {
    /// The first id of the range.
    pub begin: u32,
    /// One past the last id of the range.
    pub end: u32,
}

impl NodeRange {
    /// The number of nodes in the range.
    #[must_use]
    pub fn n_nodes(self) -> usize {
        (self.end - self.begin) as usize
    }

    /// Whether the range has no node.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.begin == self.end
    }

    /// Whether `node` lies in the range.
    #[must_use]
    pub fn contains(self, node: NodeId) -> bool {
        (self.begin..self.end).contains(&node.0)
    }

    /// The global id of the node at `node_idx` of the range.
    #[inline]
    #[must_use]
    pub fn node(self, node_idx: u32) -> NodeId {
        NodeId(self.begin + node_idx)
    }
}

/// The arcs from one source into one shard.
#[derive(Clone, Copy, Debug)]
pub struct OutArcs<'a> {
    /// The position of the first of them in the shard's out-view; per-arc sections
    /// ([`Shard::in_ranks`], [`Shard::arc_thresholds`], [`Shard::arc_channels`]) are indexed by it.
    pub first_arc: usize,
    /// The targets as ascending offsets into the shard's node range.
    pub targets: &'a [u32],
}

/// Per arc of an out-view, the rank of its source among its target's sources in ascending id
/// order. A shard keeps them as narrow as its highest in-degree allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranks<'a> {
    /// No in-degree above 2⁸.
    U8(&'a [u8]),
    /// No in-degree above 2¹⁶.
    U16(&'a [u16]),
    /// Any in-degree.
    U32(&'a [u32]),
}

impl Ranks<'_> {
    /// The rank of the arc at `position`. Who reads many matches once and reads the slice.
    ///
    /// # Panics
    /// When there is no such arc.
    #[inline]
    #[must_use]
    pub fn at(self, position: usize) -> u32 {
        match self {
            Self::U8(ranks) => ranks[position].into(),
            Self::U16(ranks) => ranks[position].into(),
            Self::U32(ranks) => ranks[position],
        }
    }
}

/// A contiguous range of nodes together with all arcs that end in it.
///
/// Sources are global ids, targets are offsets into [`Shard::nodes`]. Optional
/// sections are `None` where the graph directory was built without them; who needs
/// one asks before the run starts ([`crate::diffusion::LiveArcModel::check`]).
///
/// A shard may keep its lists of nodes coded. It then decodes one into the `scratch` that
/// the caller lends and keeps for the next call; a shard with plain lists leaves it alone.
pub trait Shard: Send + Sync + std::fmt::Debug {
    /// The nodes that this shard owns.
    fn nodes(&self) -> NodeRange;

    /// The number of arcs that end in this shard.
    fn n_arcs(&self) -> u64;

    /// The arcs from `source` (any node of the graph) into this shard. O(1), or O(arcs) where
    /// they are coded.
    fn out_arcs<'a>(&'a self, source: NodeId, scratch: &'a mut Vec<u32>) -> OutArcs<'a>;

    /// The number of arcs from `source` into this shard. O(1).
    fn n_out_arcs(&self, source: NodeId) -> usize;

    /// The rank of the first arc from `source` into this shard among all arcs of `source`, by
    /// ascending target: the number of its arcs into shards before this one. 0 where it has none
    /// here. O(1).
    fn first_rank(&self, source: NodeId) -> u32;

    /// The global ids of the sources of the own node at `node_idx`, ascending; `None` without
    /// an in-view. O(1), or O(arcs) where they are coded.
    fn in_sources<'a>(&'a self, node_idx: u32, scratch: &'a mut Vec<u32>) -> Option<&'a [u32]>;

    /// For every own node the distinct non-self arcs that end in it.
    fn in_degrees(&self) -> &[u32];

    /// Per arc of the out-view: the rank of its source among its target's sources.
    fn in_ranks(&self) -> Option<Ranks<'_>>;

    /// Per arc of the out-view: its probability as [`crate::coin::Threshold::stored`].
    fn arc_thresholds(&self) -> Option<&[u32]>;

    /// Per arc of the out-view: the channels that it belongs to, a bit each.
    fn arc_channels(&self) -> Option<&[u8]>;

    /// For the own node at `node_idx`: its in-arcs' weights summed up to and including
    /// each, in ascending source order, as [`crate::coin::Threshold::stored`].
    fn cumulative_weights(&self, node_idx: u32) -> Option<&[u32]>;
}

/// A shard, wherever its arcs are kept. What runs jobs is compiled for this alone, and once: a call
/// through a table for each source is nothing beside the arcs that come of it, where an engine for each kind of
/// shard took minutes to build.
pub type AnyShard = std::sync::Arc<dyn Shard>;

/// A shared shard is a shard: a worker keeps one mapping for all jobs on a graph.
impl<S: Shard + ?Sized> Shard for std::sync::Arc<S> {
    fn nodes(&self) -> NodeRange {
        (**self).nodes()
    }

    fn n_arcs(&self) -> u64 {
        (**self).n_arcs()
    }

    #[inline]
    fn out_arcs<'a>(&'a self, source: NodeId, scratch: &'a mut Vec<u32>) -> OutArcs<'a> {
        (**self).out_arcs(source, scratch)
    }

    #[inline]
    fn n_out_arcs(&self, source: NodeId) -> usize {
        (**self).n_out_arcs(source)
    }

    #[inline]
    fn first_rank(&self, source: NodeId) -> u32 {
        (**self).first_rank(source)
    }

    #[inline]
    fn in_sources<'a>(&'a self, node_idx: u32, scratch: &'a mut Vec<u32>) -> Option<&'a [u32]> {
        (**self).in_sources(node_idx, scratch)
    }

    fn in_degrees(&self) -> &[u32] {
        (**self).in_degrees()
    }

    fn in_ranks(&self) -> Option<Ranks<'_>> {
        (**self).in_ranks()
    }

    fn arc_thresholds(&self) -> Option<&[u32]> {
        (**self).arc_thresholds()
    }

    fn arc_channels(&self) -> Option<&[u8]> {
        (**self).arc_channels()
    }

    #[inline]
    fn cumulative_weights(&self, node_idx: u32) -> Option<&[u32]> {
        (**self).cumulative_weights(node_idx)
    }
}
