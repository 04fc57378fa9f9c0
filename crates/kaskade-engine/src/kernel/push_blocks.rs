//! From a frontier along its out-arcs: whole blocks of arcs draw, and most are never read.
//!
//! Blocks are of a source's whole out-list, which lies in several shards. So a source is looked up in all
//! shards at once and each of its blocks drawn once, instead of once in each shard.

use kaskade_model::Shard;
use kaskade_model::coin::{Block, BlockCoins, BlockSource, LiveSlot, Vectorised, Vectors};
use kaskade_model::lanes::LANES_PER_WORD;

use super::edge_map::Effort;
use super::keys::BatchKeys;
use super::prefetch::prefetch;
use super::presence::Presence;
use super::push::Work;
use super::state::NodeLanes;

/// Pushes `work` over the arcs into all `shards`.
pub(super) struct PushBlocks<'a, S, L, const W: usize> {
    pub(super) shards: &'a [S],
    pub(super) presence: Option<&'a Presence>,
    /// The lanes of each shard's nodes.
    pub(super) lanes: Vec<L>,
    pub(super) keys: &'a BatchKeys<W>,
    pub(super) coins: &'a BlockCoins,
    pub(super) work: Work<'a, W>,
}

/// The part of a source's out-list that lies in a shard.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    shard: usize,
    first_rank: u64,
    targets: &'a [u32],
}

impl Part<'_> {
    #[inline(always)]
    fn end(&self) -> u64 {
        self.first_rank + self.targets.len() as u64
    }
}

/// An arc of a part that is live in a lane of the batch.
#[derive(Clone, Copy, Debug)]
struct LiveArc {
    part_idx: usize,
    at: usize,
    lane: u32,
}

impl<S: Shard, L: NodeLanes<W>, const W: usize> Vectorised for PushBlocks<'_, S, L, W> {
    type Output = Effort;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Effort {
        let Self { shards, presence, mut lanes, keys, coins, work } = self;
        let mut scratch = vec![Vec::new(); shards.len()];
        let mut effort = Effort::default();
        // Live arcs of a source whose targets are to come from memory, then reached nodes whose
        // lanes are.
        let mut live = Vec::with_capacity(N_WAITING + LANES_PER_WORD);
        let mut waiting = Waiting::default();
        for (source, offered) in work.sources() {
            let mut parts = Vec::with_capacity(shards.len());
            let present = presence.map_or(u64::MAX, |presence| presence.of(source));
            for (shard_idx, scratch) in scratch.iter_mut().enumerate() {
                // Where there are masks there are at most 64 shards.
                if presence.is_some() && present >> shard_idx & 1 == 0 {
                    continue;
                }
                let shard = &shards[shard_idx];
                let targets = work.arcs.of(shard.out_arcs(source, scratch)).targets;
                if !targets.is_empty() {
                    let first_rank = u64::from(shard.first_rank(source));
                    parts.push(Part { shard: shard_idx, first_rank, targets });
                }
            }
            let end = parts.last().map_or(0, Part::end);
            effort.arcs_scanned += parts.iter().map(|part| part.targets.len() as u64).sum::<u64>();
            let (mut rank, mut first_part) = (0, 0);
            while let Some(part) = parts.get(first_part) {
                if rank >= part.end() {
                    first_part += 1;
                    continue;
                }
                let begin = rank.max(part.first_rank);
                // A source has at most 2³² arcs.
                let block = Block::of_rank(begin as u32);
                rank = block.end();
                let n_drawn = rank.min(end) - begin;
                for (word, &offered) in offered.iter().enumerate().filter(|(_, lanes)| **lanes != 0)
                {
                    effort.coins += u64::from(offered.count_ones()) * n_drawn;
                    let keys = (&keys.lanes[word], &keys.octets[word]);
                    let arcs = (BlockSource::new(source), block);
                    coins.visit_live_slots(
                        vectors,
                        keys,
                        arcs,
                        offered,
                        |LiveSlot { lane, slot }| {
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
                                waiting.add_all(&mut lanes, &parts, &mut live);
                            }
                        },
                    );
                }
            }
            waiting.add_all(&mut lanes, &parts, &mut live);
        }
        waiting.activate(&mut lanes);
        effort
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
