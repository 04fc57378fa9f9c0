//! Distinct arcs, by target: for every rank its ascending sources.

mod lists;
pub(crate) mod merge;
mod sort;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::prelude::*;

use crate::arcs::Payload;
use crate::error::IngestError;
use crate::memory::{Budget, Gate, Ledger, Shares};
use crate::nodes::IdTable;
use crate::progress::{Phase, Progress, Unit};
use crate::runs::{Buckets, Runs};
use crate::spec::Duplicates;
use crate::spill::SpillFile;
pub(crate) use lists::{ListPiece, Lists};
pub(crate) use merge::Refusal;
use sort::Sorter;

/// The in-arcs of every node, distinct, by ascending source.
pub(crate) struct Incoming<V> {
    /// All lists, by ascending target.
    pieces: Vec<ListPiece<V>>,
    buckets: Buckets,
    file: SpillFile,
    /// By rank.
    pub(crate) in_degrees: Vec<u32>,
    /// By rank.
    pub(crate) out_degrees: Vec<u32>,
    /// The number of distinct arcs.
    pub(crate) n_arcs: u64,
}

/// What [`distinct_arcs`] goes by beside the arcs.
pub(crate) struct SortPlan<'a> {
    /// How the values of equal arcs merge.
    pub(crate) rule: Duplicates,
    /// The nodes' original ids, for errors.
    pub(crate) ids: &'a IdTable,
    /// The build's memory, for errors.
    pub(crate) budget: Budget,
    /// What of it may be used.
    pub(crate) shares: Shares,
    /// Where lists go that do not fit.
    pub(crate) folder: &'a Path,
}

/// Sorts the arcs of every bucket by target and source, and merges equal ones.
///
/// # Errors
/// [`IngestError::DuplicateArc`] or [`IngestError::SumExceedsOne`] for the first such arc by
/// target and source; [`IngestError::Spill`]; [`IngestError::MemoryExceeded`] when the values
/// of a single arc do not fit; [`IngestError::Interrupted`].
pub(crate) fn distinct_arcs<V: Payload>(
    runs: Runs<V>,
    plan: SortPlan<'_>,
    progress: &dyn Progress,
) -> Result<Incoming<V>, IngestError> {
    progress.begin(Phase::Sort, Some(runs.n_arcs()), Unit::Arcs);
    let n_nodes = plan.ids.n_nodes();
    let zeros = || (0..n_nodes).map(|_| AtomicU32::new(0)).collect();
    let sorter = Sorter {
        gate: Gate::new(plan.shares.sort_bytes()),
        ledger: Ledger::new(plan.shares.list_bytes()),
        file: SpillFile::new(plan.folder),
        in_degrees: zeros(),
        out_degrees: zeros(),
        plan,
        progress,
    };
    let buckets = runs.buckets;
    let pieces: Vec<Result<Vec<ListPiece<V>>, IngestError>> = (0..buckets.len())
        .into_par_iter()
        .map(|bucket| {
            let mut pieces = Vec::with_capacity(1);
            sorter.sort_bucket(&runs, bucket, buckets.ranks(bucket), &mut pieces)?;
            Ok(pieces)
        })
        .collect();
    drop(runs);
    // Collected in order of buckets first, so that the first error is always the same.
    let pieces: Vec<Vec<ListPiece<V>>> = pieces.into_iter().collect::<Result<_, _>>()?;
    let pieces: Vec<ListPiece<V>> = pieces.into_iter().flatten().collect();
    let plain = |degrees: Vec<AtomicU32>| degrees.into_iter().map(AtomicU32::into_inner).collect();
    Ok(Incoming {
        n_arcs: pieces.iter().map(|piece| piece.n_arcs).sum(),
        pieces,
        buckets,
        file: sorter.file,
        in_degrees: plain(sorter.in_degrees),
        out_degrees: plain(sorter.out_degrees),
    })
}

impl<V: Payload> Incoming<V> {
    /// Whether all lists are in memory, where [`Incoming::list`] finds them.
    pub(crate) fn is_kept(&self) -> bool {
        let is_kept = |piece: &ListPiece<V>| matches!(piece.lists, Lists::Kept { .. });
        self.pieces.len() == self.buckets.len() && self.pieces.iter().all(is_kept)
    }

    /// The in-arcs of the node with `rank`: sources and values.
    ///
    /// # Panics
    /// When not [`Incoming::is_kept`].
    #[inline]
    pub(crate) fn list(&self, rank: u32) -> (&[u32], &[V]) {
        let (bucket, node_idx) = self.buckets.locate_target(rank);
        let Lists::Kept { sources, values, begins } = &self.pieces[bucket].lists else {
            panic!("lists on disk are read piece by piece");
        };
        let range = begins[node_idx]..begins[node_idx + 1];
        (&sources[range.clone()], &values[range])
    }

    /// All lists, by ascending target and source, and the file of those on disk.
    pub(crate) fn into_pieces(self) -> (Vec<ListPiece<V>>, SpillFile) {
        (self.pieces, self.file)
    }
}

/// Adds `by` to a degree that several threads count.
fn count(degree: &AtomicU32, by: u32) {
    degree.fetch_add(by, Relaxed);
}
