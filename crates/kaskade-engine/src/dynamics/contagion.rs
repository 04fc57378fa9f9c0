//! Nodes that become active once, and transmit in the one round after.

use std::sync::Arc as Shared;

use kaskade_model::coin::{Purpose, Threshold, arc_item, node_item, on_channel};
use kaskade_model::diffusion::Arc;
use kaskade_model::dynamics::{Dynamics, NodeRule, NodeTraits, Sides};
use kaskade_model::lanes::{LaneMask, is_empty};
use kaskade_model::{NodeId, NodeRange, Shard};

use super::calendar::{Arrival, Calendar};
use super::channels::{Channels, keep_complete};
use super::counters::Counters;
use super::draws::NodeDraws;
use super::machine::{NodeMachine, Seed, ShardRound, of_seed};
use super::places::Places;
use super::rivalry::{Launched, Layout, Rivalry, by_tie, leave_to_first};
use super::saturated::Saturated;
use crate::kernel::{SummaryBitmap, Words, prefetch};

/// A shard's nodes under cascades and thresholds.
///
/// A live arc arrives in the round in which it is tried unless a longer delay is drawn for it: then
/// it is noted for later. (Delays that are certain are over before an arc is tried.) What arrives is
/// counted where nodes wait for several, and makes the node active in the lanes that are left: then,
/// and in its side, it draws what it does.
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
    /// By channel, where nodes wait for several of their in-neighbours.
    counters: Vec<Counters<W>>,
    channels: Channels,
    calendar: Calendar,
    /// What was under way until this round; kept until the next begins, for who asks who came late.
    due: Vec<Arrival>,
    /// Where draws decide between ways; else the first of them does.
    rivalry: Option<Rivalry<W>>,
    /// The probability that a good word stays one.
    quality: Option<Threshold>,
    /// Whether some keep the message to themselves.
    forwards: bool,
    traits: Shared<NodeTraits>,
    places: Places,
    /// The seeds of this round, by place.
    seeds: Vec<(u32, LaneMask<W>)>,
    /// How they came and what they draw by, where that matters.
    launched: Vec<Launched<W>>,
    /// Room for how a node was reached.
    ways: Vec<LaneMask<W>>,
}

/// Messages that were under way are asked for from memory so many ahead.
const DUE_AHEAD: usize = 8;

const CHECKED: &str = "the dynamics of a plan are checked before it runs";

