//! An attempt that a worker takes part in, and its batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kaskade_model::job::BatchPlan;
use kaskade_model::message::{Attempt, Credit, PeerMessage, Reason, WorkerEvent};
use kaskade_model::tally::PartitionTally;
use kaskade_model::{BatchId, WorkerId};
use roaring::RoaringBitmap;

use super::Action;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::running::{RoundOutcome, RunningBatch, SpareStates};
use super::task::{Outcome, Task};
use crate::error::EngineError;
use crate::partition::Partition;

#[derive(Debug)]
pub(super) struct AttemptRun {
    pub(super) attempt: Attempt,
    pub(super) partition: Arc<Partition>,
    /// The peers, and the bytes that each has room for a batch.
    peers: BTreeMap<WorkerId, u64>,
    /// The bytes of each peer that this worker has room for a batch.
    credit_bytes: u64,
    batches: BTreeMap<BatchId, BatchProgress>,
    /// Batches that are over here: what still arrives for them is a repeat, or credit.
    ended: RoaringBitmap,
    /// What peers that are not as far still need of those: cut off, nobody waits for the others.
    unsent: BTreeMap<BatchId, Outbox>,
    pub(super) spare_states: SpareStates,
    /// Tells tasks that are computing that nobody wants their outcome any more.
    pub(super) is_released: Arc<AtomicBool>,
}

/// A batch between two calls: what has arrived for it and waits to be sent, and the batch itself
/// unless a task has it.
#[derive(Debug)]
struct BatchProgress {
    inbox: Inbox,
    outbox: Outbox,
    stage: Stage,
    own: OwnRound,
}

#[derive(Debug)]
enum Stage {
    /// Peers have begun it, the coordinator's command is still on its way.
    NotBegun,
    /// A task has it.
    Computing,
    /// Between two parts of a round, or before its barrier.
    Waiting(RunningBatch),
}

/// What this worker announced of the round.
#[derive(Clone, Copy, Debug, Default)]
struct OwnRound {
    n_new: u64,
    n_pending: u64,
    is_offered: bool,
}

/// Batches that peers may have begun before the coordinator's command arrives here.
const MAX_BATCHES_AHEAD: usize = 16;

/// An own frontier of so many activations is offered before anything of the peers is there.
const EAGER_ACTIVATIONS: u64 = 4096;

impl AttemptRun {
    pub(super) fn new(
        attempt: Attempt,
        partition: Partition,
        peers: BTreeMap<WorkerId, u64>,
        credit_bytes: u64,
    ) -> Self {
        Self {
            attempt,
            partition: Arc::new(partition),
            peers,
            credit_bytes,
            batches: BTreeMap::new(),
            ended: RoaringBitmap::new(),
            unsent: BTreeMap::new(),
            spare_states: SpareStates::default(),
            is_released: Arc::default(),
        }
    }

    pub(super) fn n_peers(&self) -> usize {
        self.peers.len()
    }

    /// Nobody wants the outcome of its tasks any more.
    pub(super) fn release(&self) {
        self.is_released.store(true, Relaxed);
    }

    pub(super) fn begin_batch(&mut self, plan: BatchPlan) -> Vec<Action> {
        if self.ended.contains(plan.batch.0) {
            return Vec::new();
        }
        let progress = self.progress(plan.batch);
        if !matches!(progress.stage, Stage::NotBegun) {
            return Vec::new();
        }
        progress.stage = Stage::Computing;
        vec![Action::Compute(Task::begin(self, plan))]
    }

    pub(super) fn receive(&mut self, from: WorkerId, message: PeerMessage) -> Vec<Action> {
        let batch = message.batch();
        let received = match message {
            PeerMessage::Credit(credit) => self.credit(from, credit),
            message => self.keep(from, batch, message).map(|()| self.advance(batch)),
        };
        received.unwrap_or_else(|error| {
            let (attempt, detail) = (self.attempt.clone(), error.to_string());
            vec![Action::Report(WorkerEvent::PeerLost { attempt, peer: from, detail })]
        })
    }

    pub(super) fn computed(
        &mut self,
        batch: BatchId,
        result: Result<Outcome, EngineError>,
    ) -> Vec<Action> {
        match result {
            Ok(Outcome::Offered(running)) => {
                if let Some(progress) = self.batches.get_mut(&batch) {
                    progress.stage = Stage::Waiting(running);
                }
                self.advance(batch)
            }
            Ok(Outcome::Round(running, outcome)) => self.announce(batch, running, &outcome),
            Ok(Outcome::Ended(tally)) => vec![self.end(batch, tally)],
            Err(EngineError::Interrupted) => Vec::new(),
            Err(error) => vec![self.failed(&error)],
        }
    }

    fn progress(&mut self, batch: BatchId) -> &mut BatchProgress {
        let (peers, credit_bytes) = (&self.peers, self.credit_bytes);
        self.batches.entry(batch).or_insert_with(|| BatchProgress {
            inbox: Inbox::new(batch, peers.keys().copied(), credit_bytes),
            outbox: Outbox::new(peers),
            stage: Stage::NotBegun,
            own: OwnRound::default(),
        })
    }

