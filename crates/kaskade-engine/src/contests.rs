//! Who wins a node in a lane, of those who reached it in one round.

use kaskade_model::lanes::{LaneMask, count_lanes, is_empty, lanes_of};

/// The contests of a round: nodes with the lanes for which it matters by whom they were reached.
/// The least candidate wins, so that it is the same whatever order they are found in.
///
/// Nobody is remembered while messages arrive: when all have, the arcs of the round are gone over
/// once more, and those into contested nodes compete. That happens for so many nodes at a time that
/// their candidates stay within [`Contests::bytes`].
#[derive(Debug)]
pub(crate) struct Contests<const W: usize, C> {
    /// A bit a node: whether it is in a contest. Arcs ask for nothing else of most.
    is_in: Vec<u64>,
    /// By node: the place of its contest, where it is in one.
    contest_of: Vec<u32>,
    /// Contested nodes whose contest has not begun; `None` where they have not been found yet.
    waiting: Option<Vec<u32>>,
    contests: Vec<Contest<W>>,
    /// The best so far of each contested lane, contest by contest.
    best: Vec<C>,
}

#[derive(Debug)]
struct Contest<const W: usize> {
    node_idx: u32,
    lanes: LaneMask<W>,
    /// The place of its first lane in `best`.
    first: usize,
}

/// Who reached a node in a lane. The least wins.
pub(crate) trait Candidate: Copy + Ord {
    /// Whom all others beat.
    const NOBODY: Self;
}

/// Contested lanes a node of the shard that are decided at a time.
const LANES_PER_NODE: usize = 16;

impl<C: Candidate, const W: usize> Contests<W, C> {
    /// No contests, of `n_nodes` nodes.
    pub(crate) fn new(n_nodes: usize) -> Self {
        Self {
            is_in: vec![0; n_nodes.div_ceil(64)],
            contest_of: vec![0; n_nodes],
            waiting: None,
            contests: Vec::new(),
            best: Vec::new(),
        }
    }

    /// The most bytes that it takes for `n_nodes` nodes of `lane_words` words.
    pub(crate) fn bytes(n_nodes: u64, lane_words: u64) -> u64 {
        let of_contest = size_of::<Contest<1>>() as u64 + 8 * (lane_words - 1);
        let of_lanes = (LANES_PER_NODE * size_of::<C>()) as u64;
        // By node and who waits: an index each. Lists grow by doubling; the last node may bring all of
        // its lanes.
        let of_lists = size_of::<u32>() as u64 + of_contest + of_lanes;
        let of_node = size_of::<u32>() as u64 + 2 * of_lists;
        let of_last = 2 * 64 * lane_words * size_of::<C>() as u64;
        n_nodes.saturating_mul(of_node) + 8 * n_nodes.div_ceil(64) + of_last
    }

    /// Whether the nodes that are contested in this round have been found.
    pub(crate) fn is_open(&self) -> bool {
        self.waiting.is_some()
    }

    /// Hears which nodes are contested in this round.
    pub(crate) fn open(&mut self, contested: Vec<u32>) {
        self.waiting = Some(contested);
    }

    /// Begins the next contests, of nodes that are contested in `lanes_of_node`; none where there
    /// are no more in this round.
    pub(crate) fn begin(&mut self, lanes_of_node: impl Fn(u32) -> LaneMask<W>) -> bool {
        let mut waiting = self.waiting.take().unwrap_or_default();
        let most = LANES_PER_NODE * self.contest_of.len();
        while self.best.len() < most
            && let Some(node_idx) = waiting.pop()
        {
            let (lanes, first) = (lanes_of_node(node_idx), self.best.len());
            self.is_in[node_idx as usize / 64] |= 1 << (node_idx % 64);
            self.contest_of[node_idx as usize] = self.contests.len() as u32;
            self.best.resize(first + count_lanes(&lanes) as usize, C::NOBODY);
            self.contests.push(Contest { node_idx, lanes, first });
        }
        let has_begun = !self.contests.is_empty();
        self.waiting = has_begun.then_some(waiting);
        has_begun
    }

    /// Whether the node at `node_idx` is in a contest.
    #[inline(always)]
    pub(crate) fn contains(&self, node_idx: u32) -> bool {
        self.is_in[node_idx as usize / 64] >> (node_idx % 64) & 1 == 1
    }

