//! Synthetic graphs.
//!
//! Arc number i of a graph is a pure function of its parameters and i: graphs are drawn in
//! parallel and are the same for any number of threads. Ids are not scrambled: `rmat` has its
//! hubs at ids with few bits, `barabasi-albert` at the smallest.

mod barabasi_albert;
pub(crate) mod draws;
mod erdos_renyi;
mod file;
mod plan;
mod rmat;

use std::ops::Range;
use std::path::PathBuf;

use kaskade_model::spec::GenerateSpec;
use kaskade_store::{GraphFacts, Manifest, Orientation};
use rayon::prelude::*;

use crate::arcs::{ArcChunk, RawArc};
use crate::error::IngestError;
use crate::incoming::InArc;
use crate::memory::{Allowance, NODE_BYTES};
use crate::nodes::NodeSet;
use crate::progress::{Phase, Progress, Unit};
use crate::publish::Publication;
use crate::runs::{Buckets, Reading, partition, ranked_arc_bytes};
use crate::spec::{DirectorySpec, Duplicates};

pub use plan::DEFAULT_EDGE_FACTOR;

/// Where a synthetic graph goes.
#[derive(Clone, Debug)]
pub enum GenerateTarget {
    /// A graph directory, with isolated nodes: all n nodes are in it.
    Directory(DirectorySpec),
    /// A file of the arcs as drawn, equal ones and self-loops included; its format and
    /// compression by its ending: `.txt`, `.u32` or `.u64`, then `.gz` or `.zst`. A node
    /// without arcs is not in it.
    File {
        /// The file.
        path: PathBuf,
        /// Whether to replace an existing one.
        force: bool,
    },
}

/// What was generated.
#[derive(Clone, Debug, PartialEq)]
pub enum Generated {
    /// A graph directory.
    Directory(Box<Manifest>),
    /// A file.
    File {
        /// The graph's nodes, isolated ones included.
        n_nodes: u32,
        /// The arcs drawn.
        n_arcs: u64,
    },
}

/// Generates the graph of `spec` into `target`, on the threads of the current pool.
///
/// # Errors
/// [`IngestError::Generator`] for parameters that contradict each other or are out of range,
/// else as [`crate::build()`]. Nothing is left behind, and what was to be replaced is still
/// there.
pub fn generate(
    spec: &GenerateSpec,
    target: &GenerateTarget,
    progress: &dyn Progress,
) -> Result<Generated, IngestError> {
    let generator = plan::plan(spec)?;
    match target {
        GenerateTarget::Directory(directory) => {
            let manifest = generate_directory(generator.as_ref(), directory, progress)?;
            Ok(Generated::Directory(Box::new(manifest)))
        }
        GenerateTarget::File { path, force } => {
            file::write(generator.as_ref(), path, *force, progress)?;
            Ok(Generated::File { n_nodes: generator.n_nodes(), n_arcs: generator.n_arcs() })
        }
    }
}

/// A family of graphs with its parameters.
trait ArcGenerator: Send + Sync {
    /// The number of nodes; ids are below it.
    fn n_nodes(&self) -> u32;

    /// The number of arcs drawn.
    fn n_arcs(&self) -> u64;

    /// Source and target of arc `number`.
    fn arc(&self, number: u64) -> (u32, u32);

    /// The arcs of chunk `chunk`.
    fn chunk(&self, chunk: u64) -> Vec<RawArc<u32, ()>> {
        let numbers = chunk * CHUNK_ARCS..((chunk + 1) * CHUNK_ARCS).min(self.n_arcs());
        let arc = |number| {
            let (from, to) = self.arc(number);
            RawArc { from, to, value: () }
        };
        numbers.map(arc).collect()
    }
}

/// The arcs that are drawn at a time.
const CHUNK_ARCS: u64 = 1 << 18;

/// The numbers of all chunks of `generator`.
fn chunks(generator: &dyn ArcGenerator) -> Range<u64> {
    0..generator.n_arcs().div_ceil(CHUNK_ARCS)
}

fn generate_directory(
    generator: &dyn ArcGenerator,
    directory: &DirectorySpec,
    progress: &dyn Progress,
) -> Result<Manifest, IngestError> {
    let (n_nodes, n_arcs) = (generator.n_nodes(), generator.n_arcs());
    let bytes_per_arc = ranked_arc_bytes::<()>(false) + size_of::<InArc<()>>() as u64;
    let needed_bytes = n_arcs * bytes_per_arc + u64::from(n_nodes) * NODE_BYTES;
    Allowance::new(directory.memory_bytes).check(needed_bytes)?;
    let publication = Publication::begin(directory, progress)?;

    progress.begin(Phase::Draw, Some(n_arcs), Unit::Arcs);
    let nodes = NodeSet::AllBelow(n_nodes);
    let drawn = chunks(generator).into_par_iter().map(|i| ArcChunk::Narrow(generator.chunk(i)));
    let buckets = Buckets::new(n_nodes, n_arcs);
    let runs = partition(drawn, &nodes, buckets, Reading::Forward, progress)?;
    let facts = GraphFacts {
        order: directory.order,
        orientation: Orientation::Influence,
        undirected: false,
        views: directory.views,
        columns: Vec::new(),
        n_duplicates: 0,
        n_self_loops: runs.n_self_loops,
        n_skipped_lines: 0,
    };
    publication.finish(nodes, runs, Duplicates::Max, facts)
}
