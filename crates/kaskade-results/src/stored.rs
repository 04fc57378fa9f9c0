//! A result read back from its directory: what reports and comparisons are made of.

mod csv;

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use kaskade_model::spec::OriginalId;
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::cascades::{Activation, Cascades};
use crate::directory::{read_directory, require_result};
use crate::error::ResultsError;
use crate::files::{FileKind, ResultFile};
use crate::measured::MeasureEstimate;
use crate::summary::Summary;

pub use csv::csv_tables;

/// A result whose files are those that its manifest lists, byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredResult {
    /// What it is called: the last part of its path.
    pub name: String,
    /// Its summary.
    pub summary: Summary,
    /// Global numbers of its simulations, ascending.
    pub simulations: Vec<u64>,
    /// Their spreads.
    pub spreads: Vec<u64>,
    /// What else was measured of them.
    pub measures: Vec<Measured>,
    /// Its files.
    pub files: Vec<ResultFile>,
}

/// A measure by simulation: its sum over the rounds, or its peak where it rises and falls.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// Whether it rises and falls.
    pub is_stock: bool,
    /// In the order of the simulations.
    pub values: Vec<f64>,
}

impl StoredResult {
    /// Reads the result directory `dir`.
    ///
    /// # Errors
    /// [`ResultsError::NoResult`]; those of [`read_directory`]; [`ResultsError::Unreadable`] and
    /// [`ResultsError::Decode`] for files that are whole but not what their names say;
    /// [`ResultsError::Disagree`] when they are of different jobs.
    pub fn read(dir: &Path) -> Result<Self, ResultsError> {
        let name = dir.canonicalize().ok().unwrap_or_else(|| dir.to_owned());
        let name = name.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        require_result(dir)?;
        let files = read_directory(dir)?;
        let bytes = |file: FileKind| {
            let found = files.iter().find(|found| found.kind == file);
            found.map(|found| &found.bytes).ok_or(ResultsError::MissingFile { file })
        };
        let file = FileKind::Summary;
        let summary: Summary = serde_json::from_slice(bytes(file)?)
            .map_err(|source| ResultsError::Unreadable { file, source })?;
        let file = FileKind::Simulations;
        let table = Table::read(bytes(file)?, &summary.measures);
        let table = table.map_err(|source| ResultsError::Decode { file, source })?;
        let is_whole = |measure: &Measured| measure.values.len() == table.simulations.len();
        let agree = table.digest.as_ref() == Some(&summary.digest)
            && table.simulations.len() as u64 == summary.simulations
            && table.spreads.len() as u64 == summary.simulations
            && table.measures.iter().all(is_whole);
        if !agree {
            return Err(ResultsError::Disagree { file });
        }
        let Table { simulations, spreads, measures, .. } = table;
        Ok(Self { name, summary, simulations, spreads, measures, files })
    }

    /// Who passed it to whom, if simulations were traced.
    ///
    /// # Errors
    /// As [`StoredResult::read`].
    pub fn cascades(&self) -> Result<Option<Cascades>, ResultsError> {
        let file = FileKind::Cascades;
        let Some(shape) = &self.summary.shape else { return Ok(None) };
        let found = self.files.iter().find(|found| found.kind == file);
        let bytes = &found.ok_or(ResultsError::MissingFile { file })?.bytes;
        let cascades = read_cascades(bytes);
        let cascades = cascades.map_err(|source| ResultsError::Decode { file, source })?;
        if cascades.digest() != shape.digest {
            return Err(ResultsError::Disagree { file });
        }
        Ok(Some(cascades))
    }
}

