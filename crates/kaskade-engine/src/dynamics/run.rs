//! A batch, round by round.

use std::sync::Arc;

use kaskade_model::coin::{Family, Vectorised, Vectors};
use kaskade_model::diffusion::{Arc as GraphArc, LiveArcs, ModelError, RuleVisitor};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::LaneMask;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{Round, Shard, coin};
use rayon::prelude::*;

use super::draws::RoundDraws;
use super::launch::Launch;
use super::machine::{Arrivals, NodeMachine, ShardRound};
use crate::kernel::{
    BatchKeys, ByLane, ByOctet, Effort, LaneCounts, LaneTotals, Parallelism, PushArcs, Sources,
    WordCoins, Work,
};
use crate::partition::Partition;
use crate::slice::Slice;

/// A batch on a partition whose nodes are machines of kind `M`, one for each shard.
#[derive(Debug)]
pub struct DynamicsRun<S, M, const W: usize> {
    partition: Arc<Partition<S>>,
    batch: BatchPlan,
    keys: Box<BatchKeys<W>>,
    machines: Vec<M>,
    /// The own nodes that transmit in the next round: for each side a slice per shard.
    frontier: Vec<Vec<Slice<W>>>,
    n_transmitting: u64,
    n_pending: u64,
    round: Round,
    tally: PartitionTally,
}

impl<S: Shard, M: NodeMachine<W>, const W: usize> DynamicsRun<S, M, W> {
    /// The cleared machines of the shards of `partition`.
    #[must_use]
    pub fn new_machines(partition: &Partition<S>) -> Vec<M> {
        let dynamics = &partition.plan.dynamics;
        let traits = &partition.traits;
        partition.shards.iter().map(|shard| M::new(shard, dynamics, traits)).collect()
    }

    /// Begins `batch` on cleared `machines` (one a shard) with the seeds of round 0.
    ///
    /// # Errors
    /// As [`DynamicsRun::step`].
    pub fn begin(
        partition: Arc<Partition<S>>,
        batch: BatchPlan,
        mut machines: Vec<M>,
    ) -> Result<Self, ModelError> {
        machines.iter_mut().for_each(|machine| machine.begin(batch.lanes()));
        let mut run = Self {
            batch,
            keys: Box::new(BatchKeys::new(partition.plan.seed, &batch)),
            machines,
            frontier: Vec::new(),
            n_transmitting: 0,
            n_pending: 0,
            round: Round(0),
            tally: PartitionTally::empty(batch.first_simulation, batch.n_lanes),
            partition,
        };
        run.tally.series.n_measures = run.partition.plan.dynamics.measures().len() as u32;
        run.compute(Round(0), &[], Parallelism::Sequential)?;
        Ok(run)
    }

    /// The batch.
    #[must_use]
    pub fn batch(&self) -> &BatchPlan {
        &self.batch
    }

    /// The round that was computed last.
    #[must_use]
    pub fn round(&self) -> Round {
        self.round
    }

    /// What is simulated.
    #[must_use]
    pub fn plan(&self) -> &JobPlan {
        &self.partition.plan
    }

    /// The own nodes that transmit in the next round: for each side a slice per shard.
    #[must_use]
    pub fn frontier(&self) -> &[Vec<Slice<W>>] {
        &self.frontier
    }

    /// (node, lane) pairs in the frontier.
    #[must_use]
    pub fn n_transmitting(&self) -> u64 {
        self.n_transmitting
    }

    /// What can still happen here without anybody transmitting: messages under way, seeds of later
    /// rounds, infections that incubate.
    #[must_use]
    pub fn n_pending(&self) -> u64 {
        self.n_pending
    }

    /// Whether the rounds are used up.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.partition.plan.max_rounds.is_some_and(|max_rounds| self.round.0 >= max_rounds)
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

