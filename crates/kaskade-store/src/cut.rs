//! Where the shards of a graph begin and end.

use kaskade_model::NodeRange;

/// The most shards a graph may have.
pub const MAX_SHARDS: u32 = 4096;

/// What a node weighs against an arc when shards are balanced: a worker keeps a
/// degree, an offset and two words of lanes for each, an arc is four to eight bytes.
pub const NODE_COST_ARCS: u64 = 4;

/// Nodes per word of a bitmap: no two shards share one.
const CUT_MULTIPLE: usize = 64;

/// Cuts the nodes `0..in_degrees.len()` into exactly `n_shards` contiguous ranges of
/// about equal arcs + [`NODE_COST_ARCS`] · nodes. Cuts are multiples of 64; the last
/// ranges may be empty. O(nodes + shards).
///
/// # Panics
/// When there are more than 2³² − 1 nodes or no shards.
#[must_use]
pub fn cut_shards(in_degrees: &[u32], n_shards: u32) -> Vec<NodeRange> {
    assert!(n_shards > 0, "a graph has at least one shard");
    let n_nodes = u32::try_from(in_degrees.len()).expect("dense node ids are 32 bits");
    let cost = |nodes: &[u32]| -> u64 {
        nodes.iter().map(|&degree| u64::from(degree) + NODE_COST_ARCS).sum()
    };
    let mut words = in_degrees.chunks(CUT_MULTIPLE).peekable();
    let mut left = cost(in_degrees);
    let mut ranges = Vec::with_capacity(n_shards as usize);
    let mut begin = 0;
    for shards_left in (1..=u64::from(n_shards)).rev() {
        // What is left is shared anew by each shard, so that one heavy word at the
        // beginning does not starve the shards after it.
        let share = left / shards_left;
        let (mut end, mut taken) = (begin, 0);
        while let Some(word) = words.next_if(|word| end == begin || taken + cost(word) / 2 <= share)
        {
            taken += cost(word);
            end += word.len() as u32;
        }
        left -= taken;
        ranges.push(NodeRange { begin, end });
        begin = end;
    }
    debug_assert_eq!(begin, n_nodes, "the last share is all that is left");
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_tile_the_nodes(
            in_degrees in prop::collection::vec(0u32..200, 0..1000),
            n_shards in 1u32..40,
        ) {
            let ranges = cut_shards(&in_degrees, n_shards);
            prop_assert_eq!(ranges.len(), n_shards as usize);
            let mut next = 0;
            for range in &ranges {
                prop_assert_eq!(range.begin, next);
                prop_assert!(range.begin <= range.end);
                prop_assert!(range.end % 64 == 0 || range.end as usize == in_degrees.len());
                next = range.end;
            }
            prop_assert_eq!(next as usize, in_degrees.len());
        }
    }

    #[test]
    fn ranges_are_balanced_by_cost() {
        let in_degrees: Vec<u32> = (0..100_000).map(|node| 1_000_000 / (node + 10)).collect();
        let costs: Vec<u64> = cut_shards(&in_degrees, 8)
            .into_iter()
            .map(|range| {
                let own = &in_degrees[range.begin as usize..range.end as usize];
                own.iter().map(|&degree| u64::from(degree) + NODE_COST_ARCS).sum()
            })
            .collect();
        // The first 64 nodes weigh more than a share and cannot be parted.
        let (least, most) = (costs[1..].iter().min().unwrap(), costs[1..].iter().max().unwrap());
        assert!(costs[0] > *most && most - least < least / 10, "{costs:?}");
    }

    #[test]
    fn one_shard_and_more_shards_than_words_work() {
        let range = |begin, end| NodeRange { begin, end };
        assert_eq!(cut_shards(&[0; 100], 1), [range(0, 100)]);
        let few = cut_shards(&[7; 100], 3);
        assert_eq!(few, [range(0, 64), range(64, 100), range(100, 100)]);
        assert_eq!(cut_shards(&[], 2), [range(0, 0), range(0, 0)]);
    }
}
