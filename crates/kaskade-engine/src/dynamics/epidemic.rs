//! Nodes that transmit until they recover.

use std::sync::Arc as Shared;

use kaskade_model::coin::{Purpose, Threshold, arc_item, at_round, node_item, on_channel};
use kaskade_model::diffusion::Arc;
use kaskade_model::dynamics::{Course, Dynamics, Immunity, NodeRule, NodeTraits};
use kaskade_model::lanes::{LaneMask, count_lanes, is_empty};
use kaskade_model::{NodeId, NodeRange, Shard};

use super::channels::Channels;
use super::draws::NodeDraws;
use super::machine::{NodeMachine, Seed, ShardRound, of_seed};
use super::places::Places;
use super::rivalry::{Launched, Layout, Rivalry, by_tie};
use super::saturated::Saturated;
use crate::kernel::{SummaryBitmap, Words, prefetch};

/// A shard's nodes under SIR, SEIR, SIS and SIRS in discrete time ([`Course`]).
///
/// A node is susceptible in a lane in which it is neither exposed, infectious nor immune.
#[derive(Debug)]
pub struct Epidemic<const W: usize> {
    nodes: NodeRange,
    all: LaneMask<W>,
    /// Per node W words of lanes in which it cannot be infected: those of [`EXPOSED`],
    /// [`INFECTIOUS`] and [`IMMUNE`]. With them those in which it was infected in this round; where
    /// there are several channels these follow, W words a channel. Arcs ask for nothing else, so all
    /// this lies apart from the planes.
    taken: Words,
    /// That of these words.
    layout: Layout,
    channels: Channels,
    /// Over which channel a node was infected, where there are several.
    rivalry: Option<Rivalry<W>>,
    /// Per node W words of lanes each for [`EVER`] to [`IMMUNE`].
    planes: Words,
    /// Nodes that have had it in all lanes and will not have it again, or are not reached.
    saturated: Saturated,
    /// Nodes that were reached in this round, or have a course to go on with.
    present: SummaryBitmap,
    /// Nodes that were ever infected.
    used: SummaryBitmap,
    incubation: Option<Threshold>,
    recovery: Threshold,
    becomes_immune: bool,
    /// That of immunity, where it is not for good.
    waning: Option<Threshold>,
    traits: Shared<NodeTraits>,
    places: Places,
    /// The seeds of this round, by place.
    seeds: Vec<(u32, LaneMask<W>)>,
    /// What they draw by, where there are several channels.
    launched: Vec<Launched<W>>,
    /// The nodes that `settle` keeps present.
    staying: Vec<u32>,
}

/// The planes of a node: in which lanes it was ever infected,
const EVER: usize = 0;
/// carries the infection without passing it on,
const EXPOSED: usize = 1;
/// passes it on,
const INFECTIOUS: usize = 2;
/// and cannot have it.
const IMMUNE: usize = 3;
const N_PLANES: usize = 4;

