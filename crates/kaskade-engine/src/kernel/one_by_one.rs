//! Independent cascade with block coins, one simulation after another.
//!
//! Where few arcs are live, simulations have little in common but their seeds: a node that is
//! active in one is mostly inactive in the others, and words of lanes are mostly zeros. Here who is
//! active is a bitmap of one simulation, which stays in a near cache, and a queue. The
//! seeds draw for 64 simulations at once. The whole graph must be here.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use kaskade_model::coin::{
    self, Block, BlockCoins, BlockSource, Isa, LaneKeys, OctetKeys, Vectorised, Vectors,
};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, lanes_of};
use kaskade_model::recording::TracedActivation;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{NodeId, Round};
use rayon::prelude::*;

use super::outcomes::Outcomes;
use super::parents::{Parents, TraceRoom};
use super::prefetch::prefetch;
use super::reach_counter::ReachCounter;
use super::{Effort, OutLists, Parallelism};

/// A graph whose simulations are run one after another.
#[derive(Debug)]
pub struct OneByOne {
    lists: OutLists,
    spare: Mutex<Vec<Scratch>>,
}

/// What is run on it.
#[derive(Clone, Copy, Debug)]
pub struct BlockJob<'a> {
    /// The job.
    pub plan: &'a JobPlan,
    /// Its coins.
    pub coins: &'a BlockCoins,
    /// The instruction set that throws them.
    pub isa: Isa,
}

impl OneByOne {
    /// The graph of `lists`.
    #[must_use]
    pub fn new(lists: OutLists) -> Self {
        Self { lists, spare: Mutex::default() }
    }

    /// Runs `batch` of `job`; `None` when `is_interrupted` says so, which is asked once in 64
    /// simulations.
    pub fn run(
        &self,
        job: BlockJob<'_>,
        batch: &BatchPlan,
        parallelism: Parallelism,
        is_interrupted: &(impl Fn() -> bool + Sync),
    ) -> Option<PartitionTally> {
        let JobPlan { recording, n_nodes, .. } = *job.plan;
        let kept = Kept {
            reach: ReachCounter::new(recording.nodes, n_nodes, parallelism),
            trace_room: TraceRoom::new(),
            first_simulation: batch.first_simulation,
        };
        let first_word = batch.first_simulation / LANES_PER_WORD as u64;
        let n_words = (batch.first_lane() + batch.n_lanes).div_ceil(LANES_PER_WORD as u32);
        let of_word = |word: u32| {
            let begin = LANES_PER_WORD as u32 * word;
            let lanes = (0..LANES_PER_WORD as u32).filter(|lane| {
                (batch.first_lane()..batch.first_lane() + batch.n_lanes).contains(&(begin + lane))
            });
            let lanes = lanes.fold(0, |lanes, lane| lanes | 1 << lane);
            let number = first_word + u64::from(word);
            (!is_interrupted()).then(|| self.run_word(job, number, lanes, &kept))
        };
        let words: Option<Vec<Outcomes>> = match parallelism {
            Parallelism::Sequential => (0..n_words).map(of_word).collect(),
            Parallelism::Pool => (0..n_words).into_par_iter().map(of_word).collect(),
        };
        let words = words?.into_iter();
        let mut tally = words.fold(Outcomes::default(), Outcomes::append).tally(batch);
        tally.reached = kept.reach.into_counts();
        Some(tally)
    }

    fn run_word(&self, job: BlockJob<'_>, number: u64, lanes: u64, kept: &Kept) -> Outcomes {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = spare().pop();
        let mut scratch = scratch.unwrap_or_else(|| Scratch::new(job.plan.n_nodes));
        let word = Word::new(job, &self.lists, number, lanes, (&mut scratch, kept));
        let is_traced = word.traced != 0;
        let outcomes = job.isa.run(word);
        if !is_traced {
            // Whoever traces no more needs no room for it.
            scratch.parents = Parents::default();
        }
        spare().push(scratch);
        outcomes
    }
}

/// What is kept of the simulations of a batch besides counts.
#[derive(Debug)]
struct Kept {
    reach: ReachCounter,
    trace_room: TraceRoom,
    /// That of the batch.
    first_simulation: u64,
}

