//! A batch of the classical cascade on a partition, round by round.

use std::sync::Arc;

use kaskade_model::coin::activation_fingerprint;
use kaskade_model::diffusion::ModelError;
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, lanes_of};
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{AnyShard, NodeId, NodeRange, Round};
use rayon::prelude::*;

use super::tracer::{Activated, Tracer, count_of};
use super::{Method, Partition};
use crate::kernel::{
    Activation, BatchKeys, DenseFrontier, EdgeMap, LaneCounts, Parallelism, ShardState, Sources,
};
use crate::slice::Slice;

/// A round of fewer frontier nodes and arcs runs on the calling thread: waking a pool costs more.
const LIGHT_ROUND_NODES: usize = 256;
const LIGHT_ROUND_ARCS: usize = 1 << 15;

/// With so many new lanes a node or fewer a frontier is listed pair by pair; with more than so many
/// it is made of slices again.
const LIGHT_LANES: u64 = 4;
const MAX_LIGHT_LANES: u64 = 6;

/// A batch on a partition, round by round.
#[derive(Debug)]
pub struct BatchRun<const W: usize> {
    partition: Arc<Partition>,
    batch: BatchPlan,
    keys: Box<BatchKeys<W>>,
    states: Vec<ShardState<W>>,
    /// The own nodes that became active in `round`, a slice per shard; empty where
    /// `activations` has them.
    frontier: Vec<Slice<W>>,
    /// The same as a list, while few lanes of a node are active.
    activations: Vec<Activation>,
    /// Room for the same by node, once a round was pulled.
    dense: Option<DenseFrontier<W>>,
    /// (node, lane) pairs in it.
    n_new: u64,
    round: Round,
    /// Whether the frontier was offered in this round.
    own_is_offered: bool,
    /// Whether much was offered in this round.
    is_heavy: bool,
    tracer: Option<Tracer<W>>,
    tally: PartitionTally,
}

