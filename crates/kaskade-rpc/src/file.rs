//! Files in pieces: fetched by workers, pushed by clients, results to take home. A file is
//! named by what it is or by a plain name, never by a path.

use std::fmt;

use bytes::Bytes;
use kaskade_model::ids::ShardId;

use crate::convert::required;
use crate::error::{ConvertError, ErrorCode, RpcError};
use crate::limits::CHUNK_BYTES;
use crate::pb;

/// A file of a graph directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GraphFile {
    /// What the graph is made of, with the digest of every other file.
    Manifest,
    /// What is kept per node of every graph: degrees, original ids.
    Nodes,
    /// The columns of the nodes, of a graph that has any.
    Attributes,
    /// The arcs that end in one range of nodes.
    Shard(ShardId),
}

impl fmt::Display for GraphFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("manifest"),
            Self::Nodes => f.write_str("nodes"),
            Self::Attributes => f.write_str("attributes"),
            Self::Shard(shard) => write!(f, "shard {shard}"),
        }
    }
}

impl From<GraphFile> for pb::GraphFile {
    fn from(file: GraphFile) -> Self {
        let (kind, shard) = match file {
            GraphFile::Manifest => (pb::GraphFileKind::Manifest, 0),
            GraphFile::Nodes => (pb::GraphFileKind::Nodes, 0),
            GraphFile::Attributes => (pb::GraphFileKind::Attributes, 0),
            GraphFile::Shard(shard) => (pb::GraphFileKind::Shard, shard.0),
        };
        Self { kind: kind.into(), shard }
    }
}

impl TryFrom<pb::GraphFile> for GraphFile {
    type Error = ConvertError;

    fn try_from(file: pb::GraphFile) -> Result<Self, ConvertError> {
        match (file.kind(), file.shard) {
            (pb::GraphFileKind::Manifest, 0) => Ok(Self::Manifest),
            (pb::GraphFileKind::Nodes, 0) => Ok(Self::Nodes),
            (pb::GraphFileKind::Attributes, 0) => Ok(Self::Attributes),
            (pb::GraphFileKind::Shard, shard) => Ok(Self::Shard(ShardId(shard))),
            (pb::GraphFileKind::Unspecified, _) => {
                Err(ConvertError::Missing { message: "GraphFile", field: "kind" })
            }
            (_, shard) => {
                let reason = format!("is {shard} for a file that is no shard");
                Err(ConvertError::new("GraphFile", "shard", reason))
            }
        }
    }
}

/// The name of a file in a result directory: 1 to 128 of `A-Z a-z 0-9 _ - .`, no dot first,
/// so that joining it to a folder never leaves the folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// The longest accepted name, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Accepts `text` as a file name.
    ///
    /// # Errors
    /// [`ConvertError::Invalid`] when `text` is empty, too long, or could be a path.
    pub fn new(text: impl Into<String>) -> Result<Self, ConvertError> {
        let text = text.into();
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().all(is_plain)
            && !text.starts_with('.')
        {
            Ok(Self(text))
        } else {
            Err(ConvertError::new("ResultChunk", "name", format!("{text:?} is no plain file name")))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChunk {
    /// The offset of the first byte in the file.
    pub offset: u64,
    /// The file's length in bytes.
    pub total_bytes: u64,
    /// At most [`CHUNK_BYTES`]; empty only where nothing is left, at offset `total_bytes`.
    pub data: Bytes,
}

impl FileChunk {
    /// The offset after the last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.data.len() as u64
    }

    /// Whether the file ends with this piece.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.end() == self.total_bytes
    }
}

impl From<FileChunk> for pb::FileChunk {
    fn from(chunk: FileChunk) -> Self {
        Self {
            offset: chunk.offset,
            total_bytes: chunk.total_bytes,
            crc32c: crc32c::crc32c(&chunk.data),
            data: chunk.data,
        }
    }
}

impl TryFrom<pb::FileChunk> for FileChunk {
    type Error = ConvertError;

    fn try_from(chunk: pb::FileChunk) -> Result<Self, ConvertError> {
        let invalid = |field, reason: String| Err(ConvertError::new("FileChunk", field, reason));
        let (offset, total_bytes, n_bytes) = (chunk.offset, chunk.total_bytes, chunk.data.len());
        if n_bytes > CHUNK_BYTES {
            return invalid("data", format!("has {n_bytes} bytes, at most {CHUNK_BYTES} may be"));
        }
        if offset.checked_add(n_bytes as u64).is_none_or(|end| end > total_bytes) {
            let reason = format!("has {n_bytes} bytes at {offset} of a file of {total_bytes}");
            return invalid("data", reason);
        }
        if n_bytes == 0 && offset < total_bytes {
            return invalid("data", format!("is empty at {offset} of a file of {total_bytes}"));
        }
        if crc32c::crc32c(&chunk.data) != chunk.crc32c {
            return invalid("crc32c", "is not that of the data: damaged on the way".into());
        }
        Ok(Self { offset, total_bytes, data: chunk.data })
    }
}

/// A piece of a graph's or of a result's file, as its message carries it.
pub(crate) fn chunk(
    chunk: Option<pb::FileChunk>,
    message: &'static str,
) -> Result<FileChunk, ConvertError> {
    required(chunk, message, "chunk")?.try_into()
}

/// How much of a file has come: its pieces must follow each other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    held_bytes: u64,
    total_bytes: Option<u64>,
}

impl Progress {
    /// A file of which `held_bytes` are there already.
    #[must_use]
    pub fn from_offset(held_bytes: u64) -> Self {
        Self { held_bytes, total_bytes: None }
    }

    /// Takes note of the next piece.
    ///
    /// # Errors
    /// [`ErrorCode::DataLoss`] when it is not the next piece of the same file.
    pub fn accept(&mut self, chunk: &FileChunk) -> Result<(), RpcError> {
        let total_bytes = *self.total_bytes.get_or_insert(chunk.total_bytes);
        if (chunk.offset, chunk.total_bytes) != (self.held_bytes, total_bytes) {
            let text = format!(
                "received bytes from {} of {}, expected those from {} of {total_bytes}: start again",
                chunk.offset, chunk.total_bytes, self.held_bytes
            );
            return Err(RpcError::new(ErrorCode::DataLoss, text));
        }
        self.held_bytes = chunk.end();
        Ok(())
    }

    /// Bytes of the file that are there.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Whether the whole file is there; not known before its first piece.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.total_bytes == Some(self.held_bytes)
    }
}

#[cfg(test)]
mod tests;
