//! An opened graph directory.

use std::path::Path;

use kaskade_model::dynamics::{NoColumns, NodeColumns};
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeId, NodeRange, Shard};

use crate::attributes::Attributes;
use crate::container::Container;
use crate::error::StoreError;
use crate::manifest::{Manifest, ShardEntry};
use crate::names;
use crate::nodes::Nodes;
use crate::opening::{Meter, Opening, Progress, ShardSelection, Verify};
use crate::shard::MappedShard;

/// A graph directory with the shards that were asked for, mapped.
#[derive(Debug)]
pub struct Graph {
    manifest: Manifest,
    nodes: Nodes,
    attributes: Option<Attributes>,
    shards: Vec<MappedShard>,
}

impl Graph {
    /// Maps the graph directory `dir`: manifest, nodes, and the shards of `selection`.
    /// [`Verify`] alone is an [`Opening`] too. Nodes are always mapped, never loaded.
    ///
    /// # Errors
    /// [`StoreError`]: not found, no complete directory, an unknown shard, another version,
    /// or damaged.
    pub fn open(
        dir: &Path,
        selection: ShardSelection<'_>,
        opening: impl Into<Opening>,
        progress: &Progress<'_>,
    ) -> Result<Self, StoreError> {
        let opening = opening.into();
        let manifest = Manifest::read(dir)?;
        let entries = select(dir, &manifest, selection)?;
        let node_files = [Some(&manifest.nodes_file), manifest.attributes_file.as_ref()];
        let node_bytes = node_files.into_iter().flatten().map(|file| file.file_bytes);
        let total_bytes = node_bytes
            .chain(entries.iter().map(|entry| entry.file_bytes))
            .fold(0u64, u64::saturating_add);
        let meter = Meter::new(total_bytes, progress);

        let nodes_path = dir.join(names::NODES);
        let nodes =
            Nodes::open(&nodes_path, opening.verify, &meter).map_err(StoreError::missing_part)?;
        let file = &manifest.nodes_file;
        check_is_meant(nodes.container(), file.file_bytes, file.header_checksum)?;
        if u64::from(nodes.n_nodes()) != manifest.n_nodes {
            let found = nodes.n_nodes();
            return Err(StoreError::malformed(&nodes_path, "header", manifest.n_nodes, found));
        }
        let (expected, found) = (manifest.ids, nodes.originals().kind());
        if expected != found {
            return Err(StoreError::malformed(&nodes_path, "ids", expected, found));
        }
        let attributes = match &manifest.attributes_file {
            Some(file) => {
                let path = dir.join(names::ATTRIBUTES);
                let attributes = Attributes::open(&path, &manifest, opening.verify, &meter);
                let attributes = attributes.map_err(StoreError::missing_part)?;
                check_is_meant(attributes.container(), file.file_bytes, file.header_checksum)?;
                Some(attributes)
            }
            None => None,
        };
        let mut shards = Vec::with_capacity(entries.len());
        for entry in entries {
            let path = dir.join(names::shard(entry.shard));
            let shard = open_entry(&path, entry, opening, &meter);
            let shard = shard.map_err(StoreError::missing_part)?;
            shard.check_sections(&manifest)?;
            shards.push(shard);
        }
        Ok(Self { manifest, nodes, attributes, shards })
    }

    /// Maps the nodes of the graph directory `dir` and no arcs: all that a coordinator reads.
    ///
    /// # Errors
    /// As [`Graph::open`].
    pub fn open_nodes(dir: &Path) -> Result<Self, StoreError> {
        Self::open(dir, ShardSelection::Only(&[]), Verify::Full, &|_, _| {})
    }

    /// What the directory says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The id map and the degrees.
    #[must_use]
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// The columns of the nodes, if the graph has any.
    #[must_use]
    pub fn attributes(&self) -> Option<&Attributes> {
        self.attributes.as_ref()
    }

    /// The mapped shards, in the order in which they were asked for.
    #[must_use]
    pub fn shards(&self) -> &[MappedShard] {
        &self.shards
    }

    /// The mapped shards without the rest.
    #[must_use]
    pub fn into_shards(self) -> Vec<MappedShard> {
        self.shards
    }

    /// The mapped shards, and the graph without them.
    #[must_use]
    pub fn split(mut self) -> (Vec<MappedShard>, Self) {
        let shards = std::mem::take(&mut self.shards);
        (shards, self)
    }
}

