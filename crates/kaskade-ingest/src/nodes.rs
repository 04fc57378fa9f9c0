//! The nodes of a graph: which original ids occur, and the rank of each among them.
//!
//! Ranks come before dense ids: they need no arcs, only the set of ids.

mod bitmap;
mod sorted;
mod table;

use crate::arcs::Payload;
use crate::error::IngestError;
use crate::memory::Budget;
use crate::names::SortedNames;
use crate::raw::RawArcs;
use bitmap::BitmapIds;
use sorted::SortedIds;
pub(crate) use table::IdTable;

/// A set of original ids; a rank is an id's place in ascending order.
pub(crate) enum NodeSet {
    /// Nodes whose arcs come as ranks: of a synthetic graph, or of a part of another.
    Ranked(IdTable),
    /// Ids that a bitmap holds in no more memory than the arcs take.
    Bitmap(BitmapIds),
    /// Ids further apart.
    Sorted(SortedIds),
    /// Ids that are strings; arcs have the numbers that they were given provisionally.
    Named(SortedNames),
}

/// The bits of a bitmap per arc, at most: eight bytes with its ranks.
const BITMAP_BITS_PER_ARC: u64 = 32;

/// A bitmap of so many bits is taken however few the arcs are.
const SMALL_BITMAP_BITS: u64 = 1 << 22;

impl NodeSet {
    /// The ids that occur in `raw`. O(arcs) when the largest is within a small multiple
    /// of the arcs, else O(arcs · log arcs).
    ///
    /// # Errors
    /// [`IngestError::TooManyNodes`]; [`IngestError::MemoryExceeded`] when the ids alone are
    /// more than `budget` has for them; [`IngestError::Spill`].
    pub(crate) fn occurring<V: Payload>(
        raw: &RawArcs<V>,
        budget: Budget,
    ) -> Result<Self, IngestError> {
        let n_lone = raw.lone().iter().map(|lone| lone.n_ids()).fold(0, u64::saturating_add);
        let bitmap_bits = SMALL_BITMAP_BITS
            .max(raw.n_arcs().saturating_add(n_lone).saturating_mul(BITMAP_BITS_PER_ARC))
            .min(bitmap::bits_in(budget.id_bytes() / 2).max(SMALL_BITMAP_BITS));
        match bitmap::largest_id(raw)? {
            Some(largest) if largest >= bitmap_bits => {
                SortedIds::occurring(raw, budget).map(Self::Sorted)
            }
            largest => BitmapIds::occurring(raw, largest).map(Self::Bitmap),
        }
    }

    /// The number of nodes.
    pub(crate) fn n_nodes(&self) -> u32 {
        match self {
            // A graph has at most 2³² − 1 nodes.
            Self::Ranked(table) => table.n_nodes() as u32,
            Self::Bitmap(ids) => ids.n_nodes(),
            Self::Sorted(ids) => ids.n_nodes(),
            // An interner gives numbers below 2³² − 1.
            Self::Named(names) => names.ends.len() as u32,
        }
    }

    /// The memory that the set takes beyond what every node is reckoned with.
    pub(crate) fn extra_bytes(&self) -> u64 {
        match self {
            Self::Ranked(_) | Self::Sorted(_) => 0,
            Self::Bitmap(ids) => ids.bytes(),
            // They are arranged in dense order, so that they are there twice for a while.
            Self::Named(names) => {
                let per_node = (size_of::<u32>() + 2 * size_of::<u64>()) as u64;
                2 * names.bytes.len() as u64 + per_node * names.ends.len() as u64
            }
        }
    }

    /// The ids in ascending order.
    pub(crate) fn into_table(self) -> IdTable {
        match self {
            Self::Ranked(table) => table,
            Self::Bitmap(ids) => ids.to_table(),
            Self::Sorted(ids) => IdTable::Wide(ids.into_ids()),
            Self::Named(SortedNames { ends, bytes, .. }) => IdTable::Names { ends, bytes },
        }
    }
}

