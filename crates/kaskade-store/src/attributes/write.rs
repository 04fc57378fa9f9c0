//! Writing the file of the node columns.

use std::path::Path;

use kaskade_model::NodeRange;

use super::{Column, MAX_COLUMN_NAME_BYTES, MAX_NODE_COLUMNS, NodeColumn};
use crate::container::{FileKind, SectionData, Shape, Tag, write_container};
use crate::durable::Flusher;
use crate::error::StoreError;
use crate::manifest::FileEntry;

/// What is known of the node columns once they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributesEntry {
    pub(crate) file: FileEntry,
    /// By ascending name.
    pub(crate) columns: Vec<NodeColumn>,
    pub(crate) n_unknown_ids: u64,
}

/// Writes the columns of `n_nodes` nodes to `path`, by ascending name whatever order they come in.
pub(crate) fn write_attributes(
    path: &Path,
    n_nodes: u32,
    columns: &[(&str, Column<'_>)],
    n_unknown_ids: u64,
    flusher: &Flusher,
) -> Result<AttributesEntry, StoreError> {
    let mut columns = columns.to_vec();
    columns.sort_by_key(|(name, _)| *name);
    check(n_nodes, &columns)?;
    let mut described = Vec::with_capacity(columns.len());
    let mut sections = Vec::new();
    for (place, (name, column)) in (0u16..).zip(&columns) {
        described.push(NodeColumn {
            name: (*name).to_owned(),
            kind: column.kind(),
            n_missing: column.n_missing(),
            n_categories: column.n_categories(),
            digest: column.digest(),
        });
        match *column {
            Column::Category { codes, names } => sections.extend([
                SectionData::of_column(Tag::CategoryCodes, place, codes),
                SectionData::of_column(Tag::CategoryEnds, place, names.ends()),
                SectionData::of_column(Tag::CategoryBytes, place, names.bytes()),
            ]),
            Column::Number(values) => {
                sections.push(SectionData::of_column(Tag::Numbers, place, values));
            }
            Column::Bool(values) => {
                sections.push(SectionData::of_column(Tag::Bools, place, values));
            }
        }
    }
    let nodes = NodeRange { begin: 0, end: n_nodes };
    let shape = Shape { kind: FileKind::Attributes, n_nodes, n_arcs: 0, nodes };
    let file = write_container(path, shape, &sections, flusher)?.into();
    Ok(AttributesEntry { file, columns: described, n_unknown_ids })
}

fn check(n_nodes: u32, columns: &[(&str, Column<'_>)]) -> Result<(), StoreError> {
    let invalid = |reason: String| Err(StoreError::invalid_input("the node columns", reason));
    if !(1..=MAX_NODE_COLUMNS).contains(&columns.len()) {
        return invalid(format!("{} columns are not 1 to {MAX_NODE_COLUMNS}", columns.len()));
    }
    for (idx, (name, column)) in columns.iter().enumerate() {
        if !is_column_name(name) {
            return invalid(format!("{name:?} is not 1 to {MAX_COLUMN_NAME_BYTES} bytes long"));
        }
        if idx > 0 && columns[idx - 1].0 == *name {
            return invalid(format!("two columns are named {name:?}"));
        }
        if let Some(flaw) = column.flaw(n_nodes) {
            return invalid(format!("column {name:?} needs {flaw}"));
        }
    }
    Ok(())
}

/// Whether a column can be called `name`.
pub(crate) fn is_column_name(name: &str) -> bool {
    (1..=MAX_COLUMN_NAME_BYTES).contains(&name.len())
}