impl NodeDirectory for Graph {
    fn n_nodes(&self) -> u32 {
        self.nodes.n_nodes()
    }

    fn out_degrees(&self) -> &[u32] {
        self.nodes.out_degrees()
    }

    fn in_degrees(&self) -> &[u32] {
        self.nodes.in_degrees()
    }

    fn overweight_node(&self) -> Option<OriginalId> {
        self.manifest.weights_exceed_one_at.clone()
    }

    fn channels(&self) -> &[String] {
        &self.manifest.channels
    }

    fn columns(&self) -> &dyn NodeColumns {
        match &self.attributes {
            Some(attributes) => attributes,
            None => &NoColumns,
        }
    }

    fn original(&self, node: NodeId) -> OriginalId {
        self.nodes.original(node)
    }

    fn find(&self, original: &OriginalId) -> Option<NodeId> {
        self.nodes.find(original)
    }

    fn by_original(&self) -> &[u32] {
        self.nodes.by_original()
    }
}

/// Maps the shard file at `path`, wherever it lies, if it is the one that `expected` names.
/// [`Verify::Full`] also compares its digest.
///
/// # Errors
/// [`StoreError`]: not found, another shard or version, or damaged.
pub fn open_shard(
    path: &Path,
    expected: &ShardEntry,
    opening: impl Into<Opening>,
) -> Result<MappedShard, StoreError> {
    let opening = opening.into();
    let shard = open_entry(path, expected, opening, &Meter::new(expected.file_bytes, &|_, _| {}))?;
    if opening.verify == Verify::Full {
        shard.container().check_digest(&expected.digest)?;
    }
    Ok(shard)
}

/// Maps the file at `path`, wherever it lies, if it has the node columns of `manifest`, and
/// compares their digests.
///
/// # Errors
/// [`StoreError`]: not found, another file or version, or damaged.
pub fn open_attributes(path: &Path, manifest: &Manifest) -> Result<Attributes, StoreError> {
    let bytes = manifest.attributes_file.as_ref().map_or(0, |file| file.file_bytes);
    let meter = Meter::new(bytes, &|_, _| {});
    let attributes = Attributes::open(path, manifest, Verify::Full, &meter)?;
    attributes.check_digests()?;
    Ok(attributes)
}

fn select<'m>(
    dir: &Path,
    manifest: &'m Manifest,
    selection: ShardSelection<'_>,
) -> Result<Vec<&'m ShardEntry>, StoreError> {
    match selection {
        ShardSelection::All => Ok(manifest.shards.iter().collect()),
        ShardSelection::Only(shards) => shards
            .iter()
            .map(|&shard| {
                manifest.shard(shard).ok_or_else(|| StoreError::UnknownShard {
                    path: dir.to_owned(),
                    shard,
                    n_shards: manifest.shards.len(),
                })
            })
            .collect(),
    }
}

fn open_entry(
    path: &Path,
    entry: &ShardEntry,
    opening: Opening,
    meter: &Meter<'_>,
) -> Result<MappedShard, StoreError> {
    let shard = MappedShard::open(path, opening, meter)?;
    check_is_meant(shard.container(), entry.file_bytes, entry.header_checksum)?;
    if (shard.nodes(), shard.n_arcs()) != (entry.nodes, entry.n_arcs) {
        let text = |nodes: NodeRange, n_arcs| {
            format!("nodes {}..{} with {n_arcs} arcs", nodes.begin, nodes.end)
        };
        let expected = text(entry.nodes, entry.n_arcs);
        let found = text(shard.nodes(), shard.n_arcs());
        return Err(StoreError::malformed(path, "header", expected, found));
    }
    Ok(shard)
}

/// Whether a sound file is the one that the manifest means, at no cost.
fn check_is_meant(
    container: &Container,
    file_bytes: u64,
    header_checksum: u32,
) -> Result<(), StoreError> {
    let found = (container.bytes().len() as u64, container.header_checksum());
    let expected = (file_bytes, header_checksum);
    if found == expected {
        return Ok(());
    }
    let text = |(bytes, checksum)| format!("{bytes} bytes with checksum {checksum:08x}");
    let section = "header (a file of another build)";
    Err(StoreError::malformed(container.path(), section, text(expected), text(found)))
}
