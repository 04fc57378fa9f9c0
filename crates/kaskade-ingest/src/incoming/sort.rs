//! A bucket's arcs to distinct lists; a bucket too large for that is parted first.

use std::ops::Range;
use std::sync::atomic::AtomicU32;

use super::lists::ListPiece;
use super::merge::Refusal;
use super::{SortPlan, count};
use crate::arcs::Payload;
use crate::error::IngestError;
use crate::memory::{Gate, Ledger};
use crate::progress::Progress;
use crate::runs::{BucketArcs, Buckets, Dealer, Runs, SOURCE, TARGET, ranked_arc_bytes};
use crate::spec::Duplicates;
use crate::spill::SpillFile;

/// Sorts buckets, from several threads at once.
pub(super) struct Sorter<'a> {
    pub(super) plan: SortPlan<'a>,
    pub(super) gate: Gate,
    pub(super) ledger: Ledger,
    pub(super) file: SpillFile,
    pub(super) in_degrees: Vec<AtomicU32>,
    pub(super) out_degrees: Vec<AtomicU32>,
    pub(super) progress: &'a dyn Progress,
}

/// The most parts that a bucket is cut into at a time.
const MOST_PARTS: u64 = 256;

impl Sorter<'_> {
    /// Sorts `bucket`, whose targets are `targets`, and appends its lists to `pieces`.
    pub(super) fn sort_bucket<V: Payload>(
        &self,
        runs: &Runs<V>,
        bucket: usize,
        targets: Range<u32>,
        pieces: &mut Vec<ListPiece<V>>,
    ) -> Result<(), IngestError> {
        if self.progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let n_arcs = runs.bucket_arcs(bucket);
        let list_bytes = (size_of::<u32>() + size_of::<V>()) as u64;
        // What was read is dropped before a list is sorted beside its values.
        let sorted_bytes = if V::HAS_VALUE { n_arcs * size_of::<(u32, V)>() as u64 } else { 0 };
        let loaded_bytes = runs.spilled_arcs(bucket) * ranked_arc_bytes::<V>();
        let needed_bytes = n_arcs * list_bytes
            + loaded_bytes.max(sorted_bytes)
            + 2 * size_of::<usize>() as u64 * targets.len() as u64;
        if n_arcs == 0 || self.gate.admits(needed_bytes) {
            let pass = self.gate.enter(needed_bytes);
            let mut lists = group(&runs.bucket(bucket)?, targets.clone());
            lists.make_distinct(self.plan.rule).map_err(|refused| {
                let target = self.plan.ids.original(targets.start + refused.node_idx as u32);
                refused.reason.name(self.plan.ids.original(refused.source), target)
            })?;
            pieces.push(self.finish_lists(lists, targets)?);
            drop(pass);
            self.progress.advance(n_arcs);
            return Ok(());
        }
        self.sort_in_parts(runs, bucket, targets, needed_bytes, pieces)
    }

    /// Deals a bucket that does not pass the gate into parts, on disk, and sorts each.
    fn sort_in_parts<V: Payload>(
        &self,
        runs: &Runs<V>,
        bucket: usize,
        targets: Range<u32>,
        needed_bytes: u64,
        pieces: &mut Vec<ListPiece<V>>,
    ) -> Result<(), IngestError> {
        let sort_bytes = self.plan.shares.sort_bytes();
        let n_parts = (4 * needed_bytes / sort_bytes.max(1)).clamp(2, MOST_PARTS);
        let of_sources = runs.buckets.are_of_sources().then(|| runs.buckets.ranks(bucket));
        let parts = if targets.len() > 1 {
            Buckets::cut(TARGET, targets.clone(), n_parts)
        } else {
            let n_nodes = self.in_degrees.len() as u32;
            let sources = of_sources.unwrap_or(0..n_nodes);
            if sources.len() <= 1 {
                // Nothing but repetitions of one arc.
                if V::HAS_VALUE {
                    let (budget, shares) = (self.plan.budget, self.plan.shares);
                    return Err(budget.too_small_for(shares, 4 * needed_bytes));
                }
                let (sources, values) = (vec![sources.start], vec![V::default()]);
                let lists = BucketLists { sources, values, begins: vec![0, 1] };
                pieces.push(self.finish_lists(lists, targets)?);
                self.progress.advance(runs.bucket_arcs(bucket));
                return Ok(());
            }
            Buckets::cut(SOURCE, sources, n_parts)
        };
        // A copy of a slab, and the run that it becomes.
        let slab_arcs = sort_bytes / 4 / (2 * ranked_arc_bytes::<V>());
        let dealer = Dealer::new(parts, 0, Ledger::new(0), self.plan.folder);
        runs.bucket_in_slabs(bucket, slab_arcs as usize, |slab| dealer.take(slab))?;
        let dealt = dealer.finish()?;
        for part in 0..parts.len() {
            let targets = if parts.are_of_sources() { targets.clone() } else { parts.ranks(part) };
            self.sort_bucket(&dealt, part, targets, pieces)?;
        }
        Ok(())
    }

    /// Counts degrees and finds a place for the lists of `targets`.
    fn finish_lists<V: Payload>(
        &self,
        lists: BucketLists<V>,
        targets: Range<u32>,
    ) -> Result<ListPiece<V>, IngestError> {
        let BucketLists { sources, values, begins } = lists;
        for &source in &sources {
            count(&self.out_degrees[source as usize], 1);
        }
        for (target, ends) in targets.clone().zip(begins.windows(2)) {
            // Distinct sources are fewer than 2³².
            count(&self.in_degrees[target as usize], (ends[1] - ends[0]) as u32);
        }
        let (ledger, file) = (&self.ledger, &self.file);
        ListPiece::keep_or_spill(targets, sources, values, begins, ledger, file)
    }
}

