//! Block coins: up to 1024 arcs of a source draw together, so that most of them are never read.
//!
//! For one probability on all arcs, and quick where it is small. A source's whole out-list, by ascending target, is cut
//! into blocks of 8, 8, 16, 32 and so on, from 1024 on always 1024 slots ([`Block`]). In each
//! simulation one uniform gives the number K of live slots of a block, by the binomial
//! distribution's quantiles, and the live slots are the first K of a sequence of distinct slots that
//! does not depend on the probability. So slots are independent, the live set grows with the
//! probability, and a block without a live slot costs one comparison. Blocks grow because most
//! nodes have few arcs, and most arcs few nodes.
//!
//! The first byte of the uniform is drawn as octets draw it, for eight simulations at once, and
//! already rules most blocks out. The rest of it and the slots come from words of the simulation's
//! own: SplitMix64 from the state `item ^ key`.
//!
//! The idea of skipping over dead arcs is that of subset sampling by geometric jumps (Guo et al.,
//! "Influence maximization revisited", SIGMOD 2020); here a jump neither depends on where the
//! one before it landed nor moves what lies behind it.

use super::{
    GOLDEN, OctetKeys, Purpose, Threshold, Vectors, node_item, octet_uniform, simulation_key,
    split_mix64,
};
use crate::coin::LaneKeys;
use crate::ids::NodeId;
use crate::lanes::lanes_of;

/// The highest probability at which block coins are the quickest; above it most blocks have live
/// slots.
pub const MAX_BLOCK_PROBABILITY: f64 = 1.0 / 64.0;

/// log2 of the slots of the smallest blocks and of the largest.
const MIN_SIZE_BITS: u32 = 3;
const MAX_SIZE_BITS: u32 = 10;

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

    /// The number of its slots, 8 to 1024.
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

/// What all blocks of a source have in common: the hash of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSource(u64);

impl BlockSource {
    /// That of `source`.
    #[inline(always)]
    #[must_use]
    pub fn new(source: NodeId) -> Self {
        Self(node_item(source, Purpose::Block))
    }

    /// The item that the block whose first slot has `first_rank` draws by.
    #[inline(always)]
    fn item(self, first_rank: u32) -> u64 {
        /// An odd number; its small multiples are far from those of [`GOLDEN`].
        const STEP: u64 = 0xd134_2543_de82_ef95;
        self.0.wrapping_add(u64::from(first_rank).wrapping_mul(STEP))
    }
}

/// A slot of a block that is live in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveSlot {
    /// The lane, 0 to 63.
    pub lane: u32,
    /// The slot.
    pub slot: u32,
}

/// The distribution of the number of live slots, for each size of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockCoins {
    /// By size: element k is the width of "more than k live slots", in units of 2⁻³²; the last
    /// is 0.
    tails: [Vec<u64>; N_SIZES],
    /// For the first blocks of a source, and then for all: wherever there is a live slot the
    /// uniform's first byte lies below this.
    candidate_bytes: [[u64; N_TOGETHER]; 2],
}

/// Bits of a simulation's first word that are no part of the uniform.
const N_SPARE_BITS: u32 = u64::BITS - 24;

/// Blocks that are looked at together.
const N_TOGETHER: usize = 8;

/// The first ranks of a source's first blocks: one of every size, and two of the smallest.
const FIRST_RANKS: [u32; N_TOGETHER] = [0, 8, 16, 32, 64, 128, 256, 512];

/// The rank behind those: from here on all blocks have the largest size.
const LARGEST_FROM: u32 = 1 << MAX_SIZE_BITS;

impl BlockCoins {
    /// The coins of arcs with probability `threshold`.
    #[must_use]
    pub fn new(threshold: Threshold) -> Self {
        // Both sides are exact.
        let probability = threshold.width() as f64 / Threshold::ALWAYS.width() as f64;
        let of_size = |size: usize| binomial_tails(1 << (MIN_SIZE_BITS + size as u32), probability);
        let tails: [Vec<u64>; N_SIZES] = std::array::from_fn(of_size);
        let byte = |rank| tails[Block::of_rank(rank).size_idx()][0].div_ceil(1 << 24);
        let candidate_bytes = [FIRST_RANKS.map(byte), [byte(LARGEST_FROM); N_TOGETHER]];
        Self { tails, candidate_bytes }
    }

