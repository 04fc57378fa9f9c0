//! Writing a shard.

use std::ops::Range;
use std::path::Path;

use kaskade_model::coin::Threshold;
use kaskade_model::{NodeId, NodeRange, ShardId};

use super::out_view::OutView;
use super::weights;
use crate::choices::Views;
use crate::container::{FileKind, SectionData, Shape, Tag, write_container};
use crate::digest::ArcSum;
use crate::error::StoreError;
use crate::manifest::ShardEntry;

/// The arcs of a shard as they come out of a sort by (target, source).
#[derive(Clone, Copy, Debug)]
pub struct ShardArcs<'a> {
    /// The shard's own nodes.
    pub nodes: NodeRange,
    /// Nodes of the whole graph.
    pub n_nodes: u32,
    /// Own nodes + 1 positions: the arcs into own node i are `in_offsets[i]..in_offsets[i + 1]`.
    pub in_offsets: &'a [u64],
    /// Per arc its source, strictly ascending per target, never the target itself.
    pub in_sources: &'a [u32],
    /// Per arc its probability, in [0, 1].
    pub probabilities: Option<&'a [f64]>,
}

/// A shard that is written, as the manifest will name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenShard {
    pub(crate) entry: ShardEntry,
    pub(crate) n_nodes: u32,
    pub(crate) arc_sum: ArcSum,
    pub(crate) column_sum: Option<ArcSum>,
    pub(crate) views: Views,
    pub(crate) weights_exceed_one_at: Option<NodeId>,
}

impl WrittenShard {
    /// What the manifest will say of the shard.
    #[must_use]
    pub fn entry(&self) -> &ShardEntry {
        &self.entry
    }
}

impl ShardArcs<'_> {
    /// The own nodes by offset into the range, each with the positions of its in-arcs.
    pub(super) fn own_in_arcs(&self) -> impl Iterator<Item = (u32, Range<usize>)> + '_ {
        let ranges = self.in_offsets.windows(2).map(|ends| ends[0] as usize..ends[1] as usize);
        (0u32..).zip(ranges)
    }

    /// Refuses arcs that are not as the fields promise.
    fn check(&self, shard: ShardId) -> Result<(), StoreError> {
        let invalid = |reason| Err(StoreError::invalid_input(format!("shard {shard}"), reason));
        let n_arcs = self.in_sources.len() as u64;
        if self.nodes.begin > self.nodes.end || self.nodes.end > self.n_nodes {
            return invalid("its nodes are no range of the graph's");
        }
        if self.in_offsets.len() != self.nodes.n_nodes() + 1
            || self.in_offsets.first() != Some(&0)
            || self.in_offsets.last() != Some(&n_arcs)
            || !self.in_offsets.is_sorted()
        {
            return invalid("its offsets do not ascend from 0 to the number of arcs");
        }
        if self.probabilities.is_some_and(|column| column.len() as u64 != n_arcs) {
            return invalid("arcs and probabilities are not equally many");
        }
        for (target_idx, in_arcs) in self.own_in_arcs() {
            let sources = &self.in_sources[in_arcs];
            if !sources.is_sorted_by(|a, b| a < b) {
                return invalid("the sources of a node do not strictly ascend");
            }
            if sources.last().is_some_and(|&last| last >= self.n_nodes) {
                return invalid("a source is no node of the graph");
            }
            if sources.binary_search(&self.nodes.node(target_idx).0).is_ok() {
                return invalid("a node is its own source");
            }
        }
        Ok(())
    }

    /// The probabilities as thresholds, in in-view order.
    fn thresholds(&self) -> Result<Option<Vec<u32>>, StoreError> {
        let Some(probabilities) = self.probabilities else { return Ok(None) };
        let mut thresholds = Vec::with_capacity(probabilities.len());
        for (target_idx, in_arcs) in self.own_in_arcs() {
            for position in in_arcs {
                let threshold = Threshold::from_probability(probabilities[position]);
                let threshold = threshold.map_err(|reason| StoreError::Probability {
                    from: NodeId(self.in_sources[position]),
                    to: self.nodes.node(target_idx),
                    reason,
                })?;
                thresholds.push(threshold.stored());
            }
        }
        Ok(Some(thresholds))
    }
}

/// Writes a shard's file at `path`.
pub(crate) fn write_shard(
    path: &Path,
    shard: ShardId,
    arcs: &ShardArcs<'_>,
    views: Views,
) -> Result<WrittenShard, StoreError> {
    arcs.check(shard)?;
    let thresholds = arcs.thresholds()?;
    let (arc_sum, column_sum) = sums(arcs, thresholds.as_deref());
    let in_degrees: Vec<u32> = arcs.own_in_arcs().map(|(_, arcs)| arcs.len() as u32).collect();
    let mut sections = vec![SectionData::new(Tag::InDegrees, &in_degrees)];

    let out_view = if views.has_out() {
        Some(OutView::new(shard, arcs, thresholds.as_deref(), views)?)
    } else {
        None
    };
    if let Some(view) = &out_view {
        sections.push(SectionData::new(Tag::SourceBitmap, &view.bitmap));
        sections.push(SectionData::new(Tag::SourceBlocks, &view.blocks));
        sections.push(SectionData::new(Tag::OutEnds, &view.ends));
        sections.push(SectionData::new(Tag::OutTargets, &view.targets));
        if views.has_in() {
            sections.push(SectionData::new(Tag::InRanks, &view.in_ranks));
        }
        if thresholds.is_some() {
            sections.push(SectionData::new(Tag::ArcThresholds, &view.thresholds));
        }
    }
    let cumulative = match arcs.probabilities {
        Some(weights) if views.has_in() => Some(weights::cumulative_weights(arcs, weights)),
        _ => None,
    };
    if views.has_in() {
        sections.push(SectionData::new(Tag::InOffsets, arcs.in_offsets));
        sections.push(SectionData::new(Tag::InSources, arcs.in_sources));
        if let Some(Ok(cumulative)) = &cumulative {
            sections.push(SectionData::new(Tag::CumulativeWeights, cumulative));
        }
    }

    let n_arcs = arcs.in_sources.len() as u64;
    let shape = Shape { kind: FileKind::Shard, n_nodes: arcs.n_nodes, n_arcs, nodes: arcs.nodes };
    let file = write_container(path, shape, &sections)?;
    let entry = ShardEntry {
        shard,
        nodes: arcs.nodes,
        n_arcs,
        file_bytes: file.file_bytes,
        digest: file.digest,
        header_checksum: file.header_checksum,
        arc_sum: arc_sum.to_hex(),
        column_sum: column_sum.map(ArcSum::to_hex),
    };
    let weights_exceed_one_at = cumulative.and_then(Result::err);
    Ok(WrittenShard {
        entry,
        n_nodes: arcs.n_nodes,
        arc_sum,
        column_sum,
        views,
        weights_exceed_one_at,
    })
}

/// The shard's part of the sum over arcs and of that over arcs with their thresholds.
fn sums(arcs: &ShardArcs<'_>, thresholds: Option<&[u32]>) -> (ArcSum, Option<ArcSum>) {
    let mut arc_sum = ArcSum::default();
    let mut column_sum = ArcSum::default();
    for (target_idx, in_arcs) in arcs.own_in_arcs() {
        let target = arcs.nodes.node(target_idx);
        for position in in_arcs {
            let source = NodeId(arcs.in_sources[position]);
            arc_sum.add_arc(source, target);
            if let Some(thresholds) = thresholds {
                column_sum.add_threshold(source, target, thresholds[position]);
            }
        }
    }
    (arc_sum, thresholds.map(|_| column_sum))
}
