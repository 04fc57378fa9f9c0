//! The shards that this worker keeps: fetched once, mapped once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kaskade_model::ShardId;
use kaskade_model::message::Assignment;
use kaskade_rpc::control::{Client, FetchRequest};
use kaskade_rpc::file::{FileChunk, GraphFile, Progress};
use kaskade_rpc::pb;
use kaskade_store::{Manifest, MappedShard, ShardEntry, StoreError, Verify, names};

use crate::compute_pool::ComputePool;
use crate::error::WorkerError;

/// The cache directory: `<shard table digest>/manifest.json` and `<shard table digest>/shards/…`,
/// with the names of a graph directory. Whatever lies there is checked before it is used.
#[derive(Clone, Debug)]
pub(crate) struct ShardCache {
    dir: PathBuf,
    mapped: Arc<Mutex<MappedShards>>,
}

/// Shards that some job holds, by shard table digest and number.
type MappedShards = BTreeMap<(String, ShardId), Weak<MappedShard>>;

/// A broken stream is taken up again so often.
const FETCH_ATTEMPTS: usize = 3;

/// Numbers the fetches of this process, so that two of one file do not write into each other.
static FETCHES: AtomicU64 = AtomicU64::new(0);

impl ShardCache {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, mapped: Arc::default() }
    }

    /// The `shards` of the graph of `assignment`, mapped and verified; those that are not in the
    /// cache, or are damaged there, are fetched from the coordinator.
    pub(crate) async fn shards(
        &self,
        assignment: &Assignment,
        shards: &[ShardId],
        client: &Client,
        pool: &ComputePool,
    ) -> Result<Vec<Arc<MappedShard>>, WorkerError> {
        let fetcher = Fetcher { assignment, client, pool };
        let table = &assignment.shard_table_digest;
        let dir = self.dir.join(table);
        let manifest = fetcher.manifest(&dir).await?;
        let mut found = Vec::with_capacity(shards.len());
        for &shard in shards {
            if let Some(mapped) = self.already_mapped(table, shard) {
                found.push(mapped);
                continue;
            }
            let unknown = WorkerError::Assignment("it names a shard that the graph does not have");
            let entry = manifest.shard(shard).ok_or(unknown)?;
            let mapped = Arc::new(fetcher.shard(&dir, entry).await?);
            self.lock().insert((table.clone(), shard), Arc::downgrade(&mapped));
            found.push(mapped);
        }
        Ok(found)
    }

    fn already_mapped(&self, table: &str, shard: ShardId) -> Option<Arc<MappedShard>> {
        self.lock().get(&(table.to_owned(), shard)).and_then(Weak::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, MappedShards> {
        self.mapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Fetcher<'a> {
    assignment: &'a Assignment,
    client: &'a Client,
    pool: &'a ComputePool,
}

impl Fetcher<'_> {
    async fn manifest(&self, dir: &Path) -> Result<Manifest, WorkerError> {
        if let Ok(manifest) = Manifest::read(dir)
            && self.is_meant(&manifest)
        {
            return Ok(manifest);
        }
        self.fetch(GraphFile::Manifest, &dir.join(names::MANIFEST)).await?;
        let manifest = Manifest::read(dir)?;
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

    async fn shard(&self, dir: &Path, entry: &ShardEntry) -> Result<MappedShard, WorkerError> {
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

    async fn open(
        &self,
        path: &Path,
        entry: &ShardEntry,
    ) -> Result<Result<MappedShard, StoreError>, WorkerError> {
        let (path, entry) = (path.to_owned(), entry.clone());
        self.pool.run(move || kaskade_store::open_shard(&path, &entry, Verify::Full)).await
    }

    /// Fetches `file` to `path`, which appears there whole.
    async fn fetch(&self, file: GraphFile, path: &Path) -> Result<(), WorkerError> {
        let number = FETCHES.fetch_add(1, Relaxed);
        let partial = path.with_extension(format!("partial-{}-{number}", std::process::id()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed("create", parent))?;
        }
        let mut out = File::create(&partial).map_err(failed("create", &partial))?;
        let mut fetched = self.fetch_into(file, &mut out, &partial).await;
        if fetched.is_ok() {
            let (partial, path) = (partial.clone(), path.to_owned());
            fetched = self.pool.run(move || publish(&out, &partial, &path)).await?;
        }
        if fetched.is_err() {
            // Of no use any more; that it cannot be removed would say nothing new.
            let _ = fs::remove_file(&partial);
        }
        fetched
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
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

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
        let from_status = kaskade_rpc::RpcError::from;
        let response = client.fetch_file(pb::FetchRequest::from(request)).await;
        let mut chunks = response.map_err(from_status)?.into_inner();
        while let Some(chunk) = chunks.message().await.map_err(from_status)? {
            let chunk = FileChunk::try_from(chunk).map_err(kaskade_rpc::RpcError::from)?;
            progress.accept(&chunk)?;
            out.write_all(&chunk.data).map_err(failed("write", path))?;
        }
        Ok(())
    }
}

fn publish(out: &File, partial: &Path, path: &Path) -> Result<(), WorkerError> {
    out.sync_all().map_err(failed("write", partial))?;
    fs::rename(partial, path).map_err(failed("rename", partial))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> WorkerError {
    let path = path.to_owned();
    move |source| WorkerError::Cache { action, path, source }
}
