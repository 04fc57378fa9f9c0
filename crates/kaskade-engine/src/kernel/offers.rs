//! Arcs that are offered lanes, decided together.
//!
//! Whoever walks over arcs, in whichever direction, adds those whose target may still change; the
//! target's lanes are asked for from memory then and looked at when the buffer is full, some
//! tens of arcs later. Looking first at what a target lacks saves most coins: late in a cascade
//! most lanes of most targets are on.

use kaskade_model::NodeId;
use kaskade_model::coin::{self, Draw, Vectors};
use kaskade_model::diffusion::{Arc, LiveArcs, Place};
use kaskade_model::lanes::{LaneMask, count_lanes, is_empty};

use super::edge_map::Effort;
use super::keys::BatchKeys;
use super::reached::Reached;

/// Arcs that are decided together: enough to cover the latency of memory, few enough that
/// their lanes stay in the first cache.
pub(super) const N_OFFERS: usize = 64;

/// How the lanes of a word draw the coin of an arc.
pub(crate) trait WordCoins<const W: usize>: Copy {
    /// The lanes of `offered`, in word `word`, in which `draw` is live.
    fn live<V: Vectors>(
        self,
        vectors: V,
        keys: &BatchKeys<W>,
        word: usize,
        draw: Draw,
        offered: u64,
    ) -> u64;

    /// The uniform of `item` in `lane` of word `word`.
    fn uniform(self, keys: &BatchKeys<W>, word: usize, lane: usize, item: u64) -> u32;
}

/// A hash a lane: family `arc`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByLane;

/// A hash for eight lanes: family `octet`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByOctet;

impl<const W: usize> WordCoins<W> for ByLane {
    #[inline(always)]
    fn live<V: Vectors>(
        self,
        vectors: V,
        keys: &BatchKeys<W>,
        word: usize,
        draw: Draw,
        offered: u64,
    ) -> u64 {
        keys.lanes[word].live(vectors, draw, offered)
    }

    #[inline(always)]
    fn uniform(self, keys: &BatchKeys<W>, word: usize, lane: usize, item: u64) -> u32 {
        coin::uniform(item, keys.lanes[word].key(lane))
    }
}

impl<const W: usize> WordCoins<W> for ByOctet {
    #[inline(always)]
    fn live<V: Vectors>(
        self,
        vectors: V,
        keys: &BatchKeys<W>,
        word: usize,
        draw: Draw,
        offered: u64,
    ) -> u64 {
        keys.octets[word].live(vectors, draw, offered)
    }

    #[inline(always)]
    fn uniform(self, keys: &BatchKeys<W>, word: usize, lane: usize, item: u64) -> u32 {
        keys.octets[word].uniform(item, lane)
    }
}

/// A buffer of arcs with the lanes that each is offered.
pub(super) struct Offers<'a, C, const W: usize> {
    coins: C,
    rule: &'a dyn LiveArcs,
    keys: &'a BatchKeys<W>,
    arcs: [Arc; N_OFFERS],
    offered: [LaneMask<W>; N_OFFERS],
    n: usize,
    n_coins: u64,
}

impl<'a, C: WordCoins<W>, const W: usize> Offers<'a, C, W> {
    /// An empty buffer of arcs that draw `coins` by `rule`.
    pub(super) fn new(coins: C, rule: &'a dyn LiveArcs, keys: &'a BatchKeys<W>) -> Self {
        let none = Arc { source: NodeId(0), target: NodeId(0), target_idx: 0, place: Place::In(0) };
        Self {
            coins,
            rule,
            keys,
            arcs: [none; N_OFFERS],
            offered: [[0; W]; N_OFFERS],
            n: 0,
            n_coins: 0,
        }
    }

    /// Adds `arc` with the lanes that its source offers; decides what is there when it is full.
    #[inline(always)]
    pub(super) fn add<V: Vectors>(
        &mut self,
        vectors: V,
        lanes: &mut impl Reached<W>,
        arc: Arc,
        offered: &LaneMask<W>,
    ) {
        lanes.prefetch(arc.target_idx);
        self.arcs[self.n] = arc;
        self.offered[self.n] = *offered;
        self.n += 1;
        if self.n == N_OFFERS {
            self.decide(vectors, lanes);
        }
    }

    /// Decides all arcs that are there, and forgets them.
    #[inline(always)]
    pub(super) fn decide<V: Vectors>(&mut self, vectors: V, lanes: &mut impl Reached<W>) {
        let mut n_lacking = 0;
        for at in 0..self.n {
            let lacking = lanes.lacking(self.arcs[at].target_idx, &self.offered[at]);
            self.arcs[n_lacking] = self.arcs[at];
            self.offered[n_lacking] = lacking;
            n_lacking += usize::from(!is_empty(&lacking));
        }
        self.n = 0;
        let mut draws = [Draw { item: 0, from: 0, width: 0 }; N_OFFERS];
        let (arcs, draws) = (&self.arcs[..n_lacking], &mut draws[..n_lacking]);
        self.rule.draw_all(arcs, draws);
        for ((arc, &draw), offered) in arcs.iter().zip(&*draws).zip(&self.offered) {
            self.n_coins += count_lanes(offered);
            let mut live = [0; W];
            for (word, live) in live.iter_mut().enumerate() {
                if offered[word] != 0 {
                    *live = self.coins.live(vectors, self.keys, word, draw, offered[word]);
                }
            }
            if !is_empty(&live) {
                lanes.reach(arc, &live);
            }
        }
    }

    /// The effort of a walk that looked at `arcs_scanned` arcs.
    pub(super) fn effort(&self, arcs_scanned: u64) -> Effort {
        Effort { arcs_scanned, coins: self.n_coins }
    }
}
