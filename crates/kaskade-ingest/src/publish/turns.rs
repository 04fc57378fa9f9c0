//! What of a shard depends on those before it, in a row of shards that threads share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use kaskade_store::{CountedShard, FirstRanks, RankedShard};

use crate::error::IngestError;

/// Shards are begun in their order and counted in parallel. One is ranked as soon as all before
/// it are, by whichever thread counted the last of those: no thread waits for another.
pub(super) struct Turns {
    n_begun: AtomicUsize,
    row: Mutex<Row>,
}

struct Row {
    first_ranks: FirstRanks,
    n_ranked: usize,
    /// Shards that were counted before their turn.
    early: BTreeMap<usize, CountedShard>,
}

impl Turns {
    /// Before the first shard of a graph of `n_nodes` nodes.
    pub(super) fn new(n_nodes: u32) -> Self {
        let first_ranks = FirstRanks::new(n_nodes);
        let row = Row { first_ranks, n_ranked: 0, early: BTreeMap::new() };
        Self { n_begun: AtomicUsize::new(0), row: Mutex::new(row) }
    }

    /// Has `count` count the next shard that no one has begun, and gives all shards whose turn
    /// has come with it, this one among them or not. Who takes n shards gets n in all.
    ///
    /// # Errors
    /// Those of `count`; a shard does not follow the one before it.
    pub(super) fn take_next(
        &self,
        count: impl FnOnce(usize) -> Result<CountedShard, IngestError>,
    ) -> Result<Vec<RankedShard>, IngestError> {
        let shard = self.n_begun.fetch_add(1, Relaxed);
        let counted = count(shard)?;
        let mut row = self.row.lock().unwrap_or_else(PoisonError::into_inner);
        let Row { first_ranks, n_ranked, early } = &mut *row;
        early.insert(shard, counted);
        let mut ranked = Vec::new();
        while let Some(counted) = early.remove(n_ranked) {
            ranked.push(first_ranks.rank(counted)?);
            *n_ranked += 1;
        }
        Ok(ranked)
    }
}