    fn tails(&self, block: Block) -> &[u64] {
        &self.tails[block.size_idx()]
    }

    /// Visits the live slots of `block` of `source` in the lanes of `offered`, lane by lane.
    #[inline(always)]
    pub fn visit_live_slots<V: Vectors>(
        &self,
        vectors: V,
        keys: (&LaneKeys, &OctetKeys),
        (source, block): (BlockSource, Block),
        offered: u64,
        mut visit: impl FnMut(LiveSlot),
    ) {
        let (lane_keys, octet_keys) = keys;
        let item = source.item(block.first_rank);
        let limit = self.tails(block)[0].div_ceil(1 << 24);
        let (candidates, bytes) = octet_keys.first_bytes(vectors, item, limit, offered);
        for lane in lanes_of(candidates) {
            let first_byte = bytes[lane / 8] >> (8 * (lane % 8)) & 0xff;
            let draw = (first_byte, item ^ lane_keys.key(lane));
            self.live_slots(block, draw, |slot| visit(LiveSlot { lane: lane as u32, slot }));
        }
    }

    /// Visits the ranks of the live arcs among the `n_arcs` of `source` in `lane`.
    #[inline(always)]
    pub fn visit_live<V: Vectors>(
        &self,
        vectors: V,
        keys: (&LaneKeys, &OctetKeys),
        lane: usize,
        (source, n_arcs): (BlockSource, u32),
        mut visit: impl FnMut(u32),
    ) {
        let (lane_keys, octet_keys) = keys;
        let (key, shift) = octet_keys.of_lane(lane);
        let (mut first_ranks, mut bytes) = (FIRST_RANKS, &self.candidate_bytes[0]);
        let mut end = LARGEST_FROM;
        loop {
            // The blocks that may have live slots: all that have, and one or two in a hundred of
            // the others.
            let mut candidates = if n_arcs <= FIRST_RANKS[1] {
                u32::from(octet_keys.first_byte(source.item(0), lane) < bytes[0])
            } else {
                let states = first_ranks.map(|rank| (source.item(rank) ^ key).wrapping_add(GOLDEN));
                vectors.mixed_bytes_below(&states, shift, bytes)
            };
            while candidates != 0 {
                let block = Block::of_rank(first_ranks[candidates.trailing_zeros() as usize]);
                candidates &= candidates - 1;
                if block.first_rank >= n_arcs {
                    break;
                }
                let item = source.item(block.first_rank);
                let draw = (octet_keys.first_byte(item, lane), item ^ lane_keys.key(lane));
                self.live_slots(block, draw, |slot| {
                    let rank = block.first_rank + slot;
                    if rank < n_arcs {
                        visit(rank);
                    }
                });
            }
            if n_arcs <= end {
                return;
            }
            first_ranks = std::array::from_fn(|at| end.saturating_add(at as u32 * LARGEST_FROM));
            bytes = &self.candidate_bytes[1];
            // Whoever is near the end has its last blocks here.
            end = end.saturating_add(N_TOGETHER as u32 * LARGEST_FROM);
        }
    }

    /// The live slots of `block` of `source` in simulation number `simulation` of a job with
    /// `seed`, ascending: one at a time, for whoever checks them.
    #[must_use]
    pub fn slots(&self, source: NodeId, block: Block, seed: u64, simulation: u64) -> Vec<u32> {
        let item = BlockSource::new(source).item(block.first_rank);
        let first_byte = u64::from(octet_uniform(seed, item, simulation) >> 24);
        let draw = (first_byte, item ^ simulation_key(seed, simulation));
        let mut slots = Vec::new();
        self.live_slots(block, draw, |slot| slots.push(slot));
        slots.sort_unstable();
        slots
    }

