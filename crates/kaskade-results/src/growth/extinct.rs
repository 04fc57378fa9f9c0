//! The spreads of the simulations that are over, and order statistics among them.

/// A multiset that starts empty and is filled from spreads known in advance. Inserting
/// and counting take O(log n): a Fenwick tree over the places of the sorted spreads.
pub(super) struct ExtinctSpreads<'a> {
    /// Every spread that will ever be inserted, ascending.
    sorted_spreads: &'a [u64],
    /// `tree[i - 1]` counts the insertions at places `i & (i - 1) .. i`, for i from 1.
    tree: Vec<usize>,
}

impl<'a> ExtinctSpreads<'a> {
    /// An empty multiset over `sorted_spreads`.
    pub(super) fn new(sorted_spreads: &'a [u64]) -> Self {
        Self { sorted_spreads, tree: vec![0; sorted_spreads.len()] }
    }

    /// Inserts `spread`, one of the sorted spreads.
    pub(super) fn insert(&mut self, spread: u64) {
        let mut place = self.sorted_spreads.partition_point(|&other| other < spread) + 1;
        while let Some(count) = self.tree.get_mut(place - 1) {
            *count += 1;
            place += place & place.wrapping_neg();
        }
    }

    /// The `rank`-th smallest, from 1, of this multiset and `sorted_others` together, which
    /// must have that many members.
    pub(super) fn smallest_in_union(&self, sorted_others: &[u64], rank: usize) -> u64 {
        let falls_short = |value: u64| {
            let others = sorted_others.partition_point(|&other| other <= value);
            self.count_at_most(value) + others < rank
        };
        // A spread not yet inserted is no answer that matters: if it is far enough, so is
        // the member of the union that is at or below it.
        let first = |values: &[u64]| {
            let place = values.partition_point(|&value| falls_short(value));
            values.get(place).copied()
        };
        let candidates = [first(sorted_others), first(self.sorted_spreads)];
        candidates.into_iter().flatten().min().expect("the union has at least `rank` members")
    }

    fn count_at_most(&self, value: u64) -> usize {
        let mut place = self.sorted_spreads.partition_point(|&other| other <= value);
        let mut count = 0;
        while place > 0 {
            count += self.tree[place - 1];
            place &= place - 1;
        }
        count
    }
}
