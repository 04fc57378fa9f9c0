//! `kaskade graph …`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, Subcommand, ValueEnum};
use kaskade_ingest::spec::{ColumnChoice, DEFAULT_SHARDS, Duplicates, Format, IdKind};
use kaskade_ingest::{DEFAULT_BACKWARD, DEFAULT_FORWARD};
use kaskade_model::lanes::MAX_LANE_WORDS;
use kaskade_model::spec::{DEFAULT_SEED, DEFAULT_SIMULATIONS};
use kaskade_store::{ColumnType, InvalidChoice, Order, Orientation, Views};

use super::client::ClientArgs;
use crate::size::Size;

/// The commands of `graph`.
#[derive(Debug, Subcommand)]
pub(crate) enum GraphCommand {
    /// Build a graph directory from files of arcs
    Build(BuildArgs),
    /// Describe a graph directory: degrees, reciprocity, components, orientation, bytes
    Info(InfoArgs),
    /// Re-read every byte of a graph directory and check every digest and invariant
    Verify(VerifyArgs),
    /// Register a graph directory with a coordinator; resumes where it was interrupted
    Push(PushArgs),
    /// Say what a job on a graph takes on each worker, by placement
    Plan(PlanArgs),
    /// Write the arcs of a graph directory to a text or Parquet file
    Export(ExportArgs),
    /// Make a smaller graph of a large one
    Sample(SampleArgs),
}

/// The flags of `graph build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Files of arcs, of any of the formats; .gz and .zst are unpacked; - is standard input
    #[arg(required_unless_present = "channel", value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// A file of the arcs of a channel (e-mail, follows, …), in place of an input; repeat it for
    /// each file. An arc belongs to all channels that have it
    #[arg(long, value_name = "NAME=FILE", conflicts_with = "inputs")]
    pub(crate) channel: Vec<ChannelInput>,
    /// The column with an arc's channel, whose values are the names of the channels (mail, sms, …),
    /// at most 8: its name in the header, or its place from 0, as for --column. An arc belongs to
    /// all channels that its rows name
    #[arg(long, value_name = "NAME-or-INDEX")]
    pub(crate) channel_column: Option<ColumnChoice>,
    /// The graph directory to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What `u v` means: `influence`, what u posts reaches v; `follows`, u follows v
    #[arg(long, env = "KASKADE_ORIENTATION", default_value = "influence")]
    pub(crate) orientation: Orientation,
    /// Read every arc in both directions
    #[arg(long, env = "KASKADE_UNDIRECTED", value_parser = BoolishValueParser::new())]
    pub(crate) undirected: bool,
    /// The inputs' format: text, csv, tsv, konect, matrix-market, metis, graphalytics,
    /// graph500, pairs-u32, pairs-u64, gap-sg, parquet or bvgraph [default: by each file's
    /// ending, else its first bytes]
    #[arg(long, env = "KASKADE_FORMAT")]
    pub(crate) format: Option<Format>,
    /// What an id is: number, string (text, csv, tsv, konect, parquet), or auto: strings if
    /// the ids of the first input's first lines are no numbers.
    #[arg(long, env = "KASKADE_IDS", value_name = "KIND", default_value = "auto")]
    pub(crate) ids: IdKind,
    /// The column with an arc's source, in csv, tsv and parquet: its name in the header, or its
    /// place from 0 [default: source, src, from, u and the like, else the first]
    #[arg(long, value_name = "NAME-or-INDEX")]
    pub(crate) source_column: Option<ColumnChoice>,
    /// The column with an arc's target, likewise [default: target, dst, to, v and the like,
    /// else the second]
    #[arg(long, value_name = "NAME-or-INDEX")]
    pub(crate) target_column: Option<ColumnChoice>,
    /// The column with an arc's probability or weight: its name in the header (weight where a
    /// format has no names), or its place from 0, where 2 is the first after the ids
    #[arg(long, value_name = "NAME-or-INDEX")]
    pub(crate) column: Option<ColumnChoice>,
    /// How the values of equal arcs merge: max, noisy-or, sum or error
    #[arg(long, env = "KASKADE_DUPLICATES", value_name = "RULE", default_value = "max")]
    pub(crate) duplicates: Duplicates,
    /// Skip and count up to N lines that cannot be read
    #[arg(long, env = "KASKADE_SKIP_BAD_LINES", value_name = "N", default_value_t = 0)]
    pub(crate) skip_bad_lines: u64,
    /// What is known of the nodes
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// How to build the directory
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// A file of the arcs of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChannelInput {
    /// The channel's name.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
}

impl FromStr for ChannelInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or_else(|| {
            format!("{text:?} has no file: write NAME=FILE, for example email=email.txt")
        })?;
        Ok(Self { name: name.to_owned(), path: path.into() })
    }
}

