//! How the nodes of a shard react, whatever the model.

use std::sync::Arc as Shared;

use kaskade_model::coin::activation_fingerprint;
use kaskade_model::diffusion::Arc;
use kaskade_model::dynamics::{Class, Dynamics, NodeTraits};
use kaskade_model::lanes::{LaneMask, is_empty};
use kaskade_model::{NodeId, NodeRange, Round, Shard};

use super::draws::NodeDraws;
use super::places::Places;
use crate::kernel::{LaneCounts, LaneTotals, Reached, SummaryBitmap};
use crate::slice::Slice;

/// What a batch remembers of a shard's nodes, and how they react to what reaches them.
///
/// In every round live arcs come first ([`NodeMachine::reach`]), in any order, then seeds, then
/// [`NodeMachine::settle`] decides.
pub trait NodeMachine<const W: usize>: Send + Sized + 'static {
    /// The machine of the nodes of `shard`, which have `traits`; none of them is active.
    fn new(shard: &impl Shard, dynamics: &Dynamics, traits: &Shared<NodeTraits>) -> Self;

    /// The nodes that it is about.
    fn nodes(&self) -> NodeRange;

    /// Begins a batch with the lanes `all` on a cleared machine.
    fn begin(&mut self, all: LaneMask<W>);

    /// Whether no lane of the node at `node_idx` can change any more; no where it is not known.
    fn is_saturated(&self, node_idx: u32) -> bool;

    /// Says that the node at `node_idx` will soon be asked for.
    fn prefetch(&self, node_idx: u32);

    /// The lanes of `offered` in which a live arc to the node at `node_idx` would change anything.
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W>;

    /// Takes `arc` from a source of `side`, live in the lanes `live`, which lacked it.
    fn reach(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, side: u8, live: &LaneMask<W>);

    /// Activates `seed` in the lanes that lack it.
    fn launch(&mut self, seed: &Seed<W>);

    /// Ends the round: what came of it goes to `outcome`.
    fn settle(&mut self, draws: &impl NodeDraws<W>, outcome: &mut ShardRound<W>);

    /// The lanes in which the node at `node_idx` was active before this round.
    fn active_before(&self, node_idx: u32) -> LaneMask<W>;

    /// Calls `visit` with each node that counts and was ever active, ascending, and its lanes.
    fn each_reached(&self, visit: impl FnMut(NodeId, LaneMask<W>));

    /// Forgets everything, at a cost of the nodes that were used.
    fn clear(&mut self);
}

/// A seed, in the lanes in which it starts.
#[derive(Clone, Copy, Debug)]
pub struct Seed<const W: usize> {
    /// The node.
    pub node: NodeId,
    /// The side that it takes.
    pub side: u8,
    /// What decides where several sides start at one node.
    pub tie_item: u64,
    /// The lanes.
    pub lanes: LaneMask<W>,
}

/// The lanes in which the node at `node_idx` is one of `seeds`, which ascend.
pub(super) fn of_seed<const W: usize>(seeds: &[(u32, LaneMask<W>)], node_idx: u32) -> LaneMask<W> {
    let first = seeds.partition_point(|(seed, _)| *seed < node_idx);
    let own = seeds[first..].iter().take_while(|(seed, _)| *seed == node_idx);
    own.fold([0; W], |sum, (_, lanes)| std::array::from_fn(|word| sum[word] | lanes[word]))
}

/// What a round gave in one shard.
#[derive(Debug)]
pub struct ShardRound<const W: usize> {
    /// The nodes that became active.
    pub(super) counts: LaneCounts<W>,
    /// What else was counted, by [`Dynamics::measures`].
    pub(super) measures: Vec<LaneTotals<W>>,
    /// The nodes that transmit in the next round, a slice for each side.
    pub(super) frontier: Vec<Slice<W>>,
    /// (node, lane) pairs that can still change without being reached.
    pub(super) n_pending: u64,
    /// The lanes that are traced.
    traced: LaneMask<W>,
    /// The nodes that became active in them.
    pub(super) activated: Slice<W>,
}

impl<const W: usize> ShardRound<W> {
    pub(super) fn new(n_sides: usize, n_measures: usize, traced: LaneMask<W>) -> Self {
        Self {
            traced,
            activated: Slice::default(),
            counts: LaneCounts::default(),
            measures: vec![LaneTotals::default(); n_measures],
            frontier: vec![Slice::default(); n_sides],
            n_pending: 0,
        }
    }

    /// Counts `node`, of `class`, which became active in the lanes `active` for the first time.
    #[inline(always)]
    pub(super) fn count(
        &mut self,
        (node, class): (NodeId, &Class),
        round: Round,
        places: &Places,
        active: &LaneMask<W>,
    ) {
        let traced: LaneMask<W> = std::array::from_fn(|word| active[word] & self.traced[word]);
        if !is_empty(&traced) {
            self.activated.push(node.0, traced);
        }
        if class.counts {
            self.counts.add(active, activation_fingerprint(node, round));
        }
        places.count_class(&mut self.measures, class, active);
    }
}

/// A machine as arcs from sources of one side see it.
pub(super) struct Arrivals<'a, M, D> {
    pub(super) machine: &'a mut M,
    pub(super) draws: &'a D,
    pub(super) side: u8,
}

impl<M: NodeMachine<W>, D: NodeDraws<W>, const W: usize> Reached<W> for Arrivals<'_, M, D> {
    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        self.machine.is_saturated(node_idx)
    }

    #[inline(always)]
    fn prefetch(&self, node_idx: u32) {
        self.machine.prefetch(node_idx);
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        self.machine.lacking(node_idx, offered)
    }

    #[inline(always)]
    fn reach(&mut self, arc: &Arc, live: &LaneMask<W>) {
        self.machine.reach(self.draws, arc, self.side, live);
    }
}

/// The bytes of the machines of one batch in flight for `n_nodes` nodes with `mean_in_degree` arcs
/// each, without what is under way.
#[must_use]
pub fn machine_bytes(
    dynamics: &Dynamics,
    n_nodes: u64,
    mean_in_degree: f64,
    lane_words: usize,
) -> u64 {
    let words = dynamics.planes(mean_in_degree) * lane_words.next_power_of_two() as u64;
    n_nodes.saturating_mul(8 * words) + n_nodes.div_ceil(8) + 2 * SummaryBitmap::bytes_for(n_nodes)
}
