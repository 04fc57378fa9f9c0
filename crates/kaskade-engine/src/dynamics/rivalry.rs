//! Who decides a node's side, and the channel that it was reached over, where several reach it in
//! one round.

use kaskade_model::lanes::LaneMask;

use crate::contests::{Candidate, Contests};

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

/// The lanes that more than one of `ways` has.
pub(super) fn contested<'a, const W: usize>(ways: impl Iterator<Item = &'a [u64]>) -> LaneMask<W> {
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