/// What a thread keeps from one simulation to the next.
#[derive(Debug)]
struct Scratch {
    active: Active,
    /// By lane: the targets of live arcs of the seeds.
    reached: Vec<Vec<u32>>,
    new_per_round: Vec<u64>,
    /// Of the one that is traced.
    parents: Parents,
}

impl Scratch {
    fn new(n_nodes: u32) -> Self {
        Self {
            active: Active::new(n_nodes),
            reached: vec![Vec::new(); LANES_PER_WORD],
            new_per_round: Vec::new(),
            parents: Parents::default(),
        }
    }
}

/// 64 simulations.
struct Word<'a> {
    job: BlockJob<'a>,
    lists: &'a OutLists,
    /// The first is number 64·`number`.
    number: u64,
    /// Those that are run.
    lanes: u64,
    /// Those of them that are traced.
    traced: u64,
    keys: (LaneKeys, OctetKeys),
    scratch: &'a mut Scratch,
    kept: &'a Kept,
}

impl<'a> Word<'a> {
    fn new(
        job: BlockJob<'a>,
        lists: &'a OutLists,
        number: u64,
        lanes: u64,
        (scratch, kept): (&'a mut Scratch, &'a Kept),
    ) -> Self {
        let simulation = |lane: usize| number * LANES_PER_WORD as u64 + lane as u64;
        let seed = job.plan.seed;
        let lane_keys = LaneKeys::new(|lane| coin::simulation_key(seed, simulation(lane)));
        let keys = (lane_keys, OctetKeys::new(seed, number));
        let is_traced = |&lane: &usize| job.plan.traces_simulation(simulation(lane));
        let traced = lanes_of(lanes).filter(is_traced).fold(0, |traced, lane| traced | 1 << lane);
        Self { job, lists, number, lanes, traced, keys, scratch, kept }
    }
}

impl Vectorised for Word<'_> {
    type Output = Outcomes;

    #[inline(always)]
    fn run<V: Vectors>(mut self, vectors: V) -> Outcomes {
        let plan = self.job.plan;
        let mut outcomes = Outcomes::default();
        let fixed: Vec<NodeId> = match &plan.seeds {
            SeedPlan::Fixed(nodes) => nodes.iter().map(NodeId).collect(),
            SeedPlan::RandomEach(_) => Vec::new(),
        };
        let n_arcs: u64 = fixed.iter().map(|&seed| self.n_arcs(seed)).sum();
        let is_drawn_for_all =
            !fixed.is_empty() && plan.max_rounds != Some(0) && n_arcs <= MAX_ARCS_FOR_ALL;
        if is_drawn_for_all {
            outcomes.effort += self.draw_for_all(vectors, &fixed);
        }
        for lane in lanes_of(self.lanes) {
            match &plan.seeds {
                SeedPlan::Fixed(_) => self.scratch.active.activate_all(&fixed),
                each @ SeedPlan::RandomEach(_) => {
                    let simulation = self.number * LANES_PER_WORD as u64 + lane as u64;
                    let seeds = each.of_simulation(plan.seed, simulation, plan.n_nodes, 0);
                    self.scratch.active.activate_all(&seeds);
                }
            }
            let is_drawn = is_drawn_for_all && self.traced >> lane & 1 == 0;
            let (fingerprint, effort) = self.spread(vectors, lane, is_drawn, &mut outcomes.trace);
            outcomes.push(&self.scratch.new_per_round, fingerprint);
            outcomes.effort += effort;
            let Kept { reach, .. } = self.kept;
            if reach.is_asked() {
                let active = &self.scratch.active;
                active.queue[..active.n_active].iter().for_each(|&node| reach.add(node));
            }
            self.scratch.active.clear();
        }
        outcomes
    }
}

