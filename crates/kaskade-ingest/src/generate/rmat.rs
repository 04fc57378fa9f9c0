//! R-MAT: a recursive matrix (Chakrabarti, Zhan and Faloutsos, SDM 2004).

use super::ArcGenerator;
use super::draws::Draws;

/// The adjacency matrix is cut into quadrants, one is drawn, and so on to a single cell: the
/// row is the arc's source, the column its target. No noise, and ids are not scrambled.
#[derive(Debug)]
pub(super) struct Rmat {
    scale: u32,
    n_arcs: u64,
    draws: Draws,
    /// The quadrants' upper ends in units of 2⁻³²: a, a + b, a + b + c.
    quadrant_ends: [u64; 3],
}

/// The probabilities of three quadrants; the fourth has the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quadrants {
    /// Upper left.
    pub(super) a: f64,
    /// Upper right.
    pub(super) b: f64,
    /// Lower left.
    pub(super) c: f64,
}

impl Quadrants {
    /// Those of the Graph500 benchmark.
    pub(super) const GRAPH500: Self = Self { a: 0.57, b: 0.19, c: 0.19 };
}

/// Words kept for an arc: two levels each, for scales up to 32.
const WORDS_PER_ARC: u64 = 16;

const FAMILY: u64 = 0x726d_6174;

impl Rmat {
    /// 2^`scale` nodes and `n_arcs` arcs; `quadrants` sum to at most 1.
    pub(super) fn new(scale: u32, n_arcs: u64, quadrants: Quadrants, seed: u64) -> Self {
        let Quadrants { a, b, c } = quadrants;
        let end = |sum: f64| (sum * (1u64 << 32) as f64).round() as u64;
        let quadrant_ends = [end(a), end(a + b), end(a + b + c)];
        Self { scale, n_arcs, draws: Draws::new(seed, FAMILY), quadrant_ends }
    }
}

impl ArcGenerator for Rmat {
    fn n_nodes(&self) -> u32 {
        1 << self.scale
    }

    fn n_arcs(&self) -> u64 {
        self.n_arcs
    }

    #[inline]
    fn arc(&self, number: u64) -> (u32, u32) {
        let [a, ab, abc] = self.quadrant_ends;
        let (mut row, mut column) = (0, 0);
        let mut word = 0;
        for level in 0..self.scale {
            word = if level % 2 == 0 {
                self.draws.word(number * WORDS_PER_ARC + u64::from(level / 2))
            } else {
                word >> 32
            };
            let uniform = word & u64::from(u32::MAX);
            let is_lower = uniform >= ab;
            let is_right = (uniform >= a) != is_lower || uniform >= abc;
            row = row << 1 | u32::from(is_lower);
            column = column << 1 | u32::from(is_right);
        }
        (row, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quadrants_have_their_probabilities() {
        let quadrants = Quadrants { a: 0.4, b: 0.3, c: 0.2 };
        let n_arcs = 100_000;
        let rmat = Rmat::new(1, n_arcs, quadrants, 1);
        let mut counts = [[0u32; 2]; 2];
        for number in 0..n_arcs {
            let (row, column) = rmat.arc(number);
            counts[row as usize][column as usize] += 1;
        }
        // Six standard deviations of a binomial count of 100,000 are at most 949.
        for (count, expected) in [
            (counts[0][0], 40_000),
            (counts[0][1], 30_000),
            (counts[1][0], 20_000),
            (counts[1][1], 10_000u32),
        ] {
            assert!(count.abs_diff(expected) < 949, "{counts:?}");
        }
    }

    #[test]
    fn levels_are_independent() {
        let n_arcs = 100_000u32;
        let rmat = Rmat::new(4, n_arcs.into(), Quadrants { a: 0.25, b: 0.25, c: 0.25 }, 1);
        let mut counts = [0u32; 16];
        for number in 0..n_arcs {
            counts[rmat.arc(number.into()).0 as usize] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(n_arcs / 16) < 460), "{counts:?}");
    }

    #[test]
    fn a_certain_quadrant_is_always_drawn() {
        let rmat = Rmat::new(31, 9, Quadrants { a: 0.0, b: 1.0, c: 0.0 }, 1);
        assert_eq!(rmat.arc(8), (0, (1 << 31) - 1));
        assert_eq!(rmat.n_nodes(), 1 << 31);
    }
}
