//! A batch, round by round.

use std::sync::Arc;

use kaskade_model::coin::{Family, Isa, Vectorised, Vectors};
use kaskade_model::diffusion::{Arc as GraphArc, LiveArcs, ModelError};
use kaskade_model::dynamics::Channel;
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LaneMask, is_empty};
use kaskade_model::tally::PartitionTally;
use kaskade_model::{AnyShard, Round, coin};
use rayon::prelude::*;

use super::draws::RoundDraws;
use super::launch::Launch;
use super::machine::{Arrivals, NodeMachine, Pass, ShardRound};
use super::recent::Recent;
use crate::kernel::{
    BatchKeys, ByLane, ByOctet, Effort, LaneCounts, LaneTotals, Parallelism, PushArcs, Sources,
    WordCoins, Work,
};
use crate::partition::{Activated, Partition, Tracer, count_of};
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
    /// Who transmits in this round, and who did of late.
    recent: Recent<W>,
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
        let machine = |(shard_idx, shard): (usize, &AnyShard)| {
            let over = |channel: &Channel| partition.layers.in_degrees(shard_idx, channel.place);
            let in_degrees: Vec<&[u32]> = match &dynamics.channels[..] {
                [] => vec![shard.in_degrees()],
                channels => channels.iter().map(|of| over(of).unwrap_or_default()).collect(),
            };
            M::new(shard, dynamics, traits, &in_degrees)
        };
        partition.shards.iter().enumerate().map(machine).collect()
    }

    /// Begins `batch` on cleared `machines` (one a shard) with the seeds of round 0.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub fn begin(
        partition: Arc<Partition>,
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
            recent: Recent::new(&partition.plan.dynamics),
            n_pending: 0,
            round: Round(0),
            own_is_offered: false,
            tracer: Tracer::of(&partition, &batch),
            tally: PartitionTally::empty(batch.first_simulation, batch.n_lanes),
            partition,
        };
        run.tally.series.n_measures = run.partition.plan.dynamics.measures().len() as u32;
        run.settle(Round(0), Parallelism::Sequential)?;
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

    /// The own nodes that transmit in the next round, until they were offered: for each side a slice
    /// per shard.
    #[must_use]
    pub fn frontier(&self) -> &[Vec<Slice<W>>] {
        &self.frontier
    }

    /// (node, lane) pairs in the frontier.
    #[must_use]
    pub fn n_transmitting(&self) -> u64 {
        self.n_transmitting
    }

    /// What can still happen here without anybody transmitting: messages under way, sources that are
    /// held back, seeds of later rounds, infections that incubate.
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
        remote: Vec<Vec<Slice<W>>>,
        parallelism: Parallelism,
    ) -> Result<(), ModelError> {
        let _span = tracing::debug_span!("expand", n_pairs = self.n_transmitting).entered();
        let before = self.own_is_offered.then(|| self.recent.n_offered());
        if before.is_none() {
            self.recent.add(std::mem::take(&mut self.frontier));
        }
        self.recent.add(remote);
        self.own_is_offered = true;
        let Self { partition, keys, machines, recent, tracer, .. } = self;
        let n_channels = partition.plan.dynamics.channels.len().max(1);
        let sources: Vec<_> =
            (0..n_channels).map(|channel| recent.sources(channel, before.as_deref())).collect();
        let round = self.round.next();
        if let Some(tracer) = tracer {
            tracer.listen(&sources);
        }
        let offer_to = |(shard_idx, (shard, machine)): (usize, (&AnyShard, &mut M))| {
            let offer = Offer { shard, machine, keys, sources: &sources, round, pass: Pass::First };
            partition.offer_to(shard_idx, offer)
        };
        for effort in on_each_shard(partition, machines, parallelism, offer_to)? {
            self.tally.work.arcs_scanned += effort.arcs_scanned;
            self.tally.work.coins += effort.coins;
        }
        Ok(())
    }

    /// Ends the round in which all that there is was offered.
    ///
    /// # Errors
    /// As [`DynamicsRun::offer`].
    pub fn end_round(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
        self.own_is_offered = false;
        self.settle(self.round.next(), parallelism)
    }

    /// Runs one round of a partition that is the whole graph.
    ///
    /// # Errors
    /// As [`DynamicsRun::offer`].
    pub fn step_alone(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
        let _span = tracing::debug_span!("round", round = self.round.0).entered();
        self.offer(Vec::new(), parallelism)?;
        self.end_round(parallelism)
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
    fn settle(&mut self, round: Round, parallelism: Parallelism) -> Result<(), ModelError> {
        let partition = Arc::clone(&self.partition);
        let dynamics = &partition.plan.dynamics;
        let launch = Launch::of_round(&partition.plan, &self.batch, round);
        let n_measures = self.tally.series.n_measures as usize;
        let traced = self.tracer.as_ref().map_or([0; W], Tracer::lanes);
        let Self { keys, machines, recent, .. } = &mut *self;
        // Only contests ask for them again.
        let n_channels = if dynamics.asks_sources() { dynamics.channels.len().max(1) } else { 0 };
        let sources: Vec<_> =
            (0..n_channels).map(|channel| recent.sources(channel, None)).collect();
        let settle = |(shard_idx, (shard, machine)): (usize, (&AnyShard, &mut M))| {
            let mut outcome = ShardRound::new(dynamics, n_measures, traced);
            let step =
                |machine: &mut M, step| partition.settle(Settle { machine, keys, round, step });
            let mut effort = Effort::default();
            let mut is_contested = step(machine, Step::Gather(&launch));
            while is_contested {
                let machine = &mut *machine;
                let pass = Pass::Contests;
                let offer = Offer { shard, machine, keys, sources: &sources, round, pass };
                effort += partition.offer_to(shard_idx, offer)?;
                is_contested = step(machine, Step::Contest);
            }
            step(machine, Step::Settle(&mut outcome));
            Ok((outcome, effort.coins))
        };
        let outcomes = on_each_shard(&partition, machines, parallelism, settle)?;
        // Arcs that are gone over twice are counted once, coins whenever they are thrown.
        self.tally.work.coins += outcomes.iter().map(|(_, n_coins)| n_coins).sum::<u64>();
        self.close_round(round, outcomes.into_iter().map(|(outcome, _)| outcome).collect())
    }

    fn close_round(
        &mut self,
        round: Round,
        outcomes: Vec<ShardRound<W>>,
    ) -> Result<(), ModelError> {
        let dynamics = &self.partition.plan.dynamics;
        let later = dynamics.pushes.iter().filter(|push| push.round > round.0);
        self.n_pending = later.count() as u64 + self.recent.end_round();
        self.frontier = vec![Vec::with_capacity(outcomes.len()); dynamics.n_sides()];
        let mut counts = LaneCounts::<W>::default();
        let n_measures = self.tally.series.n_measures as usize;
        let mut measures = vec![LaneTotals::<W>::default(); n_measures];
        if let Some(tracer) = &mut self.tracer {
            let shards = outcomes.iter().zip(&self.machines);
            let activated: Vec<_> =
                shards.map(|(outcome, machine)| activated(outcome, machine, tracer)).collect();
            let on = (&*self.partition, &*self.keys);
            tracer.end_round(on, round, &activated)?;
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
        Ok(())
    }
}

/// What `visit` gives for each shard of `partition`, by its number, and its machine.
fn on_each_shard<M: Send, T: Send>(
    partition: &Partition,
    machines: &mut [M],
    parallelism: Parallelism,
    visit: impl Fn((usize, (&AnyShard, &mut M))) -> Result<T, ModelError> + Sync + Send,
) -> Result<Vec<T>, ModelError> {
    match parallelism {
        Parallelism::Sequential => {
            partition.shards.iter().zip(machines).enumerate().map(visit).collect()
        }
        Parallelism::Pool => {
            partition.shards.par_iter().zip(machines).enumerate().map(visit).collect()
        }
    }
}

/// What became active in the lanes of a shard that `tracer` asks about, and what came late to it.
fn activated<'a, const W: usize>(
    outcome: &'a ShardRound<W>,
    machine: &impl NodeMachine<W>,
    tracer: &Tracer<W>,
) -> Activated<'a, W> {
    let (mut late, traced) = (Vec::new(), tracer.lanes());
    machine.each_late(|source, target_idx, way, lanes| {
        let lanes: LaneMask<W> = std::array::from_fn(|word| lanes[word] & traced[word]);
        if !is_empty(&lanes) {
            late.push((source, target_idx, way, lanes));
        }
    });
    Activated { by_way: outcome.activated().collect(), late }
}

