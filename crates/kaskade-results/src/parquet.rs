//! The Parquet files of a result, through the column writers: plain columns of numbers and texts
//! need no Arrow. The same rows give the same bytes.

use std::sync::Arc;

use kaskade_model::spec::OriginalId;
use parquet::basic::{
    Compression, Encoding, LogicalType, Repetition, Type as PhysicalType, ZstdLevel,
};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, Type};

use crate::cascades::Cascades;
use crate::error::ResultsError;
use crate::files::FileKind;
use crate::growth::GrowthRound;
use crate::measured::MeasureEstimate;
use crate::reach::Reach;
use crate::sample::Sample;
use crate::summary::SCHEMA_VERSION;

/// Rows after which a new row group begins: a reader that skips needs groups, and a
/// writer holds one in memory.
const ROWS_PER_GROUP: usize = 1 << 18;

const SIMULATIONS_SCHEMA: &str = "
    message simulations {
        required int64 simulation (integer(64, false));
        required int64 spread (integer(64, false));
        required int32 rounds (integer(32, false));
        required int64 fingerprint (integer(64, false));
    }";

const ROUNDS_SCHEMA: &str = "
    message rounds {
        required int32 round (integer(32, false));
        required double mean_new;
        required double mean_total;
        required int64 total_p05 (integer(64, false));
        required int64 total_p50 (integer(64, false));
        required int64 total_p95 (integer(64, false));
        required int64 simulations_alive (integer(64, false));
        required int64 new_p05 (integer(64, false));
        required int64 new_p50 (integer(64, false));
        required int64 new_p95 (integer(64, false));
        optional double reproduction_number;
    }";

