//! What a round draws besides its arcs.

use kaskade_model::Round;
use kaskade_model::coin::{Draw, Isa, Threshold, Vectorised, Vectors};
use kaskade_model::lanes::LaneMask;

use crate::kernel::{BatchKeys, WordCoins};

/// The draws of a batch in one round, for nodes and for single lanes.
pub trait NodeDraws<const W: usize> {
    /// The round that is being computed.
    fn round(&self) -> Round;

    /// The lanes of `offered`, of word `word`, in which the uniform of `item` lies below `threshold`.
    fn live_in(&self, word: usize, item: u64, threshold: Threshold, offered: u64) -> u64;

    /// The same in all words.
    fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<W>) -> LaneMask<W>;

    /// The uniform of `item` for `of`: a word, and a lane of it.
    fn uniform(&self, item: u64, of: (usize, usize)) -> u32;
}

/// Draws in one coin family. Each is compiled for the instruction set by itself: nodes that decide are
/// too much code to be compiled as a whole for each.
pub(super) struct RoundDraws<'a, C, const W: usize> {
    pub(super) isa: Isa,
    pub(super) coins: C,
    pub(super) keys: &'a BatchKeys<W>,
    pub(super) round: Round,
}

impl<C: WordCoins<W>, const W: usize> NodeDraws<W> for RoundDraws<'_, C, W> {
    #[inline(always)]
    fn round(&self) -> Round {
        self.round
    }

    #[inline(always)]
    fn live_in(&self, word: usize, item: u64, threshold: Threshold, offered: u64) -> u64 {
        let Self { isa, coins, keys, .. } = *self;
        let draw = Draw { item, from: 0, width: threshold.width() };
        isa.run(Live { coins, keys, draw, first_word: word, offered: [offered] })[0]
    }

    #[inline(always)]
    fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<W>) -> LaneMask<W> {
        let Self { isa, coins, keys, .. } = *self;
        let draw = Draw { item, from: 0, width: threshold.width() };
        isa.run(Live { coins, keys, draw, first_word: 0, offered: *offered })
    }

    #[inline(always)]
    fn uniform(&self, item: u64, (word, lane): (usize, usize)) -> u32 {
        self.coins.uniform(self.keys, word, lane, item)
    }
}

/// The lanes of some words in which a draw is live.
struct Live<'a, C, const W: usize, const N: usize> {
    coins: C,
    keys: &'a BatchKeys<W>,
    draw: Draw,
    first_word: usize,
    offered: [u64; N],
}

impl<C: WordCoins<W>, const W: usize, const N: usize> Vectorised for Live<'_, C, W, N> {
    type Output = [u64; N];

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> [u64; N] {
        let Self { coins, keys, draw, first_word, offered } = self;
        let mut live = [0; N];
        for (at, live) in live.iter_mut().enumerate() {
            if offered[at] != 0 {
                *live = coins.live(vectors, keys, first_word + at, draw, offered[at]);
            }
        }
        live
    }
}
