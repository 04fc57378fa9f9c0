//! Writing a shard.

mod by_source;
mod by_target;
mod first_ranks;
mod places;
mod scan;

use std::ops::Range;
use std::path::Path;

use kaskade_model::{NodeId, NodeRange, ShardId};

use self::by_source::BySource;
use self::by_target::CodedSources;
pub use self::first_ranks::FirstRanks;
use self::places::Places;
use self::scan::Scan;
use super::out_view::rank_bytes;
use super::source_index;
use super::weights;
use crate::choices::{Layout, Views};
use crate::container::{FileKind, SectionData, Shape, Tag, write_container};
use crate::digest::ArcSum;
use crate::durable::Flusher;
use crate::error::StoreError;
use crate::manifest::ShardEntry;
use crate::names;

/// The arcs of a shard as they come out of a sort by (target, source).
#[derive(Clone, Debug)]
pub struct ShardArcs {
    /// The shard's own nodes.
    pub nodes: NodeRange,
    /// Nodes of the whole graph.
    pub n_nodes: u32,
    /// Own nodes + 1 positions: the arcs into own node i are `in_offsets[i]..in_offsets[i + 1]`.
    pub in_offsets: Vec<u64>,
    /// Per arc its source, strictly ascending per target, never the target itself.
    pub in_sources: Vec<u32>,
    /// Per arc its probability, in [0, 1].
    pub probabilities: Option<Vec<f64>>,
    /// Per arc the channels that it belongs to, at least one, a bit each; not together with
    /// probabilities.
    pub channels: Option<Vec<u8>>,
}

/// A shard whose arcs are found sound and counted by source: what can be done before the shards
/// before it are known. [`FirstRanks::rank`] takes it on.
#[derive(Debug)]
pub struct CountedShard {
    shard: ShardId,
    arcs: ShardArcs,
    views: Views,
    scan: Scan,
    /// Those of the out-view, if there will be one.
    places: Option<Places>,
}

/// A shard that can be written: [`crate::GraphWriter::write_shard`].
#[derive(Debug)]
pub struct RankedShard {
    counted: CountedShard,
    /// For every source present, ascending, its arcs into the shards before.
    first_ranks: Vec<u32>,
}

/// A shard that is written, as the manifest will name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenShard {
    pub(crate) entry: ShardEntry,
    pub(crate) n_nodes: u32,
    pub(crate) arc_sum: ArcSum,
    pub(crate) column_sum: Option<ArcSum>,
    pub(crate) views: Views,
    pub(crate) layout: Layout,
    pub(crate) weights_exceed_one_at: Option<NodeId>,
}

impl WrittenShard {
    /// What the manifest will say of the shard.
    #[must_use]
    pub fn entry(&self) -> &ShardEntry {
        &self.entry
    }
}

impl ShardArcs {
    /// The own nodes by offset into the range, each with the positions of its in-arcs.
    pub(super) fn own_in_arcs(&self) -> impl Iterator<Item = (u32, Range<usize>)> + '_ {
        let ranges = self.in_offsets.windows(2).map(|ends| ends[0] as usize..ends[1] as usize);
        (0u32..).zip(ranges)
    }
}

impl CountedShard {
    /// Looks at `arcs`, which are all that end in the nodes of `shard`, to be written with
    /// `views`. O(n_nodes + arcs).
    ///
    /// # Errors
    /// [`StoreError::InvalidInput`] when they are not as [`ShardArcs`] promises,
    /// [`StoreError::Probability`] or [`StoreError::TooManyArcs`].
    pub fn new(shard: ShardId, arcs: ShardArcs, views: Views) -> Result<Self, StoreError> {
        let scan = Scan::of(shard, &arcs)?;
        let places = views.has_out().then(|| Places::count(shard, &arcs)).transpose()?;
        Ok(Self { shard, arcs, views, scan, places })
    }
}

impl RankedShard {
    /// The number of arcs that end in the shard.
    #[must_use]
    pub fn n_arcs(&self) -> u64 {
        self.counted.arcs.in_sources.len() as u64
    }
}

