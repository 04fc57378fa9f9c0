//! The graph on chosen nodes, written.

use std::path::Path;

use kaskade_model::NodeId;
use kaskade_model::Shard;
use kaskade_model::coin::Threshold;
use kaskade_model::seeds::NodeDirectory;
use kaskade_store::{Graph, GraphFacts, Manifest, Views};
use rayon::prelude::*;

use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::memory::{Allowance, NODE_BYTES};
use crate::neighbours::out_targets;
use crate::nodes::NodeSet;
use crate::progress::{Phase, Progress, Unit};
use crate::publish::Publication;
use crate::runs::{Buckets, Reading, partition, ranked_arc_bytes};
use crate::spec::{DirectorySpec, Duplicates};

/// Writes the graph that `graph`, the directory `dir`, has on `nodes` (dense ids, ascending).
pub(super) fn write(
    graph: &Graph,
    dir: &Path,
    nodes: &[u32],
    directory: &DirectorySpec,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    if graph.manifest().columns.is_empty() {
        return write_with::<()>(graph, nodes, directory, progress);
    }
    // In-views hold the sums of a column, out-views its values.
    graph.manifest().require(dir, Views::Out)?;
    write_with::<f64>(graph, nodes, directory, progress)
}

fn write_with<V: Payload>(
    graph: &Graph,
    nodes: &[u32],
    directory: &DirectorySpec,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let publication = Publication::begin(directory, progress)?;
    let manifest = graph.manifest();
    let kept = kept_chunks::<V>(graph, nodes, progress)?;
    let facts = GraphFacts {
        order: directory.order,
        orientation: manifest.orientation,
        undirected: manifest.undirected,
        views: directory.views,
        columns: manifest.columns.clone(),
        n_duplicates: 0,
        n_self_loops: 0,
        n_skipped_lines: 0,
    };
    publish(publication, kept, directory, facts, progress)
}

/// Hands `chunks`, in original ids, to the pipeline of a build: the one place that knows it.
fn publish<V: Payload>(
    publication: Publication<'_>,
    chunks: Vec<ArcChunk<V>>,
    directory: &DirectorySpec,
    facts: GraphFacts,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let n_arcs: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
    progress.begin(Phase::Order, Some(n_arcs), Unit::Arcs);
    let nodes = NodeSet::occurring(&chunks)?;
    let needed_bytes = chunks.iter().map(ArcChunk::bytes).sum::<u64>()
        + n_arcs * ranked_arc_bytes::<V>(false)
        + u64::from(nodes.n_nodes()) * NODE_BYTES;
    Allowance::new(directory.memory_bytes).check(needed_bytes)?;
    let buckets = Buckets::new(nodes.n_nodes(), n_arcs);
    let runs = partition(chunks.into_par_iter(), &nodes, buckets, Reading::Forward, progress)?;
    // The arcs of a graph are distinct.
    publication.finish(nodes, runs, Duplicates::Error, facts)
}

/// Nodes whose arcs make a chunk.
const CHUNK_NODES: usize = 1 << 12;

/// The arcs between `nodes`, and for each of them a self-loop: the pipeline drops it, but
/// learns that the node is there.
fn kept_chunks<V: Payload>(
    graph: &Graph,
    nodes: &[u32],
    progress: &dyn Progress,
) -> Result<Vec<ArcChunk<V>>, IngestError> {
    let degrees =
        if graph.manifest().views.has_out() { graph.out_degrees() } else { graph.in_degrees() };
    let n_looked_at =
        |nodes: &[u32]| nodes.iter().map(|&node| u64::from(degrees[node as usize])).sum();
    progress.begin(Phase::Draw, Some(n_looked_at(nodes)), Unit::Arcs);
    let mut is_kept = vec![false; graph.n_nodes() as usize];
    nodes.iter().for_each(|&node| is_kept[node as usize] = true);
    let chunk_of = |nodes: &[u32]| {
        if progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let mut chunk = ArcChunk::with_capacity(nodes.len());
        for &node in nodes {
            let id = number(graph, node);
            chunk.push(id, id, V::default());
            if graph.manifest().views.has_out() {
                push_arcs_from(graph, node, &is_kept, &mut chunk);
            } else {
                push_arcs_into(graph, node, &is_kept, &mut chunk);
            }
        }
        chunk.shrink_to_fit();
        progress.advance(n_looked_at(nodes));
        Ok(chunk)
    };
    nodes.par_chunks(CHUNK_NODES).map(chunk_of).collect()
}

fn push_arcs_from<V: Payload>(graph: &Graph, node: u32, is_kept: &[bool], chunk: &mut ArcChunk<V>) {
    let source = number(graph, node);
    for shard in graph.shards() {
        let (first_arc, targets) = out_targets(shard, NodeId(node));
        let thresholds = shard.arc_thresholds();
        for (position, &target_idx) in (first_arc..).zip(targets) {
            let target = shard.nodes().node(target_idx).0;
            if is_kept[target as usize] {
                let stored = thresholds.map_or(0, |thresholds| thresholds[position]);
                let value = V::from_probability(probability(stored));
                chunk.push(source, number(graph, target), value);
            }
        }
    }
}

fn push_arcs_into<V: Payload>(graph: &Graph, node: u32, is_kept: &[bool], chunk: &mut ArcChunk<V>) {
    let mut sources = Vec::new();
    graph.append_sources(NodeId(node), &mut sources);
    sources.retain(|&source| is_kept[source as usize]);
    let target = number(graph, node);
    for source in sources {
        chunk.push(number(graph, source), target, V::default());
    }
}

/// The original id of a node, as chunks hold it.
fn number(graph: &Graph, node: u32) -> u64 {
    graph.original(NodeId(node)).0
}

/// The probability that is stored as `stored`; exact, so that it is stored alike again.
fn probability(stored: u32) -> f64 {
    Threshold::from_stored(stored).width() as f64 / Threshold::ALWAYS.width() as f64
}
