//! Parquet: row groups of named columns, decoded in parallel.
//!
//! The library that decodes them can panic on hostile files. Whatever it does is caught here
//! and becomes an error, and all that it reads goes through [`Source`], which gives out no
//! more than the file has.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{
    ChunkReader, FileReader, Length, RowGroupReader, SerializedFileReader,
};
use parquet::schema::types::ColumnDescriptor;

use super::block::InputFile;
use super::table::{Columns, NoColumns, choose_columns};
use crate::error::{BadLine, IngestError, Malformed, Place};
use crate::isolated::isolated;
use crate::spec::ReadSpec;

/// A file and the columns of it that are read.
pub(super) struct ParquetFile {
    reader: SerializedFileReader<Source>,
    columns: Columns,
    /// The rows before every row group.
    rows_before: Vec<u64>,
    /// Whether an id column holds strings.
    pub(super) has_names: bool,
}

/// Where the bytes are; reading moves no cursor, so threads can read at once.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file and its length.
    File(Arc<File>, u64),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
}

/// A value of an id column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Number(u64),
    /// A number that no id can be.
    Negative(i64),
    Text(ByteArray),
    /// No value.
    Null,
}

/// Some rows of a row group.
pub(super) struct Rows {
    /// The number of the first in the file, from 1.
    pub(super) first_row: u64,
    pub(super) sources: Vec<Cell>,
    pub(super) targets: Vec<Cell>,
    /// The values, of rows that have one; nothing where no column is read.
    pub(super) values: Vec<Option<f64>>,
}

/// The rows that are decoded at once.
const BATCH_ROWS: usize = 1 << 16;

impl ParquetFile {
    /// Opens a file and finds its columns.
    ///
    /// # Errors
    /// [`IngestError::Malformed`], or [`IngestError::ColumnIsAnId`].
    pub(super) fn open(
        source: Source,
        spec: &ReadSpec,
        file: &InputFile,
    ) -> Result<Self, IngestError> {
        let reader = guarded(|| SerializedFileReader::new(source))
            .map_err(|reason| file.malformed(Place::Whole, reason))?;
        let wrong = |reason| file.malformed(Place::Whole, reason);
        let descriptors = reader.metadata().file_metadata().schema_descr().columns();
        let names: Vec<String> =
            descriptors.iter().map(|descriptor| descriptor.path().string()).collect();
        let missing = |name: String| {
            let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            wrong(Malformed::NoSuchColumn { name, columns: quoted.join(", ") })
        };
        let columns = choose_columns(spec, &names).map_err(|refusal| match refusal {
            NoColumns::Unknown(name) => missing(name),
            NoColumns::Same(column) => wrong(Malformed::SameColumn { column }),
            NoColumns::IsId(column) => IngestError::ColumnIsAnId { column },
        })?;
        let descriptor =
            |column: usize| descriptors.get(column).ok_or_else(|| missing(column.to_string()));
        let mut has_names = false;
        for column in [columns.source, columns.target] {
            let descriptor = descriptor(column)?;
            match descriptor.physical_type() {
                Type::INT32 | Type::INT64 => {}
                Type::BYTE_ARRAY => has_names = true,
                _ => return Err(wrong(wrong_type(descriptor, "integers or strings"))),
            }
            refuse_scaled(descriptor, "integers or strings").map_err(wrong)?;
            refuse_nested(descriptor).map_err(wrong)?;
        }
        if let Some(column) = columns.value {
            let descriptor = descriptor(column)?;
            if !matches!(
                descriptor.physical_type(),
                Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE
            ) {
                return Err(wrong(wrong_type(descriptor, "numbers")));
            }
            refuse_scaled(descriptor, "numbers").map_err(wrong)?;
            refuse_nested(descriptor).map_err(wrong)?;
        }
        let mut n_rows = 0u64;
        let mut rows_before = Vec::new();
        for group in reader.metadata().row_groups() {
            rows_before.push(n_rows);
            n_rows = n_rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
        }
        Ok(Self { reader, columns, rows_before, has_names })
    }

    /// The number of row groups.
    pub(super) fn n_row_groups(&self) -> usize {
        self.rows_before.len()
    }

    /// The bytes that a row group takes in the file, as far as its footer is right.
    pub(super) fn group_bytes(&self, index: usize) -> u64 {
        u64::try_from(self.reader.metadata().row_group(index).compressed_size()).unwrap_or(0)
    }

    /// Gives the rows of a row group to `take`, some at a time.
    ///
    /// # Errors
    /// [`IngestError::Malformed`], or what `take` answers.
    pub(super) fn read_group(
        &self,
        index: usize,
        file: &InputFile,
        mut take: impl FnMut(Rows) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let wrong = |reason| file.malformed(Place::Whole, reason);
        let mut group = guarded(|| Group::open(self, index)).map_err(wrong)?;
        while let Some(rows) = guarded(|| group.next_rows()).map_err(wrong)? {
            take(rows)?;
        }
        Ok(())
    }
}

