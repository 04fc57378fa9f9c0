//! The values of a table, placed by dense id.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use kaskade_model::NodeId;
use kaskade_model::seeds::NodeDirectory;
use kaskade_store::{
    AttributesEntry, Column, ColumnType, GraphWriter, IdKind, MISSING_BOOL, MISSING_CATEGORY,
    MISSING_NUMBER, Nodes, NodesEntry, Strings,
};

use super::error::NodeTableError;
use super::values::{Cell, NotOfType};
use crate::error::IngestError;

/// Columns that are complete.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<(String, Values)>,
    n_unknown_ids: u64,
}

/// The values of a column by dense id.
#[derive(Debug)]
enum Values {
    /// Once complete, texts ascend and codes are their places.
    Category(Categories),
    Number(Vec<f64>),
    Bool(Vec<u8>),
}

impl Columns {
    /// Adds the columns of another table.
    pub(super) fn extend(&mut self, other: Self) {
        self.columns.extend(other.columns);
        self.n_unknown_ids += other.n_unknown_ids;
    }

    /// Writes them all.
    pub(super) fn write(
        &self,
        writer: &GraphWriter,
        nodes: &NodesEntry,
    ) -> Result<AttributesEntry, IngestError> {
        let columns: Vec<(&str, Column<'_>)> =
            self.columns.iter().map(|(name, values)| (name.as_str(), values.view())).collect();
        Ok(writer.write_attributes(nodes, &columns, self.n_unknown_ids)?)
    }
}

impl Values {
    fn missing(kind: ColumnType, n_nodes: usize) -> Self {
        match kind {
            ColumnType::Category => Self::Category(Categories::missing(n_nodes)),
            ColumnType::Number => Self::Number(vec![MISSING_NUMBER; n_nodes]),
            ColumnType::Bool => Self::Bool(vec![MISSING_BOOL; n_nodes]),
        }
    }

    fn kind(&self) -> ColumnType {
        self.view().kind()
    }

    fn set(&mut self, node: NodeId, cell: &Cell<'_>) -> Result<(), NotOfType> {
        let node_idx = node.index();
        match self {
            Self::Category(categories) => {
                if let Some(text) = cell.text() {
                    categories.set(node_idx, text);
                }
            }
            Self::Number(values) => values[node_idx] = cell.number()?.unwrap_or(MISSING_NUMBER),
            Self::Bool(values) => values[node_idx] = cell.bool()?.map_or(MISSING_BOOL, u8::from),
        }
        Ok(())
    }

    fn view(&self) -> Column<'_> {
        match self {
            Self::Category(Categories { codes, ends, bytes, .. }) => {
                Column::Category { codes, names: Strings::new(ends, bytes) }
            }
            Self::Number(values) => Column::Number(values),
            Self::Bool(values) => Column::Bool(values),
        }
    }
}

/// A column of texts.
#[derive(Debug)]
struct Categories {
    codes: Vec<u32>,
    /// Texts by code, in the order in which they came.
    codes_of: HashMap<Box<str>, u32>,
    /// Once complete: all texts, ascending.
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl Categories {
    fn missing(n_nodes: usize) -> Self {
        let codes = vec![MISSING_CATEGORY; n_nodes];
        Self { codes, codes_of: HashMap::new(), ends: Vec::new(), bytes: Vec::new() }
    }

    fn set(&mut self, node_idx: usize, text: Cow<'_, str>) {
        self.codes[node_idx] = match self.codes_of.get(&*text) {
            Some(&code) => code,
            None => {
                // At most one a node, and a graph has fewer than 2³² nodes.
                let code = self.codes_of.len() as u32;
                self.codes_of.insert(text.into_owned().into_boxed_str(), code);
                code
            }
        };
    }

    /// Numbers the texts bytewise, whatever order they came in.
    fn complete(&mut self) {
        let mut texts: Vec<(Box<str>, u32)> =
            std::mem::take(&mut self.codes_of).into_iter().collect();
        texts.sort_unstable();
        let mut place_of = vec![0; texts.len()];
        for (place, (text, code)) in (0u32..).zip(&texts) {
            place_of[*code as usize] = place;
            self.bytes.extend_from_slice(text.as_bytes());
            self.ends.push(self.bytes.len() as u64);
        }
        for code in self.codes.iter_mut().filter(|code| **code != MISSING_CATEGORY) {
            *code = place_of[*code as usize];
        }
    }
}

/// The columns of one table in the making.
pub(super) struct NodeColumns<'a> {
    path: &'a Path,
    ids: &'a Nodes,
    columns: Vec<(String, Values)>,
    /// The line that named each node, 0 where none has.
    lines: Vec<u32>,
    /// Digests of the ids that the graph lacks, with their lines.
    unknown: Vec<(IdDigest, u32)>,
    /// Keyed at random: no table can be made whose ids collide.
    hashers: [RandomState; 2],
}

