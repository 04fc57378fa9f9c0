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
use crate::source::{Intake, LoneNodes, parse};
use crate::spec::{BuildSpec, ColumnChoice};

/// Builds the graph directory that `spec` asks for, on the threads of the current pool, and
/// gives its manifest.
///
/// Every id that occurs in an input is a node, also one that a header counts or a list of
/// nodes has and no arc. Self-loops are dropped and counted, and equal
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
    let allowance = Allowance::new(spec.directory.memory_bytes);
    let kept = Kept { allowance, chunks: Mutex::default(), lone: Mutex::default() };
    let input = parse::<V>(&spec.reading(), &kept, progress)?;
    if input.names.is_some() {
        return Err(IngestError::StringIds);
    }
    let mut chunks = kept.chunks.into_inner().unwrap_or_else(PoisonError::into_inner);
    let n_arcs: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();

    progress.begin(Phase::Order, Some(n_arcs), Unit::Arcs);
    // Nodes occur in arcs; those of a lone one are looked at here, and are no input.
    let n_chunks = chunks.len();
    chunks.append(&mut kept.lone.into_inner().unwrap_or_else(PoisonError::into_inner));
    let nodes = NodeSet::occurring(&chunks)?;
    chunks.truncate(n_chunks);
    if nodes.n_nodes() == 0 {
        return Err(IngestError::EmptyGraph);
    }
    let needed_bytes = chunks.iter().map(ArcChunk::bytes).sum::<u64>()
        + n_arcs * ranked_arc_bytes::<V>(spec.undirected)
        + u64::from(nodes.n_nodes()) * NODE_BYTES;
    allowance.check(needed_bytes)?;

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
    allowance: Allowance,
    chunks: Mutex<Vec<ArcChunk<V>>>,
    /// Nodes without arcs, each as an arc to itself.
    lone: Mutex<Vec<ArcChunk<V>>>,
}

impl<V: Payload> Intake<V> for Kept<V> {
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
        Ok(())
    }

    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError> {
        let mut chunk = ArcChunk::with_capacity(0);
        let mut push = |id| chunk.push(id, id, V::default());
        match ids {
            LoneNodes::List(ids) => ids.into_iter().for_each(&mut push),
            LoneNodes::Range(range) => {
                self.allowance.check((range.end - range.start).saturating_mul(NODE_BYTES))?;
                range.for_each(&mut push);
            }
        }
        self.lone.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
        Ok(())
    }
}

fn column_name(column: &ColumnChoice) -> String {
    match column {
        ColumnChoice::Name(name) => name.clone(),
        ColumnChoice::Index(index) => index.to_string(),
    }
}
