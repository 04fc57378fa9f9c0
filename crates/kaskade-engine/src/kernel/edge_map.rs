//! One round of one batch on some shards.

use std::ops::{Add, AddAssign};

use kaskade_model::coin::{BlockCoins, Family, Isa};
use kaskade_model::diffusion::{Endpoints, LiveArcModel, LiveArcs, ModelError, RuleVisitor};
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, OutArcs, Shard};
use rayon::prelude::*;

use super::keys::BatchKeys;
use super::light::{Activation, LightArcs, LightPairs};
use super::offers::{ByLane, ByOctet};
use super::presence::Presence;
use super::pull::{DenseFrontier, PullArcs};
use super::push::{PushArcs, Sources, Work};
use super::push_blocks::{BlockWork, Part, PartedLists, PushBlocks};
use super::state::{NodeLanes, ShardState};
use crate::slice::Slice;

/// Offers a frontier to the nodes of some shards; hides lanes, threads, instruction sets and the
/// order of evaluation.
#[derive(Debug)]
pub struct EdgeMap<'a, S, const W: usize> {
    /// The shards whose nodes are decided, ascending.
    pub shards: &'a [S],
    /// Which of them a source has arcs into.
    pub presence: Option<&'a Presence>,
    /// Which arcs are live.
    pub model: JobModel<'a>,
    /// How its coins are drawn.
    pub coins: &'a Coins,
    /// The keys of the batch's simulations.
    pub keys: &'a BatchKeys<W>,
    /// The instruction set that throws the coins.
    pub isa: Isa,
}

/// How coins are drawn in a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coins {
    /// A hash per arc and lane.
    ByLane,
    /// A hash per arc and eight lanes.
    ByOctet,
    /// Blocks of arcs.
    ByBlock(Box<BlockCoins>),
}

impl Coins {
    /// The coins of `model` in `family`.
    ///
    /// # Errors
    /// [`ModelError::NoBlocks`].
    pub fn of(model: &LiveArcModel, family: Family) -> Result<Self, ModelError> {
        Ok(match family {
            Family::Arc => Self::ByLane,
            Family::Octet => Self::ByOctet,
            Family::Block => {
                Self::ByBlock(Box::new(model.block_coins().ok_or(ModelError::NoBlocks)?))
            }
        })
    }
}

/// How a round is computed; never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallelism {
    /// On the calling thread.
    Sequential,
    /// On the current rayon pool.
    Pool,
}

/// What it took, as [`kaskade_model::tally::Work`] counts it. `arcs_scanned` is the same for any
/// number of threads; `coins` is not, because an arc that comes after another has activated its
/// target throws none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Arcs that were looked at.
    pub arcs_scanned: u64,
    /// (arc, lane) pairs whose draw was asked for.
    pub coins: u64,
}

impl Add for Effort {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            arcs_scanned: self.arcs_scanned + other.arcs_scanned,
            coins: self.coins + other.coins,
        }
    }
}

impl AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Frontier nodes that one task takes.
const NODES_PER_TASK: usize = 512;

/// Arcs of one node that one task takes: a hub's list is shared among threads.
const ARCS_PER_TASK: usize = 1 << 14;

