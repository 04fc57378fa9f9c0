//! The machine that a worker runs: batches, rounds and the barrier, without any I/O.
//!
//! Commands of the coordinator and messages of the peers go in; [`Action`]s come out.
//! The heavy part of a round is a [`Task`], which the caller runs wherever it computes
//! and whose outcome it hands back. So the machine itself never takes long, never
//! waits, and runs the same under a test's simulated network.

mod inbox;
mod task;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kaskade_model::job::BatchPlan;
use kaskade_model::message::{Attempt, Chunk, Marker, PeerMessage, Reason, WorkerEvent};
use kaskade_model::tally::PartitionTally;
use kaskade_model::{BatchId, JobId, Shard, WorkerId};

pub use task::{Computed, Task};

use crate::error::EngineError;
use crate::partition::Partition;
use inbox::Inbox;
use roaring::RoaringBitmap;
use task::{Outcome, RoundOutcome, RunningBatch, SpareStates};

/// What the machine asks its owner to do, in order.
#[derive(Debug)]
pub enum Action<S> {
    /// Run the task on the compute pool and hand the outcome to [`WorkerMachine::computed`].
    Compute(Task<S>),
    /// Send the messages to every peer of the attempt, in order.
    SendToPeers {
        /// The attempt whose peers are meant.
        attempt: Attempt,
        /// The messages.
        messages: Vec<PeerMessage>,
    },
    /// Tell the coordinator.
    Report(WorkerEvent),
}

/// The attempts that a worker takes part in. At most one epoch per (job, group) is alive.
#[derive(Debug)]
pub struct WorkerMachine<S> {
    attempts: BTreeMap<(JobId, u32), AttemptRun<S>>,
}

#[derive(Debug)]
struct AttemptRun<S> {
    attempt: Attempt,
    partition: Arc<Partition<S>>,
    peers: Vec<WorkerId>,
    batches: BTreeMap<BatchId, BatchProgress<S>>,
    /// Batches that are over here: what still arrives for them is a repeat.
    ended: RoaringBitmap,
    spare_states: SpareStates,
    /// Tells tasks that are computing that nobody wants their outcome any more.
    is_released: Arc<AtomicBool>,
}

/// A batch between two calls: what has arrived for it, and the batch itself unless a task has it.
#[derive(Debug)]
struct BatchProgress<S> {
    inbox: Inbox,
    stage: Stage<S>,
}

#[derive(Debug)]
enum Stage<S> {
    /// Peers have begun it, the coordinator's command is still on its way.
    NotBegun,
    /// A task has it.
    Computing,
    /// It waits for the barrier of the round that its own slice was sent for.
    AtBarrier { batch: RunningBatch<S>, outcome: RoundOutcome },
}

/// Batches that peers may have begun before the coordinator's command arrives here.
const MAX_BATCHES_AHEAD: usize = 16;

impl<S> Default for WorkerMachine<S> {
    fn default() -> Self {
        Self { attempts: BTreeMap::new() }
    }
}

impl<S: Shard + 'static> WorkerMachine<S> {
    /// Takes up `attempt` on `partition` with `peers`; lower epochs of the same job and
    /// group are released.
    pub fn prepare(
        &mut self,
        attempt: Attempt,
        partition: Partition<S>,
        peers: Vec<WorkerId>,
    ) -> Vec<Action<S>> {
        let key = (attempt.job.clone(), attempt.group);
        if self.attempts.get(&key).is_some_and(|present| present.attempt.epoch >= attempt.epoch) {
            return Vec::new();
        }
        let run = AttemptRun {
            attempt: attempt.clone(),
            partition: Arc::new(partition),
            peers,
            batches: BTreeMap::new(),
            ended: RoaringBitmap::new(),
            spare_states: SpareStates::default(),
            is_released: Arc::default(),
        };
        if let Some(replaced) = self.attempts.insert(key, run) {
            replaced.is_released.store(true, Relaxed);
        }
        vec![Action::Report(WorkerEvent::Prepared { attempt })]
    }

    /// Begins `batch`; nothing happens for an attempt that is not alive.
    pub fn begin_batch(&mut self, attempt: &Attempt, batch: BatchPlan) -> Vec<Action<S>> {
        let Some(run) = self.alive(attempt) else { return Vec::new() };
        if run.ended.contains(batch.batch.0) {
            return Vec::new();
        }
        let progress = run.progress(batch.batch);
        if !matches!(progress.stage, Stage::NotBegun) {
            return Vec::new();
        }
        progress.stage = Stage::Computing;
        vec![Action::Compute(Task::begin(run, batch))]
    }

    /// Takes a message of the peer `from`; one of an attempt that is not alive is dropped.
    pub fn receive(
        &mut self,
        attempt: &Attempt,
        from: WorkerId,
        message: PeerMessage,
    ) -> Vec<Action<S>> {
        let Some(run) = self.alive(attempt) else { return Vec::new() };
        let batch = match &message {
            PeerMessage::Chunk(chunk) => chunk.batch,
            PeerMessage::Marker(marker) => marker.batch,
        };
        match run.receive(from, batch, message) {
            Ok(()) => run.pass_barrier(batch),
            Err(error) => vec![Action::Report(WorkerEvent::PeerLost {
                attempt: attempt.clone(),
                peer: from,
                detail: error.to_string(),
            })],
        }
    }

    /// Takes the outcome of a task; one of an attempt that is not alive is dropped.
    pub fn computed(&mut self, computed: Computed<S>) -> Vec<Action<S>> {
        let Some(run) = self.alive(&computed.attempt) else { return Vec::new() };
        let batch_id = computed.batch;
        let (batch, outcome) = match computed.result {
            Ok(Outcome::Round(batch, outcome)) => (batch, outcome),
            Ok(Outcome::Ended(tally)) => return vec![run.ended(batch_id, tally)],
            Err(EngineError::Interrupted) => return Vec::new(),
            Err(error) => return vec![run.failed(&error)],
        };
        let mut actions = vec![Action::Report(WorkerEvent::RoundReported {
            attempt: computed.attempt,
            batch: batch_id,
            round: outcome.round,
            n_new: outcome.n_new,
        })];
        if !run.peers.is_empty() {
            actions.push(run.announce(batch_id, &outcome));
        }
        if let Some(progress) = run.batches.get_mut(&batch_id) {
            progress.stage = Stage::AtBarrier { batch, outcome };
        }
        actions.extend(run.pass_barrier(batch_id));
        actions
    }

    /// Forgets the attempt, its batches and whatever they hold.
    pub fn release(&mut self, attempt: &Attempt) {
        let key = (attempt.job.clone(), attempt.group);
        if self.attempts.get(&key).is_some_and(|present| present.attempt.epoch <= attempt.epoch)
            && let Some(run) = self.attempts.remove(&key)
        {
            run.is_released.store(true, Relaxed);
        }
    }

    /// Forgets everything: the coordinator is gone, or another instance of it is there.
    pub fn release_all(&mut self) {
        for (_, run) in std::mem::take(&mut self.attempts) {
            run.is_released.store(true, Relaxed);
        }
    }

    fn alive(&mut self, attempt: &Attempt) -> Option<&mut AttemptRun<S>> {
        self.attempts
            .get_mut(&(attempt.job.clone(), attempt.group))
            .filter(|run| run.attempt.epoch == attempt.epoch)
    }
}

