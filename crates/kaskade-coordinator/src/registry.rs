//! The graphs that jobs may name: the folders of graph directories under one folder.

mod push;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kaskade_model::ids::is_plain_name;
use kaskade_rpc::file::{FileChunk, GraphFile};
use kaskade_rpc::graphs::GraphInfo;
use kaskade_rpc::{ErrorCode, RpcError, limits};
use kaskade_store::{Graph, Manifest, names};

use crate::error::CoordinatorError;

/// The folder of graphs. A graph's name is its folder's name, with or without `.kg`.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    dir: PathBuf,
}

impl Registry {
    /// The registry of `dir`, which is made if it is missing.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, CoordinatorError> {
        fs::create_dir_all(&dir).map_err(CoordinatorError::file("create", &dir))?;
        Ok(Self { dir })
    }

    /// The directory of the graph `name`.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, CoordinatorError> {
        let plain = plain_name(name);
        if is_plain_name(plain) {
            for folder in [format!("{plain}.{}", names::GRAPH_SUFFIX), plain.to_owned()] {
                let path = self.dir.join(folder);
                if path.join(names::MANIFEST).is_file() {
                    return Ok(path);
                }
            }
        }
        let known = self.list()?.into_iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
        let text = format!(
            "graph {name:?} is not registered: push it with `kaskade graph push`; registered are \
             [{known}]"
        );
        Err(RpcError::new(ErrorCode::NotFound, text).into())
    }

    /// The nodes and the manifest of the graph `name`, no arcs.
    pub(crate) fn open_nodes(&self, name: &str) -> Result<Graph, CoordinatorError> {
        Ok(Graph::open_nodes(&self.path(name)?)?)
    }

    /// Every complete graph directory, by name.
    pub(crate) fn list(&self) -> Result<Vec<GraphInfo>, CoordinatorError> {
        let mut graphs = Vec::new();
        let entries = fs::read_dir(&self.dir).map_err(CoordinatorError::file("list", &self.dir))?;
        for entry in entries {
            let entry = entry.map_err(CoordinatorError::file("list", &self.dir))?;
            let folder = entry.file_name();
            let Some(name) = folder.to_str().map(plain_name) else { continue };
            if !is_plain_name(name) {
                continue;
            }
            match Manifest::read(&entry.path()) {
                Ok(manifest) => graphs.push(graph_info(name, &manifest)),
                Err(error) => tracing::debug!(path = ?entry.path(), %error, "is no graph"),
            }
        }
        graphs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(graphs)
    }

    /// A file of the graph `name`, for a worker that planned on the graph with `digest`.
    pub(crate) fn reader(
        &self,
        name: &str,
        digest: &str,
        file: GraphFile,
        offset: u64,
    ) -> Result<FileReader, CoordinatorError> {
        let dir = self.path(name)?;
        let manifest = Manifest::read(&dir)?;
        if manifest.digest != digest {
            return Err(CoordinatorError::GraphChanged {
                graph: name.to_owned(),
                expected: digest.to_owned(),
                found: manifest.digest,
            });
        }
        FileReader::open(&dir.join(relative_path(file)), offset)
    }
}

/// A graph's name without the ending that its folder may have.
pub(crate) fn plain_name(name: &str) -> &str {
    name.strip_suffix(names::GRAPH_SUFFIX).and_then(|stem| stem.strip_suffix('.')).unwrap_or(name)
}

fn relative_path(file: GraphFile) -> PathBuf {
    match file {
        GraphFile::Manifest => names::MANIFEST.into(),
        GraphFile::Nodes => names::NODES.into(),
        GraphFile::Attributes => names::ATTRIBUTES.into(),
        GraphFile::Shard(shard) => names::shard(shard),
    }
}

fn graph_info(name: &str, manifest: &Manifest) -> GraphInfo {
    GraphInfo {
        name: name.to_owned(),
        digest: manifest.digest.clone(),
        n_nodes: u32::try_from(manifest.n_nodes).unwrap_or(u32::MAX),
        n_arcs: manifest.n_arcs,
        n_shards: manifest.shards.len() as u32,
        n_bytes: manifest.files().map(|file| file.file_bytes).sum(),
    }
}

/// A file, read in pieces for the wire.
#[derive(Debug)]
pub(crate) struct FileReader {
    path: PathBuf,
    file: File,
    offset: u64,
    total_bytes: u64,
    is_done: bool,
}

impl FileReader {
    pub(crate) fn open(path: &Path, offset: u64) -> Result<Self, CoordinatorError> {
        let mut file = File::open(path).map_err(CoordinatorError::file("open", path))?;
        let length = file.metadata().map_err(CoordinatorError::file("measure", path))?.len();
        let offset = offset.min(length);
        file.seek(SeekFrom::Start(offset)).map_err(CoordinatorError::file("read", path))?;
        Ok(Self { path: path.to_owned(), file, offset, total_bytes: length, is_done: false })
    }

    /// The next piece; `None` after the last. An empty file has one empty piece.
    pub(crate) fn next_chunk(&mut self) -> Result<Option<FileChunk>, CoordinatorError> {
        if self.is_done {
            return Ok(None);
        }
        let n_left = self.total_bytes - self.offset;
        let mut data = vec![0; n_left.min(limits::CHUNK_BYTES as u64) as usize];
        self.file.read_exact(&mut data).map_err(CoordinatorError::file("read", &self.path))?;
        let chunk = FileChunk {
            offset: self.offset,
            total_bytes: self.total_bytes,
            data: Bytes::from(data),
        };
        self.offset = chunk.end();
        self.is_done = chunk.is_last();
        Ok(Some(chunk))
    }
}

#[cfg(test)]
mod tests;
