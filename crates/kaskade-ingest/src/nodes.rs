//! The nodes of a graph: which original ids occur, and the rank of each among them.
//!
//! Ranks come before dense ids: they need no arcs, only the set of ids.

mod bitmap;
mod sorted;

use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use bitmap::BitmapIds;
use sorted::SortedIds;

/// A set of original ids; a rank is an id's place in ascending order.
pub(crate) enum NodeSet {
    /// All of `0..n`: a synthetic graph, whose ids are ranks.
    AllBelow(u32),
    /// Ids that a bitmap holds in no more memory than the arcs take.
    Bitmap(BitmapIds),
    /// Ids further apart.
    Sorted(SortedIds),
}

/// The bits of a bitmap per arc, at most: eight bytes with its ranks.
const BITMAP_BITS_PER_ARC: u64 = 32;

/// A bitmap of so many bits is taken however few the arcs are.
const SMALL_BITMAP_BITS: u64 = 1 << 22;

impl NodeSet {
    /// The ids that occur in `chunks`. O(arcs) when the largest is within a small multiple
    /// of the arcs, else O(arcs · log arcs).
    ///
    /// # Errors
    /// [`IngestError::TooManyNodes`].
    pub(crate) fn occurring<V: Payload>(chunks: &[ArcChunk<V>]) -> Result<Self, IngestError> {
        let n_arcs: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let bitmap_bits = SMALL_BITMAP_BITS.max(n_arcs.saturating_mul(BITMAP_BITS_PER_ARC));
        match bitmap::largest_id(chunks) {
            Some(largest) if largest >= bitmap_bits => {
                SortedIds::occurring(chunks).map(Self::Sorted)
            }
            largest => BitmapIds::occurring(chunks, largest).map(Self::Bitmap),
        }
    }

    /// The number of nodes.
    pub(crate) fn n_nodes(&self) -> u32 {
        match self {
            Self::AllBelow(n_nodes) => *n_nodes,
            Self::Bitmap(ids) => ids.n_nodes(),
            Self::Sorted(ids) => ids.n_nodes(),
        }
    }

    /// The rank of `id`, which is in the set.
    #[inline]
    pub(crate) fn rank(&self, id: u64) -> u32 {
        match self {
            // Ids of such a set are below 2³².
            Self::AllBelow(_) => id as u32,
            Self::Bitmap(ids) => ids.rank(id),
            Self::Sorted(ids) => ids.rank(id),
        }
    }

    /// The ids in ascending order.
    pub(crate) fn into_originals(self) -> Vec<u64> {
        match self {
            Self::AllBelow(n_nodes) => (0..n_nodes.into()).collect(),
            Self::Bitmap(ids) => ids.to_originals(),
            Self::Sorted(ids) => ids.into_originals(),
        }
    }
}

fn count_nodes(n_nodes: u64) -> Result<u32, IngestError> {
    u32::try_from(n_nodes).map_err(|_| IngestError::TooManyNodes { n_nodes })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn chunks(arcs: &[(u64, u64)]) -> Vec<ArcChunk<()>> {
        let chunk = |arcs: &[(u64, u64)]| {
            let mut chunk = ArcChunk::with_capacity(0);
            arcs.iter().for_each(|&(from, to)| chunk.push(from, to, ()));
            chunk
        };
        arcs.chunks(7).map(chunk).collect()
    }

    fn check(nodes: NodeSet, arcs: &[(u64, u64)]) {
        let plain: BTreeSet<u64> = arcs.iter().flat_map(|&(from, to)| [from, to]).collect();
        assert_eq!(nodes.n_nodes() as usize, plain.len());
        for (rank, &id) in plain.iter().enumerate() {
            assert_eq!(nodes.rank(id) as usize, rank, "id {id}");
        }
        assert!(nodes.into_originals().into_iter().eq(plain));
    }

    proptest! {
        #[test]
        fn ranks_are_places_in_the_sorted_set(
            arcs in prop::collection::vec((0u64..3000, 0u64..3000), 0..60),
            shift in 0u32..52,
            offset in 0u64..1 << 62,
        ) {
            let chunks_here = chunks(&arcs);
            let bitmap = BitmapIds::occurring(&chunks_here, bitmap::largest_id(&chunks_here));
            check(NodeSet::Bitmap(bitmap.unwrap()), &arcs);
            let far = |id: u64| (id << shift) + offset;
            let arcs: Vec<_> = arcs.iter().map(|&(from, to)| (far(from), far(to))).collect();
            check(NodeSet::Sorted(SortedIds::occurring(&chunks(&arcs)).unwrap()), &arcs);
            check(NodeSet::occurring(&chunks(&arcs)).unwrap(), &arcs);
        }
    }

    #[test]
    fn far_ids_take_no_bitmap() {
        let arcs = [(0, u64::MAX), (5, 5), (u64::MAX - 1, 1 << 40)];
        let nodes = NodeSet::occurring(&chunks(&arcs)).unwrap();
        assert!(matches!(nodes, NodeSet::Sorted(_)));
        check(nodes, &arcs);
        let near = NodeSet::occurring(&chunks(&[(0, SMALL_BITMAP_BITS - 1)])).unwrap();
        assert!(matches!(near, NodeSet::Bitmap(_)));
    }

    #[test]
    fn no_arcs_have_no_nodes() {
        check(NodeSet::occurring(&chunks(&[])).unwrap(), &[]);
        check(NodeSet::Sorted(SortedIds::occurring(&chunks(&[])).unwrap()), &[]);
    }
}
