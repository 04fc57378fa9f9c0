//! A partition: the shards that one worker of a group holds for a job, and a batch on them.

use std::sync::Arc;

use kaskade_model::coin::Isa;
use kaskade_model::diffusion::ModelError;
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask};
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{NodeId, Round, Shard};
use rayon::prelude::*;

use crate::kernel::{BatchKeys, Coins, EdgeMap, LaneCounts, Parallelism, Presence, ShardState};
use crate::slice::Slice;

/// A worker's shards of a job's graph, ascending, and the job itself. In one process the
/// partition is the whole graph.
#[derive(Debug)]
pub struct Partition<S> {
    /// The shards.
    pub shards: Vec<S>,
    /// The job.
    pub plan: JobPlan,
    /// The instruction set that throws the coins.
    pub isa: Isa,
    /// The way that a batch is computed.
    pub direction: Direction,
    coins: Coins,
    presence: Option<Presence>,
}

/// The way that a batch is computed; never what comes out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// By what the batch and those before it took.
    #[default]
    Auto,
    /// Round by round from the seeds.
    Forward,
    /// From every node back to the seeds, where the model allows it and the whole graph is here
    /// ([`crate::kernel::run_backward`]).
    Backward,
}

impl<S: Shard> Partition<S> {
    /// Joins `shards` and `plan`, after checking that the model finds what it reads.
    ///
    /// # Errors
    /// [`ModelError`] names what is missing or the node whose weights exceed 1.
    pub fn new(shards: Vec<S>, plan: JobPlan, isa: Isa) -> Result<Self, ModelError> {
        shards.iter().try_for_each(|shard| plan.model.check(shard))?;
        let coins = Coins::of(&plan.model, plan.coins)?;
        let presence = match coins {
            Coins::ByBlock(_) => Presence::new(&shards, plan.n_nodes),
            Coins::ByLane | Coins::ByOctet => None,
        };
        Ok(Self { shards, plan, isa, direction: Direction::Auto, coins, presence })
    }

    /// The cleared state of a batch with W words.
    #[must_use]
    pub fn new_states<const W: usize>(&self) -> Vec<ShardState<W>> {
        self.shards.iter().map(|shard| ShardState::new(shard.nodes())).collect()
    }
}

/// A round of fewer frontier nodes and arcs runs on the calling thread: waking a pool costs more.
const LIGHT_ROUND_NODES: usize = 256;
const LIGHT_ROUND_ARCS: usize = 1 << 15;

/// A batch on a partition, round by round.
#[derive(Debug)]
pub struct BatchRun<S, const W: usize> {
    partition: Arc<Partition<S>>,
    batch: BatchPlan,
    keys: Box<BatchKeys<W>>,
    states: Vec<ShardState<W>>,
    /// The own nodes that became active in `round`, a slice per shard.
    frontier: Vec<Slice<W>>,
    /// (node, lane) pairs in it.
    n_new: u64,
    round: Round,
    tally: PartitionTally,
}

impl<S: Shard, const W: usize> BatchRun<S, W> {
    /// Begins `batch` on cleared `states` (one a shard) with its seeds active in round 0.
    #[must_use]
    pub fn begin(
        partition: Arc<Partition<S>>,
        batch: BatchPlan,
        mut states: Vec<ShardState<W>>,
    ) -> Self {
        let plan = &partition.plan;
        let keys = Box::new(BatchKeys::new(plan.seed, &batch));
        states.iter_mut().for_each(|state| state.begin(batch.lanes()));
        seed(plan, &batch, &mut states);
        let mut run = Self {
            batch,
            keys,
            frontier: Vec::new(),
            n_new: 0,
            round: Round(0),
            tally: PartitionTally::empty(batch.first_simulation, batch.n_lanes),
            states,
            partition,
        };
        run.close_round(Parallelism::Sequential);
        run
    }

    /// The batch.
    #[must_use]
    pub fn batch(&self) -> &BatchPlan {
        &self.batch
    }

    /// The round whose activations are the frontier.
    #[must_use]
    pub fn round(&self) -> Round {
        self.round
    }

    /// The own nodes that became active in [`BatchRun::round`], a slice per shard.
    #[must_use]
    pub fn frontier(&self) -> &[Slice<W>] {
        &self.frontier
    }

    /// (node, lane) pairs in the frontier.
    #[must_use]
    pub fn n_new(&self) -> u64 {
        self.n_new
    }

