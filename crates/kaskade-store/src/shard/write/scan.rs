//! The first look at a shard's arcs: whether they are as they promise to be, and what is summed
//! over them. One pass.

use kaskade_model::coin::Threshold;
use kaskade_model::{NodeId, ShardId};

use super::ShardArcs;
use crate::digest::{ArcMix, ArcSum};
use crate::error::StoreError;

/// What was found.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) in_degrees: Vec<u32>,
    pub(super) max_in_degree: u32,
    /// Per arc, as `in_sources`, its probability as [`Threshold::stored`].
    pub(super) thresholds: Option<Vec<u32>>,
    pub(super) arc_sum: ArcSum,
    pub(super) column_sum: Option<ArcSum>,
}

impl Scan {
    /// Looks at `arcs`, which are the shard's.
    ///
    /// # Errors
    /// [`StoreError::InvalidInput`] when they are not as [`ShardArcs`] promises, or
    /// [`StoreError::Probability`].
    pub(super) fn of(shard: ShardId, arcs: &ShardArcs) -> Result<Self, StoreError> {
        let invalid = |reason| StoreError::invalid_input(format!("shard {shard}"), reason);
        check_lengths(arcs).map_err(invalid)?;
        let mut in_degrees = Vec::with_capacity(arcs.nodes.n_nodes());
        let mut arc_sum = ArcSum::default();
        for (target_idx, in_arcs) in arcs.own_in_arcs() {
            let (target, sources) = (arcs.nodes.node(target_idx), &arcs.in_sources[in_arcs]);
            let mut is_self = false;
            for &source in sources {
                is_self |= source == target.0;
                arc_sum.add_arc(NodeId(source), target);
            }
            if is_self {
                return Err(invalid("a node is its own source"));
            }
            if !sources.is_sorted_by(|a, b| a < b) {
                return Err(invalid("the sources of a node do not strictly ascend"));
            }
            if sources.last().is_some_and(|&last| last >= arcs.n_nodes) {
                return Err(invalid("a source is no node of the graph"));
            }
            // Distinct nodes: below 2³².
            in_degrees.push(sources.len() as u32);
        }
        let max_in_degree = in_degrees.iter().copied().max().unwrap_or(0);
        let (thresholds, column_sum) = match (&arcs.probabilities, &arcs.channels) {
            (Some(probabilities), _) => {
                let (thresholds, sum) = column(arcs, probabilities)?;
                (Some(thresholds), Some(sum))
            }
            (None, Some(channels)) => (None, Some(channel_sum(arcs, channels))),
            (None, None) => (None, None),
        };
        Ok(Self { in_degrees, max_in_degree, thresholds, arc_sum, column_sum })
    }
}

fn check_lengths(arcs: &ShardArcs) -> Result<(), &'static str> {
    let n_arcs = arcs.in_sources.len() as u64;
    if arcs.nodes.begin > arcs.nodes.end || arcs.nodes.end > arcs.n_nodes {
        return Err("its nodes are no range of the graph's");
    }
    if arcs.in_offsets.len() != arcs.nodes.n_nodes() + 1
        || arcs.in_offsets.first() != Some(&0)
        || arcs.in_offsets.last() != Some(&n_arcs)
        || !arcs.in_offsets.is_sorted()
    {
        return Err("its offsets do not ascend from 0 to the number of arcs");
    }
    if arcs.probabilities.as_ref().is_some_and(|column| column.len() as u64 != n_arcs) {
        return Err("arcs and probabilities are not equally many");
    }
    if let Some(channels) = &arcs.channels {
        if channels.len() as u64 != n_arcs {
            return Err("arcs and channels are not equally many");
        }
        if arcs.probabilities.is_some() {
            return Err("its arcs have both probabilities and channels");
        }
        if channels.contains(&0) {
            return Err("an arc belongs to no channel");
        }
    }
    Ok(())
}

/// The sum over the arcs with their channels.
fn channel_sum(arcs: &ShardArcs, channels: &[u8]) -> ArcSum {
    let mut sum = ArcSum::default();
    for (target_idx, in_arcs) in arcs.own_in_arcs() {
        let target = arcs.nodes.node(target_idx);
        for position in in_arcs {
            let source = NodeId(arcs.in_sources[position]);
            sum.add(ArcMix::new(source, target).with(channels[position].into()));
        }
    }
    sum
}

/// The probabilities as thresholds, in in-view order, and the sum over them.
fn column(arcs: &ShardArcs, probabilities: &[f64]) -> Result<(Vec<u32>, ArcSum), StoreError> {
    let mut thresholds = Vec::with_capacity(probabilities.len());
    let mut sum = ArcSum::default();
    for (target_idx, in_arcs) in arcs.own_in_arcs() {
        let target = arcs.nodes.node(target_idx);
        for position in in_arcs {
            let source = NodeId(arcs.in_sources[position]);
            let threshold = Threshold::from_probability(probabilities[position])
                .map_err(|reason| StoreError::Probability { from: source, to: target, reason })?
                .stored();
            sum.add(ArcMix::new(source, target).with(threshold));
            thresholds.push(threshold);
        }
    }
    Ok((thresholds, sum))
}
