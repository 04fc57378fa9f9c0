//! What a round draws besides its arcs.

use kaskade_model::Round;
use kaskade_model::coin::{Draw, Threshold, Vectors};
use kaskade_model::lanes::LaneMask;

use crate::kernel::{BatchKeys, WordCoins};

/// The draws of a batch in one round, for nodes and for single lanes.
pub trait NodeDraws<const W: usize> {
    /// The round that is being computed.
    fn round(&self) -> Round;

    /// The lanes of `offered`, of word `word`, in which the uniform of `item` lies below `threshold`.
    fn live_in(&self, word: usize, item: u64, threshold: Threshold, offered: u64) -> u64;

    /// The same in all words.
    #[inline(always)]
    fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<W>) -> LaneMask<W> {
        // A closure would not be compiled for the instruction set of its caller.
        let mut live = [0; W];
        for (word, live) in live.iter_mut().enumerate() {
            if offered[word] != 0 {
                *live = self.live_in(word, item, threshold, offered[word]);
            }
        }
        live
    }

    /// The uniform of `item` for `of`: a word, and a lane of it.
    fn uniform(&self, item: u64, of: (usize, usize)) -> u32;
}

/// Draws in one coin family, compiled for one instruction set.
pub(super) struct RoundDraws<'a, V, C, const W: usize> {
    pub(super) vectors: V,
    pub(super) coins: C,
    pub(super) keys: &'a BatchKeys<W>,
    pub(super) round: Round,
}

impl<V: Vectors, C: WordCoins<W>, const W: usize> NodeDraws<W> for RoundDraws<'_, V, C, W> {
    #[inline(always)]
    fn round(&self) -> Round {
        self.round
    }

    #[inline(always)]
    fn live_in(&self, word: usize, item: u64, threshold: Threshold, offered: u64) -> u64 {
        let draw = Draw { item, from: 0, width: threshold.width() };
        self.coins.live(self.vectors, self.keys, word, draw, offered)
    }

    #[inline(always)]
    fn uniform(&self, item: u64, (word, lane): (usize, usize)) -> u32 {
        self.coins.uniform(self.keys, word, lane, item)
    }
}
