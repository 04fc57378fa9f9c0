//! The Parquet tables of results as CSV, several results below each other.

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::StoredResult;
use crate::csv;
use crate::error::ResultsError;
use crate::files::FileKind;

/// The tables that all of `results` have, each as the name of a file and its text: a header, then the
/// rows of every result, under its name in the column `result`. What a result lacks is empty.
///
/// # Errors
/// [`ResultsError::Decode`] for a file that is no Parquet.
pub fn csv_tables(results: &[StoredResult]) -> Result<Vec<(String, String)>, ResultsError> {
    let tables = FileKind::ALL.into_iter().filter_map(|kind| {
        let stem = kind.name().strip_suffix(".parquet")?;
        let is_there = |result: &StoredResult| result.files.iter().any(|file| file.kind == kind);
        results.iter().all(is_there).then(|| (kind, format!("{stem}.csv")))
    });
    let table = |(kind, name): (FileKind, String)| {
        let text = table(results, kind);
        Ok((name, text.map_err(|source| ResultsError::Decode { file: kind, source })?))
    };
    tables.map(table).collect()
}

fn table(results: &[StoredResult], kind: FileKind) -> Result<String, ParquetError> {
    let mut readers = Vec::new();
    let mut columns: Vec<String> = Vec::new();
    for result in results {
        for file in result.files.iter().filter(|file| file.kind == kind) {
            let reader = SerializedFileReader::new(Bytes::copy_from_slice(&file.bytes))?;
            for field in reader.metadata().file_metadata().schema().get_fields() {
                if !columns.iter().any(|column| column == field.name()) {
                    columns.push(field.name().to_owned());
                }
            }
            readers.push((&result.name, reader));
        }
    }
    let mut text = String::new();
    csv::push_row(&mut text, ["result".to_owned()].into_iter().chain(columns.iter().cloned()));
    for (name, reader) in readers {
        for row in reader.get_row_iter(None)? {
            let row = row?;
            let cell = |column: &String| {
                let found = row.get_column_iter().find(|(name, _)| *name == column);
                found.map_or_else(String::new, |(_, field)| said(field))
            };
            csv::push_row(&mut text, [name.clone()].into_iter().chain(columns.iter().map(cell)));
        }
    }
    Ok(text)
}

/// A value in as few digits as give it back.
fn said(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(number) => number.to_string(),
        Field::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::result_files;
    use crate::fixture;
    use crate::manifest::Provenance;

    #[test]
    fn results_stand_below_each_other() {
        let (sample, summary) = fixture::summary();
        let files = result_files(&sample, &summary, &Provenance::default()).unwrap();
        let named = |name: &str| StoredResult {
            name: name.to_owned(),
            summary: summary.clone(),
            simulations: vec![0, 1, 2, 3],
            spreads: sample.spreads.clone(),
            measures: Vec::new(),
            files: files.clone(),
        };
        let tables = csv_tables(&[named("a,b"), named("c")]).unwrap();
        let names: Vec<_> = tables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["simulations.csv", "rounds.csv"]);
        let rows: Vec<_> = tables[0].1.lines().collect();
        assert_eq!(rows.len(), 1 + 8);
        assert!(rows[0].starts_with("result,simulation,spread,rounds,fingerprint"), "{}", rows[0]);
        assert!(rows[1].starts_with("\"a,b\",0,17,"), "{}", rows[1]);
        assert!(rows[8].starts_with("c,3,133,"), "{}", rows[8]);
        let rounds: Vec<_> = tables[1].1.lines().collect();
        assert!(rounds[1].starts_with("\"a,b\",0,2,2,2,2,2,4,"), "{}", rounds[1]);
        assert!(rounds[4].ends_with(','), "no reproduction number in the last round");
    }
}
