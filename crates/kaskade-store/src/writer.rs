//! Making a graph directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kaskade_model::seeds::NodeDirectory;

use crate::attributes::{self, AttributesEntry, Column};
use crate::choices::{Layout, Order, Orientation, Views};
use crate::digest::ArcSum;
use crate::durable::Flusher;
use crate::error::StoreError;
use crate::manifest::{Manifest, ShardEntry};
use crate::nodes::{self, Nodes, NodesEntry};
use crate::originals::Originals;
use crate::shard::{self, RankedShard, WrittenShard};
use crate::{FORMAT_VERSION, durable, names};

/// Writes a graph directory under a temporary name beside its final one and publishes it by
/// one rename. Dropped before [`GraphWriter::commit`], it leaves nothing; killed, it leaves
/// a hidden folder `.NAME.partial-PID` without a manifest, which no one opens.
#[derive(Debug)]
pub struct GraphWriter {
    target: PathBuf,
    replace: bool,
    /// Ended before the folder is removed.
    flusher: Flusher,
    partial: PartialDirectory,
}

/// What ingest knows of a graph beside its nodes and arcs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphFacts {
    /// How nodes got their dense ids.
    pub order: Order,
    /// What `u v` meant in the input.
    pub orientation: Orientation,
    /// Whether the input was read in both directions.
    pub undirected: bool,
    /// The views that the shards were written with.
    pub views: Views,
    /// The name of the arc column, if there is one.
    pub columns: Vec<String>,
    /// The names of the channels that arcs belong to, if they belong to some.
    pub channels: Vec<String>,
    /// Input arcs that were there already.
    pub n_duplicates: u64,
    /// Input arcs from a node to itself.
    pub n_self_loops: u64,
    /// Input lines that could not be read.
    pub n_skipped_lines: u64,
}

impl GraphWriter {
    /// Begins a graph directory that will be `out`. An existing one is refused, or, with
    /// `force`, replaced at the end.
    ///
    /// # Errors
    /// [`StoreError::Exists`], with `force` [`StoreError::NotReplaceable`] for what is no
    /// graph directory; or the folder of `out` cannot be written.
    pub fn create(out: &Path, force: bool) -> Result<Self, StoreError> {
        if fs::symlink_metadata(out).is_ok() {
            if !force {
                return Err(StoreError::Exists { path: out.to_owned() });
            }
            if !is_replaceable(out)? {
                return Err(StoreError::NotReplaceable { path: out.to_owned() });
            }
        }
        if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let failed = |source| StoreError::io("create", parent, source);
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let partial = PartialDirectory::create(out, "partial")?;
        let shards = partial.path.join(names::SHARDS);
        fs::create_dir(&shards).map_err(|source| StoreError::io("create", &shards, source))?;
        let flusher = Flusher::start(out)?;
        Ok(Self { target: out.to_owned(), replace: force, flusher, partial })
    }

    /// Writes the id map and the degrees; all by dense id. O(n log n), names compared bytewise.
    /// Memory beside what is given, which is written as it lies: 4 bytes a node for the order
    /// of the ids, whatever they are.
    ///
    /// # Errors
    /// [`StoreError::InvalidInput`] when an original id occurs twice, names are no UTF-8 or the
    /// degrees do not sum to the same; or the file cannot be written.
    pub fn write_nodes(
        &self,
        originals: Originals<'_>,
        out_degrees: &[u32],
        in_degrees: &[u32],
    ) -> Result<NodesEntry, StoreError> {
        let path = self.nodes_path();
        nodes::write_nodes(&path, originals, None, out_degrees, in_degrees, &self.flusher)
    }

    /// As [`GraphWriter::write_nodes`] for a caller that knows the order of the ids:
    /// `by_original` holds all dense ids by ascending original id. O(n), no memory of its own.
    ///
    /// # Errors
    /// Those of [`GraphWriter::write_nodes`]; [`StoreError::InvalidInput`] also when
    /// `by_original` is not in that order.
    pub fn write_ranked_nodes(
        &self,
        originals: Originals<'_>,
        by_original: &[u32],
        out_degrees: &[u32],
        in_degrees: &[u32],
    ) -> Result<NodesEntry, StoreError> {
        let (path, by_original) = (self.nodes_path(), Some(by_original));
        nodes::write_nodes(&path, originals, by_original, out_degrees, in_degrees, &self.flusher)
    }

