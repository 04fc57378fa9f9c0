//! The instruction sets that throw coins, and how a loop is compiled for each.
//!
//! A hot loop is written once, generic over [`Vectors`], and handed to [`Isa::run`]: the whole
//! loop, not a call in it, is then compiled for the instruction set, so that counting lanes and
//! ORing masks gain too. All give the same bits.

use super::lanes::LaneKeys;
use super::octets::OctetKeys;
use super::{Draw, portable, split_mix64};

/// The instruction set that evaluates coins. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, on any machine.
    Portable,
    /// 32 bytes an instruction.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx2,
    /// 64 bytes an instruction.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx512,
}

impl Isa {
    /// The widest instruction set of this machine.
    ///
    /// # Panics
    /// Never: there is always the portable one.
    #[must_use]
    pub fn detect() -> Self {
        *Self::available().last().expect("the portable one is always there")
    }

    /// Every instruction set of this machine, the portable one first, the widest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
            {
                all.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    all.push(Self::Avx512);
                }
            }
        }
        all
    }

    /// Runs `task` compiled for this instruction set.
    #[inline]
    pub fn run<T: Vectorised>(self, task: T) -> T::Output {
        match self {
            Self::Portable => task.run(portable::Portable),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: no other crate can make the variant, and in this one `Isa::available` alone
            // does, which saw every feature that is enabled there.
            #[expect(unsafe_code, reason = "calls a function compiled for detected features")]
            Self::Avx2 => unsafe { super::x86::run_avx2(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "calls a function compiled for detected features")]
            Self::Avx512 => unsafe { super::x86::run_avx512(task) },
        }
    }
}

/// A loop that [`Isa::run`] compiles for an instruction set.
pub trait Vectorised {
    /// What it gives.
    type Output;

    /// Runs it. Mark the method, and what it calls in its loops, `#[inline(always)]`: code that
    /// is not inlined is compiled for any machine.
    fn run<V: Vectors>(self, vectors: V) -> Self::Output;
}

/// What an instruction set does for coins.
pub trait Vectors: Copy + Send + Sync {
    /// The lanes, of all 64, in which `draw` is live by the coins of family `arc`; its width is
    /// below 2³².
    fn lanes_live(self, keys: &LaneKeys, draw: Draw) -> u64;

    /// Eight words that are mixed together.
    type Words: Copy;

    /// `item` with the keys of eight octets.
    fn octet_words(self, item: u64, keys: &OctetKeys) -> Self::Words;

    /// Each word's next state and what it mixes to: SplitMix64.
    fn next_words(self, state: Self::Words) -> (Self::Words, Self::Words);

    /// The words one by one.
    fn each_word(self, words: Self::Words) -> [u64; 8];

    /// A bit per byte of `words`: those below `limit`, and those equal to it.
    fn compare_bytes(self, words: Self::Words, limit: u8) -> (u64, u64);

    /// A bit for each of eight states: whether in what it mixes to, by SplitMix64's mixer, the byte
    /// that begins at bit `shift` lies below its limit.
    #[inline(always)]
    fn mixed_bytes_below(self, states: &[u64; 8], shift: u32, limits: &[u64; 8]) -> u32 {
        let bits: [u32; 8] = std::array::from_fn(|at| {
            u32::from(split_mix64(states[at]) >> shift & 0xff < limits[at]) << at
        });
        bits.into_iter().fold(0, |mask, bit| mask | bit)
    }
}