impl<const W: usize> BatchRun<W> {
    /// Begins `batch` on cleared `states` (one a shard) with its seeds active in round 0.
    ///
    /// # Errors
    /// As [`BatchRun::step`].
    pub fn begin(
        partition: Arc<Partition>,
        batch: BatchPlan,
        mut states: Vec<ShardState<W>>,
    ) -> Result<Self, ModelError> {
        let plan = &partition.plan;
        let keys = Box::new(BatchKeys::new(plan.seed, &batch));
        states.iter_mut().for_each(|state| state.begin(batch.lanes()));
        seed(plan, &batch, &mut states);
        let mut run = Self {
            batch,
            keys,
            frontier: Vec::new(),
            activations: Vec::new(),
            dense: None,
            n_new: 0,
            round: Round(0),
            own_is_offered: false,
            is_heavy: false,
            tracer: Tracer::of(&partition, &batch),
            tally: PartitionTally::empty(batch.first_simulation, batch.n_lanes),
            states,
            partition,
        };
        run.close_round(Parallelism::Sequential)?;
        Ok(run)
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

    /// Runs one round of a partition that is the whole graph.
    ///
    /// # Errors
    /// As [`BatchRun::step`].
    pub fn step_alone(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
        let _span =
            tracing::debug_span!("round", round = self.round.0, n_new = self.n_new).entered();
        if self.activations.is_empty() && self.is_forced_light() {
            self.list_frontier();
        }
        if self.activations.is_empty() {
            self.step(&[], parallelism)?;
            let n_nodes: usize = self.frontier.iter().map(Slice::n_nodes).sum();
            if self.has_few_lanes(n_nodes, LIGHT_LANES, parallelism) {
                self.list_frontier();
            }
            return Ok(());
        }
        let n_nodes = self.step_light()?;
        if !self.has_few_lanes(n_nodes, MAX_LIGHT_LANES, parallelism) {
            self.slice_frontier();
        }
        Ok(())
    }

    /// Whether the frontier's `n_nodes` nodes have at most `lanes` new lanes on average; on a
    /// pool, which can do nothing for a list, also whether it is small.
    fn has_few_lanes(&self, n_nodes: usize, lanes: u64, parallelism: Parallelism) -> bool {
        let is_small = parallelism == Parallelism::Sequential || n_nodes < LIGHT_ROUND_NODES;
        let has_few = is_small && self.n_new <= lanes * n_nodes as u64;
        match self.partition.method {
            Method::Light => self.is_forced_light(),
            Method::Pull => false,
            _ => self.partition.can_be_light() && has_few && self.tracer.is_none(),
        }
    }

    fn is_forced_light(&self) -> bool {
        let can_be_light = self.partition.can_be_light() && self.tracer.is_none();
        self.partition.method == Method::Light && can_be_light
    }

    /// One round with the frontier as a list; gives the nodes of the next.
    fn step_light(&mut self) -> Result<usize, ModelError> {
        let frontier = std::mem::take(&mut self.activations);
        let _span = tracing::debug_span!("expand", n_nodes = frontier.len()).entered();
        let mut next = Vec::new();
        let partition = Arc::clone(&self.partition);
        let map = edge_map(&partition, &self.keys);
        let (effort, n_nodes) = map.push_light(&mut self.states, &frontier, &mut next)?;
        self.tally.work.arcs_scanned += effort.arcs_scanned;
        self.tally.work.coins += effort.coins;
        self.round = self.round.next();
        let mut counts = LaneCounts::<W>::default();
        let mut by_shard = ByShard::new(&self.states);
        for &Activation { node, lane } in &next {
            let node = NodeId(node);
            counts.add_lane(lane, activation_fingerprint(node, self.round));
            self.states[by_shard.of(node)].forget_mark(node);
        }
        self.activations = next;
        self.count(&counts);
        tracing::debug!(n_arcs = effort.arcs_scanned, n_new = self.n_new, "round finished");
        Ok(n_nodes)
    }

    /// Makes a list of the frontier.
    fn list_frontier(&mut self) {
        for slice in std::mem::take(&mut self.frontier) {
            for (&node, mask) in slice.nodes.iter().zip(&slice.masks) {
                for (word, &lanes) in mask.iter().enumerate() {
                    self.activations.extend(lanes_of(lanes).map(|lane| Activation {
                        node,
                        lane: (LANES_PER_WORD * word + lane) as u32,
                    }));
                }
            }
        }
    }

    /// Makes slices of the frontier.
    fn slice_frontier(&mut self) {
        let mut by_shard = ByShard::new(&self.states);
        for Activation { node, lane } in std::mem::take(&mut self.activations) {
            self.states[by_shard.of(NodeId(node))].make_new(NodeId(node), lane);
        }
        // They were counted when they were listed.
        let mut counted = LaneCounts::default();
        let states = self.states.iter_mut();
        self.frontier = states.map(|state| state.take_new(self.round, &mut counted)).collect();
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
        self.offer(remote, parallelism)?;
        self.end_round(parallelism)
    }

    /// Offers `remote` slices to the own nodes and, the first time in a round, the own frontier
    /// with them. A round's slices may come in any parts and order: what becomes active is the same.
    ///
    /// # Errors
    /// As [`BatchRun::step`].
    pub fn offer(
        &mut self,
        remote: &[Slice<W>],
        parallelism: Parallelism,
    ) -> Result<(), ModelError> {
        // A worker alone steps like this after a report, whatever it did before.
        if !self.activations.is_empty() {
            self.slice_frontier();
        }
        let frontier = to_offer(&self.frontier, self.own_is_offered, remote);
        let n_nodes: usize = frontier.iter().map(|slice| slice.n_nodes()).sum();
        let _span = tracing::debug_span!("expand", n_nodes).entered();
        let is_light = parallelism == Parallelism::Pool && self.is_light(&frontier);
        let parallelism = if is_light { Parallelism::Sequential } else { parallelism };

        let partition = Arc::clone(&self.partition);
        if let Some(tracer) = &mut self.tracer {
            tracer.listen(&[vec![frontier.iter().map(|slice| Sources::of(slice)).collect()]]);
        }
        let map = edge_map(&partition, &self.keys);
        let effort = if partition.is_pulled(n_nodes, parallelism) {
            let n_nodes = partition.plan.n_nodes;
            let dense = self.dense.get_or_insert_with(|| DenseFrontier::new(n_nodes));
            dense.fill(&frontier);
            map.pull(&mut self.states, dense, parallelism)?
        } else {
            match parallelism {
                Parallelism::Sequential => map.push(&mut self.states, &frontier)?,
                Parallelism::Pool => map.push_pooled(&self.states, &frontier)?,
            }
        };
        self.is_heavy |= !is_light;
        self.own_is_offered = true;
        self.tally.work.arcs_scanned += effort.arcs_scanned;
        self.tally.work.coins += effort.coins;
        Ok(())
    }

    /// Ends the round in which all that there is was offered: what became active is the next
    /// frontier.
    ///
    /// # Errors
    /// As [`BatchRun::step`].
    pub fn end_round(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
        let is_heavy = std::mem::take(&mut self.is_heavy);
        self.own_is_offered = false;
        self.round = self.round.next();
        self.close_round(if is_heavy { parallelism } else { Parallelism::Sequential })?;
        tracing::debug!(round = self.round.0, n_new = self.n_new, "round finished");
        Ok(())
    }

    /// Whether `remote`, and the own frontier where it was not offered yet, are so small that to
    /// offer them, and to end the round then, takes less than to wake another thread.
    #[must_use]
    pub fn is_light_with(&self, remote: &[Slice<W>]) -> bool {
        // At the end of a traced round all that was offered is gone over once more.
        let ends_light = self.tracer.is_none() || !self.is_heavy;
        ends_light
            && self.activations.is_empty()
            && self.is_light(&to_offer(&self.frontier, self.own_is_offered, remote))
    }

    fn is_light(&self, frontier: &[&Slice<W>]) -> bool {
        if frontier.iter().map(|slice| slice.n_nodes()).sum::<usize>() >= LIGHT_ROUND_NODES {
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
        if let Some(tracer) = self.tracer {
            tracer.finish(&mut self.tally);
        }
        if self.partition.plan.recording.nodes {
            let reached = &mut self.tally.reached;
            for state in &self.states {
                state.each_reached(|node, lanes| reached.extend(count_of(node, &lanes)));
            }
        }
        self.states.iter_mut().for_each(ShardState::clear);
        (self.tally, self.states)
    }

    /// Takes what became active in `round` as the frontier, and counts it.
    fn close_round(&mut self, parallelism: Parallelism) -> Result<(), ModelError> {
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
        if let Some(tracer) = &mut self.tracer {
            let activated = |slice| Activated { by_way: vec![slice], late: Vec::new() };
            let activated: Vec<_> = self.frontier.iter().map(activated).collect();
            let on = (&*self.partition, &*self.keys);
            tracer.end_round(on, round, &activated)?;
        }
        self.count(&counts);
        Ok(())
    }

    /// Adds what became active in this round.
    fn count(&mut self, counts: &LaneCounts<W>) {
        self.n_new = counts.total();
        counts.tally(self.round, &self.batch, &mut self.tally);
    }
}

/// The slices of a round that are still to be offered.
fn to_offer<'a, const W: usize>(
    own: &'a [Slice<W>],
    own_is_offered: bool,
    remote: &'a [Slice<W>],
) -> Vec<&'a Slice<W>> {
    let own = if own_is_offered { &[] } else { own };
    own.iter().chain(remote).filter(|slice| slice.n_nodes() > 0).collect()
}