/// Tables of what is known of the nodes.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// A table with a column of ids and columns to keep beside the graph: CSV or TSV with a
    /// header, .gz or .zst too, or .parquet; repeat it for several tables
    #[arg(long, value_name = "TABLE")]
    pub(crate) nodes: Vec<PathBuf>,
    /// The column of the tables that holds the ids [default: id, else node, else the first]
    #[arg(long, value_name = "NAME", requires = "nodes")]
    pub(crate) nodes_key: Option<String>,
    /// Types of columns that are not to be told from their values: category, number or bool
    #[arg(long, value_name = "NAME=TYPE,…", value_delimiter = ',', requires = "nodes")]
    pub(crate) nodes_types: Vec<TypedColumn>,
}

/// A column and the type that it is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedColumn {
    /// The column's name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) kind: ColumnType,
}

impl FromStr for TypedColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, kind) = text
            .rsplit_once('=')
            .ok_or_else(|| format!("{text:?} has no type: write NAME=category, number or bool"))?;
        let kind = kind.parse().map_err(|error: InvalidChoice| error.to_string())?;
        Ok(Self { name: name.to_owned(), kind })
    }
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
    #[arg(long, env = "KASKADE_COMPRESS", value_parser = BoolishValueParser::new())]
    pub(crate) compress: bool,
    /// Memory that the build may take: 64MiB, 50% of what is free, or auto (50%); arcs beyond
    /// it go through temporary files
    #[arg(long, env = "KASKADE_MEMORY", value_name = "SIZE", default_value = "auto")]
    pub(crate) memory: Size,
    /// Where temporary files go [default: beside the directory]
    #[arg(long, env = "KASKADE_TEMP_DIR", value_name = "DIR")]
    pub(crate) temp_dir: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// The flags of `graph info`.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// The graph directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Read the manifest only, no arcs
    #[arg(long)]
    pub(crate) quick: bool,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
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

/// The flags of `graph plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The graph directory, of which only the manifest is read
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Workers of the cluster
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_WORKERS))]
    pub(crate) workers: u32,
    /// Memory of each of them: 64MiB, 50% of what is free here, or auto (80%)
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Size,
    /// The number of simulations, by which W is chosen where it is not given
    #[arg(long, env = "KASKADE_SIMULATIONS", default_value_t = DEFAULT_SIMULATIONS)]
    pub(crate) simulations: u64,
    /// W: 64·W simulations advance together, 1 to 8 [default: by simulations and workers]
    #[arg(
        long,
        env = "KASKADE_LANE_WORDS",
        value_name = "W",
        value_parser = clap::value_parser!(u64).range(1..=MAX_LANE_WORDS as u64)
    )]
    pub(crate) lane_words: Option<u64>,
    /// Batches that a worker has in hand at a time [default: as many as a coordinator gives]
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) batches: Option<u64>,
    /// Threads of a `kaskade run` that is told of beside: a batch in flight each
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// More workers than any cluster has.
const MAX_WORKERS: i64 = 1 << 16;

/// The flags of `graph export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The graph directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The file to write, its format by its ending: .txt, .tsv or .csv, then .gz or .zst if
    /// wanted, or .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Write each node without arcs as an arc to itself, so that a build learns of it
    #[arg(long)]
    pub(crate) isolated_as_self_loops: bool,
    /// Of a graph with channels the one whose arcs are written
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// The flags of `graph sample`.
#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// The graph directory
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// The graph directory to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Keep so many nodes
    #[arg(long, value_name = "N", required_unless_present = "share", conflicts_with = "share")]
    pub(crate) nodes: Option<u64>,
    /// Keep this share of the nodes, above 0 and at most 1
    #[arg(long, value_name = "X")]
    pub(crate) share: Option<f64>,
    /// How nodes are chosen
    #[arg(long, default_value = "forest-fire")]
    pub(crate) method: SampleChoice,
    /// Forest fire: the forward burning probability; p/(1-p) targets of a node burn on average
    #[arg(long, value_name = "P", default_value_t = DEFAULT_FORWARD)]
    pub(crate) forward: f64,
    /// Forest fire: the backward burning probability, the same for a node's sources
    #[arg(long, value_name = "P", default_value_t = DEFAULT_BACKWARD)]
    pub(crate) backward: f64,
    /// The seed of all draws
    #[arg(long, env = "KASKADE_SEED", default_value_t = DEFAULT_SEED)]
    pub(crate) seed: u64,
    /// How to build the directory
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = super::job::threads())]
    pub(crate) threads: Option<u64>,
}

/// How the nodes of a sample are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SampleChoice {
    /// Fires that spread along arcs (Leskovec and Faloutsos 2006): keeps the graph's shape
    ForestFire,
    /// Every set of nodes as likely as any other: of the arcs the square of the share is left
    Node,
}