fn wrong_type(descriptor: &ColumnDescriptor, expected: &'static str) -> Malformed {
    let kind = descriptor.physical_type().to_string();
    Malformed::ColumnType { name: descriptor.path().string(), kind, expected }
}

/// Refuses a column whose integers stand for something else: decimals, dates, times.
fn refuse_scaled(descriptor: &ColumnDescriptor, expected: &'static str) -> Result<(), Malformed> {
    use ConvertedType as C;
    let (converted, logical) = (descriptor.converted_type(), descriptor.logical_type_ref());
    let is_plain = matches!(
        converted,
        C::NONE
            | C::UTF8
            | C::ENUM
            | C::JSON
            | C::INT_8
            | C::INT_16
            | C::INT_32
            | C::INT_64
            | C::UINT_8
            | C::UINT_16
            | C::UINT_32
            | C::UINT_64
    );
    let is_plain = is_plain
        && !matches!(
            logical,
            Some(
                LogicalType::Decimal { .. }
                    | LogicalType::Date
                    | LogicalType::Time { .. }
                    | LogicalType::Timestamp { .. }
            )
        );
    if is_plain {
        return Ok(());
    }
    let kind = match converted {
        C::NONE => "a time".to_owned(),
        converted => converted.to_string(),
    };
    Err(Malformed::ColumnType { name: descriptor.path().string(), kind, expected })
}

fn refuse_nested(descriptor: &ColumnDescriptor) -> Result<(), Malformed> {
    if descriptor.max_rep_level() == 0 {
        return Ok(());
    }
    let (name, kind) = (descriptor.path().string(), "list".to_owned());
    Err(Malformed::ColumnType { name, kind, expected: "single values" })
}

/// Calls into the library; what it panics with becomes an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Malformed> {
    let refused = |message: &str| Malformed::library("parquet", message);
    match isolated(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(refused(&error.to_string())),
        Err(panic) => Err(refused(&panic)),
    }
}

/// A row group that is being read.
struct Group {
    next_row: u64,
    n_rows_left: u64,
    source: IdColumn,
    target: IdColumn,
    value: Option<Column>,
}

impl Group {
    fn open(parquet: &ParquetFile, index: usize) -> Result<Self, ParquetError> {
        let group = parquet.reader.get_row_group(index)?;
        let n_rows = u64::try_from(group.metadata().num_rows())
            .map_err(|_| ParquetError::General("a row group has fewer than no rows".into()))?;
        Ok(Self {
            next_row: parquet.rows_before[index] + 1,
            n_rows_left: n_rows,
            source: IdColumn::open(group.as_ref(), parquet.columns.source)?,
            target: IdColumn::open(group.as_ref(), parquet.columns.target)?,
            value: match parquet.columns.value {
                Some(column) => Some(Column::open(group.as_ref(), column)?),
                None => None,
            },
        })
    }

    fn next_rows(&mut self) -> Result<Option<Rows>, ParquetError> {
        if self.n_rows_left == 0 {
            return Ok(None);
        }
        let n_rows = self.n_rows_left.min(BATCH_ROWS as u64) as usize;
        let sources = self.source.read(n_rows)?;
        let targets = self.target.read(n_rows)?;
        let values = match &mut self.value {
            Some(column) => column.numbers(n_rows)?,
            None => Vec::new(),
        };
        let are_whole = sources.len() == n_rows
            && targets.len() == n_rows
            && (self.value.is_none() || values.len() == n_rows);
        if !are_whole {
            let message = "a column has other than the rows of its group";
            return Err(ParquetError::General(message.into()));
        }
        let first_row = self.next_row;
        self.next_row += n_rows as u64;
        self.n_rows_left -= n_rows as u64;
        Ok(Some(Rows { first_row, sources, targets, values }))
    }
}

/// A column of a row group.
struct Column {
    reader: ColumnReader,
    max_def_level: i16,
    is_unsigned: bool,
}

struct IdColumn(Column);

impl IdColumn {
    fn open(group: &dyn RowGroupReader, column: usize) -> Result<Self, ParquetError> {
        Column::open(group, column).map(Self)
    }

