//! A hash an arc: the coins that the kernel throws in the family `arc`, one at a time.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use kaskade_model::NodeId;
use kaskade_model::coin::{Purpose, Threshold, arc_item, node_item, simulation_key, uniform};

use super::active::Active;
use super::each::{Aimed, spread};
use super::listening::{ListeningArc, listening_arcs};
use crate::csr::Csr;
use crate::graphs::SEED;
use crate::memory::HugeVec;
use crate::workloads::Workload;

/// The program, with what it keeps from one simulation to the next.
#[derive(Debug)]
pub struct Hashed<'a> {
    graph: &'a Csr,
    coins: Coins,
    active: Active,
}

/// What decides whether an arc is live, beside its target where arcs differ.
#[derive(Debug)]
enum Coins {
    /// Where the uniform of the arc is below this.
    Constant(u64),
    /// Where the uniform of the arc is at most the arc's.
    OfArc(HugeVec<WeightedArc>),
    /// Where the uniform of the target lies in the arc's interval.
    OfTarget(HugeVec<ListeningArc>),
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct WeightedArc {
    target: u32,
    /// The highest uniform with which it is live.
    highest: u32,
}

impl Aimed for WeightedArc {
    #[inline(always)]
    fn target(&self) -> u32 {
        self.target
    }
}

impl<'a> Hashed<'a> {
    /// The program for `workload` on `graph`.
    ///
    /// # Panics
    /// When the workload's probability is none.
    #[must_use]
    pub fn new(graph: &'a Csr, workload: Workload) -> Self {
        let coins = match workload {
            Workload::ConstantCascade(probability) => {
                let threshold = Threshold::from_probability(probability);
                Coins::Constant(threshold.expect("it is a probability").width())
            }
            Workload::WeightedCascade => Coins::OfArc(weighted_arcs(graph)),
            Workload::LinearThreshold => Coins::OfTarget(listening_arcs(graph)),
        };
        Self { graph, coins, active: Active::new(graph.n_nodes()) }
    }

    /// Runs `simulations` from `seeds` to extinction; gives the sum of their spreads.
    #[must_use]
    pub fn total_spread(&mut self, seeds: &[u32], simulations: Range<u64>) -> u64 {
        let mut total = 0;
        for simulation in simulations {
            seeds.iter().for_each(|&seed| self.active.activate(seed));
            self.spread(simulation_key(SEED, simulation));
            total += self.active.clear();
        }
        total
    }

    fn spread(&mut self, key: u64) {
        let Self { graph, coins, active } = self;
        let n_crowded = graph.n_nodes() / 8;
        let of_arc =
            |source, target| uniform(arc_item(NodeId(source), NodeId(target), Purpose::Arc), key);
        let of_target = |target| uniform(node_item(NodeId(target), Purpose::InArc), key);
        match coins {
            Coins::Constant(width) => {
                let is_live = |source, &target: &u32| u64::from(of_arc(source, target)) < *width;
                spread(graph, &graph.targets, n_crowded, active, is_live);
            }
            Coins::OfArc(arcs) => {
                let is_live = |source, arc: &WeightedArc| of_arc(source, arc.target) <= arc.highest;
                spread(graph, arcs, n_crowded, active, is_live);
            }
            Coins::OfTarget(arcs) => {
                let is_live = |_, arc: &ListeningArc| arc.is_live(of_target(arc.target));
                spread(graph, arcs, n_crowded, active, is_live);
            }
        }
    }
}

fn weighted_arcs(graph: &Csr) -> HugeVec<WeightedArc> {
    let mut arcs = HugeVec::zeroed(graph.targets.len());
    for (arc, &target) in arcs.iter_mut().zip(&*graph.targets) {
        let width = Threshold::one_over(graph.in_degrees[target as usize]).width();
        *arc = WeightedArc { target, highest: (width - 1) as u32 };
    }
    arcs
}