    /// Runs one round: offers the own frontier and `remote`, for each side the slices of the
    /// peers, to the own nodes.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub fn step(
        &mut self,
        remote: &[Vec<Slice<W>>],
        parallelism: Parallelism,
    ) -> Result<(), ModelError> {
        self.compute(self.round.next(), remote, parallelism)
    }

    /// Runs one round of a partition that is the whole graph.
    ///
    /// # Errors
    /// As [`DynamicsRun::step`].
    pub fn step_alone(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
        let _span = tracing::debug_span!("round", round = self.round.0).entered();
        self.step(&[], parallelism)
    }

    /// Ends the batch: what was counted, and the machines, cleared for the next.
    #[must_use]
    pub fn finish(mut self) -> (PartitionTally, Vec<M>) {
        self.machines.iter_mut().for_each(M::clear);
        (self.tally, self.machines)
    }

    fn compute(
        &mut self,
        round: Round,
        remote: &[Vec<Slice<W>>],
        parallelism: Parallelism,
    ) -> Result<(), ModelError> {
        let _span = tracing::debug_span!("expand", n_pairs = self.n_transmitting).entered();
        let partition = Arc::clone(&self.partition);
        let dynamics = &partition.plan.dynamics;
        let n_sides = dynamics.n_sides();
        let own = std::mem::take(&mut self.frontier);
        let sources: Vec<Vec<Sources<'_, W>>> = (0..n_sides)
            .map(|side| {
                let slices = [own.get(side), remote.get(side)].into_iter().flatten().flatten();
                slices.filter(|slice| slice.n_nodes() > 0).map(Sources::of).collect()
            })
            .collect();
        let launch = Launch::of_round(&partition.plan, &self.batch, round);
        let n_measures = dynamics.measures().len();
        let keys = &self.keys;
        let compute_shard = |(shard, machine): (&S, &mut M)| {
            let step = ShardStep {
                shard,
                machine,
                keys,
                sources: &sources,
                launch: &launch,
                round,
                outcome: ShardRound::new(n_sides, n_measures),
            };
            partition.compute_shard(step)
        };
        let outcomes: Vec<(ShardRound<W>, Effort)> = match parallelism {
            Parallelism::Sequential => {
                let shards = partition.shards.iter().zip(&mut self.machines);
                shards.map(compute_shard).collect::<Result<_, _>>()?
            }
            Parallelism::Pool => {
                let shards = partition.shards.par_iter().zip(&mut self.machines);
                shards.map(compute_shard).collect::<Result<_, _>>()?
            }
        };
        self.close_round(round, outcomes);
        Ok(())
    }

    fn close_round(&mut self, round: Round, outcomes: Vec<(ShardRound<W>, Effort)>) {
        let dynamics = &self.partition.plan.dynamics;
        let later = dynamics.pushes.iter().filter(|push| push.round > round.0);
        self.n_pending = later.count() as u64;
        self.frontier = vec![Vec::with_capacity(outcomes.len()); dynamics.n_sides()];
        let mut counts = LaneCounts::<W>::default();
        let n_measures = self.tally.series.n_measures as usize;
        let mut measures = vec![LaneTotals::<W>::default(); n_measures];
        for (outcome, effort) in outcomes {
            counts.merge(&outcome.counts);
            measures.iter_mut().zip(&outcome.measures).for_each(|(sum, of)| sum.merge(of));
            self.n_pending += outcome.n_pending;
            for (slices, slice) in self.frontier.iter_mut().zip(outcome.frontier) {
                slices.push(slice);
            }
            self.tally.work.arcs_scanned += effort.arcs_scanned;
            self.tally.work.coins += effort.coins;
        }
        self.round = round;
        let slices = self.frontier.iter().flatten();
        self.n_transmitting = slices.map(Slice::n_activations).sum();
        counts.tally(round, &self.batch, &mut self.tally);
        let (first_lane, n_lanes) = (self.batch.first_lane() as usize, self.batch.n_lanes as usize);
        for measure in &measures {
            self.tally.series.values.extend(measure.by_lane().skip(first_lane).take(n_lanes));
        }
    }
}

impl<S: Shard> Partition<S> {
    /// Runs `step` with the rule of the job's model and its coins.
    fn compute_shard<M: NodeMachine<W>, const W: usize>(
        &self,
        step: ShardStep<'_, S, M, W>,
    ) -> Result<(ShardRound<W>, Effort), ModelError> {
        let Self { plan, isa, .. } = self;
        let (shard, round) = (step.shard, step.round);
        let draws_every_round = plan.dynamics.draws_every_round();
        let run = |rule: &dyn LiveArcs| match plan.coins {
            Family::Arc => isa.run(WithCoins { step, rule, coins: ByLane }),
            Family::Octet | Family::Block => isa.run(WithCoins { step, rule, coins: ByOctet }),
        };
        struct Body<F>(F);
        impl<S: Shard, T, F: FnOnce(&dyn LiveArcs) -> T> RuleVisitor<S> for Body<F> {
            type Output = T;
            fn visit(self, rule: &impl LiveArcs) -> T {
                self.0(rule)
            }
        }
        plan.model.visit_rule(
            shard,
            plan.seed,
            Body(
                |rule: &dyn LiveArcs| {
                    if draws_every_round { run(&AtRound { rule, round }) } else { run(rule) }
                },
            ),
        )
    }
}

/// A rule whose coins are thrown anew in every round.
struct AtRound<'a> {
    rule: &'a dyn LiveArcs,
    round: Round,
}

impl LiveArcs for AtRound<'_> {
    fn draw(&self, arc: GraphArc) -> coin::Draw {
        let draw = self.rule.draw(arc);
        coin::Draw { item: coin::at_round(draw.item, self.round), ..draw }
    }
}

/// One round of one shard.
struct ShardStep<'a, S, M, const W: usize> {
    shard: &'a S,
    machine: &'a mut M,
    keys: &'a BatchKeys<W>,
    /// For each side who transmits.
    sources: &'a [Vec<Sources<'a, W>>],
    launch: &'a Launch<W>,
    round: Round,
    outcome: ShardRound<W>,
}

/// The same with the rule of the arcs, and how they draw.
struct WithCoins<'a, S, M, C, const W: usize> {
    step: ShardStep<'a, S, M, W>,
    rule: &'a dyn LiveArcs,
    coins: C,
}

impl<S: Shard, M: NodeMachine<W>, C: WordCoins<W>, const W: usize> Vectorised
    for WithCoins<'_, S, M, C, W>
{
    type Output = (ShardRound<W>, Effort);

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Self::Output {
        let Self { step, rule, coins } = self;
        let ShardStep { shard, machine, keys, sources, launch, round, mut outcome } = step;
        let draws = RoundDraws { vectors, coins, keys, round };
        let mut effort = Effort::default();
        for (side, groups) in (0u8..).zip(sources) {
            let lanes = Arrivals { machine: &mut *machine, draws: &draws, side };
            let work = Work::Sources { groups, max_arcs: usize::MAX };
            effort += PushArcs { shard, lanes, keys, rule, coins, work }.run(vectors).0;
        }
        let own = machine.nodes();
        for seed in launch.starting(&draws).filter(|seed| own.contains(seed.node)) {
            machine.launch(&seed);
        }
        machine.settle(&draws, &mut outcome);
        (outcome, effort)
    }
}
