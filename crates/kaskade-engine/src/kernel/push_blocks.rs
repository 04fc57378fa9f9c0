//! From a frontier along its out-arcs: whole blocks of arcs draw, and most are never read.
//!
//! Blocks are of a source's whole out-list, which lies in several shards. So a source is looked up in all
//! shards at once and each of its blocks drawn once, instead of once in each shard.

use std::ops::Range;

use kaskade_model::coin::{Block, BlockCoins, BlockSource, LiveSlot, Vectorised, Vectors};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask};
use kaskade_model::{NodeId, Shard};

use super::edge_map::Effort;
use super::keys::BatchKeys;
use super::prefetch::prefetch;
use super::presence::Presence;
use super::push::{Sources, each_source};
use super::state::NodeLanes;

/// Pushes `work` over the arcs into all shards.
pub(super) struct PushBlocks<'a, S, L, const W: usize> {
    pub(super) lists: PartedLists<'a, S>,
    /// The lanes of each shard's nodes.
    pub(super) lanes: Vec<L>,
    pub(super) keys: &'a BatchKeys<W>,
    pub(super) coins: &'a BlockCoins,
    pub(super) work: BlockWork<'a, W>,
}

/// What is pushed into the shards: blocks from rank to rank.
#[derive(Clone, Debug)]
pub(super) enum BlockWork<'a, const W: usize> {
    /// The arcs of all sources, those of ranks before `end`; who has more is a hub.
    Sources { groups: &'a [Sources<'a, W>], end: u64 },
    /// Of one source, whose list is `parts` and which is offered in these lanes, the arcs of these
    /// ranks.
    Piece { source: NodeId, offered: &'a LaneMask<W>, parts: &'a [Part<'a>], ranks: Range<u64> },
}

/// Out-lists that lie in several shards.
#[derive(Debug)]
pub(super) struct PartedLists<'a, S> {
    pub(super) shards: &'a [S],
    pub(super) presence: Option<&'a Presence>,
}

impl<'a, S: Shard> PartedLists<'a, S> {
    /// The parts of the list of `source`, ascending; `scratch` has a place for each shard.
    #[inline(always)]
    pub(super) fn parts<'b>(&self, source: NodeId, scratch: &'b mut [Vec<u32>]) -> Vec<Part<'b>>
    where
        'a: 'b,
    {
        let mut parts = Vec::with_capacity(self.shards.len());
        let present = self.presence.map_or(u64::MAX, |presence| presence.of(source));
        let shards = self.shards.iter().zip(scratch).enumerate();
        for (shard_idx, (shard, scratch)) in shards {
            // Where there are masks there are at most 64 shards.
            if self.presence.is_some() && present >> shard_idx & 1 == 0 {
                continue;
            }
            let targets = shard.out_arcs(source, scratch).targets;
            if !targets.is_empty() {
                let first_rank = u64::from(shard.first_rank(source));
                parts.push(Part { shard: shard_idx, first_rank, targets });
            }
        }
        parts
    }
}

/// The part of a source's out-list that lies in a shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    shard: usize,
    first_rank: u64,
    targets: &'a [u32],
}

impl Part<'_> {
    /// The rank after its last arc.
    #[inline(always)]
    pub(super) fn end(&self) -> u64 {
        self.first_rank + self.targets.len() as u64
    }

    /// Those of its arcs whose ranks are in `ranks`.
    fn n_arcs_within(&self, ranks: &Range<u64>) -> u64 {
        self.end().min(ranks.end).saturating_sub(self.first_rank.max(ranks.start))
    }
}

/// An arc of a part that is live in a lane of the batch.
#[derive(Clone, Copy, Debug)]
struct LiveArc {
    part_idx: usize,
    at: usize,
    lane: u32,
}

