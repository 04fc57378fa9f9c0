//! Who passed it to whom, where simulations are run one by one.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kaskade_model::recording::{MAX_TRACED_ACTIVATIONS, TracedActivation};
use kaskade_model::{NodeId, coin};

/// Who reached the nodes that become active in a round of one simulation: of all of them the one with
/// the least [`coin::parent_place`] passed it on, in whatever order they come.
#[derive(Debug, Default)]
pub(super) struct Parents {
    /// By node: who has the least place so far. [`Parent::SETTLED`] but while its round is closed.
    least: Vec<Parent>,
    /// Who reached whom in this round: source and target.
    heard: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parent {
    place: u64,
    source: u32,
}

impl Parent {
    /// That of a node which does not become active in this round: nobody is less.
    const SETTLED: Self = Self { place: 0, source: 0 };
    /// That of a node which nobody has reached. No node has that id.
    const NOBODY: Self = Self { place: u64::MAX, source: u32::MAX };
}

impl Parents {
    /// The message of `source` reached `target` in this round.
    #[inline(always)]
    pub(super) fn hear(&mut self, source: u32, target: u32) {
        self.heard.push((source, target));
    }

    /// Ends the round, in which `activated`, of a graph with `n_nodes`, became active in the simulation
    /// of `key`: says by whom each was reached, if it was.
    pub(super) fn end_round(
        &mut self,
        activated: &[u32],
        (n_nodes, key): (u32, u64),
    ) -> Vec<(u32, Option<u32>)> {
        let Self { least, heard } = self;
        least.resize(n_nodes as usize, Parent::SETTLED);
        activated.iter().for_each(|&node| least[node as usize] = Parent::NOBODY);
        for (source, target) in heard.drain(..) {
            let least = &mut least[target as usize];
            if *least != Parent::SETTLED {
                let place = coin::parent_place(NodeId(source), NodeId(target), key);
                *least = Parent { place, source }.min(*least);
            }
        }
        let by_whom = activated.iter().map(|&node| {
            let parent = std::mem::replace(&mut least[node as usize], Parent::SETTLED);
            (node, (parent != Parent::NOBODY).then_some(parent.source))
        });
        by_whom.collect()
    }
}

/// How many activations of a batch may still be kept. Where there are more, it is of no matter which
/// are: the job fails and says so.
#[derive(Debug)]
pub(super) struct TraceRoom(AtomicUsize);

impl TraceRoom {
    /// That of a batch.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(MAX_TRACED_ACTIVATIONS + 1))
    }

    /// Adds to `trace` what there is room for of `more`.
    pub(super) fn keep(
        &self,
        trace: &mut Vec<TracedActivation>,
        more: impl ExactSizeIterator<Item = TracedActivation>,
    ) {
        let n_more = more.len();
        let left = |room: usize| Some(room.saturating_sub(n_more));
        let room = self.0.fetch_update(Relaxed, Relaxed, left).unwrap_or(0);
        trace.extend(more.take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: u64 = 0x5eed;

    fn place(source: u32, target: u32) -> u64 {
        coin::parent_place(NodeId(source), NodeId(target), KEY)
    }

    #[test]
    fn the_least_place_wins_in_any_order() {
        let mut parents = Parents::default();
        let seeds = parents.end_round(&[0, 1, 2], (6, KEY));
        assert_eq!(seeds, [(0, None), (1, None), (2, None)]);
        let expected = (0..3).min_by_key(|&source| place(source, 5));
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            order.iter().for_each(|&source| parents.hear(source, 5));
            parents.hear(2, 4);
            // Node 1 is active already.
            parents.hear(0, 1);
            let round = parents.end_round(&[5, 4], (6, KEY));
            assert_eq!(round, [(5, expected), (4, Some(2))], "{order:?}");
        }
        parents.hear(4, 1);
        assert_eq!(parents.end_round(&[], (6, KEY)), []);
        let again = parents.end_round(&[1], (6, KEY));
        assert_eq!(again, [(1, None)], "what was heard in a round is forgotten after it");
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let room = TraceRoom(AtomicUsize::new(5));
        let some =
            |n: u32| (0..n).map(|node| TracedActivation { place: 0, round: 0, node, parent: None });
        let mut trace = Vec::new();
        for (n, kept) in [(3, 3), (4, 5), (2, 5)] {
            room.keep(&mut trace, some(n));
            assert_eq!(trace.len(), kept);
        }
    }
}
