//! All arcs of the inputs as they were parsed: in memory while they fit, else on disk.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::arcs::{ArcChunk, Payload, SpilledChunk};
use crate::error::IngestError;
use crate::memory::{Budget, Ledger, NODE_BYTES};
use crate::source::{Intake, LoneNodes};
use crate::spill::SpillFile;

/// Takes chunks from parsers.
pub(crate) struct RawIntake<V> {
    budget: Budget,
    ledger: Ledger,
    file: SpillFile,
    kept: Mutex<Vec<ArcChunk<V>>>,
    spilled: Mutex<Vec<SpilledChunk>>,
    lone: Mutex<Vec<LoneNodes>>,
    /// What so many nodes will take at the least.
    n_lone: AtomicU64,
}

impl<V: Payload> RawIntake<V> {
    /// An intake that keeps what `budget` has room for in memory and the rest in `folder`.
    pub(crate) fn new(budget: Budget, folder: &Path) -> Self {
        Self {
            budget,
            ledger: Ledger::new(budget.raw_bytes()),
            file: SpillFile::new(folder),
            kept: Mutex::default(),
            spilled: Mutex::default(),
            lone: Mutex::default(),
            n_lone: AtomicU64::new(0),
        }
    }

    /// What was taken.
    pub(crate) fn finish(self) -> RawArcs<V> {
        RawArcs {
            kept: self.kept.into_inner().unwrap_or_else(PoisonError::into_inner),
            spilled: self.spilled.into_inner().unwrap_or_else(PoisonError::into_inner),
            lone: self.lone.into_inner().unwrap_or_else(PoisonError::into_inner),
            file: self.file,
        }
    }
}

impl<V: Payload> Intake<V> for RawIntake<V> {
    fn arcs(&self, mut chunk: ArcChunk<V>) -> Result<(), IngestError> {
        // What is counted is what is kept.
        chunk.shrink_to_fit();
        if self.ledger.hold(chunk.bytes()) {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(chunk);
        } else {
            let spilled = chunk.spill(&self.file)?;
            self.spilled.lock().unwrap_or_else(PoisonError::into_inner).push(spilled);
        }
        Ok(())
    }

    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError> {
        // A header may count more nodes than any memory holds.
        let n_ids = ids.n_ids();
        let n_lone = n_ids.saturating_add(self.n_lone.fetch_add(n_ids, Relaxed));
        self.budget.shares(n_lone.saturating_mul(NODE_BYTES))?;
        self.lone.lock().unwrap_or_else(PoisonError::into_inner).push(ids);
        Ok(())
    }

    fn names_grown(&self, bytes: u64) -> Result<(), IngestError> {
        // They are sorted into a copy at the end.
        self.budget.shares(bytes.saturating_mul(2)).map(|_| ())
    }

    fn block_bytes(&self) -> usize {
        self.budget.block_bytes()
    }
}

/// All arcs of the inputs, in no order, and the nodes that are named without one.
pub(crate) struct RawArcs<V> {
    kept: Vec<ArcChunk<V>>,
    spilled: Vec<SpilledChunk>,
    lone: Vec<LoneNodes>,
    file: SpillFile,
}