impl<const W: usize> NodeMachine<W> for Contagion<W> {
    fn new(
        shard: &impl Shard,
        dynamics: &Dynamics,
        traits: &Shared<NodeTraits>,
        in_degrees: &[&[u32]],
    ) -> Self {
        let nodes = shard.nodes();
        let (n_nodes, n_sides, n_ways) = (nodes.n_nodes(), dynamics.n_sides(), dynamics.n_ways());
        let channels = Channels::of(dynamics);
        let threshold = |probability: f64| Threshold::from_probability(probability).expect(CHECKED);
        let (counters, quality) = match &dynamics.rule {
            NodeRule::Threshold(requirement) => {
                let places = dynamics.delays().map(|(_, place)| place);
                let counters = places.zip(in_degrees).map(|(place, in_degrees)| {
                    Counters::new((nodes, in_degrees), place, *requirement)
                });
                (counters.collect(), None)
            }
            NodeRule::Contagion(Sides::Opinion { quality }) => {
                (Vec::new(), Some(threshold(*quality)))
            }
            NodeRule::Contagion(_) | NodeRule::Epidemic(_) => (Vec::new(), None),
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
            due: Vec::new(),
            rivalry: dynamics.asks_sources().then(|| Rivalry::new(n_nodes)),
            quality,
            forwards: dynamics.conduct.asks_forward() || dynamics.audience.fakes.is_some(),
            traits: Shared::clone(traits),
            places: Places::of(dynamics),
            seeds: Vec::new(),
            launched: Vec::new(),
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

    /// Nothing is gained by reaching a node once more in a way in which it was reached in this round,
    /// unless it may still wait for another channel when what is drawn now arrives.
    #[inline(always)]
    fn lacking(&self, node_idx: u32, way: u8, offered: &LaneMask<W>) -> LaneMask<W> {
        let place = self.place(node_idx);
        let of = |at: usize| self.planes[at].load(std::sync::atomic::Ordering::Relaxed);
        let lacking: LaneMask<W> = std::array::from_fn(|word| offered[word] & !of(place + word));
        if self.channels.n_heard > 0 && self.channels.of_way(way).0.is_some() {
            return lacking;
        }
        let reached = place + (1 + usize::from(way)) * W;
        std::array::from_fn(|word| lacking[word] & !of(reached + word))
    }

    #[inline(always)]
    fn reach(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, way: u8, live: &LaneMask<W>) {
        let (Some(table), place) = self.channels.of_way(way) else {
            self.arrive(draws, arc.target_idx, way, live);
            return;
        };
        let item = on_channel(arc_item(arc.source, arc.target, Purpose::Delay), *place);
        let (source, target_idx) = (arc.source.0, arc.target_idx);
        let mut at_once = [0; W];
        for (word, at_once) in at_once.iter_mut().enumerate() {
            // At most `MAX_LANE_WORDS` words.
            let sent = Arrival { source, target_idx, live: live[word], word: word as u8, way };
            if sent.live != 0 {
                *at_once = self.calendar.send(draws, table, item, sent);
            }
        }
        if !is_empty(&at_once) {
            self.arrive(draws, target_idx, way, &at_once);
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
        self.seeds.push((node_idx, lanes));
        if self.rivalry.is_some() {
            self.launched.push(Launched::new(seed, (node_idx, way), lanes));
        }
    }

    fn gather(&mut self, draws: &impl NodeDraws<W>) {
        self.seeds.sort_unstable_by_key(|(node_idx, _)| *node_idx);
        self.due = self.calendar.take(draws.round());
        for at in 0..self.due.len() {
            if let Some(ahead) = self.due.get(at + DUE_AHEAD) {
                self.prefetch(ahead.target_idx);
            }
            self.arrive_late(draws, self.due[at]);
        }
        if self.channels.n_heard > 0 {
            self.wait_for_all();
        }
    }

    fn contest(&mut self, draws: &impl NodeDraws<W>) -> bool {
        let layout = self.layout();
        let Self { planes, rivalry, touched, .. } = self;
        let planes = (planes.exclusive(), layout);
        let has_begun =
            rivalry.as_mut().is_some_and(|rivalry| rivalry.turn(planes, touched, |_| [0; W]));
        if has_begun {
            self.compete_besides_arcs(draws);
        }
        has_begun
    }

    #[inline(always)]
    fn is_contested(&self, node_idx: u32) -> bool {
        self.rivalry.as_ref().is_some_and(|rivalry| rivalry.contains(node_idx))
    }

    #[inline(always)]
    fn contested(&self, node_idx: u32, way: u8, offered: &LaneMask<W>) -> LaneMask<W> {
        match &self.rivalry {
            Some(rivalry) if self.is_heard(node_idx, way) => {
                rivalry.contested((&self.planes, self.layout()), (node_idx, way), offered)
            }
            _ => [0; W],
        }
    }

    #[inline(always)]
    fn compete(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, way: u8, live: &LaneMask<W>) {
        let (table, place) = self.channels.of_way(way);
        let item = |purpose| on_channel(arc_item(arc.source, arc.target, purpose), *place);
        let live = match table {
            // The others are still under way.
            Some(table) => draws.live(item(Purpose::Delay), table.within(1), live),
            None => *live,
        };
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.compete(arc.target_idx, &live, by_tie(draws, way, item(Purpose::Tie)));
        }
    }

    fn settle(&mut self, draws: &impl NodeDraws<W>, outcome: &mut ShardRound<W>) {
        let mut touched = std::mem::replace(&mut self.touched, SummaryBitmap::new(0));
        touched.drain(|_| (), |at| self.activate(draws, at as u32, outcome));
        self.touched = touched;
        self.seeds.clear();
        self.launched.clear();
        outcome.n_pending = self.calendar.n_pending();
    }

    fn each_late(&self, mut visit: impl FnMut(NodeId, u32, u8, &LaneMask<W>)) {
        for arrival in &self.due {
            visit(NodeId(arrival.source), arrival.target_idx, arrival.way, &arrival.lanes());
        }
    }

    fn each_reached(&self, mut visit: impl FnMut(NodeId, LaneMask<W>)) {
        self.used.each(|at| {
            let node = self.nodes.node(at as u32);
            if self.traits.class(node).counts {
                let seen = &self.planes[self.place(at as u32)..][..W];
                let relaxed = std::sync::atomic::Ordering::Relaxed;
                visit(node, std::array::from_fn(|word| seen[word].load(relaxed)));
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
        self.launched.clear();
        self.due.clear();
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
    fn layout(&self) -> Layout {
        Layout { n_words: self.words_per_node(), n_ways: self.n_ways }
    }

    #[inline(always)]
    fn words_per_node(&self) -> usize {
        (1 + self.n_ways + self.channels.n_heard) * W
    }

    /// Whether what comes `way` is for the node at `node_idx`.
    #[inline(always)]
    fn is_heard(&self, node_idx: u32, way: u8) -> bool {
        self.channels.is_heard(&self.traits, self.nodes.node(node_idx), way)
    }

    /// A message that was under way.
    #[inline(always)]
    fn arrive_late(&mut self, draws: &impl NodeDraws<W>, arrival: Arrival) {
        let lacking = self.lacking(arrival.target_idx, arrival.way, &arrival.lanes());
        if !is_empty(&lacking) {
            self.arrive(draws, arrival.target_idx, arrival.way, &lacking);
        }
    }

    /// A message arrives that came `way` at the node at `node_idx` in the lanes `live`.
    #[inline(always)]
    fn arrive(&mut self, draws: &impl NodeDraws<W>, node_idx: u32, way: u8, live: &LaneMask<W>) {
        if !self.is_heard(node_idx, way) {
            return;
        }
        let (mut live, channel) = (*live, usize::from(way % self.channels.n));
        let first = self.place(node_idx);
        let planes = &mut self.planes.exclusive()[first..];
        if let Some(counters) = self.counters.get_mut(channel) {
            if self.channels.n_heard > 0 {
                // Over this channel enough have come before.
                let heard = &planes[(1 + self.n_ways + channel) * W..][..W];
                (0..W).for_each(|word| live[word] &= !heard[word]);
            }
            live = counters.count(draws, node_idx, &live);
            if is_empty(&live) {
                return;
            }
        }
        let reached = &mut planes[(1 + usize::from(way)) * W..][..W];
        reached.iter_mut().zip(live).for_each(|(reached, live)| *reached |= live);
        self.touched.insert(node_idx as usize);
    }

    /// Keeps of what arrived only the lanes in which a node has been reached over all channels.
    fn wait_for_all(&mut self) {
        let (n_words, n_ways) = (self.words_per_node(), self.n_ways);
        let planes = self.planes.exclusive();
        self.touched.each(|at| {
            let (seen, planes) = planes[at * n_words..][..n_words].split_at_mut(W);
            let (ways, heard) = planes.split_at_mut(n_ways * W);
            keep_complete::<W>(ways, heard, seen, &of_seed(&self.seeds, at as u32));
        });
    }

    /// Seeds and what was under way compete for the nodes that are contested.
    fn compete_besides_arcs(&mut self, draws: &impl NodeDraws<W>) {
        let layout = self.layout();
        let Self { nodes, planes, channels, due, rivalry, traits, launched, .. } = self;
        let Some(rivalry) = rivalry else { return };
        rivalry.compete_launched((planes, layout), draws, launched);
        for arrival in &*due {
            let Arrival { source, target_idx, way, .. } = *arrival;
            let target = nodes.node(target_idx);
            if !channels.is_heard(traits, target, way) {
                continue;
            }
            let lanes = rivalry.contested((planes, layout), (target_idx, way), &arrival.lanes());
            if !is_empty(&lanes) {
                let (_, place) = channels.of_way(way);
                let tie_item = on_channel(arc_item(NodeId(source), target, Purpose::Tie), *place);
                rivalry.compete(target_idx, &lanes, by_tie(draws, way, tie_item));
            }
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
        let reached = &mut planes[..self.n_ways * W];
        let ways = &mut self.ways;
        for (way, reached) in ways.iter_mut().zip(reached.chunks_exact_mut(W)) {
            *way = std::array::from_fn(|word| std::mem::take(&mut reached[word]) & !seen[word]);
        }
        // Those that drew have one way left.
        leave_to_first(ways);
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
        outcome.trace(node, ways);
        let measures = &mut outcome.measures;
        if let Some(first) = places.sides {
            let of_sides = measures[first..].iter_mut();
            sides.iter().zip(of_sides).for_each(|(side, measure)| measure.add(side));
        }
        if let Some(first) = places.channels {
            let is_seed = of_seed(&self.seeds, node_idx);
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