    fn read(&mut self, n_rows: usize) -> Result<Vec<Cell>, ParquetError> {
        let Column { reader, max_def_level, is_unsigned } = &mut self.0;
        let is_unsigned = *is_unsigned;
        let number =
            |number: i64| u64::try_from(number).map_or(Cell::Negative(number), Cell::Number);
        match reader {
            ColumnReader::Int32ColumnReader(reader) => {
                read_cells(reader, *max_def_level, n_rows, Cell::Null, |value| match is_unsigned {
                    true => Cell::Number(u64::from(value.cast_unsigned())),
                    false => number(i64::from(value)),
                })
            }
            ColumnReader::Int64ColumnReader(reader) => {
                read_cells(reader, *max_def_level, n_rows, Cell::Null, |value| match is_unsigned {
                    true => Cell::Number(value.cast_unsigned()),
                    false => number(value),
                })
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                read_cells(reader, *max_def_level, n_rows, Cell::Null, Cell::Text)
            }
            _ => Err(ParquetError::General("a column changed its type".into())),
        }
    }
}

impl Column {
    fn open(group: &dyn RowGroupReader, column: usize) -> Result<Self, ParquetError> {
        let descriptor = group.metadata().column(column).column_descr_ptr();
        let is_unsigned = matches!(
            descriptor.logical_type_ref(),
            Some(LogicalType::Integer(kind)) if !kind.is_signed
        ) || matches!(
            descriptor.converted_type(),
            ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64
        );
        let reader = group.get_column_reader(column)?;
        Ok(Self { reader, max_def_level: descriptor.max_def_level(), is_unsigned })
    }

    fn numbers(&mut self, n_rows: usize) -> Result<Vec<Option<f64>>, ParquetError> {
        let max_def_level = self.max_def_level;
        match &mut self.reader {
            ColumnReader::Int32ColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, |value| Some(value.into()))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, |value| Some(value as f64))
            }
            ColumnReader::FloatColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, |value| Some(value.into()))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, Some)
            }
            _ => Err(ParquetError::General("a column changed its type".into())),
        }
    }
}

/// Reads `n_rows` rows of a column, fewer only at its end.
fn read_cells<T: DataType, C: Clone>(
    reader: &mut ColumnReaderImpl<T>,
    max_def_level: i16,
    n_rows: usize,
    null: C,
    cell: impl Fn(T::T) -> C,
) -> Result<Vec<C>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut n_read = 0;
    while n_read < n_rows {
        let (n_records, _, _) =
            reader.read_records(n_rows - n_read, Some(&mut levels), None, &mut values)?;
        if n_records == 0 {
            break;
        }
        n_read += n_records;
    }
    let mut values = values.into_iter().map(cell);
    if max_def_level == 0 {
        return Ok(values.take(n_rows).collect());
    }
    let cells = levels.iter().map(|&level| match level == max_def_level {
        true => values.next().unwrap_or_else(|| null.clone()),
        false => null.clone(),
    });
    Ok(cells.collect())
}

impl Cell {
    /// The id as a number.
    pub(super) fn number(&self) -> Result<u64, BadLine> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Negative(_) => Err(BadLine::NotAnId),
            Self::Text(text) => super::table::parse_id(text.data()),
            Self::Null => Err(BadLine::EmptyField),
        }
    }

    /// The id as a string, if it is one by itself.
    pub(super) fn text(&self) -> Result<Option<&[u8]>, BadLine> {
        match self {
            Self::Text(text) if text.data().is_empty() => Err(BadLine::EmptyField),
            Self::Text(text) if std::str::from_utf8(text.data()).is_err() => Err(BadLine::NotUtf8),
            Self::Text(text) => Ok(Some(text.data())),
            _ => Ok(None),
        }
    }

    /// What an error shows of it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Negative(number) => number.to_string(),
            Self::Text(text) => super::lines::quote(text.data()),
            Self::Null => "null".to_owned(),
        }
    }
}

impl Source {
    /// A file.
    pub(super) fn of_file(file: File) -> io::Result<Self> {
        let n_bytes = file.metadata()?.len();
        Ok(Self::File(Arc::new(file), n_bytes))
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::File(file, _) => file.read_at(buffer, at),
            Self::Bytes(bytes) => {
                let begin = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                bytes[begin..].as_ref().read(buffer)
            }
        }
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match self {
            Self::File(_, n_bytes) => *n_bytes,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Source {
    type T = ReadFrom;

    fn get_read(&self, start: u64) -> Result<ReadFrom, ParquetError> {
        Ok(ReadFrom { source: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len()) {
            let message = format!("{length} bytes at {start} go beyond the end");
            return Err(ParquetError::EOF(message));
        }
        let mut bytes = Vec::with_capacity(length);
        let n_read = self.get_read(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if n_read < length {
            return Err(ParquetError::EOF("the file became shorter".into()));
        }
        Ok(bytes.into())
    }
}

/// Bytes of a source from a place on.
pub(super) struct ReadFrom {
    source: Source,
    at: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.source.read_at(buffer, self.at)?;
        self.at += n_bytes as u64;
        Ok(n_bytes)
    }
}