impl<S: Shard, const W: usize> EdgeMap<'_, S, W> {
    /// Offers `frontier` along the live arcs, on the calling thread. `states` has one a shard.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub fn push(
        &self,
        states: &mut [ShardState<W>],
        frontier: &[&Slice<W>],
    ) -> Result<Effort, ModelError> {
        let groups: Vec<Sources<'_, W>> = frontier.iter().map(|slice| Sources::of(slice)).collect();
        if let Coins::ByBlock(coins) = self.coins {
            let lanes = states.iter_mut().map(ShardState::exclusive).collect();
            let work = BlockWork::Sources { groups: &groups, end: u64::MAX };
            return Ok(self.push_blocks(coins, lanes, work).0);
        }
        let work = Work::Sources { groups: &groups, max_arcs: usize::MAX };
        let shards = self.shards.iter().zip(states);
        let efforts = shards.map(|(shard, state)| {
            self.with_rule(shard, |rule| self.push_arcs((shard, rule), state.exclusive(), work).0)
        });
        efforts.reduce(sum).unwrap_or(Ok(Effort::default()))
    }

    /// Offers `frontier` along the live arcs, on the calling thread, pair by pair; appends what
    /// becomes active to `next`, and gives the number of its nodes beside the effort.
    ///
    /// # Errors
    /// Those of [`EdgeMap::push`].
    ///
    /// # Panics
    /// Where it is not known which shards a source has arcs into. Block coins are not meant.
    pub fn push_light(
        &self,
        states: &mut [ShardState<W>],
        frontier: &[Activation],
        next: &mut Vec<Activation>,
    ) -> Result<(Effort, usize), ModelError> {
        let presence = self.presence.expect("asked by whoever lists a frontier");
        let (mut effort, mut n_distinct) = (Effort::default(), 0);
        for (shard_idx, (shard, state)) in self.shards.iter().zip(states).enumerate() {
            let (next, n_distinct) = (&mut *next, &mut n_distinct);
            let pairs = LightPairs {
                shard,
                shard_idx,
                presence,
                lanes: state.exclusive(),
                keys: self.keys,
                frontier,
                next,
                n_distinct,
            };
            effort += self.with_rule(shard, |rule| match self.coins {
                Coins::ByLane => self.isa.run(LightArcs { pairs, rule, coins: ByLane }),
                _ => self.isa.run(LightArcs { pairs, rule, coins: ByOctet }),
            })?;
        }
        Ok((effort, n_distinct))
    }

    /// As [`EdgeMap::push`], from the nodes of the shards, which have in-views, to `frontier`; of
    /// coins that arcs draw each for itself.
    ///
    /// # Errors
    /// Those of [`EdgeMap::push`].
    pub fn pull(
        &self,
        states: &mut [ShardState<W>],
        frontier: &mut DenseFrontier<W>,
        parallelism: Parallelism,
    ) -> Result<Effort, ModelError> {
        let frontier = frontier.view();
        let pull = |shard: &S, state: &mut ShardState<W>| {
            let (keys, lanes) = (self.keys, state.exclusive());
            self.with_rule(shard, |rule| match self.coins {
                Coins::ByLane => {
                    self.isa.run(PullArcs { shard, lanes, keys, rule, coins: ByLane, frontier })
                }
                _ => self.isa.run(PullArcs { shard, lanes, keys, rule, coins: ByOctet, frontier }),
            })
        };
        match parallelism {
            Parallelism::Sequential => {
                let efforts =
                    self.shards.iter().zip(states).map(|(shard, state)| pull(shard, state));
                efforts.reduce(sum).unwrap_or(Ok(Effort::default()))
            }
            Parallelism::Pool => {
                let shards = self.shards.par_iter().zip(states);
                let efforts = shards.map(|(shard, state)| pull(shard, state));
                efforts.reduce(|| Ok(Effort::default()), sum)
            }
        }
    }

    /// As [`EdgeMap::push`], on the current rayon pool.
    ///
    /// # Errors
    /// Those of [`EdgeMap::push`].
    pub fn push_pooled(
        &self,
        states: &[ShardState<W>],
        frontier: &[&Slice<W>],
    ) -> Result<Effort, ModelError> {
        let tasks = || {
            frontier.par_iter().flat_map(|slice| {
                let nodes = slice.nodes.par_chunks(NODES_PER_TASK);
                let masks = slice.masks.par_chunks(NODES_PER_TASK);
                nodes.zip(masks).map(|(nodes, masks)| Sources { nodes, masks })
            })
        };
        if let Coins::ByBlock(coins) = self.coins {
            let efforts = tasks().map(|sources| self.push_blocks_task(coins, states, sources));
            return Ok(efforts.reduce(Effort::default, Effort::add));
        }
        let shards = self.shards.par_iter().zip(states);
        let efforts = shards.map(|(shard, state)| {
            self.with_rule(shard, |rule| {
                let efforts = tasks().map(|sources| self.push_task((shard, rule), state, sources));
                efforts.reduce(Effort::default, Effort::add)
            })
        });
        efforts.reduce(|| Ok(Effort::default()), sum)
    }

    /// Hubs are cut into pieces, which other threads may take; a coded list is decoded once for all
    /// of them, and once to see that it is long.
    fn push_task(
        &self,
        (shard, rule): (&S, &dyn LiveArcs),
        state: &ShardState<W>,
        sources: Sources<'_, W>,
    ) -> Effort {
        let work = Work::Sources { groups: &[sources], max_arcs: ARCS_PER_TASK };
        let (mut effort, hubs) = self.push_arcs((shard, rule), state.shared(), work);
        let mut scratch = Vec::new();
        for (source, offered) in hubs {
            let OutArcs { first_arc, targets } = shard.out_arcs(source, &mut scratch);
            let pieces = targets.par_chunks(ARCS_PER_TASK).enumerate().map(|(piece, targets)| {
                let arcs = OutArcs { first_arc: first_arc + piece * ARCS_PER_TASK, targets };
                let work = Work::Piece { source, offered, arcs };
                self.push_arcs((shard, rule), state.shared(), work).0
            });
            effort += pieces.reduce(Effort::default, Effort::add);
        }
        effort
    }

    /// As [`EdgeMap::push_task`], for block coins.
    fn push_blocks_task(
        &self,
        coins: &BlockCoins,
        states: &[ShardState<W>],
        sources: Sources<'_, W>,
    ) -> Effort {
        let lanes = || states.iter().map(ShardState::shared).collect();
        // Blocks begin and end with pieces.
        let end = ARCS_PER_TASK as u64;
        let work = BlockWork::Sources { groups: &[sources], end };
        let (mut effort, hubs) = self.push_blocks(coins, lanes(), work);
        let mut scratch = vec![Vec::new(); self.shards.len()];
        for (source, offered) in hubs {
            let parts = &self.lists().parts(source, &mut scratch)[..];
            let n_pieces = parts.last().map_or(0, Part::end).div_ceil(end);
            let pieces = (1..n_pieces).into_par_iter().map(|piece| {
                let ranks = piece * end..(piece + 1) * end;
                let work = BlockWork::Piece { source, offered, parts, ranks };
                self.push_blocks(coins, lanes(), work).0
            });
            effort += pieces.reduce(Effort::default, Effort::add);
        }
        effort
    }

    fn push_arcs<'w>(
        &'w self,
        (shard, rule): (&'w S, &'w dyn LiveArcs),
        lanes: impl NodeLanes<W>,
        work: Work<'w, W>,
    ) -> (Effort, Vec<(NodeId, &'w LaneMask<W>)>) {
        let keys = self.keys;
        if *self.coins == Coins::ByLane {
            self.isa.run(PushArcs { shard, lanes, keys, rule, coins: ByLane, work })
        } else {
            self.isa.run(PushArcs { shard, lanes, keys, rule, coins: ByOctet, work })
        }
    }

    fn push_blocks<'w, L: NodeLanes<W>>(
        &'w self,
        coins: &'w BlockCoins,
        lanes: Vec<L>,
        work: BlockWork<'w, W>,
    ) -> (Effort, Vec<(NodeId, &'w LaneMask<W>)>) {
        self.isa.run(PushBlocks { lists: self.lists(), lanes, keys: self.keys, coins, work })
    }

    fn lists(&self) -> PartedLists<'_, S> {
        PartedLists { shards: self.shards, presence: self.presence }
    }

    fn with_rule<T>(
        &self,
        shard: &S,
        body: impl FnOnce(&dyn LiveArcs) -> T,
    ) -> Result<T, ModelError> {
        self.model.with_rule(shard, body)
    }
}

/// Which arcs are live in a job.
#[derive(Clone, Copy, Debug)]
pub struct JobModel<'a> {
    /// The model.
    pub model: &'a LiveArcModel,
    /// The job's seed.
    pub seed: u64,
    /// What the model reads of the nodes.
    pub endpoints: &'a Endpoints,
}

impl JobModel<'_> {
    /// Calls `body` with the rule on `shard`.
    ///
    /// # Errors
    /// [`ModelError`] when the shard lacks what the model reads.
    pub(crate) fn with_rule<S: Shard, T>(
        self,
        shard: &S,
        body: impl FnOnce(&dyn LiveArcs) -> T,
    ) -> Result<T, ModelError> {
        struct Body<F>(F);
        impl<S: Shard, T, F: FnOnce(&dyn LiveArcs) -> T> RuleVisitor<S> for Body<F> {
            type Output = T;
            fn visit(self, rule: &impl LiveArcs) -> T {
                self.0(rule)
            }
        }
        self.model.visit_rule(shard, (self.seed, self.endpoints), Body(body))
    }
}

fn sum(
    sum: Result<Effort, ModelError>,
    effort: Result<Effort, ModelError>,
) -> Result<Effort, ModelError> {
    Ok(sum? + effort?)
}