impl<const W: usize> NodeMachine<W> for Epidemic<W> {
    fn new(
        shard: &impl Shard,
        dynamics: &Dynamics,
        traits: &Shared<NodeTraits>,
        _in_degrees: &[&[u32]],
    ) -> Self {
        let nodes = shard.nodes();
        let n_nodes = nodes.n_nodes();
        let NodeRule::Epidemic(Course { incubation, recovery, immunity }) = dynamics.rule else {
            unreachable!("the batch of another rule has another machine");
        };
        let threshold = |probability: f64| {
            let checked = "the dynamics of a plan are checked before it runs";
            Threshold::from_probability(probability).expect(checked)
        };
        // With one channel nobody asks over which.
        let n_ways = if dynamics.asks_sources() { dynamics.n_ways() } else { 0 };
        let layout = Layout { n_words: (1 + n_ways) * W, n_ways };
        Self {
            nodes,
            all: [u64::MAX; W],
            taken: Words::zeroed(n_nodes * layout.n_words),
            layout,
            channels: Channels::of(dynamics),
            rivalry: dynamics.asks_sources().then(|| Rivalry::new(n_nodes)),
            planes: Words::zeroed(n_nodes * N_PLANES * W),
            saturated: Saturated::new(nodes, traits),
            present: SummaryBitmap::new(n_nodes),
            used: SummaryBitmap::new(n_nodes),
            incubation: incubation.map(threshold),
            recovery: threshold(recovery),
            becomes_immune: immunity != Immunity::None,
            waning: match immunity {
                Immunity::Waning(waning) => Some(threshold(waning)),
                Immunity::Lasting | Immunity::None => None,
            },
            traits: Shared::clone(traits),
            places: Places::of(dynamics),
            seeds: Vec::new(),
            launched: Vec::new(),
            staying: Vec::new(),
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
        prefetch(&self.taken[self.layout.place(node_idx)]);
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, way: u8, offered: &LaneMask<W>) -> LaneMask<W> {
        let of = |at: usize| self.taken[at].load(std::sync::atomic::Ordering::Relaxed);
        let place = self.layout.place(node_idx);
        let lacking: LaneMask<W> = std::array::from_fn(|word| offered[word] & !of(place + word));
        if self.layout.n_ways == 0 {
            return lacking;
        }
        let reached = self.layout.of_way::<W>(node_idx, way);
        std::array::from_fn(|word| lacking[word] & !of(reached + word))
    }

    #[inline(always)]
    fn reach(&mut self, _draws: &impl NodeDraws<W>, arc: &Arc, way: u8, live: &LaneMask<W>) {
        if self.channels.is_heard(&self.traits, arc.target, way) {
            self.take(arc.target_idx, way, live);
        }
    }

    /// Seeds are infectious at once, also where an arc reached them in the same round.
    fn launch(&mut self, seed: &Seed<W>) {
        let node_idx = seed.node.0 - self.nodes.begin;
        let first = node_idx as usize * N_PLANES * W;
        let planes = &self.planes.exclusive()[first..first + N_PLANES * W];
        let [_, exposed, infectious, immune] = planes_of::<W>(planes);
        let lanes: LaneMask<W> =
            std::array::from_fn(|w| seed.lanes[w] & !(exposed[w] | infectious[w] | immune[w]));
        if is_empty(&lanes) || !self.traits.class(seed.node).can_start {
            return;
        }
        // As if over the first channel; infections of seeds are those of none.
        self.take(node_idx, 0, &lanes);
        self.seeds.push((node_idx, lanes));
        if self.rivalry.is_some() {
            self.launched.push(Launched::new(seed, (node_idx, 0), lanes));
        }
    }

    fn contest(&mut self, draws: &impl NodeDraws<W>) -> bool {
        let Self { taken, planes, layout, rivalry, present, launched, .. } = self;
        let Some(rivalry) = rivalry else { return false };
        let planes = planes.exclusive();
        // Only the first infection of a node is told apart.
        let ever = |at: usize| -> LaneMask<W> {
            let ever = &planes[(at * N_PLANES + EVER) * W..][..W];
            std::array::from_fn(|word| ever[word])
        };
        let has_begun = rivalry.turn((taken.exclusive(), *layout), present, ever);
        if has_begun {
            rivalry.compete_launched((taken, *layout), draws, launched);
        }
        has_begun
    }

    #[inline(always)]
    fn is_contested(&self, node_idx: u32) -> bool {
        self.rivalry.as_ref().is_some_and(|rivalry| rivalry.contains(node_idx))
    }

    #[inline(always)]
    fn contested(&self, node_idx: u32, way: u8, offered: &LaneMask<W>) -> LaneMask<W> {
        let is_heard = || self.channels.is_heard(&self.traits, self.nodes.node(node_idx), way);
        match &self.rivalry {
            Some(rivalry) if is_heard() => {
                rivalry.contested((&self.taken, self.layout), (node_idx, way), offered)
            }
            _ => [0; W],
        }
    }

    #[inline(always)]
    fn compete(&mut self, draws: &impl NodeDraws<W>, arc: &Arc, way: u8, live: &LaneMask<W>) {
        let (_, place) = self.channels.of_way(way);
        let item = on_channel(arc_item(arc.source, arc.target, Purpose::Tie), *place);
        if let Some(rivalry) = &mut self.rivalry {
            rivalry.compete(arc.target_idx, live, by_tie(draws, way, item));
        }
    }

    fn settle(&mut self, draws: &impl NodeDraws<W>, outcome: &mut ShardRound<W>) {
        self.seeds.sort_unstable_by_key(|(node_idx, _)| *node_idx);
        let mut present = std::mem::replace(&mut self.present, SummaryBitmap::new(0));
        present.drain(|_| (), |at| self.go_on(draws, at as u32, outcome));
        self.staying.drain(..).for_each(|at| present.insert(at as usize));
        self.present = present;
        self.seeds.clear();
        self.launched.clear();
    }

    fn each_reached(&self, mut visit: impl FnMut(NodeId, LaneMask<W>)) {
        self.used.each(|at| {
            let node = self.nodes.node(at as u32);
            if self.traits.class(node).counts {
                let ever = &self.planes[(at * N_PLANES + EVER) * W..][..W];
                let relaxed = std::sync::atomic::Ordering::Relaxed;
                visit(node, std::array::from_fn(|word| ever[word].load(relaxed)));
            }
        });
    }

    fn clear(&mut self) {
        let (taken, planes) = (self.taken.exclusive(), self.planes.exclusive());
        let (saturated, n_words) = (&mut self.saturated, self.layout.n_words);
        let mut forget = |at: usize| {
            taken[at * n_words..][..n_words].fill(0);
            planes[at * N_PLANES * W..][..N_PLANES * W].fill(0);
            saturated.forget(at);
        };
        self.used.drain(|_| (), &mut forget);
        self.present.drain(|_| (), &mut forget);
        self.seeds.clear();
        self.launched.clear();
        self.rivalry.iter_mut().for_each(Rivalry::clear);
    }
}

impl<const W: usize> Epidemic<W> {
    /// The node at `node_idx` is infected in `lanes` in this round, by what came `way`.
    #[inline(always)]
    fn take(&mut self, node_idx: u32, way: u8, lanes: &LaneMask<W>) {
        let place = match self.layout.n_ways {
            0 => self.layout.place(node_idx),
            _ => self.layout.of_way::<W>(node_idx, way),
        };
        let taken = &mut self.taken.exclusive()[place..place + W];
        taken.iter_mut().zip(lanes).for_each(|(taken, lanes)| *taken |= lanes);
        self.present.insert(node_idx as usize);
    }