    /// Whether the rounds are used up.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.partition.plan.max_rounds.is_some_and(|max_rounds| self.round.0 >= max_rounds)
    }

    /// Nodes of the graph.
    #[must_use]
    pub fn n_nodes(&self) -> u32 {
        self.partition.plan.n_nodes
    }

    /// The lanes that the batch has.
    #[must_use]
    pub fn lanes(&self) -> LaneMask<W> {
        self.batch.lanes()
    }

    /// What the partition has counted so far.
    #[must_use]
    pub fn tally(&self) -> &PartitionTally {
        &self.tally
    }

    /// What the partition counts; work of the exchange is added here by its owner.
    pub fn tally_mut(&mut self) -> &mut PartitionTally {
        &mut self.tally
    }

    /// Runs one round: offers the own frontier and the `remote` slices to the own nodes.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub fn step(
        &mut self,
        remote: &[Slice<W>],
        parallelism: Parallelism,
    ) -> Result<(), ModelError> {
        let own = self.frontier.iter();
        let frontier: Vec<&Slice<W>> = own.chain(remote).filter(|s| s.n_nodes() > 0).collect();
        let n_nodes: usize = frontier.iter().map(|slice| slice.n_nodes()).sum();
        let _span = tracing::info_span!("round", round = self.round.0, n_nodes).entered();
        let is_light = parallelism == Parallelism::Pool && self.is_light(n_nodes, &frontier);
        let parallelism = if is_light { Parallelism::Sequential } else { parallelism };

        let Partition { shards, plan, isa, coins, presence, .. } = &*self.partition;
        let map = EdgeMap {
            shards,
            presence: presence.as_ref(),
            model: (&plan.model, plan.seed),
            coins,
            keys: &self.keys,
            isa: *isa,
        };
        let effort = match parallelism {
            Parallelism::Sequential => map.push(&mut self.states, &frontier)?,
            Parallelism::Pool => map.push_pooled(&self.states, &frontier)?,
        };
        self.tally.work.arcs_scanned += effort.arcs_scanned;
        self.tally.work.coins += effort.coins;
        self.round = self.round.next();
        self.close_round(parallelism);
        tracing::debug!(n_arcs = effort.arcs_scanned, n_new = self.n_new, "round finished");
        Ok(())
    }

    fn is_light(&self, n_nodes: usize, frontier: &[&Slice<W>]) -> bool {
        if n_nodes >= LIGHT_ROUND_NODES {
            return false;
        }
        let nodes = || frontier.iter().flat_map(|slice| slice.nodes.iter().copied().map(NodeId));
        let shards = self.partition.shards.iter();
        let degrees = shards.flat_map(|shard| nodes().map(|node| shard.n_out_arcs(node)));
        degrees.sum::<usize>() < LIGHT_ROUND_ARCS
    }

    /// Ends the batch: what was counted, and the states, cleared for the next.
    #[must_use]
    pub fn finish(mut self) -> (PartitionTally, Vec<ShardState<W>>) {
        self.states.iter_mut().for_each(ShardState::clear);
        (self.tally, self.states)
    }

    /// Takes what became active in `round` as the frontier, and counts it.
    fn close_round(&mut self, parallelism: Parallelism) {
        let round = self.round;
        let mut counts = LaneCounts::<W>::default();
        self.frontier = match parallelism {
            Parallelism::Sequential => {
                self.states.iter_mut().map(|state| state.take_new(round, &mut counts)).collect()
            }
            Parallelism::Pool => {
                let taken: Vec<_> = self
                    .states
                    .par_iter_mut()
                    .map(|state| {
                        let mut counts = LaneCounts::default();
                        (state.take_new(round, &mut counts), counts)
                    })
                    .collect();
                let slices = taken.into_iter().map(|(slice, of_shard)| {
                    counts.merge(&of_shard);
                    slice
                });
                slices.collect()
            }
        };
        self.n_new = counts.total();
        if self.n_new > 0 {
            let (first_lane, n_lanes) =
                (self.batch.first_lane() as usize, self.batch.n_lanes as usize);
            let lanes_before = round.0 as usize * n_lanes;
            self.tally.new_per_round.resize(lanes_before, 0);
            let n_new = counts.n_new.iter().flatten().skip(first_lane);
            self.tally.new_per_round.extend(n_new.take(n_lanes));
            let sums = counts.fingerprints.iter().flatten().skip(first_lane);
            for (fingerprint, sum) in self.tally.fingerprints.iter_mut().zip(sums) {
                *fingerprint = fingerprint.wrapping_add(*sum);
            }
        }
    }
}

fn seed<const W: usize>(plan: &JobPlan, batch: &BatchPlan, states: &mut [ShardState<W>]) {
    let mut seed_one = |node: NodeId, mask: &LaneMask<W>| {
        if let Some(state) = states.iter_mut().find(|state| state.nodes().contains(node)) {
            state.seed(node, mask);
        }
    };
    match &plan.seeds {
        SeedPlan::Fixed(nodes) => {
            let all = batch.lanes();
            nodes.iter().for_each(|node| seed_one(NodeId(node), &all));
        }
        each @ SeedPlan::RandomEach(_) => {
            for number in 0..batch.n_lanes {
                let lane = (batch.first_lane() + number) as usize;
                let mut mask = [0; W];
                mask[lane / LANES_PER_WORD] = 1 << (lane % LANES_PER_WORD);
                let simulation = batch.first_simulation + u64::from(number);
                for node in each.of_simulation(plan.seed, simulation, plan.n_nodes) {
                    seed_one(node, &mask);
                }
            }
        }
    }
}
