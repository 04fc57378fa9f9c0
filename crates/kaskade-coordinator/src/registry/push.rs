//! Graphs that clients push: collected in a hidden folder, published whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use kaskade_model::ShardId;
use kaskade_rpc::file::{FileChunk, GraphFile};
use kaskade_rpc::graphs::{GraphInfo, NeededFile, PushAnnouncement};
use kaskade_rpc::{ErrorCode, RpcError};
use kaskade_store::{Manifest, names, verify};

use super::{Registry, graph_info, plain_name, relative_path};
use crate::error::CoordinatorError;

impl Registry {
    /// Takes the announcement of a graph and says which files are still needed, from where.
    pub(crate) fn begin_push(
        &self,
        announcement: &PushAnnouncement,
    ) -> Result<Vec<NeededFile>, CoordinatorError> {
        let name = plain_name(&announcement.name);
        let staging = self.staging(name);
        let manifest_path = staging.join(names::MANIFEST);
        let manifest = Manifest::parse(&manifest_path, &announcement.manifest_json)?;
        if let Ok(present) = self.path(name).map(|path| Manifest::read(&path)) {
            return if present?.digest == manifest.digest {
                Ok(Vec::new())
            } else {
                let text = format!("graph {name} is registered with another digest: choose a name");
                Err(RpcError::new(ErrorCode::AlreadyExists, text).into())
            };
        }
        // The files of another cut have the same names and other bytes.
        let is_same = Manifest::read(&staging).is_ok_and(|held| {
            held.digest == manifest.digest
                && held.shard_table_digest() == manifest.shard_table_digest()
        });
        if !is_same && staging.is_dir() {
            fs::remove_dir_all(&staging).map_err(CoordinatorError::file("remove", &staging))?;
        }
        let shards = staging.join(names::SHARDS);
        fs::create_dir_all(&shards).map_err(CoordinatorError::file("create", &shards))?;
        fs::write(&manifest_path, &announcement.manifest_json)
            .map_err(CoordinatorError::file("write", &manifest_path))?;
        let shard_ids =
            (0..manifest.shards.len() as u32).map(|shard| GraphFile::Shard(ShardId(shard)));
        let attributes = manifest.attributes_file.as_ref().map(|_| GraphFile::Attributes);
        // In the order of `Manifest::files`.
        let files = std::iter::once(GraphFile::Nodes).chain(attributes).chain(shard_ids);
        let needed = files.zip(manifest.files()).map(|(file, described)| {
            let held = fs::metadata(staging.join(described.path)).map_or(0, |held| held.len());
            (NeededFile { file, offset: held }, described.file_bytes)
        });
        Ok(needed.filter(|(file, length)| file.offset < *length).map(|(file, _)| file).collect())
    }

    /// Appends a piece to a file of an announced graph; gives the bytes held.
    pub(crate) fn push_chunk(
        &self,
        name: &str,
        file: GraphFile,
        chunk: &FileChunk,
    ) -> Result<u64, CoordinatorError> {
        let staging = self.announced(name)?;
        let announced = announced_bytes(&Manifest::read(&staging)?, file);
        if announced.is_none_or(|announced| chunk.end() > announced) {
            let n_bytes = announced.unwrap_or(0);
            let text = format!("{file} of {name} was announced with {n_bytes} bytes, not more");
            return Err(RpcError::new(ErrorCode::InvalidArgument, text).into());
        }
        let path = staging.join(relative_path(file));
        let mut out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(CoordinatorError::file("open", &path))?;
        let held = out.metadata().map_err(CoordinatorError::file("measure", &path))?.len();
        if held != chunk.offset {
            let text = format!("{file} of {name} has {held} bytes here, not {}", chunk.offset);
            return Err(RpcError::new(ErrorCode::FailedPrecondition, text).into());
        }
        out.write_all(&chunk.data).map_err(CoordinatorError::file("write", &path))?;
        Ok(chunk.end())
    }

    /// Verifies every byte of an announced graph and publishes it.
    pub(crate) fn finish_push(&self, name: &str) -> Result<GraphInfo, CoordinatorError> {
        let name = plain_name(name);
        if let Ok(path) = self.path(name) {
            return Ok(graph_info(name, &Manifest::read(&path)?));
        }
        let staging = self.announced(name)?;
        if let Err(error) = verify(&staging, &|_, _| {}) {
            // Its bytes are not those of the manifest: a new push begins with none of them.
            fs::remove_dir_all(&staging).map_err(CoordinatorError::file("remove", &staging))?;
            return Err(error.into());
        }
        let manifest = Manifest::read(&staging)?;
        // All of it is durable before the name that says so; folders after what is in them.
        for described in manifest.files() {
            sync(&staging.join(described.path))?;
        }
        sync(&staging.join(names::MANIFEST))?;
        sync(&staging.join(names::SHARDS))?;
        sync(&staging)?;
        let published = self.dir.join(format!("{name}.{}", names::GRAPH_SUFFIX));
        fs::rename(&staging, &published).map_err(CoordinatorError::file("publish", &published))?;
        sync(&self.dir)?;
        Ok(graph_info(name, &manifest))
    }

    fn announced(&self, name: &str) -> Result<PathBuf, CoordinatorError> {
        let staging = self.staging(plain_name(name));
        if staging.join(names::MANIFEST).is_file() {
            return Ok(staging);
        }
        let text = format!("graph {name} was not announced: begin the push again");
        Err(RpcError::new(ErrorCode::FailedPrecondition, text).into())
    }

    /// Begins with a dot, which no graph's name does.
    fn staging(&self, name: &str) -> PathBuf {
        self.dir.join(format!(".push-{name}"))
    }
}

/// The length that `file` was announced with; `None` when it was not.
fn announced_bytes(manifest: &Manifest, file: GraphFile) -> Option<u64> {
    match file {
        GraphFile::Manifest => None,
        GraphFile::Nodes => Some(manifest.nodes_file.file_bytes),
        GraphFile::Attributes => manifest.attributes_file.as_ref().map(|file| file.file_bytes),
        GraphFile::Shard(shard) => manifest.shard(shard).map(|entry| entry.file_bytes),
    }
}

/// Makes a file, or the names in a folder, last.
fn sync(path: &Path) -> Result<(), CoordinatorError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(CoordinatorError::file("write", path))
}
