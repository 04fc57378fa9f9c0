//! What `graph build` is asked for.

use std::path::PathBuf;
use std::str::FromStr;

use kaskade_store::{Order, Orientation, Views};

use crate::attributes::NodeTables;

/// Input files, how to read them, and where the graph goes.
#[derive(Clone, Debug)]
pub struct BuildSpec {
    /// The files; their arcs are one graph, whatever their order.
    pub inputs: Vec<PathBuf>,
    /// What a line `u v` means.
    pub orientation: Orientation,
    /// Whether every line stands for both directions.
    pub undirected: bool,
    /// The format of all inputs; where `None`, by each file's ending: `.u32`, `.u64`, else
    /// text. Whether a file is compressed is always said by its ending, `.gz` or `.zst`.
    pub format: Option<Format>,
    /// The column with an arc's probability or weight.
    pub column: Option<ColumnChoice>,
    /// How the values of equal arcs merge; without a column equal arcs are only counted.
    pub duplicates: Duplicates,
    /// So many bad lines are skipped and counted; one more is an error.
    pub skip_bad_lines: u64,
    /// Where the graph goes, and in what form.
    pub directory: DirectorySpec,
}

/// A graph directory to write.
#[derive(Clone, Debug)]
pub struct DirectorySpec {
    /// Its path.
    pub out: PathBuf,
    /// The order of the dense ids.
    pub order: Order,
    /// The number of shards, 1 to [`kaskade_store::MAX_SHARDS`].
    pub n_shards: u32,
    /// Which views a shard holds.
    pub views: Views,
    /// The memory that the build may take; no limit where `None`.
    pub memory_bytes: Option<u64>,
    /// Where runs of arcs spill; beside `out` where `None`. Nothing spills yet: a build that
    /// does not fit `memory_bytes` is refused.
    pub temp_dir: Option<PathBuf>,
    /// Tables of what is known of the nodes, to be kept beside the arcs.
    pub nodes: Option<NodeTables>,
    /// Whether to replace an existing directory.
    pub force: bool,
}

/// How a file's bytes are read, once decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An arc a line: two ids, 0 to 2⁶⁴ − 1, and any further columns, parted by spaces, tabs
    /// and at most one comma. Lines end in LF or CRLF. Blank lines and those that begin with
    /// `#` or `%` are passed over, and so is a header: the first line else, when it begins
    /// with a letter, a quote or `_`.
    Text,
    /// Pairs of little-endian `u32`, without a header.
    PairsU32,
    /// Pairs of little-endian `u64`, without a header.
    PairsU64,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "text" => Ok(Self::Text),
            "pairs-u32" => Ok(Self::PairsU32),
            "pairs-u64" => Ok(Self::PairsU64),
            _ => Err(format!("unknown format {word:?}: use text, pairs-u32 or pairs-u64")),
        }
    }
}

/// Which field of a line holds an arc's probability or weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnChoice {
    /// The field's place, counted from 0 over all fields: 2 is the first after the ids.
    Index(usize),
    /// The field's name in the header ([`Format::Text`]), found anew in every file.
    Name(String),
}

impl FromStr for ColumnChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Index))
    }
}

/// How the values of equal arcs become one. No rule depends on the order of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The largest.
    Max,
    /// The probability that at least one is live: 1 − Π(1 − p).
    NoisyOr,
    /// Their sum, which must not exceed 1.
    Sum,
    /// An error that names the arc.
    Error,
}

impl FromStr for Duplicates {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "max" => Ok(Self::Max),
            "noisy-or" => Ok(Self::NoisyOr),
            "sum" => Ok(Self::Sum),
            "error" => Ok(Self::Error),
            _ => Err(format!("unknown rule {word:?}: use max, noisy-or, sum or error")),
        }
    }
}
