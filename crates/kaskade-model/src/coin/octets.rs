//! Octet coins: eight simulations of an item draw together.
//!
//! One 64-bit mix gives a byte to each of eight simulations, the most significant of their
//! 32-bit uniforms; the next mix gives the next byte, and so on. A coin is decided by the first
//! byte in all but one or two of 256 cases, so 64 coins cost a quarter of what 64 hashes cost.
//! The words of an octet are SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) from the state
//! `item ^ key`.

use super::isa::Vectors;
use super::{Draw, GOLDEN, mix64, split_mix64};
use crate::lanes::LANES_PER_WORD;

/// Simulations of an octet.
const LANES_PER_OCTET: usize = 8;

/// Octets of a lane word.
pub(super) const N_OCTETS: usize = LANES_PER_WORD / LANES_PER_OCTET;

/// Bytes of a uniform.
const N_BYTES: u32 = 4;

/// The keys of the eight octets of a lane word: 64 simulations from a multiple of 64 on.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct OctetKeys([u64; N_OCTETS]);

impl OctetKeys {
    /// The keys of simulations 64·`word` to 64·`word` + 63 of a job with `seed`.
    #[must_use]
    pub fn new(seed: u64, word: u64) -> Self {
        let first = word * N_OCTETS as u64;
        Self(std::array::from_fn(|octet| octet_key(seed, first + octet as u64)))
    }

    /// The key of each octet.
    #[inline(always)]
    pub(super) fn keys(&self) -> &[u64; N_OCTETS] {
        &self.0
    }

    /// The key that `lane` draws with, and the place of its byte in a word: bits to shift.
    #[inline(always)]
    pub(super) fn of_lane(&self, lane: usize) -> (u64, u32) {
        (self.0[lane / LANES_PER_OCTET], 8 * (lane % LANES_PER_OCTET) as u32)
    }

    /// The uniform of `item` in `lane`.
    #[inline(always)]
    #[must_use]
    pub fn uniform(&self, item: u64, lane: usize) -> u32 {
        let (key, shift) = self.of_lane(lane);
        let mut state = item ^ key;
        (0..N_BYTES).fold(0, |uniform, _| {
            state = state.wrapping_add(GOLDEN);
            uniform << 8 | (split_mix64(state) >> shift) as u32 & 0xff
        })
    }

    /// The lanes of `offered` whose first byte for `item` lies below `limit`, up to 2⁸, and the
    /// first bytes of all lanes, eight a word.
    #[inline(always)]
    pub(super) fn first_bytes<V: Vectors>(
        &self,
        vectors: V,
        item: u64,
        limit: u64,
        offered: u64,
    ) -> (u64, [u64; N_OCTETS]) {
        let (_, words) = vectors.next_words(vectors.octet_words(item, self));
        let below = match u8::try_from(limit) {
            Ok(limit) => vectors.compare_bytes(words, limit).0,
            Err(_) => u64::MAX,
        };
        (below & offered, vectors.each_word(words))
    }

    /// The first byte of the uniform of `item` in `lane`.
    #[inline(always)]
    pub(super) fn first_byte(&self, item: u64, lane: usize) -> u64 {
        let (key, shift) = self.of_lane(lane);
        split_mix64((item ^ key).wrapping_add(GOLDEN)) >> shift & 0xff
    }

    /// Whether `draw` may be live in `lane`, by the first byte of its uniform: never no where it
    /// is, and seldom yes where it is not.
    #[inline(always)]
    #[must_use]
    pub fn may_be_live(&self, draw: Draw, lane: usize) -> bool {
        let byte = self.first_byte(draw.item, lane);
        let from = u64::from(draw.from);
        byte >= from >> 24 && byte << 24 < from + draw.width
    }

    /// The lanes of `offered` in which `draw` is live.
    #[inline(always)]
    #[must_use]
    pub fn live<V: Vectors>(&self, vectors: V, draw: Draw, offered: u64) -> u64 {
        if draw.width == Draw::ALWAYS {
            return offered;
        }
        if draw.width == 0 {
            return 0;
        }
        let mut state = vectors.octet_words(draw.item, self);
        // Live where from <= uniform <= last; bytes are compared from the top.
        let (mut from, mut last) = (draw.from, (u64::from(draw.from) + draw.width - 1) as u32);
        let (mut below_last, mut like_last) = (0, offered);
        let (mut below_from, mut like_from) = (0, if from == 0 { 0 } else { offered });
        for _ in 0..N_BYTES {
            let (next, words) = vectors.next_words(state);
            state = next;
            let (below, equal) = vectors.compare_bytes(words, (last >> 24) as u8);
            below_last |= below & like_last;
            like_last &= equal;
            if like_from != 0 {
                let (below, equal) = vectors.compare_bytes(words, (from >> 24) as u8);
                below_from |= below & like_from;
                like_from &= equal;
            }
            if like_last | like_from == 0 {
                break;
            }
            (from, last) = (from << 8, last << 8);
        }
        (below_last | like_last) & !below_from
    }
}

