//! The Parquet files of a result, row by row.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde::Serialize;

use crate::console::Console;
use crate::error::CliError;

/// Rows that are printed at a time.
const ROWS_AT_A_TIME: usize = 4096;

/// Prints the rows of the file at `path`, tab-separated under a line of names; with `--json`
/// its columns and the number of its rows.
pub(super) fn print(path: &Path, console: &Console) -> Result<(), CliError> {
    let damaged = |source| CliError::Parquet { path: path.to_owned(), source };
    let file = File::open(path).map_err(CliError::read_file(path))?;
    let reader = isolated(path, || SerializedFileReader::new(file))?.map_err(damaged)?;
    let metadata = reader.metadata().file_metadata();
    let fields = metadata.schema().get_fields();
    let columns = Columns {
        rows: metadata.num_rows(),
        columns: fields.iter().map(|field| field.name()).collect(),
    };
    if console.is_json() {
        return console.result(&columns, String::new);
    }
    console.data(&format!("{}\n", columns.columns.join("\t")))?;
    let mut rows = isolated(path, || reader.get_row_iter(None))?.map_err(damaged)?;
    loop {
        let next = || rows.by_ref().take(ROWS_AT_A_TIME).collect::<Result<Vec<_>, _>>();
        let some = isolated(path, next)?.map_err(damaged)?;
        if some.is_empty() {
            return Ok(());
        }
        let line = |row: &parquet::record::Row| {
            let values = row.get_column_iter().map(|(_, value)| value.to_string());
            values.collect::<Vec<_>>().join("\t") + "\n"
        };
        console.data(&some.iter().map(line).collect::<String>())?;
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Columns<'a> {
    rows: i64,
    columns: Vec<&'a str>,
}

/// What `read` gives, or an error where it panics: the reader does on some damaged files.
fn isolated<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<Result<T, ParquetError>, CliError> {
    let outcome = kaskade_ingest::isolated(read);
    let path = PathBuf::from(path);
    outcome.map_err(|_| CliError::Parquet {
        path,
        source: ParquetError::General("the reader gave up".to_owned()),
    })
}
