//! Who decides a node's side, and the channel that it was reached over, where several reach it in
//! one round.

use kaskade_model::dynamics::Tie;
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, lanes_of};

use super::draws::NodeDraws;

/// The sources that reached each node in this round.
#[derive(Debug)]
pub(super) struct Rivalry<const W: usize> {
    tie: Tie,
    /// By node: the last of its entries, or [`NONE`]; of none where sources do not matter.
    last: Vec<u32>,
    entries: Vec<Entry<W>>,
}

#[derive(Debug)]
struct Entry<const W: usize> {
    before: u32,
    way: u8,
    tie_item: u64,
    lanes: LaneMask<W>,
}

const NONE: u32 = u32::MAX;

impl<const W: usize> Rivalry<W> {
    /// The bytes a node, where sources matter.
    pub(super) const NODE_BYTES: u64 = size_of::<u32>() as u64;
    /// The bytes of a source that reached a node.
    pub(super) const ENTRY_BYTES: u64 = size_of::<Entry<W>>() as u64;

    pub(super) fn new(n_nodes: usize, tie: Tie) -> Self {
        let n_last = if tie == Tie::Random { n_nodes } else { 0 };
        Self { tie, last: vec![NONE; n_last], entries: Vec::new() }
    }

    /// Notes that something came `way`, which draws by `tie_item`, to the node at `node_idx`.
    #[inline]
    pub(super) fn note(&mut self, node_idx: u32, way: u8, tie_item: u64, lanes: &LaneMask<W>) {
        if self.tie == Tie::First {
            return;
        }
        let last = &mut self.last[node_idx as usize];
        let entry = Entry { before: *last, way, tie_item, lanes: *lanes };
        *last = u32::try_from(self.entries.len()).expect("fewer live arcs in a round than 2^32");
        self.entries.push(entry);
    }

    /// Leaves each lane to one of the ways in which something `arrived` at the node at `node_idx`.
    pub(super) fn decide(
        &mut self,
        draws: &impl NodeDraws<W>,
        node_idx: u32,
        arrived: &mut [LaneMask<W>],
    ) {
        match self.tie {
            Tie::First => {
                let mut taken = [0; W];
                for way in arrived {
                    for word in 0..W {
                        way[word] &= !taken[word];
                        taken[word] |= way[word];
                    }
                }
            }
            Tie::Random => {
                let last = std::mem::replace(&mut self.last[node_idx as usize], NONE);
                for word in 0..W {
                    let (mut taken, mut contested) = (0, 0);
                    for way in arrived.iter() {
                        contested |= taken & way[word];
                        taken |= way[word];
                    }
                    arrived.iter_mut().for_each(|way| way[word] &= !contested);
                    for lane in lanes_of(contested) {
                        if let Some(winner) = self.lowest(draws, last, word, lane) {
                            arrived[winner][word] |= 1 << lane;
                        }
                    }
                }
            }
        }
    }

    /// The way of the source with the lowest uniform in `lane` of word `word`, of the entries
    /// from `last` back.
    fn lowest(
        &self,
        draws: &impl NodeDraws<W>,
        last: u32,
        word: usize,
        lane: usize,
    ) -> Option<usize> {
        let mut lowest = None;
        let mut next = last;
        while next != NONE {
            let entry = &self.entries[next as usize];
            if entry.lanes[word] >> lane & 1 == 1 {
                let uniform = draws.uniform(entry.tie_item, LANES_PER_WORD * word + lane);
                let place = (uniform, entry.tie_item, usize::from(entry.way));
                lowest = Some(lowest.map_or(place, |lowest| place.min(lowest)));
            }
            next = entry.before;
        }
        lowest.map(|(_, _, way)| way)
    }

    /// Forgets the entries: all nodes have been decided.
    pub(super) fn end_round(&mut self) {
        self.entries.clear();
    }

    /// Forgets what a batch left that was aborted within a round.
    pub(super) fn clear(&mut self) {
        if !self.entries.is_empty() {
            self.last.fill(NONE);
            self.entries.clear();
        }
    }
}
