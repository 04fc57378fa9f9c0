//! From a frontier along its out-arcs: every arc draws.

use kaskade_model::coin::{Vectorised, Vectors};
use kaskade_model::diffusion::{Arc, LiveArcs, Place};
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, NodeRange, OutArcs, Shard};

use super::edge_map::Effort;
use super::keys::BatchKeys;
use super::offers::{Offers, WordCoins};
use super::reached::Reached;
use crate::slice::Slice;

/// Frontier nodes with their lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a, const W: usize> {
    pub(crate) nodes: &'a [u32],
    pub(crate) masks: &'a [LaneMask<W>],
}

impl<'a, const W: usize> Sources<'a, W> {
    pub(crate) fn of(slice: &'a Slice<W>) -> Self {
        Self { nodes: &slice.nodes, masks: &slice.masks }
    }
}

/// The sources of several groups, one group after the other.
#[inline(always)]
pub(crate) fn each_source<'a, const W: usize>(
    groups: &'a [Sources<'a, W>],
) -> impl Iterator<Item = (NodeId, &'a LaneMask<W>)> {
    groups.iter().flat_map(|group| group.nodes.iter().map(|&node| NodeId(node)).zip(group.masks))
}

/// What is pushed into a shard.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work<'a, const W: usize> {
    /// The arcs of all sources that have at most `max_arcs` in the shard; the others are hubs.
    Sources { groups: &'a [Sources<'a, W>], max_arcs: usize },
    /// These arcs of one source, which is offered in these lanes.
    Piece { source: NodeId, offered: &'a LaneMask<W>, arcs: OutArcs<'a> },
}

/// Pushes `work` over the arcs into one shard.
pub(crate) struct PushArcs<'a, S, L, C, const W: usize> {
    pub(crate) shard: &'a S,
    pub(crate) lanes: L,
    pub(crate) keys: &'a BatchKeys<W>,
    pub(crate) rule: &'a dyn LiveArcs,
    pub(crate) coins: C,
    pub(crate) work: Work<'a, W>,
}

impl<'a, S: Shard, L: Reached<W>, C: WordCoins<W>, const W: usize> Vectorised
    for PushArcs<'a, S, L, C, W>
{
    /// The hubs, which were left out, with their lanes.
    type Output = (Effort, Vec<(NodeId, &'a LaneMask<W>)>);

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Self::Output {
        let Self { shard, lanes, keys, rule, coins, work } = self;
        let offers = Offers::new(coins, rule, keys);
        let mut walk = Walk { own: shard.nodes(), lanes, offers, arcs_scanned: 0 };
        let mut hubs = Vec::new();
        match work {
            Work::Sources { groups, max_arcs } => {
                let mut scratch = Vec::new();
                for (source, offered) in each_source(groups) {
                    let arcs = shard.out_arcs(source, &mut scratch);
                    if arcs.targets.len() <= max_arcs {
                        walk.push(vectors, (source, offered), arcs);
                    } else {
                        hubs.push((source, offered));
                    }
                }
            }
            Work::Piece { source, offered, arcs } => walk.push(vectors, (source, offered), arcs),
        }
        walk.offers.decide(vectors, &mut walk.lanes);
        (walk.offers.effort(walk.arcs_scanned), hubs)
    }
}

/// What goes along from source to source.
struct Walk<'a, L, C, const W: usize> {
    own: NodeRange,
    lanes: L,
    offers: Offers<'a, C, W>,
    arcs_scanned: u64,
}

impl<L: Reached<W>, C: WordCoins<W>, const W: usize> Walk<'_, L, C, W> {
    #[inline(always)]
    fn push<V: Vectors>(
        &mut self,
        vectors: V,
        (source, offered): (NodeId, &LaneMask<W>),
        arcs: OutArcs<'_>,
    ) {
        self.arcs_scanned += arcs.targets.len() as u64;
        for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
            if !self.lanes.is_saturated(target_idx) {
                let (target, place) = (self.own.node(target_idx), Place::Out(position));
                let arc = Arc { source, target, target_idx, place };
                self.offers.add(vectors, &mut self.lanes, arc, offered);
            }
        }
    }
}