/// A chunk wherever it is.
#[derive(Clone, Copy)]
pub(crate) enum RawChunk<'a, V> {
    Kept(&'a ArcChunk<V>),
    Spilled(&'a SpilledChunk),
}

impl<V: Payload> RawArcs<V> {
    /// The number of arcs as written.
    pub(crate) fn n_arcs(&self) -> u64 {
        self.chunks().map(|chunk| chunk.n_arcs() as u64).sum()
    }

    /// Nodes that are named without an arc.
    pub(crate) fn lone(&self) -> &[LoneNodes] {
        &self.lone
    }

    /// The bytes that the arcs in memory take.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.kept.iter().map(ArcChunk::bytes).sum()
    }

    /// Moves arcs to disk until those in memory take at most `kept_bytes`.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn spill_down_to(&mut self, kept_bytes: u64) -> Result<(), IngestError> {
        let mut left = self.kept_bytes();
        while left > kept_bytes
            && let Some(chunk) = self.kept.pop()
        {
            left -= chunk.bytes();
            self.spilled.push(chunk.spill(&self.file)?);
        }
        Ok(())
    }

    /// All chunks.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = RawChunk<'_, V>> {
        self.kept.iter().map(RawChunk::Kept).chain(self.spilled.iter().map(RawChunk::Spilled))
    }

    /// Calls `visit` with `chunk`, from disk where it is there.
    ///
    /// # Errors
    /// [`IngestError::Spill`], and those of `visit`.
    pub(crate) fn visit<T>(
        &self,
        chunk: RawChunk<'_, V>,
        visit: impl FnOnce(&ArcChunk<V>) -> T,
    ) -> Result<T, IngestError> {
        Ok(match chunk {
            RawChunk::Kept(chunk) => visit(chunk),
            RawChunk::Spilled(spilled) => visit(&ArcChunk::unspill(&self.file, spilled)?),
        })
    }

    /// Calls `visit` with every chunk, in parallel.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn visit_all(&self, visit: impl Fn(&ArcChunk<V>) + Sync) -> Result<(), IngestError> {
        self.kept.par_iter().for_each(&visit);
        self.spilled
            .par_iter()
            .try_for_each(|spilled| self.visit(RawChunk::Spilled(spilled), &visit))
    }

    /// Hands every chunk to `take`, in parallel; nothing is left of each thereafter. Those
    /// from memory are announced to `leave` before.
    ///
    /// # Errors
    /// [`IngestError::Spill`], and those of `take`.
    pub(crate) fn consume(
        self,
        take: impl Fn(ArcChunk<V>) -> Result<(), IngestError> + Sync,
        leave: impl Fn(&ArcChunk<V>) + Sync,
    ) -> Result<(), IngestError> {
        self.kept.into_par_iter().try_for_each(|chunk| {
            leave(&chunk);
            take(chunk)
        })?;
        self.spilled
            .par_iter()
            .try_for_each(|spilled| take(ArcChunk::unspill(&self.file, spilled)?))
    }
}

impl<V: Payload> RawChunk<'_, V> {
    /// The number of arcs.
    pub(crate) fn n_arcs(self) -> usize {
        match self {
            Self::Kept(chunk) => chunk.len(),
            Self::Spilled(spilled) => spilled.n_arcs,
        }
    }
}

#[cfg(test)]
impl<V: Payload> RawArcs<V> {
    /// These chunks, in memory.
    pub(crate) fn of(kept: Vec<ArcChunk<V>>) -> Self {
        let file = SpillFile::new(&std::env::temp_dir());
        Self { kept, spilled: Vec::new(), lone: Vec::new(), file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_on_disk_and_all_of_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let intake = RawIntake::<()>::new(Budget::tiny(80), folder.path());
        for i in 0..10u32 {
            intake.arcs(ArcChunk::narrow(vec![[i, i + 1], [i, i + 2]], vec![(); 2])).unwrap();
        }
        let mut raw = intake.finish();
        assert_eq!((raw.kept.len(), raw.spilled.len(), raw.n_arcs()), (2, 8, 20));
        raw.spill_down_to(16).unwrap();
        assert_eq!((raw.kept.len(), raw.kept_bytes()), (1, 16));
        let sum = Mutex::new(0);
        raw.visit_all(|chunk| chunk.for_each(|from, to, ()| *sum.lock().unwrap() += from + to))
            .unwrap();
        assert_eq!(*sum.lock().unwrap(), 2 * 90 + 3 * 10);
        let n_arcs = Mutex::new(0);
        let left_bytes = Mutex::new(0);
        raw.consume(
            |chunk| {
                *n_arcs.lock().unwrap() += chunk.len();
                Ok(())
            },
            |chunk| *left_bytes.lock().unwrap() += chunk.bytes(),
        )
        .unwrap();
        assert_eq!((*n_arcs.lock().unwrap(), *left_bytes.lock().unwrap()), (20, 16));
    }
}
