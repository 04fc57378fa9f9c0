//! Every arc equally likely (Erdős and Rényi 1959).

use super::ArcGenerator;
use super::draws::Draws;

/// Arcs drawn with replacement among all ordered pairs of different nodes.
#[derive(Debug)]
pub(super) struct ErdosRenyi {
    n_nodes: u32,
    n_arcs: u64,
    draws: Draws,
}

const FAMILY: u64 = 0x6572;

impl ErdosRenyi {
    /// `n_nodes` of at least two, unless there are no arcs.
    pub(super) fn new(n_nodes: u32, n_arcs: u64, seed: u64) -> Self {
        Self { n_nodes, n_arcs, draws: Draws::new(seed, FAMILY) }
    }
}

impl ArcGenerator for ErdosRenyi {
    fn n_nodes(&self) -> u32 {
        self.n_nodes
    }

    fn n_arcs(&self) -> u64 {
        self.n_arcs
    }

    #[inline]
    fn arc(&self, number: u64) -> (u32, u32) {
        let n_nodes = u64::from(self.n_nodes);
        let source = self.draws.below(2 * number, n_nodes);
        let other = self.draws.below(2 * number + 1, n_nodes - 1);
        let target = if other < source { other } else { other + 1 };
        // Both are below `n_nodes`.
        (source as u32, target as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_different_nodes_are_equally_likely() {
        let n_arcs = 60_000;
        let graph = ErdosRenyi::new(4, n_arcs, 1);
        let mut counts = [[0u32; 4]; 4];
        for number in 0..n_arcs {
            let (source, target) = graph.arc(number);
            counts[source as usize][target as usize] += 1;
        }
        for (source, row) in counts.iter().enumerate() {
            for (target, count) in row.iter().enumerate() {
                // Binomial(60,000, 1/12): six standard deviations are 407.
                let expected = if source == target { 0 } else { 5000 };
                assert!(count.abs_diff(expected) < 407, "{counts:?}");
                assert!(source != target || *count == 0);
            }
        }
    }
}
