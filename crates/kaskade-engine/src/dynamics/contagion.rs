//! Nodes that become active once, and transmit in the one round after.

use std::sync::Arc as Shared;

use kaskade_model::coin::{Purpose, Threshold, arc_item, node_item, on_channel};
use kaskade_model::diffusion::Arc;
use kaskade_model::dynamics::{
    ActivationRule, DelayTable, Dynamics, NodeRule, NodeTraits, Sides, Tie,
};
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
    /// Ways to be reached that are told apart: each side over each channel.
    n_ways: usize,
    /// Per node W words of lanes in which it is active, then for each way those in which it was
    /// reached in this round, then those of each channel in `heard`.
    planes: Words,
    /// Nodes that are active in all lanes, or are not reached.
    saturated: Saturated,
    /// Nodes that were reached in this round.
    touched: SummaryBitmap,
    /// Nodes that are active in a lane.
    used: SummaryBitmap,
    counters: Option<Counters<W>>,
    channels: Channels,
    calendar: Calendar,
    rivalry: Option<Rivalry<W>>,
    /// The probability that a good word stays one.
    quality: Option<Threshold>,
    /// Whether some keep the message to themselves.
    forwards: bool,
    traits: Shared<NodeTraits>,
    places: Places,
    /// The seeds of this round, by place.
    seeds: Vec<(u32, LaneMask<W>)>,
    /// Room for how a node was reached.
    ways: Vec<LaneMask<W>>,
}

/// The channels of a job; one where there are none.
#[derive(Debug)]
struct Channels {
    n: u8,
    /// For each how long messages are under way, and its place in the graph.
    each: Vec<(Option<DelayTable>, u8)>,
    /// Channels of which it is kept whether a node was reached over them.
    n_heard: usize,
    /// Whether some do not reach everybody.
    have_audiences: bool,
}

impl Channels {
    fn of(dynamics: &Dynamics) -> Self {
        let channels = &dynamics.channels;
        let mut each: Vec<_> =
            channels.iter().map(|channel| (channel.delay.table(), channel.place)).collect();
        if each.is_empty() {
            each.push((dynamics.delay.table(), 0));
        }
        Self {
            // At most `MAX_CHANNELS`.
            n: each.len() as u8,
            each,
            n_heard: match dynamics.activation {
                ActivationRule::Any => 0,
                ActivationRule::All => channels.len(),
            },
            have_audiences: channels.iter().any(|channel| channel.audience.is_some()),
        }
    }

    /// How long messages are under way that come `way`, and the place of their channel.
    #[inline(always)]
    fn of_way(&self, way: u8) -> &(Option<DelayTable>, u8) {
        &self.each[usize::from(way % self.n)]
    }
}

/// Notes in `heard` the channels over which a node was reached, and takes from `ways` the lanes in
/// which it has not been over all of them; seeds wait for none.
#[inline(always)]
fn keep_complete<const W: usize>(
    ways: &mut [LaneMask<W>],
    heard: &mut [u64],
    is_seed: &LaneMask<W>,
) {
    let n_channels = heard.len() / W;
    let mut complete = [u64::MAX; W];
    for (channel, heard) in heard.chunks_exact_mut(W).enumerate() {
        for way in ways.iter().skip(channel).step_by(n_channels) {
            (0..W).for_each(|word| heard[word] |= way[word] & !is_seed[word]);
        }
        (0..W).for_each(|word| complete[word] &= heard[word]);
    }
    for way in ways {
        (0..W).for_each(|word| way[word] &= complete[word] | is_seed[word]);
    }
}

const CHECKED: &str = "the dynamics of a plan are checked before it runs";

