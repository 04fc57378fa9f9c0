//! Arcs as a Parquet table: `source`, `target` and, where the graph has a column,
//! `probability`.

use std::error::Error;
use std::io;
use std::sync::Arc;

use parquet::basic::{Compression as PageCompression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::arcs::{Id, Piece, Source};
use super::decimal::Decimal;
use super::{ExportSpec, stream};
use crate::error::IngestError;
use crate::output::OutputFile;
use crate::progress::Progress;
use crate::source::Compression;

/// Rows after which a new row group begins; the writer holds one in memory.
const GROUP_ROWS: usize = 1 << 20;

/// The schema of arcs between numbers or names.
fn schema(has_names: bool, has_column: bool) -> String {
    // Parquet keeps unsigned numbers in signed ones of the same bits.
    let (kind, note) =
        if has_names { ("binary", "string") } else { ("int64", "integer(64, false)") };
    let column = if has_column { "required double probability;" } else { "" };
    format!(
        "message arcs {{
            required {kind} source ({note});
            required {kind} target ({note});
            {column}
        }}"
    )
}

/// Rows in columns, as the encoder takes them.
#[derive(Default)]
struct Rows {
    sources: Ids,
    targets: Ids,
    probabilities: Vec<f64>,
}

/// Ids of one end of arcs: of the two one is empty.
#[derive(Default)]
struct Ids {
    numbers: Vec<i64>,
    names: Vec<ByteArray>,
}

/// Writes the arcs of `source` as a Parquet file.
pub(super) fn write(
    source: &Source<'_>,
    spec: &ExportSpec,
    progress: &dyn Progress,
) -> Result<(), IngestError> {
    let file = OutputFile::create(&spec.out, spec.force, Compression::None)?;
    let failed = |error| IngestError::Write { path: spec.out.clone(), source: io_error(error) };
    let mut table =
        Table::new(file, source.names().is_some(), source.has_column()).map_err(failed)?;
    let mut held = Rows::default();
    let format = |piece: &Piece| Rows::of(source, piece);
    stream(source, progress, format, |rows| {
        held.append(rows);
        if held.sources.len() >= GROUP_ROWS {
            table.write(&mut held).map_err(failed)
        } else {
            Ok(())
        }
    })?;
    if held.sources.len() > 0 {
        table.write(&mut held).map_err(failed)?;
    }
    table.file.into_inner().map_err(failed)?.publish()
}

impl Rows {
    fn of(source: &Source<'_>, piece: &Piece) -> Self {
        let mut rows = Self::default();
        source.for_each_arc(piece, |arc| {
            rows.sources.push(arc.source);
            rows.targets.push(arc.target);
            rows.probabilities.extend(arc.threshold.map(|t| Decimal::of(t).to_f64()));
        });
        rows
    }

    fn append(&mut self, mut rows: Self) {
        self.sources.append(rows.sources);
        self.targets.append(rows.targets);
        self.probabilities.append(&mut rows.probabilities);
    }
}

impl Ids {
    fn push(&mut self, id: Id<'_>) {
        match id {
            Id::Number(number) => self.numbers.push(number.cast_signed()),
            Id::Name(name) => self.names.push(name.to_vec().into()),
        }
    }

    fn append(&mut self, mut ids: Self) {
        self.numbers.append(&mut ids.numbers);
        self.names.append(&mut ids.names);
    }

    fn len(&self) -> usize {
        self.numbers.len().max(self.names.len())
    }
}

struct Table {
    file: SerializedFileWriter<OutputFile>,
    has_names: bool,
    has_column: bool,
}

impl Table {
    fn new(file: OutputFile, has_names: bool, has_column: bool) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder()
            .set_created_by(concat!("kaskade version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(PageCompression::ZSTD(ZstdLevel::try_new(1)?))
            .build();
        let schema = Arc::new(parse_message_type(&schema(has_names, has_column))?);
        let file = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        Ok(Self { file, has_names, has_column })
    }

    /// Writes `rows` as a row group and empties them.
    fn write(&mut self, rows: &mut Rows) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        let complete = || ParquetError::General("a column too many was written".to_owned());
        for ids in [&rows.sources, &rows.targets] {
            let mut column = group.next_column()?.ok_or_else(complete)?;
            if self.has_names {
                column.typed::<ByteArrayType>().write_batch(&ids.names, None, None)?;
            } else {
                column.typed::<Int64Type>().write_batch(&ids.numbers, None, None)?;
            }
            column.close()?;
        }
        if self.has_column {
            let mut column = group.next_column()?.ok_or_else(complete)?;
            column.typed::<DoubleType>().write_batch(&rows.probabilities, None, None)?;
            column.close()?;
        }
        group.close()?;
        *rows = Rows::default();
        Ok(())
    }
}

/// The system's error behind `error`, so that a full disk is told as one.
fn io_error(error: ParquetError) -> io::Error {
    let behind = match &error {
        ParquetError::External(inner) => inner.downcast_ref::<io::Error>().map(io::Error::kind),
        _ => error.source().and_then(|s| s.downcast_ref::<io::Error>()).map(io::Error::kind),
    };
    io::Error::new(behind.unwrap_or(io::ErrorKind::Other), error)
}
