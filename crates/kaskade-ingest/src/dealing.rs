//! From arcs of original ids to runs, and on to a graph directory: the way that all arcs
//! take, wherever they come from.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kaskade_store::{GraphFacts, Manifest};

use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::memory::{Ledger, NODE_BYTES, Shares};
use crate::nodes::NodeSet;
use crate::progress::Progress;
use crate::publish::Publication;
use crate::raw::RawArcs;
use crate::runs::{Buckets, Dealer, Reading, ranked_arc_bytes};
use crate::spec::Duplicates;

/// The arcs of a bucket in a run that spills, on average, at the least.
const LEAST_PIECE_ARCS: u64 = 64;

/// Takes the arcs of a graph whose nodes are known, from several threads at once.
pub(crate) struct Dealing<'a, V> {
    publication: Publication<'a>,
    nodes: NodeSet,
    reading: Reading,
    shares: Shares,
    dealer: Dealer<V>,
    n_self_loops: AtomicU64,
}

impl<'a, V: Payload> Dealing<'a, V> {
    /// Begins to take about `n_arcs` arcs between `nodes`, as `reading` says.
    ///
    /// # Errors
    /// [`IngestError::MemoryExceeded`] when the nodes alone are too many.
    pub(crate) fn begin(
        publication: Publication<'a>,
        nodes: NodeSet,
        reading: Reading,
        n_arcs: u64,
    ) -> Result<Self, IngestError> {
        let n_nodes = nodes.n_nodes();
        let node_bytes = u64::from(n_nodes) * NODE_BYTES + nodes.extra_bytes();
        let shares = publication.shares(node_bytes)?;
        let n_arcs = n_arcs.saturating_mul(reading.n_ways());
        let arc_bytes = ranked_arc_bytes::<V>();
        let fits = n_arcs.saturating_mul(arc_bytes) <= shares.run_bytes();
        // Runs that stay in memory need not be long, and buckets that are loaded from disk
        // should leave room for those of other threads.
        let n_threads = rayon::current_num_threads() as u64;
        let most_arcs =
            if fits { u64::MAX } else { shares.sort_bytes() / (8 * n_threads * arc_bytes) };
        let buckets = Buckets::new(n_nodes, n_arcs, most_arcs);
        // A run has an index of its buckets, which should be a small part of it.
        let least_run_arcs = LEAST_PIECE_ARCS * buckets.len() as u64;
        let run_arcs =
            if fits { 0 } else { (shares.run_buffer_bytes() / arc_bytes).max(least_run_arcs) };
        let folder = publication.spill_folder();
        let ledger = Ledger::new(shares.run_bytes());
        let dealer = Dealer::new(buckets, run_arcs as usize, ledger, &folder);
        Ok(Self { publication, nodes, reading, shares, dealer, n_self_loops: AtomicU64::new(0) })
    }

    /// What arcs may hold in memory, those that are still to be taken included.
    pub(crate) fn run_bytes(&self) -> u64 {
        self.shares.run_bytes()
    }

    /// Takes all of `raw`, of which at most [`Dealing::run_bytes`] are in memory, with the values
    /// that `value` makes of theirs.
    ///
    /// # Errors
    /// As [`Dealing::take`].
    pub(crate) fn take_all(
        &self,
        raw: RawArcs<V>,
        value: impl Fn(V) -> V + Sync,
    ) -> Result<(), IngestError> {
        let ledger = &self.dealer.ledger;
        let is_held = ledger.hold(raw.kept_bytes());
        debug_assert!(is_held, "the caller made room");
        raw.consume(
            |chunk| self.take(chunk.map_values(&value)),
            // A chunk from memory makes room for its run.
            |chunk| ledger.release(chunk.bytes()),
        )
    }

    /// Takes the arcs of `chunk`.
    ///
    /// # Errors
    /// [`IngestError::Spill`], [`IngestError::Interrupted`].
    pub(crate) fn take(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        let progress = self.progress();
        if progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let n_input_arcs = chunk.len() as u64;
        let (arcs, n_self_loops) = self.reading.relabel(&chunk, &self.nodes);
        drop(chunk);
        self.n_self_loops.fetch_add(n_self_loops, Relaxed);
        self.dealer.take(arcs)?;
        progress.advance(n_input_arcs);
        Ok(())
    }

    /// Makes a graph directory of all that was taken. `facts` are complete but for duplicates
    /// and self-loops.
    ///
    /// # Errors
    /// Those of [`Publication::finish`].
    pub(crate) fn finish(
        self,
        duplicates: Duplicates,
        facts: GraphFacts,
    ) -> Result<Manifest, IngestError> {
        let runs = self.dealer.finish()?;
        let facts = GraphFacts { n_self_loops: self.n_self_loops.into_inner(), ..facts };
        self.publication.finish(self.nodes.into_table(), runs, self.shares, duplicates, facts)
    }

    fn progress(&self) -> &'a dyn Progress {
        self.publication.progress()
    }
}
