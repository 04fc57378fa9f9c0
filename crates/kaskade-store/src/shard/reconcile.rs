//! Whether a shard's views agree with each other, with the manifest and with the nodes.

use std::sync::atomic::{AtomicU32, Ordering};

use kaskade_model::coin::Threshold;
use kaskade_model::{NodeId, Shard};

use super::mapped::{MappedInView, MappedOutView, MappedShard};
use crate::container::Tag;
use crate::digest::ArcSum;
use crate::error::StoreError;
use crate::manifest::{Manifest, ShardEntry};

/// How far a stored sum of weights may lie from the sum of stored weights, in 2⁻³²: one
/// for rounding each alone, one for each of the three numbers that may stand for 2³².
const ROUNDING: u64 = 4;

impl MappedShard {
    /// Whether the shard has the sections that the manifest promises. O(1).
    pub(crate) fn check_sections(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let (views, has_column) = (manifest.views, !manifest.columns.is_empty());
        let may_lack_weights = manifest.weights_exceed_one_at.is_some();
        let has_weights = self.container.has(Tag::CumulativeWeights);
        let promised = [
            (Tag::SourceBitmap, views.has_out()),
            (Tag::InOffsets, views.has_in()),
            (Tag::InRanks, views.has_out() && views.has_in()),
            (Tag::ArcThresholds, views.has_out() && has_column),
            (
                Tag::CumulativeWeights,
                views.has_in() && has_column && (has_weights || !may_lack_weights),
            ),
        ];
        let word = |is_there| if is_there { "a section" } else { "no section" };
        match promised.into_iter().find(|&(tag, expected)| self.container.has(tag) != expected) {
            Some((tag, expected)) => {
                Err(self.container.malformed(tag, word(expected), word(!expected)))
            }
            None => Ok(()),
        }
    }

    /// Checks that the in-view is the out-view transposed, that ranks, weights, degrees and
    /// sums are those of the arcs, and adds the shard's part to `out_degrees`. Only after
    /// [`crate::Verify::Full`]. O(n_nodes + arcs).
    pub(crate) fn check_arcs(
        &self,
        entry: &ShardEntry,
        in_degrees: &[u32],
        out_degrees: &[AtomicU32],
    ) -> Result<(), StoreError> {
        let own = self.nodes();
        if *self.in_degrees != in_degrees[own.begin as usize..own.end as usize] {
            return Err(self.flaw(Tag::InDegrees, "the in-degrees of all nodes' file"));
        }
        if let (Some(out), Some(r#in)) = (&self.out, &self.r#in) {
            self.check_transposed(out, r#in)?;
        }
        let (arc_sum, column_sum) = match (&self.out, &self.r#in) {
            (Some(view), _) => self.count_out_arcs(view, out_degrees)?,
            (None, Some(view)) => (self.count_in_arcs(view, out_degrees), None),
            // Opening refuses a shard without a view.
            (None, None) => (ArcSum::default(), None),
        };
        let stated = (entry.arc_sum.as_str(), entry.column_sum.as_deref());
        let (arc_sum, column_sum) = (arc_sum.to_hex(), column_sum.map(ArcSum::to_hex));
        // Without an out-view the thresholds are not on file, so their sum is only the
        // writer's word, sealed by the manifest's digest.
        let found = (arc_sum.as_str(), column_sum.as_deref().or(stated.1));
        if found != stated {
            let (expected, found) = (format!("sums {stated:?}"), format!("{found:?}"));
            return Err(self.container.malformed(Tag::OutTargets, expected, found));
        }
        Ok(())
    }

    /// Every arc of the out-view has its place in the in-view, at the rank it states. There
    /// are equally many of both and no two share a place, so each in-arc has its out-arc.
    fn check_transposed(&self, out: &MappedOutView, r#in: &MappedInView) -> Result<(), StoreError> {
        let in_ranks = out.in_ranks.as_deref().unwrap_or(&[]);
        for source in (0..self.n_graph_nodes()).map(NodeId) {
            for position in out.index().arcs_of(source).unwrap_or(0..0) {
                let target_idx = out.targets[position];
                let in_arcs = r#in.arcs_of(target_idx);
                let in_position = in_arcs.start + in_ranks[position] as usize;
                if r#in.sources[in_position] != source.0 {
                    return Err(self.flaw(Tag::InRanks, "the out-view's arcs by target"));
                }
                let (Some(thresholds), Some(sums)) = (&out.thresholds, &r#in.cumulative_weights)
                else {
                    continue;
                };
                let width = |stored| Threshold::from_stored(stored).width();
                let before = if in_ranks[position] == 0 { 0 } else { width(sums[in_position - 1]) };
                let weight = width(sums[in_position]) - before;
                if weight.abs_diff(width(thresholds[position])) > ROUNDING {
                    return Err(self.flaw(Tag::CumulativeWeights, "sums of the arc thresholds"));
                }
            }
        }
        Ok(())
    }

    fn count_out_arcs(
        &self,
        view: &MappedOutView,
        out_degrees: &[AtomicU32],
    ) -> Result<(ArcSum, Option<ArcSum>), StoreError> {
        let own = self.nodes();
        let mut counted_in_degrees = vec![0u32; own.n_nodes()];
        let (mut arc_sum, mut column_sum) = (ArcSum::default(), ArcSum::default());
        for source in (0..self.n_graph_nodes()).map(NodeId) {
            let Some(arcs) = view.index().arcs_of(source) else { continue };
            out_degrees[source.index()].fetch_add(arcs.len() as u32, Ordering::Relaxed);
            for position in arcs {
                let target_idx = view.targets[position];
                counted_in_degrees[target_idx as usize] += 1;
                let target = own.node(target_idx);
                if source == target {
                    return Err(self.flaw(Tag::OutTargets, "no node as its own target"));
                }
                arc_sum.add_arc(source, target);
                if let Some(thresholds) = &view.thresholds {
                    column_sum.add_threshold(source, target, thresholds[position]);
                }
            }
        }
        if *counted_in_degrees != *self.in_degrees {
            return Err(self.flaw(Tag::InDegrees, "the number of arcs into each node"));
        }
        Ok((arc_sum, view.thresholds.is_some().then_some(column_sum)))
    }

    fn count_in_arcs(&self, view: &MappedInView, out_degrees: &[AtomicU32]) -> ArcSum {
        let own = self.nodes();
        let mut arc_sum = ArcSum::default();
        for target_idx in 0..own.n_nodes() as u32 {
            for &source in &view.sources[view.arcs_of(target_idx)] {
                out_degrees[source as usize].fetch_add(1, Ordering::Relaxed);
                arc_sum.add_arc(NodeId(source), own.node(target_idx));
            }
        }
        arc_sum
    }

    fn flaw(&self, tag: Tag, expected: &'static str) -> StoreError {
        self.container.malformed(tag, expected, "something else")
    }
}
