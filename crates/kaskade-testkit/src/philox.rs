//! Another generator: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011). It shares
//! nothing with kaskade's coins, so that what both agree on is not an artefact of either.

/// A sequence of numbers; generators of different keys or streams are independent.
#[derive(Clone, Debug)]
pub struct Philox {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    /// Numbers of `block` that were given out.
    n_used: usize,
}

impl Philox {
    /// The generator `stream` of `seed`.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let counter = [0, 0, stream as u32, (stream >> 32) as u32];
        Self { key: [seed as u32, (seed >> 32) as u32], counter, block: [0; 4], n_used: 4 }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.n_used == self.block.len() {
            self.block = philox4x32_10(self.counter, self.key);
            let next = (u64::from(self.counter[1]) << 32 | u64::from(self.counter[0])) + 1;
            (self.counter[0], self.counter[1]) = (next as u32, (next >> 32) as u32);
            self.n_used = 0;
        }
        self.n_used += 1;
        self.block[self.n_used - 1]
    }

    /// A uniform of [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        let bits = u64::from(self.next_u32()) << 21 | u64::from(self.next_u32() >> 11);
        bits as f64 / (1u64 << 53) as f64
    }

    /// A number below `bound`, which must be positive; its bias is below bound · 2⁻³².
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }
}

fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let first = u64::from(counter[0]) * 0xd251_1f53;
        let second = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_the_authors() {
        // Random123, `kat_vectors`, lines `philox4x32 10`.
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_differ_and_repeat() {
        let numbers = |stream| {
            let mut philox = Philox::new(1, stream);
            std::array::from_fn::<u32, 9, _>(|_| philox.next_u32())
        };
        assert_eq!(numbers(3), numbers(3));
        assert_ne!(numbers(3), numbers(4));
        let mut philox = Philox::new(1, 0);
        let mean = (0..100_000).map(|_| philox.uniform()).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.004, "{mean}");
    }
}