    /// One round in the course of the node at `node_idx`: those who carried the infection before
    /// this round go on, then those who caught it in this round begin.
    #[inline(always)]
    fn go_on(&mut self, draws: &impl NodeDraws<W>, node_idx: u32, outcome: &mut ShardRound<W>) {
        let node = self.nodes.node(node_idx);
        let coin = |purpose, threshold, lanes: &LaneMask<W>| {
            draws.live(at_round(node_item(node, purpose), draws.round()), threshold, lanes)
        };
        let first = node_idx as usize * N_PLANES * W;
        let planes = &mut self.planes.exclusive()[first..first + N_PLANES * W];
        let [ever, exposed, infectious, immune] = planes_of::<W>(planes);
        let Layout { n_words, n_ways } = self.layout;
        let taken = &mut self.taken.exclusive()[self.layout.place(node_idx)..][..n_words];
        let (taken, ways) = taken.split_at_mut(W);
        let came: LaneMask<W> =
            std::array::from_fn(|w| ways.chunks_exact(W).fold(taken[w], |came, way| came | way[w]));
        let reached: LaneMask<W> =
            std::array::from_fn(|w| came[w] & !(exposed[w] | infectious[w] | immune[w]));

        let recovered = coin(Purpose::Recovery, self.recovery, &infectious);
        let ready = match self.incubation {
            Some(incubation) => coin(Purpose::Incubation, incubation, &exposed),
            None => [0; W],
        };
        let lost = match self.waning {
            Some(waning) => coin(Purpose::Waning, waning, &immune),
            None => [0; W],
        };
        // Seeds, and whoever needs no incubation, pass it on from the next round.
        let at_once = match self.incubation {
            Some(_) => of_seed(&self.seeds, node_idx),
            None => reached,
        };
        let becomes_immune = self.becomes_immune;
        let is_for_good = becomes_immune && self.waning.is_none();
        let next: [LaneMask<W>; N_PLANES] = [
            std::array::from_fn(|w| ever[w] | reached[w]),
            std::array::from_fn(|w| exposed[w] & !ready[w] | reached[w] & !at_once[w]),
            std::array::from_fn(|w| infectious[w] & !recovered[w] | ready[w] | at_once[w]),
            std::array::from_fn(|w| {
                immune[w] & !lost[w] | if becomes_immune { recovered[w] } else { 0 }
            }),
        ];
        planes.copy_from_slice(next.as_flattened());
        for (word, taken) in taken.iter_mut().enumerate() {
            *taken = next[EXPOSED][word] | next[INFECTIOUS][word] | next[IMMUNE][word];
        }

        let first_time: LaneMask<W> = std::array::from_fn(|w| reached[w] & !ever[w]);
        if !is_empty(&reached) {
            self.used.insert(node_idx as usize);
            if is_for_good && next[EVER] == self.all {
                self.saturated.insert(node_idx);
            }
            outcome.count((node, &self.traits), draws.round(), &self.places, &first_time);
        }
        if let Some(first) = self.places.channels.filter(|_| !is_empty(&first_time)) {
            let is_seed = of_seed(&self.seeds, node_idx);
            let by_arcs: LaneMask<W> = std::array::from_fn(|w| first_time[w] & !is_seed[w]);
            let measures = &mut outcome.measures[first..];
            match n_ways {
                0 => measures[0].add(&by_arcs),
                _ => {
                    for (way, measure) in ways.chunks_exact(W).zip(measures) {
                        measure.add(&std::array::from_fn(|w| by_arcs[w] & way[w]));
                    }
                }
            }
        }
        ways.fill(0);
        let Places { infections, exposed, infectious, .. } = self.places;
        for (place, lanes) in
            [(infections, &reached), (exposed, &next[EXPOSED]), (infectious, &next[INFECTIOUS])]
        {
            place.into_iter().for_each(|place| outcome.measures[place].add(lanes));
        }
        outcome.n_pending += count_lanes(&next[EXPOSED]);
        if !is_empty(&next[INFECTIOUS]) {
            outcome.frontier[0].push(node.0, next[INFECTIOUS]);
        }
        let is_over = is_empty(&next[EXPOSED]) && is_empty(&next[INFECTIOUS]);
        if !is_over || !is_for_good && !is_empty(&next[IMMUNE]) {
            self.staying.push(node_idx);
        }
    }
}

fn planes_of<const W: usize>(planes: &[u64]) -> [LaneMask<W>; N_PLANES] {
    std::array::from_fn(|plane| std::array::from_fn(|word| planes[plane * W + word]))
}
