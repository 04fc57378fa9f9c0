//! What `graph build` is asked for.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use kaskade_store::{Order, Orientation, Views};

use crate::attributes::NodeTables;

/// Inputs, how to read them, and where the graph goes.
#[derive(Clone, Debug)]
pub struct BuildSpec {
    /// The inputs; their arcs are one graph, whatever their order.
    pub inputs: Vec<Input>,
    /// For each input the place of its channel in [`BuildSpec::channels`]; of none where that names
    /// none.
    pub channel_of: Vec<u8>,
    /// What a line `u v` means.
    pub orientation: Orientation,
    /// Whether every line stands for both directions.
    pub undirected: bool,
    /// The format of all inputs; sniffed for each where `None`, as [`Format`] says.
    pub format: Option<Format>,
    /// What an id is.
    pub ids: IdKind,
    /// The column with an arc's source, in a format with named columns; by its header where
    /// `None`, as [`Format::Csv`] says.
    pub source_column: Option<ColumnChoice>,
    /// The column with an arc's target, likewise.
    pub target_column: Option<ColumnChoice>,
    /// The column with an arc's probability or weight.
    pub column: Option<ColumnChoice>,
    /// The names of the channels that inputs are all of, at most 8. Arcs with channels have no
    /// column.
    pub channels: Vec<String>,
    /// The column with an arc's class: the name of its channel. The channels of the graph are the
    /// classes that occur, at most 8, in ascending bytewise order.
    pub channel_column: Option<ColumnChoice>,
    /// How the values of equal arcs merge; without a column equal arcs are only counted.
    pub duplicates: Duplicates,
    /// So many bad lines are skipped and counted; one more is an error.
    pub skip_bad_lines: u64,
    /// Where the graph goes, and in what form.
    pub directory: DirectorySpec,
}

impl BuildSpec {
    /// A build of `inputs` when nothing else is said.
    #[must_use]
    pub fn of(inputs: Vec<Input>, directory: DirectorySpec) -> Self {
        let ReadSpec {
            inputs,
            channel_of,
            format,
            ids,
            source_column,
            target_column,
            column,
            channel_column,
            skip_bad_lines,
        } = ReadSpec::of(inputs);
        Self {
            inputs,
            channel_of,
            orientation: Orientation::Influence,
            undirected: false,
            format,
            ids,
            source_column,
            target_column,
            column,
            channels: Vec::new(),
            channel_column,
            duplicates: Duplicates::Max,
            skip_bad_lines,
            directory,
        }
    }

    /// Whether arcs belong to channels.
    pub(crate) fn has_channels(&self) -> bool {
        !self.channels.is_empty() || self.channel_column.is_some()
    }

    /// What of it says how the inputs are read.
    #[must_use]
    pub fn reading(&self) -> ReadSpec {
        ReadSpec {
            inputs: self.inputs.clone(),
            channel_of: self.channel_of.clone(),
            format: self.format,
            ids: self.ids,
            source_column: self.source_column.clone(),
            target_column: self.target_column.clone(),
            column: self.column.clone(),
            channel_column: self.channel_column.clone(),
            skip_bad_lines: self.skip_bad_lines,
        }
    }
}

/// Inputs and how to read them; the fields are those of [`BuildSpec`].
#[derive(Clone, Debug)]
pub struct ReadSpec {
    /// The inputs.
    pub inputs: Vec<Input>,
    /// For each input the place of its channel.
    pub channel_of: Vec<u8>,
    /// The format of all inputs, or sniffed.
    pub format: Option<Format>,
    /// What an id is.
    pub ids: IdKind,
    /// The column with an arc's source.
    pub source_column: Option<ColumnChoice>,
    /// The column with an arc's target.
    pub target_column: Option<ColumnChoice>,
    /// The column with an arc's probability or weight.
    pub column: Option<ColumnChoice>,
    /// The column with an arc's class; not together with [`ReadSpec::column`].
    pub channel_column: Option<ColumnChoice>,
    /// So many bad lines are skipped and counted.
    pub skip_bad_lines: u64,
}

impl ReadSpec {
    /// How `inputs` are read when nothing else is said.
    #[must_use]
    pub fn of(inputs: Vec<Input>) -> Self {
        Self {
            inputs,
            channel_of: Vec::new(),
            format: None,
            ids: IdKind::Auto,
            source_column: None,
            target_column: None,
            column: None,
            channel_column: None,
            skip_bad_lines: 0,
        }
    }

    /// The column that is read beside the ids, whatever it holds.
    pub(crate) fn value_column(&self) -> Option<&ColumnChoice> {
        self.column.as_ref().or(self.channel_column.as_ref())
    }
}

/// Where bytes come from.
#[derive(Clone, Debug)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, read once.
    Stdin,
    /// Bytes in memory, under the name that stands for a file's: its ending counts.
    Bytes {
        /// The name.
        name: String,
        /// The contents.
        bytes: Arc<[u8]>,
    },
}

