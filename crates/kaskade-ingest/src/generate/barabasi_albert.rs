//! Preferential attachment (Barabási and Albert 1999), drawn in parallel.

use super::ArcGenerator;
use super::draws::Draws;

/// Every node but the first follows `n_follows` earlier ones, chosen by how many arcs these
/// have: whoever is popular becomes more so. v follows u is the arc u → v, so the popular
/// reach many. Node 0 begins with a weight of `n_follows`.
///
/// Batagelj and Brandes (2005) keep a list of all arcs' ends and draw a place of it; Sanders
/// and Schulz ("Scalable generation of scale-free graphs", 2016) see that the list need not
/// be kept, since a place that holds a drawn end is traced back by drawing again. A trace
/// has two steps on average.
#[derive(Debug)]
pub(super) struct BarabasiAlbert {
    n_nodes: u32,
    n_follows: u64,
    draws: Draws,
}

const FAMILY: u64 = 0x6261;

impl BarabasiAlbert {
    /// `n_nodes` and `n_follows` of at least one.
    pub(super) fn new(n_nodes: u32, n_follows: u64, seed: u64) -> Self {
        Self { n_nodes, n_follows, draws: Draws::new(seed, FAMILY) }
    }

    fn follower(&self, number: u64) -> u64 {
        1 + number / self.n_follows
    }

    /// Whom the follower of arc `number` follows.
    fn followed(&self, mut number: u64) -> u64 {
        loop {
            // The list of ends: `n_follows` times node 0, then per arc follower and followed.
            let n_arcs_before = (self.follower(number) - 1) * self.n_follows;
            let place = self.draws.below(number, self.n_follows + 2 * n_arcs_before);
            let Some(place) = place.checked_sub(self.n_follows) else {
                return 0;
            };
            number = place / 2;
            if place % 2 == 0 {
                return self.follower(number);
            }
        }
    }
}

impl ArcGenerator for BarabasiAlbert {
    fn n_nodes(&self) -> u32 {
        self.n_nodes
    }

    fn n_arcs(&self) -> u64 {
        u64::from(self.n_nodes - 1) * self.n_follows
    }

    #[inline]
    fn arc(&self, number: u64) -> (u32, u32) {
        // Both are below `n_nodes`.
        (self.followed(number) as u32, self.follower(number) as u32)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    #[test]
    fn nodes_follow_earlier_ones() {
        let graph = BarabasiAlbert::new(1000, 3, 1);
        assert_eq!(graph.n_arcs(), 999 * 3);
        for number in 0..graph.n_arcs() {
            let (followed, follower) = graph.arc(number);
            assert_eq!(u64::from(follower), 1 + number / 3);
            assert!(followed < follower);
        }
    }

    #[test]
    fn a_trace_gives_what_the_kept_list_gives() {
        let (n_nodes, n_follows) = (300u32, 4);
        let graph = BarabasiAlbert::new(n_nodes, n_follows, 7);
        let mut ends = vec![0u64; n_follows as usize];
        for follower in 1..u64::from(n_nodes) {
            let n_earlier = ends.len() as u64;
            for number in (follower - 1) * n_follows..follower * n_follows {
                let followed = ends[graph.draws.below(number, n_earlier) as usize];
                assert_eq!(graph.arc(number), (followed as u32, follower as u32));
                ends.extend([follower, followed]);
            }
        }
    }

    #[test]
    fn early_nodes_are_popular() {
        let graph = BarabasiAlbert::new(10_000, 8, 1);
        let mut out_degrees = vec![0u32; 10_000];
        for number in 0..graph.n_arcs() {
            out_degrees[graph.arc(number).0 as usize] += 1;
        }
        // The expected degree of node t is about 8 · (√(n/t) − 1): a power law.
        let mean = |range: Range<usize>| {
            let n = range.len() as f64;
            out_degrees[range].iter().map(|&degree| f64::from(degree)).sum::<f64>() / n
        };
        assert!((mean(90..110) - 72.0).abs() < 12.0, "{}", mean(90..110));
        assert!((mean(2400..2600) - 8.0).abs() < 1.0, "{}", mean(2400..2600));
        assert!(mean(9900..10_000) < 0.3);
    }
}
