//! How many more in-neighbours each node waits for, lane by lane.

use kaskade_model::NodeRange;
use kaskade_model::coin::{Purpose, node_item, on_channel};
use kaskade_model::dynamics::{Requirement, counter_bits};
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, lanes_of};

use super::draws::NodeDraws;
use crate::kernel::{SummaryBitmap, Words};

/// Counters that run down, bit-sliced: bit b of the counters of all lanes of a node lies in its
/// plane b. A node has as many planes as its highest requirement has bits.
#[derive(Debug)]
pub(super) struct Counters<const W: usize> {
    requirement: Requirement,
    nodes: NodeRange,
    /// That of the channel.
    place: u8,
    in_degrees: Vec<u32>,
    /// By node, and once more at the end: the place of its first plane.
    first_plane: Vec<u64>,
    planes: Words,
    /// Nodes whose counters have been set.
    begun: SummaryBitmap,
}

impl<const W: usize> Counters<W> {
    /// The bytes a node besides its planes: its in-degree, and where its planes begin.
    pub(super) const NODE_BYTES: u64 = (size_of::<u32>() + size_of::<u64>()) as u64;

    /// Those of `nodes`, whose in-degrees over the channel at `place` are `in_degrees`.
    pub(super) fn new(
        (nodes, in_degrees): (NodeRange, &[u32]),
        place: u8,
        requirement: Requirement,
    ) -> Self {
        let mut n_planes = 0;
        let mut first_plane = Vec::with_capacity(in_degrees.len() + 1);
        for &in_degree in in_degrees {
            first_plane.push(n_planes);
            n_planes += u64::from(counter_bits(requirement.most(in_degree)));
        }
        first_plane.push(n_planes);
        Self {
            requirement,
            nodes,
            place,
            in_degrees: in_degrees.to_vec(),
            first_plane,
            planes: Words::zeroed(n_planes as usize * W),
            begun: SummaryBitmap::new(nodes.n_nodes()),
        }
    }

    /// Counts one more active in-neighbour of the node at `node_idx` in the lanes `live`; gives
    /// those that have waited for no more.
    pub(super) fn count(
        &mut self,
        draws: &impl NodeDraws<W>,
        node_idx: u32,
        live: &LaneMask<W>,
    ) -> LaneMask<W> {
        let at = node_idx as usize;
        if !self.begun.contains(at) {
            self.begun.insert(at);
            self.set(draws, node_idx);
        }
        let range = self.first_plane[at] as usize * W..self.first_plane[at + 1] as usize * W;
        let planes = &mut self.planes.exclusive()[range];
        let mut borrow = *live;
        let mut is_left = [0; W];
        for plane in planes.chunks_exact_mut(W) {
            for word in 0..W {
                let before = plane[word];
                plane[word] = before ^ borrow[word];
                borrow[word] &= !before;
                is_left[word] |= plane[word];
            }
        }
        std::array::from_fn(|word| live[word] & !is_left[word])
    }

    /// Sets the counters of the node at `node_idx` to what it waits for.
    fn set(&mut self, draws: &impl NodeDraws<W>, node_idx: u32) {
        let at = node_idx as usize;
        let range = self.first_plane[at] as usize * W..self.first_plane[at + 1] as usize * W;
        let planes = &mut self.planes.exclusive()[range];
        let in_degree = self.in_degrees[at];
        let mut put = |count: u32, lane: usize| {
            for bit in lanes_of(count.into()) {
                planes[bit * W + lane / LANES_PER_WORD] |= 1 << (lane % LANES_PER_WORD);
            }
        };
        if self.requirement.is_drawn() {
            let item = node_item(self.nodes.node(node_idx), Purpose::Requirement);
            let item = on_channel(item, self.place);
            for (word, lane) in
                (0..W).flat_map(|word| (0..LANES_PER_WORD).map(move |lane| (word, lane)))
            {
                let uniform = draws.uniform(item, (word, lane));
                put(self.requirement.of(in_degree, uniform), LANES_PER_WORD * word + lane);
            }
        } else {
            let count = self.requirement.of(in_degree, 0);
            for (bit, plane) in planes.chunks_exact_mut(W).enumerate() {
                plane.fill(if count >> bit & 1 == 1 { u64::MAX } else { 0 });
            }
        }
    }

    pub(super) fn clear(&mut self) {
        let Self { begun, planes, first_plane, .. } = self;
        let planes = planes.exclusive();
        begun.drain(
            |_| (),
            |at| planes[first_plane[at] as usize * W..first_plane[at + 1] as usize * W].fill(0),
        );
    }
}
