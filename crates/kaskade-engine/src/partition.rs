//! A partition: the shards that one worker of a group holds for a job, and a batch on them.

use std::sync::Arc;

use kaskade_model::coin::{Isa, LaneKeys, simulation_key};
use kaskade_model::diffusion::ModelError;
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, first_lanes};
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{NodeId, Round, Shard};
use rayon::prelude::*;

use crate::kernel::{EdgeMap, Effort, LaneCounts, Parallelism, ShardState};
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
}

impl<S: Shard> Partition<S> {
    /// Joins `shards` and `plan`, after checking that the model finds what it reads.
    ///
    /// # Errors
    /// [`ModelError`] names what is missing or the node whose weights exceed 1.
    pub fn new(shards: Vec<S>, plan: JobPlan, isa: Isa) -> Result<Self, ModelError> {
        shards.iter().try_for_each(|shard| plan.model.check(shard))?;
        Ok(Self { shards, plan, isa })
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
    keys: Box<[LaneKeys; W]>,
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
        let key_of_lane = |lane: u64| simulation_key(plan.seed, batch.first_simulation + lane);
        let keys = Box::new(std::array::from_fn(|word| {
            LaneKeys::new(|lane| key_of_lane((word * LANES_PER_WORD + lane) as u64))
        }));
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
        first_lanes(self.batch.n_lanes as usize)
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

        let Partition { shards, plan, isa } = &*self.partition;
        let push = |(shard, state): (&S, &ShardState<W>)| {
            let map = EdgeMap { shard, state, keys: &self.keys, isa: *isa };
            map.push(&plan.model, plan.seed, &frontier, parallelism)
        };
        let effort = match parallelism {
            Parallelism::Sequential => {
                sum_efforts(shards.iter().zip(&self.states).map(push).collect())?
            }
            Parallelism::Pool => {
                sum_efforts(shards.par_iter().zip(&self.states).map(push).collect())?
            }
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
        let take_new = |state: &mut ShardState<W>| {
            let mut counts = LaneCounts::default();
            (state.take_new(round, &mut counts), counts)
        };
        let taken: Vec<_> = match parallelism {
            Parallelism::Sequential => self.states.iter_mut().map(take_new).collect(),
            Parallelism::Pool => self.states.par_iter_mut().map(take_new).collect(),
        };
        let mut counts = LaneCounts::<W>::default();
        self.frontier = taken
            .into_iter()
            .map(|(slice, shard_counts)| {
                counts.merge(&shard_counts);
                slice
            })
            .collect();
        self.n_new = counts.total();
        if self.n_new > 0 {
            let n_lanes = self.batch.n_lanes as usize;
            let lanes_before = round.0 as usize * n_lanes;
            self.tally.new_per_round.resize(lanes_before, 0);
            self.tally.new_per_round.extend(counts.n_new.iter().flatten().take(n_lanes));
            let sums = counts.fingerprints.iter().flatten();
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
            let all = first_lanes(batch.n_lanes as usize);
            nodes.iter().for_each(|node| seed_one(NodeId(node), &all));
        }
        each @ SeedPlan::RandomEach(_) => {
            for lane in 0..batch.n_lanes as usize {
                let mut mask = [0; W];
                mask[lane / LANES_PER_WORD] = 1 << (lane % LANES_PER_WORD);
                let simulation = batch.first_simulation + lane as u64;
                for node in each.of_simulation(plan.seed, simulation, plan.n_nodes) {
                    seed_one(node, &mask);
                }
            }
        }
    }
}

fn sum_efforts(efforts: Vec<Result<Effort, ModelError>>) -> Result<Effort, ModelError> {
    efforts.into_iter().try_fold(Effort::default(), |mut sum, effort| {
        sum += effort?;
        Ok(sum)
    })
}
