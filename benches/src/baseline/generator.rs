//! A generator of random numbers that costs a multiply each.

/// Wang Yi's `wyrand`.
#[derive(Clone, Debug)]
pub(super) struct Generator(u64);

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    #[inline(always)]
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }

    /// The bits that come `n` + 1 draws after `seed`.
    #[inline(always)]
    pub(super) fn nth(seed: u64, n: u32) -> u64 {
        mixed(seed.wrapping_add(STEP.wrapping_mul(u64::from(n) + 1)))
    }
}

const STEP: u64 = 0xa076_1d64_78bd_642f;

#[inline(always)]
fn mixed(state: u64) -> u64 {
    let product = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}

/// `bits`' upper half as one of 0 to `n` − 1.
#[inline(always)]
pub(super) fn below(bits: u64, n: u32) -> u32 {
    (((bits >> 32) * u64::from(n)) >> 32) as u32
}
