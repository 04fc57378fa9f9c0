//! A batch, round by round.

use std::sync::Arc;

use kaskade_model::coin::{Family, Vectorised, Vectors};
use kaskade_model::diffusion::{Arc as GraphArc, LiveArcs, ModelError};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::LaneMask;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{AnyShard, Round, coin};
use rayon::prelude::*;

use super::draws::RoundDraws;
use super::launch::Launch;
use super::machine::{Arrivals, NodeMachine, ShardRound};
use crate::kernel::{
    BatchKeys, ByLane, ByOctet, Effort, LaneCounts, LaneTotals, Parallelism, PushArcs, Sources,
    WordCoins, Work,
};
use crate::partition::{Partition, Tracer, count_of};
use crate::slice::Slice;

/// A batch on a partition whose nodes are machines of kind `M`, one for each shard.
#[derive(Debug)]
pub struct DynamicsRun<M, const W: usize> {
    partition: Arc<Partition>,
    batch: BatchPlan,
    keys: Box<BatchKeys<W>>,
    machines: Vec<M>,
    /// The own nodes that transmit in the next round: for each side a slice per shard.
    frontier: Vec<Vec<Slice<W>>>,
    n_transmitting: u64,
    n_pending: u64,
    round: Round,
    /// Whether the frontier was offered in this round.
    own_is_offered: bool,
    tracer: Option<Tracer<W>>,
    tally: PartitionTally,
}

impl<M: NodeMachine<W>, const W: usize> DynamicsRun<M, W> {
    /// The cleared machines of the shards of `partition`.
    #[must_use]
    pub fn new_machines(partition: &Partition) -> Vec<M> {
        let dynamics = &partition.plan.dynamics;
        let traits = &partition.traits;
        partition.shards.iter().map(|shard| M::new(shard, dynamics, traits)).collect()
    }

    /// Begins `batch` on cleared `machines` (one a shard) with the seeds of round 0.
    #[must_use]
    pub fn begin(partition: Arc<Partition>, batch: BatchPlan, mut machines: Vec<M>) -> Self {
        machines.iter_mut().for_each(|machine| machine.begin(batch.lanes()));
        let mut run = Self {
            batch,
            keys: Box::new(BatchKeys::new(partition.plan.seed, &batch)),
            machines,
            frontier: Vec::new(),
            n_transmitting: 0,
            n_pending: 0,
            round: Round(0),
            own_is_offered: false,
            tracer: Tracer::of(&partition.plan, &batch),
            tally: PartitionTally::empty(batch.first_simulation, batch.n_lanes),
            partition,
        };
        run.tally.series.n_measures = run.partition.plan.dynamics.measures().len() as u32;
        run.settle(Round(0), Parallelism::Sequential);
        run
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

    /// Offers `remote`, for each side the slices of peers, to the own nodes and, the first time in a
    /// round, the own frontier with them. A round's slices may come in any parts and order: what
    /// comes of them is the same.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub fn offer(
        &mut self,
        remote: &[Vec<Slice<W>>],
        parallelism: Parallelism,
    ) -> Result<(), ModelError> {
        let _span = tracing::debug_span!("expand", n_pairs = self.n_transmitting).entered();
        let partition = Arc::clone(&self.partition);
        let n_sides = partition.plan.dynamics.n_sides();
        let own = if self.own_is_offered { &[][..] } else { &self.frontier[..] };
        let sources: Vec<Vec<Sources<'_, W>>> = (0..n_sides)
            .map(|side| {
                let slices = [own.get(side), remote.get(side)].into_iter().flatten().flatten();
                slices.filter(|slice| slice.n_nodes() > 0).map(Sources::of).collect()
            })
            .collect();
        let (keys, round) = (&self.keys, self.round.next());
        if let Some(tracer) = &mut self.tracer {
            let machines = &self.machines;
            let active_before = |shard: usize, node_idx| machines[shard].active_before(node_idx);
            tracer.listen(&partition, keys, &sources[0], round, active_before)?;
        }
        let offer_to = |(shard_idx, (shard, machine)): (usize, (&AnyShard, &mut M))| {
            let offer = Offer { shard, machine, keys, sources: &sources, round };
            partition.offer_to(shard_idx, offer)
        };
        let efforts: Vec<Effort> = match parallelism {
            Parallelism::Sequential => {
                let shards = partition.shards.iter().zip(&mut self.machines);
                shards.enumerate().map(offer_to).collect::<Result<_, _>>()?
            }
            Parallelism::Pool => {
                let shards = partition.shards.par_iter().zip(&mut self.machines);
                shards.enumerate().map(offer_to).collect::<Result<_, _>>()?
            }
        };
        self.own_is_offered = true;
        for effort in efforts {
            self.tally.work.arcs_scanned += effort.arcs_scanned;
            self.tally.work.coins += effort.coins;
        }
        Ok(())
    }

