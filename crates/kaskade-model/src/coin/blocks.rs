//! Block coins: up to 64 arcs of a source draw together, so that most of them are never read.
//!
//! For one probability on all arcs, and quick where it is small. A source's whole out-list, by ascending target, is cut
//! into blocks of 8, 8, 16, 32 and then always 64 slots ([`Block`]). In each simulation one
//! uniform gives the number K of live slots of a block, by the binomial distribution's quantiles,
//! and the live slots are the first K of a sequence of distinct slots that does not depend on
//! the probability. So slots are independent, the live set grows with the probability, and a block
//! without a live slot costs one comparison, which is all that most blocks cost. The small blocks
//! come first because most nodes have few arcs.
//!
//! The idea of skipping over dead arcs is that of subset sampling by geometric jumps (Guo et al.,
//! "Influence maximization revisited", SIGMOD 2020); here a jump neither depends on where the
//! one before it landed nor moves what lies behind it.

use super::{
    Draw, GOLDEN, OctetKeys, Purpose, Threshold, Vectors, arc_item, octet_uniform, simulation_key,
    split_mix64,
};
use crate::coin::LaneKeys;
use crate::ids::NodeId;
use crate::lanes::{LANES_PER_WORD, lanes_of};

/// The highest probability at which block coins are the quickest; above it most blocks have live
/// slots.
pub const MAX_BLOCK_PROBABILITY: f64 = 1.0 / 64.0;

/// log2 of the slots of the smallest blocks and of the largest.
const MIN_SIZE_BITS: u32 = 3;
const MAX_SIZE_BITS: u32 = 6;

const N_SIZES: usize = (MAX_SIZE_BITS - MIN_SIZE_BITS + 1) as usize;

/// A block of a source's out-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The rank of its first slot.
    pub first_rank: u32,
    size_bits: u32,
}

impl Block {
    /// The block that holds the arc of rank `rank`.
    #[inline(always)]
    #[must_use]
    pub fn of_rank(rank: u32) -> Self {
        let size_bits = rank.checked_ilog2().unwrap_or(0).clamp(MIN_SIZE_BITS, MAX_SIZE_BITS);
        Self { first_rank: rank >> size_bits << size_bits, size_bits }
    }

    /// The number of its slots, 8 to 64.
    #[inline(always)]
    #[must_use]
    pub fn n_slots(self) -> u32 {
        1 << self.size_bits
    }

    #[inline(always)]
    fn size_idx(self) -> usize {
        (self.size_bits - MIN_SIZE_BITS) as usize
    }

    /// The rank after its last slot: where the next block begins.
    #[inline(always)]
    #[must_use]
    pub fn end(self) -> u64 {
        u64::from(self.first_rank) + u64::from(self.n_slots())
    }
}

/// The slots of a block that are live in a lane, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveSlots {
    /// The lane, 0 to 63.
    pub lane: usize,
    /// The slots.
    pub slots: u64,
}

/// The distribution of the number of live slots, for each size of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockCoins {
    /// By size: element k is the width of "more than k live slots", in units of 2⁻³²; the last
    /// is 0.
    tails: [Vec<u64>; N_SIZES],
    /// By size: wherever there is a live slot the uniform's first byte lies below this.
    candidate_bytes: [u64; N_SIZES],
}

/// Blocks that are asked together.
pub const BLOCKS_TOGETHER: usize = 8;

impl BlockCoins {
    /// The coins of arcs with probability `threshold`.
    #[must_use]
    pub fn new(threshold: Threshold) -> Self {
        // Both sides are exact.
        let probability = threshold.width() as f64 / Threshold::ALWAYS.width() as f64;
        let of_size = |size: usize| binomial_tails(1 << (MIN_SIZE_BITS + size as u32), probability);
        let tails: [Vec<u64>; N_SIZES] = std::array::from_fn(of_size);
        let candidate_bytes = std::array::from_fn(|size: usize| tails[size][0].div_ceil(1 << 24));
        Self { tails, candidate_bytes }
    }

