//! The batches that nobody has in hand.

use std::collections::BTreeSet;

use kaskade_model::BatchId;
use kaskade_model::tally::JobTally;

/// Batches still to be begun, the lowest first. Holds what was given back and how far the
/// rest has come: a job of a billion batches takes no more memory than one of ten.
#[derive(Debug)]
pub(super) struct PendingBatches {
    next: u32,
    end: u32,
    /// Finished before this machine began.
    finished: BTreeSet<BatchId>,
    returned: BTreeSet<BatchId>,
}

impl PendingBatches {
    /// All of `0..n_batches` that are not among `finished`.
    pub(super) fn new(n_batches: u32, finished: &JobTally) -> Self {
        let mut pending = Self {
            next: 0,
            end: n_batches,
            finished: finished.batch_tallies().map(|(batch, _)| batch).collect(),
            returned: BTreeSet::new(),
        };
        pending.skip_finished();
        pending
    }

    pub(super) fn is_empty(&self) -> bool {
        self.returned.is_empty() && self.next == self.end
    }

    /// How many there are, at most: finished ones that lie ahead are counted too.
    pub(super) fn len(&self) -> u64 {
        self.returned.len() as u64 + u64::from(self.end - self.next)
    }

    /// Takes the lowest batch out.
    pub(super) fn take(&mut self) -> Option<BatchId> {
        if let Some(batch) = self.returned.pop_first() {
            return Some(batch);
        }
        let batch = (self.next < self.end).then_some(BatchId(self.next))?;
        self.next += 1;
        self.skip_finished();
        Some(batch)
    }

    /// The number of batches, finished ones included.
    pub(super) fn n_batches(&self) -> u32 {
        self.end
    }

    /// Lets `0..n_batches` be all batches, which are as many as before or more.
    pub(super) fn grow(&mut self, n_batches: u32) {
        self.end = self.end.max(n_batches);
        self.skip_finished();
    }

    /// Takes back a batch that was taken out and not finished.
    pub(super) fn give_back(&mut self, batch: BatchId) {
        self.returned.insert(batch);
    }

    fn skip_finished(&mut self) {
        while self.next < self.end && self.finished.contains(&BatchId(self.next)) {
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::tally::PartitionTally;

    use super::*;

    #[test]
    fn finished_batches_are_skipped_and_returned_ones_come_first() {
        let mut finished = JobTally::default();
        for batch in [0, 2] {
            finished.add_batch(BatchId(batch), PartitionTally::empty(batch.into(), 1)).unwrap();
        }
        let mut pending = PendingBatches::new(4, &finished);
        assert_eq!(pending.take(), Some(BatchId(1)));
        assert_eq!(pending.take(), Some(BatchId(3)));
        assert!(pending.is_empty());
        pending.give_back(BatchId(1));
        assert!(!pending.is_empty());
        assert_eq!(pending.take(), Some(BatchId(1)));
        assert_eq!(pending.take(), None);
    }

    #[test]
    fn more_batches_may_follow() {
        let mut finished = JobTally::default();
        finished.add_batch(BatchId(2), PartitionTally::empty(2, 1)).unwrap();
        let mut pending = PendingBatches::new(2, &finished);
        assert_eq!((pending.take(), pending.take()), (Some(BatchId(0)), Some(BatchId(1))));
        assert!(pending.is_empty());
        pending.grow(4);
        assert_eq!((pending.take(), pending.take()), (Some(BatchId(3)), None));
    }
}