impl Word<'_> {
    fn n_arcs(&self, node: NodeId) -> u64 {
        let arcs = self.lists.arcs(node.0);
        u64::from(arcs.end - arcs.start)
    }

    /// Draws the arcs of `seeds`, which are active in all simulations, for all of them at once:
    /// whom they reach is kept lane by lane. Those that are traced draw alone, for they ask by whom.
    #[inline(always)]
    fn draw_for_all<V: Vectors>(&mut self, vectors: V, seeds: &[NodeId]) -> Effort {
        let Self { job, lists, keys, scratch, .. } = self;
        let (targets, lanes) = (lists.targets(), self.lanes & !self.traced);
        let mut effort = Effort::default();
        if lanes == 0 {
            return effort;
        }
        for &seed in seeds {
            let arcs = lists.arcs(seed.0);
            let n_arcs = arcs.end - arcs.start;
            effort.arcs_scanned += u64::from(n_arcs);
            effort.coins += u64::from(n_arcs) * u64::from(lanes.count_ones());
            let mut rank = 0;
            while rank < u64::from(n_arcs) {
                // A source has fewer than 2³² arcs.
                let block = Block::of_rank(rank as u32);
                rank = block.end();
                let drawn = (BlockSource::new(seed), block);
                job.coins.visit_live_slots(vectors, (&keys.0, &keys.1), drawn, lanes, |live| {
                    let rank = block.first_rank + live.slot;
                    if rank < n_arcs {
                        let target = targets[(arcs.start + rank) as usize];
                        scratch.reached[live.lane as usize].push(target);
                    }
                });
            }
        }
        effort
    }

    /// Runs the simulation of `lane` from its seeds, which are active, to its end; gives its
    /// fingerprint. Whether those whom the seeds reach are drawn already says `is_drawn`. Who passed it
    /// to whom is added to `trace` where it is asked for.
    #[inline(always)]
    fn spread<V: Vectors>(
        &mut self,
        vectors: V,
        lane: usize,
        is_drawn: bool,
        trace: &mut Vec<TracedActivation>,
    ) -> (u64, Effort) {
        let is_traced = self.traced >> lane & 1 == 1;
        let last_round = self.job.plan.max_rounds.unwrap_or(u32::MAX);
        let (mut fingerprint, mut n_arcs, mut begin) = (0u64, 0, 0);
        self.scratch.new_per_round.clear();
        for round in 0.. {
            let new = begin..self.scratch.active.n_active;
            if is_traced {
                self.keep_parents(lane, (round, new.clone()), trace);
            }
            let Scratch { active, new_per_round, .. } = &mut *self.scratch;
            if new.is_empty() {
                break;
            }
            begin = new.end;
            new_per_round.push(new.len() as u64);
            fingerprint = active.queue[new.clone()].iter().fold(fingerprint, |sum, &node| {
                sum.wrapping_add(coin::activation_fingerprint(NodeId(node), Round(round)))
            });
            if round == last_round {
                break;
            }
            if is_traced {
                n_arcs += self.offer_traced(vectors, lane, new);
            } else if round == 0 && is_drawn {
                let Scratch { active, reached, .. } = &mut *self.scratch;
                reached[lane].drain(..).for_each(|target| active.activate(target));
            } else {
                n_arcs += self.offer(vectors, lane, new);
            }
        }
        (fingerprint, Effort { arcs_scanned: n_arcs, coins: n_arcs })
    }

    /// Activates whom the nodes at `sources` of the queue reach in `lane`; gives the number of
    /// their arcs.
    #[inline(always)]
    fn offer<V: Vectors>(&mut self, vectors: V, lane: usize, sources: Range<usize>) -> u64 {
        let Self { job, lists, keys, scratch, .. } = self;
        let (active, targets) = (&mut scratch.active, lists.targets());
        let (mut live, mut arcs_scanned) = (Pipeline::default(), 0);
        for position in sources {
            let source = active.queue[position];
            // Beyond the end of the round there is any node.
            lists.prefetch(active.queue[(position + N_AHEAD).min(active.queue.len() - 1)]);
            let arcs = lists.arcs(source);
            let n_arcs = arcs.end - arcs.start;
            if n_arcs == 0 {
                continue;
            }
            arcs_scanned += u64::from(n_arcs);
            let drawn = (BlockSource::new(NodeId(source)), n_arcs);
            job.coins.visit_live(vectors, (&keys.0, &keys.1), lane, drawn, |rank| {
                let arc = arcs.start + rank;
                prefetch(&targets[arc as usize]);
                if let Some(arc) = live.push(arc) {
                    active.activate(targets[arc as usize]);
                }
            });
        }
        live.drain(|arc| active.activate(targets[arc as usize]));
        arcs_scanned
    }

    /// As [`Word::offer`], and keeps who reached whom.
    fn offer_traced<V: Vectors>(&mut self, vectors: V, lane: usize, sources: Range<usize>) -> u64 {
        let Self { job, lists, keys, scratch, .. } = self;
        let (Scratch { active, parents, .. }, targets) = (&mut **scratch, lists.targets());
        let mut arcs_scanned = 0;
        for position in sources {
            let source = active.queue[position];
            let arcs = lists.arcs(source);
            let n_arcs = arcs.end - arcs.start;
            arcs_scanned += u64::from(n_arcs);
            let drawn = (BlockSource::new(NodeId(source)), n_arcs);
            job.coins.visit_live(vectors, (&keys.0, &keys.1), lane, drawn, |rank| {
                let target = targets[(arcs.start + rank) as usize];
                active.activate(target);
                parents.hear(source, target);
            });
        }
        arcs_scanned
    }

    /// Adds to `trace` by whom those at `activated` of the queue were reached, who became active in
    /// `round` of the simulation of `lane`.
    fn keep_parents(
        &mut self,
        lane: usize,
        (round, activated): (u32, Range<usize>),
        trace: &mut Vec<TracedActivation>,
    ) {
        let Scratch { active, parents, .. } = &mut *self.scratch;
        let of_simulation = (self.job.plan.n_nodes, self.keys.0.key(lane));
        let by_whom = parents.end_round(&active.queue[activated], of_simulation);
        let simulation = self.number * LANES_PER_WORD as u64 + lane as u64;
        let place = (simulation - self.kept.first_simulation) as u32;
        let activation = |(node, parent)| TracedActivation { place, round, node, parent };
        self.kept.trace_room.keep(trace, by_whom.into_iter().map(activation));
    }
}

