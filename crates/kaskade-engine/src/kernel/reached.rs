//! Where arcs lead to: who is asked which lanes are worth a coin, and told where it fell live.

use kaskade_model::diffusion::Arc;
use kaskade_model::lanes::LaneMask;

use super::state::NodeLanes;

/// The nodes of a shard as those see them who walk over arcs into it.
pub(crate) trait Reached<const W: usize> {
    /// Whether no lane of the node at `node_idx` can change any more. Without a promise: where it
    /// is not known yet the answer is no.
    fn is_saturated(&self, node_idx: u32) -> bool;

    /// Says that the node at `node_idx` will soon be asked for.
    fn prefetch(&self, node_idx: u32);

    /// The lanes of `offered` in which a live arc to the node at `node_idx` would change anything.
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W>;

    /// Takes `arc`, which is live in the lanes `live`.
    fn reach(&mut self, arc: &Arc, live: &LaneMask<W>);
}

/// A node that is active from its first live arc on.
impl<const W: usize, L: NodeLanes<W>> Reached<W> for L {
    #[inline(always)]
    fn is_saturated(&self, node_idx: u32) -> bool {
        NodeLanes::is_saturated(self, node_idx)
    }

    #[inline(always)]
    fn prefetch(&self, node_idx: u32) {
        NodeLanes::prefetch(self, node_idx);
    }

    #[inline(always)]
    fn lacking(&self, node_idx: u32, offered: &LaneMask<W>) -> LaneMask<W> {
        NodeLanes::lacking(self, node_idx, offered)
    }

    #[inline(always)]
    fn reach(&mut self, arc: &Arc, live: &LaneMask<W>) {
        self.activate(arc.target_idx, live);
    }
}
