//! Nodes that become active once, and transmit in the one round after.

use std::sync::Arc as Shared;

use kaskade_model::coin::{Purpose, Threshold, arc_item, node_item};
use kaskade_model::diffusion::Arc;
use kaskade_model::dynamics::{DelayTable, Dynamics, NodeRule, NodeTraits, Sides, Tie};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, is_empty, lanes_of};
use kaskade_model::{NodeId, NodeRange, Round, Shard};

use super::calendar::{Arrival, Calendar};
use super::counters::Counters;
use super::draws::NodeDraws;
use super::machine::{NodeMachine, Seed, ShardRound, of_seed};
use super::places::Places;
use super::rivalry::Rivalry;
use super::saturated::Saturated;
use crate::kernel::{SummaryBitmap, Words, prefetch};

/// A shard's nodes under cascades and thresholds.
///
/// A live arc that is not delayed arrives in the round in which it is tried; a delayed one is noted
/// for later. What arrives is counted where nodes wait for several, and makes the node active in
/// the lanes that are left: then, and in its side, it draws what it does.
#[derive(Debug)]
pub struct Contagion<const W: usize> {
    nodes: NodeRange,
    all: LaneMask<W>,
    n_sides: usize,
    /// Per node W words of lanes in which it is active, then for each side those in which it was
    /// reached in this round.
    planes: Words,
    /// Nodes that are active in all lanes, or are not reached.
    saturated: Saturated,
    /// Nodes that were reached in this round.
    touched: SummaryBitmap,
    /// Nodes that are active in a lane.
    used: SummaryBitmap,
    counters: Option<Counters<W>>,
    delays: Option<(DelayTable, Calendar)>,
    rivalry: Option<Rivalry<W>>,
    /// The probability that a good word stays one.
    quality: Option<Threshold>,
    /// Whether some keep the message to themselves.
    forwards: bool,
    traits: Shared<NodeTraits>,
    places: Places,
    /// The seeds of this round, by place.
    seeds: Vec<(u32, LaneMask<W>)>,
}

const CHECKED: &str = "the dynamics of a plan are checked before it runs";

impl<const W: usize> NodeMachine<W> for Contagion<W> {
    fn new(shard: &impl Shard, dynamics: &Dynamics, traits: &Shared<NodeTraits>) -> Self {
        let nodes = shard.nodes();
        let (n_nodes, n_sides) = (nodes.n_nodes(), dynamics.n_sides());
        let threshold = |probability: f64| Threshold::from_probability(probability).expect(CHECKED);
        let (counters, quality, tie) = match &dynamics.rule {
            NodeRule::Threshold(requirement) => {
                (Some(Counters::new(shard, *requirement)), None, Tie::First)
            }
            NodeRule::Contagion(Sides::Opinion { quality }) => {
                (None, Some(threshold(*quality)), Tie::Random)
            }
            NodeRule::Contagion(Sides::Campaigns { tie, .. }) => (None, None, *tie),
            NodeRule::Contagion(Sides::One) | NodeRule::Epidemic(_) => (None, None, Tie::First),
        };
        Self {
            nodes,
            all: [u64::MAX; W],
            n_sides,
            planes: Words::zeroed(n_nodes * (1 + n_sides) * W),
            saturated: Saturated::new(nodes, traits),
            touched: SummaryBitmap::new(n_nodes),
            used: SummaryBitmap::new(n_nodes),
            counters,
            delays: dynamics.delay.table().map(|table| (table, Calendar::default())),
            rivalry: (n_sides > 1).then(|| Rivalry::new(n_nodes, tie)),
            quality,
            forwards: dynamics.conduct.asks_forward() || dynamics.audience.fakes.is_some(),
            traits: Shared::clone(traits),
            places: Places::of(dynamics),
            seeds: Vec::new(),
        }
    }

    fn nodes(&self) -> NodeRange {
        self.nodes
    }