    /// Visits the live slots of `block`, by the first byte of its uniform and the state that draws
    /// the rest.
    #[inline(always)]
    fn live_slots(
        &self,
        block: Block,
        (first_byte, state): (u64, u64),
        mut visit: impl FnMut(u32),
    ) {
        /// Words of a bit for each slot of the largest block.
        const N_WORDS: usize = (1 << MAX_SIZE_BITS) / u64::BITS as usize;
        let mut state = state.wrapping_add(GOLDEN);
        let (mut word, mut n_bits) = (split_mix64(state), N_SPARE_BITS);
        let uniform = first_byte << 24 | word >> N_SPARE_BITS;
        let is_more = |width: &&u64| uniform < **width;
        let mut n_left = self.tails(block).iter().take_while(is_more).count();
        let mut drawn = [0u64; N_WORDS];
        while n_left > 0 {
            while n_bits >= block.size_bits && n_left > 0 {
                let slot = (word & ((1 << block.size_bits) - 1)) as u32;
                (word, n_bits) = (word >> block.size_bits, n_bits - block.size_bits);
                let (of_slot, bit) = (&mut drawn[slot as usize / 64], 1u64 << (slot % 64));
                if *of_slot & bit == 0 {
                    *of_slot |= bit;
                    n_left -= 1;
                    visit(slot);
                }
            }
            state = state.wrapping_add(GOLDEN);
            (word, n_bits) = (split_mix64(state), u64::BITS);
        }
    }
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
        while rank < 3000 {
            let block = Block::of_rank(rank);
            assert_eq!(block.first_rank, rank);
            for rank in rank..block.end() as u32 {
                assert_eq!(Block::of_rank(rank), block);
            }
            sizes.push(block.n_slots());
            rank = block.end() as u32;
        }
        assert_eq!(sizes, [8, 8, 16, 32, 64, 128, 256, 512, 1024, 1024]);
        assert_eq!(Block::of_rank(u32::MAX).end(), 1 << 32);
    }

    #[test]
    fn tails_are_the_binomial_distributions() {
        for probability in [0.0, 2.0_f64.powi(-33), 1e-6, 0.001, 0.01, 0.3, 0.5, 0.7, 0.999, 1.0] {
            for n in (MIN_SIZE_BITS..=MAX_SIZE_BITS).map(|bits| 1 << bits) {
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
            let block = Block::of_rank([0, 8, 16, 32, 64, 1000, 6400][source as usize % 7]);
            let sets: Vec<Vec<u32>> =
                ladder.iter().map(|coins| coins.slots(NodeId(source), block, 1, 7)).collect();
            let holds = |pair: &[Vec<u32>]| pair[0].iter().all(|slot| pair[1].contains(slot));
            assert!(sets.windows(2).all(holds), "{sets:?}");
            assert_eq!(sets[7].len() as u32, block.n_slots());
        }
    }

    #[test]
    fn slots_are_live_as_often_as_they_should_be_and_on_their_own() {
        let (coins, n_simulations) = (coins(0.0125), 40_000u64);
        for block in [3, 40, 640, 5000].map(Block::of_rank) {
            let n = block.n_slots() as usize;
            let (mut single, mut pairs) = (vec![0u32; n], 0u64);
            for simulation in 0..n_simulations {
                let slots = coins.slots(NodeId(5), block, 1, simulation);
                slots.iter().for_each(|&slot| single[slot as usize] += 1);
                let n_live = slots.len() as u64;
                pairs += n_live * n_live.saturating_sub(1) / 2;
            }
            let expected = n_simulations as f64 * 0.0125;
            let chi2: f64 =
                single.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
            let degrees = n as f64;
            assert!((chi2 - degrees).abs() < 4.0 * (2.0 * degrees).sqrt(), "{block:?}: {chi2}");
            // The variance of K(K - 1)/2 of a binomial K.
            let (n, p) = (n as f64, 0.0125);
            let mean = n * (n - 1.0) / 2.0 * p * p;
            let variance = mean * (1.0 - p * p + 2.0 * (n - 2.0) * p * (1.0 - p));
            let error = (n_simulations as f64 * variance).sqrt();
            let expected = n_simulations as f64 * mean;
            assert!((pairs as f64 - expected).abs() < 4.0 * error, "{block:?}: {pairs}");
        }
    }

    const OFFERED: u64 = 0xffff_ff0f_f0ff_ffff;

    fn keys() -> (LaneKeys, OctetKeys) {
        (LaneKeys::new(|lane| simulation_key(1, 128 + lane as u64)), OctetKeys::new(1, 2))
    }

    #[test]
    fn every_instruction_set_finds_what_one_at_a_time_finds() {
        struct Find<'a>(&'a BlockCoins, Block);
        impl Vectorised for Find<'_> {
            type Output = Vec<LiveSlot>;
            #[inline(always)]
            fn run<V: Vectors>(self, vectors: V) -> Self::Output {
                let (lanes, octets) = keys();
                let mut found = Vec::new();
                let arcs = (BlockSource::new(NodeId(77)), self.1);
                self.0.visit_live_slots(vectors, (&lanes, &octets), arcs, OFFERED, |live| {
                    found.push(live)
                });
                found.sort_unstable();
                found
            }
        }
        for probability in [0.0001, 0.004, 0.0156, 0.4, 0.9, 1.0] {
            let coins = coins(probability);
            for rank in [0, 9, 17, 33, 64, 1000, 3000] {
                let block = Block::of_rank(rank);
                let slots = |lane: usize| coins.slots(NodeId(77), block, 1, 128 + lane as u64);
                let expected: Vec<LiveSlot> = lanes_of(OFFERED)
                    .flat_map(|lane| {
                        let slots = slots(lane).into_iter();
                        slots.map(move |slot| LiveSlot { lane: lane as u32, slot })
                    })
                    .collect();
                for isa in Isa::available() {
                    assert_eq!(isa.run(Find(&coins, block)), expected, "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn a_source_has_the_live_slots_of_its_blocks() {
        struct Visit<'a>(&'a BlockCoins, u32, usize);
        impl Vectorised for Visit<'_> {
            type Output = Vec<u32>;
            #[inline(always)]
            fn run<V: Vectors>(self, vectors: V) -> Self::Output {
                let (lanes, octets) = keys();
                let source = (BlockSource::new(NodeId(77)), self.1);
                let mut ranks = Vec::new();
                self.0.visit_live(vectors, (&lanes, &octets), self.2, source, |rank| {
                    ranks.push(rank)
                });
                ranks.sort_unstable();
                ranks
            }
        }
        for (probability, n_arcs) in [0.0004, 0.0156, 0.7].iter().flat_map(|&p| {
            [0, 1, 8, 9, 16, 17, 1023, 1024, 1025, 9216, 9217, 20_000].map(|n| (p, n))
        }) {
            let coins = coins(probability);
            let mut expected = Vec::new();
            let mut rank = 0;
            while rank < n_arcs {
                let block = Block::of_rank(rank);
                let slots = coins.slots(NodeId(77), block, 1, 128 + 13);
                expected.extend(slots.iter().map(|slot| block.first_rank + slot));
                rank = block.end() as u32;
            }
            expected.retain(|&rank| rank < n_arcs);
            for isa in Isa::available() {
                assert_eq!(isa.run(Visit(&coins, n_arcs, 13)), expected, "{isa:?}, {n_arcs} arcs");
            }
        }
    }

    #[test]
    fn block_coins_are_frozen() {
        let coins = coins(0.01);
        let golden: Vec<Vec<u32>> =
            (0..8).map(|i| coins.slots(NodeId(3), Block::of_rank(64), 1, i)).collect();
        assert_eq!(golden, GOLDEN_SLOTS);
        assert_eq!(coins.tails[3][..3], GOLDEN_TAILS);
    }

    const GOLDEN_SLOTS: [&[u32]; 8] =
        [&[], &[8, 22, 32], &[61], &[15], &[18], &[26], &[0, 61], &[]];
    const GOLDEN_TAILS: [u64; 3] = [2_037_547_573, 578_205_528, 113_869_422];
}
