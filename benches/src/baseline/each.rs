//! A coin for every arc of an active node.

use super::active::Active;
use crate::csr::Csr;
use crate::memory::{prefetch, prefetch_list};

/// What stands in a list for an arc.
pub(super) trait Aimed {
    /// The arc's target.
    fn target(&self) -> u32;
}

impl Aimed for u32 {
    #[inline(always)]
    fn target(&self) -> u32 {
        *self
    }
}

/// Nodes ahead in the queue whose place in the graph is asked for, and whose arcs are.
const PLACES_AHEAD: usize = 8;
const ARCS_AHEAD: usize = 3;

/// Arcs whose coins are thrown together: without a branch among them, they overlap.
const BLOCK: usize = 64;

/// Activates all that the active nodes reach over live arcs; `is_live` throws the coin of an arc
/// of `arcs`, which are those of `graph`, given its source.
///
/// Once more than `n_crowded` nodes are active, a target's state is looked at before its coin is
/// thrown: this costs more than it saves until many targets are active.
#[inline(always)]
pub(super) fn spread<A: Aimed>(
    graph: &Csr,
    arcs: &[A],
    n_crowded: usize,
    active: &mut Active,
    is_live: impl Fn(u32, &A) -> bool,
) {
    let first_arcs = &*graph.first_arcs;
    let (mut open, mut reached) = ([0; BLOCK], [0; BLOCK]);
    let mut position = 0;
    while position < active.len() {
        let source = active.node(position);
        prefetch(first_arcs, active.node(position + PLACES_AHEAD));
        let next = active.node(position + ARCS_AHEAD);
        prefetch_list(arcs, first_arcs[next] as usize..first_arcs[next + 1] as usize);
        position += 1;
        let list = first_arcs[source] as usize..first_arcs[source + 1] as usize;
        let is_crowded = active.len() > n_crowded;
        for block in arcs[list].chunks(BLOCK) {
            let mut n_reached = 0;
            let mut throw = |arc: &A| {
                reached[n_reached] = arc.target();
                n_reached += usize::from(is_live(source as u32, arc));
            };
            if is_crowded {
                let mut n_open = 0;
                for (idx, arc) in block.iter().enumerate() {
                    open[n_open] = idx as u8;
                    n_open += usize::from(!active.contains(arc.target()));
                }
                open[..n_open].iter().for_each(|&idx| throw(&block[usize::from(idx)]));
            } else {
                block.iter().for_each(throw);
            }
            reached[..n_reached].iter().for_each(|&target| active.activate(target));
        }
    }
}
