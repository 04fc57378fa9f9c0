//! Who passed it to whom in the traced simulations of a batch.

use std::collections::BTreeMap;

use kaskade_model::coin::{self, Family};
use kaskade_model::diffusion::{Arc, ModelError};
use kaskade_model::dynamics::DelayTable;
use kaskade_model::job::BatchPlan;
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, count_lanes, is_empty, lanes_of};
use kaskade_model::recording::{MAX_TRACED_ACTIVATIONS, NodeCount, TracedActivation};
use kaskade_model::tally::PartitionTally;
use kaskade_model::{AnyShard, NodeId, Round, Shard};

use super::Partition;
use crate::contests::{Candidate, Contests};
use crate::kernel::{
    BatchKeys, ByLane, ByOctet, Coins, LiveArc, LiveBlocks, PushArcs, Reached, Sources, WordCoins,
    Work,
};
use crate::slice::Slice;

/// Says at the end of a round by whose message a node became active in the traced lanes: of those
/// that arrived in that round, on the side that the node heard and over the channel that it was reached
/// over, the one with the least [`coin::parent_place`], whatever order they were found in.
///
/// The kernels do not ask who reached whom. The arcs of the round are gone over once more, into the
/// nodes that became active and in the lanes in which they did.
#[derive(Debug)]
pub(crate) struct Tracer<const W: usize> {
    lanes: LaneMask<W>,
    first_lane: u32,
    seed: u64,
    /// The simulation of lane 0 of the batch's first word.
    first_of_word: u64,
    /// By channel what draws delays, and the channel's place in the graph; one where there are none.
    channels: Vec<(Option<DelayTable>, u8)>,
    /// By channel and side: who transmits in this round in the traced lanes.
    offered: Vec<Vec<Vec<Slice<W>>>>,
    /// By shard.
    contests: Vec<Contests<W, Parent>>,
    /// What was found out, by the place of the simulation in the batch; ascending, unless the contests
    /// of a round came in several portions.
    trace: Vec<Vec<TracedActivation>>,
    /// So many are in it.
    n_traced: usize,
}

/// What became active in a shard in a round, in the traced lanes.
#[derive(Debug)]
pub(crate) struct Activated<'a, const W: usize> {
    /// By way: the nodes that were reached in it.
    pub(crate) by_way: Vec<&'a Slice<W>>,
    /// The messages that were under way until this round: source, place of the target, way, lanes.
    pub(crate) late: Vec<(NodeId, u32, u8, LaneMask<W>)>,
}

/// Who passed it on. The least wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parent {
    place: u64,
    source: u32,
}

impl Candidate for Parent {
    /// No node has that id.
    const NOBODY: Self = Self { place: u64::MAX, source: u32::MAX };
}

impl<const W: usize> Tracer<W> {
    /// The tracer of `batch`, if one of its simulations is traced.
    pub(crate) fn of(partition: &Partition, batch: &BatchPlan) -> Option<Self> {
        let plan = &partition.plan;
        let dynamics = &plan.dynamics;
        let contests = |shard: &AnyShard| Contests::new(shard.nodes().n_nodes());
        plan.traces(batch).then(|| Self {
            lanes: plan.traced_lanes(batch),
            first_lane: batch.first_lane(),
            seed: plan.seed,
            first_of_word: batch.first_simulation - u64::from(batch.first_lane()),
            channels: dynamics.delays().map(|(delay, place)| (delay.drawn(), place)).collect(),
            offered: vec![vec![Vec::new(); dynamics.n_sides()]; dynamics.channels.len().max(1)],
            contests: partition.shards.iter().map(contests).collect(),
            trace: vec![Vec::new(); batch.n_lanes as usize],
            n_traced: 0,
        })
    }

    /// The lanes that are traced.
    pub(crate) fn lanes(&self) -> LaneMask<W> {
        self.lanes
    }