/// A column of a table, in the order of its schema.
pub(crate) enum Column<'a> {
    U32(&'a [u32]),
    U64(&'a [u64]),
    F64(&'a [f64]),
    /// May lack values.
    OptionalF64(&'a [Option<f64>]),
    /// Likewise.
    OptionalU64(&'a [Option<u64>]),
    I64(&'a [i64]),
    /// UTF-8.
    Text(&'a [String]),
    /// May lack values.
    OptionalText(&'a [Option<&'a str>]),
}

/// The bytes of `simulations.parquet`: a row a simulation, ascending. Each of `measures`, which are
/// those of `sample`, has a column `measure:NAME` of what its estimate is made of: whole numbers,
/// but of weights, which are summed in parts of one.
///
/// # Errors
/// [`ResultsError::Encode`] if the encoder refuses.
pub fn simulations_parquet(
    sample: &Sample,
    measures: &[MeasureEstimate],
) -> Result<Vec<u8>, ResultsError> {
    let mut columns = vec![
        Column::U64(&sample.simulations),
        Column::U64(&sample.spreads),
        Column::U32(&sample.rounds),
        Column::U64(&sample.fingerprints),
    ];
    let values = || {
        let measured = measures.iter().zip(&sample.measures);
        measured.map(|(measure, column)| (measure.units(), column.by_simulation(measure.is_stock)))
    };
    let scaled = values().map(|(units, values)| -> Vec<f64> {
        let values = if units == 1 { &[] } else { values };
        values.iter().map(|&value| value as f64 / units as f64).collect()
    });
    let scaled: Vec<_> = scaled.collect();
    columns.extend(values().zip(&scaled).map(|((units, values), scaled)| match units {
        1 => Column::U64(values),
        _ => Column::F64(scaled),
    }));
    let names = measures.iter().map(|measure| format!("measure:{}", measure.name));
    let names: Vec<_> = names.collect();
    let schema = || {
        let whole = parse_message_type(SIMULATIONS_SCHEMA)?;
        let mut fields = whole.get_fields().to_vec();
        for (name, column) in names.iter().zip(&columns[fields.len()..]) {
            fields.push(Arc::new(column.field(name)?));
        }
        Type::group_type_builder(whole.name()).with_fields(fields).build()
    };
    let columns: Vec<_> = columns.iter().collect();
    schema()
        .and_then(|schema| encode_as(schema, &columns, sample.digest()))
        .map_err(|source| ResultsError::Encode { file: FileKind::Simulations, source })
}

/// The bytes of `rounds.parquet`: a row a round of `growth`, the curve of `sample`. Alive
/// in a round are the simulations with an activation in it or later.
///
/// # Errors
/// [`ResultsError::Encode`] if the encoder refuses.
pub fn rounds_parquet(sample: &Sample, growth: &[GrowthRound]) -> Result<Vec<u8>, ResultsError> {
    let floats = |value: fn(&GrowthRound) -> f64| growth.iter().map(value).collect::<Vec<_>>();
    let totals = |value: fn(&GrowthRound) -> u64| growth.iter().map(value).collect::<Vec<_>>();
    let rounds: Vec<_> = growth.iter().map(|round| round.round).collect();
    let reproduction: Vec<_> = growth.iter().map(|round| round.reproduction_number).collect();
    let alive: Vec<_> = sample.new_by_round.iter().map(|new| new.len() as u64).collect();
    let columns = [
        Column::U32(&rounds),
        Column::F64(&floats(|round| round.mean_new)),
        Column::F64(&floats(|round| round.mean_total)),
        Column::U64(&totals(|round| round.quantiles_total.p05)),
        Column::U64(&totals(|round| round.quantiles_total.p50)),
        Column::U64(&totals(|round| round.quantiles_total.p95)),
        Column::U64(&alive),
        Column::U64(&totals(|round| round.quantiles_new.p05)),
        Column::U64(&totals(|round| round.quantiles_new.p50)),
        Column::U64(&totals(|round| round.quantiles_new.p95)),
        Column::OptionalF64(&reproduction),
    ];
    encode(ROUNDS_SCHEMA, &columns, sample.digest())
        .map_err(|source| ResultsError::Encode { file: FileKind::Rounds, source })
}

/// The bytes of `cascades.parquet`: a row an activation of a traced simulation, ascending by
/// simulation and round.
///
/// # Errors
/// [`ResultsError::Encode`] if the encoder refuses.
pub fn cascades_parquet(cascades: &Cascades) -> Result<Vec<u8>, ResultsError> {
    let rows = cascades.activations();
    let simulations: Vec<_> = rows.iter().map(|row| row.simulation).collect();
    let rounds: Vec<_> = rows.iter().map(|row| row.round).collect();
    let encode = |schema: &str, columns: &[Column<'_>]| {
        encode(schema, columns, cascades.digest())
            .map_err(|source| ResultsError::Encode { file: FileKind::Cascades, source })
    };
    let schema = |node: &str| {
        let (head, tail) = node.split_once(' ').unwrap_or((node, ""));
        format!(
            "message cascades {{
                required int64 simulation (integer(64, false));
                required {head} node {tail};
                optional {head} parent {tail};
                required int32 round (integer(32, false));
            }}"
        )
    };
    if let Some(numbers) = numbers(cascades.names()) {
        let number = |node: u32| numbers[node as usize];
        let nodes: Vec<_> = rows.iter().map(|row| number(row.node)).collect();
        let parents: Vec<_> = rows.iter().map(|row| row.parent.map(number)).collect();
        let columns = [
            Column::U64(&simulations),
            Column::U64(&nodes),
            Column::OptionalU64(&parents),
            Column::U32(&rounds),
        ];
        return encode(&schema(NUMBER), &columns);
    }
    let texts: Vec<_> = cascades.names().iter().map(ToString::to_string).collect();
    let text = |node: u32| texts[node as usize].as_str();
    let nodes: Vec<_> = rows.iter().map(|row| text(row.node).to_owned()).collect();
    let parents: Vec<_> = rows.iter().map(|row| row.parent.map(text)).collect();
    let columns = [
        Column::U64(&simulations),
        Column::Text(&nodes),
        Column::OptionalText(&parents),
        Column::U32(&rounds),
    ];
    encode(&schema(TEXT), &columns)
}

/// The bytes of `nodes.parquet`: a row a node that was reached, ascending by original id.
///
/// # Errors
/// [`ResultsError::Encode`] if the encoder refuses.
pub fn nodes_parquet(reach: &Reach) -> Result<Vec<u8>, ResultsError> {
    let places = 0..reach.names.len();
    let probabilities: Vec<_> = places.clone().map(|place| reach.probability(place)).collect();
    let segments: Vec<_> = places.map(|place| reach.segment(place)).collect();
    let numbers = numbers(&reach.names);
    let texts: Vec<_> = match numbers {
        Some(_) => Vec::new(),
        None => reach.names.iter().map(ToString::to_string).collect(),
    };
    let (node, column) = match &numbers {
        Some(numbers) => (NUMBER, Column::U64(numbers)),
        None => (TEXT, Column::Text(&texts)),
    };
    let (head, tail) = node.split_once(' ').unwrap_or((node, ""));
    let segment = reach.segments.is_some();
    let schema = format!(
        "message nodes {{
            required {head} node {tail};
            required int64 reached (integer(64, false));
            required double reach_probability;
            {}
        }}",
        if segment { "optional binary segment (string);" } else { "" }
    );
    let mut columns = vec![column, Column::U64(&reach.counts), Column::F64(&probabilities)];
    if segment {
        columns.push(Column::OptionalText(&segments));
    }
    encode(&schema, &columns, reach.digest())
        .map_err(|source| ResultsError::Encode { file: FileKind::Nodes, source })
}

/// The types of a column of nodes.
const NUMBER: &str = "int64 (integer(64, false))";
const TEXT: &str = "binary (string)";

/// The ids of `names` as numbers, if all of them are.
fn numbers(names: &[OriginalId]) -> Option<Vec<u64>> {
    let number = |name: &OriginalId| match name {
        OriginalId::Number(number) => Some(*number),
        OriginalId::Name(_) => None,
    };
    names.iter().map(number).collect()
}

/// The bytes of a table of these columns; the schema follows from them.
pub(crate) fn encode_columns(
    table: &str,
    columns: &[(&str, Column<'_>)],
    digest: &str,
) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(|(name, column)| column.field(name).map(Arc::new));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder(table).with_fields(fields).build()?;
    let columns: Vec<_> = columns.iter().map(|(_, column)| column).collect();
    encode_as(schema, &columns, digest)
}

fn encode(schema: &str, columns: &[Column<'_>], digest: &str) -> Result<Vec<u8>, ParquetError> {
    let columns: Vec<_> = columns.iter().collect();
    encode_as(parse_message_type(schema)?, &columns, digest)
}

fn encode_as(schema: Type, columns: &[&Column<'_>], digest: &str) -> Result<Vec<u8>, ParquetError> {
    let mut bytes = Vec::new();
    let schema = Arc::new(schema);
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties(digest))?;
    let n_rows = columns.first().map_or(0, |column| column.len());
    for begin in (0..n_rows).step_by(ROWS_PER_GROUP) {
        let end = n_rows.min(begin + ROWS_PER_GROUP);
        let mut group = file.next_row_group()?;
        columns.iter().try_for_each(|column| column.write(begin..end, &mut group))?;
        group.close()?;
    }
    file.close()?;
    Ok(bytes)
}

fn properties(digest: &str) -> WriterPropertiesPtr {
    let note = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    // Numbers of simulations are consecutive; fingerprints have no two alike.
    let (simulation, fingerprint) =
        (ColumnPath::from("simulation"), ColumnPath::from("fingerprint"));
    let properties = WriterProperties::builder()
        .set_created_by(concat!("kaskade version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![
            note("kaskade.schema_version", SCHEMA_VERSION.to_string()),
            note("kaskade.digest", digest.to_owned()),
        ]))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_column_dictionary_enabled(simulation.clone(), false)
        .set_column_encoding(simulation, Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled(fingerprint, false)
        .build();
    Arc::new(properties)
}

impl Column<'_> {
    fn len(&self) -> usize {
        match self {
            Self::U32(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::OptionalF64(values) => values.len(),
            Self::OptionalU64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::OptionalText(values) => values.len(),
        }
    }

    /// The field of a schema that describes the column.
    fn field(&self, name: &str) -> Result<Type, ParquetError> {
        let integer = |bit_width| Some(LogicalType::integer(bit_width, false));
        let (physical, logical, repetition) = match self {
            Self::U32(_) => (PhysicalType::INT32, integer(32), Repetition::REQUIRED),
            Self::U64(_) => (PhysicalType::INT64, integer(64), Repetition::REQUIRED),
            Self::F64(_) => (PhysicalType::DOUBLE, None, Repetition::REQUIRED),
            Self::OptionalF64(_) => (PhysicalType::DOUBLE, None, Repetition::OPTIONAL),
            Self::OptionalU64(_) => (PhysicalType::INT64, integer(64), Repetition::OPTIONAL),
            Self::I64(_) => (PhysicalType::INT64, None, Repetition::REQUIRED),
            Self::Text(_) => {
                (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED)
            }
            Self::OptionalText(_) => {
                (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), Repetition::OPTIONAL)
            }
        };
        Type::primitive_type_builder(name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()
    }

    /// Writes the values at `rows` as the next column of `group`.
    fn write<W: std::io::Write + Send>(
        &self,
        rows: std::ops::Range<usize>,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let mut column = group
            .next_column()?
            .ok_or_else(|| ParquetError::General("more columns than the schema has".to_owned()))?;
        // Parquet stores unsigned numbers in the bits of signed ones.
        match self {
            Self::U32(values) => {
                let values: Vec<_> = values[rows].iter().map(|value| value.cast_signed()).collect();
                column.typed::<Int32Type>().write_batch(&values, None, None)?;
            }
            Self::U64(values) => {
                let values: Vec<_> = values[rows].iter().map(|value| value.cast_signed()).collect();
                column.typed::<Int64Type>().write_batch(&values, None, None)?;
            }
            Self::F64(values) => {
                column.typed::<DoubleType>().write_batch(&values[rows], None, None)?;
            }
            Self::OptionalF64(values) => {
                let (levels, values) = present(&values[rows]);
                column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
            }
            Self::OptionalU64(values) => {
                let (levels, values) = present(&values[rows]);
                let values: Vec<_> = values.into_iter().map(u64::cast_signed).collect();
                column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
            }
            Self::I64(values) => {
                column.typed::<Int64Type>().write_batch(&values[rows], None, None)?;
            }
            Self::Text(values) => {
                let values: Vec<_> = values[rows].iter().map(|text| bytes(text)).collect();
                column.typed::<ByteArrayType>().write_batch(&values, None, None)?;
            }
            Self::OptionalText(values) => {
                let (levels, values) = present(&values[rows]);
                let values: Vec<_> = values.into_iter().map(bytes).collect();
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
            }
        }
        column.close()
    }
}

/// Which of `values` are there, and those.
fn present<T: Copy>(values: &[Option<T>]) -> (Vec<i16>, Vec<T>) {
    let levels = values.iter().map(|value| i16::from(value.is_some())).collect();
    (levels, values.iter().copied().flatten().collect())
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}

#[cfg(test)]
mod tests;
