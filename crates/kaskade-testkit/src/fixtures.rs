//! The graphs that tests speak of, each with its degrees.

mod random;
mod strategies;

pub use random::{erdos_renyi, out_regular, random_regular};
pub use strategies::{SEGMENTS, arb_column, arb_graph, arb_nodes, arb_weights};

use crate::ArcList;

/// The directed path 0 → 1 → … → n−1: every in- and out-degree 1, but for the ends' 0.
#[must_use]
pub fn path(n_nodes: u32) -> ArcList {
    ArcList::new(n_nodes, (1..n_nodes).map(|node| (node - 1, node)))
}

/// The path with both directions: degrees 2 inside, 1 at the ends.
#[must_use]
pub fn bidirectional_path(n_nodes: u32) -> ArcList {
    ArcList::undirected(n_nodes, (1..n_nodes).map(|node| (node - 1, node)))
}

/// The directed cycle 0 → 1 → … → n−1 → 0: every degree 1.
#[must_use]
pub fn cycle(n_nodes: u32) -> ArcList {
    ArcList::new(n_nodes, (0..n_nodes).map(|node| (node, (node + 1) % n_nodes)))
}

/// 0 → 1 → 3 and 0 → 2 → 3: in-degrees 0, 1, 1, 2.
#[must_use]
pub fn diamond() -> ArcList {
    ArcList::new(4, [(0, 1), (0, 2), (1, 3), (2, 3)])
}

/// Every node to every other: all degrees n−1.
#[must_use]
pub fn complete(n_nodes: u32) -> ArcList {
    let pairs = (0..n_nodes).flat_map(|u| (0..n_nodes).map(move |v| (u, v)));
    ArcList::new(n_nodes, pairs)
}

/// Hub 0 to `n_leaves` leaves: the hub's out-degree is `n_leaves`, a leaf's in-degree 1.
#[must_use]
pub fn out_star(n_leaves: u32) -> ArcList {
    ArcList::new(n_leaves + 1, (1..=n_leaves).map(|leaf| (0, leaf)))
}

/// `n_sources` nodes to centre 0, whose in-degree is `n_sources`.
#[must_use]
pub fn in_star(n_sources: u32) -> ArcList {
    ArcList::new(n_sources + 1, (1..=n_sources).map(|source| (source, 0)))
}

/// Hub 0 and `n_leaves` leaves, both directions.
#[must_use]
pub fn bidirectional_star(n_leaves: u32) -> ArcList {
    ArcList::undirected(n_leaves + 1, (1..=n_leaves).map(|leaf| (0, leaf)))
}

/// The complete tree of `height` in which every inner node has `n_children` children, arcs
/// away from root 0: in-degree 1 but for the root's 0.
#[must_use]
pub fn tree(n_children: u32, height: u32) -> ArcList {
    let n_nodes: u32 = (0..=height).map(|level| n_children.pow(level)).sum();
    ArcList::new(n_nodes, (1..n_nodes).map(|node| ((node - 1) / n_children, node)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_those_documented() {
        assert_eq!(path(4).in_degrees(), [0, 1, 1, 1]);
        assert_eq!(bidirectional_path(4).out_degrees(), [1, 2, 2, 1]);
        assert_eq!(cycle(5).arcs().len(), 5);
        assert_eq!(diamond().in_degrees(), [0, 1, 1, 2]);
        assert_eq!(complete(4).out_degrees(), [3; 4]);
        assert_eq!(out_star(3).out_degrees(), [3, 0, 0, 0]);
        assert_eq!(in_star(3).in_degrees(), [3, 0, 0, 0]);
        assert_eq!(bidirectional_star(3).in_degrees(), [3, 1, 1, 1]);
        assert_eq!(tree(2, 3).out_degrees(), [2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(tree(3, 2).n_nodes(), 13);
    }
}