fn read_cascades(bytes: &[u8]) -> Result<Cascades, ParquetError> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let malformed = || ParquetError::General("columns of different lengths".to_owned());
    let simulations = column(&reader, "simulation")?;
    let (nodes, parents) = (ids(&reader, "node")?, ids(&reader, "parent")?);
    let rounds = rounds(&reader)?;
    let lengths = [nodes.len(), parents.len(), rounds.len()];
    if lengths.iter().any(|&length| length != simulations.len()) {
        return Err(malformed());
    }
    let (mut names, mut places) = (Vec::new(), HashMap::new());
    let mut place = |id: OriginalId| {
        *places.entry(id).or_insert_with_key(|id: &OriginalId| {
            names.push(id.clone());
            (names.len() - 1) as u32
        })
    };
    let mut activations = Vec::with_capacity(simulations.len());
    let ids = nodes.into_iter().zip(parents);
    for ((simulation, round), (node, parent)) in simulations.into_iter().zip(rounds).zip(ids) {
        let node = place(node.ok_or_else(malformed)?);
        let parent = parent.map(&mut place);
        activations.push(Activation { simulation, round, node, parent });
    }
    Ok(Cascades::new(names, activations))
}

/// The columns of `simulations.parquet` that are read back.
struct Table {
    simulations: Vec<u64>,
    spreads: Vec<u64>,
    measures: Vec<Measured>,
    digest: Option<String>,
}

impl Table {
    /// With the columns of `measures`.
    fn read(bytes: &[u8], measures: &[MeasureEstimate]) -> Result<Self, ParquetError> {
        let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
        let notes = reader.metadata().file_metadata().key_value_metadata();
        let digest = notes.into_iter().flatten().find(|note| note.key == "kaskade.digest");
        Ok(Self {
            simulations: column(&reader, "simulation")?,
            spreads: column(&reader, "spread")?,
            measures: measures.iter().map(|of| measured(&reader, of)).collect::<Result<_, _>>()?,
            digest: digest.and_then(|note| note.value.clone()),
        })
    }
}

