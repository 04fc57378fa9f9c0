//! `kaskade graph …`.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand};
use kaskade_ingest::spec::{ColumnChoice, Duplicates, Format};
use kaskade_store::{Order, Orientation, Views};

use super::client::ClientArgs;
use crate::size::Size;

/// The commands of `graph`.
#[derive(Debug, Subcommand)]
pub(crate) enum GraphCommand {
    /// Build a graph directory from files of arcs
    Build(BuildArgs),
    /// Describe a graph directory
    Info(DirectoryArg),
    /// Re-read every byte of a graph directory and check every digest and invariant
    Verify(VerifyArgs),
    /// Register a graph directory with a coordinator; resumes where it was interrupted
    Push(PushArgs),
}

/// The flags of `graph build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Files of arcs, an arc a line or little-endian pairs; .gz and .zst are unpacked
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The graph directory to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What `u v` means: `influence`, what u posts reaches v; `follows`, u follows v
    #[arg(long, env = "KASKADE_ORIENTATION", default_value = "influence")]
    pub(crate) orientation: Orientation,
    /// Read every arc in both directions
    #[arg(long, env = "KASKADE_UNDIRECTED", value_parser = FalseyValueParser::new())]
    pub(crate) undirected: bool,
    /// The inputs' format: text, pairs-u32 or pairs-u64 [default: by each file's ending]
    #[arg(long, env = "KASKADE_FORMAT")]
    pub(crate) format: Option<Format>,
    /// The column with an arc's probability or weight: its name in the header, or its place
    /// from 0, where 2 is the first after the ids
    #[arg(long, value_name = "NAME-or-INDEX")]
    pub(crate) column: Option<ColumnChoice>,
    /// How the values of equal arcs merge: max, noisy-or, sum or error
    #[arg(long, env = "KASKADE_DUPLICATES", value_name = "RULE", default_value = "max")]
    pub(crate) duplicates: Duplicates,
    /// Skip and count up to N lines that cannot be read
    #[arg(long, env = "KASKADE_SKIP_BAD_LINES", value_name = "N", default_value_t = 0)]
    pub(crate) skip_bad_lines: u64,
    /// How to build the directory
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// How a graph directory is built, whatever from.
#[derive(Debug, Args)]
pub(crate) struct DirectoryArgs {
    /// The order of the nodes: in-degree (descending) or id; part of the graph's digest
    #[arg(long, env = "KASKADE_ORDER", default_value = "in-degree")]
    pub(crate) order: Order,
    /// Pieces to cut the graph into, 1 to 4096
    #[arg(
        long,
        env = "KASKADE_SHARDS",
        value_name = "N",
        default_value_t = DEFAULT_SHARDS,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(kaskade_store::MAX_SHARDS))
    )]
    pub(crate) shards: u32,
    /// Which views of the arcs a shard holds: out,in or out or in
    #[arg(long, env = "KASKADE_VIEWS", default_value = "out,in")]
    pub(crate) views: Views,
    /// Keep the arcs coded: about 0.6 of the bytes, decoded at every read
    #[arg(long, env = "KASKADE_COMPRESS", value_parser = FalseyValueParser::new())]
    pub(crate) compress: bool,
    /// Memory that the build may take: 64MiB, 50% of what is free, or auto (50%)
    #[arg(long, env = "KASKADE_MEMORY", value_name = "SIZE", default_value = "auto")]
    pub(crate) memory: Size,
    /// Where temporary files go [default: beside the directory]
    #[arg(long, env = "KASKADE_TEMP_DIR", value_name = "DIR", hide = true)]
    pub(crate) temp_dir: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Shards of a graph whose builder does not say.
pub(crate) const DEFAULT_SHARDS: u32 = 16;

/// A graph directory to read.
#[derive(Debug, Args)]
pub(crate) struct DirectoryArg {
    /// The graph directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// The flags of `graph verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The graph directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// The flags of `graph push`.
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// The graph directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The name to register it under [default: the directory's, without .kg]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Which coordinator
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
