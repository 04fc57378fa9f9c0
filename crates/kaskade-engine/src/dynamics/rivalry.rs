//! Who decides a node's side, and the channel that it was reached over, where several reach it in
//! one round.

use std::sync::atomic::Ordering::Relaxed;

use kaskade_model::lanes::{LaneMask, is_empty, lanes_of};

use super::draws::NodeDraws;
use super::machine::Seed;
use crate::contests::{Candidate, Contests};
use crate::kernel::{SummaryBitmap, Words};

/// The contests of nodes that were reached in several ways in one lane.
pub(super) type Rivalry<const W: usize> = Contests<W, ByTie>;

/// A source that reached a node. The one with the lowest uniform of its tie item wins: a uniform
/// choice among those who succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ByTie {
    pub(super) uniform: u32,
    pub(super) tie_item: u64,
    pub(super) way: u8,
}

impl Candidate for ByTie {
    const NOBODY: Self = Self { uniform: u32::MAX, tie_item: u64::MAX, way: u8::MAX };
}

/// Whoever came `way` and draws by `tie_item`, in each lane.
#[inline(always)]
pub(super) fn by_tie<const W: usize>(
    draws: &impl NodeDraws<W>,
    way: u8,
    tie_item: u64,
) -> impl Fn((usize, usize)) -> ByTie {
    move |lane| ByTie { uniform: draws.uniform(tie_item, lane), tie_item, way }
}

/// A seed that started in a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Launched<const W: usize> {
    pub(super) node_idx: u32,
    pub(super) way: u8,
    pub(super) tie_item: u64,
    pub(super) lanes: LaneMask<W>,
}

impl<const W: usize> Launched<W> {
    /// `seed` at `node_idx`, in the lanes `lanes`, as if it came `way`.
    pub(super) fn new(seed: &Seed<W>, (node_idx, way): (u32, u8), lanes: LaneMask<W>) -> Self {
        Self { node_idx, way, tie_item: seed.tie_item, lanes }
    }
}

/// Where the words of a node's lanes lie among those of a shard: W of the lanes in which nothing
/// reaches it any more, then for each way W of those in which it was reached in this round, then
/// others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) n_words: usize,
    pub(super) n_ways: usize,
}

impl Layout {
    /// The first word of the node at `node_idx`.
    #[inline(always)]
    pub(super) fn place(self, node_idx: u32) -> usize {
        node_idx as usize * self.n_words
    }

    /// The first word of those in which the node at `node_idx` was reached in `way`.
    #[inline(always)]
    pub(super) fn of_way<const W: usize>(self, node_idx: u32, way: u8) -> usize {
        self.place(node_idx) + (1 + usize::from(way)) * W
    }
}

impl<const W: usize> Rivalry<W> {
    /// The contested lanes of `offered` in which the node at `node_idx` was reached in `way`.
    #[inline(always)]
    pub(super) fn contested(
        &self,
        (planes, layout): (&Words, Layout),
        (node_idx, way): (u32, u8),
        offered: &LaneMask<W>,
    ) -> LaneMask<W> {
        let contested = self.lanes(node_idx);
        let reached = layout.of_way::<W>(node_idx, way);
        let came = |word: usize| planes[reached + word].load(Relaxed);
        std::array::from_fn(|word| offered[word] & contested[word] & came(word))
    }

    /// Keeps in `planes` the winners of the contests that were begun, and begins the next, of the nodes
    /// of `touched` and but for the lanes that are `ignored` of each; none where there are no more.
    pub(super) fn turn(
        &mut self,
        (planes, layout): (&mut [u64], Layout),
        touched: &SummaryBitmap,
        ignored: impl Fn(usize) -> LaneMask<W>,
    ) -> bool {
        let Layout { n_words, n_ways } = layout;
        self.end(|node_idx, lanes, winners| {
            let ways = &mut planes[layout.place(node_idx) + W..][..n_ways * W];
            for (word, &contested) in lanes.iter().enumerate() {
                ways.chunks_exact_mut(W).for_each(|way| way[word] &= !contested);
                for (lane, winner) in lanes_of(contested).zip(&mut *winners) {
                    ways[usize::from(winner.way) * W + word] |= 1 << lane;
                }
            }
        });
        let contested = |at: usize| -> LaneMask<W> {
            let (seen, ways) = planes[at * n_words..][..(1 + n_ways) * W].split_at(W);
            let contested = contested::<W>(ways.chunks_exact(W));
            let ignored = ignored(at);
            std::array::from_fn(|word| contested[word] & !(seen[word] | ignored[word]))
        };
        if !self.is_open() {
            let mut nodes = Vec::new();
            // Places in a shard have 32 bits.
            touched.each(|at| {
                if !is_empty(&contested(at)) {
                    nodes.push(at as u32);
                }
            });
            self.open(nodes);
        }
        self.begin(|node_idx| contested(node_idx as usize))
    }

    /// The seeds of `launched` compete where they are contested, whatever channels reach them.
    pub(super) fn compete_launched(
        &mut self,
        (planes, layout): (&Words, Layout),
        draws: &impl NodeDraws<W>,
        launched: &[Launched<W>],
    ) {
        for Launched { node_idx, way, tie_item, lanes } in launched {
            let lanes = self.contested((planes, layout), (*node_idx, *way), lanes);
            if !is_empty(&lanes) {
                self.compete(*node_idx, &lanes, by_tie(draws, *way, *tie_item));
            }
        }
    }
}

/// The lanes that more than one of `ways` has.
fn contested<'a, const W: usize>(ways: impl Iterator<Item = &'a [u64]>) -> LaneMask<W> {
    let (mut taken, mut contested) = ([0; W], [0; W]);
    for way in ways {
        for word in 0..W {
            contested[word] |= taken[word] & way[word];
            taken[word] |= way[word];
        }
    }
    contested
}

/// Leaves each lane to the first of `ways` that has it.
pub(super) fn leave_to_first<const W: usize>(ways: &mut [LaneMask<W>]) {
    let mut taken = [0; W];
    for way in ways {
        for word in 0..W {
            way[word] &= !taken[word];
            taken[word] |= way[word];
        }
    }
}
