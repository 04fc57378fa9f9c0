//! The shards that this worker keeps: fetched once, mapped once.

mod fetch;
mod held;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use kaskade_model::ShardId;
use kaskade_model::message::Assignment;
use kaskade_rpc::control::Client;
use kaskade_store::{Attributes, Load, MappedShard, names};

use crate::compute_pool::ComputePool;
use crate::error::WorkerError;
use fetch::{Fetcher, PARTIAL_PREFIX};
use held::Held;

/// The cache directory: `<shard table digest>/manifest.json` and `<shard table digest>/shards/…`,
/// with the names of a graph directory. Whatever lies there is checked before it is used.
#[derive(Clone, Debug)]
pub(crate) struct ShardCache {
    dir: PathBuf,
    load: Load,
    held: Arc<Mutex<Held<MappedShard>>>,
}

impl ShardCache {
    /// The cache in `dir`, whose shards come into memory by `load`, and which no other worker uses: what an earlier process of this worker
    /// left half fetched is removed.
    pub(crate) fn new(dir: PathBuf, load: Load) -> Self {
        if let Err(error) = remove_partials(&dir) {
            tracing::warn!(dir = %dir.display(), %error, "could not clear the shard cache");
        }
        Self { dir, load, held: Arc::default() }
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
        let fetcher = Fetcher { assignment, client, pool, load: self.load };
        let table = &assignment.shard_table_digest;
        let dir = self.dir.join(table);
        self.lock().turn_to(table);
        let manifest = fetcher.manifest(&dir).await?;
        if manifest.n_nodes != u64::from(assignment.plan.n_nodes) {
            let text = "its job was planned on another number of nodes than the graph has";
            return Err(WorkerError::Assignment(text));
        }
        let mut found = Vec::with_capacity(shards.len());
        for &shard in shards {
            let held = self.lock().find(table, shard);
            let mapped = match held {
                Some(mapped) => mapped,
                None => {
                    let text = "it names a shard that the graph does not have";
                    let entry = manifest.shard(shard).ok_or(WorkerError::Assignment(text))?;
                    Arc::new(fetcher.shard(&dir, entry).await?)
                }
            };
            self.lock().hold(table, shard, &mapped);
            found.push(mapped);
        }
        Ok(found)
    }

    /// The node columns of the graph of `assignment`, where its job asks for any and the graph has
    /// some.
    pub(crate) async fn columns(
        &self,
        assignment: &Assignment,
        client: &Client,
        pool: &ComputePool,
    ) -> Result<Option<Attributes>, WorkerError> {
        if !assignment.plan.reads_columns() {
            return Ok(None);
        }
        let fetcher = Fetcher { assignment, client, pool, load: self.load };
        let dir = self.dir.join(&assignment.shard_table_digest);
        let manifest = fetcher.manifest(&dir).await?;
        match manifest.attributes_file {
            Some(_) => Ok(Some(fetcher.attributes(&dir, &manifest).await?)),
            None => Ok(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held<MappedShard>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the files below the cache directory `dir` whose fetch never ended.
fn remove_partials(dir: &Path) -> io::Result<()> {
    for table in entries(dir)? {
        for path in [entries(&table)?, entries(&table.join(names::SHARDS))?].concat() {
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            if extension.starts_with(PARTIAL_PREFIX) {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

/// What lies in `dir`; nothing when there is no such directory.
fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_process_left_half_fetched_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let shards = dir.path().join("1e").join(names::SHARDS);
        fs::create_dir_all(&shards).unwrap();
        fs::write(dir.path().join("note.txt"), "not a table").unwrap();
        let whole = shards.join("00000.kgs");
        let partials =
            [dir.path().join("1e/manifest.partial-1-0"), shards.join("00001.partial-7-3")];
        for path in partials.iter().chain([&whole]) {
            fs::write(path, "bytes").unwrap();
        }
        ShardCache::new(dir.path().to_owned(), Load::default());
        assert!(whole.try_exists().unwrap(), "whole files stay");
        assert!(partials.iter().all(|path| !path.try_exists().unwrap()));
        ShardCache::new(dir.path().join("not there yet"), Load::default());
    }
}
