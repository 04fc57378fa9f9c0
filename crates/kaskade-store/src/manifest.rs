//! The manifest: what a graph directory is. Its presence means "complete".

mod file;
mod validate;

use std::path::{Path, PathBuf};

use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeRange, ShardId};
use serde::{Deserialize, Serialize};

use crate::attributes::NodeColumn;
use crate::choices::{IdKind, Layout, Order, Orientation, Views};
use crate::container::WrittenFile;
use crate::digest::{ArcSum, GraphIdentity};
use crate::error::StoreError;
use crate::names;

/// What `manifest.json` says. Keys that a later version adds are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of all files of the directory.
    pub format_version: u32,
    /// The version of the kaskade that wrote it.
    pub tool_version: String,
    /// The graph's identity: blake3 in hex, the same for any shard cuts and views.
    pub digest: String,
    /// Nodes, at most 2³² − 1.
    pub n_nodes: u64,
    /// Distinct arcs that are no self-loops.
    pub n_arcs: u64,
    /// How nodes got their dense ids.
    pub order: Order,
    /// What `u v` meant in the input.
    pub orientation: Orientation,
    /// Whether the input was read in both directions.
    pub undirected: bool,
    /// Which views the shards hold.
    pub views: Views,
    /// How the shards keep their lists.
    #[serde(default)]
    pub layout: Layout,
    /// The names of the arc columns; at most one.
    pub columns: Vec<String>,
    /// The names of the channels that arcs belong to; that of the lowest bit first. Arcs then have no
    /// column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// Input arcs that were there already.
    pub n_duplicates: u64,
    /// Input arcs from a node to itself.
    pub n_self_loops: u64,
    /// Input lines that could not be read.
    pub n_skipped_lines: u64,
    /// The highest out-degree.
    pub max_out_degree: u32,
    /// The highest in-degree.
    pub max_in_degree: u32,
    /// Nodes without any arc.
    pub n_isolated_nodes: u64,
    /// What the original ids are.
    #[serde(default)]
    pub ids: IdKind,
    /// The digest of the original ids in dense order, in hex.
    pub id_map_digest: String,
    /// The order-free sum over all arcs, 32 hex digits.
    pub arc_sum: String,
    /// The order-free sum over all arcs with their thresholds or channels, 32 hex digits, when
    /// there is an arc column or there are channels.
    pub column_digest: Option<String>,
    /// The original id of a node whose weights sum to more than 1: linear threshold cannot
    /// run on the arc column.
    pub weights_exceed_one_at: Option<OriginalId>,
    /// The columns of the nodes, by ascending name; their digests are part of the graph's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_columns: Vec<NodeColumn>,
    /// Ids that the tables of node columns named and the graph lacks.
    #[serde(default)]
    pub n_unknown_attribute_ids: u64,
    /// The file with the id map and the degrees.
    pub nodes_file: FileEntry,
    /// The file with the columns of the nodes, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes_file: Option<FileEntry>,
    /// The shards, ascending; together they hold every node once.
    pub shards: Vec<ShardEntry>,
}

/// What the manifest says of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its length.
    pub file_bytes: u64,
    /// Blake3 of all its bytes, in hex.
    pub digest: String,
    /// The checksum in its header, which covers those of all its blocks: tells at no cost
    /// whether a file is the one that is meant.
    pub header_checksum: u32,
}

/// What the manifest says of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// The shard.
    pub shard: ShardId,
    /// Its nodes.
    pub nodes: NodeRange,
    /// The arcs that end in them.
    pub n_arcs: u64,
    /// The length of its file.
    pub file_bytes: u64,
    /// Blake3 of all bytes of its file, in hex.
    pub digest: String,
    /// The checksum in its file's header, which covers those of all its blocks.
    pub header_checksum: u32,
    /// The shard's part of [`Manifest::arc_sum`].
    pub arc_sum: String,
    /// The shard's part of [`Manifest::column_digest`].
    pub column_sum: Option<String>,
}