impl Partition {
    /// Runs `offer` with the rule of the job's model and its coins.
    fn offer_to<M: NodeMachine<W>, const W: usize>(
        &self,
        shard_idx: usize,
        offer: Offer<'_, M, W>,
    ) -> Result<Effort, ModelError> {
        let (plan, isa) = (&self.plan, self.isa);
        let Offer { shard, machine, keys, sources, round, pass } = offer;
        let draws_every_round = plan.dynamics.draws_every_round();
        let n_channels = sources.len();
        let mut effort = Effort::default();
        for channel in 0..n_channels {
            let mut run = |rule: &dyn LiveArcs| {
                let offer = Offer { shard, machine: &mut *machine, keys, sources, round, pass };
                let ways = (channel, n_channels);
                match plan.coins {
                    Family::Arc => isa.run(OfferBy { offer, rule, ways, coins: ByLane, isa }),
                    Family::Octet | Family::Block => {
                        isa.run(OfferBy { offer, rule, ways, coins: ByOctet, isa })
                    }
                }
            };
            effort += self.with_rule((shard_idx, shard), channel, |rule| {
                if draws_every_round { run(&AtRound { rule, round }) } else { run(rule) }
            })?;
        }
        Ok(effort)
    }

    /// Runs `settle` with the job's coins.
    fn settle<M: NodeMachine<W>, const W: usize>(&self, settle: Settle<'_, M, W>) -> bool {
        match self.plan.coins {
            Family::Arc => settle.run(self.isa, ByLane),
            Family::Octet | Family::Block => settle.run(self.isa, ByOctet),
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
    /// For each channel, for each side.
    sources: &'a [Vec<Vec<Sources<'a, W>>>],
    round: Round,
    pass: Pass,
}

/// The same with the rule of the arcs, and how they draw.
struct OfferBy<'a, M, C, const W: usize> {
    offer: Offer<'a, M, W>,
    rule: &'a dyn LiveArcs,
    /// The channel that messages go along, and how many there are.
    ways: (usize, usize),
    coins: C,
    /// For what nodes draw.
    isa: Isa,
}

