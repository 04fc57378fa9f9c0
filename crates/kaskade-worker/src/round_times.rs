//! How long the rounds of a batch take, from one marker of this worker to its next.

use std::collections::BTreeMap;
use std::time::Instant;

use kaskade_model::BatchId;
use kaskade_model::message::{Attempt, Marker};

/// Rounds of a batch that are looked at; the first so many.
const MAX_ROUNDS: usize = 1 << 16;

/// The rounds of the batches in hand.
#[derive(Debug, Default)]
pub(crate) struct RoundTimes {
    batches: BTreeMap<(Attempt, BatchId), Rounds>,
}

#[derive(Debug)]
struct Rounds {
    last: Instant,
    micros: Vec<u32>,
}

impl RoundTimes {
    /// A round ends on this worker, which sends `marker` now.
    pub(crate) fn note(&mut self, attempt: &Attempt, marker: &Marker) {
        let now = Instant::now();
        let rounds = self.batches.entry((attempt.clone(), marker.batch));
        let rounds = rounds.or_insert(Rounds { last: now, micros: Vec::new() });
        if marker.round.0 > 0 && rounds.micros.len() < MAX_ROUNDS {
            let micros = (now - rounds.last).as_micros();
            rounds.micros.push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
        rounds.last = now;
    }

    /// The batch has ended: the median of its rounds in microseconds, if it had any.
    pub(crate) fn median_us(&mut self, attempt: &Attempt, batch: BatchId) -> Option<u32> {
        let mut micros = self.batches.remove(&(attempt.clone(), batch))?.micros;
        micros.sort_unstable();
        micros.get(micros.len() / 2).copied()
    }

    /// Nobody asks for the batches of `attempt` any more.
    pub(crate) fn forget(&mut self, attempt: &Attempt) {
        self.batches.retain(|(of, _), _| of != attempt);
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::{Epoch, JobId, Round};

    use super::*;

    #[test]
    fn a_batch_has_a_median_once() {
        let attempt = Attempt { job: JobId::new("tale").unwrap(), group: 0, epoch: Epoch(1) };
        let mut times = RoundTimes::default();
        for round in 0..4 {
            let marker = Marker {
                batch: BatchId(2),
                round: Round(round),
                n_chunks: 0,
                n_bytes: 0,
                n_new: 0,
                n_pending: 1,
            };
            times.note(&attempt, &marker);
        }
        assert_eq!(times.batches[&(attempt.clone(), BatchId(2))].micros.len(), 3);
        assert!(times.median_us(&attempt, BatchId(2)).is_some());
        assert_eq!(times.median_us(&attempt, BatchId(2)), None);
    }
}
