//! Coins in plain Rust.

use super::isa::Vectors;
use super::lanes::LaneKeys;
use super::octets::{N_OCTETS, OctetKeys};
use super::{Draw, GOLDEN, split_mix64, uniform};
use crate::lanes::LANES_PER_WORD;

/// Any machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const TOP_BITS: u64 = LOW_BITS << 7;

impl Vectors for Portable {
    type Words = [u64; N_OCTETS];

    #[inline(always)]
    fn lanes_live(self, keys: &LaneKeys, draw: Draw) -> u64 {
        let mut live = 0;
        for lane in 0..LANES_PER_WORD {
            let offset = uniform(draw.item, keys.key(lane)).wrapping_sub(draw.from);
            live |= u64::from(u64::from(offset) < draw.width) << lane;
        }
        live
    }

    #[inline(always)]
    fn octet_words(self, item: u64, keys: &OctetKeys) -> [u64; N_OCTETS] {
        keys.keys().map(|key| item ^ key)
    }

    #[inline(always)]
    fn next_words(self, state: [u64; N_OCTETS]) -> ([u64; N_OCTETS], [u64; N_OCTETS]) {
        let next = state.map(|word| word.wrapping_add(GOLDEN));
        (next, next.map(split_mix64))
    }

    #[inline(always)]
    fn each_word(self, words: [u64; N_OCTETS]) -> [u64; N_OCTETS] {
        words
    }

    #[inline(always)]
    fn compare_bytes(self, words: [u64; N_OCTETS], limit: u8) -> (u64, u64) {
        let limits = LOW_BITS * u64::from(limit);
        let (mut below, mut equal) = (0, 0);
        for (octet, word) in words.into_iter().enumerate() {
            below |= gather_top_bits(bytes_below(word, limits)) << (8 * octet);
            equal |= gather_top_bits(bytes_zero(word ^ limits)) << (8 * octet);
        }
        (below, equal)
    }
}

/// The top bit of each byte of `x` that is below that of `y`; other bits are noise.
#[inline(always)]
fn bytes_below(x: u64, y: u64) -> u64 {
    // The lower seven bits of each byte are compared by a subtraction that borrows from no
    // neighbour.
    let difference = (x | TOP_BITS) - (y & !TOP_BITS);
    (!x & y) | (!(x ^ y) & !difference)
}

/// The top bit of each byte of `x` that is zero; other bits are noise.
#[inline(always)]
fn bytes_zero(x: u64) -> u64 {
    !(((x & !TOP_BITS) + !TOP_BITS) | x)
}

/// The top bits of the bytes of `x`, the lowest byte first.
#[inline(always)]
fn gather_top_bits(x: u64) -> u64 {
    // Bit 8i meets the factor's bit 56 - 7i at bit 56 + i, and nothing carries into those.
    ((x & TOP_BITS) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
