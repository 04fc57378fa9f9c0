//! The graph on chosen nodes, written.

use std::path::Path;

use kaskade_model::coin::Threshold;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::{NodeId, Shard};
use kaskade_store::{Graph, GraphFacts, Manifest, MappedShard, Originals, Strings, Views};
use rayon::prelude::*;

use crate::arcs::{ArcChunk, ChannelSet, Payload};
use crate::dealing::Dealing;
use crate::error::IngestError;
use crate::memory::Budget;
use crate::nodes::{IdTable, NodeSet};
use crate::progress::{Phase, Progress, Unit};
use crate::publish::Publication;
use crate::runs::Reading;
use crate::spec::{DirectorySpec, Duplicates};

/// Writes the graph that `graph`, the directory `dir`, has on `nodes` (dense ids, ascending).
pub(super) fn write(
    graph: &Graph,
    dir: &Path,
    nodes: &[u32],
    directory: &DirectorySpec,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let manifest = graph.manifest();
    if manifest.columns.is_empty() && manifest.channels.is_empty() {
        return write_with::<()>(graph, nodes, directory, progress, |_, _| ());
    }
    // In-views hold the sums of a column, out-views its values.
    manifest.require(dir, Views::Out)?;
    if manifest.channels.is_empty() {
        write_with::<f64>(graph, nodes, directory, progress, |shard, position| {
            shard.arc_thresholds().map_or(0.0, |thresholds| probability(thresholds[position]))
        })
    } else {
        write_with::<ChannelSet>(graph, nodes, directory, progress, |shard, position| {
            shard.arc_channels().map_or_else(ChannelSet::default, |of| ChannelSet(of[position]))
        })
    }
}

fn write_with<V: Payload>(
    graph: &Graph,
    nodes: &[u32],
    directory: &DirectorySpec,
    progress: &dyn Progress,
    value_of: impl Fn(&MappedShard, usize) -> V + Sync,
) -> Result<Manifest, IngestError> {
    let publication = Publication::begin(directory, Budget::new(directory.memory_bytes), progress)?;
    let manifest = graph.manifest();
    let has_out = manifest.views.has_out();
    let degrees = if has_out { graph.out_degrees() } else { graph.in_degrees() };
    // Arcs to other nodes are looked at too, and left out.
    let n_looked_at =
        |nodes: &[u32]| nodes.iter().map(|&node| u64::from(degrees[node as usize])).sum();
    let n_arcs: u64 = n_looked_at(nodes);
    progress.begin(Phase::Draw, None, Unit::Arcs);

    let chosen = Chosen::new(graph, nodes);
    let ids = chosen.ids(graph);
    let dealing = Dealing::<V>::begin(publication, NodeSet::Ranked(ids), Reading::Forward, n_arcs)?;
    nodes.par_chunks(CHUNK_NODES).try_for_each(|nodes| {
        let mut chunk = ArcChunk::with_capacity(nodes.len());
        for &node in nodes {
            if has_out {
                chosen.push_arcs_from(graph, node, &value_of, &mut chunk);
            } else {
                chosen.push_arcs_into(graph, node, &mut chunk);
            }
            if chunk.len() >= CHUNK_ARCS {
                dealing.take(std::mem::replace(&mut chunk, ArcChunk::with_capacity(0)))?;
            }
        }
        dealing.take(chunk)
    })?;
    let facts = GraphFacts {
        order: directory.order,
        orientation: manifest.orientation,
        undirected: manifest.undirected,
        views: directory.views,
        columns: manifest.columns.clone(),
        channels: manifest.channels.clone(),
        n_duplicates: 0,
        n_self_loops: 0,
        n_skipped_lines: 0,
    };
    // The arcs of a graph are distinct.
    dealing.finish(Duplicates::Error, facts)
}

/// Nodes whose arcs are looked at together.
const CHUNK_NODES: usize = 1 << 12;

/// A chunk ends with the node by which it has so many arcs.
const CHUNK_ARCS: usize = 1 << 18;

/// The nodes that stay, by their rank among themselves in the order of original ids.
struct Chosen {
    /// The rank of each dense id of the whole graph; [`Chosen::NOT`] for the others.
    rank_of: Vec<u32>,
    /// The dense id of each rank.
    dense_of: Vec<u32>,
}

impl Chosen {
    /// No rank: a graph has at most 2³² − 1 nodes.
    const NOT: u32 = u32::MAX;

    fn new(graph: &Graph, nodes: &[u32]) -> Self {
        let mut rank_of = vec![Self::NOT; graph.n_nodes() as usize];
        nodes.iter().for_each(|&node| rank_of[node as usize] = 0);
        let is_chosen = |node: &u32| rank_of[*node as usize] != Self::NOT;
        let dense_of: Vec<u32> = graph.by_original().iter().copied().filter(is_chosen).collect();
        for (rank, &node) in (0..).zip(&dense_of) {
            rank_of[node as usize] = rank;
        }
        Self { rank_of, dense_of }
    }

    fn ids(&self, graph: &Graph) -> IdTable {
        match graph.nodes().originals() {
            Originals::Numbers(numbers) => {
                IdTable::Wide(self.dense_of.iter().map(|&node| numbers[node as usize]).collect())
            }
            Originals::Names { ends, bytes } => {
                let all = Strings::new(ends, bytes);
                let (mut ends, mut bytes) = (Vec::new(), Vec::new());
                for &node in &self.dense_of {
                    bytes.extend_from_slice(all.get(node as usize).unwrap_or_default());
                    ends.push(bytes.len() as u64);
                }
                IdTable::Names { ends, bytes }
            }
        }
    }

    /// Appends the arcs from `node` with their values, which `value_of` finds by shard and position.
    fn push_arcs_from<V: Payload>(
        &self,
        graph: &Graph,
        node: u32,
        value_of: &impl Fn(&MappedShard, usize) -> V,
        chunk: &mut ArcChunk<V>,
    ) {
        let source = self.rank_of[node as usize];
        let mut scratch = Vec::new();
        for shard in graph.shards() {
            let arcs = shard.out_arcs(NodeId(node), &mut scratch);
            for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
                let target = self.rank_of[shard.nodes().node(target_idx).index()];
                if target != Self::NOT {
                    chunk.push(source.into(), target.into(), value_of(shard, position));
                }
            }
        }
    }

    fn push_arcs_into<V: Payload>(&self, graph: &Graph, node: u32, chunk: &mut ArcChunk<V>) {
        let target = self.rank_of[node as usize];
        let mut sources = Vec::new();
        graph.append_sources(NodeId(node), &mut sources);
        let ranks = sources.iter().map(|&source| self.rank_of[source as usize]);
        for source in ranks.filter(|&rank| rank != Self::NOT) {
            chunk.push(source.into(), target.into(), V::default());
        }
    }
}

/// The probability that is stored as `stored`; exact, so that it is stored alike again.
fn probability(stored: u32) -> f64 {
    Threshold::from_stored(stored).width() as f64 / Threshold::ALWAYS.width() as f64
}