    /// Ends the round in which all that there is was offered.
    pub fn end_round(&mut self, parallelism: Parallelism) {
        self.own_is_offered = false;
        self.settle(self.round.next(), parallelism);
    }

    /// Runs one round of a partition that is the whole graph.
    ///
    /// # Errors
    /// As [`DynamicsRun::offer`].
    pub fn step_alone(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
        let _span = tracing::debug_span!("round", round = self.round.0).entered();
        self.offer(&[], parallelism)?;
        self.end_round(parallelism);
        Ok(())
    }

    /// Ends the batch: what was counted, and the machines, cleared for the next.
    #[must_use]
    pub fn finish(mut self) -> (PartitionTally, Vec<M>) {
        if let Some(tracer) = self.tracer {
            tracer.finish(&mut self.tally);
        }
        if self.partition.plan.recording.nodes {
            let reached = &mut self.tally.reached;
            for machine in &self.machines {
                machine.each_reached(|node, lanes| reached.extend(count_of(node, &lanes)));
            }
        }
        self.machines.iter_mut().for_each(M::clear);
        (self.tally, self.machines)
    }

    /// What became of what was offered, and of the seeds of `round`.
    fn settle(&mut self, round: Round, parallelism: Parallelism) {
        let partition = Arc::clone(&self.partition);
        let dynamics = &partition.plan.dynamics;
        let launch = Launch::of_round(&partition.plan, &self.batch, round);
        let (n_sides, n_measures) = (dynamics.n_sides(), self.tally.series.n_measures as usize);
        let keys = &self.keys;
        let traced = self.tracer.as_ref().map_or([0; W], Tracer::lanes);
        let settle = |machine: &mut M| {
            let outcome = ShardRound::new(n_sides, n_measures, traced);
            partition.settle(Settle { machine, keys, launch: &launch, round, outcome })
        };
        let outcomes: Vec<ShardRound<W>> = match parallelism {
            Parallelism::Sequential => self.machines.iter_mut().map(settle).collect(),
            Parallelism::Pool => self.machines.par_iter_mut().map(settle).collect(),
        };
        self.close_round(round, outcomes);
    }

