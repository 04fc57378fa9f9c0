//! Why a graph directory cannot be written, opened or trusted.

use std::io;
use std::path::{Path, PathBuf};

use kaskade_model::coin::InvalidProbability;
use kaskade_model::{NodeId, ShardId};

/// Why a graph directory cannot be written, opened or trusted. Every variant names the
/// file; [`StoreError::kind`] sorts them for who picks an exit code or retries.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is nothing at the path.
    #[error("{path} does not exist: check the path, or make the graph with `kaskade graph build`")]
    NotFound {
        /// The directory or file.
        path: PathBuf,
    },
    /// A folder without a manifest.
    #[error(
        "{path} is no complete graph directory, it has no manifest.json: check the path, or make the graph with `kaskade graph build`"
    )]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest names a file that is gone.
    #[error("{path} is missing, its manifest names it: {RECOVERY}")]
    MissingFile {
        /// The file.
        path: PathBuf,
    },
    /// The manifest has no such shard.
    #[error("{path} has no shard {shard}, it has {n_shards}")]
    UnknownShard {
        /// The graph directory.
        path: PathBuf,
        /// The shard asked for.
        shard: ShardId,
        /// Shards in the manifest.
        n_shards: usize,
    },
    /// The target of a write is there already.
    #[error("{path} exists: choose another name, or replace it with --force")]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// `--force` would delete something that `kaskade` did not write.
    #[error("{path} exists and is no graph directory, so it is not replaced: choose another name")]
    NotReplaceable {
        /// The target.
        path: PathBuf,
    },
    /// The file does not begin with the magic of kaskade's files.
    #[error(
        "{path} is no kaskade file, it begins with {found:02x?}: check the path, or {RECOVERY}"
    )]
    WrongMagic {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// The file was written by another version.
    #[error(
        "{path} has format version {found}, this kaskade reads version {supported}: use the kaskade that wrote it, or rebuild the graph with `kaskade graph build`"
    )]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// The version it states.
        found: u64,
        /// The version that this build reads.
        supported: u32,
    },
    /// The file ends too early.
    #[error(
        "{path} is truncated: {expected_bytes} bytes expected, {found_bytes} found: {RECOVERY}"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The bytes it should have; before the header could be read, at least.
        expected_bytes: u64,
        /// The bytes it has.
        found_bytes: u64,
    },
    /// Bytes changed since they were written.
    #[error(
        "{path} is damaged in {section}, bytes {begin} to {end}: checksum {expected:08x} expected, {found:08x} found: {RECOVERY}"
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The part of the file.
        section: &'static str,
        /// The first byte that the checksum covers, from the start of the file.
        begin: u64,
        /// One past the last byte it covers.
        end: u64,
        /// The checksum on file.
        expected: u32,
        /// The checksum of what is there.
        found: u32,
    },
    /// The whole is not what its digest says.
    #[error("{path} is damaged: {what} {expected} expected, {found} found: {RECOVERY}")]
    Digest {
        /// The file or directory.
        path: PathBuf,
        /// Which digest.
        what: &'static str,
        /// The digest on file, in hex.
        expected: String,
        /// The digest of what is there, in hex.
        found: String,
    },
    /// The bytes are as written, or their checksum was made to fit, but they make no sense.
    #[error("{path} is invalid in {section}: {expected} expected, {found} found: {RECOVERY}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The part of the file.
        section: &'static str,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The manifest is no JSON, or not with the keys of a manifest.
    #[error("{path} is no manifest: {RECOVERY}")]
    ManifestSyntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The graph was built without what is asked for.
    #[error("{path} has no {section}: rebuild it with `kaskade graph build … {rebuild}`")]
    MissingSection {
        /// The directory or file.
        path: PathBuf,
        /// What is missing.
        section: &'static str,
        /// The flags that make `graph build` write it.
        rebuild: &'static str,
    },
    /// More arcs in a shard than its index can count.
    #[error(
        "shard {shard} has more than 2^32 - 1 arcs from the sources {first_source} and on: build with more --shards"
    )]
    TooManyArcs {
        /// The shard.
        shard: ShardId,
        /// The first source of the block that overflows.
        first_source: NodeId,
    },
    /// What was given to a writer contradicts itself.
    #[error("cannot write {what}: {reason}")]
    InvalidInput {
        /// What was to be written.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An arc's probability is none.
    #[error("the arc {from} -> {to} (dense ids) has no valid probability")]
    Probability {
        /// The arc's source.
        from: NodeId,
        /// The arc's target.
        to: NodeId,
        /// What is wrong with it.
        #[source]
        reason: InvalidProbability,
    },
    /// The disk or the quota is full.
    #[error("could not {action} {path}: the disk is full; free space or write elsewhere")]
    DiskFull {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Any other failure of the system.
    #[error("could not {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The next step for a file that is not what was written.
const RECOVERY: &str = "restore the file, or rebuild the graph with `kaskade graph build`";

/// What a [`StoreError`] means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// No such directory, file or shard.
    NotFound,
    /// The target is there already.
    Exists,
    /// A file is not what was written: restore or fetch it again.
    Corrupt,
    /// Written by another version.
    UnsupportedVersion,
    /// Built without what is needed.
    MissingSection,
    /// The input to a writer is invalid.
    Invalid,
    /// No space left.
    DiskFull,
    /// Any other failure of the system.
    Io,
}

impl StoreError {
    /// What the error means for the caller.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            Self::NotFound { .. } | Self::NoManifest { .. } | Self::UnknownShard { .. } => {
                StoreErrorKind::NotFound
            }
            Self::Exists { .. } | Self::NotReplaceable { .. } => StoreErrorKind::Exists,
            Self::MissingFile { .. }
            | Self::WrongMagic { .. }
            | Self::Truncated { .. }
            | Self::Checksum { .. }
            | Self::Digest { .. }
            | Self::Malformed { .. }
            | Self::ManifestSyntax { .. } => StoreErrorKind::Corrupt,
            Self::UnsupportedVersion { .. } => StoreErrorKind::UnsupportedVersion,
            Self::MissingSection { .. } => StoreErrorKind::MissingSection,
            Self::TooManyArcs { .. } | Self::InvalidInput { .. } | Self::Probability { .. } => {
                StoreErrorKind::Invalid
            }
            Self::DiskFull { .. } => StoreErrorKind::DiskFull,
            Self::Io { .. } => StoreErrorKind::Io,
        }
    }

    /// Whether a file is not what was written: fetching or restoring it may help.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        self.kind() == StoreErrorKind::Corrupt
    }

    /// Whether the disk or the quota is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.kind() == StoreErrorKind::DiskFull
    }

    /// The error for a failed system call: `action` reads on from "could not".
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path, source }
            }
            _ => Self::Io { action, path, source },
        }
    }

    /// The same error about a file that a complete directory must have.
    pub(crate) fn missing_part(self) -> Self {
        match self {
            Self::NotFound { path } => Self::MissingFile { path },
            other => other,
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "takes literals, numbers and text alike")]
    pub(crate) fn malformed(
        path: &Path,
        section: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            section,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "takes literals, numbers and text alike")]
    pub(crate) fn invalid_input(what: impl ToString, reason: impl ToString) -> Self {
        Self::InvalidInput { what: what.to_string(), reason: reason.to_string() }
    }
}