/// The most memory that counting, ranking and writing a shard take beside its arcs, and beside
/// less than a mebibyte for a buffer, a header and checksums, for a shard
/// with `n_own_nodes` of the graph's `n_graph_nodes` and `n_arcs` arcs.
#[must_use]
pub fn shard_write_bytes(
    n_graph_nodes: u64,
    n_own_nodes: u64,
    n_arcs: u64,
    has_column: bool,
    views: Views,
    compress: bool,
) -> u64 {
    let mut bytes = 4 * n_own_nodes;
    if views.has_out() {
        let n_present = n_graph_nodes.min(n_arcs);
        // Counts, the bitmap and the blocks.
        bytes += 4 * n_graph_nodes + n_graph_nodes / 8 + n_graph_nodes.div_ceil(256) * 32;
        // For each source present its first rank; that and its end, or ends, in slots.
        bytes += if compress { 16 } else { 12 } * n_present;
        // Targets and, with both views, ranks.
        bytes += 4 * n_arcs;
        if views.has_in() {
            bytes += u64::from(rank_bytes(n_arcs.min(n_graph_nodes) as u32)) * n_arcs;
        }
    }
    if compress {
        // Gaps take at most five bytes and on average far less; vectors grow by doubling.
        let n_lists = u64::from(views.has_out()) + u64::from(views.has_in());
        bytes += n_lists * 4 * n_arcs + n_own_nodes;
    }
    if has_column {
        bytes += 4 * n_arcs;
        bytes += 4 * n_arcs * (u64::from(views.has_out()) + u64::from(views.has_in()));
    }
    bytes
}

/// Writes the file of the shard `ranked` into the folder of the graph directory `dir`.
pub(crate) fn write_shard(
    dir: &Path,
    ranked: RankedShard,
    layout: Layout,
    flusher: &Flusher,
) -> Result<WrittenShard, StoreError> {
    let RankedShard { counted, first_ranks } = ranked;
    let CountedShard { shard, arcs, views, scan, places } = counted;
    let mut sections = vec![SectionData::new(Tag::InDegrees, &scan.in_degrees)];

    let by_source = places
        .map(|places| BySource::new(shard, &arcs, &scan, places, &first_ranks, views, layout))
        .transpose()?;
    drop(first_ranks);
    if let Some(by_source) = &by_source {
        by_source.push_sections(&mut sections);
    }
    let cumulative = match &arcs.probabilities {
        Some(weights) if views.has_in() => Some(weights::cumulative_weights(&arcs, weights)),
        _ => None,
    };
    let coded_sources =
        (views.has_in() && layout == Layout::Compressed).then(|| CodedSources::new(&arcs));
    if let Some(coded) = &coded_sources {
        coded.push_sections(&mut sections);
    } else if views.has_in() {
        sections.push(SectionData::new(Tag::InOffsets, &arcs.in_offsets));
        sections.push(SectionData::new(Tag::InSources, &arcs.in_sources));
    }
    if let Some(Ok(cumulative)) = &cumulative {
        sections.push(SectionData::new(Tag::CumulativeWeights, cumulative));
    }

    let n_arcs = arcs.in_sources.len() as u64;
    let shape = Shape { kind: FileKind::Shard, n_nodes: arcs.n_nodes, n_arcs, nodes: arcs.nodes };
    let path = dir.join(names::shard(shard));
    let file = write_container(&path, shape, &sections, flusher)?;
    let entry = ShardEntry {
        shard,
        nodes: arcs.nodes,
        n_arcs,
        file_bytes: file.file_bytes,
        digest: file.digest,
        header_checksum: file.header_checksum,
        arc_sum: scan.arc_sum.to_hex(),
        column_sum: scan.column_sum.map(ArcSum::to_hex),
    };
    let weights_exceed_one_at = cumulative.and_then(Result::err);
    Ok(WrittenShard {
        entry,
        n_nodes: arcs.n_nodes,
        arc_sum: scan.arc_sum,
        column_sum: scan.column_sum,
        views,
        layout,
        weights_exceed_one_at,
    })
}
