//! Who passed it to whom in the traced simulations of a batch.

use std::collections::BTreeMap;
use std::sync::Arc as Shared;

use kaskade_model::coin::{self, Family};
use kaskade_model::diffusion::{Arc, ModelError};
use kaskade_model::dynamics::DelayTable;
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, count_lanes, is_empty, lanes_of};
use kaskade_model::recording::{MAX_TRACED_ACTIVATIONS, NodeCount, TracedActivation};
use kaskade_model::tally::PartitionTally;
use kaskade_model::{NodeId, Round};

use super::Partition;
use crate::kernel::{
    BatchKeys, ByLane, ByOctet, Coins, LiveArc, LiveBlocks, PushArcs, Reached, Sources, WordCoins,
    Work,
};
use crate::slice::Slice;

/// Notes the messages that could make own nodes active in the traced lanes, beside the kernel, and
/// says at the end of a round by whose message a node did become active: of those that arrived in
/// that round, on the side that the node heard and over the channel that it was reached over, the one
/// with the least [`coin::parent_place`], whatever order they were found in.
#[derive(Debug)]
pub(crate) struct Tracer<const W: usize> {
    lanes: LaneMask<W>,
    seed: u64,
    first_lane: u32,
    /// The simulation of lane 0 of the batch's first word.
    first_of_word: u64,
    /// By channel what draws delays, and the channel's place in the graph; one where there are none.
    channels: Shared<[(Option<DelayTable>, u8)]>,
    /// By the round in which they arrive.
    messages: BTreeMap<Round, Vec<Message>>,
}

/// A message to a node that was not active yet. By target, lane and way the least `place` comes
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    target: u32,
    lane: u32,
    way: u8,
    place: u64,
    source: u32,
}

impl<const W: usize> Tracer<W> {
    /// The tracer of `batch`, if one of its simulations is traced.
    pub(crate) fn of(plan: &JobPlan, batch: &BatchPlan) -> Option<Self> {
        plan.traces(batch).then(|| Self {
            lanes: plan.traced_lanes(batch),
            seed: plan.seed,
            first_lane: batch.first_lane(),
            first_of_word: batch.first_simulation - u64::from(batch.first_lane()),
            channels: match &plan.dynamics.channels[..] {
                [] => Shared::new([(plan.dynamics.delay.drawn(), 0)]),
                channels => {
                    channels.iter().map(|channel| (channel.delay.drawn(), channel.place)).collect()
                }
            },
            messages: BTreeMap::new(),
        })
    }

    /// The lanes that are traced.
    pub(crate) fn lanes(&self) -> LaneMask<W> {
        self.lanes
    }

