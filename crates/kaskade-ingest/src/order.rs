//! Ranks to dense ids.

use kaskade_store::Order;
use rayon::prelude::*;

/// A permutation of the nodes.
pub(crate) struct DenseOrder {
    /// The rank of every dense id.
    pub(crate) rank_of: Vec<u32>,
    /// The dense id of every rank.
    pub(crate) dense_of: Vec<u32>,
}

impl DenseOrder {
    /// The dense ids in `order` of nodes with `in_degrees`, by rank. O(n · log n).
    pub(crate) fn new(order: Order, in_degrees: &[u32]) -> Self {
        // A graph has at most 2³² − 1 nodes.
        let n_nodes = in_degrees.len() as u32;
        let mut rank_of: Vec<u32> = (0..n_nodes).collect();
        if order == Order::InDegree {
            rank_of.par_sort_unstable_by_key(|&rank| {
                (std::cmp::Reverse(in_degrees[rank as usize]), rank)
            });
        }
        let mut dense_of = vec![0; in_degrees.len()];
        for (dense, &rank) in (0..).zip(&rank_of) {
            dense_of[rank as usize] = dense;
        }
        Self { rank_of, dense_of }
    }

    /// `by_rank` in the order of dense ids.
    pub(crate) fn arrange<T: Copy>(&self, by_rank: &[T]) -> Vec<T> {
        self.rank_of.iter().map(|&rank| by_rank[rank as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_degree_descends_with_ties_by_rank() {
        let order = DenseOrder::new(Order::InDegree, &[1, 5, 0, 5, 1]);
        assert_eq!(order.rank_of, [1, 3, 0, 4, 2]);
        assert_eq!(order.dense_of, [2, 0, 4, 1, 3]);
        assert_eq!(order.arrange(&["a", "b", "c", "d", "e"]), ["b", "d", "a", "e", "c"]);
        assert_eq!(DenseOrder::new(Order::Id, &[1, 5, 0]).rank_of, [0, 1, 2]);
    }
}
