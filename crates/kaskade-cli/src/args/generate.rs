//! `kaskade generate`.

use std::path::PathBuf;

use clap::Args;
use kaskade_ingest::DEFAULT_EDGE_FACTOR;
use kaskade_model::spec::{DEFAULT_SEED, GenerateSpec, GeneratorKind};

use super::word::word;

/// The flags of `generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// The family of graphs
    #[arg(value_name = "FAMILY", value_parser = word::<GeneratorKind>(FAMILIES))]
    pub(crate) kind: GeneratorKind,
    /// 2^SCALE nodes, isolated ones included
    #[arg(long, required_unless_present = "nodes", conflicts_with = "nodes")]
    pub(crate) scale: Option<u32>,
    /// So many nodes, isolated ones included
    #[arg(long, value_name = "N")]
    pub(crate) nodes: Option<u64>,
    /// Arcs drawn per node
    #[arg(long, value_name = "NUMBER", default_value_t = DEFAULT_EDGE_FACTOR)]
    pub(crate) edge_factor: f64,
    /// Arcs drawn in all, in place of --edge-factor
    #[arg(long, value_name = "N", conflicts_with = "edge_factor")]
    pub(crate) arcs: Option<u64>,
    /// The seed of the generator
    #[arg(long, env = "KASKADE_SEED", default_value_t = DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// R-MAT: the share of arcs in the upper left quadrant
    #[arg(long, value_name = "SHARE")]
    pub(crate) a: Option<f64>,
    /// R-MAT: the share of arcs in the upper right quadrant
    #[arg(long, value_name = "SHARE")]
    pub(crate) b: Option<f64>,
    /// R-MAT: the share of arcs in the lower left quadrant
    #[arg(long, value_name = "SHARE")]
    pub(crate) c: Option<f64>,
    /// Where the graph goes: a directory if it ends in .kg or /, otherwise a file, its format
    /// by its ending (.txt, .u32 or .u64, then .gz or .zst if wanted)
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// How to build a graph directory
    #[command(flatten)]
    pub(crate) directory: super::graph::DirectoryArgs,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// The families' names.
const FAMILIES: &[&str] = &["rmat", "erdos-renyi", "barabasi-albert"];

impl GenerateArgs {
    /// The graph that is asked for.
    pub(crate) fn spec(&self) -> GenerateSpec {
        GenerateSpec {
            kind: self.kind,
            scale: self.scale,
            nodes: self.nodes,
            edge_factor: self.arcs.is_none().then_some(self.edge_factor),
            arcs: self.arcs,
            seed: self.seed,
            a: self.a,
            b: self.b,
            c: self.c,
        }
    }
}