    /// Notes that `sources`, for each channel and side, transmit in this round.
    pub(crate) fn listen(&mut self, sources: &[Vec<Vec<Sources<'_, W>>>]) {
        for (offered, sides) in self.offered.iter_mut().zip(sources) {
            for (offered, of_side) in offered.iter_mut().zip(sides) {
                let traced = of_side.iter().map(|sources| traced(sources, &self.lanes));
                offered.extend(traced.filter(|slice| slice.n_nodes() > 0));
            }
        }
    }

    /// Keeps who became active in `round`, which is what `activated` says by shard of `partition`, and
    /// by whom; and begins the next round.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub(crate) fn end_round(
        &mut self,
        (partition, keys): (&Partition, &BatchKeys<W>),
        round: Round,
        activated: &[Activated<'_, W>],
    ) -> Result<(), ModelError> {
        let anywhere: Vec<Slice<W>> =
            activated.iter().map(|of_shard| merged(&of_shard.by_way, &self.lanes)).collect();
        let n_activated: u64 = anywhere.iter().map(Slice::n_activations).sum();
        if self.n_traced as u64 + n_activated > MAX_TRACED_ACTIVATIONS as u64 {
            self.give_up(round, &anywhere);
            return Ok(());
        }
        // Nodes of 32 bits times at most 512 lanes.
        self.n_traced += n_activated as usize;
        for ((contests, shard), slice) in
            self.contests.iter_mut().zip(&partition.shards).zip(&anywhere)
        {
            let begin = shard.nodes().begin;
            // The last of them begin first.
            contests.open(slice.nodes.iter().rev().map(|node| node - begin).collect());
        }
        loop {
            let mut has_begun = false;
            for ((contests, shard), slice) in
                self.contests.iter_mut().zip(&partition.shards).zip(&anywhere)
            {
                let nodes = shard.nodes();
                has_begun |= contests.begin(|node_idx| mask_of(slice, nodes.node(node_idx).0));
            }
            if !has_begun {
                break;
            }
            self.compete(partition, keys, activated)?;
            let Self { contests, trace, first_lane, .. } = self;
            for (contests, shard) in contests.iter_mut().zip(&partition.shards) {
                let nodes = shard.nodes();
                contests.end(|node_idx, lanes, parents| {
                    let node = nodes.node(node_idx).0;
                    for (word, &lanes) in lanes.iter().enumerate() {
                        for (lane, Parent { source, .. }) in lanes_of(lanes).zip(&mut *parents) {
                            let place = (LANES_PER_WORD * word + lane) as u32 - *first_lane;
                            let parent = Some(source).filter(|_| source != Parent::NOBODY.source);
                            let activation =
                                TracedActivation { place, round: round.0, node, parent };
                            trace[place as usize].push(activation);
                        }
                    }
                });
            }
        }
        self.offered.iter_mut().flatten().for_each(Vec::clear);
        Ok(())
    }

    /// Keeps those of `activated` that are one too many for a job to keep, which then fails and says
    /// so: nobody asks by whom they were reached.
    fn give_up(&mut self, round: Round, activated: &[Slice<W>]) {
        let nodes = activated.iter().flat_map(|slice| slice.nodes.iter().zip(&slice.masks));
        let lanes = nodes.flat_map(|(&node, mask)| {
            let words = mask.iter().enumerate();
            words.flat_map(move |(word, &lanes)| {
                lanes_of(lanes).map(move |lane| (node, (LANES_PER_WORD * word + lane) as u32))
            })
        });
        let n_more = (MAX_TRACED_ACTIVATIONS + 1).saturating_sub(self.n_traced);
        for (node, lane) in lanes.take(n_more) {
            let place = lane - self.first_lane;
            let activation = TracedActivation { place, round: round.0, node, parent: None };
            self.trace[place as usize].push(activation);
            self.n_traced += 1;
        }
        self.offered.iter_mut().flatten().for_each(Vec::clear);
    }

    /// Ends the batch of `tally`, which takes what was found out.
    pub(crate) fn finish(self, tally: &mut PartitionTally) {
        tally.trace = self.trace.concat();
        // Where it ascends already, that costs nothing.
        tally.trace.sort();
    }

    /// All messages that arrive in this round compete for the nodes that are in a contest.
    fn compete(
        &mut self,
        partition: &Partition,
        keys: &BatchKeys<W>,
        activated: &[Activated<'_, W>],
    ) -> Result<(), ModelError> {
        let Partition { shards, plan, isa, coins, presence, .. } = partition;
        let offered = std::mem::take(&mut self.offered);
        let channels = std::mem::take(&mut self.channels);
        let n_channels = offered.len();
        for (channel, sides) in offered.iter().enumerate() {
            for (side, slices) in sides.iter().enumerate().filter(|(_, slices)| !slices.is_empty())
            {
                let groups: Vec<_> = slices.iter().map(Sources::of).collect();
                // At most `MAX_SIDES` times `MAX_CHANNELS`.
                let way = (side * n_channels + channel) as u8;
                if let Coins::ByBlock(coins) = coins {
                    let presence = presence.as_ref();
                    let blocks = LiveBlocks { shards, presence, coins, keys, isa: *isa };
                    blocks.visit(&groups, |LiveArc { source, shard, target_idx, word, lanes }| {
                        let mut live = [0; W];
                        live[word] = lanes;
                        let mut heard = self.hearing(partition, (shard, way), &activated[shard]);
                        let live = heard.contested(target_idx, &live);
                        heard.hear(source, target_idx, &live);
                    });
                    continue;
                }
                let (delays, place) = &channels[channel];
                for (shard_idx, shard) in shards.iter().enumerate() {
                    let work = Work::Sources { groups: &groups, max_arcs: usize::MAX };
                    let of_shard = &activated[shard_idx];
                    let hearing = self.hearing(partition, (shard_idx, way), of_shard);
                    let delays = delays.as_ref();
                    partition.with_rule((shard_idx, shard), channel, |rule| {
                        if plan.coins == Family::Arc {
                            let coins = ByLane;
                            let lanes = AtOnce { hearing, keys, coins, delays, place: *place };
                            isa.run(PushArcs { shard, lanes, keys, rule, coins, work });
                        } else {
                            let coins = ByOctet;
                            let lanes = AtOnce { hearing, keys, coins, delays, place: *place };
                            isa.run(PushArcs { shard, lanes, keys, rule, coins, work });
                        }
                    })?;
                }
            }
        }
        for (shard, of_shard) in activated.iter().enumerate() {
            for (source, target_idx, way, lanes) in &of_shard.late {
                let mut hearing = self.hearing(partition, (shard, *way), of_shard);
                let live = hearing.contested(*target_idx, lanes);
                hearing.hear(*source, *target_idx, &live);
            }
        }
        (self.offered, self.channels) = (offered, channels);
        Ok(())
    }

    /// The nodes of shard number `shard_idx` of `partition`, to which messages come `way`.
    fn hearing<'a>(
        &'a mut self,
        partition: &'a Partition,
        (shard_idx, way): (usize, u8),
        activated: &'a Activated<'_, W>,
    ) -> Hearing<'a, W> {
        let Self { seed, first_of_word, .. } = *self;
        Hearing {
            contests: &mut self.contests[shard_idx],
            partition,
            begin: partition.shards[shard_idx].nodes().begin,
            way,
            // Where there is one way, nodes are contested in no other lanes.
            activated: (activated.by_way.len() > 1).then(|| activated.by_way[usize::from(way)]),
            seed,
            first_of_word,
        }
    }
}

