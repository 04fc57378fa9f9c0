//! Where the buckets begin and end.

use std::ops::Range;

/// The place of an arc's source in its ends.
pub(crate) const SOURCE: usize = 0;
/// The place of its target.
pub(crate) const TARGET: usize = 1;

/// Equal ranges of ranks, each a power of two, of the targets of arcs; or, where all arcs
/// have the same target, of their sources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    /// [`SOURCE`] or [`TARGET`].
    axis: usize,
    begin: u32,
    end: u32,
    shift: u32,
}

impl Buckets {
    /// So many arcs can be sorted without leaving a core's caches.
    const ARCS_WANTED: u64 = 1 << 18;

    /// More would make the pieces of a run too short to write at one go.
    const MOST: u64 = 1 << 10;

    /// Buckets for about `n_arcs` arcs between `n_nodes` nodes, of about `most_arcs` each if
    /// targets are spread evenly.
    pub(crate) fn new(n_nodes: u32, n_arcs: u64, most_arcs: u64) -> Self {
        let arcs_wanted = Self::ARCS_WANTED.min(most_arcs.max(1));
        let wanted = (n_arcs / arcs_wanted).clamp(1, Self::MOST);
        Self::cut(TARGET, 0..n_nodes, wanted)
    }

    /// About `n_wanted` buckets of `ranks` along `axis`.
    pub(crate) fn cut(axis: usize, ranks: Range<u32>, n_wanted: u64) -> Self {
        let nodes_wanted = u64::from(ranks.end - ranks.start).div_ceil(n_wanted).max(1);
        let shift = nodes_wanted.next_power_of_two().ilog2();
        Self { axis, begin: ranks.start, end: ranks.end, shift }
    }

    /// Whether the buckets are of sources.
    pub(crate) fn are_of_sources(self) -> bool {
        self.axis == SOURCE
    }

    /// The number of buckets.
    pub(crate) fn len(self) -> usize {
        (u64::from(self.end - self.begin).div_ceil(1 << self.shift)) as usize
    }

    /// The bucket of the arc with these ends.
    #[inline]
    pub(crate) fn locate(self, ends: &[u32; 2]) -> usize {
        (u64::from(ends[self.axis] - self.begin) >> self.shift) as usize
    }

    /// The bucket of the target with `rank`, and its place there; of buckets of all targets.
    #[inline]
    pub(crate) fn locate_target(self, rank: u32) -> (usize, usize) {
        let bucket = u64::from(rank) >> self.shift;
        (bucket as usize, (u64::from(rank) - (bucket << self.shift)) as usize)
    }

    /// The ranks of a bucket's nodes.
    pub(crate) fn ranks(self, bucket: usize) -> Range<u32> {
        let begin = u64::from(self.begin) + ((bucket as u64) << self.shift);
        let end = (begin + (1 << self.shift)).min(self.end.into());
        // Both are at most `end`.
        begin as u32..end as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_ranks() {
        for (n_nodes, n_arcs) in
            [(0, 0), (1, 0), (5, 1 << 40), (1000, 10 << 18), (u32::MAX, 1 << 40)]
        {
            let buckets = Buckets::new(n_nodes, n_arcs, u64::MAX);
            let mut next = 0;
            for bucket in 0..buckets.len() {
                let ranks = buckets.ranks(bucket);
                assert_eq!(ranks.start, next);
                assert_eq!(buckets.locate_target(ranks.start), (bucket, 0));
                assert_eq!(buckets.locate_target(ranks.end - 1), (bucket, ranks.len() - 1));
                assert_eq!(buckets.locate(&[0, ranks.end - 1]), bucket);
                next = ranks.end;
            }
            assert_eq!(next, n_nodes);
            assert!(buckets.len() as u64 <= Buckets::MOST);
        }
    }

    #[test]
    fn a_range_is_cut_along_either_axis() {
        for axis in [SOURCE, TARGET] {
            let buckets = Buckets::cut(axis, 100..1000, 10);
            assert_eq!((buckets.len(), buckets.ranks(0)), (8, 100..228));
            let mut ends = [7, 7];
            ends[axis] = 999;
            assert_eq!(buckets.locate(&ends), 7);
            assert_eq!(buckets.ranks(7), 996..1000);
        }
        assert_eq!(Buckets::cut(TARGET, 5..6, 256).len(), 1);
    }
}
