//! How the nodes of a shard react, whatever the model.

use std::sync::Arc as Shared;

use kaskade_model::coin::activation_fingerprint;
use kaskade_model::diffusion::Arc;
use kaskade_model::dynamics::{Dynamics, NodeRule, NodeTraits};
use kaskade_model::lanes::{LaneMask, is_empty};
use kaskade_model::{NodeId, NodeRange, Round, Shard};

use super::counters::Counters;
use super::draws::NodeDraws;
use super::places::Places;
use super::rivalry::Rivalry;
use crate::kernel::{LaneCounts, LaneTotals, Reached, SummaryBitmap};
use crate::slice::Slice;

/// What a batch remembers of a shard's nodes, and how they react to what reaches them.
///
/// In every round live arcs come first ([`NodeMachine::reach`]), in any order, then seeds. When all
/// that arrives has ([`NodeMachine::gather`]), nodes that were reached in several ways at once
/// find out by which ([`NodeMachine::contest`]), and [`NodeMachine::settle`] decides.
pub trait NodeMachine<const W: usize>: Send + Sized + 'static {
    /// The machine of the nodes of `shard`, which have `traits`, and for each channel `in_degrees`
    /// where these matter; none of them is active.
    fn new(
        shard: &impl Shard,
        dynamics: &Dynamics,
        traits: &Shared<NodeTraits>,
        in_degrees: &[&[u32]],
    ) -> Self;

    /// The nodes that it is about.
    fn nodes(&self) -> NodeRange;

    /// Begins a batch with the lanes `all` on a cleared machine.
    fn begin(&mut self, all: LaneMask<W>);

    /// Whether no lane of the node at `node_idx` can change any more; no where it is not known.
    fn is_saturated(&self, node_idx: u32) -> bool;

    /// Says that the node at `node_idx` will soon be asked for.
    fn prefetch(&self, node_idx: u32);

    /// The lanes of `offered` in which a live arc that comes `way` to the node at `node_idx` would
    /// change anything. A way is a side over a channel: side · channels + channel.
    fn lacking(&self, node_idx: u32, way: u8, offered: &LaneMask<W>) -> LaneMask<W>;

    /// Takes `arc`, which a message went along that came `way`, live in the lanes `live`, which
    /// lacked it.
    fn reach(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, way: u8, live: &LaneMask<W>);

    /// Activates `seed` in the lanes that lack it.
    fn launch(&mut self, seed: &Seed<W>);

    /// Takes what was under way until this round; now all that arrives in it has.
    fn gather(&mut self, _draws: &impl NodeDraws<W>) {}

    /// Ends the contests that were begun, and begins the next: true where the arcs of the round must
    /// be gone over once more, for [`NodeMachine::compete`].
    fn contest(&mut self, _draws: &impl NodeDraws<W>) -> bool {
        false
    }

    /// Whether the node at `node_idx` is in a contest.
    fn is_contested(&self, _node_idx: u32) -> bool {
        false
    }

    /// The lanes of `offered` in which whoever comes `way` to the node at `node_idx` competes for it.
    fn contested(&self, _node_idx: u32, _way: u8, _offered: &LaneMask<W>) -> LaneMask<W> {
        [0; W]
    }

    /// Takes `arc`, which is live in the contested lanes `live`.
    fn compete(&mut self, _draws: &impl NodeDraws<W>, _arc: &Arc, _way: u8, _live: &LaneMask<W>) {}

    /// Ends the round: what came of it goes to `outcome`.
    fn settle(&mut self, draws: &impl NodeDraws<W>, outcome: &mut ShardRound<W>);

    /// Calls `visit` with the messages that were under way until this round, which was settled: the
    /// source, the place of the target, the way and the lanes.
    fn each_late(&self, _visit: impl FnMut(NodeId, u32, u8, &LaneMask<W>)) {}

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
    /// What can still change without anybody transmitting: messages under way, nodes that incubate.
    pub(super) n_pending: u64,
    /// The lanes that are traced.
    traced: LaneMask<W>,
    /// The nodes that became active in them, a slice for each way.
    activated: Vec<Slice<W>>,
}

impl<const W: usize> ShardRound<W> {
    /// Of a job with `dynamics`, whose simulations are traced in the lanes `traced`.
    pub(super) fn new(dynamics: &Dynamics, n_measures: usize, traced: LaneMask<W>) -> Self {
        let (n_sides, n_ways) = (dynamics.n_sides(), dynamics.n_ways());
        Self {
            traced,
            activated: vec![Slice::default(); if is_empty(&traced) { 0 } else { n_ways }],
            counts: LaneCounts::default(),
            measures: vec![LaneTotals::default(); n_measures],
            frontier: vec![Slice::default(); n_sides],
            n_pending: 0,
        }
    }

    /// Counts `node`, which has `traits`, and became active in the lanes `active` for the first
    /// time.
    #[inline(always)]
    pub(super) fn count(
        &mut self,
        (node, traits): (NodeId, &NodeTraits),
        round: Round,
        places: &Places,
        active: &LaneMask<W>,
    ) {
        let class = traits.class(node);
        if class.counts {
            self.counts.add(active, activation_fingerprint(node, round));
        }
        places.count_class(&mut self.measures, (class, traits.weight(node)), active);
    }

    /// Keeps of `node` in which of the traced lanes it became active in each of `ways`.
    #[inline(always)]
    pub(super) fn trace(&mut self, node: NodeId, ways: &[LaneMask<W>]) {
        for (activated, way) in self.activated.iter_mut().zip(ways) {
            let traced: LaneMask<W> = std::array::from_fn(|word| way[word] & self.traced[word]);
            if !is_empty(&traced) {
                activated.push(node.0, traced);
            }
        }
    }

