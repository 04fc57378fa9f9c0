//! As few random numbers as the model lets one draw, from a generator of its own.
//!
//! In a cascade an arc is live with its probability, whatever becomes of the others. So the
//! number of arcs to the next live one is geometric, and what is left of it at the end of a list
//! goes on in the next list: a random number is drawn for every *live* arc, and a list without
//! one is passed over by a subtraction. Live arcs wait in a short pipeline for their targets,
//! which are asked for at once and looked at later.

use super::active::Active;
use super::each;
use super::gaps::Gaps;
use super::generator::Generator;
use super::listening::{ListeningArc, listening_arcs};
use super::weighted::WeightedLists;
use crate::csr::Csr;
use crate::memory::{HugeVec, prefetch};
use crate::workloads::Workload;

/// The program, with what it keeps from one simulation to the next.
#[derive(Debug)]
pub struct Skipping<'a> {
    graph: &'a Csr,
    method: Method,
    active: Active,
    generator: Generator,
}

#[derive(Debug)]
enum Method {
    Constant(Gaps),
    Weighted(WeightedLists),
    Listening(HugeVec<ListeningArc>),
}

impl<'a> Skipping<'a> {
    /// The program for `workload` on `graph`; `seed` is its generator's.
    #[must_use]
    pub fn new(graph: &'a Csr, workload: Workload, seed: u64) -> Self {
        let mut generator = Generator::new(seed);
        let method = match workload {
            Workload::ConstantCascade(probability) => Method::Constant(Gaps::new(probability)),
            Workload::WeightedCascade => {
                Method::Weighted(WeightedLists::new(graph, &mut generator))
            }
            Workload::LinearThreshold => Method::Listening(listening_arcs(graph)),
        };
        Self { graph, method, active: Active::new(graph.n_nodes()), generator }
    }

    /// Runs `n_simulations` from `seeds` to extinction; gives the sum of their spreads.
    #[must_use]
    pub fn total_spread(&mut self, seeds: &[u32], n_simulations: u64) -> u64 {
        let mut total = 0;
        for _ in 0..n_simulations {
            seeds.iter().for_each(|&seed| self.active.activate(seed));
            self.spread();
            total += self.active.clear();
        }
        total
    }

    fn spread(&mut self) {
        let Self { graph, method, active, generator } = self;
        match method {
            Method::Constant(gaps) => spread_constant(graph, gaps, active, generator),
            Method::Weighted(lists) => lists.spread(active, generator),
            Method::Listening(arcs) => {
                let seed = generator.bits();
                let of_target = |target| (Generator::nth(seed, target) >> 32) as u32;
                let is_live = |_, arc: &ListeningArc| arc.is_live(of_target(arc.target));
                // Coins this cheap are never worth a look first.
                each::spread(graph, arcs, usize::MAX, active, is_live);
            }
        }
    }
}

/// Nodes ahead in the queue whose place in the graph is asked for.
pub(super) const PLACES_AHEAD: usize = 8;

fn spread_constant(graph: &Csr, gaps: &Gaps, active: &mut Active, generator: &mut Generator) {
    let (first_arcs, targets) = (&*graph.first_arcs, &*graph.targets);
    let mut live = Pipeline::default();
    let mut gap = gaps.draw(generator);
    let mut position = 0;
    loop {
        while position < active.len() {
            let source = active.node(position);
            prefetch(first_arcs, active.node(position + PLACES_AHEAD));
            position += 1;
            let (begin, end) = (first_arcs[source], first_arcs[source + 1]);
            let n_arcs = u64::from(end - begin);
            while gap < n_arcs {
                let arc = begin + gap as u32;
                prefetch(targets, arc as usize);
                if let Some(arc) = live.push(arc) {
                    active.activate(targets[arc as usize]);
                }
                gap += 1 + gaps.draw(generator);
            }
            gap -= n_arcs;
        }
        live.drain(|arc| active.activate(targets[arc as usize]));
        if position == active.len() {
            return;
        }
    }
}

/// Arcs that were asked for and are not looked at yet.
#[derive(Debug)]
pub(super) struct Pipeline {
    arcs: [u32; Self::LEN],
    n_pushed: usize,
    n_taken: usize,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self { arcs: [0; Self::LEN], n_pushed: 0, n_taken: 0 }
    }
}

impl Pipeline {
    /// About so many lines may be on their way to a processor.
    const LEN: usize = 32;

    /// Adds `arc`; gives the one that it takes the room of, once there is one.
    #[inline(always)]
    pub(super) fn push(&mut self, arc: u32) -> Option<u32> {
        let oldest = std::mem::replace(&mut self.arcs[self.n_pushed % Self::LEN], arc);
        let is_full = self.n_pushed - self.n_taken == Self::LEN;
        self.n_pushed += 1;
        self.n_taken += usize::from(is_full);
        is_full.then_some(oldest)
    }

    /// Takes all that is left, the oldest first.
    #[inline(always)]
    pub(super) fn drain(&mut self, mut take: impl FnMut(u32)) {
        while self.n_taken < self.n_pushed {
            take(self.arcs[self.n_taken % Self::LEN]);
            self.n_taken += 1;
        }
    }
}