/// The nodes of a shard that messages reach which come one way.
struct Hearing<'a, const W: usize> {
    contests: &'a mut Contests<W, Parent>,
    partition: &'a Partition,
    /// The first node of the shard.
    begin: u32,
    way: u8,
    /// The nodes that were reached in this way; `None` where there is no other.
    activated: Option<&'a Slice<W>>,
    seed: u64,
    first_of_word: u64,
}

impl<const W: usize> Hearing<'_, W> {
    /// The contested lanes of `offered` in which the node at `node_idx` was reached in this way, if
    /// what comes so is for it: a seed starts whatever reaches it.
    #[inline(always)]
    fn contested(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        if !self.contests.contains(node_idx) {
            return [0; W];
        }
        let node = NodeId(self.begin + node_idx);
        let n_channels = self.partition.plan.dynamics.channels.len() as u8;
        let class = self.partition.traits.class(node);
        let is_heard = n_channels == 0 || class.hears(self.way % n_channels);
        if !(class.can_be_reached && is_heard) {
            return [0; W];
        }
        let lanes = self.contests.lanes(node_idx);
        let lanes: LaneMask<W> = std::array::from_fn(|word| offered[word] & lanes[word]);
        match self.activated {
            None => lanes,
            Some(slice) => {
                let reached = mask_of(slice, node.0);
                std::array::from_fn(|word| lanes[word] & reached[word])
            }
        }
    }

    /// A message of `source` reached the node at `node_idx` in the contested lanes `live`.
    #[inline(always)]
    fn hear(&mut self, source: NodeId, node_idx: u32, live: &LaneMask<W>) {
        let Self { contests, begin, seed, first_of_word, .. } = self;
        if is_empty(live) {
            return;
        }
        let target = NodeId(*begin + node_idx);
        contests.compete(node_idx, live, |(word, lane)| {
            let simulation = *first_of_word + (LANES_PER_WORD * word + lane) as u64;
            let key = coin::simulation_key(*seed, simulation);
            Parent { place: coin::parent_place(source, target, key), source: source.0 }
        });
    }
}

