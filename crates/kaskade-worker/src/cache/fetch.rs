//! From the coordinator's graph directory into the cache.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kaskade_model::message::Assignment;
use kaskade_rpc::control::{Client, FetchRequest};
use kaskade_rpc::file::{FileChunk, GraphFile, Progress};
use kaskade_rpc::{ErrorCode, RpcError, fail_point, pb};
use kaskade_store::{
    Attributes, Load, Manifest, MappedShard, Opening, ShardEntry, StoreError, Verify, names,
};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::compute_pool::ComputePool;
use crate::error::WorkerError;

/// A broken stream is taken up again until it has broken so often.
const FETCH_ATTEMPTS: usize = 3;

/// The pause before that.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How the extension of a file begins that is not whole yet.
pub(super) const PARTIAL_PREFIX: &str = "partial-";

/// Numbers the fetches of this process, so that two of one file do not write into each other.
static FETCHES: AtomicU64 = AtomicU64::new(0);

/// Brings the files of the graph of `assignment`.
pub(super) struct Fetcher<'a> {
    pub(super) assignment: &'a Assignment,
    pub(super) client: &'a Client,
    pub(super) pool: &'a ComputePool,
    pub(super) load: Load,
}

impl Fetcher<'_> {
    /// The graph's manifest, which is fetched to `dir` unless it is there.
    pub(super) async fn manifest(&self, dir: &Path) -> Result<Manifest, WorkerError> {
        if let Ok(manifest) = read_manifest(dir).await?
            && self.is_meant(&manifest)
        {
            return Ok(manifest);
        }
        self.fetch(GraphFile::Manifest, &dir.join(names::MANIFEST)).await?;
        let manifest = read_manifest(dir).await??;
        if self.is_meant(&manifest) {
            return Ok(manifest);
        }
        Err(WorkerError::OtherGraph {
            graph: self.assignment.graph.clone(),
            expected: self.assignment.graph_digest.clone(),
            found: manifest.digest,
        })
    }

    fn is_meant(&self, manifest: &Manifest) -> bool {
        manifest.digest == self.assignment.graph_digest
            && manifest.shard_table_digest() == self.assignment.shard_table_digest
    }

    /// The shard that `entry` names, mapped and verified; it is fetched to `dir` unless it is
    /// there.
    pub(super) async fn shard(
        &self,
        dir: &Path,
        entry: &ShardEntry,
    ) -> Result<MappedShard, WorkerError> {
        let path = dir.join(names::shard(entry.shard));
        match self.open(&path, entry).await? {
            Ok(mapped) => return Ok(mapped),
            Err(error) => {
                tracing::info!(shard_id = entry.shard.0, %error, "fetching shard");
            }
        }
        self.fetch(GraphFile::Shard(entry.shard), &path).await?;
        Ok(self.open(&path, entry).await??)
    }

    /// The node columns that `manifest` describes, mapped and verified; they are fetched to `dir`
    /// unless they are there.
    pub(super) async fn attributes(
        &self,
        dir: &Path,
        manifest: &Manifest,
    ) -> Result<Attributes, WorkerError> {
        let path = dir.join(names::ATTRIBUTES);
        let open = || {
            let (path, manifest) = (path.clone(), manifest.clone());
            self.pool.run(move || kaskade_store::open_attributes(&path, &manifest))
        };
        match open().await? {
            Ok(mapped) => return Ok(mapped),
            Err(error) => tracing::info!(%error, "fetching node columns"),
        }
        self.fetch(GraphFile::Attributes, &path).await?;
        Ok(open().await??)
    }

    async fn open(
        &self,
        path: &Path,
        entry: &ShardEntry,
    ) -> Result<Result<MappedShard, StoreError>, WorkerError> {
        let (path, entry) = (path.to_owned(), entry.clone());
        let opening = Opening { verify: Verify::Full, load: self.load };
        self.pool.run(move || kaskade_store::open_shard(&path, &entry, opening)).await
    }

    /// Fetches `file` to `path`, which appears there whole.
    async fn fetch(&self, file: GraphFile, path: &Path) -> Result<(), WorkerError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).await.map_err(failed("create", parent))?;
        }
        let partial = Partial::of(path);
        let mut out = File::create(&partial.0).await.map_err(failed("create", &partial.0))?;
        self.fetch_into(file, &mut out, &partial.0).await?;
        out.flush().await.map_err(failed("write", &partial.0))?;
        out.sync_all().await.map_err(failed("write", &partial.0))?;
        fail_point::reach("shard-fetched");
        fs::rename(&partial.0, path).await.map_err(failed("rename", &partial.0))?;
        fail_point::reach("shard-renamed");
        Ok(())
    }

    async fn fetch_into(
        &self,
        file: GraphFile,
        out: &mut File,
        path: &Path,
    ) -> Result<(), WorkerError> {
        let mut progress = Progress::from_offset(0);
        let mut failures = 0;
        while !progress.is_complete() {
            match self.stream(file, out, path, &mut progress).await {
                Ok(()) => {}
                Err(WorkerError::Rpc(error)) if error.is_retryable() => {
                    failures += 1;
                    if failures == FETCH_ATTEMPTS {
                        return Err(error.into());
                    }
                    tracing::warn!(%error, "fetch broke off, taking it up again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Appends to `out` what is still missing of `file`.
    async fn stream(
        &self,
        file: GraphFile,
        out: &mut File,
        path: &Path,
        progress: &mut Progress,
    ) -> Result<(), WorkerError> {
        let request = FetchRequest {
            graph: self.assignment.graph.clone(),
            graph_digest: self.assignment.graph_digest.clone(),
            file,
            offset: progress.held_bytes(),
        };
        let mut client = self.client.clone();
        let response = client.fetch_file(pb::FetchRequest::from(request)).await;
        let mut chunks = response.map_err(RpcError::from)?.into_inner();
        while let Some(chunk) = chunks.message().await.map_err(RpcError::from)? {
            let chunk = FileChunk::try_from(chunk).map_err(RpcError::from)?;
            progress.accept(&chunk)?;
            out.write_all(&chunk.data).await.map_err(failed("write", path))?;
        }
        if progress.is_complete() {
            return Ok(());
        }
        let text = format!("the coordinator ended a file at byte {}", progress.held_bytes());
        Err(RpcError::new(ErrorCode::Unavailable, text).into())
    }
}

/// The path of a file that is not whole yet; whoever gives up before it has its name, or is
/// aborted, leaves nothing there.
struct Partial(PathBuf);

impl Partial {
    fn of(path: &Path) -> Self {
        let (process, number) = (std::process::id(), FETCHES.fetch_add(1, Relaxed));
        Self(path.with_extension(format!("{PARTIAL_PREFIX}{process}-{number}")))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Mostly it has its name by now. That it cannot be removed would say nothing new.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Reads a manifest, which may be long, where reading does not hold up the streams.
async fn read_manifest(dir: &Path) -> Result<Result<Manifest, StoreError>, WorkerError> {
    let dir = dir.to_owned();
    #[expect(clippy::disallowed_methods, reason = "reads a file")]
    let reading = tokio::task::spawn_blocking(move || Manifest::read(&dir));
    reading.await.map_err(|error| WorkerError::Panicked { message: error.to_string() })
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> WorkerError {
    let path = path.to_owned();
    move |source| WorkerError::Cache { action, path, source }
}

#[cfg(test)]
mod tests;
