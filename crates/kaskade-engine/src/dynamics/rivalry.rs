//! Who decides a node's side, and the channel that it was reached over, where several reach it in
//! one round.

use kaskade_model::lanes::{LaneMask, count_lanes, is_empty, lanes_of};

use super::draws::NodeDraws;

/// The contests of a round: nodes that were reached in several ways in one lane. The source with
/// the lowest uniform of its tie item wins: a uniform choice among those who succeeded, whatever
/// order they are found in.
///
/// Few nodes are contested, so nobody is remembered while messages arrive. When all have, the arcs
/// of the round are gone over once more, and those into contested nodes compete. That happens for
/// so many nodes at a time that their candidates stay within [`Rivalry::bytes`].
#[derive(Debug)]
pub(super) struct Rivalry<const W: usize> {
    /// A bit a node: whether it is in a contest. Arcs ask for nothing else of most.
    is_in: Vec<u64>,
    /// By node: the place of its contest, where it is in one.
    contest_of: Vec<u32>,
    /// Contested nodes whose contest has not begun; `None` where they have not been found yet.
    waiting: Option<Vec<u32>>,
    contests: Vec<Contest<W>>,
    /// The best so far of each contested lane, contest by contest.
    best: Vec<Candidate>,
}

#[derive(Debug)]
struct Contest<const W: usize> {
    node_idx: u32,
    lanes: LaneMask<W>,
    /// The place of its first lane in `best`.
    first: usize,
}

/// Who reached a node in a lane. The least wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    uniform: u32,
    tie_item: u64,
    way: u8,
}

const NOBODY: Candidate = Candidate { uniform: u32::MAX, tie_item: u64::MAX, way: u8::MAX };

/// Contested lanes a node of the shard that are decided at a time.
const LANES_PER_NODE: usize = 16;

impl<const W: usize> Rivalry<W> {
    pub(super) fn new(n_nodes: usize) -> Self {
        Self {
            is_in: vec![0; n_nodes.div_ceil(64)],
            contest_of: vec![0; n_nodes],
            waiting: None,
            contests: Vec::new(),
            best: Vec::new(),
        }
    }

    /// The most bytes that it takes for `n_nodes` nodes of `lane_words` words.
    pub(super) fn bytes(n_nodes: u64, lane_words: u64) -> u64 {
        let of_contest = size_of::<Contest<1>>() as u64 + 8 * (lane_words - 1);
        let of_lanes = (LANES_PER_NODE * size_of::<Candidate>()) as u64;
        // By node and who waits: an index each. Lists grow by doubling; the last node may bring all of
        // its lanes.
        let of_lists = size_of::<u32>() as u64 + of_contest + of_lanes;
        let of_node = size_of::<u32>() as u64 + 2 * of_lists;
        let of_last = 2 * 64 * lane_words * size_of::<Candidate>() as u64;
        n_nodes.saturating_mul(of_node) + 8 * n_nodes.div_ceil(64) + of_last
    }

    /// Whether the nodes that are contested in this round have been found.
    pub(super) fn is_open(&self) -> bool {
        self.waiting.is_some()
    }

    /// Hears which nodes are contested in this round.
    pub(super) fn open(&mut self, contested: Vec<u32>) {
        self.waiting = Some(contested);
    }

    /// Begins the next contests, of nodes that are contested in `lanes_of_node`; none where there
    /// are no more in this round.
    pub(super) fn begin(&mut self, lanes_of_node: impl Fn(u32) -> LaneMask<W>) -> bool {
        let mut waiting = self.waiting.take().unwrap_or_default();
        let most = LANES_PER_NODE * self.contest_of.len();
        while self.best.len() < most
            && let Some(node_idx) = waiting.pop()
        {
            let (lanes, first) = (lanes_of_node(node_idx), self.best.len());
            self.is_in[node_idx as usize / 64] |= 1 << (node_idx % 64);
            self.contest_of[node_idx as usize] = self.contests.len() as u32;
            self.best.resize(first + count_lanes(&lanes) as usize, NOBODY);
            self.contests.push(Contest { node_idx, lanes, first });
        }
        let has_begun = !self.contests.is_empty();
        self.waiting = has_begun.then_some(waiting);
        has_begun
    }

    /// Whether the node at `node_idx` is in a contest.
    #[inline(always)]
    pub(super) fn contains(&self, node_idx: u32) -> bool {
        self.is_in[node_idx as usize / 64] >> (node_idx % 64) & 1 == 1
    }

    /// The lanes in which the node at `node_idx` is in a contest.
    #[inline(always)]
    pub(super) fn lanes(&self, node_idx: u32) -> LaneMask<W> {
        match self.contains(node_idx) {
            true => self.contests[self.contest_of[node_idx as usize] as usize].lanes,
            false => [0; W],
        }
    }

