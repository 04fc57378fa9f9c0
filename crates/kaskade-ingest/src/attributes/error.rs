//! Why a table of node columns cannot be read.

use std::path::PathBuf;

use kaskade_store::{ColumnType, MAX_COLUMN_NAME_BYTES, MAX_NODE_COLUMNS};
use parquet::errors::ParquetError;

/// Why a table of node columns cannot be read. All name the table.
#[derive(Debug, thiserror::Error)]
pub enum NodeTableError {
    /// The table is empty.
    #[error("{path} is empty: a node table begins with a line of column names")]
    NoHeader {
        /// The table.
        path: PathBuf,
    },
    /// The table has no column but its ids.
    #[error("{path} has no column beside {key:?}, which holds the ids")]
    NoColumns {
        /// The table.
        path: PathBuf,
        /// The column with the ids.
        key: String,
    },
    /// The table lacks the column with the ids.
    #[error("{path} has no column {key:?} with the ids: it has {names}")]
    NoKey {
        /// The table.
        path: PathBuf,
        /// The column that was asked for.
        key: String,
        /// The columns that are there.
        names: String,
    },
    /// A column has no name, or a long one.
    #[error("{path}: column {place} is not named in 1 to {MAX_COLUMN_NAME_BYTES} bytes")]
    ColumnName {
        /// The table.
        path: PathBuf,
        /// The column's place, from 1.
        place: usize,
    },
    /// Two columns of one table share a name.
    #[error("{path} has two columns named {name:?}: rename one")]
    RepeatedColumn {
        /// The table.
        path: PathBuf,
        /// Their name.
        name: String,
    },
    /// Two tables have a column of one name.
    #[error("{first} and {second} both have a column {name:?}: rename one")]
    ColumnConflict {
        /// Their name.
        name: String,
        /// The table that was named first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// There are more columns than a graph holds.
    #[error("the node tables have {n_columns} columns, a graph holds at most {MAX_NODE_COLUMNS}")]
    TooManyColumns {
        /// The columns.
        n_columns: usize,
    },
    /// A type was asked for a column that no table has.
    #[error("no node table has the column {name:?} of --nodes-types: there are {names}")]
    NoTypedColumn {
        /// The column.
        name: String,
        /// The columns that are there.
        names: String,
    },
    /// A row has another number of fields than the header.
    #[error("{path}:{line}: {found} fields, the header has {expected}")]
    RowLength {
        /// The table.
        path: PathBuf,
        /// The line at which the row begins.
        line: u64,
        /// The fields of the header.
        expected: u64,
        /// The fields of the row.
        found: u64,
    },
    /// A row is not UTF-8.
    #[error("{path}:{line}: the row is not UTF-8")]
    NotUtf8 {
        /// The table.
        path: PathBuf,
        /// The line at which the row begins.
        line: u64,
    },
    /// A quote has no other: what follows it would be one field.
    #[error("{path}:{line}: a quoted field has no end, in the row that begins here or before it")]
    OpenQuote {
        /// The table.
        path: PathBuf,
        /// The line at which the last row begins.
        line: u64,
    },
    /// A table is read twice, which a pipe cannot be.
    #[error("{path} is no plain file: a node table is read twice, so write it to a file first")]
    NotAFile {
        /// The table.
        path: PathBuf,
    },
    /// A row does not end.
    #[error("{path}:{line}: the row is longer than {limit} bytes: is a quote left open?")]
    RowTooLong {
        /// The table.
        path: PathBuf,
        /// The line at which the row begins.
        line: u64,
        /// The longest that is read.
        limit: u64,
    },
    /// A table has more lines than can be told apart.
    #[error("{path} has more than {} lines: split it by columns", u32::MAX)]
    TooManyLines {
        /// The table.
        path: PathBuf,
    },
    /// A row has no id.
    #[error("{path}:{line}: the id is missing")]
    MissingId {
        /// The table.
        path: PathBuf,
        /// The line.
        line: u64,
    },
    /// An id is named twice.
    #[error("{path}: {id} stands in line {first} and in line {second}: keep one of them")]
    RepeatedId {
        /// The table.
        path: PathBuf,
        /// The id as the later line has it, or that it is none of the graph's.
        id: String,
        /// The earlier line.
        first: u64,
        /// The later line.
        second: u64,
    },
    /// A value is not of its column's type.
    #[error("{path}:{line}: {text:?} in column {column:?} is no {kind}{}", advice(*kind))]
    Value {
        /// The table.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// The value, cut short.
        text: String,
        /// The column's type.
        kind: ColumnType,
    },
    /// A Parquet column is of a type that stands for no value of a node.
    #[error("{path}: column {column:?} is {found}, which is no text, number or bool: leave it out")]
    ParquetType {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// What it is.
        found: String,
    },
    /// A Parquet file cannot be read.
    #[error("could not read {path}: is the file complete, and Parquet?")]
    Parquet {
        /// The table.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// A damaged Parquet file brought its reader down.
    #[error("could not read {path}: the file is damaged")]
    ParquetGaveUp {
        /// The table.
        path: PathBuf,
    },
}

fn advice(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Category => "",
        ColumnType::Number => ": use a finite number, or --nodes-types NAME=category",
        ColumnType::Bool => ": use true or false, or --nodes-types NAME=category",
    }
}
