//! A bitmap with a summary above it, so that a few set bits among millions are found fast.

use std::sync::atomic::Ordering::Relaxed;

use kaskade_model::lanes::lanes_of as ones;

use super::words::Words;

/// Bits that several threads set and one thread drains.
#[derive(Debug)]
pub(crate) struct SummaryBitmap {
    bits: Words,
    /// Bit `i` is set where word `i` of `bits` is not zero.
    summary: Words,
}

impl SummaryBitmap {
    pub(crate) fn new(n_bits: usize) -> Self {
        let n_words = n_bits.div_ceil(64);
        Self { bits: Words::zeroed(n_words), summary: Words::zeroed(n_words.div_ceil(64)) }
    }

    /// The bytes of a bitmap of `n_bits`.
    pub(crate) fn bytes_for(n_bits: u64) -> u64 {
        let n_words = n_bits.div_ceil(64);
        8 * (n_words + n_words.div_ceil(64))
    }

    /// The bytes that it takes.
    pub(crate) fn allocated_bytes(&self) -> u64 {
        (size_of_val(&*self.bits) + size_of_val(&*self.summary)) as u64
    }

    /// Sets bit `at`.
    #[inline]
    pub(crate) fn set(&self, at: usize) {
        if self.bits[at / 64].fetch_or(1 << (at % 64), Relaxed) == 0 {
            self.summary[at / 4096].fetch_or(1 << (at / 64 % 64), Relaxed);
        }
    }

    /// Whether bit `at` is set.
    #[inline]
    pub(crate) fn contains(&self, at: usize) -> bool {
        self.bits[at / 64].load(Relaxed) >> (at % 64) & 1 == 1
    }

    /// Sets bit `at`, for one thread alone.
    #[inline]
    pub(crate) fn insert(&mut self, at: usize) {
        let (bits, summary) = self.exclusive();
        bits[at / 64] |= 1 << (at % 64);
        summary[at / 4096] |= 1 << (at / 64 % 64);
    }

    /// The words of the bits, and those of the summary, for one thread alone; whoever sets a bit
    /// sets it in both.
    #[inline(always)]
    pub(crate) fn exclusive(&mut self) -> (&mut [u64], &mut [u64]) {
        (self.bits.exclusive(), self.summary.exclusive())
    }

    /// Calls `visit` with every set bit, ascending.
    pub(crate) fn each(&self, mut visit: impl FnMut(usize)) {
        for (summary_idx, summary) in self.summary.iter().enumerate() {
            for bit in ones(summary.load(Relaxed)) {
                let word_idx = 64 * summary_idx + bit;
                let word = self.bits[word_idx].load(Relaxed);
                ones(word).for_each(|bit| visit(64 * word_idx + bit));
            }
        }
    }

    /// Calls `visit` with every set bit, ascending, and clears it; `announce` with each some time
    /// before. Bits must not be set meanwhile.
    pub(crate) fn drain(&mut self, mut announce: impl FnMut(usize), mut visit: impl FnMut(usize)) {
        let (bits, summary) = self.exclusive();
        for (summary_idx, summary) in summary.iter_mut().enumerate() {
            for bit in ones(std::mem::take(summary)) {
                let word_idx = 64 * summary_idx + bit;
                let word = std::mem::take(&mut bits[word_idx]);
                ones(word).for_each(|bit| announce(64 * word_idx + bit));
                ones(word).for_each(|bit| visit(64 * word_idx + bit));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drains_what_was_set_in_order() {
        let mut bitmap = SummaryBitmap::new(100_000);
        let set = [0, 1, 63, 64, 4095, 4096, 77_777, 99_999];
        for &at in set.iter().rev().chain(&set) {
            bitmap.set(at);
        }
        let mut visited = Vec::new();
        bitmap.each(|at| visited.push(at));
        assert_eq!(visited, set);
        let mut drained = Vec::new();
        let mut announced = Vec::new();
        bitmap.drain(|at| announced.push(at), |at| drained.push(at));
        assert_eq!(drained, set);
        assert_eq!(announced, set);
        bitmap.drain(|_| (), |at| panic!("{at} was left"));
    }
}
