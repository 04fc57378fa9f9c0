//! What is known of the nodes beside their arcs: typed columns, by dense id.
//!
//! A value may be missing, for a node that the table did not name as for an empty field: each
//! type has one pattern that says so, and no other value has it.

mod column;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use kaskade_model::NodeId;
use kaskade_model::dynamics::{NodeColumns, Value};
use serde::{Deserialize, Serialize};

use crate::choices::InvalidChoice;
use crate::container::{Container, FileKind, Tag};
use crate::error::StoreError;
use crate::manifest::Manifest;
use crate::mmap::MappedSlice;
use crate::opening::{Load, Meter, Verify};
use crate::strings::Strings;

pub use column::{Column, MISSING_BOOL, MISSING_CATEGORY, MISSING_NUMBER};
pub use write::AttributesEntry;
pub(crate) use write::{is_column_name, write_attributes};

/// The most columns of a graph's nodes.
pub const MAX_NODE_COLUMNS: usize = 256;

/// The longest name of a column, in bytes.
pub const MAX_COLUMN_NAME_BYTES: usize = 256;

/// What a column of the nodes holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// One of a list of texts.
    Category,
    /// A finite number.
    Number,
    /// Yes or no.
    Bool,
}

impl ColumnType {
    fn word(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Number => "number",
            Self::Bool => "bool",
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for ColumnType {
    type Err = InvalidChoice;

    fn from_str(word: &str) -> Result<Self, InvalidChoice> {
        let known = [Self::Category, Self::Number, Self::Bool];
        let found = known.into_iter().find(|known| known.word() == word);
        found.ok_or_else(|| InvalidChoice::new(word, "category, number, bool"))
    }
}

/// What the manifest says of a column of the nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeColumn {
    /// Its name, unique among the node columns.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Nodes without a value.
    pub n_missing: u64,
    /// The different texts that occur, in a column of categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_categories: Option<u32>,
    /// The digest of its type and all its values, in hex; no part of it is the column's name.
    pub digest: String,
}

/// What a job reads of the columns.
impl NodeColumns for Attributes {
    fn find(&self, name: &str) -> Option<usize> {
        self.place(name)
    }

    fn value(&self, place: usize, node: NodeId) -> Value<'_> {
        let Some((_, column)) = self.columns.get(place) else { return Value::Missing };
        let column = column.view();
        let value = match column.kind() {
            ColumnType::Category => column.category(node).map(Value::Category),
            ColumnType::Number => column.number(node).map(Value::Number),
            ColumnType::Bool => column.bool(node).map(Value::Bool),
        };
        value.unwrap_or(Value::Missing)
    }

    fn categories(&self, place: usize) -> Option<Vec<String>> {
        match self.columns.get(place)?.1.view() {
            Column::Category { names, .. } => {
                let texts = (0..names.len()).filter_map(|idx| names.text(idx));
                Some(texts.map(str::to_owned).collect())
            }
            _ => None,
        }
    }
}

/// The node columns of a graph, mapped.
#[derive(Debug)]
pub struct Attributes {
    container: Container,
    /// By ascending name.
    columns: Vec<(NodeColumn, MappedColumn)>,
}

#[derive(Debug)]
enum MappedColumn {
    Category { codes: MappedSlice<u32>, ends: MappedSlice<u64>, bytes: MappedSlice<u8> },
    Number(MappedSlice<f64>),
    Bool(MappedSlice<u8>),
}

impl Attributes {
    /// The columns' names and what is known of them, by ascending name.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &NodeColumn> {
        self.columns.iter().map(|(described, _)| described)
    }

    /// The column named `name`. O(log columns).
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Column<'_>> {
        self.place(name).map(|place| self.columns[place].1.view())
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.binary_search_by(|(described, _)| described.name.as_str().cmp(name)).ok()
    }

    /// Maps the file at `path` with the node columns that `manifest` describes.
    pub(crate) fn open(
        path: &Path,
        manifest: &Manifest,
        verify: Verify,
        meter: &Meter<'_>,
    ) -> Result<Self, StoreError> {
        let container = Container::open(path, FileKind::Attributes, Load::Mmap)?;
        let n_nodes = container.shape().n_nodes;
        if u64::from(n_nodes) != manifest.n_nodes {
            return Err(StoreError::malformed(path, "header", manifest.n_nodes, n_nodes));
        }
        let mut columns = Vec::with_capacity(manifest.node_columns.len());
        for (place, described) in (0u16..).zip(&manifest.node_columns) {
            let column = MappedColumn::open(&container, place, described, n_nodes)?;
            columns.push((described.clone(), column));
        }
        let attributes = Self { container, columns };
        if verify == Verify::Full {
            attributes.container.check_blocks(meter)?;
            attributes.check()?;
        }
        Ok(attributes)
    }

    pub(crate) fn container(&self) -> &Container {
        &self.container
    }

    /// Compares every column with its digest.
    pub(crate) fn check_digests(&self) -> Result<(), StoreError> {
        for (described, column) in &self.columns {
            let found = column.view().digest();
            if found != described.digest {
                return Err(StoreError::Digest {
                    path: self.container.path().to_owned(),
                    what: "the digest of a node column",
                    expected: described.digest.clone(),
                    found,
                });
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), StoreError> {
        let n_nodes = self.container.shape().n_nodes;
        for (described, column) in &self.columns {
            let view = column.view();
            let of_column =
                |text: &dyn fmt::Display| format!("{text} in column {:?}", described.name);
            if let Some(flaw) = view.flaw(n_nodes) {
                let expected = of_column(&flaw);
                return Err(self.container.malformed(column.tag(), expected, "another"));
            }
            let (expected, found) = (described.n_missing, view.n_missing());
            if expected != found {
                let expected = of_column(&format_args!("{expected} missing values"));
                return Err(self.container.malformed(column.tag(), expected, found));
            }
        }
        Ok(())
    }
}

impl MappedColumn {
    fn open(
        container: &Container,
        place: u16,
        described: &NodeColumn,
        n_nodes: u32,
    ) -> Result<Self, StoreError> {
        let n_nodes = n_nodes.into();
        Ok(match described.kind {
            ColumnType::Category => {
                let n_categories = described.n_categories.unwrap_or(0).into();
                Self::Category {
                    codes: container.required_of(Tag::CategoryCodes, place, n_nodes)?,
                    ends: container.required_of(Tag::CategoryEnds, place, n_categories)?,
                    bytes: container.section_of(Tag::CategoryBytes, place)?.ok_or_else(|| {
                        let expected = "the bytes of all categories";
                        container.malformed(Tag::CategoryBytes, expected, "no such section")
                    })?,
                }
            }
            ColumnType::Number => {
                Self::Number(container.required_of(Tag::Numbers, place, n_nodes)?)
            }
            ColumnType::Bool => Self::Bool(container.required_of(Tag::Bools, place, n_nodes)?),
        })
    }

    fn view(&self) -> Column<'_> {
        match self {
            Self::Category { codes, ends, bytes } => {
                Column::Category { codes, names: Strings::new(ends, bytes) }
            }
            Self::Number(values) => Column::Number(values),
            Self::Bool(values) => Column::Bool(values),
        }
    }

    fn tag(&self) -> Tag {
        match self {
            Self::Category { .. } => Tag::CategoryCodes,
            Self::Number(_) => Tag::Numbers,
            Self::Bool(_) => Tag::Bools,
        }
    }
}