    fn tails(&self, block: Block) -> &[u64] {
        &self.tails[block.size_idx()]
    }

    /// Finds the lanes of `offered` in which `block` of `source` has live slots: writes each with
    /// these, a bit each, to the front of `found`, and gives their number.
    #[inline(always)]
    pub fn find_live<V: Vectors>(
        &self,
        vectors: V,
        keys: (&LaneKeys, &OctetKeys),
        (source, block): (NodeId, Block),
        offered: u64,
        found: &mut [LiveSlots; LANES_PER_WORD],
    ) -> usize {
        let (lane_keys, octet_keys) = keys;
        let item = block_item(source, block);
        let tails = self.tails(block);
        let draw = |more_than: usize| Draw { item, from: 0, width: tails[more_than] };
        let live = octet_keys.live(vectors, draw(0), offered);
        if live == 0 {
            return 0;
        }
        let mut n_found = 0;
        let mut several = octet_keys.live(vectors, draw(1), live);
        for lane in lanes_of(live & !several) {
            let first = split_mix64((item ^ lane_keys.key(lane)).wrapping_add(GOLDEN));
            let slots = 1 << (first & (u64::from(block.n_slots()) - 1));
            found[n_found] = LiveSlots { lane, slots };
            n_found += 1;
        }
        let mut n_slots = 1;
        while several != 0 {
            n_slots += 1;
            // Every list of tails ends with 0, in which nothing is live.
            let more = octet_keys.live(vectors, draw(n_slots), several);
            for lane in lanes_of(several & !more) {
                let slots = live_slots(block, item ^ lane_keys.key(lane), n_slots);
                found[n_found] = LiveSlots { lane, slots };
                n_found += 1;
            }
            several = more;
        }
        n_found
    }

    /// The blocks of `blocks` that may have live slots in `lane`, a bit each: all that have, and one
    /// or two in a hundred of the others.
    #[inline(always)]
    #[must_use]
    pub fn candidates(
        &self,
        keys: &OctetKeys,
        lane: usize,
        source: NodeId,
        blocks: &[Block; BLOCKS_TOGETHER],
    ) -> u64 {
        let (key, shift) = keys.of_lane(lane);
        let words: [u64; BLOCKS_TOGETHER] = std::array::from_fn(|at| {
            split_mix64((block_item(source, blocks[at]) ^ key).wrapping_add(GOLDEN))
        });
        let mut candidates = 0;
        for (at, word) in words.into_iter().enumerate() {
            let byte = word >> shift & 0xff;
            candidates |= u64::from(byte < self.candidate_bytes[blocks[at].size_idx()]) << at;
        }
        candidates
    }

    /// The live slots of `block` of `source` in `lane`, a bit each.
    #[inline(always)]
    #[must_use]
    pub fn slots_in_lane(
        &self,
        (lane_keys, octet_keys): (&LaneKeys, &OctetKeys),
        lane: usize,
        (source, block): (NodeId, Block),
    ) -> u64 {
        let item = block_item(source, block);
        self.slots_of(item, block, octet_keys.uniform(item, lane), lane_keys.key(lane))
    }

    #[inline(always)]
    fn slots_of(&self, item: u64, block: Block, uniform: u32, key: u64) -> u64 {
        let is_more = |width: &&u64| u64::from(uniform) < **width;
        let n_slots = self.tails(block).iter().take_while(is_more).count();
        live_slots(block, item ^ key, n_slots)
    }

    /// The live slots of `block` of `source` in simulation number `simulation` of a job with
    /// `seed`, a bit each: one at a time, for whoever checks them.
    #[must_use]
    pub fn slots(&self, source: NodeId, block: Block, seed: u64, simulation: u64) -> u64 {
        let item = block_item(source, block);
        let uniform = octet_uniform(seed, item, simulation);
        self.slots_of(item, block, uniform, simulation_key(seed, simulation))
    }
}

#[inline(always)]
fn block_item(source: NodeId, block: Block) -> u64 {
    arc_item(source, NodeId(block.first_rank), Purpose::Block)
}

