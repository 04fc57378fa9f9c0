//! How many arcs to pass over before the next live one: geometric, from one random number.

use super::generator::{Generator, below};

/// Gaps of so many arcs and more are not in the table.
const MAX_CELLS: usize = 2048;

/// A gap beyond the table is looked for with this probability, or what [`MAX_CELLS`] leaves.
const BEYOND: f64 = 1.0 / 256.0;

/// The distribution of gaps between successes of one probability, as Walker's alias table: a
/// cell is drawn, and gives its own gap or that of its alias. The last cell stands for all gaps
/// that are not in the table; the distribution forgets, so these begin anew behind it.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    cells: Vec<Cell>,
    /// 1 / ln(1 − p).
    scale: f64,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The cell keeps its own gap below this, of 2³².
    own_below: u32,
    alias: u32,
}

impl Gaps {
    /// The gaps of `probability`, above 0.
    pub(super) fn new(probability: f64) -> Self {
        let scale = 1.0 / (-probability).ln_1p();
        let n_gaps = (BEYOND.ln() * scale).ceil().clamp(1.0, MAX_CELLS as f64) as usize;
        let mut left = 1.0;
        let mut weights: Vec<f64> = (0..n_gaps)
            .map(|_| {
                let own = left * probability;
                left -= own;
                own
            })
            .collect();
        weights.push(left);
        Self { cells: alias_table(&weights), scale }
    }

    /// The next gap.
    #[inline(always)]
    pub(super) fn draw(&self, generator: &mut Generator) -> u64 {
        let bits = generator.bits();
        let drawn = below(bits, self.cells.len() as u32);
        let cell = self.cells[drawn as usize];
        let gap = if (bits as u32) < cell.own_below { drawn } else { cell.alias };
        if gap as usize == self.cells.len() - 1 {
            return self.beyond(generator);
        }
        gap.into()
    }

    #[cold]
    fn beyond(&self, generator: &mut Generator) -> u64 {
        // In (0, 1].
        let uniform = ((generator.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        self.cells.len() as u64 - 1 + (uniform.ln() * self.scale) as u64
    }
}

/// Vose's construction. `weights` sum to 1.
fn alias_table(weights: &[f64]) -> Vec<Cell> {
    let n_cells = weights.len() as f64;
    let mut shares: Vec<f64> = weights.iter().map(|weight| weight * n_cells).collect();
    let mut cells = vec![Cell { own_below: u32::MAX, alias: 0 }; weights.len()];
    cells.iter_mut().zip(0..).for_each(|(cell, own)| cell.alias = own);
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..weights.len()).partition(|&cell| shares[cell] < 1.0);
    while let (Some(&from), Some(to)) = (large.last(), small.pop()) {
        cells[to] =
            Cell { own_below: (shares[to] * (1u64 << 32) as f64) as u32, alias: from as u32 };
        shares[from] -= 1.0 - shares[to];
        if shares[from] < 1.0 {
            small.extend(large.pop());
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_geometric() {
        for probability in [1.0, 0.5, 0.1, 0.01, 1.0 / 4096.0, 1e-6] {
            let (gaps, mut generator) = (Gaps::new(probability), Generator::new(3));
            let n_draws = 1 << 18;
            let (mut sum, mut zeroes) = (0, 0);
            for _ in 0..n_draws {
                let gap = gaps.draw(&mut generator);
                sum += gap;
                zeroes += u64::from(gap == 0);
            }
            let within = |found: f64, expected: f64, deviation: f64| {
                let error = 4.0 * deviation / f64::from(n_draws).sqrt();
                assert!((found - expected).abs() <= error, "{probability}: {found}, {expected}");
            };
            let failure = 1.0 - probability;
            let mean = failure / probability;
            within(sum as f64 / f64::from(n_draws), mean, failure.sqrt() / probability);
            let deviation = (probability * failure).sqrt();
            within(zeroes as f64 / f64::from(n_draws), probability, deviation);
        }
    }
}
