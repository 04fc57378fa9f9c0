//! Many lanes of one draw at a time: the same bits on every instruction set.

use super::{Draw, uniform};
use crate::lanes::{LANES_PER_WORD, lanes_of};

/// The instruction set that evaluates coins. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, on any machine.
    Portable,
    /// 8 lanes an instruction.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 16 lanes an instruction.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The widest instruction set of this machine.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Every instruction set of this machine, the portable one first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
        }
        all
    }
}

/// The keys of the 64 simulations of one lane word, halves apart as the vectors want them.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct LaneKeys {
    low: [u32; LANES_PER_WORD],
    high: [u32; LANES_PER_WORD],
}

/// Up to so many offered lanes are drawn one by one: a vector costs as much as about six of them.
const FEW_LANES: u32 = 4;

impl LaneKeys {
    /// The keys of 64 simulations; `key_of` gives that of a lane.
    #[must_use]
    pub fn new(key_of: impl Fn(usize) -> u64) -> Self {
        Self {
            low: std::array::from_fn(|lane| key_of(lane) as u32),
            high: std::array::from_fn(|lane| (key_of(lane) >> 32) as u32),
        }
    }

    /// The key of `lane`.
    #[inline]
    #[must_use]
    pub fn key(&self, lane: usize) -> u64 {
        u64::from(self.high[lane]) << 32 | u64::from(self.low[lane])
    }

    /// The lanes of `offered` in which `draw` is live.
    #[inline]
    #[must_use]
    pub fn live(&self, isa: Isa, draw: Draw, offered: u64) -> u64 {
        if draw.width == Draw::ALWAYS {
            return offered;
        }
        if offered.count_ones() <= FEW_LANES {
            return self.live_one_by_one(draw, offered);
        }
        let live = match isa {
            Isa::Portable => self.live_portable(draw),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` is only made where `is_x86_feature_detected!` saw it.
            #[expect(unsafe_code, reason = "calls a function compiled for a detected feature")]
            Isa::Avx2 => unsafe { x86::live_avx2(self, draw) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx512` is only made where `is_x86_feature_detected!` saw it.
            #[expect(unsafe_code, reason = "calls a function compiled for a detected feature")]
            Isa::Avx512 => unsafe { x86::live_avx512(self, draw) },
        };
        offered & live
    }

    fn live_one_by_one(&self, draw: Draw, offered: u64) -> u64 {
        let mut live = 0;
        for lane in lanes_of(offered) {
            live |= u64::from(draw.is_live(self.key(lane))) << lane;
        }
        live
    }

    fn live_portable(&self, draw: Draw) -> u64 {
        let mut live = 0;
        for lane in 0..LANES_PER_WORD {
            let offset = uniform(draw.item, self.key(lane)).wrapping_sub(draw.from);
            live |= u64::from(u64::from(offset) < draw.width) << lane;
        }
        live
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The mixer of [`super::super::mix32`], 8 or 16 lanes at a time.

    use std::arch::x86_64::*;

    use super::super::{Draw, MIX32_FIRST, MIX32_SECOND};
    use super::{LANES_PER_WORD, LaneKeys};

    /// All 64 lanes of `draw`, whose width is below 2³².
    #[target_feature(enable = "avx512f")]
    #[expect(unsafe_code, reason = "vector loads from the key arrays")]
    pub(super) fn live_avx512(keys: &LaneKeys, draw: Draw) -> u64 {
        let item_low = _mm512_set1_epi32(draw.item as i32);
        let item_high = _mm512_set1_epi32((draw.item >> 32) as i32);
        let first = _mm512_set1_epi32(MIX32_FIRST as i32);
        let second = _mm512_set1_epi32(MIX32_SECOND as i32);
        let from = _mm512_set1_epi32(draw.from as i32);
        let width = _mm512_set1_epi32(draw.width as i32);
        let mut live = 0;
        for group in 0..LANES_PER_WORD / 16 {
            // SAFETY: 16 lanes from `16 * group` lie inside the 64-byte aligned arrays of 64.
            let (low, high) = unsafe {
                (
                    _mm512_load_si512(keys.low.as_ptr().add(16 * group).cast()),
                    _mm512_load_si512(keys.high.as_ptr().add(16 * group).cast()),
                )
            };
            let high = _mm512_xor_si512(item_high, high);
            let mut x = _mm512_add_epi32(_mm512_xor_si512(item_low, low), high);
            x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
            x = _mm512_mullo_epi32(x, first);
            x = _mm512_xor_si512(x, _mm512_xor_si512(_mm512_srli_epi32::<13>(x), high));
            x = _mm512_mullo_epi32(x, second);
            x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
            let below = _mm512_cmplt_epu32_mask(_mm512_sub_epi32(x, from), width);
            live |= u64::from(below) << (16 * group);
        }
        live
    }

    /// All 64 lanes of `draw`, whose width is below 2³².
    #[target_feature(enable = "avx2")]
    #[expect(unsafe_code, reason = "vector loads from the key arrays")]
    pub(super) fn live_avx2(keys: &LaneKeys, draw: Draw) -> u64 {
        let item_low = _mm256_set1_epi32(draw.item as i32);
        let item_high = _mm256_set1_epi32((draw.item >> 32) as i32);
        let first = _mm256_set1_epi32(MIX32_FIRST as i32);
        let second = _mm256_set1_epi32(MIX32_SECOND as i32);
        let from = _mm256_set1_epi32(draw.from as i32);
        // Signed comparison of both sides with the top bit flipped is unsigned comparison.
        let flip = _mm256_set1_epi32(i32::MIN);
        let width = _mm256_xor_si256(_mm256_set1_epi32(draw.width as i32), flip);
        let mut live = 0;
        for group in 0..LANES_PER_WORD / 8 {
            // SAFETY: 8 lanes from `8 * group` lie inside the 64-byte aligned arrays of 64.
            let (low, high) = unsafe {
                (
                    _mm256_load_si256(keys.low.as_ptr().add(8 * group).cast()),
                    _mm256_load_si256(keys.high.as_ptr().add(8 * group).cast()),
                )
            };
            let high = _mm256_xor_si256(item_high, high);
            let mut x = _mm256_add_epi32(_mm256_xor_si256(item_low, low), high);
            x = _mm256_xor_si256(x, _mm256_srli_epi32::<16>(x));
            x = _mm256_mullo_epi32(x, first);
            x = _mm256_xor_si256(x, _mm256_xor_si256(_mm256_srli_epi32::<13>(x), high));
            x = _mm256_mullo_epi32(x, second);
            x = _mm256_xor_si256(x, _mm256_srli_epi32::<16>(x));
            let offset = _mm256_xor_si256(_mm256_sub_epi32(x, from), flip);
            let below = _mm256_castsi256_ps(_mm256_cmpgt_epi32(width, offset));
            live |= u64::from(_mm256_movemask_ps(below) as u32) << (8 * group);
        }
        live
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::coin::simulation_key;

    proptest! {
        #[test]
        fn every_instruction_set_draws_the_same_lanes(
            seed: u64, item: u64, from: u32, width in 0u64..=1 << 32, offered: u64,
        ) {
            let keys = LaneKeys::new(|lane| simulation_key(seed, lane as u64));
            let draw = Draw { item, from, width };
            let one_by_one: u64 = lanes_of(offered)
                .filter(|&lane| draw.is_live(keys.key(lane)))
                .fold(0, |live, lane| live | 1 << lane);
            for isa in Isa::available() {
                prop_assert_eq!(keys.live(isa, draw, offered), one_by_one, "{:?}", isa);
            }
        }
    }
}