    fn begin(&mut self, all: LaneMask<W>) {
        self.all = all;
    }

    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        self.saturated.contains(node_idx)
    }

    #[inline(always)]
    fn prefetch(&self, node_idx: u32) {
        prefetch(&self.planes[self.place(node_idx)]);
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        let place = self.place(node_idx);
        let relaxed = std::sync::atomic::Ordering::Relaxed;
        let seen = &self.planes[place..place + W];
        let lacking: LaneMask<W> =
            std::array::from_fn(|word| offered[word] & !seen[word].load(relaxed));
        if self.n_sides > 1 {
            return lacking;
        }
        // Nothing is gained by reaching it again.
        let reached = &self.planes[place + W..place + 2 * W];
        std::array::from_fn(|word| lacking[word] & !reached[word].load(relaxed))
    }

    #[inline(always)]
    fn reach(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, side: u8, live: &LaneMask<W>) {
        let tie_item = || arc_item(arc.source, arc.target, Purpose::Tie);
        let Some((table, calendar)) = &mut self.delays else {
            let tie_item = if self.n_sides > 1 { tie_item() } else { 0 };
            self.arrive(draws, arc.target_idx, side, tie_item, live);
            return;
        };
        let item = arc_item(arc.source, arc.target, Purpose::Delay);
        let mut at_once = [0; W];
        for (word, &live) in live.iter().enumerate() {
            for lane in lanes_of(live) {
                let lane_of_batch = LANES_PER_WORD * word + lane;
                let rounds = table.rounds(draws.uniform(item, lane_of_batch));
                if rounds == 1 {
                    at_once[word] |= 1 << lane;
                } else {
                    let round = Round(draws.round().0.saturating_add(rounds - 1));
                    let (source, target_idx) = (arc.source.0, arc.target_idx);
                    let lane = lane_of_batch as u16;
                    calendar.add(round, Arrival { source, target_idx, lane, side });
                }
            }
        }
        if !is_empty(&at_once) {
            self.arrive(draws, arc.target_idx, side, tie_item(), &at_once);
        }
    }

    fn launch(&mut self, seed: &Seed<W>) {
        let node_idx = seed.node.0 - self.nodes.begin;
        let place = self.place(node_idx);
        let planes = self.planes.exclusive();
        let lanes: LaneMask<W> = std::array::from_fn(|w| seed.lanes[w] & !planes[place + w]);
        if is_empty(&lanes) || !self.traits.class(seed.node).can_start {
            return;
        }
        let reached = &mut planes[place + (1 + usize::from(seed.side)) * W..][..W];
        reached.iter_mut().zip(lanes).for_each(|(reached, lanes)| *reached |= lanes);
        self.touched.insert(node_idx as usize);
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.note(node_idx, seed.side, seed.tie_item, &lanes);
        }
        self.seeds.push((node_idx, lanes));
    }

    fn settle(&mut self, draws: &impl NodeDraws<W>, outcome: &mut ShardRound<W>) {
        let due = self.delays.as_mut().map(|(_, calendar)| calendar.take(draws.round()));
        due.into_iter().flatten().for_each(|arrival| self.arrive_late(draws, arrival));
        self.seeds.sort_unstable_by_key(|(node_idx, _)| *node_idx);
        let mut touched = std::mem::replace(&mut self.touched, SummaryBitmap::new(0));
        touched.drain(|_| (), |at| self.activate(draws, at as u32, outcome));
        self.touched = touched;
        self.seeds.clear();
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.end_round();
        }
        outcome.n_pending = self.delays.as_ref().map_or(0, |(_, calendar)| calendar.n_pending());
    }

    fn active_before(&self, node_idx: u32) -> LaneMask<W> {
        let seen = &self.planes[self.place(node_idx)..][..W];
        std::array::from_fn(|word| seen[word].load(std::sync::atomic::Ordering::Relaxed))
    }

    fn each_reached(&self, mut visit: impl FnMut(NodeId, LaneMask<W>)) {
        self.used.each(|at| {
            let node = self.nodes.node(at as u32);
            if self.traits.class(node).counts {
                visit(node, self.active_before(at as u32));
            }
        });
    }

    fn clear(&mut self) {
        let n_words = (1 + self.n_sides) * W;
        let (planes, saturated) = (self.planes.exclusive(), &mut self.saturated);
        let mut forget = |at: usize| {
            planes[at * n_words..][..n_words].fill(0);
            saturated.forget(at);
        };
        self.used.drain(|_| (), &mut forget);
        // A batch that was aborted within a round leaves nodes that were just reached.
        self.touched.drain(|_| (), &mut forget);
        self.seeds.clear();
        self.counters.iter_mut().for_each(Counters::clear);
        self.rivalry.iter_mut().for_each(Rivalry::clear);
        self.delays.iter_mut().for_each(|(_, calendar)| calendar.clear());
    }
}