/// The lists of a bucket's targets, one after the other.
struct BucketLists<V> {
    sources: Vec<u32>,
    values: Vec<V>,
    /// Where the lists begin, and the end of the last.
    begins: Vec<usize>,
}

/// A counting sort of a bucket's arcs by target.
fn group<V: Payload>(arcs: &BucketArcs<'_, V>, targets: Range<u32>) -> BucketLists<V> {
    let mut begins = vec![0; targets.len() + 1];
    arcs.for_each(|ends, _| begins[(ends[TARGET] - targets.start) as usize + 1] += 1);
    for node_idx in 1..begins.len() {
        begins[node_idx] += begins[node_idx - 1];
    }
    let mut next = begins.clone();
    let n_arcs = begins[targets.len()];
    let mut sources = vec![0; n_arcs];
    let mut values = vec![V::default(); n_arcs];
    arcs.for_each(|ends, value| {
        let place = &mut next[(ends[TARGET] - targets.start) as usize];
        sources[*place] = ends[SOURCE];
        values[*place] = value;
        *place += 1;
    });
    BucketLists { sources, values, begins }
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
        let mut sorted: Vec<(u32, V)> = Vec::new();
        for node_idx in 0..self.begins.len() - 1 {
            let end = self.begins[node_idx + 1];
            if V::HAS_VALUE {
                sorted.clear();
                sorted.extend(
                    self.sources[begin..end]
                        .iter()
                        .copied()
                        .zip(self.values[begin..end].iter().copied()),
                );
                sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.compare(b.1)));
                for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
                    let (source, mut value) = equal[0];
                    if equal.len() > 1 {
                        let values = equal.iter().map(|arc| arc.1);
                        value = V::merge(values, rule).map_err(|reason| RefusedArcs {
                            node_idx,
                            source,
                            reason,
                        })?;
                    }
                    self.sources[n_kept] = source;
                    self.values[n_kept] = value;
                    n_kept += 1;
                }
            } else {
                self.sources[begin..end].sort_unstable();
                let mut last = None;
                for position in begin..end {
                    let source = self.sources[position];
                    if last != Some(source) {
                        self.sources[n_kept] = source;
                        n_kept += 1;
                        last = Some(source);
                    }
                }
            }
            begin = end;
            self.begins[node_idx + 1] = n_kept;
        }
        self.sources.truncate(n_kept);
        self.sources.shrink_to_fit();
        self.values.truncate(n_kept);
        self.values.shrink_to_fit();
        Ok(())
    }
}