/// Seeds with more arcs than this draw in each simulation for itself: what they reach in all of 64
/// waits in memory, 8 MiB with the highest probability that block coins are meant for.
const MAX_ARCS_FOR_ALL: u64 = 1 << 21;

/// So many nodes before a source is looked at, memory is asked for the place of its list.
const N_AHEAD: usize = 8;

/// The active nodes of one simulation: a bit a node, and all of them in the order in which they
/// became active.
#[derive(Debug)]
struct Active {
    bits: Vec<u64>,
    /// One place more than there are nodes: [`Active::activate`] always writes.
    queue: Vec<u32>,
    n_active: usize,
}

impl Active {
    fn new(n_nodes: u32) -> Self {
        let n_nodes = n_nodes as usize;
        Self { bits: vec![0; n_nodes.div_ceil(64)], queue: vec![0; n_nodes + 1], n_active: 0 }
    }

    /// Adds `node` unless it is there; without a branch, for nobody can foresee which.
    #[inline(always)]
    fn activate(&mut self, node: u32) {
        let word = &mut self.bits[node as usize / 64];
        let is_new = !(*word >> (node % 64)) & 1;
        *word |= is_new << (node % 64);
        self.queue[self.n_active] = node;
        self.n_active += is_new as usize;
    }

    fn activate_all(&mut self, nodes: &[NodeId]) {
        nodes.iter().for_each(|node| self.activate(node.0));
    }

    fn clear(&mut self) {
        let nodes = &self.queue[..std::mem::take(&mut self.n_active)];
        if nodes.len() > self.bits.len() / 8 {
            self.bits.fill(0);
        } else {
            nodes.iter().for_each(|&node| self.bits[node as usize / 64] = 0);
        }
    }
}

/// Arcs whose targets were asked for and are not looked at yet: first in, first out.
#[derive(Debug)]
struct Pipeline {
    arcs: [u32; Self::LEN],
    n_pushed: usize,
    n_taken: usize,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { arcs: [0; Self::LEN], n_pushed: 0, n_taken: 0 }
    }
}

impl Pipeline {
    /// About so many lines may be on their way to a processor.
    const LEN: usize = 32;

    /// Adds `arc`; gives the one that it takes the room of, once there is one.
    #[inline(always)]
    fn push(&mut self, arc: u32) -> Option<u32> {
        let oldest = std::mem::replace(&mut self.arcs[self.n_pushed % Self::LEN], arc);
        let is_full = self.n_pushed - self.n_taken == Self::LEN;
        self.n_pushed += 1;
        self.n_taken += usize::from(is_full);
        is_full.then_some(oldest)
    }

    /// Takes all that is left.
    #[inline(always)]
    fn drain(&mut self, mut take: impl FnMut(u32)) {
        while self.n_taken < self.n_pushed {
            take(self.arcs[self.n_taken % Self::LEN]);
            self.n_taken += 1;
        }
    }
}
