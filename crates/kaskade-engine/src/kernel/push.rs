//! From a frontier along its out-arcs: every arc draws.

use kaskade_model::coin::{Vectorised, Vectors};
use kaskade_model::diffusion::{Arc, LiveArcs, Place};
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, OutArcs, Shard};

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

    /// The source at `at` alone.
    pub(crate) fn only(self, at: usize) -> Self {
        Self { nodes: &self.nodes[at..=at], masks: &self.masks[at..=at] }
    }
}

/// What is pushed: the arcs of several groups of sources, one group after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a, const W: usize> {
    pub(crate) groups: &'a [Sources<'a, W>],
    pub(crate) arcs: ArcChoice,
}

impl<'a, const W: usize> Work<'a, W> {
    #[inline(always)]
    pub(crate) fn sources(self) -> impl Iterator<Item = (NodeId, &'a LaneMask<W>)> {
        self.groups
            .iter()
            .flat_map(|group| group.nodes.iter().map(|&node| NodeId(node)).zip(group.masks))
    }
}

/// Which arcs of a source are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArcChoice {
    /// All.
    All,
    /// All, of sources that have at most so many in the shard.
    OfAtMost(usize),
    /// Of each source those in this range of its list: from `begin` on, before `end`.
    Within { begin: usize, end: usize },
}

impl ArcChoice {
    #[inline(always)]
    pub(crate) fn of(self, arcs: OutArcs<'_>) -> OutArcs<'_> {
        match self {
            Self::All => arcs,
            Self::OfAtMost(n_arcs) if arcs.targets.len() <= n_arcs => arcs,
            Self::OfAtMost(_) => OutArcs { targets: &[], ..arcs },
            Self::Within { begin, end } => {
                OutArcs { first_arc: arcs.first_arc + begin, targets: &arcs.targets[begin..end] }
            }
        }
    }
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

impl<S: Shard, L: Reached<W>, C: WordCoins<W>, const W: usize> Vectorised
    for PushArcs<'_, S, L, C, W>
{
    type Output = Effort;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Effort {
        let Self { shard, mut lanes, keys, rule, coins, work } = self;
        let own = shard.nodes();
        let (mut offers, mut scratch) = (Offers::new(coins, rule, keys), Vec::new());
        let mut arcs_scanned = 0;
        for (source, offered) in work.sources() {
            let arcs = work.arcs.of(shard.out_arcs(source, &mut scratch));
            arcs_scanned += arcs.targets.len() as u64;
            for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
                if !lanes.is_saturated(target_idx) {
                    let (target, place) = (own.node(target_idx), Place::Out(position));
                    let arc = Arc { source, target, target_idx, place };
                    offers.add(vectors, &mut lanes, arc, offered);
                }
            }
        }
        offers.decide(vectors, &mut lanes);
        offers.effort(arcs_scanned)
    }
}
