//! What a round draws besides its arcs.

use kaskade_model::Round;
use kaskade_model::coin::{Draw, Threshold, Vectors};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask};

use crate::kernel::{BatchKeys, WordCoins};

/// The draws of a batch in one round, for nodes and for single lanes.
pub trait NodeDraws<const W: usize> {
    /// The round that is being computed.
    fn round(&self) -> Round;

    /// The lanes of `offered` in which the uniform of `item` lies below `threshold`.
    fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<W>) -> LaneMask<W>;

    /// The uniform of `item` in `lane` of the batch.
    fn uniform(&self, item: u64, lane: usize) -> u32;
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
    fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<W>) -> LaneMask<W> {
        let draw = Draw { item, from: 0, width: threshold.width() };
        std::array::from_fn(|word| match offered[word] {
            0 => 0,
            offered => self.coins.live(self.vectors, self.keys, word, draw, offered),
        })
    }

    #[inline(always)]
    fn uniform(&self, item: u64, lane: usize) -> u32 {
        self.coins.uniform(self.keys, lane / LANES_PER_WORD, lane % LANES_PER_WORD, item)
    }
}
