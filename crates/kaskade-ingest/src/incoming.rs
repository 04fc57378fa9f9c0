//! Distinct arcs, by target: for every rank its ascending sources.

mod merge;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::prelude::*;

use crate::arcs::Payload;
use crate::error::IngestError;
use crate::progress::{Phase, Progress, Unit};
use crate::runs::{Buckets, Runs};
use crate::spec::Duplicates;
use merge::{Refusal, merge};

/// An arc as its target sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct InArc<V> {
    pub(crate) source: u32,
    pub(crate) value: V,
}

/// The in-arcs of every node, distinct, by ascending source.
pub(crate) struct Incoming<V> {
    buckets: Buckets,
    lists: Vec<BucketLists<V>>,
    /// By rank.
    pub(crate) out_degrees: Vec<u32>,
    /// The number of distinct arcs.
    pub(crate) n_arcs: u64,
}

struct BucketLists<V> {
    arcs: Vec<InArc<V>>,
    /// Where the lists of the bucket's nodes begin in `arcs`, and the end of the last.
    list_begins: Vec<usize>,
}

impl<V: Payload> Incoming<V> {
    /// The in-arcs of the node with `rank`.
    #[inline]
    pub(crate) fn list(&self, rank: u32) -> &[InArc<V>] {
        let (bucket, node_idx) = self.buckets.locate(rank);
        let lists = &self.lists[bucket];
        &lists.arcs[lists.list_begins[node_idx]..lists.list_begins[node_idx + 1]]
    }

    /// The in-degree of every node, by rank.
    pub(crate) fn in_degrees(&self) -> Vec<u32> {
        // Distinct sources are fewer than 2³².
        let degrees = |lists: &BucketLists<V>| {
            lists.list_begins.windows(2).map(|l| (l[1] - l[0]) as u32).collect()
        };
        self.lists.iter().flat_map(|lists| -> Vec<u32> { degrees(lists) }).collect()
    }
}

/// Sorts the arcs of every bucket by target and source, and merges equal ones by `rule`.
/// `originals` are the nodes' original ids by rank, for errors.
///
/// # Errors
/// [`IngestError::DuplicateArc`] or [`IngestError::SumExceedsOne`] for the first such arc by
/// target and source; [`IngestError::Interrupted`].
pub(crate) fn distinct_arcs<V: Payload>(
    runs: Runs<V>,
    rule: Duplicates,
    originals: &[u64],
    progress: &dyn Progress,
) -> Result<Incoming<V>, IngestError> {
    progress.begin(Phase::Sort, Some(runs.n_arcs()), Unit::Arcs);
    let buckets = runs.buckets;
    let out_degrees: Vec<AtomicU32> = (0..originals.len()).map(|_| AtomicU32::new(0)).collect();
    let lists_of = |bucket: usize| {
        if progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let mut lists = group(&runs, bucket);
        let n_arcs = lists.arcs.len() as u64;
        lists.make_distinct(rule).map_err(|refused| {
            let target = buckets.ranks(bucket).start as usize + refused.node_idx;
            refused.reason.name(originals[refused.source as usize], originals[target])
        })?;
        for arc in &lists.arcs {
            out_degrees[arc.source as usize].fetch_add(1, Relaxed);
        }
        progress.advance(n_arcs);
        Ok(lists)
    };
    let lists: Vec<Result<BucketLists<V>, IngestError>> =
        (0..buckets.len()).into_par_iter().map(lists_of).collect();
    drop(runs);
    // Collected in order of buckets first, so that the first error is always the same.
    let lists = lists.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Incoming {
        buckets,
        n_arcs: lists.iter().map(|lists| lists.arcs.len() as u64).sum(),
        lists,
        out_degrees: out_degrees.into_iter().map(AtomicU32::into_inner).collect(),
    })
}

/// A counting sort of a bucket's arcs by target.
fn group<V: Payload>(runs: &Runs<V>, bucket: usize) -> BucketLists<V> {
    let ranks = runs.buckets.ranks(bucket);
    let pieces = || runs.runs.iter().map(|run| run.bucket(bucket));
    let mut list_begins = vec![0; ranks.len() + 1];
    for arc in pieces().flatten() {
        list_begins[(arc.target - ranks.start) as usize + 1] += 1;
    }
    for node_idx in 1..list_begins.len() {
        list_begins[node_idx] += list_begins[node_idx - 1];
    }
    let mut next = list_begins.clone();
    let mut arcs = vec![InArc::default(); list_begins[ranks.len()]];
    for arc in pieces().flatten() {
        let place = &mut next[(arc.target - ranks.start) as usize];
        arcs[*place] = InArc { source: arc.source, value: arc.value };
        *place += 1;
    }
    BucketLists { arcs, list_begins }
}

/// Equal arcs that cannot merge.
struct RefusedArcs {
    node_idx: usize,
    source: u32,
    reason: Refusal,
}

impl<V: Payload> BucketLists<V> {
    /// Sorts every list by source, merges equal sources, and closes the gaps.
    fn make_distinct(&mut self, rule: Duplicates) -> Result<(), RefusedArcs> {
        let mut n_kept = 0;
        let mut begin = 0;
        for node_idx in 0..self.list_begins.len() - 1 {
            let end = self.list_begins[node_idx + 1];
            let list = &mut self.arcs[begin..end];
            list.sort_unstable_by(|a, b| {
                a.source.cmp(&b.source).then_with(|| a.value.compare(b.value))
            });
            while begin < end {
                let mut arc = self.arcs[begin];
                let equal = self.arcs[begin..end].iter().take_while(|a| a.source == arc.source);
                let n_equal = equal.count();
                if n_equal > 1 {
                    let source = arc.source;
                    let values = self.arcs[begin..begin + n_equal].iter().map(|arc| arc.value);
                    arc.value = merge(values, rule).map_err(|reason| RefusedArcs {
                        node_idx,
                        source,
                        reason,
                    })?;
                }
                self.arcs[n_kept] = arc;
                n_kept += 1;
                begin += n_equal;
            }
            self.list_begins[node_idx + 1] = n_kept;
        }
        self.arcs.truncate(n_kept);
        self.arcs.shrink_to_fit();
        Ok(())
    }
}