    /// Keeps a chunk or marker until its turn comes.
    fn keep(
        &mut self,
        from: WorkerId,
        batch: BatchId,
        message: PeerMessage,
    ) -> Result<(), EngineError> {
        if self.ended.contains(batch.0) {
            return Ok(());
        }
        if !self.peers.contains_key(&from) {
            return Err(EngineError::Stranger { peer: from });
        }
        if !self.batches.contains_key(&batch) && self.batches.len() >= MAX_BATCHES_AHEAD {
            return Err(EngineError::TooFarAhead { peer: from, batch });
        }
        self.progress(batch).inbox.receive(from, message)
    }

    fn credit(&mut self, from: WorkerId, credit: Credit) -> Result<Vec<Action>, EngineError> {
        let batch = credit.batch;
        let in_hand = self.batches.get_mut(&batch).map(|progress| &mut progress.outbox);
        let Some(outbox) = in_hand.or_else(|| self.unsent.get_mut(&batch)) else {
            return Ok(Vec::new());
        };
        let messages = outbox.credit(from, credit)?;
        if self.unsent.get(&batch).is_some_and(Outbox::is_empty) {
            self.unsent.remove(&batch);
        }
        Ok(self.send(messages).into_iter().collect())
    }

    fn send(&self, messages: Vec<(WorkerId, PeerMessage)>) -> Option<Action> {
        let attempt = self.attempt.clone();
        (!messages.is_empty()).then_some(Action::Send { attempt, messages })
    }

    /// Tells coordinator and peers what a round gave here, and goes on as far as the peers are.
    fn announce(
        &mut self,
        batch: BatchId,
        running: RunningBatch,
        outcome: &RoundOutcome,
    ) -> Vec<Action> {
        let Some(progress) = self.batches.get_mut(&batch) else { return Vec::new() };
        let RoundOutcome { round, n_new, n_pending, .. } = *outcome;
        progress.stage = Stage::Waiting(running);
        progress.own = OwnRound { n_new, n_pending, is_offered: false };
        let messages = progress.outbox.announce(batch, outcome);
        // The peers wait for it, the coordinator only watches.
        let mut actions: Vec<_> = self.send(messages).into_iter().collect();
        let attempt = self.attempt.clone();
        actions.push(Action::Report(WorkerEvent::RoundReported { attempt, batch, round, n_new }));
        actions.extend(self.advance(batch));
        actions
    }

    /// The next part of the batch, if there is something to do: once its barrier is closed the rest of
    /// the round, or the end; before that what is there already, so that the wait is used.
    fn advance(&mut self, batch: BatchId) -> Vec<Action> {
        let Some(progress) = self.batches.get_mut(&batch) else { return Vec::new() };
        let BatchProgress { inbox, stage, own, .. } = progress;
        if !matches!(stage, Stage::Waiting(_)) {
            return Vec::new();
        }
        let is_closed = inbox.is_round_closed();
        let can_offer_own = own.n_new >= EAGER_ACTIVATIONS && !own.is_offered;
        if !is_closed && !inbox.has_chunks() && !can_offer_own {
            return Vec::new();
        }
        let Stage::Waiting(running) = std::mem::replace(stage, Stage::Computing) else {
            return Vec::new();
        };
        own.is_offered = true;
        let n_new_anywhere = own.n_new + inbox.n_new_of_peers();
        let n_pending_anywhere = own.n_pending + inbox.n_pending_of_peers();
        if is_closed && n_new_anywhere == 0 && n_pending_anywhere == 0 {
            return vec![Action::Compute(Task::finish(self, batch, running))];
        }
        let received = inbox.take_chunks();
        let credits = inbox.credits();
        let task = if is_closed {
            let counted = inbox.turn_round();
            Task::close(self, batch, running, (received, counted))
        } else {
            Task::offer(self, batch, running, received)
        };
        self.send(credits).into_iter().chain([Action::Compute(task)]).collect()
    }

    fn end(&mut self, batch: BatchId, tally: PartitionTally) -> Action {
        let outbox = self.batches.remove(&batch).map(|progress| progress.outbox);
        if let Some(outbox) = outbox.filter(|outbox| !outbox.is_empty()) {
            self.unsent.insert(batch, outbox);
        }
        self.ended.insert(batch.0);
        Action::Report(WorkerEvent::BatchTallied {
            attempt: self.attempt.clone(),
            batch,
            tally: Box::new(tally),
        })
    }

    fn failed(&self, error: &EngineError) -> Action {
        let attempt = self.attempt.clone();
        let detail = error.to_string();
        Action::Report(match *error {
            EngineError::Slice { peer, .. }
            | EngineError::Conservation { peer, .. }
            | EngineError::Miscounted { peer, .. }
            | EngineError::OutOfStep { peer, .. }
            | EngineError::Credit { peer, .. }
            | EngineError::TooFarAhead { peer, .. }
            | EngineError::Stranger { peer } => WorkerEvent::PeerLost { attempt, peer, detail },
            EngineError::Model(_) => {
                WorkerEvent::AttemptFailed { attempt, reason: Reason::InvalidSpec, detail }
            }
            EngineError::Tally(_) | EngineError::UnknownBatch { .. } | EngineError::Interrupted => {
                WorkerEvent::AttemptFailed { attempt, reason: Reason::Inconsistent, detail }
            }
        })
    }
}
