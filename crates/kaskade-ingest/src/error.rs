//! Why a graph could not be built or generated.

use std::io;
use std::path::PathBuf;

use kaskade_model::ShardId;
use kaskade_model::dynamics::MAX_CHANNELS;
use kaskade_model::spec::{OriginalId, SpecError};
use kaskade_store::StoreError;

mod input;

use crate::attributes::NodeTableError;
pub use input::{BadLine, Malformed, Place};

/// Why a graph could not be built or generated. Whichever it is, nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// No input file was named.
    #[error("no input file: name at least one")]
    NoInput,
    /// Arcs with channels and a column.
    #[error("arcs that come over channels have no column: leave out --column")]
    ChannelsWithColumn,
    /// Channels that are named twice over.
    #[error(
        "channels are said by files or by a column: leave out --channel-column, or give the files \
         as inputs instead of --channel"
    )]
    ChannelsTwice,
    /// A column with more classes than a graph can have channels.
    #[error(
        "{path}:{line}: {name:?} is one channel more than the {MAX_CHANNELS} that a graph can \
         have, beside {known}: give some of them one name, or choose another --channel-column"
    )]
    TooManyClasses {
        /// The input.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The class that is one too many, the first in the order of the input.
        name: String,
        /// Those before it.
        known: String,
    },
    /// A channel with a name that no flag could spell.
    #[error(
        "{name:?} is no name of a channel: use 1 to 64 letters, digits, dots, dashes and underscores"
    )]
    ChannelName {
        /// The name.
        name: String,
    },
    /// A file of arcs of several channels.
    #[error(
        "the arcs belong to channels, which the file would not say: choose one of {known} with --channel NAME"
    )]
    ExportChannel {
        /// Those of the graph.
        known: String,
    },
    /// A channel that the graph does not have.
    #[error("the graph has no channel {name:?}, its channels are: {known}")]
    NoChannel {
        /// The name.
        name: String,
        /// Those of the graph.
        known: String,
    },
    /// More channels than an arc can belong to, or one twice.
    #[error("a graph has at most {MAX_CHANNELS} channels, each named once: {n_channels} are named")]
    TooManyChannels {
        /// How many there are.
        n_channels: usize,
    },
    /// An input could not be opened.
    #[error("could not open {path}, check that it is there and readable")]
    Open {
        /// The input.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An input is a directory.
    #[error("{path} is a directory: name the files in it")]
    InputIsDirectory {
        /// The input.
        path: PathBuf,
    },
    /// An input could not be read to its end, or is not compressed as its name says.
    #[error("could not read {path}: is the file complete, and its ending right?")]
    Read {
        /// The input.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are more bad lines than may be skipped; this is the first of them.
    #[error(
        "{path}:{line}: {reason}: \"{text}\"; {}", bad_line_advice(*allowed)
    )]
    BadLine {
        /// The input.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: BadLine,
        /// The line, escaped and cut short.
        text: String,
        /// How many bad lines the build was told to skip.
        allowed: u64,
    },
    /// A file of pairs ends within a pair.
    #[error(
        "{path} ends with {left} of the {record_bytes} bytes of a pair: \
         is the file complete, and is --format right?"
    )]
    PartialPair {
        /// The input.
        path: PathBuf,
        /// The bytes of a pair.
        record_bytes: usize,
        /// The bytes after the last whole pair.
        left: usize,
    },
    /// A column was asked of a file of pairs.
    #[error("{path} holds pairs and has no columns: leave out --column and --channel-column")]
    PairsHaveNoColumn {
        /// The input.
        path: PathBuf,
    },
    /// A column was named, and the file has no header line.
    #[error(
        "{path} has no header line to find column {name:?} in: give the column's index, from 0"
    )]
    NoHeader {
        /// The input.
        path: PathBuf,
        /// The column's name.
        name: String,
    },
    /// The header has no such column.
    #[error("{path} has no column {name:?}: its header reads \"{header}\"")]
    UnknownColumn {
        /// The input.
        path: PathBuf,
        /// The column's name.
        name: String,
        /// The header line, escaped and cut short.
        header: String,
    },
    /// The chosen column holds the ids.
    #[error("column {column} holds ids: choose another, counted from 0")]
    ColumnIsAnId {
        /// The column, as given.
        column: String,
    },
    /// An input was to be read as text and would be misread.
    #[error(
        "{path} is a MatrixMarket file, whose size line would read as an arc: \
         use --format matrix-market"
    )]
    MatrixMarket {
        /// The input.
        path: PathBuf,
    },
    /// An input is not what its format says.
    #[error("{path}{place}: {reason}")]
    Malformed {
        /// The input.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong.
        reason: Malformed,
    },
    /// Standard input was named more than once.
    #[error("standard input can be read once: name `-` once")]
    StdinTwice,
    /// The inputs hold no arc.
    #[error("the graph is empty: no input holds an arc")]
    EmptyGraph,
    /// There are more distinct ids than dense ids.
    #[error("the graph has {n_nodes} nodes, and at most {} can be held", u32::MAX)]
    TooManyNodes {
        /// The nodes.
        n_nodes: u64,
    },
    /// The number of shards is out of range.
    #[error("cannot cut {n_shards} shards: use 1 to {}", kaskade_store::MAX_SHARDS)]
    ShardCount {
        /// The shards asked for.
        n_shards: u32,
    },
    /// An arc occurs twice, and duplicates were to be errors.
    #[error(
        "the arc {source_id} -> {target_id} occurs more than once: \
         merge with --duplicates max, noisy-or or sum"
    )]
    DuplicateArc {
        /// The source's original id.
        source_id: OriginalId,
        /// The target's original id.
        target_id: OriginalId,
    },
    /// The values of equal arcs sum to more than a probability can be.
    #[error(
        "the values of the arc {source_id} -> {target_id} sum to {sum}, more than 1: \
         merge with --duplicates max or noisy-or"
    )]
    SumExceedsOne {
        /// The source's original id.
        source_id: OriginalId,
        /// The target's original id.
        target_id: OriginalId,
        /// The sum.
        sum: f64,
    },
    /// The arcs do not fit the memory that the build may take.
    #[error(
        "the build needs about {needed_bytes} bytes of memory and may take {allowed_bytes}: \
         raise --memory"
    )]
    MemoryExceeded {
        /// The estimate.
        needed_bytes: u64,
        /// The limit.
        allowed_bytes: u64,
    },
    /// A single shard does not fit the memory that the build may take.
    #[error(
        "shard {shard} needs about {needed_bytes} bytes of memory while it is written, and \
         {allowed_bytes} are left for it: raise --memory, or cut more --shards"
    )]
    ShardMemory {
        /// The shard.
        shard: ShardId,
        /// The estimate.
        needed_bytes: u64,
        /// What is left for it.
        allowed_bytes: u64,
    },
    /// A temporary file could not be written or read.
    #[error(
        "could not keep temporary files in {folder}: free space there, choose another --temp-dir, \
         or raise --memory"
    )]
    Spill {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A generator was asked for what cannot be.
    #[error(transparent)]
    Generator(#[from] SpecError),
    /// The file of a synthetic graph exists.
    #[error("{path} exists: choose another path, or replace it with --force")]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// The ending of a synthetic graph's file says no format.
    #[error(
        "cannot tell the format of {path}: end it in .txt, .u32 or .u64, then .gz or .zst if wanted, \
         or in .kg or / for a graph directory"
    )]
    UnknownEnding {
        /// The file.
        path: PathBuf,
    },
    /// More nodes were asked for than there are, or none.
    #[error("cannot sample {wanted} nodes of {n_nodes}: ask for 1 to {n_nodes}")]
    SampleNodes {
        /// Nodes asked for.
        wanted: u64,
        /// Nodes of the graph.
        n_nodes: u64,
    },
    /// A share or a probability of a sample is out of range.
    #[error("cannot sample with {name} {value}: use {accepted}")]
    SampleNumber {
        /// What it is of.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A name would not read back from plain text.
    #[error(
        "{path} cannot hold the name \"{name}\" in plain text: end it in .csv, .tsv or .parquet"
    )]
    ExportName {
        /// The file.
        path: PathBuf,
        /// The name, escaped and cut short.
        name: String,
    },
    /// The ending of a file to export to says no format.
    #[error(
        "cannot tell the format of {path}: end it in .txt, .tsv or .csv, then .gz or .zst if \
         wanted, or in .parquet"
    )]
    ExportEnding {
        /// The file.
        path: PathBuf,
    },
    /// The file of a synthetic or an exported graph could not be written.
    #[error("could not write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A table of node columns cannot be read.
    #[error(transparent)]
    NodeTable(#[from] NodeTableError),
    /// The graph directory could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn bad_line_advice(allowed: u64) -> String {
    if allowed == 0 {
        "fix it, or skip such lines with --skip-bad-lines N".to_owned()
    } else {
        format!("it is the first of more than the {allowed} that --skip-bad-lines allows")
    }
}