/// The first `n_slots` distinct slots of the sequence that `state` draws.
#[inline(always)]
fn live_slots(block: Block, mut state: u64, n_slots: usize) -> u64 {
    let slot_bits = block.size_bits;
    let (mut slots, mut n_found) = (0u64, 0);
    while n_found < n_slots {
        state = state.wrapping_add(GOLDEN);
        let mut word = split_mix64(state);
        for _ in 0..u64::BITS / slot_bits {
            let slot = 1 << (word & ((1 << slot_bits) - 1));
            word >>= slot_bits;
            n_found += usize::from(slots & slot == 0);
            slots |= slot;
            if n_found == n_slots {
                break;
            }
        }
    }
    slots
}

/// P(K > k) for k = 0, 1, … of a binomial distribution with `n` trials, in units of 2⁻³² and
/// rounded, until it is 0. Made of additions, products and quotients alone, whose results
/// IEEE 754 fixes: the same on any machine.
fn binomial_tails(n: u32, probability: f64) -> Vec<u64> {
    if probability > 0.5 {
        // K live slots are n - K dead ones, and small masses are the exact ones.
        let dead = binomial_tails(n, 1.0 - probability);
        let more_dead_than = |k: u32| dead.get(k as usize).copied().unwrap_or(0);
        let tails = (0..n).map(|k| Threshold::ALWAYS.width() - more_dead_than(n - 1 - k));
        return tails.chain([0]).collect();
    }
    let dead = 1.0 - probability;
    let mut mass = (0..n).fold(1.0, |mass, _| mass * dead);
    let (mut tail, mut tails) = (1.0, Vec::new());
    for k in 0..=n {
        tail -= mass;
        let width = (tail * Threshold::ALWAYS.width() as f64 + 0.5).max(0.0) as u64;
        tails.push(width);
        if width == 0 {
            return tails;
        }
        mass *= f64::from(n - k) / f64::from(k + 1) * (probability / dead);
    }
    tails.push(0);
    tails
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coin::{Isa, Vectorised};

    fn coins(probability: f64) -> BlockCoins {
        BlockCoins::new(Threshold::from_probability(probability).unwrap())
    }

    #[test]
    fn blocks_tile_an_out_list() {
        let mut rank = 0;
        let mut sizes = Vec::new();
        while rank < 300 {
            let block = Block::of_rank(rank);
            assert_eq!(block.first_rank, rank);
            for rank in rank..block.end() as u32 {
                assert_eq!(Block::of_rank(rank), block);
            }
            sizes.push(block.n_slots());
            rank = block.end() as u32;
        }
        assert_eq!(sizes, [8, 8, 16, 32, 64, 64, 64, 64]);
        assert_eq!(Block::of_rank(u32::MAX).end(), 1 << 32);
    }

    #[test]
    fn tails_are_the_binomial_distributions() {
        for probability in [0.0, 2.0_f64.powi(-33), 1e-6, 0.001, 0.01, 0.3, 0.5, 0.7, 0.999, 1.0] {
            for n in [8, 16, 32, 64u32] {
                let tails = binomial_tails(n, probability);
                let mean = tails.iter().sum::<u64>() as f64 / 2.0_f64.powi(32);
                let allowed = tails.len() as f64 * 2.0_f64.powi(-32);
                assert!((mean - f64::from(n) * probability).abs() <= allowed, "{n} {probability}");
                assert!(tails.is_sorted_by(|more, less| more >= less));
                assert_eq!(tails.last(), Some(&0));
            }
        }
    }

    #[test]
    fn the_live_set_grows_with_the_probability() {
        let ladder: Vec<BlockCoins> =
            [1e-5, 0.001, 0.01, 0.1, 0.499, 0.501, 0.9, 1.0].map(coins).to_vec();
        for source in 0..500 {
            let block = Block::of_rank([0, 8, 16, 32, 64, 6400][source as usize % 6]);
            let sets: Vec<u64> =
                ladder.iter().map(|coins| coins.slots(NodeId(source), block, 1, 7)).collect();
            assert!(sets.windows(2).all(|pair| pair[0] & !pair[1] == 0), "{sets:x?}");
        }
    }

    #[test]
    fn slots_are_live_as_often_as_they_should_be_and_on_their_own() {
        let (coins, n_simulations) = (coins(0.0125), 40_000u64);
        for block in [Block::of_rank(3), Block::of_rank(40), Block::of_rank(640)] {
            let n = block.n_slots() as usize;
            let (mut single, mut pairs) = (vec![0u32; n], 0u64);
            for simulation in 0..n_simulations {
                let slots = coins.slots(NodeId(5), block, 1, simulation);
                lanes_of(slots).for_each(|slot| single[slot] += 1);
                let n_live = u64::from(slots.count_ones());
                pairs += n_live * n_live.saturating_sub(1) / 2;
            }
            let expected = n_simulations as f64 * 0.0125;
            let chi2: f64 =
                single.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
            let degrees = n as f64;
            assert!((chi2 - degrees).abs() < 4.0 * (2.0 * degrees).sqrt(), "{block:?}: {chi2}");
            let expected = (n * (n - 1) / 2) as f64 * n_simulations as f64 * 0.0125 * 0.0125;
            assert!((pairs as f64 - expected).abs() < 4.0 * expected.sqrt() * 1.5, "{pairs}");
        }
    }

    #[test]
    fn every_instruction_set_visits_what_one_at_a_time_finds() {
        struct Visit<'a>(&'a BlockCoins, Block, u64);
        impl Vectorised for Visit<'_> {
            type Output = Vec<LiveSlots>;
            #[inline(always)]
            fn run<V: Vectors>(self, vectors: V) -> Self::Output {
                let keys = LaneKeys::new(|lane| simulation_key(1, 128 + lane as u64));
                let octets = OctetKeys::new(1, 2);
                let mut found = [LiveSlots::default(); LANES_PER_WORD];
                let arcs = (NodeId(77), self.1);
                let n_found = self.0.find_live(vectors, (&keys, &octets), arcs, self.2, &mut found);
                let mut found = found[..n_found].to_vec();
                found.sort_unstable();
                for &LiveSlots { lane, slots } in &found {
                    let mut blocks = [Block::of_rank(0); BLOCKS_TOGETHER];
                    blocks[5] = self.1;
                    let candidates = self.0.candidates(&octets, lane, NodeId(77), &blocks);
                    assert_eq!(candidates >> 5 & 1, 1, "a live block is a candidate");
                    assert_eq!(self.0.slots_in_lane((&keys, &octets), lane, arcs), slots);
                }
                found
            }
        }
        for probability in [0.0001, 0.004, 0.0156, 0.4, 0.9, 1.0] {
            let coins = coins(probability);
            for rank in [0, 9, 17, 33, 64, 1000] {
                let block = Block::of_rank(rank);
                let offered = 0xffff_ff0f_f0ff_ffff;
                let slots = |lane| coins.slots(NodeId(77), block, 1, 128 + lane as u64);
                let expected: Vec<LiveSlots> = lanes_of(offered)
                    .map(|lane| LiveSlots { lane, slots: slots(lane) })
                    .filter(|live| live.slots != 0)
                    .collect();
                for isa in Isa::available() {
                    assert_eq!(isa.run(Visit(&coins, block, offered)), expected, "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn block_coins_are_frozen() {
        let coins = coins(0.01);
        let golden: Vec<u64> =
            (0..8).map(|i| coins.slots(NodeId(3), Block::of_rank(64), 1, i)).collect();
        assert_eq!(golden, GOLDEN_SLOTS);
        assert_eq!(coins.tails[3][..3], GOLDEN_TAILS);
    }

    const GOLDEN_SLOTS: [u64; 8] = [1 << 32 | 1, 0, 0, 1 << 63, 0, 0x2000_0000_0040_0000, 0, 0];
    const GOLDEN_TAILS: [u64; 3] = [2_037_547_573, 578_205_528, 113_869_422];
}