impl Input {
    /// What errors call it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Stdin => PathBuf::from("standard input"),
            Self::Bytes { name, .. } => PathBuf::from(name),
        }
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
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
    /// Whether shards keep their lists coded: smaller, and decoded at every read.
    pub compress: bool,
    /// The memory that the build may take; no limit where `None`.
    pub memory_bytes: Option<u64>,
    /// Where arcs go that do not fit `memory_bytes`, in files without a name; beside `out`
    /// where `None`.
    pub temp_dir: Option<PathBuf>,
    /// Tables of what is known of the nodes, to be kept beside the arcs.
    pub nodes: Option<NodeTables>,
    /// Whether to replace an existing directory.
    pub force: bool,
}

impl DirectorySpec {
    /// The directory `out` when nothing else is said, in memory without a limit.
    #[must_use]
    pub fn at(out: PathBuf) -> Self {
        Self {
            out,
            order: Order::InDegree,
            n_shards: DEFAULT_SHARDS,
            views: Views::Both,
            compress: false,
            memory_bytes: None,
            temp_dir: None,
            nodes: None,
            force: false,
        }
    }
}

/// Shards of a graph whose builder does not say.
pub const DEFAULT_SHARDS: u32 = 16;

/// How an input's bytes are read, once decompressed.
///
/// Which it is says, in this order: the build's own choice; the file's ending, below, with
/// `.gz` and `.zst` taken off; the first bytes (`%%MatrixMarket`, `PAR1`, KONECT's
/// `% sym|asym|bip`); else it is text. Whether an input is compressed is said by its ending
/// or else its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An arc a line: two ids and any further columns, parted by spaces, tabs and at most one
    /// comma. Lines end in LF or CRLF. Blank lines and those that begin with `#` or `%` are
    /// passed over, and so is a header: where ids are numbers, the first line else when it
    /// begins with a letter, a quote or `_`; where they are strings, when a column is chosen
    /// by name or its first two words are a pair of names that [`Format::Csv`] looks for.
    Text,
    /// `.csv`: rows as RFC 4180 has them, with a header that names the columns. Source and
    /// target are the chosen columns, else the first pair found of `source target`, `src dst`,
    /// `from to`, `u v` and the like, else the first two. Lines with `#` or `%` before the
    /// header are passed over, and below it none. A first line whose ids are numbers is no
    /// header. A file that ends in `.csv` and has no comma in its first line is text.
    Csv,
    /// `.tsv`: as [`Format::Csv`] with tabs.
    Tsv,
    /// `out.*`: KONECT. `sym` stands for both directions; `bip` is refused.
    Konect,
    /// `.mtx`: coordinates of a square matrix, `pattern`, `real` or `integer`; `symmetric`
    /// stands for both directions. Every row is a node.
    MatrixMarket,
    /// `.metis`, and `.graph` without a `.properties` file beside it: neighbours by line.
    Metis,
    /// `.v`, `.e`, `.properties` of one stem, any of which names all: LDBC Graphalytics.
    Graphalytics,
    /// Tuples of two packed 48-bit ids, twelve bytes each: Graph500's packed edges.
    Graph500,
    /// `.u32`: pairs of little-endian `u32`, without a header.
    PairsU32,
    /// `.u64`: pairs of little-endian `u64`, without a header.
    PairsU64,
    /// `.sg`: the serialized graph of the GAP benchmark, its out-neighbours.
    GapSg,
    /// `.parquet`: columns as in [`Format::Csv`], of integers or strings.
    Parquet,
    /// `.graph` with a `.properties` file beside it: LAW's BVGraph. Needs the cargo feature
    /// `webgraph`.
    BvGraph,
}

impl Format {
    /// Every format and its word.
    pub const ALL: [(Self, &str); 13] = [
        (Self::Text, "text"),
        (Self::Csv, "csv"),
        (Self::Tsv, "tsv"),
        (Self::Konect, "konect"),
        (Self::MatrixMarket, "matrix-market"),
        (Self::Metis, "metis"),
        (Self::Graphalytics, "graphalytics"),
        (Self::Graph500, "graph500"),
        (Self::PairsU32, "pairs-u32"),
        (Self::PairsU64, "pairs-u64"),
        (Self::GapSg, "gap-sg"),
        (Self::Parquet, "parquet"),
        (Self::BvGraph, "bvgraph"),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(format, _)| *format == self);
        found.map_or("", |(_, word)| word)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found.map(|(format, _)| *format).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|(_, word)| *word).collect();
            format!("unknown format {word:?}: use one of {}", words.join(", "))
        })
    }
}

/// What an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Strings where each of the first two lines of the first input that are neither blank
    /// nor comment has an id that is no number at all, or where the first input is Parquet
    /// with string columns; else numbers.
    Auto,
    /// A whole number from 0 to 2⁶⁴ − 1.
    Number,
    /// A field as UTF-8 text. Ids of a format that holds numbers are their decimal digits.
    String,
}

impl FromStr for IdKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "number" => Ok(Self::Number),
            "string" => Ok(Self::String),
            _ => Err(format!("unknown kind of id {word:?}: use auto, number or string")),
        }
    }
}

/// Which field of a line is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnChoice {
    /// The field's place, counted from 0 over all fields.
    Index(usize),
    /// The field's name in the header, found anew in every file. Formats whose fields have a
    /// fixed meaning call them `weight` (and KONECT the next `timestamp`).
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