fn measured(
    reader: &SerializedFileReader<Bytes>,
    measure: &MeasureEstimate,
) -> Result<Measured, ParquetError> {
    let MeasureEstimate { name, is_stock, .. } = measure;
    let column_name = format!("measure:{name}");
    let mut whole: Vec<i64> = Vec::new();
    let mut values: Vec<f64> = Vec::new();
    each_group(reader, &column_name, |column| {
        match column {
            ColumnReader::Int64ColumnReader(mut column) => {
                while column.read_records(usize::MAX, None, None, &mut whole)?.0 > 0 {}
            }
            // Weights are summed in parts of one.
            ColumnReader::DoubleColumnReader(mut column) => {
                while column.read_records(usize::MAX, None, None, &mut values)?.0 > 0 {}
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    values.extend(whole.into_iter().map(|value| value.cast_unsigned() as f64));
    Ok(Measured { name: name.clone(), is_stock: *is_stock, values })
}

fn column(reader: &SerializedFileReader<Bytes>, name: &str) -> Result<Vec<u64>, ParquetError> {
    let mut values: Vec<i64> = Vec::new();
    each_group(reader, name, |column| {
        let ColumnReader::Int64ColumnReader(mut column) = column else { return Ok(false) };
        // A reader gives a page or more at a time.
        while column.read_records(usize::MAX, None, None, &mut values)?.0 > 0 {}
        Ok(true)
    })?;
    Ok(values.into_iter().map(i64::cast_unsigned).collect())
}

fn rounds(reader: &SerializedFileReader<Bytes>) -> Result<Vec<u32>, ParquetError> {
    let mut values: Vec<i32> = Vec::new();
    each_group(reader, "round", |column| {
        let ColumnReader::Int32ColumnReader(mut column) = column else { return Ok(false) };
        while column.read_records(usize::MAX, None, None, &mut values)?.0 > 0 {}
        Ok(true)
    })?;
    Ok(values.into_iter().map(i32::cast_unsigned).collect())
}

/// A column of nodes: numbers or texts, of which some may lack.
fn ids(
    reader: &SerializedFileReader<Bytes>,
    name: &str,
) -> Result<Vec<Option<OriginalId>>, ParquetError> {
    let mut ids = Vec::new();
    let mut add = |levels: Vec<i16>, values: Vec<OriginalId>| {
        let mut values = values.into_iter();
        if !levels.is_empty() {
            let is_there = levels.into_iter().map(|level| level > 0);
            ids.extend(is_there.map(|is_there| if is_there { values.next() } else { None }));
        } else {
            ids.extend(values.map(Some));
        }
    };
    each_group(reader, name, |column| {
        let mut levels = Vec::new();
        match column {
            ColumnReader::Int64ColumnReader(mut column) => {
                let mut values = Vec::new();
                while column.read_records(usize::MAX, Some(&mut levels), None, &mut values)?.0 > 0 {
                }
                let values = values.into_iter().map(|value: i64| value.cast_unsigned().into());
                add(levels, values.collect());
            }
            ColumnReader::ByteArrayColumnReader(mut column) => {
                let mut values: Vec<ByteArray> = Vec::new();
                while column.read_records(usize::MAX, Some(&mut levels), None, &mut values)?.0 > 0 {
                }
                let text = |value: &ByteArray| value.as_utf8().map(OriginalId::from);
                add(levels, values.iter().map(text).collect::<Result<_, _>>()?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(ids)
}

/// Hands the column `name` of each group to `read`, which says whether it is of the right type.
fn each_group(
    reader: &SerializedFileReader<Bytes>,
    name: &str,
    mut read: impl FnMut(ColumnReader) -> Result<bool, ParquetError>,
) -> Result<(), ParquetError> {
    let no_such = || ParquetError::General(format!("no column {name} of the right type"));
    let schema = reader.metadata().file_metadata().schema_descr();
    let place = schema.columns().iter().position(|column| column.name() == name);
    let place = place.ok_or_else(no_such)?;
    for group in 0..reader.num_row_groups() {
        if !read(reader.get_row_group(group)?.get_column_reader(place)?)? {
            return Err(no_such());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kaskade_model::dynamics::Measure;

    use super::*;
    use crate::files::result_files;
    use crate::manifest::{Manifest, Provenance};
    use crate::{JobRecord, Sample, fixture, write_directory};

    #[test]
    fn a_result_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spring");
        let (sample, summary) = fixture::summary();
        let files = result_files(&sample, &summary, &Provenance::default()).unwrap();
        write_directory(&path, &files, false).unwrap();
        let stored = StoredResult::read(&path).unwrap();
        assert_eq!((stored.name.as_str(), &stored.summary), ("spring", &summary));
        assert_eq!(stored.simulations, [0, 1, 2, 3]);
        assert_eq!(stored.spreads, [17, 2, 5, 133]);
    }

    #[test]
    fn measures_read_back_in_the_units_of_results() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("measured");
        let mut rows = fixture::rows(&[&[1], &[1]]);
        rows[0].series = vec![vec![2, 1], vec![1_000_000, 500_000]];
        rows[1].series = vec![vec![0, 4], vec![0]];
        let sample = Sample::collect(rows, 10).unwrap();
        let measures = vec![Measure::Infectious, Measure::Weight];
        let summary = Summary::new(&sample, JobRecord { measures, ..fixture::record() });
        let files = result_files(&sample, &summary, &Provenance::default()).unwrap();
        write_directory(&path, &files, false).unwrap();
        let stored = StoredResult::read(&path).unwrap();
        let [infectious, weight] = &stored.measures[..] else { panic!("{:?}", stored.measures) };
        assert_eq!((infectious.is_stock, &infectious.values[..]), (true, &[2.0, 4.0][..]));
        assert_eq!((weight.is_stock, &weight.values[..]), (false, &[1.5, 0.0][..]));
    }

    #[test]
    fn files_of_two_jobs_do_not_pass_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mixed");
        let (sample, summary) = fixture::summary();
        let mut files = result_files(&sample, &summary, &Provenance::default()).unwrap();
        let other = fixture::sample(&[&[1], &[1], &[1], &[1]]);
        files[1].bytes = crate::parquet::simulations_parquet(&other, &[]).unwrap();
        files.pop();
        let manifest = Manifest::new(&summary, &Provenance::default(), &files).to_json();
        files.push(ResultFile { kind: FileKind::Manifest, bytes: manifest.into_bytes() });
        write_directory(&path, &files, false).unwrap();
        assert!(matches!(StoredResult::read(&path), Err(ResultsError::Disagree { .. })));
    }
}
