//! A table, whatever its format: named columns, one of which holds the ids, and rows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kaskade_store::{ColumnType, MAX_COLUMN_NAME_BYTES};

use super::error::NodeTableError;
use super::values::Cell;
use super::{parquet, text};
use crate::error::IngestError;
use crate::progress::Progress;

/// The columns that hold the ids where nobody says which does.
const USUAL_KEYS: [&str; 2] = ["id", "node"];

/// A table whose columns are known.
#[derive(Debug)]
pub(super) struct Table {
    path: PathBuf,
    format: TableFormat,
    fields: Vec<Field>,
    /// The place of the ids among `fields`.
    key: usize,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableFormat {
    /// Lines of fields, parted by this byte.
    Text(u8),
    /// Parquet.
    Parquet,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    /// Its type, where the table states it.
    pub(super) kind: Option<ColumnType>,
}

/// Takes the line, the id and the values of one row.
pub(super) type KeyedRowSink<'s> =
    dyn FnMut(u64, &Cell<'_>, &[Cell<'_>]) -> Result<(), IngestError> + Send + 's;

/// Takes the line and the fields of one row; they are those of the header, in its order.
pub(super) type RowSink<'s> = dyn FnMut(u64, &[Cell<'_>]) -> Result<(), IngestError> + Send + 's;

impl Table {
    /// Reads the column names of the table at `path`, whose ids stand in the column `key`.
    ///
    /// # Errors
    /// [`IngestError`]: it cannot be read, names are missing or repeated, or it has no such key.
    pub(super) fn open(path: &Path, key: Option<&str>) -> Result<Self, IngestError> {
        let is_parquet = path.extension().is_some_and(|ending| ending == "parquet");
        let (format, fields) =
            if is_parquet { parquet::header(path)? } else { text::header(path)? };
        let find = |name: &str| fields.iter().position(|field| field.name == name);
        let key = match key {
            Some(name) => find(name).ok_or_else(|| NodeTableError::NoKey {
                path: path.into(),
                key: name.to_owned(),
                names: fields.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", "),
            })?,
            None => USUAL_KEYS.into_iter().find_map(find).unwrap_or(0),
        };
        let table = Self { path: path.into(), format, fields, key };
        table.check_names()?;
        Ok(table)
    }

    fn check_names(&self) -> Result<(), NodeTableError> {
        let path = || self.path.clone();
        if self.fields.len() == 1 {
            let key = self.fields[0].name.clone();
            return Err(NodeTableError::NoColumns { path: path(), key });
        }
        let mut names = BTreeSet::new();
        for (place, field) in self.fields.iter().enumerate() {
            // Indexes that programs write have no name.
            let is_named = (1..=MAX_COLUMN_NAME_BYTES).contains(&field.name.len());
            if !is_named && place != self.key {
                return Err(NodeTableError::ColumnName { path: path(), place: place + 1 });
            }
            if !names.insert(&field.name) {
                let name = field.name.clone();
                return Err(NodeTableError::RepeatedColumn { path: path(), name });
            }
        }
        Ok(())
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its length on disk, where that is known.
    pub(super) fn total_bytes(&self) -> Option<u64> {
        std::fs::metadata(&self.path).ok().filter(|file| file.is_file()).map(|file| file.len())
    }

    /// Names and stated types of the columns beside the ids.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, Option<ColumnType>)> {
        let others = self.fields.iter().enumerate().filter(|(place, _)| *place != self.key);
        others.map(|(_, field)| (field.name.as_str(), field.kind))
    }

    /// Hands every row to `sink`: the line it begins at (of Parquet, the row, from 1), its id, and
    /// its values in the order of [`Table::columns`].
    ///
    /// # Errors
    /// Those of `sink`; a row is damaged; [`IngestError::Interrupted`].
    pub(super) fn for_each_row(
        &self,
        progress: &dyn Progress,
        sink: &mut KeyedRowSink<'_>,
    ) -> Result<(), IngestError> {
        let mut n_rows = 0u64;
        let mut split = |line: u64, row: &[Cell<'_>]| {
            n_rows += 1;
            if n_rows.is_multiple_of(ROWS_BETWEEN_LOOKS) && progress.interrupted() {
                return Err(IngestError::Interrupted);
            }
            let (before, rest) = row.split_at(self.key);
            let [key, after @ ..] = rest else { return Ok(()) };
            if before.is_empty() {
                return sink(line, key, after);
            }
            sink(line, key, &[before, after].concat())
        };
        match self.format {
            TableFormat::Text(delimiter) => {
                text::for_each_row(&self.path, delimiter, self.fields.len(), progress, &mut split)
            }
            TableFormat::Parquet => {
                parquet::for_each_row(&self.path, &self.fields, progress, &mut split)
            }
        }
    }
}

/// Rows between two looks at whether to give up.
const ROWS_BETWEEN_LOOKS: u64 = 4096;
