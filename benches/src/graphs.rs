//! Graphs to run on, drawn anew into a scratch folder.

use std::sync::Arc;

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::DirectorySpec;
use kaskade_ingest::{GenerateTarget, generate};
use kaskade_model::seeds::{NodeDirectory, SeedPlan, top_degree};
use kaskade_model::spec::{GenerateSpec, GeneratorKind};
use kaskade_store::{Graph, MappedShard, ShardSelection, Verify};
use tempfile::TempDir;

/// The seed of every graph and every job of the benches.
pub const SEED: u64 = 1;

/// The R-MAT graph with 2^`scale` nodes, 16 arcs drawn for each.
#[must_use]
pub fn rmat(scale: u32) -> GenerateSpec {
    GenerateSpec {
        kind: GeneratorKind::Rmat,
        scale: Some(scale),
        nodes: None,
        edge_factor: Some(16.0),
        arcs: None,
        seed: SEED,
        a: None,
        b: None,
        c: None,
    }
}

/// A graph directory in a scratch folder, mapped. The folder goes when this does.
#[derive(Debug)]
pub struct BenchGraph {
    /// Its shards, all of them.
    pub shards: Vec<Arc<MappedShard>>,
    /// Its number of nodes.
    pub n_nodes: u32,
    top_degree: Vec<u32>,
    _folder: TempDir,
}

/// So many nodes of highest out-degree are kept as possible seeds.
const MAX_SEEDS: u32 = 64;

impl BenchGraph {
    /// Draws the R-MAT graph of `scale`.
    ///
    /// # Panics
    /// When the scratch folder cannot be written to.
    #[must_use]
    pub fn rmat(scale: u32) -> Self {
        let folder = tempfile::tempdir().expect("there is a scratch folder");
        let path = folder.path().join("rmat.kg");
        let target = GenerateTarget::Directory(DirectorySpec::at(path.clone()));
        generate(&rmat(scale), &target, &Unwatched).expect("the graph can be drawn");
        let graph = Graph::open(&path, ShardSelection::All, Verify::Full, &|_, _| {});
        let graph = graph.expect("what was just written can be read");
        let n_nodes = graph.n_nodes();
        let seeds = top_degree(MAX_SEEDS.min(n_nodes), &graph);
        Self {
            top_degree: seeds.into_iter().map(|node| node.0).collect(),
            n_nodes,
            shards: graph.into_shards().into_iter().map(Arc::new).collect(),
            _folder: folder,
        }
    }

    /// The `count` nodes of highest out-degree, at most 64 of them, as seeds.
    #[must_use]
    pub fn seeds(&self, count: usize) -> SeedPlan {
        SeedPlan::Fixed(self.top_degree.iter().take(count).copied().collect())
    }
}
