//! Coins with AVX2 and AVX-512.
//!
//! The two token types are only made within the functions that are compiled for their
//! features, and those are only called where the features were detected.

use std::arch::x86_64::*;

use super::isa::{Vectorised, Vectors};
use super::lanes::LaneKeys;
use super::octets::OctetKeys;
use super::{Draw, GOLDEN, MIX32_FIRST, MIX32_SECOND, SPLIT_MIX_FIRST, SPLIT_MIX_SECOND};
use crate::lanes::LANES_PER_WORD;

#[derive(Clone, Copy, Debug)]
struct Avx2(());

#[derive(Clone, Copy, Debug)]
struct Avx512(());

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run_avx2<T: Vectorised>(task: T) -> T::Output {
    task.run(Avx2(()))
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn run_avx512<T: Vectorised>(task: T) -> T::Output {
    task.run(Avx512(()))
}

#[expect(unsafe_code, reason = "vector instructions, and loads from the key arrays")]
impl Vectors for Avx512 {
    type Words = __m512i;

    #[inline(always)]
    fn lanes_live(self, keys: &LaneKeys, draw: Draw) -> u64 {
        // SAFETY: a token exists, so the features do; 16 lanes from `16 * group` lie inside the
        // 64-byte aligned arrays of 64.
        unsafe {
            let item_low = _mm512_set1_epi32(draw.item as i32);
            let item_high = _mm512_set1_epi32((draw.item >> 32) as i32);
            let first = _mm512_set1_epi32(MIX32_FIRST as i32);
            let second = _mm512_set1_epi32(MIX32_SECOND as i32);
            let from = _mm512_set1_epi32(draw.from as i32);
            let width = _mm512_set1_epi32(draw.width as i32);
            let mut live = 0;
            for group in 0..LANES_PER_WORD / 16 {
                let low = _mm512_load_si512(keys.low.as_ptr().add(16 * group).cast());
                let high = _mm512_load_si512(keys.high.as_ptr().add(16 * group).cast());
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
    }

    #[inline(always)]
    fn octet_words(self, item: u64, keys: &OctetKeys) -> __m512i {
        // SAFETY: a token exists, so the features do; the keys are 64 aligned bytes.
        unsafe {
            let keys = _mm512_load_si512(keys.keys().as_ptr().cast());
            _mm512_xor_si512(_mm512_set1_epi64(item as i64), keys)
        }
    }

    #[inline(always)]
    fn next_words(self, state: __m512i) -> (__m512i, __m512i) {
        // SAFETY: a token exists, so the features do.
        unsafe {
            let next = _mm512_add_epi64(state, _mm512_set1_epi64(GOLDEN as i64));
            (next, split_mix_512(next))
        }
    }

    #[inline(always)]
    fn each_word(self, words: __m512i) -> [u64; 8] {
        let mut each = [0; 8];
        // SAFETY: a token exists, so the features do; the array is 64 bytes.
        unsafe { _mm512_storeu_si512(each.as_mut_ptr().cast(), words) };
        each
    }

    #[inline(always)]
    fn compare_bytes(self, words: __m512i, limit: u8) -> (u64, u64) {
        // SAFETY: a token exists, so the features do.
        unsafe {
            let limit = _mm512_set1_epi8(limit as i8);
            (_mm512_cmplt_epu8_mask(words, limit), _mm512_cmpeq_epu8_mask(words, limit))
        }
    }

    #[inline(always)]
    fn mixed_bytes_below(self, states: &[u64; 8], shift: u32, limits: &[u64; 8]) -> u32 {
        // SAFETY: a token exists, so the features do; both arrays are 64 bytes.
        unsafe {
            let mixed = split_mix_512(_mm512_loadu_si512(states.as_ptr().cast()));
            let shifted = _mm512_srl_epi64(mixed, _mm_cvtsi32_si128(shift as i32));
            let bytes = _mm512_and_si512(shifted, _mm512_set1_epi64(0xff));
            let limits = _mm512_loadu_si512(limits.as_ptr().cast());
            _mm512_cmplt_epu64_mask(bytes, limits).into()
        }
    }
}

/// SplitMix64's mixer of eight words.
///
/// # Safety
/// Needs AVX-512 F and DQ.
#[inline(always)]
#[expect(unsafe_code, reason = "vector instructions")]
unsafe fn split_mix_512(x: __m512i) -> __m512i {
    // SAFETY: the caller has AVX-512.
    unsafe {
        let mut x = _mm512_xor_si512(x, _mm512_srli_epi64::<30>(x));
        x = _mm512_mullo_epi64(x, _mm512_set1_epi64(SPLIT_MIX_FIRST as i64));
        x = _mm512_xor_si512(x, _mm512_srli_epi64::<27>(x));
        x = _mm512_mullo_epi64(x, _mm512_set1_epi64(SPLIT_MIX_SECOND as i64));
        _mm512_xor_si512(x, _mm512_srli_epi64::<31>(x))
    }
}

#[expect(unsafe_code, reason = "vector instructions, and loads from the key arrays")]
impl Vectors for Avx2 {
    type Words = [__m256i; 2];

    #[inline(always)]
    fn lanes_live(self, keys: &LaneKeys, draw: Draw) -> u64 {
        // SAFETY: a token exists, so the features do; 8 lanes from `8 * group` lie inside the
        // 64-byte aligned arrays of 64.
        unsafe {
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
                let low = _mm256_load_si256(keys.low.as_ptr().add(8 * group).cast());
                let high = _mm256_load_si256(keys.high.as_ptr().add(8 * group).cast());
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

    #[inline(always)]
    fn octet_words(self, item: u64, keys: &OctetKeys) -> [__m256i; 2] {
        // SAFETY: a token exists, so the features do; the keys are 64 aligned bytes.
        unsafe {
            let item = _mm256_set1_epi64x(item as i64);
            let keys: *const __m256i = keys.keys().as_ptr().cast();
            [
                _mm256_xor_si256(item, _mm256_load_si256(keys)),
                _mm256_xor_si256(item, _mm256_load_si256(keys.add(1))),
            ]
        }
    }

    #[inline(always)]
    fn next_words(self, state: [__m256i; 2]) -> ([__m256i; 2], [__m256i; 2]) {
        // SAFETY: a token exists, so the features do.
        unsafe {
            let golden = _mm256_set1_epi64x(GOLDEN as i64);
            let next = [_mm256_add_epi64(state[0], golden), _mm256_add_epi64(state[1], golden)];
            (next, [split_mix_256(next[0]), split_mix_256(next[1])])
        }
    }

    #[inline(always)]
    fn each_word(self, words: [__m256i; 2]) -> [u64; 8] {
        let mut each = [0; 8];
        // SAFETY: a token exists, so the features do; each half of the array is 32 bytes.
        unsafe {
            let to: *mut __m256i = each.as_mut_ptr().cast();
            _mm256_storeu_si256(to, words[0]);
            _mm256_storeu_si256(to.add(1), words[1]);
        }
        each
    }

    #[inline(always)]
    fn compare_bytes(self, words: [__m256i; 2], limit: u8) -> (u64, u64) {
        // SAFETY: a token exists, so the features do.
        unsafe {
            let limit = _mm256_set1_epi8(limit as i8);
            let bits = |bytes| u64::from(_mm256_movemask_epi8(bytes) as u32);
            let (mut below, mut equal) = (0, 0);
            for (half, words) in words.into_iter().enumerate() {
                let is_equal = _mm256_cmpeq_epi8(words, limit);
                let at_most = _mm256_cmpeq_epi8(_mm256_min_epu8(words, limit), words);
                equal |= bits(is_equal) << (32 * half);
                below |= bits(_mm256_andnot_si256(is_equal, at_most)) << (32 * half);
            }
            (below, equal)
        }
    }
}

/// SplitMix64's mixer of four words.
///
/// # Safety
/// Needs AVX2.
#[inline(always)]
#[expect(unsafe_code, reason = "vector instructions")]
unsafe fn split_mix_256(x: __m256i) -> __m256i {
    // SAFETY: the caller has AVX2.
    unsafe {
        let mut x = _mm256_xor_si256(x, _mm256_srli_epi64::<30>(x));
        x = multiply(x, SPLIT_MIX_FIRST);
        x = _mm256_xor_si256(x, _mm256_srli_epi64::<27>(x));
        x = multiply(x, SPLIT_MIX_SECOND);
        _mm256_xor_si256(x, _mm256_srli_epi64::<31>(x))
    }
}

/// The low halves of four products of 64 bits, which AVX2 only has for 32.
///
/// # Safety
/// Needs AVX2.
#[inline(always)]
#[expect(unsafe_code, reason = "vector instructions")]
unsafe fn multiply(x: __m256i, factor: u64) -> __m256i {
    // SAFETY: the caller has AVX2.
    unsafe {
        let low = _mm256_set1_epi64x(factor as i64);
        let high = _mm256_set1_epi64x((factor >> 32) as i64);
        let crossed = _mm256_add_epi64(
            _mm256_mul_epu32(_mm256_srli_epi64::<32>(x), low),
            _mm256_mul_epu32(x, high),
        );
        _mm256_add_epi64(_mm256_mul_epu32(x, low), _mm256_slli_epi64::<32>(crossed))
    }
}
