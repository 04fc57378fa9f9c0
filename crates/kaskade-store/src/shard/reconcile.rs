//! Whether a shard's views agree with each other, with the manifest and with the nodes.
//!
//! That the in-view is the out-view transposed is seen by sums that do not depend on order:
//! over the arcs, and over the arcs with their ranks. Each view gives its own in one pass that
//! reads the file from front to back, in pieces that threads share.

use std::sync::atomic::{AtomicU32, Ordering};

use kaskade_model::coin::Threshold;
use kaskade_model::{NodeId, Shard};
use rayon::prelude::*;

use super::in_view::MappedInView;
use super::mapped::MappedShard;
use super::out_view::MappedOutView;
use crate::choices::Layout;
use crate::container::Tag;
use crate::digest::{ArcMix, ArcSum};
use crate::error::StoreError;
use crate::manifest::{Manifest, ShardEntry};

/// How far a stored sum of weights may lie from the sum of stored weights, in 2⁻³²: one
/// for rounding each alone, one for each of the three numbers that may stand for 2³².
const ROUNDING: u64 = 4;

/// Nodes that one task looks at.
const TASK_NODES: u32 = 1 << 12;

/// What a view says of the arcs, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ViewSums {
    arcs: ArcSum,
    /// Over the arcs with their ranks; 0 in an out-view without ranks.
    ranks: ArcSum,
    /// Over the arcs with their thresholds or channels; 0 where the view has none.
    column: ArcSum,
}

impl std::ops::AddAssign for ViewSums {
    fn add_assign(&mut self, other: Self) {
        self.arcs += other.arcs;
        self.ranks += other.ranks;
        self.column += other.column;
    }
}

/// Checks that the first rank of every source in each of `shards`, which are all of the graph,
/// is the number of its arcs into the shards before. Only after [`crate::Verify::Full`].
/// O(n_nodes · shards), in parallel.
pub(crate) fn check_first_ranks(shards: &[MappedShard]) -> Result<(), StoreError> {
    let n_nodes = shards.first().map_or(0, MappedShard::n_graph_nodes);
    (0..n_nodes.div_ceil(TASK_NODES)).into_par_iter().try_for_each(|piece| {
        let sources = piece * TASK_NODES..n_nodes.min((piece + 1).saturating_mul(TASK_NODES));
        let mut n_arcs_before = vec![0; sources.len()];
        for shard in shards {
            let Some(view) = &shard.out else { continue };
            for (source, n_before) in sources.clone().zip(&mut n_arcs_before) {
                let Some(place) = view.index().find(NodeId(source)) else { continue };
                if view.first_rank_at(place) != *n_before {
                    let expected = "the number of the source's arcs into the shards before";
                    return Err(shard.flaw(Tag::FirstRanks, expected));
                }
                *n_before += view.arcs_at(place).len() as u32;
            }
        }
        Ok(())
    })
}