fn edge_map<'a, const W: usize>(
    partition: &'a Partition,
    keys: &'a BatchKeys<W>,
) -> EdgeMap<'a, AnyShard, W> {
    let Partition { shards, isa, coins, presence, .. } = partition;
    let model = partition.job_model();
    EdgeMap { shards, presence: presence.as_ref(), model, coins, keys, isa: *isa }
}

/// Finds the shard of a node, mostly the one of the node before.
struct ByShard {
    ranges: Vec<NodeRange>,
    last: usize,
}

impl ByShard {
    fn new<const W: usize>(states: &[ShardState<W>]) -> Self {
        Self { ranges: states.iter().map(ShardState::nodes).collect(), last: 0 }
    }

    /// The position of the shard that owns `node`, which one of them does.
    #[inline]
    fn of(&mut self, node: NodeId) -> usize {
        if !self.ranges[self.last].contains(node) {
            // Shards ascend; the one sought is the last that does not begin after the node.
            self.last = self.ranges.partition_point(|range| range.begin <= node.0) - 1;
            while !self.ranges[self.last].contains(node) {
                self.last -= 1;
            }
        }
        self.last
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
                for node in each.of_simulation(plan.seed, simulation, plan.n_nodes, 0) {
                    seed_one(node, &mask);
                }
            }
        }
    }
}
