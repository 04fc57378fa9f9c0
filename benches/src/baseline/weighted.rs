//! Skipping where an arc's probability is 1 over its target's in-degree.
//!
//! Every list is parted by the power of two below the targets' in-degrees. Within a part, arcs
//! are passed over as if all had its largest probability, and one that is met is live with the
//! share of that which is its own. Arcs of large probability, and parts of few arcs, are not
//! worth it: they come first in the list, and throw a coin each.

use std::iter;

use bytemuck::{Pod, Zeroable};
use kaskade_model::coin::Threshold;

use super::active::Active;
use super::gaps::Gaps;
use super::generator::Generator;
use super::skipping::{PLACES_AHEAD, Pipeline};
use crate::csr::Csr;
use crate::memory::{HugeVec, prefetch, prefetch_list};

/// A graph's lists, parted, and where in each kind of part the next arc will be met.
#[derive(Debug)]
pub(super) struct WeightedLists {
    /// For every node the number of its first part; and the number of parts.
    first_parts: HugeVec<u32>,
    /// All parts, behind one that is empty: a part begins where the one before it ends.
    parts: HugeVec<Part>,
    arcs: HugeVec<WeightedArc>,
    kinds: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Part {
    end: u32,
    /// The power of two, or [`EACH`].
    kind: u32,
}

/// The kind of a part whose arcs throw a coin each.
const EACH: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct WeightedArc {
    target: u32,
    /// The highest 32-bit uniform with which it is live, once it is met.
    highest: u32,
}

impl WeightedArc {
    #[inline(always)]
    fn throw(self, active: &mut Active, generator: &mut Generator) {
        active.activate_if((generator.bits() >> 32) as u32 <= self.highest, self.target);
    }
}

/// All parts of one power of two.
#[derive(Debug)]
struct Kind {
    gaps: Gaps,
    /// Arcs that are still to be passed over.
    gap: u64,
}

/// In-degrees from here on are worth skipping.
const MIN_SKIPPED_POWER: u32 = 3;

/// So many arcs are worth a part.
const MIN_PART_ARCS: usize = 8;

impl WeightedLists {
    /// The lists of `graph`.
    pub(super) fn new(graph: &Csr, generator: &mut Generator) -> Self {
        let mut arcs = HugeVec::<WeightedArc>::zeroed(graph.targets.len());
        let mut first_parts = HugeVec::zeroed(graph.n_nodes() + 1);
        let mut parts = vec![Part { end: 0, kind: EACH }];
        for source in 0..graph.n_nodes() {
            first_parts[source] = parts.len() as u32;
            let list = graph.list(source);
            let mut end = list.start as u32;
            for (kind, targets) in parted(&graph.targets[list], &graph.in_degrees) {
                for target in targets {
                    let highest = highest_uniform(graph.in_degrees[target as usize], kind);
                    arcs[end as usize] = WeightedArc { target, highest };
                    end += 1;
                }
                parts.push(Part { end, kind });
            }
        }
        first_parts[graph.n_nodes()] = parts.len() as u32;
        let kinds = (0..u32::BITS).map(|power| {
            let gaps = Gaps::new(0.5f64.powi(power as i32));
            // What is left at the end of a simulation is as good for the next one.
            Kind { gap: gaps.draw(generator), gaps }
        });
        Self { first_parts, parts: HugeVec::of(&parts), kinds: kinds.collect(), arcs }
    }

    /// Activates all that the active nodes reach over live arcs.
    pub(super) fn spread(&mut self, active: &mut Active, generator: &mut Generator) {
        let (first_parts, parts, arcs) = (&*self.first_parts, &*self.parts, &*self.arcs);
        let mut met = Pipeline::default();
        let mut position = 0;
        loop {
            while position < active.len() {
                let source = active.node(position);
                prefetch(first_parts, active.node(position + PLACES_AHEAD));
                let soon = first_parts[active.node(position + PARTS_AHEAD)] as usize;
                prefetch(parts, soon);
                let next = first_parts[active.node(position + ARCS_AHEAD)] as usize;
                let begin = parts[next - 1].end as usize;
                let end = parts.get(next).map_or(begin, |part| part.end as usize);
                prefetch_list(arcs, begin..end);
                position += 1;
                let own = first_parts[source] as usize..first_parts[source + 1] as usize;
                let mut begin = parts[own.start - 1].end as usize;
                for part in &parts[own] {
                    let end = part.end as usize;
                    if part.kind == EACH {
                        let own = &arcs[begin..end];
                        own.iter().for_each(|arc| arc.throw(active, generator));
                    } else {
                        let Kind { gaps, gap } = &mut self.kinds[part.kind as usize];
                        while *gap < (end - begin) as u64 {
                            let arc = begin + *gap as usize;
                            prefetch(arcs, arc);
                            if let Some(arc) = met.push(arc as u32) {
                                arcs[arc as usize].throw(active, generator);
                            }
                            *gap += 1 + gaps.draw(generator);
                        }
                        *gap -= (end - begin) as u64;
                    }
                    begin = end;
                }
            }
            met.drain(|arc| arcs[arc as usize].throw(active, generator));
            if position == active.len() {
                return;
            }
        }
    }
}

/// Nodes ahead in the queue whose parts are asked for, and whose arcs are.
const PARTS_AHEAD: usize = 5;
const ARCS_AHEAD: usize = 2;

/// The targets of a list by the kind of their part, those that throw a coin each first.
fn parted(targets: &[u32], in_degrees: &[u32]) -> Vec<(u32, Vec<u32>)> {
    let mut each = vec![];
    let mut skipped = vec![vec![]; u32::BITS as usize];
    for &target in targets {
        let power = in_degrees[target as usize].ilog2();
        let part = if power < MIN_SKIPPED_POWER { &mut each } else { &mut skipped[power as usize] };
        part.push(target);
    }
    for small in skipped.iter_mut().filter(|part| part.len() < MIN_PART_ARCS) {
        each.append(small);
    }
    each.sort_unstable();
    let parts = iter::once((EACH, each)).chain((0..).zip(skipped));
    parts.filter(|(_, targets)| !targets.is_empty()).collect()
}

/// The highest uniform with which an arc is live once it is met in a part of `kind`.
fn highest_uniform(in_degree: u32, kind: u32) -> u32 {
    let width = match kind {
        EACH => Threshold::one_over(in_degree).width(),
        power => (1u64 << (u32::BITS + power)) / u64::from(in_degree),
    };
    (width - 1) as u32
}