/// Tells ids apart in little space.
type IdDigest = [u64; 2];

impl<'a> NodeColumns<'a> {
    /// Columns of `ids` without a value, named and typed, for the table at `path`.
    pub(super) fn new<'n>(
        path: &'a Path,
        ids: &'a Nodes,
        columns: impl Iterator<Item = (&'n str, ColumnType)>,
    ) -> Self {
        let n_nodes = ids.n_nodes() as usize;
        let columns = columns.map(|(name, kind)| (name.to_owned(), Values::missing(kind, n_nodes)));
        let columns = columns.collect();
        let (lines, hashers) = (vec![0; n_nodes], [RandomState::new(), RandomState::new()]);
        Self { path, ids, columns, lines, unknown: Vec::new(), hashers }
    }

    /// Adds the row at `line`.
    pub(super) fn add(
        &mut self,
        line: u64,
        key: &Cell<'_>,
        values: &[Cell<'_>],
    ) -> Result<(), IngestError> {
        let path = || self.path.to_owned();
        let Some(id) = key.text() else {
            return Err(NodeTableError::MissingId { path: path(), line }.into());
        };
        let Ok(short_line) = u32::try_from(line) else {
            return Err(NodeTableError::TooManyLines { path: path() }.into());
        };
        let node = self.ids.find_text(&id);
        match node {
            Some(node) => {
                let first = std::mem::replace(&mut self.lines[node.index()], short_line);
                if first != 0 {
                    return Err(self.repeated(format!("id {id:?}"), first, short_line));
                }
            }
            None => self.unknown.push((self.digest(&id), short_line)),
        }
        for ((name, column), value) in self.columns.iter_mut().zip(values) {
            let outcome = match node {
                Some(node) => column.set(node, value),
                None => check(column.kind(), value),
            };
            outcome.map_err(|NotOfType| NodeTableError::Value {
                path: self.path.to_owned(),
                line,
                column: name.clone(),
                text: value.text().unwrap_or_default().chars().take(40).collect(),
                kind: column.kind(),
            })?;
        }
        Ok(())
    }

    /// The columns, complete.
    pub(super) fn finish(mut self) -> Result<Columns, IngestError> {
        self.unknown.sort_unstable();
        if let Some(pair) = self.unknown.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let id = "an id that the graph lacks".to_owned();
            return Err(self.repeated(id, pair[0].1, pair[1].1));
        }
        for (_, values) in &mut self.columns {
            if let Values::Category(categories) = values {
                categories.complete();
            }
        }
        Ok(Columns { columns: self.columns, n_unknown_ids: self.unknown.len() as u64 })
    }

    fn repeated(&self, id: String, first: u32, second: u32) -> IngestError {
        let path = self.path.to_owned();
        let (first, second) = (first.min(second).into(), first.max(second).into());
        NodeTableError::RepeatedId { path, id, first, second }.into()
    }

    /// Where ids are numbers, `007` is 7.
    fn digest(&self, id: &str) -> IdDigest {
        let number = match self.ids.originals().kind() {
            IdKind::Number => id.parse::<u64>().ok(),
            IdKind::String => None,
        };
        self.hashers.each_ref().map(|hasher| match number {
            Some(number) => hasher.hash_one(number),
            None => hasher.hash_one(id),
        })
    }
}

/// Whether `cell` is of `kind`, for a node that is not there.
fn check(kind: ColumnType, cell: &Cell<'_>) -> Result<(), NotOfType> {
    match kind {
        ColumnType::Category => Ok(()),
        ColumnType::Number => cell.number().map(|_| ()),
        ColumnType::Bool => cell.bool().map(|_| ()),
    }
}