impl<const W: usize> NodeMachine<W> for Contagion<W> {
    fn new(shard: &impl Shard, dynamics: &Dynamics, traits: &Shared<NodeTraits>) -> Self {
        let nodes = shard.nodes();
        let (n_nodes, n_sides, n_ways) = (nodes.n_nodes(), dynamics.n_sides(), dynamics.n_ways());
        let channels = Channels::of(dynamics);
        let threshold = |probability: f64| Threshold::from_probability(probability).expect(CHECKED);
        let (counters, quality, tie) = match &dynamics.rule {
            NodeRule::Threshold(requirement) => {
                (Some(Counters::new(shard, *requirement)), None, Tie::Random)
            }
            NodeRule::Contagion(Sides::Opinion { quality }) => {
                (None, Some(threshold(*quality)), Tie::Random)
            }
            NodeRule::Contagion(Sides::Campaigns { tie, .. }) => (None, None, *tie),
            NodeRule::Contagion(Sides::One) | NodeRule::Epidemic(_) => (None, None, Tie::Random),
        };
        Self {
            nodes,
            all: [u64::MAX; W],
            n_sides,
            n_ways,
            planes: Words::zeroed(n_nodes * (1 + n_ways + channels.n_heard) * W),
            saturated: Saturated::new(nodes, traits),
            touched: SummaryBitmap::new(n_nodes),
            used: SummaryBitmap::new(n_nodes),
            counters,
            channels,
            calendar: Calendar::default(),
            rivalry: (n_ways > 1).then(|| Rivalry::new(n_nodes, tie)),
            quality,
            forwards: dynamics.conduct.asks_forward() || dynamics.audience.fakes.is_some(),
            traits: Shared::clone(traits),
            places: Places::of(dynamics),
            seeds: Vec::new(),
            ways: vec![[0; W]; n_ways],
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
        if self.n_ways > 1 {
            return lacking;
        }
        // Nothing is gained by reaching it again.
        let reached = &self.planes[place + W..place + 2 * W];
        std::array::from_fn(|word| lacking[word] & !reached[word].load(relaxed))
    }

    #[inline(always)]
    fn reach(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, way: u8, live: &LaneMask<W>) {
        let (table, place) = &self.channels.of_way(way);
        let item = |purpose| on_channel(arc_item(arc.source, arc.target, purpose), *place);
        let Some(table) = table else {
            let tie_item = if self.n_ways > 1 { item(Purpose::Tie) } else { 0 };
            self.arrive(draws, arc.target_idx, way, tie_item, live);
            return;
        };
        let (delay_item, tie_item) = (item(Purpose::Delay), item(Purpose::Tie));
        let mut at_once = [0; W];
        for (word, &live) in live.iter().enumerate() {
            for lane in lanes_of(live) {
                let lane_of_batch = LANES_PER_WORD * word + lane;
                let rounds = table.rounds(draws.uniform(delay_item, lane_of_batch));
                if rounds == 1 {
                    at_once[word] |= 1 << lane;
                } else {
                    let round = Round(draws.round().0.saturating_add(rounds - 1));
                    let (source, target_idx) = (arc.source.0, arc.target_idx);
                    let lane = lane_of_batch as u16;
                    self.calendar.add(round, Arrival { source, target_idx, lane, way });
                }
            }
        }
        if !is_empty(&at_once) {
            self.arrive(draws, arc.target_idx, way, tie_item, &at_once);
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
        // As if over the first channel; activations of seeds are those of none.
        let way = seed.side * self.channels.n;
        let reached = &mut planes[place + (1 + usize::from(way)) * W..][..W];
        reached.iter_mut().zip(lanes).for_each(|(reached, lanes)| *reached |= lanes);
        self.touched.insert(node_idx as usize);
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.note(node_idx, way, seed.tie_item, &lanes);
        }
        self.seeds.push((node_idx, lanes));
    }

    fn settle(&mut self, draws: &impl NodeDraws<W>, outcome: &mut ShardRound<W>) {
        let due = self.calendar.take(draws.round());
        due.into_iter().for_each(|arrival| self.arrive_late(draws, arrival));
        self.seeds.sort_unstable_by_key(|(node_idx, _)| *node_idx);
        let mut touched = std::mem::replace(&mut self.touched, SummaryBitmap::new(0));
        touched.drain(|_| (), |at| self.activate(draws, at as u32, outcome));
        self.touched = touched;
        self.seeds.clear();
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.end_round();
        }
        outcome.n_pending = self.calendar.n_pending();
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
        let n_words = self.words_per_node();
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
        self.calendar.clear();
    }
}

impl<const W: usize> Contagion<W> {
    /// The first word of the node at `node_idx`.
    #[inline(always)]
    fn place(&self, node_idx: u32) -> usize {
        node_idx as usize * self.words_per_node()
    }

