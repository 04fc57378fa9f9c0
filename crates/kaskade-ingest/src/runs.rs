//! Arcs between ranks, dealt into buckets of targets.
//!
//! A run is one chunk of input, partitioned; a bucket is a piece of every run. Buckets are
//! independent of each other from here on, so a run is what can go to disk when arcs outgrow
//! memory.

use kaskade_store::Orientation;
use rayon::prelude::*;

use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::nodes::NodeSet;
use crate::progress::Progress;

/// The arc source -> target between ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RankedArc<V> {
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) value: V,
}

/// The bytes that an arc of the input takes in a run.
pub(crate) fn ranked_arc_bytes<V>(undirected: bool) -> u64 {
    (size_of::<RankedArc<V>>() as u64) << u32::from(undirected)
}

/// Which arcs the input `u v` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// u → v.
    Forward,
    /// v → u.
    Backward,
    /// Both.
    BothWays,
}

impl Reading {
    /// The reading that the flags of a build say.
    pub(crate) fn new(orientation: Orientation, undirected: bool) -> Self {
        match orientation {
            _ if undirected => Self::BothWays,
            Orientation::Influence => Self::Forward,
            Orientation::Follows => Self::Backward,
        }
    }
}

/// Equal ranges of ranks, each a power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    n_nodes: u32,
    shift: u32,
}

impl Buckets {
    /// So many arcs can be sorted without leaving a core's caches.
    const ARCS_WANTED: u64 = 1 << 18;
    /// More would make the pieces of a run too short to write at one go.
    const MOST: u64 = 1 << 10;

    /// Buckets for about `n_arcs` arcs between `n_nodes` nodes.
    pub(crate) fn new(n_nodes: u32, n_arcs: u64) -> Self {
        let wanted = (n_arcs / Self::ARCS_WANTED).clamp(1, Self::MOST);
        let nodes_wanted = u64::from(n_nodes).div_ceil(wanted).max(1);
        Self { n_nodes, shift: nodes_wanted.next_power_of_two().ilog2() }
    }

    /// The number of buckets.
    pub(crate) fn len(self) -> usize {
        (u64::from(self.n_nodes).div_ceil(1 << self.shift)) as usize
    }

    /// The bucket of the node with `rank`, and its place there.
    #[inline]
    pub(crate) fn locate(self, rank: u32) -> (usize, usize) {
        let bucket = u64::from(rank) >> self.shift;
        (bucket as usize, (u64::from(rank) - (bucket << self.shift)) as usize)
    }

    /// The ranks of a bucket's nodes.
    pub(crate) fn ranks(self, bucket: usize) -> std::ops::Range<u32> {
        let begin = (bucket as u64) << self.shift;
        let end = (begin + (1 << self.shift)).min(self.n_nodes.into());
        // Both are at most `n_nodes`.
        begin as u32..end as u32
    }
}

/// One chunk of input, partitioned.
pub(crate) struct Run<V> {
    arcs: Vec<RankedArc<V>>,
    /// Where the buckets begin in `arcs`, and the end of the last.
    bucket_begins: Vec<usize>,
}

impl<V> Run<V> {
    /// The arcs into the nodes of `bucket`.
    pub(crate) fn bucket(&self, bucket: usize) -> &[RankedArc<V>] {
        &self.arcs[self.bucket_begins[bucket]..self.bucket_begins[bucket + 1]]
    }
}

/// All input arcs but the self-loops, in runs.
pub(crate) struct Runs<V> {
    pub(crate) buckets: Buckets,
    pub(crate) runs: Vec<Run<V>>,
    /// Input arcs from a node to itself.
    pub(crate) n_self_loops: u64,
}

impl<V> Runs<V> {
    /// The number of arcs, equal ones included.
    pub(crate) fn n_arcs(&self) -> u64 {
        self.runs.iter().map(|run| run.arcs.len() as u64).sum()
    }
}

/// Relabels and partitions `chunks`, each of which is dropped as soon as its run is made.
/// `progress` advances by their arcs.
///
/// # Errors
/// [`IngestError::Interrupted`].
pub(crate) fn partition<V: Payload>(
    chunks: impl ParallelIterator<Item = ArcChunk<V>>,
    nodes: &NodeSet,
    buckets: Buckets,
    reading: Reading,
    progress: &dyn Progress,
) -> Result<Runs<V>, IngestError> {
    let run_of = |chunk: ArcChunk<V>| {
        if progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let n_input_arcs = chunk.len() as u64;
        let (arcs, n_self_loops) = relabel(&chunk, nodes, reading);
        drop(chunk);
        let run = deal(&arcs, buckets);
        progress.advance(n_input_arcs);
        Ok((run, n_self_loops))
    };
    let runs: Vec<(Run<V>, u64)> = chunks.map(run_of).collect::<Result<_, _>>()?;
    let n_self_loops = runs.iter().map(|(_, n_self_loops)| n_self_loops).sum();
    Ok(Runs { buckets, runs: runs.into_iter().map(|(run, _)| run).collect(), n_self_loops })
}

/// The arcs of `chunk` between ranks, and the number of self-loops left out.
fn relabel<V: Payload>(
    chunk: &ArcChunk<V>,
    nodes: &NodeSet,
    reading: Reading,
) -> (Vec<RankedArc<V>>, u64) {
    let n_ways = if reading == Reading::BothWays { 2 } else { 1 };
    let mut arcs = Vec::with_capacity(n_ways * chunk.len());
    let mut n_self_loops = 0;
    chunk.for_each(|from, to, value| {
        if from == to {
            n_self_loops += 1;
            return;
        }
        let (from, to) = (nodes.rank(from), nodes.rank(to));
        if reading != Reading::Backward {
            arcs.push(RankedArc { source: from, target: to, value });
        }
        if reading != Reading::Forward {
            arcs.push(RankedArc { source: to, target: from, value });
        }
    });
    (arcs, n_self_loops)
}

/// A counting sort of `arcs` by bucket.
fn deal<V: Payload>(arcs: &[RankedArc<V>], buckets: Buckets) -> Run<V> {
    let mut bucket_begins = vec![0; buckets.len() + 1];
    for arc in arcs {
        bucket_begins[buckets.locate(arc.target).0 + 1] += 1;
    }
    for bucket in 1..bucket_begins.len() {
        bucket_begins[bucket] += bucket_begins[bucket - 1];
    }
    let mut next = bucket_begins.clone();
    let mut dealt = vec![RankedArc::default(); arcs.len()];
    for arc in arcs {
        let place = &mut next[buckets.locate(arc.target).0];
        dealt[*place] = *arc;
        *place += 1;
    }
    Run { arcs: dealt, bucket_begins }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_ranks() {
        for (n_nodes, n_arcs) in
            [(0, 0), (1, 0), (5, 1 << 40), (1000, 10 << 18), (u32::MAX, 1 << 40)]
        {
            let buckets = Buckets::new(n_nodes, n_arcs);
            let mut next = 0;
            for bucket in 0..buckets.len() {
                let ranks = buckets.ranks(bucket);
                assert_eq!(ranks.start, next);
                assert_eq!(buckets.locate(ranks.start), (bucket, 0));
                assert_eq!(buckets.locate(ranks.end - 1), (bucket, ranks.len() - 1));
                next = ranks.end;
            }
            assert_eq!(next, n_nodes);
            assert!(buckets.len() as u64 <= Buckets::MOST);
        }
    }
}