impl<M: NodeMachine<W>, C: WordCoins<W>, const W: usize> Vectorised for OfferBy<'_, M, C, W> {
    type Output = Effort;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Effort {
        let Self { offer, rule, ways: (channel, n_channels), coins, isa } = self;
        let Offer { shard, machine, keys, sources, round, pass } = offer;
        let draws = RoundDraws { isa, coins, keys, round };
        let mut effort = Effort::default();
        for (side, groups) in sources[channel].iter().enumerate() {
            // At most `MAX_SIDES` times `MAX_CHANNELS`.
            let way = (side * n_channels + channel) as u8;
            let lanes = Arrivals { machine: &mut *machine, draws: &draws, way, pass };
            let work = Work::Sources { groups, max_arcs: usize::MAX };
            effort += PushArcs { shard, lanes, keys, rule, coins, work }.run(vectors).0;
        }
        effort
    }
}

/// A step of the end of a round in a shard.
struct Settle<'a, M, const W: usize> {
    machine: &'a mut M,
    keys: &'a BatchKeys<W>,
    round: Round,
    step: Step<'a, W>,
}

/// What is done then, one after the other.
enum Step<'a, const W: usize> {
    /// The seeds start, what was under way arrives, and the first contests begin.
    Gather(&'a Launch<W>),
    /// Those end that were begun, and others begin.
    Contest,
    /// The nodes decide.
    Settle(&'a mut ShardRound<W>),
}

impl<M: NodeMachine<W>, const W: usize> Settle<'_, M, W> {
    /// Whether arcs must be gone over once more for the contests that began.
    fn run(self, isa: Isa, coins: impl WordCoins<W>) -> bool {
        let Self { machine, keys, round, step } = self;
        let draws = RoundDraws { isa, coins, keys, round };
        match step {
            Step::Gather(launch) => {
                let own = machine.nodes();
                for seed in launch.starting(&draws).filter(|seed| own.contains(seed.node)) {
                    machine.launch(&seed);
                }
                machine.gather(&draws);
                machine.contest(&draws)
            }
            Step::Contest => machine.contest(&draws),
            Step::Settle(outcome) => {
                machine.settle(&draws, outcome);
                false
            }
        }
    }
}
