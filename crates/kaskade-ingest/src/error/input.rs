//! What an input can be that it should not be.

use crate::source::MAX_LINE_BYTES;

/// What is wrong with a line of text, or a row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// A field that should be an id is not a whole number.
    #[error("an id is a whole number from 0 to 2^64-1")]
    NotAnId,
    /// An id exceeds 2⁶⁴ − 1.
    #[error("an id exceeds 2^64-1")]
    IdTooLarge,
    /// An id is not a node that the input's header counts.
    #[error("an id is none of the nodes {first} to {last} that the header says")]
    IdOutOfRange {
        /// The first node.
        first: u64,
        /// The last node.
        last: u64,
    },
    /// An id is a string that is not UTF-8.
    #[error("an id is no UTF-8 text")]
    NotUtf8,
    /// The line ends after one id.
    #[error("the second id is missing")]
    MissingTarget,
    /// Two commas follow each other, or an id has no value.
    #[error("a field is empty")]
    EmptyField,
    /// The line ends before the chosen column.
    #[error("the chosen column is missing")]
    MissingColumn,
    /// The chosen column is no probability.
    #[error("the chosen column is not a number in [0, 1], 0 or at least 2^-33")]
    NotAProbability,
    /// The chosen column is empty where it should name a channel.
    #[error("the class is empty: it should be the name of a channel")]
    NoClass,
    /// The chosen column is no name of a channel.
    #[error(
        "the class is no name of a channel, which has 1 to 64 letters, digits, dots, dashes and \
         underscores"
    )]
    NotAChannel,
    /// A carriage return stands within the line.
    #[error("a carriage return stands within the line")]
    StrayCarriageReturn,
    /// A quote stands within a field that does not begin with one, or text follows its end.
    #[error("a quote stands within a field: quote the whole field and double the quote")]
    StrayQuote,
    /// A quoted field has no end.
    #[error("a quoted field has no end")]
    UnclosedQuote,
    /// The line is longer than any arc needs.
    #[error("the line is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
}

/// Where in an input something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// A byte of the decompressed contents, from 0.
    Byte(u64),
    /// The input as a whole.
    Whole,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, ":{line}"),
            Self::Byte(byte) => write!(f, ", byte {byte}"),
            Self::Whole => Ok(()),
        }
    }
}

/// Why an input is not what its format says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first line of a `MatrixMarket` file.
    #[error("the first line should be `%%MatrixMarket matrix coordinate FIELD SYMMETRY`")]
    MatrixMarketBanner,
    /// A `MatrixMarket` file of a kind that is no graph.
    #[error(
        "a MatrixMarket file that is {word:?} is not read: use a coordinate matrix, pattern, real \
         or integer, general or symmetric"
    )]
    MatrixMarketKind {
        /// What it is.
        word: String,
    },
    /// The size line of a `MatrixMarket` file.
    #[error("the size line should hold three numbers, rows, columns and entries")]
    SizeLine,
    /// A matrix between two kinds of things.
    #[error(
        "the matrix has {rows} rows and {columns} columns, so they are different nodes: give them \
         ids of their own and read the arcs as --format text"
    )]
    NotSquare {
        /// The rows.
        rows: u64,
        /// The columns.
        columns: u64,
    },
    /// The first line of a KONECT file.
    #[error("the first line should begin with `% sym`, `% asym` or `% bip`")]
    KonectHeader,
    /// A graph between two kinds of nodes.
    #[error(
        "the graph is bipartite, and the same number on the left and on the right means two nodes: \
         give the two sides ids of their own and read the arcs as --format text"
    )]
    Bipartite,
    /// The header of a METIS file.
    #[error(
        "the header should hold the number of nodes, the number of edges and perhaps a format of \
         up to three binary digits and a number of weights"
    )]
    MetisHeader,
    /// A column was chosen in an input that has none.
    #[error("the file has no weights: leave out --column and --channel-column")]
    NoWeights,
    /// The header counts other than what follows.
    #[error("the header says {expected} {what}, and there are {found}: is the file complete?")]
    Count {
        /// What is counted.
        what: &'static str,
        /// What the header says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The file ends early.
    #[error("the file ends before its {what}: is it complete?")]
    Truncated {
        /// What is missing.
        what: &'static str,
    },
    /// The file goes on after its end.
    #[error("more follows where the file should end: is it what --format says?")]
    TrailingBytes,
    /// The counts at the top of a serialized graph.
    #[error("the header says {nodes} nodes and {arcs} arcs, which the format cannot hold")]
    HeaderCounts {
        /// The nodes.
        nodes: i64,
        /// The arcs.
        arcs: i64,
    },
    /// The offsets of a serialized graph.
    #[error("the offsets of the neighbours do not ascend from 0 to the number of arcs")]
    Offsets,
    /// A neighbour that is no node.
    #[error("the neighbour {id} is none of the {n_nodes} nodes")]
    Neighbour {
        /// The neighbour.
        id: i64,
        /// The nodes.
        n_nodes: u64,
    },
    /// A properties file lacks a key, or the value is none.
    #[error("the property {key} is missing or not {expected}")]
    Property {
        /// The key, or its end.
        key: &'static str,
        /// What the value should be.
        expected: &'static str,
    },
    /// A part of a graph of several files.
    #[error("the graph needs {name} beside it: add it, or choose another --format")]
    MissingPart {
        /// The file's name.
        name: String,
    },
    /// A format that needs a file of its own.
    #[error("{format} needs a plain file, no stream and no packed one: save it to a file first")]
    NeedsFile {
        /// The format's word.
        format: &'static str,
    },
    /// Columns were chosen in a format without named columns.
    #[error("--source-column and --target-column need csv, tsv or parquet")]
    NoNamedColumns,
    /// Source and target are one column.
    #[error("source and target are the same column {column}")]
    SameColumn {
        /// The column, quoted.
        column: String,
    },
    /// The columns that a Parquet file has or lacks.
    #[error("there is no column {name:?}: the columns are {columns}")]
    NoSuchColumn {
        /// The column that was looked for.
        name: String,
        /// The columns there are.
        columns: String,
    },
    /// A Parquet column of a type that cannot be used.
    #[error("column {name:?} is of type {kind}, where {expected} are needed")]
    ColumnType {
        /// The column.
        name: String,
        /// Its type.
        kind: String,
        /// What would do.
        expected: &'static str,
    },
    /// The library that reads the format refused the file.
    #[error("the file is no sound {format}: {message}")]
    Library {
        /// The format's word.
        format: &'static str,
        /// What the library said.
        message: String,
    },
    /// The program was built without a format.
    #[error("this program was built without {format}: build it with --features {feature}")]
    FeatureOff {
        /// The format's word.
        format: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
}

impl Malformed {
    /// What a library said of a file, in one line.
    pub(crate) fn library(format: &'static str, message: &str) -> Self {
        let words: Vec<&str> = message.split_whitespace().collect();
        Self::Library { format, message: words.join(" ") }
    }
}
