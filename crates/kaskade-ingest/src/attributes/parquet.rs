//! Parquet. Its reader may panic on a damaged file, which becomes an error.

use std::fs::File;
use std::path::Path;

use kaskade_store::ColumnType;
use parquet::basic::{ConvertedType, Repetition, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record;
use parquet::schema::types::Type;

use super::error::NodeTableError;
use super::table::{Field, RowSink, TableFormat};
use super::values::Cell;
use crate::error::IngestError;
use crate::isolated::isolated;
use crate::progress::Progress;

/// The columns of the table at `path`.
pub(super) fn header(path: &Path) -> Result<(TableFormat, Vec<Field>), IngestError> {
    guarded(path, || {
        let reader = open(path)?;
        let metadata = reader.metadata().file_metadata();
        let fields = metadata.schema().get_fields().iter().map(|field| describe(path, field));
        Ok((TableFormat::Parquet, fields.collect::<Result<Vec<_>, _>>()?))
    })
}

/// Hands all rows to `sink`, numbered from 1.
pub(super) fn for_each_row(
    path: &Path,
    fields: &[Field],
    progress: &dyn Progress,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    guarded(path, || {
        let damaged = |source| NodeTableError::Parquet { path: path.into(), source };
        let reader = open(path)?;
        let (mut n_rows, mut told_bytes) = (0u64, 0u64);
        let metadata = reader.metadata();
        let total_rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
        let total_bytes = File::open(path).and_then(|file| file.metadata()).map_or(0, |f| f.len());
        for row in reader.get_row_iter(None).map_err(damaged)? {
            let row = row.map_err(damaged)?;
            n_rows += 1;
            let values = row.get_column_iter().map(|(_, value)| value);
            let cells = values.map(cell).collect::<Option<Vec<_>>>();
            let cells = cells.filter(|cells| cells.len() == fields.len());
            let cells = cells.ok_or_else(|| {
                let text = format!("row {n_rows} does not hold what the schema says");
                damaged(ParquetError::General(text))
            })?;
            sink(n_rows, &cells)?;
            if n_rows.is_multiple_of(ROWS_BETWEEN_TELLINGS) {
                let share = u128::from(n_rows.min(total_rows)) * u128::from(total_bytes);
                let done_bytes = (share / u128::from(total_rows.max(1))) as u64;
                progress.advance(done_bytes.saturating_sub(told_bytes));
                told_bytes = done_bytes.max(told_bytes);
            }
        }
        if n_rows != total_rows {
            let text = format!("{n_rows} rows of {total_rows} are there");
            return Err(damaged(ParquetError::General(text)).into());
        }
        Ok(())
    })
}

const ROWS_BETWEEN_TELLINGS: u64 = 65_536;

fn open(path: &Path) -> Result<SerializedFileReader<File>, IngestError> {
    let failed = |source| IngestError::Open { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(IngestError::InputIsDirectory { path: path.into() });
    }
    let damaged = |source| NodeTableError::Parquet { path: path.into(), source };
    Ok(SerializedFileReader::new(file).map_err(damaged)?)
}

/// A column by its schema; an error where it holds neither texts nor numbers nor truths.
fn describe(path: &Path, field: &Type) -> Result<Field, NodeTableError> {
    let name = field.name().to_owned();
    let refused = |found: String| {
        Err(NodeTableError::ParquetType { path: path.into(), column: name.clone(), found })
    };
    if !field.is_primitive() {
        return refused("a group of columns".to_owned());
    }
    let info = field.get_basic_info();
    if info.has_repetition() && info.repetition() == Repetition::REPEATED {
        return refused("a list".to_owned());
    }
    let physical = field.get_physical_type();
    let converted = info.converted_type();
    let kind = match (physical, converted) {
        (_, ConvertedType::DECIMAL | ConvertedType::INTERVAL) => {
            return refused(converted.to_string());
        }
        (PhysicalType::BOOLEAN, _) => ColumnType::Bool,
        (
            PhysicalType::INT32 | PhysicalType::INT64 | PhysicalType::FLOAT | PhysicalType::DOUBLE,
            _,
        ) => ColumnType::Number,
        (PhysicalType::BYTE_ARRAY, ConvertedType::BSON) => return refused("BSON".to_owned()),
        (PhysicalType::BYTE_ARRAY, _) => ColumnType::Category,
        _ => return refused(physical.to_string()),
    };
    Ok(Field { name, kind: Some(kind) })
}

/// What a value stands for; dates and times are numbers of their unit. `None` where it stands
/// for nothing that the schema promised.
fn cell(value: &record::Field) -> Option<Cell<'_>> {
    use record::Field as F;
    let of_number =
        |number: f64| if number.is_nan() { Cell::Missing } else { Cell::Number(number) };
    Some(match value {
        F::Null => Cell::Missing,
        F::Bool(truth) => Cell::Bool(*truth),
        F::Byte(number) => Cell::Integer((*number).into()),
        F::Short(number) => Cell::Integer((*number).into()),
        F::Int(number) | F::Date(number) | F::TimeMillis(number) => Cell::Integer((*number).into()),
        F::Long(number)
        | F::TimeMicros(number)
        | F::TimestampMillis(number)
        | F::TimestampMicros(number) => Cell::Integer((*number).into()),
        F::UByte(number) => Cell::Integer((*number).into()),
        F::UShort(number) => Cell::Integer((*number).into()),
        F::UInt(number) => Cell::Integer((*number).into()),
        F::ULong(number) => Cell::Integer((*number).into()),
        F::Float(number) => of_number((*number).into()),
        F::Double(number) => of_number(*number),
        F::Str(text) => Cell::of_text(text),
        F::Bytes(bytes) => Cell::of_text(std::str::from_utf8(bytes.data()).ok()?),
        _ => return None,
    })
}

/// Runs `read` where a panic ends nothing else.
fn guarded<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, IngestError>,
) -> Result<T, IngestError> {
    isolated(read)
        .unwrap_or_else(|_| Err(NodeTableError::ParquetGaveUp { path: path.into() }.into()))
}
