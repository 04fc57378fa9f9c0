//! The spans of the attempts in hand: job > batch > round > exchange. What is computed has its own,
//! `expand` and `absorb`, inside of the round's.
//!
//! They live here and not where the work is because a batch goes from thread to thread: what
//! lasts longer than a task has an owner that does.

use std::collections::BTreeMap;

use kaskade_model::message::{Attempt, Marker};
use kaskade_model::{BatchId, WorkerId};
use tracing::Span;

/// The spans of a session.
#[derive(Debug)]
pub(crate) struct Spans {
    own: WorkerId,
    attempts: BTreeMap<Attempt, OfAttempt>,
}

#[derive(Debug)]
struct OfAttempt {
    job: Span,
    batches: BTreeMap<BatchId, OfBatch>,
}

#[derive(Debug)]
struct OfBatch {
    batch: Span,
    /// There from the moment at which the own slice of a round is on its way.
    round: Option<OfRound>,
}

#[derive(Debug)]
struct OfRound {
    round: Span,
    /// Gone once the barrier is passed.
    exchange: Option<Span>,
}

impl Spans {
    pub(crate) fn new(own: WorkerId) -> Self {
        Self { own, attempts: BTreeMap::new() }
    }

    /// Begins the spans of `attempt`.
    pub(crate) fn prepare(&mut self, attempt: &Attempt) {
        let job = tracing::info_span!(
            "job", job_id = %attempt.job, group = attempt.group, epoch = attempt.epoch.0,
            worker_id = self.own.0
        );
        self.attempts.insert(attempt.clone(), OfAttempt { job, batches: BTreeMap::new() });
    }

    /// Ends all of `attempt`.
    pub(crate) fn release(&mut self, attempt: &Attempt) {
        self.attempts.remove(attempt);
    }

    /// Ends those that are not wanted.
    pub(crate) fn retain(&mut self, mut is_wanted: impl FnMut(&Attempt) -> bool) {
        self.attempts.retain(|attempt, _| is_wanted(attempt));
    }

    /// The span of a task of `batch` that begins now: its round's, or, of the first task, the
    /// batch's. The round before is over.
    pub(crate) fn task(&mut self, attempt: &Attempt, batch: BatchId) -> Span {
        let Some(of_attempt) = self.attempts.get_mut(attempt) else { return Span::none() };
        let job = &of_attempt.job;
        let of_batch = of_attempt.batches.entry(batch).or_insert_with(|| OfBatch {
            batch: tracing::info_span!(parent: job, "batch", batch_id = batch.0),
            round: None,
        });
        match &mut of_batch.round {
            Some(OfRound { round, exchange }) => {
                *exchange = None;
                round.clone()
            }
            None => of_batch.batch.clone(),
        }
    }

    /// Begins a round, whose own slice and `marker` are on their way.
    pub(crate) fn exchange(&mut self, attempt: &Attempt, marker: &Marker) {
        let of_batch = self
            .attempts
            .get_mut(attempt)
            .and_then(|of_attempt| of_attempt.batches.get_mut(&marker.batch));
        let Some(of_batch) = of_batch else { return };
        let parent = &of_batch.batch;
        let round = tracing::debug_span!(
            parent: parent, "round", round = marker.round.0, n_new = marker.n_new
        );
        let exchange = tracing::debug_span!(parent: &round, "exchange", bytes = marker.n_bytes);
        of_batch.round = Some(OfRound { round, exchange: Some(exchange) });
    }

    /// Ends `batch`.
    pub(crate) fn tallied(&mut self, attempt: &Attempt, batch: BatchId) {
        if let Some(of_attempt) = self.attempts.get_mut(attempt) {
            of_attempt.batches.remove(&batch);
        }
    }

    /// Batches that are under way.
    pub(crate) fn n_batches(&self) -> usize {
        self.attempts.values().map(|of_attempt| of_attempt.batches.len()).sum()
    }
}
