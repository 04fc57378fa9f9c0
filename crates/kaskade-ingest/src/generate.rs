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

use crate::arcs::ArcChunk;
use crate::dealing::Dealing;
use crate::error::IngestError;
use crate::memory::Budget;
use crate::nodes::{IdTable, NodeSet};
use crate::progress::{Phase, Progress, Unit};
use crate::publish::Publication;
use crate::runs::Reading;
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

    /// The arcs of chunk `chunk`, each from and to.
    fn chunk(&self, chunk: u64) -> Vec<[u32; 2]> {
        let numbers = chunk * CHUNK_ARCS..((chunk + 1) * CHUNK_ARCS).min(self.n_arcs());
        numbers.map(|number| self.arc(number).into()).collect()
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
    let budget = Budget::new(directory.memory_bytes);
    let publication = Publication::begin(directory, budget, progress)?;
    progress.begin(Phase::Draw, Some(n_arcs), Unit::Arcs);
    let nodes = NodeSet::Ranked(IdTable::AllBelow(n_nodes));
    let dealing = Dealing::<()>::begin(publication, nodes, Reading::Forward, n_arcs)?;
    chunks(generator).into_par_iter().try_for_each(|chunk| {
        let arcs = generator.chunk(chunk);
        let values = vec![(); arcs.len()];
        dealing.take(ArcChunk::narrow(arcs, values))
    })?;
    let facts = GraphFacts {
        order: directory.order,
        orientation: Orientation::Influence,
        undirected: false,
        views: directory.views,
        columns: Vec::new(),
        channels: Vec::new(),
        n_duplicates: 0,
        n_self_loops: 0,
        n_skipped_lines: 0,
    };
    dealing.finish(Duplicates::Max, facts)
}