    /// Notes what `sources`, for each channel and side, send to the nodes of `partition`, to arrive in
    /// `round` unless a longer delay is drawn. In which lanes a node of a shard was active before says
    /// `active_before`.
    ///
    /// # Errors
    /// [`ModelError`] when a shard lacks what the model reads.
    pub(crate) fn listen(
        &mut self,
        partition: &Partition,
        keys: &BatchKeys<W>,
        sources: &[Vec<Vec<Sources<'_, W>>>],
        round: Round,
        active_before: impl Fn(usize, u32) -> LaneMask<W>,
    ) -> Result<(), ModelError> {
        let n_channels = sources.len();
        for (channel, sides) in sources.iter().enumerate() {
            for (side, of_side) in sides.iter().enumerate() {
                let traced: Vec<_> = of_side.iter().map(|sources| self.traced(sources)).collect();
                let groups: Vec<_> =
                    traced.iter().filter(|slice| slice.n_nodes() > 0).map(Sources::of).collect();
                if !groups.is_empty() {
                    // At most `MAX_SIDES` times `MAX_CHANNELS`.
                    let way = (channel, (side * n_channels + channel) as u8);
                    self.listen_to(partition, keys, &groups, (round, way), &active_before)?;
                }
            }
        }
        Ok(())
    }

    /// Notes what `groups` send over channel number `channel`, which is `way`.
    fn listen_to(
        &mut self,
        partition: &Partition,
        keys: &BatchKeys<W>,
        groups: &[Sources<'_, W>],
        (round, (channel, way)): (Round, (usize, u8)),
        active_before: &impl Fn(usize, u32) -> LaneMask<W>,
    ) -> Result<(), ModelError> {
        let Partition { shards, plan, isa, coins, presence, .. } = partition;
        if let Coins::ByBlock(coins) = coins {
            let presence = presence.as_ref();
            let blocks = LiveBlocks { shards, presence, coins, keys, isa: *isa };
            blocks.visit(groups, |LiveArc { source, shard, target_idx, word, lanes }| {
                let before = active_before(shard, target_idx)[word];
                let target = shards[shard].nodes().node(target_idx);
                for lane in lanes_of(lanes & !before) {
                    self.note(round, source, target, (LANES_PER_WORD * word + lane) as u32, way);
                }
            });
            return Ok(());
        }
        for (shard_idx, shard) in shards.iter().enumerate() {
            let active_before = |node_idx| active_before(shard_idx, node_idx);
            let work = Work::Sources { groups, max_arcs: usize::MAX };
            let channels = Shared::clone(&self.channels);
            let (delays, place) = &channels[channel];
            let to = (round, way, *place);
            partition.with_rule((shard_idx, shard), channel, |rule| {
                if plan.coins == Family::Arc {
                    let coins = ByLane;
                    let lanes = Listener {
                        tracer: self,
                        partition,
                        active_before,
                        keys,
                        coins,
                        to,
                        delays,
                    };
                    isa.run(PushArcs { shard, lanes, keys, rule, coins, work });
                } else {
                    let coins = ByOctet;
                    let lanes = Listener {
                        tracer: self,
                        partition,
                        active_before,
                        keys,
                        coins,
                        to,
                        delays,
                    };
                    isa.run(PushArcs { shard, lanes, keys, rule, coins, work });
                }
            })?;
        }
        Ok(())
    }

    /// Adds to `tally` who became active in `round`, and by whom: `activated` are those nodes, each
    /// slice with the way in which they were reached.
    pub(crate) fn end_round<'a>(
        &mut self,
        round: Round,
        activated: impl Iterator<Item = (u8, &'a Slice<W>)>,
        tally: &mut PartitionTally,
    ) {
        let mut messages = self.messages.remove(&round).unwrap_or_default();
        messages.sort_unstable();
        let parent = |target: u32, lane: u32, way: u8| {
            let (place, wanted) =
                (|of: &Message| (of.target, of.lane, of.way), (target, lane, way));
            let message = messages.get(messages.partition_point(|of| place(of) < wanted));
            message.filter(|of| place(of) == wanted).map(|message| message.source)
        };
        let activated = activated.flat_map(|(way, slice)| {
            slice.nodes.iter().zip(&slice.masks).map(move |(&node, mask)| (way, node, mask))
        });
        for (way, node, mask) in activated {
            for (word, lanes) in mask.iter().zip(&self.lanes).map(|(m, t)| m & t).enumerate() {
                for lane in lanes_of(lanes).map(|lane| (LANES_PER_WORD * word + lane) as u32) {
                    if tally.trace.len() > MAX_TRACED_ACTIVATIONS {
                        return;
                    }
                    let (place, round) = (lane - self.first_lane, round.0);
                    let parent = parent(node, lane, way);
                    tally.trace.push(TracedActivation { place, round, node, parent });
                }
            }
        }
    }

    /// Ends the batch of `tally`.
    pub(crate) fn finish(self, tally: &mut PartitionTally) {
        tally.trace.sort_unstable();
    }

    /// The nodes of `sources` that are active in a traced lane.
    fn traced(&self, sources: &Sources<'_, W>) -> Slice<W> {
        let mut slice = Slice::default();
        for (&node, mask) in sources.nodes.iter().zip(sources.masks) {
            let lanes: LaneMask<W> = std::array::from_fn(|word| mask[word] & self.lanes[word]);
            if !is_empty(&lanes) {
                slice.push(node, lanes);
            }
        }
        slice
    }

    #[inline]
    fn note(&mut self, round: Round, source: NodeId, target: NodeId, lane: u32, way: u8) {
        let key = coin::simulation_key(self.seed, self.first_of_word + u64::from(lane));
        let place = coin::parent_place(source, target, key);
        let message = Message { target: target.0, lane, way, place, source: source.0 };
        self.messages.entry(round).or_default().push(message);
    }
}

/// The nodes of a shard as the tracer sees them who walks over arcs into it.
struct Listener<'a, F, C, const W: usize> {
    tracer: &'a mut Tracer<W>,
    partition: &'a Partition,
    active_before: F,
    keys: &'a BatchKeys<W>,
    coins: C,
    /// The round in which what is not delayed arrives, the way, and the place of its channel.
    to: (Round, u8, u8),
    delays: &'a Option<DelayTable>,
}

impl<F: Fn(u32) -> LaneMask<W>, C: WordCoins<W>, const W: usize> Reached<W>
    for Listener<'_, F, C, W>
{
    #[inline(always)]
    fn is_saturated(&self, _node_idx: u32) -> bool {
        false
    }

    #[inline(always)]
    fn prefetch(&self, _node_idx: u32) {}

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        let before = (self.active_before)(node_idx);
        std::array::from_fn(|word| offered[word] & !before[word])
    }

    #[inline(always)]
    fn reach(&mut self, arc: &Arc, live: &LaneMask<W>) {
        let Arc { source, target, .. } = *arc;
        let (round, way, place) = self.to;
        let n_channels = self.partition.plan.dynamics.channels.len() as u8;
        let class = self.partition.traits.class(target);
        let is_heard = n_channels == 0 || class.channels >> (way % n_channels) & 1 == 1;
        if !(class.can_be_reached && is_heard) {
            return;
        }
        let item = coin::on_channel(coin::arc_item(source, target, coin::Purpose::Delay), place);
        for (word, &live) in live.iter().enumerate() {
            for lane in lanes_of(live) {
                let rounds = self.delays.as_ref().map_or(1, |table| {
                    table.rounds(self.coins.uniform(self.keys, word, lane, item))
                });
                let round = Round(round.0.saturating_add(rounds - 1));
                let lane = (LANES_PER_WORD * word + lane) as u32;
                self.tracer.note(round, source, target, lane, way);
            }
        }
    }
}

/// How many lanes reached `node`, if one did.
pub(crate) fn count_of<const W: usize>(node: NodeId, lanes: &LaneMask<W>) -> Option<NodeCount> {
    let simulations = count_lanes(lanes) as u32;
    (simulations > 0).then_some(NodeCount { node: node.0, simulations })
}