/// A file of a graph directory, for who copies one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile<'a> {
    /// Its path relative to the directory.
    pub path: PathBuf,
    /// Its length.
    pub file_bytes: u64,
    /// Blake3 of all its bytes, in hex.
    pub digest: &'a str,
}

impl Manifest {
    /// Reads and checks the manifest of the graph directory `dir`.
    ///
    /// # Errors
    /// [`StoreError`]: not found, no complete directory, another version, or damaged.
    pub fn read(dir: &Path) -> Result<Self, StoreError> {
        file::read(dir)
    }

    /// Reads the contents of a manifest that came another way; `path` is for messages.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn parse(path: &Path, contents: &[u8]) -> Result<Self, StoreError> {
        file::parse(path, contents)
    }

    /// Writes the manifest into `dir`, which is complete from then on.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), StoreError> {
        file::write(self, dir)
    }

    /// The entry of `shard`.
    #[must_use]
    pub fn shard(&self, shard: ShardId) -> Option<&ShardEntry> {
        self.shards.get(shard.0 as usize)
    }

    /// The bytes of all binary files.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files().fold(0, |sum, file| sum.saturating_add(file.file_bytes))
    }

    /// The bytes of all binary files per arc.
    #[must_use]
    pub fn bytes_per_arc(&self) -> f64 {
        self.total_bytes() as f64 / self.n_arcs.max(1) as f64
    }

    /// What tells one cut into shards of the same graph from another: blake3 over the digests
    /// of all shard files, in hex.
    #[must_use]
    pub fn shard_table_digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for entry in &self.shards {
            hasher.update(entry.digest.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Every file of the directory but the manifest itself.
    pub fn files(&self) -> impl Iterator<Item = ManifestFile<'_>> {
        let nodes = ManifestFile {
            path: names::NODES.into(),
            file_bytes: self.nodes_file.file_bytes,
            digest: &self.nodes_file.digest,
        };
        let attributes = self.attributes_file.as_ref().map(|file| ManifestFile {
            path: names::ATTRIBUTES.into(),
            file_bytes: file.file_bytes,
            digest: &file.digest,
        });
        let shards = self.shards.iter().map(|entry| ManifestFile {
            path: names::shard(entry.shard),
            file_bytes: entry.file_bytes,
            digest: &entry.digest,
        });
        std::iter::once(nodes).chain(attributes).chain(shards)
    }

    /// Refuses a graph whose shards lack one of `views`. `dir` is for the message.
    ///
    /// # Errors
    /// [`StoreError::MissingSection`] names the rebuild command.
    pub fn require(&self, dir: &Path, views: Views) -> Result<(), StoreError> {
        let missing = |section| {
            let rebuild = "--views out,in";
            Err(StoreError::MissingSection { path: dir.to_owned(), section, rebuild })
        };
        if views.has_out() && !self.views.has_out() {
            return missing("out-view");
        }
        if views.has_in() && !self.views.has_in() {
            return missing("in-view");
        }
        Ok(())
    }

    /// The digest that the manifest's own facts give; `None` when a sum is not in hex.
    pub(crate) fn digest_of_facts(&self) -> Option<String> {
        let column_sum = match &self.column_digest {
            Some(hex) => Some(ArcSum::from_hex(hex)?),
            None => None,
        };
        let identity = GraphIdentity {
            n_nodes: self.n_nodes,
            n_arcs: self.n_arcs,
            order: self.order,
            id_map_digest: &self.id_map_digest,
            arc_sum: ArcSum::from_hex(&self.arc_sum)?,
            column_sum,
            channels: &self.channels,
            node_columns: &self.node_columns,
        };
        Some(identity.digest())
    }
}

impl From<WrittenFile> for FileEntry {
    fn from(file: WrittenFile) -> Self {
        let WrittenFile { file_bytes, digest, header_checksum } = file;
        Self { file_bytes, digest, header_checksum }
    }
}
