//! The rows of a row group, column by column.

use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader};

use super::super::lines::quote;
use super::super::table::parse_id;
use super::super::value::InputValue;
use super::ParquetFile;
use crate::error::BadLine;

/// Some rows of a row group.
pub(in super::super) struct Rows {
    /// The number of the first in the file, from 1.
    pub(in super::super) first_row: u64,
    pub(in super::super) sources: Vec<Cell>,
    pub(in super::super) targets: Vec<Cell>,
    pub(in super::super) values: Values,
}

/// The chosen column of some rows.
pub(in super::super) enum Values {
    /// No column is read.
    None,
    /// Numbers, of rows that have one.
    Numbers(Vec<Option<f64>>),
    /// Words, of rows that have one.
    Words(Vec<Option<ByteArray>>),
}

/// A value of an id column.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Cell {
    Number(u64),
    /// A number that no id can be.
    Negative(i64),
    Text(ByteArray),
    /// No value.
    Null,
}

/// The rows that are decoded at once.
const BATCH_ROWS: usize = 1 << 16;

/// A row group that is being read.
pub(super) struct Group {
    next_row: u64,
    n_rows_left: u64,
    source: IdColumn,
    target: IdColumn,
    value: Option<Column>,
    has_classes: bool,
}

impl Group {
    pub(super) fn open(parquet: &ParquetFile, index: usize) -> Result<Self, ParquetError> {
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
            has_classes: parquet.has_classes,
        })
    }

    pub(super) fn next_rows(&mut self) -> Result<Option<Rows>, ParquetError> {
        if self.n_rows_left == 0 {
            return Ok(None);
        }
        let n_rows = self.n_rows_left.min(BATCH_ROWS as u64) as usize;
        let sources = self.source.read(n_rows)?;
        let targets = self.target.read(n_rows)?;
        let values = match &mut self.value {
            None => Values::None,
            Some(column) if self.has_classes => Values::Words(column.words(n_rows)?),
            Some(column) => Values::Numbers(column.numbers(n_rows)?),
        };
        let are_whole = sources.len() == n_rows
            && targets.len() == n_rows
            && values.n_rows().is_none_or(|n_values| n_values == n_rows);
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

impl Values {
    /// The field of row `idx` of these.
    pub(in super::super) fn field<V: InputValue>(
        &self,
        idx: usize,
    ) -> Result<V::Field<'_>, BadLine> {
        match self {
            Self::None => Ok(V::Field::default()),
            Self::Numbers(numbers) => {
                V::field_of_number(numbers[idx].ok_or(BadLine::MissingColumn)?)
            }
            Self::Words(words) => {
                V::field_of(words[idx].as_ref().ok_or(BadLine::MissingColumn)?.data())
            }
        }
    }

    /// The rows there are, if a column is read.
    fn n_rows(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Numbers(numbers) => Some(numbers.len()),
            Self::Words(words) => Some(words.len()),
        }
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

    /// Strings, and of integers their digits.
    fn words(&mut self, n_rows: usize) -> Result<Vec<Option<ByteArray>>, ParquetError> {
        let (max_def_level, is_unsigned) = (self.max_def_level, self.is_unsigned);
        let digits = |digits: String| Some(ByteArray::from(digits.into_bytes()));
        match &mut self.reader {
            ColumnReader::Int32ColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, |value| match is_unsigned {
                    true => digits(value.cast_unsigned().to_string()),
                    false => digits(value.to_string()),
                })
            }
            ColumnReader::Int64ColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, |value| match is_unsigned {
                    true => digits(value.cast_unsigned().to_string()),
                    false => digits(value.to_string()),
                })
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                read_cells(reader, max_def_level, n_rows, None, Some)
            }
            _ => Err(ParquetError::General("a column changed its type".into())),
        }
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
    pub(in super::super) fn number(&self) -> Result<u64, BadLine> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Negative(_) => Err(BadLine::NotAnId),
            Self::Text(text) => parse_id(text.data()),
            Self::Null => Err(BadLine::EmptyField),
        }
    }

    /// The id as a string, if it is one by itself.
    pub(in super::super) fn text(&self) -> Result<Option<&[u8]>, BadLine> {
        match self {
            Self::Text(text) if text.data().is_empty() => Err(BadLine::EmptyField),
            Self::Text(text) if std::str::from_utf8(text.data()).is_err() => Err(BadLine::NotUtf8),
            Self::Text(text) => Ok(Some(text.data())),
            _ => Ok(None),
        }
    }

    /// What an error shows of it.
    pub(in super::super) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Negative(number) => number.to_string(),
            Self::Text(text) => quote(text.data()),
            Self::Null => "null".to_owned(),
        }
    }
}