impl<S: Shard + 'static> AttemptRun<S> {
    fn progress(&mut self, batch: BatchId) -> &mut BatchProgress<S> {
        let peers = &self.peers;
        self.batches.entry(batch).or_insert_with(|| BatchProgress {
            inbox: Inbox::new(batch, peers),
            stage: Stage::NotBegun,
        })
    }

    fn receive(
        &mut self,
        from: WorkerId,
        batch: BatchId,
        message: PeerMessage,
    ) -> Result<(), EngineError> {
        if self.ended.contains(batch.0) {
            return Ok(());
        }
        let is_new = !self.batches.contains_key(&batch);
        if !self.peers.contains(&from) {
            return Err(EngineError::Stranger { peer: from });
        }
        if is_new && self.batches.len() >= MAX_BATCHES_AHEAD {
            return Err(EngineError::TooFarAhead { peer: from, batch });
        }
        self.progress(batch).inbox.receive(from, message)
    }

    /// The messages that end a round: the own slice, then the marker that counts it.
    fn announce(&self, batch: BatchId, outcome: &RoundOutcome) -> Action<S> {
        let round = outcome.round;
        let payloads = outcome.encoded.payloads.iter();
        let chunks = (0..).zip(payloads).map(|(sequence, payload)| {
            PeerMessage::Chunk(Chunk { batch, round, sequence, payload: payload.clone() })
        });
        let marker = PeerMessage::Marker(Marker {
            batch,
            round,
            n_chunks: outcome.encoded.payloads.len() as u32,
            n_bytes: outcome.encoded.n_bytes(),
            n_new: outcome.n_new,
            n_pending: outcome.n_pending,
        });
        let messages = chunks.chain([marker]).collect();
        Action::SendToPeers { attempt: self.attempt.clone(), messages }
    }

    /// If the barrier of `batch` is closed: the task of the next round, or of the batch's end.
    fn pass_barrier(&mut self, batch: BatchId) -> Vec<Action<S>> {
        let Some(progress) = self.batches.get_mut(&batch) else { return Vec::new() };
        let Stage::AtBarrier { outcome, .. } = &progress.stage else { return Vec::new() };
        if !progress.inbox.is_round_closed() {
            return Vec::new();
        }
        let n_new_anywhere = outcome.n_new + progress.inbox.n_new_of_peers();
        let n_pending_anywhere = outcome.n_pending + progress.inbox.n_pending_of_peers();
        let is_over = n_new_anywhere == 0 && n_pending_anywhere == 0;
        let stage = std::mem::replace(&mut progress.stage, Stage::Computing);
        let Stage::AtBarrier { batch: running, .. } = stage else { return Vec::new() };
        let task = if is_over {
            Task::finish(self, batch, running)
        } else {
            let received = progress.inbox.take_round();
            Task::step(self, batch, running, received)
        };
        vec![Action::Compute(task)]
    }

    fn ended(&mut self, batch: BatchId, tally: PartitionTally) -> Action<S> {
        self.batches.remove(&batch);
        self.ended.insert(batch.0);
        Action::Report(WorkerEvent::BatchTallied {
            attempt: self.attempt.clone(),
            batch,
            tally: Box::new(tally),
        })
    }

    fn failed(&self, error: &EngineError) -> Action<S> {
        let attempt = self.attempt.clone();
        let detail = error.to_string();
        Action::Report(match *error {
            EngineError::Slice { peer, .. }
            | EngineError::Conservation { peer, .. }
            | EngineError::Miscounted { peer, .. }
            | EngineError::OutOfStep { peer, .. }
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