    #[inline(always)]
    fn words_per_node(&self) -> usize {
        (1 + self.n_ways + self.channels.n_heard) * W
    }

    /// A message that was under way.
    fn arrive_late(&mut self, draws: &impl NodeDraws<W>, arrival: Arrival) {
        let Arrival { source, target_idx, lane, way } = arrival;
        let lane = usize::from(lane);
        let mut lanes = [0; W];
        lanes[lane / LANES_PER_WORD] = 1 << (lane % LANES_PER_WORD);
        let lacking = self.lacking(target_idx, &lanes);
        if !is_empty(&lacking) {
            let target = self.nodes.node(target_idx);
            let (_, place) = self.channels.of_way(way);
            let tie_item = on_channel(arc_item(NodeId(source), target, Purpose::Tie), *place);
            self.arrive(draws, target_idx, way, tie_item, &lacking);
        }
    }

    /// A message arrives that came `way` at the node at `node_idx` in the lanes `live`.
    #[inline(always)]
    fn arrive(
        &mut self,
        draws: &impl NodeDraws<W>,
        node_idx: u32,
        way: u8,
        tie_item: u64,
        live: &LaneMask<W>,
    ) {
        if self.channels.have_audiences {
            let class = self.traits.class(self.nodes.node(node_idx));
            if class.channels >> (way % self.channels.n) & 1 == 0 {
                return;
            }
        }
        let mut live = *live;
        if let Some(counters) = &mut self.counters {
            live = counters.count(draws, node_idx, &live);
            if is_empty(&live) {
                return;
            }
        }
        let place = self.place(node_idx) + (1 + usize::from(way)) * W;
        let reached = &mut self.planes.exclusive()[place..place + W];
        reached.iter_mut().zip(live).for_each(|(reached, live)| *reached |= live);
        self.touched.insert(node_idx as usize);
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.note(node_idx, way, tie_item, &live);
        }
    }

    /// The node at `node_idx`, which was reached, becomes active.
    #[inline(always)]
    fn activate(&mut self, draws: &impl NodeDraws<W>, node_idx: u32, outcome: &mut ShardRound<W>) {
        let node = self.nodes.node(node_idx);
        let (place, n_sides, n_channels) =
            (self.place(node_idx), self.n_sides, usize::from(self.channels.n));
        let n_words = self.words_per_node();
        let planes = &mut self.planes.exclusive()[place..place + n_words];
        let (seen, planes) = planes.split_at_mut(W);
        let (reached, heard) = planes.split_at_mut(self.n_ways * W);
        let ways = &mut self.ways;
        for (way, reached) in ways.iter_mut().zip(reached.chunks_exact_mut(W)) {
            *way = std::array::from_fn(|word| std::mem::take(&mut reached[word]) & !seen[word]);
        }
        let is_told_apart = !heard.is_empty() || self.places.channels.is_some();
        let is_seed = if is_told_apart { of_seed(&self.seeds, node_idx) } else { [0; W] };
        if !heard.is_empty() {
            keep_complete(ways, heard, &is_seed);
        }
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.decide(draws, node_idx, ways);
        }
        let mut sides = [[0; W]; kaskade_model::dynamics::MAX_SIDES];
        let sides = &mut sides[..n_sides];
        let mut active: LaneMask<W> = [0; W];
        for (side, over) in sides.iter_mut().zip(ways.chunks_exact(n_channels)) {
            for way in over {
                (0..W).for_each(|word| side[word] |= way[word]);
            }
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

        if is_empty(&active) {
            return;
        }
        let (class, places) = (self.traits.class(node), &self.places);
        outcome.count((node, &self.traits), draws.round(), places, &active);
        let measures = &mut outcome.measures;
        if let Some(first) = places.sides {
            let of_sides = measures[first..].iter_mut();
            sides.iter().zip(of_sides).for_each(|(side, measure)| measure.add(side));
        }
        if let Some(first) = places.channels {
            for (channel, measure) in measures[first..].iter_mut().take(n_channels).enumerate() {
                for way in ways.iter().skip(channel).step_by(n_channels) {
                    measure.add(&std::array::from_fn(|word| way[word] & !is_seed[word]));
                }
            }
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