/// The same for arcs whose messages arrive in this round, unless a longer delay is drawn for them.
struct AtOnce<'a, C, const W: usize> {
    hearing: Hearing<'a, W>,
    keys: &'a BatchKeys<W>,
    coins: C,
    delays: Option<&'a DelayTable>,
    /// That of the channel.
    place: u8,
}

impl<C: WordCoins<W>, const W: usize> Reached<W> for AtOnce<'_, C, W> {
    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        !self.hearing.contests.contains(node_idx)
    }

    #[inline(always)]
    fn prefetch(&self, _node_idx: u32) {}

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        self.hearing.contested(node_idx, offered)
    }

    #[inline(always)]
    fn reach(&mut self, arc: &Arc, live: &LaneMask<W>) {
        let mut live = *live;
        if let Some(table) = self.delays {
            let item = coin::arc_item(arc.source, arc.target, coin::Purpose::Delay);
            let item = coin::on_channel(item, self.place);
            for (word, live) in live.iter_mut().enumerate() {
                for lane in lanes_of(*live) {
                    let rounds = table.rounds(self.coins.uniform(self.keys, word, lane, item));
                    *live &= !(u64::from(rounds > 1) << lane);
                }
            }
        }
        self.hearing.hear(arc.source, arc.target_idx, &live);
    }
}

/// The nodes of `sources` that are active in `lanes`.
fn traced<const W: usize>(sources: &Sources<'_, W>, lanes: &LaneMask<W>) -> Slice<W> {
    let mut slice = Slice::default();
    for (&node, mask) in sources.nodes.iter().zip(sources.masks) {
        let lanes: LaneMask<W> = std::array::from_fn(|word| mask[word] & lanes[word]);
        if !is_empty(&lanes) {
            slice.push(node, lanes);
        }
    }
    slice
}

/// The nodes of all of `slices`, each in all of its lanes of `lanes`.
fn merged<const W: usize>(slices: &[&Slice<W>], lanes: &LaneMask<W>) -> Slice<W> {
    if let [only] = slices {
        return traced(&Sources::of(only), lanes);
    }
    let mut by_node = BTreeMap::<u32, LaneMask<W>>::new();
    for slice in slices {
        for (&node, mask) in slice.nodes.iter().zip(&slice.masks) {
            let sum = by_node.entry(node).or_insert([0; W]);
            (0..W).for_each(|word| sum[word] |= mask[word] & lanes[word]);
        }
    }
    let mut merged = Slice::default();
    by_node.into_iter().filter(|(_, mask)| !is_empty(mask)).for_each(|(node, mask)| {
        merged.push(node, mask);
    });
    merged
}

/// The lanes of `node` in `slice`.
#[inline]
fn mask_of<const W: usize>(slice: &Slice<W>, node: u32) -> LaneMask<W> {
    slice.nodes.binary_search(&node).map_or([0; W], |at| slice.masks[at])
}

/// How many lanes reached `node`, if one did.
pub(crate) fn count_of<const W: usize>(node: NodeId, lanes: &LaneMask<W>) -> Option<NodeCount> {
    let simulations = count_lanes(lanes) as u32;
    (simulations > 0).then_some(NodeCount { node: node.0, simulations })
}
