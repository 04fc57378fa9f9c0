//! Numbers of a few bits, packed without gaps, least significant bit first.

/// Appends numbers to a byte vector.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u128,
    n_held: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, held: 0, n_held: 0 }
    }

    /// Appends the low `n_bits` (at most 64) of `value`, whose other bits are zero.
    pub(super) fn write(&mut self, value: u64, n_bits: u32) {
        self.held |= u128::from(value) << self.n_held;
        self.n_held += n_bits;
        while self.n_held >= 64 {
            self.out.extend_from_slice(&(self.held as u64).to_le_bytes());
            self.held >>= 64;
            self.n_held -= 64;
        }
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
    held: u128,
    n_held: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, held: 0, n_held: 0 }
    }

    /// The next `n_bits` (at most 64), or `None` when fewer are left.
    pub(super) fn read(&mut self, n_bits: u32) -> Option<u64> {
        while self.n_held < n_bits {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            self.held |= u128::from(byte) << self.n_held;
            self.n_held += 8;
        }
        let value = (self.held & ((1 << n_bits) - 1)) as u64;
        self.held >>= n_bits;
        self.n_held -= n_bits;
        Some(value)
    }

    /// Whether only the zero filling of the last byte is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty() && self.n_held < 8 && self.held == 0
    }
}
