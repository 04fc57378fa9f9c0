//! Draws by number: the randomness of generators. Frozen, as golden tests pin it.

/// An endless table of independent 64-bit words (`SplitMix64`: Steele, Lea and Flood,
/// OOPSLA 2014).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    origin: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draws {
    /// The table of `seed` for one `family` of graphs.
    pub(crate) fn new(seed: u64, family: u64) -> Self {
        Self { origin: mix(mix(seed.wrapping_add(GOLDEN)) ^ family) }
    }

    /// Word `number`.
    #[inline]
    pub(crate) fn word(self, number: u64) -> u64 {
        mix(self.origin.wrapping_add(number.wrapping_mul(GOLDEN)))
    }

    /// A number below `end`, from word `number`; its bias is below `end` / 2⁶⁴.
    #[inline]
    pub(crate) fn below(self, number: u64, end: u64) -> u64 {
        // The high half of a product with `end` is below `end`.
        ((u128::from(self.word(number)) * u128::from(end)) >> 64) as u64
    }
}

#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_splitmix64() {
        // The first outputs of the reference implementation with seed 1234567.
        let draws = Draws { origin: 1_234_567 };
        let words: Vec<u64> = (1..=3).map(|number| draws.word(number)).collect();
        assert_eq!(
            words,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn numbers_below_are_even() {
        let draws = Draws::new(1, 0);
        let mut counts = [0u32; 10];
        for number in 0..100_000 {
            counts[draws.below(number, 10) as usize] += 1;
        }
        // Binomial(100,000, 0.1): six standard deviations are 569.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 569), "{counts:?}");
        assert_eq!(draws.below(7, 1), 0);
    }
}