    /// The lanes in which the node at `node_idx` is in a contest.
    #[inline(always)]
    pub(crate) fn lanes(&self, node_idx: u32) -> LaneMask<W> {
        match self.contains(node_idx) {
            true => self.contests[self.contest_of[node_idx as usize] as usize].lanes,
            false => [0; W],
        }
    }

    /// Somebody reached the node at `node_idx`, which is in a contest in all lanes of `live`: in each
    /// lane, by word and place in it, as `candidate` says.
    #[inline(always)]
    pub(crate) fn compete(
        &mut self,
        node_idx: u32,
        live: &LaneMask<W>,
        mut candidate: impl FnMut((usize, usize)) -> C,
    ) {
        let contest = &self.contests[self.contest_of[node_idx as usize] as usize];
        let mut first = contest.first;
        for (word, (&live, &contested)) in live.iter().zip(&contest.lanes).enumerate() {
            for lane in lanes_of(live) {
                let place = first + (contested & ((1 << lane) - 1)).count_ones() as usize;
                self.best[place] = self.best[place].min(candidate((word, lane)));
            }
            first += contested.count_ones() as usize;
        }
    }

    /// Ends the contests that were begun: tells `keep` each node with its lanes, and who won each of
    /// them, ascending.
    pub(crate) fn end(
        &mut self,
        mut keep: impl FnMut(u32, &LaneMask<W>, &mut dyn Iterator<Item = C>),
    ) {
        for Contest { node_idx, lanes, first } in self.contests.drain(..) {
            debug_assert!(!is_empty(&lanes), "a contest is about something");
            self.is_in[node_idx as usize / 64] &= !(1 << (node_idx % 64));
            keep(node_idx, &lanes, &mut self.best[first..].iter().copied());
        }
        self.best.clear();
    }

    /// Forgets what a batch left that was aborted within a round.
    pub(crate) fn clear(&mut self) {
        self.end(|_, _, _| ());
        self.waiting = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the bits of a number: a byte and whose it is.
    impl Candidate for u32 {
        const NOBODY: Self = u32::MAX;
    }

    /// Two nodes bring more lanes than are decided at a time; each is decided all the same, and
    /// nothing is left for the next round.
    #[test]
    fn contests_come_in_portions_and_go() {
        let mut contests = Contests::<8, u32>::new(2);
        assert!(!contests.is_open());
        for _ in 0..2 {
            contests.open(vec![0, 1]);
            let mut decided = Vec::new();
            while contests.begin(|_| [u64::MAX; 8]) {
                let n_bytes = contests.best.capacity() * size_of::<u32>();
                assert!((n_bytes as u64) < Contests::<8, u32>::bytes(2, 8));
                let node_idx = u32::from(!contests.contains(0));
                assert!(contests.contains(node_idx) && !contests.contains(1 - node_idx));
                assert_eq!(contests.lanes(1 - node_idx), [0; 8]);
                for height in [6, 4, 9] {
                    let of_lane = |(word, lane): (usize, usize)| height + (word + lane) as u32;
                    contests.compete(node_idx, &[u64::MAX; 8], of_lane);
                }
                contests.end(|node_idx, lanes, winners| {
                    let expected =
                        (0..8u32).flat_map(|word| (0..64).map(move |lane| 4 + word + lane));
                    assert_eq!(*lanes, [u64::MAX; 8]);
                    assert!(winners.take(512).eq(expected));
                    decided.push(node_idx);
                });
            }
            decided.sort_unstable();
            assert_eq!(decided, [0, 1]);
            assert!(!contests.is_open());
        }
        // Lanes are counted among those that are contested, over all words.
        contests.open(vec![1]);
        assert!(contests.begin(|_| [0b1010; 8]));
        contests.compete(1, &[0, 0b1000, 0, 0, 0, 0, 0, 0b10], |(word, lane)| {
            (10 * word + lane) as u32
        });
        contests.end(|_, _, winners| {
            let won: Vec<u32> = winners.collect();
            let mut expected = [u32::MAX; 16];
            (expected[3], expected[14]) = (13, 71);
            assert_eq!(won, expected);
        });
        contests.open(vec![0]);
        assert!(contests.begin(|_| [1; 8]));
        contests.clear();
        assert!(!contests.is_open() && !contests.contains(0));
    }
}
