//! A graph in one piece, as a plain program keeps it.

use std::ops::Range;

use kaskade_model::{NodeId, Shard};

use crate::memory::HugeVec;

/// Targets by source, with the whole graph as one shard: a lookup is two array reads, where
/// a shard of a graph directory first asks whether the source is present.
#[derive(Debug)]
pub struct Csr {
    /// For every node, where its arcs begin; and the number of arcs.
    pub first_arcs: HugeVec<u32>,
    /// The targets of all arcs, by ascending source and target.
    pub targets: HugeVec<u32>,
    /// How many in-arcs of an arc's target come from smaller sources, for all arcs.
    pub in_ranks: Vec<u32>,
    /// In-arcs of every node.
    pub in_degrees: Vec<u32>,
}

impl Csr {
    /// The graph that `shards` are the whole of, ascending.
    ///
    /// # Panics
    /// When there are more than 2³² arcs.
    #[must_use]
    pub fn from_shards<S: Shard>(shards: &[S]) -> Self {
        let mut in_degrees = vec![];
        for shard in shards {
            in_degrees.extend_from_slice(shard.in_degrees());
        }
        let n_arcs: u64 = shards.iter().map(Shard::n_arcs).sum();
        u32::try_from(n_arcs).expect("a plain program counts arcs in 32 bits");
        let mut csr = Self {
            first_arcs: HugeVec::zeroed(in_degrees.len() + 1),
            targets: HugeVec::zeroed(n_arcs as usize),
            in_ranks: vec![0; n_arcs as usize],
            in_degrees,
        };
        csr.fill(shards);
        csr
    }

    fn fill<S: Shard>(&mut self, shards: &[S]) {
        let Self { first_arcs, targets, in_ranks, in_degrees } = self;
        let (first_arcs, targets) = (&mut **first_arcs, &mut **targets);
        let (mut n_met, mut scratch, mut position) = (vec![0; in_degrees.len()], vec![], 0);
        for source in 0..in_degrees.len() as u32 {
            for shard in shards {
                for &target_idx in shard.out_arcs(NodeId(source), &mut scratch).targets {
                    let target = shard.nodes().node(target_idx);
                    targets[position] = target.0;
                    // Sources ascend, so a target has met all its smaller ones.
                    in_ranks[position] = n_met[target.index()];
                    n_met[target.index()] += 1;
                    position += 1;
                }
            }
            first_arcs[source as usize + 1] = position as u32;
        }
    }

    /// The number of nodes.
    #[must_use]
    pub fn n_nodes(&self) -> usize {
        self.in_degrees.len()
    }

    /// Where the arcs of `source` are.
    #[must_use]
    pub fn list(&self, source: usize) -> Range<usize> {
        self.first_arcs[source] as usize..self.first_arcs[source + 1] as usize
    }
}