    fn close_round(&mut self, round: Round, outcomes: Vec<ShardRound<W>>) {
        let dynamics = &self.partition.plan.dynamics;
        let later = dynamics.pushes.iter().filter(|push| push.round > round.0);
        self.n_pending = later.count() as u64;
        self.frontier = vec![Vec::with_capacity(outcomes.len()); dynamics.n_sides()];
        let mut counts = LaneCounts::<W>::default();
        let n_measures = self.tally.series.n_measures as usize;
        let mut measures = vec![LaneTotals::<W>::default(); n_measures];
        if let Some(tracer) = &mut self.tracer {
            let activated = outcomes.iter().map(|outcome| &outcome.activated);
            tracer.end_round(round, activated, &mut self.tally);
        }
        for outcome in outcomes {
            counts.merge(&outcome.counts);
            measures.iter_mut().zip(&outcome.measures).for_each(|(sum, of)| sum.merge(of));
            self.n_pending += outcome.n_pending;
            for (slices, slice) in self.frontier.iter_mut().zip(outcome.frontier) {
                slices.push(slice);
            }
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

impl Partition {
    /// Runs `offer` with the rule of the job's model and its coins.
    fn offer_to<M: NodeMachine<W>, const W: usize>(
        &self,
        shard_idx: usize,
        offer: Offer<'_, M, W>,
    ) -> Result<Effort, ModelError> {
        let Self { plan, isa, .. } = self;
        let Offer { shard, machine, keys, sources, round } = offer;
        let draws_every_round = plan.dynamics.draws_every_round();
        let n_channels = plan.dynamics.channels.len();
        let mut run = |rule: &dyn LiveArcs, channel: usize| {
            let offer = Offer { shard, machine: &mut *machine, keys, sources, round };
            let ways = (channel, n_channels.max(1));
            match plan.coins {
                Family::Arc => isa.run(OfferBy { offer, rule, ways, coins: ByLane }),
                Family::Octet | Family::Block => {
                    isa.run(OfferBy { offer, rule, ways, coins: ByOctet })
                }
            }
        };
        if n_channels == 0 {
            return self.job_model().with_rule(shard, |rule| {
                if draws_every_round { run(&AtRound { rule, round }, 0) } else { run(rule, 0) }
            });
        }
        let mut effort = Effort::default();
        for (channel, of) in plan.dynamics.channels.iter().enumerate() {
            effort +=
                self.layers.with_rule((of, channel), plan.seed, (shard, shard_idx), |rule| {
                    run(rule, channel)
                })?;
        }
        Ok(effort)
    }

    /// Runs `settle` with the job's coins.
    fn settle<M: NodeMachine<W>, const W: usize>(&self, settle: Settle<'_, M, W>) -> ShardRound<W> {
        match self.plan.coins {
            Family::Arc => self.isa.run(SettleBy { settle, coins: ByLane }),
            Family::Octet | Family::Block => self.isa.run(SettleBy { settle, coins: ByOctet }),
        }
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

/// Who transmits in a round, to the nodes of a shard.
struct Offer<'a, M, const W: usize> {
    shard: &'a AnyShard,
    machine: &'a mut M,
    keys: &'a BatchKeys<W>,
    /// For each side.
    sources: &'a [Vec<Sources<'a, W>>],
    round: Round,
}

/// The same with the rule of the arcs, and how they draw.
struct OfferBy<'a, M, C, const W: usize> {
    offer: Offer<'a, M, W>,
    rule: &'a dyn LiveArcs,
    /// The channel that messages go along, and how many there are.
    ways: (usize, usize),
    coins: C,
}

impl<M: NodeMachine<W>, C: WordCoins<W>, const W: usize> Vectorised for OfferBy<'_, M, C, W> {
    type Output = Effort;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Effort {
        let Self { offer, rule, ways: (channel, n_channels), coins } = self;
        let Offer { shard, machine, keys, sources, round } = offer;
        let draws = RoundDraws { vectors, coins, keys, round };
        let mut effort = Effort::default();
        for (side, groups) in sources.iter().enumerate() {
            // At most `MAX_SIDES` times `MAX_CHANNELS`.
            let way = (side * n_channels + channel) as u8;
            let lanes = Arrivals { machine: &mut *machine, draws: &draws, way };
            let work = Work::Sources { groups, max_arcs: usize::MAX };
            effort += PushArcs { shard, lanes, keys, rule, coins, work }.run(vectors).0;
        }
        effort
    }
}

/// The end of a round in a shard.
struct Settle<'a, M, const W: usize> {
    machine: &'a mut M,
    keys: &'a BatchKeys<W>,
    launch: &'a Launch<W>,
    round: Round,
    outcome: ShardRound<W>,
}

/// The same with how nodes draw.
struct SettleBy<'a, M, C, const W: usize> {
    settle: Settle<'a, M, W>,
    coins: C,
}

impl<M: NodeMachine<W>, C: WordCoins<W>, const W: usize> Vectorised for SettleBy<'_, M, C, W> {
    type Output = ShardRound<W>;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> ShardRound<W> {
        let Self { settle: Settle { machine, keys, launch, round, mut outcome }, coins } = self;
        let draws = RoundDraws { vectors, coins, keys, round };
        let own = machine.nodes();
        for seed in launch.starting(&draws).filter(|seed| own.contains(seed.node)) {
            machine.launch(&seed);
        }
        machine.settle(&draws, &mut outcome);
        outcome
    }
}