    /// The nodes that became active in the traced lanes, a slice for each way.
    pub(super) fn activated(&self) -> impl Iterator<Item = &Slice<W>> {
        self.activated.iter()
    }
}

/// How often the arcs of a round were gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// For the first time: what is live arrives.
    First,
    /// Once more: what is live competes for the nodes that are contested.
    Contests,
}

/// A machine as arcs see it along which messages come one way.
pub(super) struct Arrivals<'a, M, D> {
    pub(super) machine: &'a mut M,
    pub(super) draws: &'a D,
    pub(super) way: u8,
    pub(super) pass: Pass,
}

impl<M: NodeMachine<W>, D: NodeDraws<W>, const W: usize> Reached<W> for Arrivals<'_, M, D> {
    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        match self.pass {
            Pass::First => self.machine.is_saturated(node_idx),
            // What is contested can change unless no arc reaches the node.
            Pass::Contests => {
                !self.machine.is_contested(node_idx) || self.machine.is_saturated(node_idx)
            }
        }
    }

    #[inline(always)]
    fn prefetch(&self, node_idx: u32) {
        self.machine.prefetch(node_idx);
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        match self.pass {
            Pass::First => self.machine.lacking(node_idx, self.way, offered),
            Pass::Contests => self.machine.contested(node_idx, self.way, offered),
        }
    }

    #[inline(always)]
    fn reach(&mut self, arc: &Arc, live: &LaneMask<W>) {
        match self.pass {
            Pass::First => self.machine.reach(self.draws, arc, self.way, live),
            Pass::Contests => self.machine.compete(self.draws, arc, self.way, live),
        }
    }
}

/// The bytes of the machines of one batch in flight for `n_nodes` nodes with `mean_in_degree` arcs
/// each, without what is under way for longer.
#[must_use]
pub fn machine_bytes(
    dynamics: &Dynamics,
    n_nodes: u64,
    mean_in_degree: f64,
    lane_words: usize,
) -> u64 {
    let lane_words = lane_words.next_power_of_two() as u64;
    let bitmap = SummaryBitmap::bytes_for(n_nodes);
    let n_counters = match &dynamics.rule {
        NodeRule::Threshold(_) => dynamics.channels.len().max(1) as u64,
        NodeRule::Contagion(_) | NodeRule::Epidemic(_) => 0,
    };
    let of_counters = n_nodes.saturating_mul(Counters::<1>::NODE_BYTES) + bitmap;
    let of_rivalry = match dynamics.asks_sources() {
        true => Rivalry::<1>::bytes(n_nodes, lane_words),
        false => 0,
    };
    // A bit a node that says whether it can still change, and one whether it ever could.
    let n_bits = if dynamics.reads_columns() || dynamics.audience.fakes.is_some() { 2 } else { 1 };
    let planes = n_nodes.saturating_mul(8 * dynamics.planes(mean_in_degree) * lane_words);
    let of_rule = n_counters.saturating_mul(of_counters).saturating_add(of_rivalry);
    planes.saturating_add(of_rule) + n_bits * 8 * n_nodes.div_ceil(64) + 2 * bitmap
}

#[cfg(test)]
mod tests {
    use kaskade_model::diffusion::ArcProbability;
    use kaskade_model::dynamics::{Channel, Delay, Requirement, Rival, Sides, Tie};

    use super::*;

    fn ruled(rule: NodeRule) -> Dynamics {
        Dynamics { rule, ..Dynamics::default() }
    }

    #[test]
    fn what_rules_need_is_counted() {
        let (n_nodes, mean) = (10_000, 7.5);
        let bytes = |dynamics: &Dynamics, words| machine_bytes(dynamics, n_nodes, mean, words);
        let campaigns = |tie| {
            let rivals = vec![Rival { name: "b".to_owned() }];
            ruled(NodeRule::Contagion(Sides::Campaigns { rivals, tie }))
        };
        for words in [1, 8] {
            let asking = bytes(&campaigns(Tie::Random), words);
            let listed = bytes(&campaigns(Tie::First), words);
            let sources = Rivalry::<1>::bytes(n_nodes, words as u64);
            assert_eq!(asking - listed, sources, "{words} words");
        }
        // Over several channels the sources matter even with one side.
        let channel = |place: u8| Channel {
            name: place.to_string(),
            place,
            probability: ArcProbability::Constant(0.5),
            delay: Delay::NextRound,
            audience: None,
        };
        let over =
            |n| Dynamics { channels: (0..n).map(channel).collect(), ..ruled(NodeRule::default()) };
        let planes = |dynamics: &Dynamics| n_nodes * 8 * dynamics.planes(mean);
        let sources = Rivalry::<1>::bytes(n_nodes, 1);
        let (one, three) = (over(1), over(3));
        assert_eq!(bytes(&three, 1) - bytes(&one, 1) + planes(&one) - planes(&three), sources);
        // One plane each of the active and the reached, the counters', and 12 bytes a node.
        let counting = ruled(NodeRule::Threshold(Requirement::Count(1)));
        let plain = ruled(NodeRule::default());
        let planes = 8 * (counting.planes(mean) - plain.planes(mean)) * n_nodes;
        let bitmap = SummaryBitmap::bytes_for(n_nodes);
        let expected = planes + Counters::<1>::NODE_BYTES * n_nodes + bitmap;
        assert_eq!(bytes(&counting, 1) - bytes(&plain, 1), expected);
        assert_eq!(Counters::<1>::NODE_BYTES, 12);
        let delayed = Dynamics { delay: Delay::Meeting(0.5), ..Dynamics::default() };
        assert!(bytes(&delayed, 1) > bytes(&plain, 1));
    }
}
