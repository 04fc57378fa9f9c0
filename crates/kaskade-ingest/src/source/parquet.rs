//! Parquet: row groups of named columns, decoded in parallel.
//!
//! The library that decodes them can panic on hostile files. Whatever it does is caught here
//! and becomes an error, and all that it reads goes through [`Source`], which gives out no
//! more than the file has.

mod group;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use self::group::{Group, Rows};
use super::block::InputFile;
use super::table::{Columns, NoColumns, choose_columns};
use crate::error::{IngestError, Malformed, Place};
use crate::isolated::isolated;
use crate::spec::ReadSpec;

pub(super) use self::group::Cell;

/// A file and the columns of it that are read.
pub(super) struct ParquetFile {
    reader: SerializedFileReader<Source>,
    columns: Columns,
    /// The rows before every row group.
    rows_before: Vec<u64>,
    /// Whether an id column holds strings.
    pub(super) has_names: bool,
    /// Whether the chosen column holds classes, no numbers.
    has_classes: bool,
}

/// Where the bytes are; reading moves no cursor, so threads can read at once.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file and its length.
    File(Arc<File>, u64),
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
}

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
            refuse_other(descriptor, &WORD_TYPES, "integers or strings").map_err(wrong)?;
            has_names |= descriptor.physical_type() == Type::BYTE_ARRAY;
        }
        let has_classes = spec.channel_column.is_some();
        if let Some(column) = columns.value {
            let (types, expected): (&[Type], _) = match has_classes {
                true => (&WORD_TYPES, "integers or strings"),
                false => (&NUMBER_TYPES, "numbers"),
            };
            refuse_other(descriptor(column)?, types, expected).map_err(wrong)?;
        }
        let mut n_rows = 0u64;
        let mut rows_before = Vec::new();
        for group in reader.metadata().row_groups() {
            rows_before.push(n_rows);
            n_rows = n_rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
        }
        Ok(Self { reader, columns, rows_before, has_names, has_classes })
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

/// What ids and classes are stored as.
const WORD_TYPES: [Type; 3] = [Type::INT32, Type::INT64, Type::BYTE_ARRAY];

/// What probabilities are stored as.
const NUMBER_TYPES: [Type; 4] = [Type::INT32, Type::INT64, Type::FLOAT, Type::DOUBLE];

/// Refuses a column that is none of `types`, which are called `expected`, or not plainly so.
fn refuse_other(
    descriptor: &ColumnDescriptor,
    types: &[Type],
    expected: &'static str,
) -> Result<(), Malformed> {
    if !types.contains(&descriptor.physical_type()) {
        return Err(wrong_type(descriptor, expected));
    }
    refuse_scaled(descriptor, expected)?;
    refuse_nested(descriptor)
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
