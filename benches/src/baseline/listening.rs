//! Linear threshold where every in-arc of a node weighs the same: a node listens to one of them.
//!
//! That is the model's live-arc form (Kempe, Kleinberg and Tardos, KDD 2003, Theorem 4.6). Which
//! one it is says one uniform a node, of which each in-arc has an interval; so an arc needs its
//! interval, the node's uniform, and no state but who is active.

use bytemuck::{Pod, Zeroable};

use super::each::Aimed;
use crate::csr::Csr;
use crate::memory::HugeVec;

/// An arc, and the 32-bit uniforms of its target with which it is live.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct ListeningArc {
    pub(super) target: u32,
    lowest: u32,
    /// The highest of them, less the lowest.
    length: u32,
}

impl Aimed for ListeningArc {
    #[inline(always)]
    fn target(&self) -> u32 {
        self.target
    }
}

impl ListeningArc {
    /// Whether the arc is live where its target has drawn `uniform`.
    #[inline(always)]
    pub(super) fn is_live(&self, uniform: u32) -> bool {
        uniform.wrapping_sub(self.lowest) <= self.length
    }
}

/// All arcs of `graph`: in-arc j of d is live where ⌊uniform · d / 2³²⌋ = j.
pub(super) fn listening_arcs(graph: &Csr) -> HugeVec<ListeningArc> {
    let mut arcs = HugeVec::zeroed(graph.targets.len());
    for ((arc, &target), &rank) in arcs.iter_mut().zip(&*graph.targets).zip(&graph.in_ranks) {
        let degree = u64::from(graph.in_degrees[target as usize]);
        let begin = |rank: u32| (u64::from(rank) << 32).div_ceil(degree);
        let (lowest, end) = (begin(rank), begin(rank + 1));
        let length = (end - lowest - 1) as u32;
        *arc = ListeningArc { target, lowest: lowest as u32, length };
    }
    arcs
}
