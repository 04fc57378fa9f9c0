//! The manifest of a result: where it came from, and which bytes belong to it.

use std::collections::BTreeMap;

use kaskade_model::ids::{JobId, ShardId, WorkerId};
use kaskade_model::spec::{Placement, Spec};
use kaskade_model::status::Recovery;
use serde::{Deserialize, Serialize};

use crate::digest::DIGEST_VERSION;
use crate::error::ResultsError;
use crate::files::{FileKind, ResultFile};
use crate::summary::{GraphSummary, SCHEMA_VERSION, Summary, to_json};

/// `manifest.json`. It is written last, so that its presence means "complete".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The job.
    pub job: JobId,
    /// When the result was made, as text; left out where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The resolved spec.
    pub spec: Spec,
    /// The graph.
    pub graph: GraphSummary,
    /// Which kaskade made it, and in which formats.
    pub versions: Versions,
    /// The version of the coins that the result depends on.
    pub coin_version: u32,
    /// The job's seed.
    pub seed: u64,
    /// The workers that finished it; empty when it ran in one process.
    pub workers: Vec<WorkerRecord>,
    /// How they shared it; `null` when it ran in one process.
    pub placement: Option<Placement>,
    /// What was lost on the way, and done again.
    pub recoveries: Vec<Recovery>,
    /// All other files of the result, by name.
    pub files: BTreeMap<String, FileRecord>,
}

/// The versions of everything that a result depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Of kaskade.
    pub kaskade: String,
    /// Of the spec's format.
    pub spec: u32,
    /// Of the coins.
    pub coin: u32,
    /// Of the digest of the rows.
    pub digest: u32,
}

/// What only who ran the job can tell of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// When the result was made, as text.
    pub created: Option<String>,
    /// The workers that finished it; empty when it ran in one process.
    pub workers: Vec<WorkerRecord>,
    /// How they shared it; `None` when it ran in one process.
    pub placement: Option<Placement>,
    /// What was lost on the way, and done again.
    pub recoveries: Vec<Recovery>,
}

/// A worker's part in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// The worker.
    pub worker: WorkerId,
    /// Where its peers reached it.
    pub address: String,
    /// Its group, from 0.
    pub group: u32,
    /// The shards that it held, ascending.
    pub shards: Vec<ShardId>,
}

/// A file as the manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its length.
    pub bytes: u64,
    /// Its blake3 digest, hexadecimal.
    pub blake3: String,
}

impl FileRecord {
    /// The record of a file with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
    }
}

impl Manifest {
    /// The manifest of the result that consists of `files`.
    #[must_use]
    pub fn new(summary: &Summary, provenance: &Provenance, files: &[ResultFile]) -> Self {
        let Provenance { created, workers, placement, recoveries } = provenance.clone();
        let record = |file: &ResultFile| (file.kind.name().to_owned(), FileRecord::of(&file.bytes));
        Self {
            schema_version: SCHEMA_VERSION,
            job: summary.job.clone(),
            created,
            spec: summary.spec.clone(),
            graph: summary.graph.clone(),
            versions: Versions {
                kaskade: env!("CARGO_PKG_VERSION").to_owned(),
                spec: summary.spec.version,
                coin: summary.coin_version,
                digest: DIGEST_VERSION,
            },
            coin_version: summary.coin_version,
            seed: summary.spec.run.seed,
            workers,
            placement,
            recoveries,
            files: files.iter().map(record).collect(),
        }
    }

    /// The manifest as an indented JSON object with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Reads the manifest among `files` and checks that they are exactly the files that it
    /// lists, byte for byte.
    ///
    /// # Errors
    /// [`ResultsError`] names the file that is missing, there twice, unlisted or damaged.
    pub fn check(files: &[ResultFile]) -> Result<Self, ResultsError> {
        let mut by_kind = BTreeMap::new();
        for file in files {
            if by_kind.insert(file.kind, &file.bytes).is_some() {
                return Err(ResultsError::RepeatedFile { file: file.kind });
            }
        }
        let missing = |file| ResultsError::MissingFile { file };
        let text = by_kind.remove(&FileKind::Manifest).ok_or(missing(FileKind::Manifest))?;
        let manifest = Self::parse(text)?;
        for (name, record) in &manifest.files {
            let file = name.parse()?;
            let bytes = by_kind.remove(&file).ok_or(missing(file))?;
            if FileRecord::of(bytes) != *record {
                return Err(ResultsError::DamagedFile { file });
            }
        }
        match by_kind.first_key_value() {
            Some((&file, _)) => Err(ResultsError::UnlistedFile { file }),
            None => Ok(manifest),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ResultsError::Unreadable`] says where.
    pub fn parse(text: &[u8]) -> Result<Self, ResultsError> {
        serde_json::from_slice(text)
            .map_err(|source| ResultsError::Unreadable { file: FileKind::Manifest, source })
    }
}

#[cfg(test)]
mod tests;
