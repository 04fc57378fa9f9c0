//! The machine that a worker runs: batches, rounds and the barrier, without any I/O.
//!
//! Commands of the coordinator and messages of the peers go in; [`Action`]s come out.
//! The heavy part of a round is a [`Task`], which the caller runs wherever it computes
//! and whose outcome it hands back. So the machine itself never takes long, never
//! waits, and runs the same under a test's simulated network.

mod attempt;
mod inbox;
mod outbox;
mod running;
mod task;

use std::collections::BTreeMap;

use kaskade_model::job::BatchPlan;
use kaskade_model::message::{Attempt, PeerMessage, WorkerEvent};
use kaskade_model::{JobId, WorkerId};

pub use task::{Computed, Task};

use crate::partition::Partition;
use attempt::AttemptRun;

/// What the machine asks its owner to do, in order.
#[derive(Debug)]
pub enum Action {
    /// Run the task on the compute pool, or at once if it is light, and hand the outcome to
    /// [`WorkerMachine::computed`].
    Compute(Task),
    /// Send messages to peers. Those to one peer may overtake each other.
    Send {
        /// The attempt whose peers are meant.
        attempt: Attempt,
        /// The messages.
        messages: Vec<(WorkerId, PeerMessage)>,
    },
    /// Tell the coordinator.
    Report(WorkerEvent),
}

/// The attempts that a worker takes part in. At most one epoch per (job, group) is alive.
#[derive(Debug)]
pub struct WorkerMachine {
    credit_bytes: u64,
    attempts: BTreeMap<(JobId, u32), AttemptRun>,
}

impl WorkerMachine {
    /// A worker that has room for `credit_bytes` of chunks that wait, of each peer and batch; or for
    /// one chunk, where that is more.
    #[must_use]
    pub fn new(credit_bytes: u64) -> Self {
        Self { credit_bytes, attempts: BTreeMap::new() }
    }

    /// Takes up `attempt` on `partition` with `peers`, each with the bytes that it has room for as
    /// [`WorkerMachine::new`] means it; lower epochs of the same job and group are released.
    pub fn prepare(
        &mut self,
        attempt: Attempt,
        partition: Partition,
        peers: BTreeMap<WorkerId, u64>,
    ) -> Vec<Action> {
        let key = (attempt.job.clone(), attempt.group);
        if self.attempts.get(&key).is_some_and(|present| present.attempt.epoch >= attempt.epoch) {
            return Vec::new();
        }
        let run = AttemptRun::new(attempt.clone(), partition, peers, self.credit_bytes);
        if let Some(replaced) = self.attempts.insert(key, run) {
            replaced.release();
        }
        vec![Action::Report(WorkerEvent::Prepared { attempt })]
    }

    /// Begins `batch`; nothing happens for an attempt that is not alive.
    pub fn begin_batch(&mut self, attempt: &Attempt, batch: BatchPlan) -> Vec<Action> {
        self.alive(attempt).map_or_else(Vec::new, |run| run.begin_batch(batch))
    }

    /// Takes a message of the peer `from`; one of an attempt that is not alive is dropped.
    pub fn receive(
        &mut self,
        attempt: &Attempt,
        from: WorkerId,
        message: PeerMessage,
    ) -> Vec<Action> {
        self.alive(attempt).map_or_else(Vec::new, |run| run.receive(from, message))
    }

    /// Takes the outcome of a task; one of an attempt that is not alive is dropped.
    pub fn computed(&mut self, computed: Computed) -> Vec<Action> {
        let Computed { attempt, batch, result } = computed;
        self.alive(&attempt).map_or_else(Vec::new, |run| run.computed(batch, result))
    }

    /// Forgets the attempt, its batches and whatever they hold.
    pub fn release(&mut self, attempt: &Attempt) {
        let key = (attempt.job.clone(), attempt.group);
        if self.attempts.get(&key).is_some_and(|present| present.attempt.epoch <= attempt.epoch)
            && let Some(run) = self.attempts.remove(&key)
        {
            run.release();
        }
    }

    /// Forgets everything: the coordinator is gone, or another instance of it is there.
    pub fn release_all(&mut self) {
        std::mem::take(&mut self.attempts).values().for_each(AttemptRun::release);
    }

    fn alive(&mut self, attempt: &Attempt) -> Option<&mut AttemptRun> {
        self.attempts
            .get_mut(&(attempt.job.clone(), attempt.group))
            .filter(|run| run.attempt.epoch == attempt.epoch)
    }
}
