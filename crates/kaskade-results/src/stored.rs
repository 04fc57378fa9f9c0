//! A result read back from its directory: what reports and comparisons are made of.

mod csv;

use std::path::Path;

use bytes::Bytes;
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::directory::read_directory;
use crate::error::ResultsError;
use crate::files::{FileKind, ResultFile};
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
    /// Its files.
    pub files: Vec<ResultFile>,
}

impl StoredResult {
    /// Reads the result directory `dir`.
    ///
    /// # Errors
    /// Those of [`read_directory`]; [`ResultsError::Unreadable`] and [`ResultsError::Decode`] for
    /// files that are whole but not what their names say; [`ResultsError::Disagree`] when they
    /// are of different jobs.
    pub fn read(dir: &Path) -> Result<Self, ResultsError> {
        let name = dir.canonicalize().ok().unwrap_or_else(|| dir.to_owned());
        let name = name.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let files = read_directory(dir)?;
        let bytes = |file: FileKind| {
            let found = files.iter().find(|found| found.kind == file);
            found.map(|found| &found.bytes).ok_or(ResultsError::MissingFile { file })
        };
        let file = FileKind::Summary;
        let summary: Summary = serde_json::from_slice(bytes(file)?)
            .map_err(|source| ResultsError::Unreadable { file, source })?;
        let file = FileKind::Simulations;
        let table = Table::read(bytes(file)?);
        let table = table.map_err(|source| ResultsError::Decode { file, source })?;
        let agree = table.digest.as_ref() == Some(&summary.digest)
            && table.simulations.len() as u64 == summary.simulations
            && table.spreads.len() as u64 == summary.simulations;
        if !agree {
            return Err(ResultsError::Disagree { file });
        }
        let Table { simulations, spreads, .. } = table;
        Ok(Self { name, summary, simulations, spreads, files })
    }
}

/// The columns of `simulations.parquet` that are read back.
struct Table {
    simulations: Vec<u64>,
    spreads: Vec<u64>,
    digest: Option<String>,
}

impl Table {
    fn read(bytes: &[u8]) -> Result<Self, ParquetError> {
        let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
        let notes = reader.metadata().file_metadata().key_value_metadata();
        let digest = notes.into_iter().flatten().find(|note| note.key == "kaskade.digest");
        Ok(Self {
            simulations: column(&reader, "simulation")?,
            spreads: column(&reader, "spread")?,
            digest: digest.and_then(|note| note.value.clone()),
        })
    }
}

fn column(reader: &SerializedFileReader<Bytes>, name: &str) -> Result<Vec<u64>, ParquetError> {
    let no_such = || ParquetError::General(format!("no column {name} of whole numbers"));
    let schema = reader.metadata().file_metadata().schema_descr();
    let place = schema.columns().iter().position(|column| column.name() == name);
    let place = place.ok_or_else(no_such)?;
    let mut values: Vec<i64> = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let ColumnReader::Int64ColumnReader(mut column) = group.get_column_reader(place)? else {
            return Err(no_such());
        };
        // A reader gives a page or more at a time.
        while column.read_records(usize::MAX, None, None, &mut values)?.0 > 0 {}
    }
    Ok(values.into_iter().map(i64::cast_unsigned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::result_files;
    use crate::manifest::{Manifest, Provenance};
    use crate::{fixture, write_directory};

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
