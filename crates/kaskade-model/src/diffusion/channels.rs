//! The arcs of one channel, with coins of their own.

use super::{Arc, LiveArcs, Place};
use crate::adjacency::{OutArcs, Shard};
use crate::coin::{self, Draw};
use crate::ids::NodeId;

/// A rule on the arcs that belong to a channel; the others are never live.
pub struct OnChannel<'a> {
    /// The rule.
    pub rule: &'a dyn LiveArcs,
    /// Per arc of the out-view its channels.
    pub channels: &'a [u8],
    /// The channel's place.
    pub place: u8,
}

impl LiveArcs for OnChannel<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        match arc.place {
            Place::Out(position) if self.channels[position] >> self.place & 1 == 1 => {
                let draw = self.rule.draw(arc);
                Draw { item: coin::on_channel(draw.item, self.place), ..draw }
            }
            // In-views do not tell channels.
            Place::Out(_) | Place::In(_) => Draw { item: 0, from: 0, width: 0 },
        }
    }
}

/// For each of `places` and each arc of the out-view of `shard`, in a graph of `n_nodes`, the rank of
/// its source among its target's sources over the channel at that place; of no meaning for arcs of
/// other channels. O(n_nodes + arcs · places).
#[must_use]
pub fn channel_ranks<S: Shard + ?Sized>(shard: &S, n_nodes: u32, places: &[u8]) -> Vec<Vec<u32>> {
    let channels = shard.arc_channels().unwrap_or_default();
    let mut ranks = vec![vec![0; channels.len()]; places.len()];
    if places.is_empty() || channels.is_empty() {
        return ranks;
    }
    let mut n_before = vec![vec![0u32; shard.nodes().n_nodes()]; places.len()];
    let mut scratch = Vec::new();
    for source in (0..n_nodes).map(NodeId) {
        let OutArcs { first_arc, targets } = shard.out_arcs(source, &mut scratch);
        for (position, &target_idx) in (first_arc..).zip(targets) {
            for ((ranks, n_before), place) in ranks.iter_mut().zip(&mut n_before).zip(places) {
                let n_before = &mut n_before[target_idx as usize];
                ranks[position] = *n_before;
                *n_before += u32::from(channels[position] >> place & 1);
            }
        }
    }
    ranks
}

/// For each of `places` and each of the nodes of `shard` the arcs of the channel at that place that
/// end in it, in a graph of `n_nodes`. O(n_nodes + arcs · places).
#[must_use]
pub fn channel_in_degrees<S: Shard + ?Sized>(
    shard: &S,
    n_nodes: u32,
    places: &[u8],
) -> Vec<Vec<u32>> {
    let mut degrees = vec![vec![0; shard.nodes().n_nodes()]; places.len()];
    if places.is_empty() {
        return degrees;
    }
    let Some(channels) = shard.arc_channels() else { return degrees };
    let mut scratch = Vec::new();
    for source in (0..n_nodes).map(NodeId) {
        let OutArcs { first_arc, targets } = shard.out_arcs(source, &mut scratch);
        for (&target_idx, channels) in targets.iter().zip(channels.iter().skip(first_arc)) {
            for (degrees, place) in degrees.iter_mut().zip(places) {
                degrees[target_idx as usize] += u32::from(channels >> place & 1);
            }
        }
    }
    degrees
}