impl MappedShard {
    /// Whether the shard has the sections that the manifest promises. O(1).
    pub(crate) fn check_sections(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let (views, has_column) = (manifest.views, !manifest.columns.is_empty());
        let has_channels = !manifest.channels.is_empty();
        let is_coded = manifest.layout == Layout::Compressed;
        let may_lack_weights = manifest.weights_exceed_one_at.is_some();
        let has_weights = self.container.has(Tag::CumulativeWeights);
        let promised = [
            (Tag::SourceBitmap, views.has_out()),
            (Tag::FirstRanks, views.has_out()),
            (Tag::OutTargets, views.has_out() && !is_coded),
            (Tag::OutTargetBytes, views.has_out() && is_coded),
            (Tag::InOffsets, views.has_in() && !is_coded),
            (Tag::InSourceBytes, views.has_in() && is_coded),
            (Tag::InRanks, views.has_out() && views.has_in()),
            (Tag::ArcThresholds, views.has_out() && has_column),
            (Tag::ArcChannels, views.has_out() && has_channels),
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
    /// [`crate::Verify::Full`]. O(n_nodes + arcs), in parallel.
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
        let (arc_sum, column_sum) = match (&self.out, &self.r#in) {
            (Some(out), r#in) => {
                let sums = self.sum_out_view(out, out_degrees)?;
                match r#in {
                    Some(r#in) => self.check_transposed(out, r#in, sums)?,
                    None => self.check_in_degrees(out)?,
                }
                let has_values = out.thresholds.is_some() || out.channels.is_some();
                (sums.arcs, has_values.then_some(sums.column))
            }
            (None, Some(view)) => (self.sum_in_view(view, Some(out_degrees)).arcs, None),
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
            let tag = self.list_tag();
            return Err(self.container.malformed(tag, expected, found));
        }
        Ok(())
    }

    /// The in-view holds the arcs of the out-view, at the ranks that it states; and its sums
    /// of weights are those of the thresholds. `sums` are the out-view's.
    fn check_transposed(
        &self,
        out: &MappedOutView,
        r#in: &MappedInView,
        sums: ViewSums,
    ) -> Result<(), StoreError> {
        let expected = ViewSums { column: ArcSum::default(), ..sums };
        if self.sum_in_view(r#in, None) != expected {
            return Err(self.flaw(Tag::InRanks, "the out-view's arcs by target"));
        }
        let (Some(thresholds), Some(sums), Some(ranks)) =
            (&out.thresholds, &r#in.cumulative_weights, out.in_ranks())
        else {
            return Ok(());
        };
        let width = |stored| Threshold::from_stored(stored).width();
        self.for_out_arcs(out, |_, first_arc, targets, _| {
            for (position, &target_idx) in (first_arc..).zip(targets) {
                let in_arcs = r#in.arcs_of(&self.in_degrees, target_idx);
                let in_rank = ranks.at(position) as usize;
                let sums = &sums[in_arcs];
                let before = if in_rank == 0 { 0 } else { width(sums[in_rank - 1]) };
                let weight = width(sums[in_rank]) - before;
                if weight.abs_diff(width(thresholds[position])) > ROUNDING {
                    return Err(self.flaw(Tag::CumulativeWeights, "sums of the arc thresholds"));
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn sum_out_view(
        &self,
        view: &MappedOutView,
        out_degrees: &[AtomicU32],
    ) -> Result<ViewSums, StoreError> {
        let (own, ranks) = (self.nodes(), view.in_ranks());
        self.for_out_arcs(view, |source, first_arc, targets, sums| {
            out_degrees[source.index()].fetch_add(targets.len() as u32, Ordering::Relaxed);
            for (position, &target_idx) in (first_arc..).zip(targets) {
                let target = own.node(target_idx);
                if source == target {
                    return Err(self.flaw(self.list_tag(), "no node as its own target"));
                }
                let mix = ArcMix::new(source, target);
                sums.arcs.add(mix.of_arc());
                if let Some(ranks) = ranks {
                    sums.ranks.add(mix.with(ranks.at(position)));
                }
                if let Some(thresholds) = &view.thresholds {
                    sums.column.add(mix.with(thresholds[position]));
                }
                if let Some(channels) = &view.channels {
                    sums.column.add(mix.with(channels[position].into()));
                }
            }
            Ok(())
        })
    }

    /// Compares the in-degrees with the arcs of the out-view, which are all that there is.
    fn check_in_degrees(&self, view: &MappedOutView) -> Result<(), StoreError> {
        let counted: Vec<AtomicU32> = self.in_degrees.iter().map(|_| AtomicU32::new(0)).collect();
        self.for_out_arcs(view, |_, _, targets, _| {
            for &target_idx in targets {
                counted[target_idx as usize].fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })?;
        let counted = counted.iter().map(|degree| degree.load(Ordering::Relaxed));
        if !counted.eq(self.in_degrees.iter().copied()) {
            return Err(self.flaw(Tag::InDegrees, "the number of arcs into each node"));
        }
        Ok(())
    }

    /// Calls `look` with every source of `view` that is present, the position of its first arc
    /// and its targets; gives the sum of what the calls added up.
    fn for_out_arcs(
        &self,
        view: &MappedOutView,
        look: impl Fn(NodeId, usize, &[u32], &mut ViewSums) -> Result<(), StoreError> + Sync,
    ) -> Result<ViewSums, StoreError> {
        let n_nodes = self.n_graph_nodes();
        let pieces = (0..n_nodes.div_ceil(TASK_NODES)).into_par_iter().map(|piece| {
            let (mut sums, mut scratch) = (ViewSums::default(), Vec::new());
            let end = n_nodes.min((piece + 1).saturating_mul(TASK_NODES));
            for source in (piece * TASK_NODES..end).map(NodeId) {
                let Some(place) = view.index().find(source) else { continue };
                let arcs = view.arcs_at(place);
                let first_arc = arcs.start;
                let targets = view.targets_at(place, arcs, &mut scratch);
                look(source, first_arc, targets, &mut sums)?;
            }
            Ok(sums)
        });
        pieces.try_reduce(ViewSums::default, |mut sum, piece| {
            sum += piece;
            Ok(sum)
        })
    }

    /// The in-view's sums; the arcs from each source are added to `out_degrees`.
    fn sum_in_view(&self, view: &MappedInView, out_degrees: Option<&[AtomicU32]>) -> ViewSums {
        let own = self.nodes();
        let n_own = own.n_nodes() as u32;
        let pieces = (0..n_own.div_ceil(TASK_NODES)).into_par_iter().map(|piece| {
            let (mut sums, mut scratch) = (ViewSums::default(), Vec::new());
            let end = n_own.min((piece + 1).saturating_mul(TASK_NODES));
            for target_idx in piece * TASK_NODES..end {
                let sources = view.sources_of(&self.in_degrees, target_idx, &mut scratch);
                for (rank, &source) in (0..).zip(sources) {
                    if let Some(out_degrees) = out_degrees {
                        out_degrees[source as usize].fetch_add(1, Ordering::Relaxed);
                    }
                    let mix = ArcMix::new(NodeId(source), own.node(target_idx));
                    sums.arcs.add(mix.of_arc());
                    sums.ranks.add(mix.with(rank));
                }
            }
            sums
        });
        pieces.reduce(ViewSums::default, |mut sum, piece| {
            sum += piece;
            sum
        })
    }

    /// The section that holds the arcs.
    fn list_tag(&self) -> Tag {
        let tags = [Tag::OutTargets, Tag::OutTargetBytes, Tag::InSources];
        tags.into_iter().find(|&tag| self.container.has(tag)).unwrap_or(Tag::InSourceBytes)
    }

    fn flaw(&self, tag: Tag, expected: &'static str) -> StoreError {
        self.container.malformed(tag, expected, "something else")
    }
}