impl<const W: usize> Contagion<W> {
    /// The first word of the node at `node_idx`.
    #[inline(always)]
    fn place(&self, node_idx: u32) -> usize {
        node_idx as usize * (1 + self.n_sides) * W
    }

    /// A message that was under way.
    fn arrive_late(&mut self, draws: &impl NodeDraws<W>, arrival: Arrival) {
        let Arrival { source, target_idx, lane, side } = arrival;
        let lane = usize::from(lane);
        let mut lanes = [0; W];
        lanes[lane / LANES_PER_WORD] = 1 << (lane % LANES_PER_WORD);
        let lacking = self.lacking(target_idx, &lanes);
        if !is_empty(&lacking) {
            let target = self.nodes.node(target_idx);
            let tie_item = arc_item(NodeId(source), target, Purpose::Tie);
            self.arrive(draws, target_idx, side, tie_item, &lacking);
        }
    }

    /// A message of `side` arrives at the node at `node_idx` in the lanes `live`.
    #[inline(always)]
    fn arrive(
        &mut self,
        draws: &impl NodeDraws<W>,
        node_idx: u32,
        side: u8,
        tie_item: u64,
        live: &LaneMask<W>,
    ) {
        let mut live = *live;
        if let Some(counters) = &mut self.counters {
            live = counters.count(draws, node_idx, &live);
            if is_empty(&live) {
                return;
            }
        }
        let place = self.place(node_idx) + (1 + usize::from(side)) * W;
        let reached = &mut self.planes.exclusive()[place..place + W];
        reached.iter_mut().zip(live).for_each(|(reached, live)| *reached |= live);
        self.touched.insert(node_idx as usize);
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.note(node_idx, side, tie_item, &live);
        }
    }

    /// The node at `node_idx`, which was reached, becomes active.
    #[inline(always)]
    fn activate(&mut self, draws: &impl NodeDraws<W>, node_idx: u32, outcome: &mut ShardRound<W>) {
        let node = self.nodes.node(node_idx);
        let (place, n_sides) = (self.place(node_idx), self.n_sides);
        let planes = &mut self.planes.exclusive()[place..place + (1 + n_sides) * W];
        let (seen, reached) = planes.split_at_mut(W);
        let mut sides = [[0; W]; kaskade_model::dynamics::MAX_SIDES];
        let sides = &mut sides[..n_sides];
        for (side, reached) in sides.iter_mut().zip(reached.chunks_exact_mut(W)) {
            *side = std::array::from_fn(|word| std::mem::take(&mut reached[word]) & !seen[word]);
        }
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.decide(draws, node_idx, sides);
        }
        let mut active: LaneMask<W> = [0; W];
        for side in sides.iter() {
            (0..W).for_each(|word| active[word] |= side[word]);
        }
        (0..W).for_each(|word| seen[word] |= active[word]);
        if *seen == self.all {
            self.saturated.insert(node_idx);
        }
        self.used.insert(node_idx as usize);
        if let Some(quality) = self.quality {
            let item = node_item(node, Purpose::Opinion);
            let heard_good = sides[Sides::POSITIVE];
            let positive = draws.live(item, quality, &heard_good);
            sides[Sides::POSITIVE] = positive;
            sides[Sides::NEGATIVE] = std::array::from_fn(|word| active[word] & !positive[word]);
        }

        let (class, places) = (self.traits.class(node), &self.places);
        outcome.count((node, class), draws.round(), places, &active);
        let measures = &mut outcome.measures;
        if let Some(first) = places.sides {
            let of_sides = measures[first..].iter_mut();
            sides.iter().zip(of_sides).for_each(|(side, measure)| measure.add(side));
        }
        let mut transmits = active;
        if self.forwards {
            transmits = draws.live(node_item(node, Purpose::Forward), class.forward, &active);
            let is_seed = of_seed(&self.seeds, node_idx);
            (0..W).for_each(|word| transmits[word] |= is_seed[word] & active[word]);
        }
        if let Some(forwarded) = places.forwarded {
            measures[forwarded].add(&transmits);
        }
        if let Some(endorsed) = places.endorsed {
            let item = node_item(node, Purpose::Endorse);
            measures[endorsed].add(&draws.live(item, class.endorse, &active));
        }
        for (side, slice) in sides.iter().zip(&mut outcome.frontier) {
            let mask: LaneMask<W> = std::array::from_fn(|word| side[word] & transmits[word]);
            if !is_empty(&mask) {
                slice.push(node.0, mask);
            }
        }
    }
}
