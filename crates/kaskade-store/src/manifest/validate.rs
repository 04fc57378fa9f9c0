//! Whether a manifest agrees with itself.

use std::collections::BTreeSet;
use std::path::Path;

use kaskade_model::dynamics::{MAX_CHANNELS, is_channel_name};

use super::Manifest;
use crate::attributes::{ColumnType, MAX_NODE_COLUMNS, is_column_name};
use crate::cut::MAX_SHARDS;
use crate::digest::{self, ArcSum};
use crate::error::StoreError;

impl Manifest {
    /// Checks counts, sums, digests and that the shards tile the nodes.
    pub(crate) fn validate(&self, path: &Path) -> Result<(), StoreError> {
        let check = |is_right: bool, section, expected: &str, found: String| {
            if is_right {
                return Ok(());
            }
            Err(StoreError::malformed(path, section, expected, found))
        };
        let n_shards = self.shards.len();
        let in_range = (1..=MAX_SHARDS as usize).contains(&n_shards);
        check(in_range, "shards", "1 to 4096 shards", n_shards.to_string())?;
        let n_nodes = self.n_nodes.to_string();
        check(u32::try_from(self.n_nodes).is_ok(), "n_nodes", "at most 2^32 - 1", n_nodes.clone())?;
        let columns = self.columns.join(", ");
        check(self.columns.len() <= 1, "columns", "at most one", columns.clone())?;
        let channels = self.channels.join(", ");
        let distinct: BTreeSet<&String> = self.channels.iter().collect();
        let is_right = self.channels.len() <= MAX_CHANNELS
            && distinct.len() == self.channels.len()
            && self.channels.iter().all(|channel| is_channel_name(channel))
            && (self.channels.is_empty() || self.columns.is_empty());
        check(is_right, "channels", "at most 8 distinct names, and no arc column", channels)?;
        let has_column = !(self.columns.is_empty() && self.channels.is_empty());
        check(
            has_column == self.column_digest.is_some(),
            "columns",
            "a digest with each",
            columns,
        )?;

        let mut next_node = 0;
        let (mut n_arcs, mut arc_sum, mut column_sum) =
            (0u64, ArcSum::default(), ArcSum::default());
        for (idx, entry) in (0u32..).zip(&self.shards) {
            let range = format!("{}..{} in shard {idx}", entry.nodes.begin, entry.nodes.end);
            let follows = entry.nodes.begin == next_node && entry.nodes.end >= next_node;
            check(follows, "shards", "ranges that follow each other", range)?;
            next_node = entry.nodes.end;
            let number = entry.shard.to_string();
            check(entry.shard.0 == idx, "shards", "ascending numbers", number)?;
            check(digest::is_digest(&entry.digest), "shards", "a digest", entry.digest.clone())?;
            n_arcs = n_arcs.saturating_add(entry.n_arcs);
            let part = ArcSum::from_hex(&entry.arc_sum);
            check(part.is_some(), "shards", "arc sums in hex", entry.arc_sum.clone())?;
            arc_sum += part.unwrap_or_default();
            let part = entry.column_sum.as_deref().and_then(ArcSum::from_hex);
            let column = format!("{:?}", entry.column_sum);
            check(part.is_some() == has_column, "shards", "a sum for each column", column)?;
            column_sum += part.unwrap_or_default();
        }
        let covered = next_node.to_string();
        check(
            u64::from(next_node) == self.n_nodes,
            "shards",
            &format!("{n_nodes} nodes"),
            covered,
        )?;
        check(n_arcs == self.n_arcs, "n_arcs", "the sum over all shards", self.n_arcs.to_string())?;
        let nodes_digest = &self.nodes_file.digest;
        check(digest::is_digest(nodes_digest), "nodes_file", "a digest", nodes_digest.clone())?;
        self.validate_node_columns(path)?;
        let of_shards = arc_sum.to_hex();
        check(of_shards == self.arc_sum, "arc_sum", &of_shards, self.arc_sum.clone())?;
        let of_shards = has_column.then(|| column_sum.to_hex());
        let column_digest = format!("{:?}", self.column_digest);
        let expected = format!("{of_shards:?}");
        check(of_shards == self.column_digest, "column_digest", &expected, column_digest)?;
        let of_facts = self.digest_of_facts().unwrap_or_default();
        check(of_facts == self.digest, "digest", &of_facts, self.digest.clone())
    }

    /// Checks what is said of the node columns.
    fn validate_node_columns(&self, path: &Path) -> Result<(), StoreError> {
        let invalid = |expected: &str, found: String| {
            Err(StoreError::malformed(path, "node_columns", expected, found))
        };
        let columns = &self.node_columns;
        if columns.len() > MAX_NODE_COLUMNS {
            return invalid("at most 256", columns.len().to_string());
        }
        if self.attributes_file.is_some() == columns.is_empty() {
            return invalid("an attributes_file with columns, and none without", "else".to_owned());
        }
        if self.attributes_file.as_ref().is_some_and(|file| !digest::is_digest(&file.digest)) {
            return invalid("an attributes_file with a digest", "another text".to_owned());
        }
        if !columns.is_sorted_by(|a, b| a.name < b.name) {
            return invalid("columns by ascending name", "another order".to_owned());
        }
        for column in columns {
            let is_category = column.kind == ColumnType::Category;
            if !is_column_name(&column.name)
                || !digest::is_digest(&column.digest)
                || column.n_missing > self.n_nodes
                || column.n_categories.is_some() != is_category
            {
                return invalid("a name, a type, a digest and counts", format!("{column:?}"));
            }
        }
        Ok(())
    }
}
