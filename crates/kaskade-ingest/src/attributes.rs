//! Tables of what is known of the nodes, to the node columns of a graph directory.
//!
//! A table is CSV, TSV or Parquet with a column of original ids. It is read twice: once to
//! decide the columns' types from all values, once to place the values by dense id. So memory
//! does not grow with the table's rows but with the nodes: 4 bytes a node to tell twice-named
//! ids apart, and a value a node and column (category 4 bytes, number 8, bool 1) beside the
//! different texts. Ids that the graph lacks take about 20 bytes each.

mod columns;
mod error;
mod open;
mod parquet;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kaskade_store::{ColumnType, GraphWriter, MAX_NODE_COLUMNS, Nodes, NodesEntry};

use crate::error::IngestError;
use crate::progress::{Phase, Progress, Unit};
use columns::{Columns, NodeColumns};
pub use error::NodeTableError;
use table::Table;
use values::{Cell, Evidence};

/// Tables of node columns, and how to read them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTables {
    /// The tables, each with columns of its own. A path ending in `.parquet` is Parquet, one in
    /// `.tsv` or `.tab` is parted by tabs, any other by what its header line has of tab, comma
    /// and semicolon, in this order; text may be compressed, `.gz` or `.zst`.
    pub paths: Vec<PathBuf>,
    /// The column with the ids, in every table; else the column `id`, else `node`, else the
    /// first.
    pub key: Option<String>,
    /// The types of the columns that are not to be told from their values: bool where all are
    /// `true`, `yes`, `t`, `y`, `1` or their opposites in any case; else number where all are
    /// finite ones; else category. Parquet states its types itself.
    pub types: Vec<(String, ColumnType)>,
}

/// Checks what can be told of `tables` before the graph is there: that each can be opened, has
/// its key, and that no two columns share a name.
///
/// # Errors
/// [`IngestError::NodeTable`], or a table cannot be read.
pub(crate) fn check(tables: Option<&NodeTables>) -> Result<(), IngestError> {
    let Some(tables) = tables else { return Ok(()) };
    let mut owners: BTreeMap<String, &Path> = BTreeMap::new();
    for path in &tables.paths {
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(NodeTableError::NotAFile { path: path.clone() }.into());
        }
        let table = Table::open(path, tables.key.as_deref())?;
        for (name, _) in table.columns() {
            if let Some(first) = owners.insert(name.to_owned(), path) {
                let (name, second) = (name.to_owned(), path.clone());
                let error = NodeTableError::ColumnConflict { name, first: first.into(), second };
                return Err(error.into());
            }
        }
    }
    if owners.len() > MAX_NODE_COLUMNS {
        return Err(NodeTableError::TooManyColumns { n_columns: owners.len() }.into());
    }
    match tables.types.iter().find(|(name, _)| !owners.contains_key(name)) {
        Some((name, _)) => {
            let names = owners.into_keys().collect::<Vec<_>>().join(", ");
            Err(NodeTableError::NoTypedColumn { name: name.clone(), names }.into())
        }
        None => Ok(()),
    }
}

/// Reads `tables`, writes their columns with `writer` and gives `nodes`, which `writer` has
/// written, with them; `nodes` as they are where there are no tables.
///
/// # Errors
/// [`IngestError`] names table, line and column.
pub(crate) fn attach(
    writer: &GraphWriter,
    tables: Option<&NodeTables>,
    nodes: NodesEntry,
    progress: &dyn Progress,
) -> Result<NodesEntry, IngestError> {
    let Some(tables) = tables.filter(|tables| !tables.paths.is_empty()) else { return Ok(nodes) };
    check(Some(tables))?;
    let ids = writer.open_nodes()?;
    let mut columns = Columns::default();
    for path in &tables.paths {
        let table = Table::open(path, tables.key.as_deref())?;
        columns.extend(read(&table, &tables.types, &ids, progress)?);
    }
    let entry = columns.write(writer, &nodes)?;
    Ok(nodes.with_attributes(entry))
}

/// The columns of one table, by dense id.
fn read(
    table: &Table,
    types: &[(String, ColumnType)],
    ids: &Nodes,
    progress: &dyn Progress,
) -> Result<Columns, IngestError> {
    let types = decide_types(table, types, progress)?;
    progress.begin(Phase::Attributes, table.total_bytes(), Unit::Bytes);
    let names = table.columns().map(|(name, _)| name);
    let mut columns = NodeColumns::new(table.path(), ids, names.zip(types));
    table.for_each_row(progress, &mut |line, key, values| columns.add(line, key, values))?;
    columns.finish()
}

/// The type of every column: as it was asked for, as the table states it, or as all values say.
fn decide_types(
    table: &Table,
    asked: &[(String, ColumnType)],
    progress: &dyn Progress,
) -> Result<Vec<ColumnType>, IngestError> {
    let known: Vec<Option<ColumnType>> = table
        .columns()
        .map(|(name, stated)| {
            let asked = asked.iter().find(|(column, _)| column == name);
            asked.map(|(_, kind)| *kind).or(stated)
        })
        .collect();
    let mut evidence = vec![Evidence::default(); known.len()];
    if known.contains(&None) {
        progress.begin(Phase::Attributes, table.total_bytes(), Unit::Bytes);
        table.for_each_row(progress, &mut |_, _, values: &[Cell<'_>]| {
            evidence.iter_mut().zip(values).for_each(|(evidence, value)| evidence.add(value));
            Ok(())
        })?;
    }
    let decided = known.into_iter().zip(&evidence);
    Ok(decided.map(|(known, evidence)| known.unwrap_or_else(|| evidence.kind())).collect())
}
