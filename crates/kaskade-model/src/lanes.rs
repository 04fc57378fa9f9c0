//! Lanes: 64·W simulations side by side, one bit each.

/// Simulations in a word.
pub const LANES_PER_WORD: usize = 64;

/// The largest number of words in a batch: a 64-byte cache line a node.
pub const MAX_LANE_WORDS: usize = 8;

/// One bit per simulation of a batch: lane `l` is bit `l % 64` of word `l / 64`.
pub type LaneMask<const W: usize> = [u64; W];

/// The number of lanes that are set.
#[inline]
#[must_use]
pub fn count_lanes(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Whether no lane is set.
#[inline]
#[must_use]
pub fn is_empty(words: &[u64]) -> bool {
    words.iter().all(|&word| word == 0)
}

/// The mask with the first `n_lanes` lanes set.
///
/// # Panics
/// When `n_lanes` is above `64 * W`.
#[must_use]
pub fn first_lanes<const W: usize>(n_lanes: usize) -> LaneMask<W> {
    assert!(n_lanes <= W * LANES_PER_WORD, "{n_lanes} lanes do not fit {W} words");
    std::array::from_fn(|word| {
        let lanes = n_lanes.saturating_sub(word * LANES_PER_WORD).min(LANES_PER_WORD);
        if lanes == LANES_PER_WORD { u64::MAX } else { (1 << lanes) - 1 }
    })
}

/// The set lanes of one word, ascending.
#[inline]
pub fn lanes_of(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let lane = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(lane)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lanes_fill_words_in_order() {
        assert_eq!(first_lanes::<2>(0), [0, 0]);
        assert_eq!(first_lanes::<2>(3), [0b111, 0]);
        assert_eq!(first_lanes::<2>(64), [u64::MAX, 0]);
        assert_eq!(first_lanes::<2>(65), [u64::MAX, 1]);
        assert_eq!(lanes_of(0b1001_0010).collect::<Vec<_>>(), [1, 4, 7]);
        assert_eq!(count_lanes(&[0b11, 0b1]), 3);
    }
}