fn count_nodes(n_nodes: u64) -> Result<u32, IngestError> {
    u32::try_from(n_nodes).map_err(|_| IngestError::TooManyNodes { n_nodes })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kaskade_model::spec::OriginalId;
    use proptest::prelude::*;

    use super::*;
    use crate::arcs::ArcChunk;
    use crate::runs::Reading;

    fn raw(arcs: &[(u64, u64)]) -> RawArcs<()> {
        let chunk = |arcs: &[(u64, u64)]| {
            let mut chunk = ArcChunk::with_capacity(0);
            arcs.iter().for_each(|&(from, to)| chunk.push(from, to, ()));
            chunk
        };
        RawArcs::of(arcs.chunks(7).map(chunk).collect())
    }

    fn occurring(arcs: &[(u64, u64)]) -> NodeSet {
        NodeSet::occurring(&raw(arcs), Budget::new(None)).unwrap()
    }

    fn sorted(arcs: &[(u64, u64)], budget: Budget) -> Result<NodeSet, IngestError> {
        SortedIds::occurring(&raw(arcs), budget).map(NodeSet::Sorted)
    }

    fn check(nodes: NodeSet, arcs: &[(u64, u64)]) {
        let plain: BTreeSet<u64> = arcs.iter().flat_map(|&(from, to)| [from, to]).collect();
        assert_eq!(nodes.n_nodes() as usize, plain.len());
        let loops: Vec<u64> = plain.iter().copied().collect();
        for (rank, &id) in (0..).zip(&loops) {
            // An arc to the next id, so that it is no self-loop.
            let next = loops[(rank as usize + 1) % loops.len()];
            let mut chunk = ArcChunk::with_capacity(1);
            chunk.push(id, next, ());
            let (ranked, n_self_loops) = Reading::Forward.relabel(&chunk, &nodes);
            let expected: Vec<[u32; 2]> =
                if id == next { vec![] } else { vec![[rank, (rank + 1) % loops.len() as u32]] };
            assert_eq!((ranked.ends, n_self_loops), (expected, u64::from(id == next)), "id {id}");
        }
        let n_nodes = nodes.n_nodes();
        let table = nodes.into_table();
        let number = |rank| table.original(rank);
        assert!((0..n_nodes).map(number).eq(plain.into_iter().map(OriginalId::Number)));
    }

    proptest! {
        #[test]
        fn ranks_are_places_in_the_sorted_set(
            arcs in prop::collection::vec((0u64..3000, 0u64..3000), 0..60),
            shift in 0u32..52,
            offset in 0u64..1 << 62,
        ) {
            let here = raw(&arcs);
            let bitmap = BitmapIds::occurring(&here, bitmap::largest_id(&here).unwrap());
            check(NodeSet::Bitmap(bitmap.unwrap()), &arcs);
            let far = |id: u64| (id << shift) + offset;
            let arcs: Vec<_> = arcs.iter().map(|&(from, to)| (far(from), far(to))).collect();
            check(sorted(&arcs, Budget::new(None)).unwrap(), &arcs);
            check(sorted(&arcs, Budget::tiny(8000)).unwrap(), &arcs);
            check(occurring(&arcs), &arcs);
        }
    }

    #[test]
    fn far_ids_take_no_bitmap() {
        let arcs = [(0, u64::MAX), (5, 5), (u64::MAX - 1, 1 << 40)];
        let nodes = occurring(&arcs);
        assert!(matches!(nodes, NodeSet::Sorted(_)));
        check(nodes, &arcs);
        assert!(matches!(occurring(&[(0, SMALL_BITMAP_BITS - 1)]), NodeSet::Bitmap(_)));
    }

    #[test]
    fn no_arcs_have_no_nodes() {
        check(occurring(&[]), &[]);
        check(sorted(&[], Budget::new(None)).unwrap(), &[]);
    }

    #[test]
    fn more_ids_than_the_budget_has_room_for_are_refused() {
        let arcs: Vec<(u64, u64)> = (0..1000).map(|i| (i << 40, i << 41)).collect();
        let refused = sorted(&arcs, Budget::tiny(20_000));
        assert!(matches!(refused, Err(IngestError::MemoryExceeded { .. })));
    }
}
