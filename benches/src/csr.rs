//! A graph in one piece, as a plain program keeps it.

use kaskade_model::{NodeId, NodeRange, OutArcs, Ranks, Shard};

/// Targets by source, with the whole graph as one shard: a lookup is two array reads, where
/// a shard of a graph directory first asks whether the source is present.
#[derive(Clone, Debug)]
pub struct Csr {
    /// For every node, where its arcs begin; and the number of arcs.
    first_arcs: Vec<usize>,
    targets: Vec<u32>,
    in_ranks: Vec<u32>,
    in_degrees: Vec<u32>,
}

impl Csr {
    /// The graph that `shards` are the whole of, ascending.
    #[must_use]
    pub fn from_shards<S: Shard>(shards: &[S]) -> Self {
        let mut csr =
            Self { first_arcs: vec![0], targets: vec![], in_ranks: vec![], in_degrees: vec![] };
        for shard in shards {
            let own = 0..shard.nodes().n_nodes() as u32;
            csr.in_degrees.extend(own.map(|node_idx| shard.in_degree(node_idx)));
        }
        let (mut n_met, mut scratch) = (vec![0; csr.in_degrees.len()], Vec::new());
        for source in (0..csr.in_degrees.len() as u32).map(NodeId) {
            for shard in shards {
                for &target_idx in shard.out_arcs(source, &mut scratch).targets {
                    let target = shard.nodes().node(target_idx);
                    csr.targets.push(target.0);
                    // Sources ascend, so a target has met all its smaller ones.
                    csr.in_ranks.push(n_met[target.index()]);
                    n_met[target.index()] += 1;
                }
            }
            csr.first_arcs.push(csr.targets.len());
        }
        csr
    }
}

impl Shard for Csr {
    fn nodes(&self) -> NodeRange {
        NodeRange { begin: 0, end: self.in_degrees.len() as u32 }
    }

    fn n_arcs(&self) -> u64 {
        self.targets.len() as u64
    }

    #[inline]
    fn out_arcs<'a>(&'a self, source: NodeId, _scratch: &'a mut Vec<u32>) -> OutArcs<'a> {
        let first_arc = self.first_arcs[source.index()];
        let end = self.first_arcs[source.index() + 1];
        OutArcs { first_arc, targets: &self.targets[first_arc..end] }
    }

    #[inline]
    fn n_out_arcs(&self, source: NodeId) -> usize {
        self.first_arcs[source.index() + 1] - self.first_arcs[source.index()]
    }

    /// There is no shard before the only one.
    #[inline]
    fn first_rank(&self, _source: NodeId) -> u32 {
        0
    }

    /// A plain program keeps no in-view.
    fn in_sources<'a>(&'a self, _node_idx: u32, _scratch: &'a mut Vec<u32>) -> Option<&'a [u32]> {
        None
    }

    #[inline]
    fn in_degree(&self, node_idx: u32) -> u32 {
        self.in_degrees[node_idx as usize]
    }

    fn in_ranks(&self) -> Option<Ranks<'_>> {
        Some(Ranks::U32(&self.in_ranks))
    }

    fn arc_thresholds(&self) -> Option<&[u32]> {
        None
    }

    fn cumulative_weights(&self, _node_idx: u32) -> Option<&[u32]> {
        None
    }
}
