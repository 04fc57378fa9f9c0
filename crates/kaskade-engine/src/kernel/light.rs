//! A frontier in which few lanes of a node are active: node by node and lane by lane.
//!
//! Where simulations have little in common, which is most of the time in small cascades and late
//! in large ones, a mask of all lanes a node is mostly zeros, and what is done with it mostly in
//! vain. Here the frontier is a list of (node, lane) pairs. A pair draws its own coins, several
//! arcs at an instruction; an activation touches one word of a node's lanes and is
//! appended to the next list.

use kaskade_model::coin::{Draw, LaneKeys, OctetKeys, Vectorised, Vectors};
use kaskade_model::diffusion::{Arc, LiveArcs, Place};
use kaskade_model::lanes::{LANES_PER_WORD, lanes_of};
use kaskade_model::{NodeId, Shard};

use super::edge_map::Effort;
use super::keys::BatchKeys;
use super::offers::{ByLane, ByOctet};
use super::presence::Presence;
use super::state::{Exclusive, NodeLanes};

/// A node and a lane in which it became active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    /// The node's global id.
    pub node: u32,
    /// The lane, 0 to 64·W - 1.
    pub lane: u32,
}

/// Things that wait for memory together.
const N_WAITING: usize = 64;

/// So many pairs before a source is looked at, memory is asked for what is known of it.
const N_AHEAD: usize = 16;

/// How a lane draws the coin of an arc.
pub(super) trait LaneCoin: Copy {
    /// Whether `draw` may be live in `lane` of a word: never no where it is.
    fn may_be_live(self, keys: (&LaneKeys, &OctetKeys), draw: Draw, lane: usize) -> bool;

    /// Whether it is, where it may be.
    fn is_live(self, keys: (&LaneKeys, &OctetKeys), draw: Draw, lane: usize) -> bool;
}

impl LaneCoin for ByLane {
    #[inline(always)]
    fn may_be_live(self, (keys, _): (&LaneKeys, &OctetKeys), draw: Draw, lane: usize) -> bool {
        draw.is_live(keys.key(lane))
    }

    #[inline(always)]
    fn is_live(self, _keys: (&LaneKeys, &OctetKeys), _draw: Draw, _lane: usize) -> bool {
        true
    }
}

impl LaneCoin for ByOctet {
    #[inline(always)]
    fn may_be_live(self, (_, keys): (&LaneKeys, &OctetKeys), draw: Draw, lane: usize) -> bool {
        keys.may_be_live(draw, lane)
    }

    #[inline(always)]
    fn is_live(self, (_, keys): (&LaneKeys, &OctetKeys), draw: Draw, lane: usize) -> bool {
        draw.holds(keys.uniform(draw.item, lane))
    }
}

/// Activations that wait for the word of their target to come from memory.
struct Waiting<'a> {
    reached: [(u32, u32); N_WAITING],
    n: usize,
    n_distinct: &'a mut usize,
    next: &'a mut Vec<Activation>,
}

impl<'a> Waiting<'a> {
    fn new(n_distinct: &'a mut usize, next: &'a mut Vec<Activation>) -> Self {
        Self { reached: [(0, 0); N_WAITING], n: 0, n_distinct, next }
    }

    #[inline(always)]
    fn add<const W: usize>(
        &mut self,
        lanes: &mut Exclusive<'_, W>,
        begin: u32,
        target_idx: u32,
        lane: u32,
    ) {
        lanes.prefetch_word(target_idx, lane);
        self.reached[self.n] = (target_idx, lane);
        self.n += 1;
        if self.n == N_WAITING {
            self.activate(lanes, begin);
        }
    }

    /// Activates all, whose ids in the shard count from `begin`.
    #[inline(always)]
    fn activate<const W: usize>(&mut self, lanes: &mut Exclusive<'_, W>, begin: u32) {
        for &(target_idx, lane) in &self.reached[..self.n] {
            if let Some(is_first) = lanes.activate_lane(target_idx, lane) {
                *self.n_distinct += usize::from(is_first);
                self.next.push(Activation { node: begin + target_idx, lane });
            }
        }
        self.n = 0;
    }
}

