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
    /// The dense ids in `order` of nodes with `in_degrees`, by rank. O(n + highest degree).
    pub(crate) fn new(order: Order, in_degrees: &[u32]) -> Self {
        // A graph has at most 2³² − 1 nodes.
        let n_nodes = in_degrees.len() as u32;
        let dense_of = match order {
            Order::Id => (0..n_nodes).collect(),
            Order::InDegree => by_descending(in_degrees),
        };
        let mut rank_of = vec![0; in_degrees.len()];
        for (rank, &dense) in (0..).zip(&dense_of) {
            rank_of[dense as usize] = rank;
        }
        Self { rank_of, dense_of }
    }

    /// `by_rank` in the order of dense ids.
    pub(crate) fn arrange<T: Copy + Send + Sync>(&self, by_rank: &[T]) -> Vec<T> {
        self.rank_of.par_iter().map(|&rank| by_rank[rank as usize]).collect()
    }
}

/// The place of every key among all, largest first, equal ones in order: a counting sort.
fn by_descending(keys: &[u32]) -> Vec<u32> {
    let highest = keys.par_iter().copied().max().unwrap_or(0) as usize;
    // First how many keys are of each value, then where the next of them goes.
    let mut next = vec![0u32; highest + 1];
    for &key in keys {
        next[key as usize] += 1;
    }
    let mut place = 0;
    for count in next.iter_mut().rev() {
        place += std::mem::replace(count, place);
    }
    let place_of = |&key: &u32| {
        let place = next[key as usize];
        next[key as usize] += 1;
        place
    };
    keys.iter().map(place_of).collect()
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
        assert!(DenseOrder::new(Order::InDegree, &[]).rank_of.is_empty());
    }
}
