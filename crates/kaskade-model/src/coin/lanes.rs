//! Lane coins: a hash per arc and simulation, the coins of family `arc`.

use super::Draw;
use super::isa::Vectors;
use crate::lanes::{LANES_PER_WORD, lanes_of};

/// The keys of the 64 simulations of one lane word, halves apart as the vectors want them.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct LaneKeys {
    pub(super) low: [u32; LANES_PER_WORD],
    pub(super) high: [u32; LANES_PER_WORD],
}

/// Up to so many offered lanes are drawn one by one: a vector costs as much as about six of them.
const FEW_LANES: u32 = 4;

impl LaneKeys {
    /// The keys of 64 simulations; `key_of` gives that of a lane.
    #[must_use]
    pub fn new(key_of: impl Fn(usize) -> u64) -> Self {
        Self {
            low: std::array::from_fn(|lane| key_of(lane) as u32),
            high: std::array::from_fn(|lane| (key_of(lane) >> 32) as u32),
        }
    }

    /// The key of `lane`.
    #[inline]
    #[must_use]
    pub fn key(&self, lane: usize) -> u64 {
        u64::from(self.high[lane]) << 32 | u64::from(self.low[lane])
    }

    /// The lanes of `offered` in which `draw` is live.
    #[inline(always)]
    #[must_use]
    pub fn live<V: Vectors>(&self, vectors: V, draw: Draw, offered: u64) -> u64 {
        if draw.width == Draw::ALWAYS {
            return offered;
        }
        if offered.count_ones() <= FEW_LANES {
            return self.live_one_by_one(draw, offered);
        }
        offered & vectors.lanes_live(self, draw)
    }

    #[inline(always)]
    fn live_one_by_one(&self, draw: Draw, offered: u64) -> u64 {
        let mut live = 0;
        for lane in lanes_of(offered) {
            live |= u64::from(draw.is_live(self.key(lane))) << lane;
        }
        live
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::coin::{Isa, Vectorised, simulation_key};

    struct Live<'a>(&'a LaneKeys, Draw, u64);

    impl Vectorised for Live<'_> {
        type Output = u64;

        #[inline(always)]
        fn run<V: Vectors>(self, vectors: V) -> u64 {
            self.0.live(vectors, self.1, self.2)
        }
    }

    proptest! {
        #[test]
        fn every_instruction_set_draws_the_same_lanes(
            seed: u64, item: u64, from: u32, width in 0u64..=1 << 32, offered: u64,
        ) {
            let keys = LaneKeys::new(|lane| simulation_key(seed, lane as u64));
            let draw = Draw { item, from, width };
            let one_by_one: u64 = lanes_of(offered)
                .filter(|&lane| draw.is_live(keys.key(lane)))
                .fold(0, |live, lane| live | 1 << lane);
            for isa in Isa::available() {
                prop_assert_eq!(isa.run(Live(&keys, draw, offered)), one_by_one, "{:?}", isa);
            }
        }
    }
}
