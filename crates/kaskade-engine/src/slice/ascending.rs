//! Ascending numbers in about two bits each more than the logarithm of their mean gap: the code of
//! Elias and Fano, which lies within half a bit a number of what any code needs.
//!
//! Of each number the low bits are written as they are, and the rest as its difference to that of
//! the number before, in unary. So the size follows from how many numbers there are and
//! from the last of them alone: it is known before anything is written, and nothing makes it worse.

use super::bits::{BitReader, BitWriter};

/// The bits that `n` numbers up to `last` take, each with `n_low` low ones.
pub(super) fn n_bits(n: u64, last: u32, n_low: u32) -> u64 {
    n * u64::from(1 + n_low) + u64::from(last >> n_low)
}

/// The number of low bits that makes `n` numbers up to `last` smallest.
pub(super) fn best_n_low(n: u64, last: u32) -> u32 {
    (0..u32::BITS).min_by_key(|&n_low| n_bits(n, last, n_low)).unwrap_or(0)
}

/// Appends `numbers`, ascending, to `writer`.
#[inline]
pub(super) fn write(numbers: impl Iterator<Item = u32>, n_low: u32, writer: &mut BitWriter<'_>) {
    let mut high_before = 0;
    for number in numbers {
        let high = number >> n_low;
        writer.write_unary(high - high_before);
        writer.write(u64::from(number) & ((1 << n_low) - 1), n_low);
        high_before = high;
    }
}

/// Hands `n` numbers to `take`, which says whether it wants the next; `None` when it does not, when
/// the bits end before, or the numbers do not ascend or fit 32 bits.
#[inline]
pub(super) fn read(
    n: usize,
    n_low: u32,
    reader: &mut BitReader<'_>,
    mut take: impl FnMut(u32) -> bool,
) -> Option<()> {
    let (mut high, mut at_least) = (0u64, 0u64);
    for _ in 0..n {
        high += u64::from(reader.read_unary()?);
        let number = high << n_low | reader.read(n_low)?;
        if number < at_least || !take(u32::try_from(number).ok()?) {
            return None;
        }
        at_least = number + 1;
    }
    Some(())
}
