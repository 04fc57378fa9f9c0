//! One round of one batch on one shard.

use std::ops::AddAssign;

use kaskade_model::coin::{Isa, LaneKeys};
use kaskade_model::diffusion::{Arc, LiveArcModel, LiveArcs, ModelError, RuleVisitor};
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, OutArcs, Shard};
use rayon::prelude::*;

use super::state::ShardState;
use crate::slice::Slice;

/// Pushes a frontier over a shard's arcs; hides lanes, threads and the order of evaluation.
#[derive(Debug)]
pub struct EdgeMap<'a, S, const W: usize> {
    /// The shard whose nodes are decided.
    pub shard: &'a S,
    /// Their state.
    pub state: &'a ShardState<W>,
    /// The keys of the batch's simulations.
    pub keys: &'a [LaneKeys; W],
    /// The instruction set that throws the coins.
    pub isa: Isa,
}

/// How a round is computed; never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallelism {
    /// On the calling thread.
    Sequential,
    /// On the current rayon pool.
    Pool,
}

/// What it took. `arcs_scanned` is the same for any number of threads; `coins` is not, because
/// an arc that comes after another has activated its target throws none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Arcs of frontier nodes.
    pub arcs_scanned: u64,
    /// (arc, lane) pairs whose draw was asked for.
    pub coins: u64,
}

impl AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        self.arcs_scanned += other.arcs_scanned;
        self.coins += other.coins;
    }
}

/// Frontier nodes that one task takes.
const NODES_PER_TASK: usize = 512;

/// Arcs of one node that one task takes: a hub's list is shared among threads.
const ARCS_PER_TASK: usize = 1 << 14;

impl<S: Shard, const W: usize> EdgeMap<'_, S, W> {
    /// Offers `frontier` along the arcs that `model` makes live in a job with `seed`.
    ///
    /// # Errors
    /// [`ModelError`] when the shard lacks what the model reads.
    pub fn push(
        &self,
        model: &LiveArcModel,
        seed: u64,
        frontier: &[&Slice<W>],
        parallelism: Parallelism,
    ) -> Result<Effort, ModelError> {
        model.visit_rule(self.shard, seed, Push { map: self, frontier, parallelism })
    }

    fn push_sequential(&self, rule: &impl LiveArcs, slice: &Slice<W>) -> Effort {
        let (mut effort, mut scratch) = (Effort::default(), Vec::new());
        for (&node, mask) in slice.nodes.iter().zip(&slice.masks) {
            let arcs = self.shard.out_arcs(NodeId(node), &mut scratch);
            effort += self.push_arcs::<false>(rule, NodeId(node), mask, arcs);
        }
        effort
    }

    fn push_pooled(&self, rule: &impl LiveArcs, slice: &Slice<W>) -> Effort {
        let nodes = slice.nodes.par_chunks(NODES_PER_TASK);
        let masks = slice.masks.par_chunks(NODES_PER_TASK);
        let efforts = nodes.zip(masks).map_init(Vec::new, |scratch, (nodes, masks)| {
            let mut effort = Effort::default();
            for (&node, mask) in nodes.iter().zip(masks) {
                let arcs = self.shard.out_arcs(NodeId(node), scratch);
                effort += if arcs.targets.len() <= ARCS_PER_TASK {
                    self.push_arcs::<true>(rule, NodeId(node), mask, arcs)
                } else {
                    self.push_hub(rule, NodeId(node), mask, arcs)
                };
            }
            effort
        });
        efforts.reduce(Effort::default, |mut sum, effort| {
            sum += effort;
            sum
        })
    }

    fn push_hub(
        &self,
        rule: &impl LiveArcs,
        source: NodeId,
        mask: &LaneMask<W>,
        arcs: OutArcs<'_>,
    ) -> Effort {
        let pieces = arcs.targets.par_chunks(ARCS_PER_TASK).enumerate().map(|(piece, targets)| {
            let first_arc = arcs.first_arc + piece * ARCS_PER_TASK;
            self.push_arcs::<true>(rule, source, mask, OutArcs { first_arc, targets })
        });
        pieces.reduce(Effort::default, |mut sum, effort| {
            sum += effort;
            sum
        })
    }

    #[inline]
    fn push_arcs<const SHARED: bool>(
        &self,
        rule: &impl LiveArcs,
        source: NodeId,
        mask: &LaneMask<W>,
        arcs: OutArcs<'_>,
    ) -> Effort {
        let nodes = self.state.nodes();
        let mut effort = Effort { arcs_scanned: arcs.targets.len() as u64, coins: 0 };
        for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
            let lacking = self.state.lacking(target_idx as usize, mask);
            if kaskade_model::lanes::is_empty(&lacking) {
                continue;
            }
            let target = nodes.node(target_idx);
            let draw = rule.draw(Arc { source, target, target_idx, position });
            for (word, &offered) in lacking.iter().enumerate() {
                if offered == 0 {
                    continue;
                }
                effort.coins += u64::from(offered.count_ones());
                let live = self.keys[word].live(self.isa, draw, offered);
                if live != 0 {
                    self.state.activate::<SHARED>(target_idx as usize, word, live);
                }
            }
        }
        effort
    }
}

struct Push<'a, 'b, S, const W: usize> {
    map: &'a EdgeMap<'b, S, W>,
    frontier: &'a [&'a Slice<W>],
    parallelism: Parallelism,
}

impl<S: Shard, const W: usize> RuleVisitor<S> for Push<'_, '_, S, W> {
    type Output = Effort;

    fn visit(self, rule: &impl LiveArcs) -> Effort {
        let mut effort = Effort::default();
        for slice in self.frontier {
            effort += match self.parallelism {
                Parallelism::Sequential => self.map.push_sequential(rule, slice),
                Parallelism::Pool => self.map.push_pooled(rule, slice),
            };
        }
        effort
    }
}