    /// Somebody who draws by `tie_item` reached the node at `node_idx`, which is in a contest in all
    /// lanes of `live`.
    #[inline]
    pub(super) fn compete(
        &mut self,
        draws: &impl NodeDraws<W>,
        node_idx: u32,
        (way, tie_item): (u8, u64),
        live: &LaneMask<W>,
    ) {
        let contest = &self.contests[self.contest_of[node_idx as usize] as usize];
        let mut first = contest.first;
        for (word, (&live, &contested)) in live.iter().zip(&contest.lanes).enumerate() {
            for lane in lanes_of(live) {
                let uniform = draws.uniform(tie_item, (word, lane));
                let place = first + (contested & ((1 << lane) - 1)).count_ones() as usize;
                self.best[place] = self.best[place].min(Candidate { uniform, tie_item, way });
            }
            first += contested.count_ones() as usize;
        }
    }

    /// Ends the contests that were begun: tells `keep` each node with its lanes, and for each of
    /// them, ascending, the way that won.
    pub(super) fn end(
        &mut self,
        mut keep: impl FnMut(u32, &LaneMask<W>, &mut dyn Iterator<Item = u8>),
    ) {
        for Contest { node_idx, lanes, first } in self.contests.drain(..) {
            debug_assert!(!is_empty(&lanes), "a contest is about something");
            self.is_in[node_idx as usize / 64] &= !(1 << (node_idx % 64));
            let winners = &mut self.best[first..].iter().map(|best| best.way);
            keep(node_idx, &lanes, winners);
        }
        self.best.clear();
    }

    /// Forgets what a batch left that was aborted within a round.
    pub(super) fn clear(&mut self) {
        self.end(|_, _, _| ());
        self.waiting = None;
    }
}

/// The lanes that more than one of `ways` has.
pub(super) fn contested<'a, const W: usize>(ways: impl Iterator<Item = &'a [u64]>) -> LaneMask<W> {
    let (mut taken, mut contested) = ([0; W], [0; W]);
    for way in ways {
        for word in 0..W {
            contested[word] |= taken[word] & way[word];
            taken[word] |= way[word];
        }
    }
    contested
}

/// Leaves each lane to the first of `ways` that has it.
pub(super) fn leave_to_first<const W: usize>(ways: &mut [LaneMask<W>]) {
    let mut taken = [0; W];
    for way in ways {
        for word in 0..W {
            way[word] &= !taken[word];
            taken[word] |= way[word];
        }
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::Round;
    use kaskade_model::coin::Threshold;

    use super::*;

    /// Uniforms that are the item's, in every lane.
    struct Items;

    impl NodeDraws<8> for Items {
        fn round(&self) -> Round {
            Round(0)
        }

        fn live_in(&self, _word: usize, _item: u64, _threshold: Threshold, offered: u64) -> u64 {
            offered
        }

        fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<8>) -> LaneMask<8> {
            std::array::from_fn(|word| self.live_in(word, item, threshold, offered[word]))
        }

        fn uniform(&self, item: u64, (word, lane): (usize, usize)) -> u32 {
            (item as u32) ^ (word + lane) as u32 & 1
        }
    }

    /// Two nodes bring more lanes than are decided at a time; each is decided all the same, by the
    /// lowest draw, and nothing is left for the next round.
    #[test]
    fn contests_come_in_portions_and_go() {
        let mut rivalry = Rivalry::<8>::new(2);
        assert!(!rivalry.is_open());
        for _ in 0..2 {
            rivalry.open(vec![0, 1]);
            let mut decided = Vec::new();
            while rivalry.begin(|_| [u64::MAX; 8]) {
                let n_bytes = rivalry.best.capacity() * size_of::<Candidate>();
                assert!((n_bytes as u64) < Rivalry::<8>::bytes(2, 8));
                let node_idx = u32::from(!rivalry.contains(0));
                assert!(rivalry.contains(node_idx) && !rivalry.contains(1 - node_idx));
                assert_eq!(rivalry.lanes(1 - node_idx), [0; 8]);
                for (way, tie_item) in [(2, 6), (1, 4), (0, 9), (3, 4)] {
                    rivalry.compete(&Items, node_idx, (way, tie_item), &[u64::MAX; 8]);
                }
                rivalry.end(|node_idx, lanes, winners| {
                    assert_eq!((*lanes, winners.count()), ([u64::MAX; 8], 512));
                    decided.push(node_idx);
                });
            }
            decided.sort_unstable();
            assert_eq!(decided, [0, 1]);
            assert!(!rivalry.is_open());
        }
        // The way of the least item, then the least way.
        rivalry.open(vec![1]);
        assert!(rivalry.begin(|_| [1; 8]));
        for (way, tie_item) in [(2, 6), (3, 4), (1, 4)] {
            rivalry.compete(&Items, 1, (way, tie_item), &[1; 8]);
        }
        rivalry.end(|_, _, winners| assert_eq!(winners.collect::<Vec<_>>(), [1; 8]));
        rivalry.open(vec![0]);
        assert!(rivalry.begin(|_| [1; 8]));
        rivalry.clear();
        assert!(!rivalry.is_open() && !rivalry.contains(0));
    }
}
