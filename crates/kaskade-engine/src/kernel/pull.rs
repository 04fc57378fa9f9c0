//! From the targets along their in-arcs, where much of the graph is in the frontier.
//!
//! A node that is active in all lanes is passed over with all its in-arcs, where a push looks at each
//! of them; the lanes of a target are touched in order, and by one thread. For that the frontier
//! must lie by node, and the whole of it here.

use kaskade_model::coin::{Vectorised, Vectors};
use kaskade_model::diffusion::{Arc, LiveArcs, Place};
use kaskade_model::lanes::LaneMask;
use kaskade_model::{NodeId, Shard};

use super::edge_map::Effort;
use super::keys::BatchKeys;
use super::offers::{N_OFFERS, Offers, WordCoins};
use super::prefetch::prefetch;
use super::state::{Exclusive, NodeLanes};
use super::words::Words;
use crate::slice::Slice;

/// A frontier by node: for every node of the graph whether it is in it, and its lanes.
#[derive(Debug)]
pub struct DenseFrontier<const W: usize> {
    is_in: Vec<u64>,
    /// W words a node, of any value where the node is not in the frontier.
    masks: Words,
}

/// The bytes of a dense frontier of `n_nodes`, one a batch in flight.
#[must_use]
pub fn dense_frontier_bytes(n_nodes: u64, lane_words: usize) -> u64 {
    let words = 8 * lane_words.next_power_of_two() as u64;
    n_nodes.saturating_mul(words).saturating_add(8 * n_nodes.div_ceil(64))
}

impl<const W: usize> DenseFrontier<W> {
    /// Without a node, of `n_nodes`.
    #[must_use]
    pub fn new(n_nodes: u32) -> Self {
        let n_nodes = n_nodes as usize;
        Self { is_in: vec![0; n_nodes.div_ceil(64)], masks: Words::zeroed(n_nodes * W) }
    }

    /// Takes the nodes of `slices`, no two of which have one in common, and no others.
    pub fn fill(&mut self, slices: &[&Slice<W>]) {
        self.is_in.fill(0);
        let masks = self.masks.exclusive();
        for slice in slices {
            for (&node, mask) in slice.nodes.iter().zip(&slice.masks) {
                let node = node as usize;
                masks[node * W..][..W].copy_from_slice(mask);
                self.is_in[node / 64] |= 1 << (node % 64);
            }
        }
    }

    /// To read from.
    pub(super) fn view(&mut self) -> FrontierView<'_, W> {
        FrontierView { is_in: &self.is_in, masks: self.masks.exclusive() }
    }
}

/// A dense frontier that is not changed meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrontierView<'a, const W: usize> {
    is_in: &'a [u64],
    masks: &'a [u64],
}

impl<const W: usize> FrontierView<'_, W> {
    #[inline(always)]
    fn contains(self, node: u32) -> bool {
        self.is_in[node as usize / 64] >> (node % 64) & 1 == 1
    }

    #[inline(always)]
    fn mask(&self, node: NodeId) -> &LaneMask<W> {
        self.masks[node.index() * W..].first_chunk().expect("every node has W words")
    }
}

/// Pulls over the arcs into one shard.
pub(super) struct PullArcs<'a, S, C, const W: usize> {
    pub(super) shard: &'a S,
    pub(super) lanes: Exclusive<'a, W>,
    pub(super) keys: &'a BatchKeys<W>,
    pub(super) rule: &'a dyn LiveArcs,
    pub(super) coins: C,
    pub(super) frontier: FrontierView<'a, W>,
}

impl<S: Shard, C: WordCoins<W>, const W: usize> Vectorised for PullArcs<'_, S, C, W> {
    type Output = Effort;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> Effort {
        let Self { shard, mut lanes, keys, rule, coins, frontier } = self;
        let own = shard.nodes();
        let mut offers = Offers::new(coins, rule, keys);
        // Arcs of frontier nodes whose lanes are to come from memory; as many as are decided together.
        let none = Arc { source: NodeId(0), target: NodeId(0), target_idx: 0, place: Place::In(0) };
        let (mut arcs, mut n_arcs) = ([none; N_OFFERS], 0);
        let (mut arcs_scanned, mut scratch) = (0u64, Vec::new());
        for target_idx in 0..own.n_nodes() as u32 {
            if lanes.is_saturated(target_idx) {
                continue;
            }
            let target = own.node(target_idx);
            let sources = shard.in_sources(target_idx, &mut scratch).unwrap_or(&[]);
            for (rank, &source) in (0..).zip(sources) {
                arcs_scanned += 1;
                let place = Place::In(rank);
                arcs[n_arcs] = Arc { source: NodeId(source), target, target_idx, place };
                let is_in = frontier.contains(source);
                // Without a branch, for nobody can foresee which; a node that is not meant costs
                // nothing where the line is near.
                prefetch(&frontier.masks[source as usize * W * usize::from(is_in)]);
                n_arcs += usize::from(is_in);
                if n_arcs == N_OFFERS {
                    for arc in &arcs {
                        offers.add(vectors, &mut lanes, *arc, frontier.mask(arc.source));
                    }
                    n_arcs = 0;
                    if lanes.is_saturated(target_idx) {
                        break;
                    }
                }
            }
        }
        for arc in &arcs[..n_arcs] {
            offers.add(vectors, &mut lanes, *arc, frontier.mask(arc.source));
        }
        offers.decide(vectors, &mut lanes);
        offers.effort(arcs_scanned)
    }
}
