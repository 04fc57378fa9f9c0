//! Numbers of a few bits, packed without gaps, least significant bit first.

/// Bits that one call reads or writes, at most.
const MAX_BITS: u32 = 56;

/// Appends numbers to a byte vector.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u64,
    n_held: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, n_held: 0 }
    }

    /// Appends the low `n_bits` (at most 56) of `value`, whose other bits are zero.
    #[inline]
    pub(super) fn write(&mut self, value: u64, n_bits: u32) {
        debug_assert!(n_bits <= MAX_BITS && value >> n_bits == 0);
        self.held |= value << self.n_held;
        self.n_held += n_bits;
        if self.n_held >= 64 {
            self.out.extend_from_slice(&self.held.to_le_bytes());
            self.n_held -= 64;
            // What did not fit; never all of it, so the shift is below 64.
            self.held = value >> (n_bits - self.n_held);
        }
    }

    /// Appends all bits of `word`.
    pub(super) fn write_word(&mut self, word: u64) {
        self.write(word & u64::from(u32::MAX), 32);
        self.write(word >> 32, 32);
    }

    /// Appends `n` zeros and a one.
    #[inline]
    pub(super) fn write_unary(&mut self, mut n: u32) {
        while n >= MAX_BITS {
            self.write(0, MAX_BITS);
            n -= MAX_BITS;
        }
        self.write(1 << n, n + 1);
    }

    /// Writes the last, zero-filled byte.
    pub(super) fn finish(self) {
        let n_bytes = self.n_held.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.held.to_le_bytes()[..n_bytes]);
    }
}

/// Reads what [`BitWriter`] wrote.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    held: u64,
    n_held: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, held: 0, n_held: 0 }
    }

    /// Holds at least [`MAX_BITS`] bits, or all that are left.
    #[inline]
    fn refill(&mut self) {
        if let Some((word, _)) = self.bytes.split_first_chunk::<8>() {
            self.held |= u64::from_le_bytes(*word) << self.n_held;
            let n_taken = (63 - self.n_held) / 8;
            self.bytes = &self.bytes[n_taken as usize..];
            self.n_held += 8 * n_taken;
            // The bits of the byte that was not taken come again.
            self.held &= u64::MAX >> (64 - self.n_held);
        } else {
            while self.n_held < MAX_BITS
                && let Some((&byte, rest)) = self.bytes.split_first()
            {
                self.held |= u64::from(byte) << self.n_held;
                self.n_held += 8;
                self.bytes = rest;
            }
        }
    }

    /// The next `n_bits` (at most 56), or `None` when fewer are left.
    #[inline]
    pub(super) fn read(&mut self, n_bits: u32) -> Option<u64> {
        if self.n_held < n_bits {
            self.refill();
            if self.n_held < n_bits {
                return None;
            }
        }
        let value = self.held & ((1 << n_bits) - 1);
        self.held >>= n_bits;
        self.n_held -= n_bits;
        Some(value)
    }

    /// The next 64 bits.
    pub(super) fn read_word(&mut self) -> Option<u64> {
        let low = self.read(32)?;
        Some(low | self.read(32)? << 32)
    }

    /// The number of zeros before the next one, which is taken too.
    #[inline]
    pub(super) fn read_unary(&mut self) -> Option<u32> {
        let mut n_zeros = 0;
        loop {
            if self.held != 0 {
                let n_here = self.held.trailing_zeros();
                self.held = self.held >> n_here >> 1;
                self.n_held -= n_here + 1;
                return Some(n_zeros + n_here);
            }
            n_zeros += self.n_held;
            self.n_held = 0;
            self.refill();
            if self.n_held == 0 {
                return None;
            }
        }
    }

    /// Whether only the zero filling of the last byte is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty() && self.n_held < 8 && self.held == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            values in prop::collection::vec((any::<u64>(), 0u32..=MAX_BITS, 0u32..200), 0..200)
        ) {
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            for &(value, n_bits, zeros) in &values {
                writer.write(value & ((1 << n_bits) - 1), n_bits);
                writer.write_unary(zeros);
                writer.write_word(value);
            }
            writer.finish();
            let mut reader = BitReader::new(&bytes);
            for &(value, n_bits, zeros) in &values {
                prop_assert_eq!(reader.read(n_bits), Some(value & ((1 << n_bits) - 1)));
                prop_assert_eq!(reader.read_unary(), Some(zeros));
                prop_assert_eq!(reader.read_word(), Some(value));
            }
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(reader.read(8), None);
        }
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let mut reader = BitReader::new(&[0; 20]);
        assert_eq!(reader.read_unary(), None);
        assert_eq!(BitReader::new(&[1; 7]).read_word(), None);
    }
}
