//! What bounds the kernel: accesses to lines at random places, and coins.

use std::hint::black_box;

use kaskade_model::NodeId;
use kaskade_model::coin::{
    Draw, Isa, OctetKeys, Purpose, Threshold, Vectorised, Vectors, arc_item,
};

use crate::graphs::SEED;
use crate::memory::{HugeVec, prefetch};

/// What a processor moves at a time, and 512 lanes take.
pub const LINE_BYTES: usize = 64;

/// Words in it.
const LINE_WORDS: usize = LINE_BYTES / size_of::<u64>();

type Line = [u64; LINE_WORDS];

/// A state of many lines. Every method accesses lines at random places, as many as take some
/// hundredths of a second, and gives how many.
#[derive(Debug)]
pub struct Lines {
    /// Where each line says which is the next of a cycle through all.
    lines: HugeVec<Line>,
    /// The places of the accesses: drawing them is no part of these.
    places: Vec<u32>,
}

impl Lines {
    /// Accesses between asking for a line and using it.
    pub const AHEAD: usize = 16;

    const N_ACCESSES: usize = 1 << 20;

    /// A state of `n_bytes`.
    #[must_use]
    pub fn new(n_bytes: usize) -> Self {
        let n_lines = (n_bytes / LINE_BYTES).max(1);
        let mut state = SEED;
        let mut below = |n: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            ((u128::from(state) * n as u128) >> 64) as usize
        };
        let mut lines = HugeVec::<Line>::zeroed(n_lines);
        lines.iter_mut().zip(0..).for_each(|(line, idx)| line[0] = idx);
        // Sattolo's shuffle: one cycle through all.
        for idx in (1..n_lines).rev() {
            let other = below(idx);
            let next = lines[idx][0];
            lines[idx][0] = lines[other][0];
            lines[other][0] = next;
        }
        let places = (0..Self::N_ACCESSES + Self::AHEAD).map(|_| below(n_lines) as u32).collect();
        Self { lines, places }
    }

    /// Reads lines whose places are known beforehand: the processor overlaps what it can.
    pub fn read(&mut self) -> u64 {
        self.each_line::<false>(sum)
    }

    /// As [`Lines::read`], having asked for them ahead.
    pub fn read_ahead(&mut self) -> u64 {
        self.each_line::<true>(sum)
    }

    /// Reads lines, and writes all their words but the first.
    pub fn write(&mut self) -> u64 {
        self.each_line::<false>(change)
    }

    /// As [`Lines::write`], having asked for them ahead.
    pub fn write_ahead(&mut self) -> u64 {
        self.each_line::<true>(change)
    }

    #[inline(always)]
    fn each_line<const IS_ASKED: bool>(&mut self, access: impl Fn(&mut Line) -> u64) -> u64 {
        let lines = &mut *self.lines;
        let mut total = 0u64;
        for (&place, &later) in self.places.iter().zip(&self.places[Self::AHEAD..]) {
            if IS_ASKED {
                prefetch(lines, later as usize);
            }
            total = total.wrapping_add(access(&mut lines[place as usize]));
        }
        black_box(total);
        Self::N_ACCESSES as u64
    }

    /// Reads lines each of which says where the next is.
    pub fn chained(&mut self) -> u64 {
        let n_accesses = Self::N_ACCESSES / 4;
        let lines = &*self.lines;
        let mut place = self.places[0] as usize;
        for _ in 0..n_accesses {
            place = lines[place][0] as usize;
        }
        black_box(place);
        n_accesses as u64
    }
}

#[inline(always)]
fn sum(line: &mut Line) -> u64 {
    line.iter().fold(0, |sum, &word| sum ^ word)
}

#[inline(always)]
fn change(line: &mut Line) -> u64 {
    line[1..].iter_mut().for_each(|word| *word += 1);
    line[1]
}

/// Coins of arcs, 64 lanes at a time.
#[derive(Debug)]
pub struct Coins {
    keys: OctetKeys,
    threshold: Threshold,
}

impl Coins {
    /// Arcs of a call.
    const N_ARCS: u32 = 1 << 20;

    /// Coins that are live once in ten.
    ///
    /// # Panics
    /// Not at all.
    #[must_use]
    pub fn new() -> Self {
        let threshold = Threshold::from_probability(0.1).expect("it is a probability");
        Self { keys: OctetKeys::new(SEED, 0), threshold }
    }

    /// Throws the 64 coins of each of many arcs; gives how many arcs.
    #[must_use]
    pub fn throw(&self, isa: Isa) -> u64 {
        black_box(isa.run(Throw(self)));
        Self::N_ARCS.into()
    }
}

/// The number of live coins of many arcs.
struct Throw<'a>(&'a Coins);

impl Vectorised for Throw<'_> {
    type Output = u32;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> u32 {
        let Coins { keys, threshold } = self.0;
        let mut n_live = 0;
        for target in 0..Coins::N_ARCS {
            let item = arc_item(NodeId(7), NodeId(target), Purpose::Arc);
            let draw = Draw { item, from: 0, width: threshold.width() };
            n_live += black_box(keys).live(vectors, draw, u64::MAX).count_ones();
        }
        n_live
    }
}

impl Default for Coins {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chained_lines_are_one_cycle() {
        let lines = Lines::new(1000 * LINE_BYTES).lines;
        let mut place = 0;
        for step in 1..=1000 {
            place = lines[place][0] as usize;
            assert_eq!(place == 0, step == 1000);
        }
    }
}