/// The key of the simulations 8·`octet` to 8·`octet` + 7 of a job with `seed`. For one seed no
/// two share it.
fn octet_key(seed: u64, octet: u64) -> u64 {
    // The constant keeps octets apart from simulations (`simulation_key`).
    let seed_key = mix64(seed ^ 0x6a09_e667_f3bc_c909);
    mix64(seed_key.wrapping_add(octet.wrapping_mul(GOLDEN)))
}

/// The 32-bit uniform of `item` in simulation number `simulation` of a job with `seed`, as
/// octet coins draw it: one at a time, for whoever checks them.
#[must_use]
pub fn octet_uniform(seed: u64, item: u64, simulation: u64) -> u32 {
    let lanes = LANES_PER_OCTET as u64;
    octet_uniforms(seed, item, simulation / lanes)[(simulation % lanes) as usize]
}

/// The uniforms of `item` in the simulations 8·`octet` to 8·`octet` + 7 of a job with `seed`.
#[inline]
#[must_use]
pub fn octet_uniforms(seed: u64, item: u64, octet: u64) -> [u32; LANES_PER_OCTET] {
    uniforms_of(item ^ octet_key(seed, octet))
}

#[inline(always)]
fn uniforms_of(state: u64) -> [u32; LANES_PER_OCTET] {
    let word = |step| split_mix64(state.wrapping_add(GOLDEN.wrapping_mul(step)));
    let words: [u64; N_BYTES as usize] = std::array::from_fn(|step| word(step as u64 + 1));
    std::array::from_fn(|lane| {
        words.iter().fold(0, |uniform, word| uniform << 8 | (word >> (8 * lane)) as u32 & 0xff)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::coin::{Isa, Vectorised};

    struct Live<'a>(&'a OctetKeys, Draw, u64);

    impl Vectorised for Live<'_> {
        type Output = u64;

        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> u64 {
            self.0.live(vectors, self.1, self.2)
        }
    }

    /// Widths at which bytes are equal or zero, beside any.
    fn widths() -> impl Strategy<Value = u64> {
        let edges = prop::sample::select(vec![0, 1, 255, 256, 1 << 24, 0xff00_0000, 1 << 32]);
        prop_oneof![0u64..=1 << 32, edges, 0u64..1 << 12]
    }

    proptest! {
        #[test]
        fn every_instruction_set_draws_the_same_lanes(
            seed: u64, word in 0u64..1 << 50, item: u64, from: u32, width in widths(), offered: u64,
        ) {
            let keys = OctetKeys::new(seed, word);
            let from = if width == 1 << 32 { 0 } else { from };
            let width = width.min((1 << 32) - u64::from(from));
            let draw = Draw { item, from, width };
            let mut expected = 0;
            for lane in 0..64u64 {
                let uniform = octet_uniform(seed, item, 64 * word + lane);
                let is_live = u64::from(uniform.wrapping_sub(from)) < width;
                expected |= u64::from(is_live) << lane;
            }
            for isa in Isa::available() {
                prop_assert_eq!(isa.run(Live(&keys, draw, offered)), expected & offered, "{:?}", isa);
            }
            for lane in crate::lanes::lanes_of(expected) {
                prop_assert!(keys.may_be_live(draw, lane));
                prop_assert!(draw.holds(keys.uniform(item, lane)));
            }
        }

        #[test]
        fn bytes_are_compared_one_by_one(words: [u64; 8], limit: u8) {
            struct Compare([u64; 8], u8);
            impl Vectorised for Compare {
                type Output = (u64, u64);
                #[inline(always)]
                fn run<V: Vectors>(self, _vectors: V) -> (u64, u64) {
                    crate::coin::portable::Portable.compare_bytes(self.0, self.1)
                }
            }
            let (below, equal) = Isa::Portable.run(Compare(words, limit));
            for lane in 0..64 {
                let byte = words[lane / 8].to_le_bytes()[lane % 8];
                prop_assert_eq!(below >> lane & 1 == 1, byte < limit);
                prop_assert_eq!(equal >> lane & 1 == 1, byte == limit);
            }
        }
    }

    #[test]
    fn octet_coins_are_frozen() {
        let item = crate::coin::numbered_item(3, crate::coin::Purpose::Arc);
        let golden: Vec<u32> =
            [0, 1, 7, 8, 1 << 40].map(|simulation| octet_uniform(1, item, simulation)).to_vec();
        assert_eq!(golden, GOLDEN_UNIFORMS);
    }

    const GOLDEN_UNIFORMS: [u32; 5] =
        [0xe1fa_2b56, 0x3323_c9f5, 0xf483_ae2f, 0x08e6_a702, 0x525c_9a9c];
}