/// Pairs that are offered to one shard.
pub(super) struct LightPairs<'a, S, const W: usize> {
    pub(super) shard: &'a S,
    /// The shard's bit in the masks of `presence`.
    pub(super) shard_idx: usize,
    pub(super) presence: &'a Presence,
    pub(super) lanes: Exclusive<'a, W>,
    pub(super) keys: &'a BatchKeys<W>,
    pub(super) frontier: &'a [Activation],
    /// Where the activations of the next round are appended.
    pub(super) next: &'a mut Vec<Activation>,
    /// Grows by the nodes that were not activated in this round before.
    pub(super) n_distinct: &'a mut usize,
}

/// Every arc of every pair draws.
pub(super) struct LightArcs<'a, S, C, const W: usize> {
    pub(super) pairs: LightPairs<'a, S, W>,
    pub(super) rule: &'a dyn LiveArcs,
    pub(super) coins: C,
}

impl<S: Shard, C: LaneCoin, const W: usize> Vectorised for LightArcs<'_, S, C, W> {
    type Output = Effort;

    #[inline(always)]
    fn run<V: Vectors>(self, _vectors: V) -> Effort {
        let Self { pairs, rule, coins } = self;
        let LightPairs { shard, shard_idx, presence, mut lanes, keys, frontier, .. } = pairs;
        let own = shard.nodes();
        let mut waiting = Waiting::new(pairs.n_distinct, pairs.next);
        let (mut effort, mut scratch) = (Effort::default(), Vec::new());
        let none = Arc { source: NodeId(0), target: NodeId(0), target_idx: 0, place: Place::In(0) };
        let (mut arcs, mut n_arcs) = ([none; N_WAITING], 0);
        let mut lane_of = [0u32; N_WAITING];
        let mut draws = [Draw { item: 0, from: 0, width: 0 }; N_WAITING];
        for (at, &Activation { node, lane }) in frontier.iter().enumerate() {
            let source = NodeId(node);
            if let Some(ahead) = frontier.get(at + N_AHEAD) {
                presence.prefetch(NodeId(ahead.node));
            }
            let is_last = at + 1 == frontier.len();
            let is_present = presence.of(source) >> shard_idx & 1 == 1;
            let out = if is_present { Some(shard.out_arcs(source, &mut scratch)) } else { None };
            let (first_arc, mut targets) =
                out.map_or((0, &[][..]), |out| (out.first_arc, out.targets));
            let n_out = targets.len();
            effort.arcs_scanned += n_out as u64;
            loop {
                // Fills the buffer; decides when it is full, or the last arc is in it.
                let n_taken = targets.len().min(N_WAITING - n_arcs);
                let position = first_arc + (n_out - targets.len());
                for (at, &target_idx) in targets[..n_taken].iter().enumerate() {
                    let (target, place) = (own.node(target_idx), Place::Out(position + at));
                    arcs[n_arcs] = Arc { source, target, target_idx, place };
                    lane_of[n_arcs] = lane;
                    n_arcs += usize::from(!lanes.is_saturated(target_idx));
                }
                targets = &targets[n_taken..];
                if n_arcs < N_WAITING && !(is_last && targets.is_empty()) {
                    if targets.is_empty() {
                        break;
                    }
                    continue;
                }
                rule.draw_all(&arcs[..n_arcs], &mut draws[..n_arcs]);
                effort.coins += n_arcs as u64;
                let mut may_be_live = 0u64;
                for at in 0..n_arcs {
                    let (word, lane) = place_of(lane_of[at]);
                    let keys = (&keys.lanes[word], &keys.octets[word]);
                    may_be_live |= u64::from(coins.may_be_live(keys, draws[at], lane)) << at;
                }
                for at in lanes_of(may_be_live) {
                    let (word, lane) = place_of(lane_of[at]);
                    let keys = (&keys.lanes[word], &keys.octets[word]);
                    if coins.is_live(keys, draws[at], lane) {
                        waiting.add(&mut lanes, own.begin, arcs[at].target_idx, lane_of[at]);
                    }
                }
                n_arcs = 0;
                if targets.is_empty() {
                    break;
                }
            }
        }
        waiting.activate(&mut lanes, own.begin);
        effort
    }
}

/// The word of a lane of the batch, and the lane in it.
#[inline(always)]
fn place_of(lane: u32) -> (usize, usize) {
    (lane as usize / LANES_PER_WORD, lane as usize % LANES_PER_WORD)
}
