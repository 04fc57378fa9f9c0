//! Files to a graph directory.

use std::sync::{Mutex, PoisonError};

use kaskade_store::{GraphFacts, Manifest};
use rayon::prelude::*;

use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::memory::{Allowance, NODE_BYTES};
use crate::nodes::NodeSet;
use crate::progress::{Phase, Progress, Unit};
use crate::publish::Publication;
use crate::runs::{Buckets, Reading, partition, ranked_arc_bytes};
use crate::source::{Intake, parse};
use crate::spec::{BuildSpec, ColumnChoice};

/// Builds the graph directory that `spec` asks for, on the threads of the current pool, and
/// gives its manifest.
///
/// Every id that occurs in an input is a node, self-loops are dropped and counted, and equal
/// arcs are merged and counted: duplicates are the input's arcs without self-loops, twice as
/// many when undirected, less the distinct ones. O(arcs · log arcs).
///
/// # Errors
/// [`IngestError`]. Nothing is left at the place of the directory, and one that was to be
/// replaced is still there.
pub fn build(spec: &BuildSpec, progress: &dyn Progress) -> Result<Manifest, IngestError> {
    match &spec.column {
        None => build_with::<()>(spec, Vec::new(), progress),
        Some(column) => build_with::<f64>(spec, vec![column_name(column)], progress),
    }
}

fn build_with<V: Payload>(
    spec: &BuildSpec,
    columns: Vec<String>,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let publication = Publication::begin(&spec.directory, progress)?;
    let kept = Kept { chunks: Mutex::default() };
    let input = parse::<V>(spec, &kept, progress)?;
    let chunks = kept.chunks.into_inner().unwrap_or_else(PoisonError::into_inner);
    let n_arcs: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();

    progress.begin(Phase::Order, Some(n_arcs), Unit::Arcs);
    let nodes = NodeSet::occurring(&chunks)?;
    if nodes.n_nodes() == 0 {
        return Err(IngestError::EmptyGraph);
    }
    let needed_bytes = chunks.iter().map(ArcChunk::bytes).sum::<u64>()
        + n_arcs * ranked_arc_bytes::<V>(spec.undirected)
        + u64::from(nodes.n_nodes()) * NODE_BYTES;
    Allowance::new(spec.directory.memory_bytes).check(needed_bytes)?;

    let reading = Reading::new(spec.orientation, spec.undirected);
    let buckets = Buckets::new(nodes.n_nodes(), n_arcs);
    let runs = partition(chunks.into_par_iter(), &nodes, buckets, reading, progress)?;
    let facts = GraphFacts {
        order: spec.directory.order,
        orientation: spec.orientation,
        undirected: spec.undirected,
        views: spec.directory.views,
        columns,
        n_duplicates: 0,
        n_self_loops: runs.n_self_loops,
        n_skipped_lines: input.n_skipped_lines,
    };
    publication.finish(nodes, runs, spec.duplicates, facts)
}

/// All arcs of the input, in memory.
struct Kept<V> {
    chunks: Mutex<Vec<ArcChunk<V>>>,
}

impl<V: Payload> Intake<V> for Kept<V> {
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
        Ok(())
    }
}

fn column_name(column: &ColumnChoice) -> String {
    match column {
        ColumnChoice::Name(name) => name.clone(),
        ColumnChoice::Index(index) => index.to_string(),
    }
}