    /// Writes the columns of the nodes, 1 to 256, each with a value for every node by dense id.
    /// `n_unknown_ids` counts what the columns' source named and the graph lacks. The entry goes
    /// to [`NodesEntry::with_attributes`]. O(values), no memory of its own.
    ///
    /// # Errors
    /// [`StoreError::InvalidInput`] when a column is not as [`Column`] promises or two have
    /// one name; or the file cannot be written.
    pub fn write_attributes(
        &self,
        nodes: &NodesEntry,
        columns: &[(&str, Column<'_>)],
        n_unknown_ids: u64,
    ) -> Result<AttributesEntry, StoreError> {
        let path = self.partial.path.join(names::ATTRIBUTES);
        attributes::write_attributes(&path, nodes.n_nodes, columns, n_unknown_ids, &self.flusher)
    }

    /// Maps the nodes as they were written, to look them up by their ids.
    ///
    /// # Errors
    /// [`StoreError`] when they were not written yet, or the file is not what was written.
    pub fn open_nodes(&self) -> Result<Nodes, StoreError> {
        Nodes::open_unchecked(&self.nodes_path())
    }

    fn nodes_path(&self) -> PathBuf {
        self.partial.path.join(names::NODES)
    }

    /// Writes a shard; callable from several threads at once. O(n_nodes + arcs) time.
    /// Memory beside its arcs: [`crate::shard_write_bytes`].
    ///
    /// # Errors
    /// [`StoreError::TooManyArcs`], or the file cannot be written.
    pub fn write_shard(
        &self,
        shard: RankedShard,
        layout: Layout,
    ) -> Result<WrittenShard, StoreError> {
        shard::write_shard(&self.partial.path, shard, layout, &self.flusher)
    }

    /// Writes the manifest and publishes the directory. `shards` may come in any order.
    ///
    /// # Errors
    /// [`StoreError`] when nodes, shards and `facts` do not fit together, when the target
    /// has appeared meanwhile, or when the disk fails. Nothing is published then.
    pub fn commit(
        self,
        facts: GraphFacts,
        nodes: NodesEntry,
        mut shards: Vec<WrittenShard>,
    ) -> Result<Manifest, StoreError> {
        shards.sort_by_key(|shard| shard.entry.shard);
        let manifest = self.manifest(facts, nodes, shards)?;
        self.flusher.finish()?;
        durable::sync_directory(&self.partial.path.join(names::SHARDS))?;
        manifest.write(&self.partial.path)?;
        self.partial.publish(&self.target, self.replace)?;
        Ok(manifest)
    }

    fn manifest(
        &self,
        facts: GraphFacts,
        nodes: NodesEntry,
        shards: Vec<WrittenShard>,
    ) -> Result<Manifest, StoreError> {
        let invalid = |reason| Err(StoreError::invalid_input("the manifest", reason));
        let mut arc_sum = ArcSum::default();
        let has_values = !(facts.columns.is_empty() && facts.channels.is_empty());
        let mut column_sum = has_values.then(ArcSum::default);
        let layout = shards.first().map_or_else(Layout::default, |shard| shard.layout);
        for shard in &shards {
            if shard.n_nodes != nodes.n_nodes || shard.views != facts.views {
                return invalid("shards and nodes are of different graphs");
            }
            if shard.layout != layout {
                return invalid("some shards are compressed, some are not");
            }
            arc_sum += shard.arc_sum;
            match (&mut column_sum, shard.column_sum) {
                (Some(sum), Some(part)) => *sum += part,
                (None, None) => {}
                _ => return invalid("some shards have the arc column or channels, some have not"),
            }
        }
        let weights_exceed_one_at = shards
            .iter()
            .find_map(|shard| shard.weights_exceed_one_at)
            .map(|node| self.open_nodes().map(|nodes| nodes.original(node)))
            .transpose()?;
        let entries: Vec<ShardEntry> = shards.into_iter().map(|shard| shard.entry).collect();

        let (attributes_file, node_columns, n_unknown_attribute_ids) = match nodes.attributes {
            Some(entry) => (Some(entry.file), entry.columns, entry.n_unknown_ids),
            None => (None, Vec::new(), 0),
        };

        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: String::new(),
            n_nodes: nodes.n_nodes.into(),
            n_arcs: nodes.facts.n_arcs,
            order: facts.order,
            orientation: facts.orientation,
            undirected: facts.undirected,
            views: facts.views,
            layout,
            columns: facts.columns,
            channels: facts.channels,
            n_duplicates: facts.n_duplicates,
            n_self_loops: facts.n_self_loops,
            n_skipped_lines: facts.n_skipped_lines,
            max_out_degree: nodes.facts.max_out_degree,
            max_in_degree: nodes.facts.max_in_degree,
            n_isolated_nodes: nodes.facts.n_isolated_nodes,
            ids: nodes.ids,
            id_map_digest: nodes.id_map_digest,
            arc_sum: arc_sum.to_hex(),
            column_digest: column_sum.map(ArcSum::to_hex),
            weights_exceed_one_at,
            node_columns,
            n_unknown_attribute_ids,
            nodes_file: nodes.file,
            attributes_file,
            shards: entries,
        };
        manifest.digest = manifest.digest_of_facts().expect("the sums were just written in hex");
        manifest
            .validate(&self.target.join(names::MANIFEST))
            .map_err(|flaw| StoreError::invalid_input("the manifest", flaw))?;
        Ok(manifest)
    }
}

/// Whether `--force` may delete what is at `path`: a graph directory or an empty one.
fn is_replaceable(path: &Path) -> Result<bool, StoreError> {
    let metadata =
        fs::symlink_metadata(path).map_err(|source| StoreError::io("open", path, source))?;
    if !metadata.is_dir() {
        return Ok(false);
    }
    let mut entries = fs::read_dir(path).map_err(|source| StoreError::io("read", path, source))?;
    let manifest = path.join(names::MANIFEST);
    let has_manifest =
        manifest.try_exists().map_err(|source| StoreError::io("open", &manifest, source))?;
    Ok(has_manifest || entries.next().is_none())
}

/// A folder that is deleted unless it is published.
#[derive(Debug)]
struct PartialDirectory {
    path: PathBuf,
}

impl PartialDirectory {
    /// Makes an empty folder beside `target`, under a name that no one else has.
    fn create(target: &Path, purpose: &str) -> Result<Self, StoreError> {
        // Several writers, or the remains of a killed one with this process id (in a
        // container every process may be number 1).
        const ATTEMPTS: u32 = 1000;
        for attempt in 0..ATTEMPTS {
            let path = hidden_sibling(target, purpose, attempt)?;
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(StoreError::NotFound { path: durable::parent(target).to_owned() });
                }
                Err(error) => return Err(StoreError::io("create", &path, error)),
            }
        }
        Err(StoreError::Exists { path: hidden_sibling(target, purpose, 0)? })
    }

    /// Gives the complete folder its name; what has the name is deleted after the swap.
    fn publish(self, target: &Path, replace: bool) -> Result<(), StoreError> {
        durable::sync_directory(&self.path)?;
        let rename = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(|source| match source.kind() {
                ErrorKind::DirectoryNotEmpty
                | ErrorKind::NotADirectory
                | ErrorKind::AlreadyExists => StoreError::Exists { path: to.to_owned() },
                _ => StoreError::io("publish", to, source),
            })
        };
        if replace && is_there(target)? {
            // Something else may have appeared since the beginning.
            if !is_replaceable(target)? {
                return Err(StoreError::NotReplaceable { path: target.to_owned() });
            }
            // A folder may be renamed to the name of an empty one.
            let aside = Self::create(target, "replaced")?;
            rename(target, &aside.path)?;
            if let Err(error) = rename(&self.path, target) {
                // The old graph goes back; when even that fails it is at least not deleted.
                let restored = fs::rename(&aside.path, target);
                if restored.is_err() {
                    std::mem::forget(aside);
                }
                return Err(error);
            }
            // `aside` is dropped here, and with it the old graph.
        } else {
            rename(&self.path, target)?;
        }
        durable::sync_directory(durable::parent(target))
    }
}

impl Drop for PartialDirectory {
    fn drop(&mut self) {
        // After a rename there is nothing at the path; a failure cannot be told from here.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn is_there(path: &Path) -> Result<bool, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("open", path, error)),
    }
}

/// `.NAME.PURPOSE-PID` beside `target`, from the second attempt on with its number.
fn hidden_sibling(target: &Path, purpose: &str, attempt: u32) -> Result<PathBuf, StoreError> {
    let Some(name) = target.file_name() else {
        return Err(StoreError::invalid_input(target.display(), "the path names no folder"));
    };
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{purpose}-{}", std::process::id()));
    if attempt > 0 {
        hidden.push(format!("-{attempt}"));
    }
    Ok(durable::parent(target).join(hidden))
}