impl<'a, S: Shard, L: NodeLanes<W>, const W: usize> Vectorised for PushBlocks<'a, S, L, W> {
    /// The hubs, whose arcs from `end` on were left out, with their lanes.
    type Output = (Effort, Vec<(NodeId, &'a LaneMask<W>)>);

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Self::Output {
        let Self { lists, lanes, keys, coins, work } = self;
        let mut hubs = Vec::new();
        let mut walk = Walk {
            lanes,
            keys,
            coins,
            live: Vec::with_capacity(N_WAITING + LANES_PER_WORD),
            waiting: Waiting::default(),
            effort: Effort::default(),
        };
        match work {
            BlockWork::Sources { groups, end } => {
                let mut scratch = vec![Vec::new(); lists.shards.len()];
                for (source, offered) in each_source(groups) {
                    let parts = lists.parts(source, &mut scratch);
                    walk.push(vectors, (source, offered), &parts, 0..end);
                    if parts.last().is_some_and(|last| last.end() > end) {
                        hubs.push((source, offered));
                    }
                }
            }
            BlockWork::Piece { source, offered, parts, ranks } => {
                walk.push(vectors, (source, offered), parts, ranks);
            }
        }
        walk.waiting.activate(&mut walk.lanes);
        (walk.effort, hubs)
    }
}

/// What goes along from source to source.
struct Walk<'a, L, const W: usize> {
    lanes: Vec<L>,
    keys: &'a BatchKeys<W>,
    coins: &'a BlockCoins,
    /// Live arcs of a source whose targets are to come from memory.
    live: Vec<LiveArc>,
    /// Then reached nodes whose lanes are.
    waiting: Waiting,
    effort: Effort,
}

impl<L: NodeLanes<W>, const W: usize> Walk<'_, L, W> {
    /// Draws the blocks of `ranks`, which begin and end with blocks, of a source whose list is `parts`.
    #[inline(always)]
    fn push<V: Vectors>(
        &mut self,
        vectors: V,
        (source, offered): (NodeId, &LaneMask<W>),
        parts: &[Part<'_>],
        ranks: Range<u64>,
    ) {
        let Self { lanes, keys, coins, live, waiting, effort } = self;
        let n_arcs = parts.iter().map(|part| part.n_arcs_within(&ranks));
        effort.arcs_scanned += n_arcs.sum::<u64>();
        let end = parts.last().map_or(0, Part::end).min(ranks.end);
        let (mut rank, mut first_part) = (ranks.start, 0);
        while let Some(part) = parts.get(first_part) {
            if rank >= part.end() {
                first_part += 1;
                continue;
            }
            let begin = rank.max(part.first_rank);
            if begin >= end {
                break;
            }
            // A source has at most 2³² arcs.
            let block = Block::of_rank(begin as u32);
            rank = block.end();
            let n_drawn = rank.min(end) - begin;
            for (word, &offered) in offered.iter().enumerate().filter(|(_, lanes)| **lanes != 0) {
                effort.coins += u64::from(offered.count_ones()) * n_drawn;
                let keys = (&keys.lanes[word], &keys.octets[word]);
                let drawn = (BlockSource::new(source), block);
                coins.visit_live_slots(vectors, keys, drawn, offered, |LiveSlot { lane, slot }| {
                    let lane = LANES_PER_WORD as u32 * word as u32 + lane;
                    let rank = u64::from(block.first_rank) + u64::from(slot);
                    let mut part_idx = first_part;
                    while part_idx + 1 < parts.len() && rank >= parts[part_idx].end() {
                        part_idx += 1;
                    }
                    let part = &parts[part_idx];
                    // Wraps for a slot before the part; one after it is in none, either.
                    let at = rank.wrapping_sub(part.first_rank) as usize;
                    if let Some(target) = part.targets.get(at) {
                        prefetch(target);
                        live.push(LiveArc { part_idx, at, lane });
                    }
                    if live.len() >= N_WAITING {
                        waiting.add_all(lanes, parts, live);
                    }
                });
            }
        }
        waiting.add_all(lanes, parts, live);
    }
}

/// Activations that wait for their target's lanes to come from memory.
#[derive(Debug)]
struct Waiting {
    reached: [Reached; N_WAITING],
    n: usize,
}

const N_WAITING: usize = 64;

/// A node and a lane in which it is reached.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    shard: usize,
    target_idx: u32,
    lane: u32,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { reached: [Reached::default(); N_WAITING], n: 0 }
    }
}

impl Waiting {
    /// Moves the arcs of `live` here, whose parts are `parts`.
    #[inline(always)]
    fn add_all<L: NodeLanes<W>, const W: usize>(
        &mut self,
        lanes: &mut [L],
        parts: &[Part<'_>],
        live: &mut Vec<LiveArc>,
    ) {
        for LiveArc { part_idx, at, lane } in live.drain(..) {
            let Part { shard, targets, .. } = parts[part_idx];
            let target_idx = targets[at];
            if lanes[shard].is_saturated(target_idx) {
                continue;
            }
            lanes[shard].prefetch(target_idx);
            self.reached[self.n] = Reached { shard, target_idx, lane };
            self.n += 1;
            if self.n == N_WAITING {
                self.activate(lanes);
            }
        }
    }

    #[inline(always)]
    fn activate<L: NodeLanes<W>, const W: usize>(&mut self, lanes: &mut [L]) {
        for &Reached { shard, target_idx, lane } in &self.reached[..self.n] {
            lanes[shard].activate_word(target_idx, (lane / 64) as usize, 1 << (lane % 64));
        }
        self.n = 0;
    }
}
