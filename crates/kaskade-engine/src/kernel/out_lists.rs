//! The out-lists of a whole graph, side by side.
//!
//! Shards are cut by target, so the list of a source lies in as many places as there are shards. Who
//! follows one simulation at a time looks at a source for one or two live arcs; then finding
//! their place costs more than all else. For graphs that are not too large the lists are
//! therefore copied together once a job.

use std::ops::Range;

use kaskade_model::{NodeId, Shard};
use memmap2::MmapMut;
use rayon::prelude::*;

use super::prefetch::prefetch;

/// Every node's targets, as global ids, ascending.
#[derive(Debug)]
pub struct OutLists {
    /// Where each node's targets begin, and where the last one's end.
    first_arcs: Vec<u32>,
    /// In huge pages where the kernel gives them: it is touched at random.
    targets: MmapMut,
}

/// Larger graphs are left where they are: a GiB of copies.
const MAX_ARCS: u64 = 1 << 28;

/// Nodes that a thread copies at a time.
const NODES_PER_PIECE: usize = 1 << 12;

/// The bytes that the lists of a graph take; `None` where none are made.
#[must_use]
pub fn out_lists_bytes(n_nodes: u64, n_arcs: u64) -> Option<u64> {
    (n_arcs <= MAX_ARCS).then(|| 4 * (n_nodes + 1 + n_arcs))
}

impl OutLists {
    /// The lists of the graph of `n_nodes` that `shards` are; `None` where they are a part of it,
    /// or the lists take more than `limit_bytes` ([`out_lists_bytes`]), or there is no memory. O(nodes · shards + arcs), on the current
    /// rayon pool.
    pub fn new<S: Shard>(shards: &[S], n_nodes: u32, limit_bytes: u64) -> Option<Self> {
        let n_own: usize = shards.iter().map(|shard| shard.nodes().n_nodes()).sum();
        let n_arcs: u64 = shards.iter().map(Shard::n_arcs).sum();
        let n_bytes = out_lists_bytes(n_nodes.into(), n_arcs)?;
        if n_own != n_nodes as usize || n_bytes > limit_bytes {
            return None;
        }
        let degree = |node| shards.iter().map(|shard| shard.n_out_arcs(NodeId(node)) as u32).sum();
        let mut first_arcs: Vec<u32> = (0..n_nodes).into_par_iter().map(degree).collect();
        first_arcs.push(0);
        let mut end = 0;
        for first_arc in &mut first_arcs {
            end += std::mem::replace(first_arc, end);
        }
        // There is no empty mapping.
        let mut targets = MmapMut::map_anon((size_of::<u32>() * n_arcs as usize).max(1)).ok()?;
        #[cfg(target_os = "linux")]
        // A kernel without huge pages says no, and gives small ones.
        let _ = targets.advise(memmap2::Advice::HugePage);
        let mut left: &mut [u32] =
            bytemuck::cast_slice_mut(&mut targets[..size_of::<u32>() * n_arcs as usize]);
        let mut pieces = Vec::new();
        for nodes in (0..n_nodes).step_by(NODES_PER_PIECE) {
            let end = n_nodes.min(nodes + NODES_PER_PIECE as u32);
            let n_arcs = first_arcs[end as usize] - first_arcs[nodes as usize];
            let (piece, behind) = left.split_at_mut(n_arcs as usize);
            pieces.push((nodes..end, piece));
            left = behind;
        }
        pieces.into_par_iter().for_each_init(Vec::new, |scratch, (nodes, mut piece)| {
            for (node, shard) in
                nodes.flat_map(|node| shards.iter().map(move |shard| (node, shard)))
            {
                let from = shard.out_arcs(NodeId(node), scratch).targets;
                let (to, behind) = piece.split_at_mut(from.len());
                let begin = shard.nodes().begin;
                to.iter_mut().zip(from).for_each(|(to, from)| *to = begin + from);
                piece = behind;
            }
        });
        Some(Self { first_arcs, targets })
    }

    /// Where the targets of `source` lie in [`OutLists::targets`].
    #[inline(always)]
    pub(super) fn arcs(&self, source: u32) -> Range<u32> {
        self.first_arcs[source as usize]..self.first_arcs[source as usize + 1]
    }

    /// Says that `source` will soon be asked about.
    #[inline(always)]
    pub(super) fn prefetch(&self, source: u32) {
        prefetch(&self.first_arcs[source as usize]);
    }

    /// All targets, list by list.
    #[inline(always)]
    pub(super) fn targets(&self) -> &[u32] {
        let n_arcs = self.first_arcs[self.first_arcs.len() - 1] as usize;
        // A mapping begins at a page, so it is aligned.
        bytemuck::cast_slice(&self.targets[..size_of::<u32>() * n_arcs])
    }
}
