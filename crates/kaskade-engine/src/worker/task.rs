//! The heavy part of a round, to be run on a compute pool.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kaskade_model::job::BatchPlan;
use kaskade_model::message::Attempt;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{BatchId, WorkerId};

use super::attempt::AttemptRun;
use super::inbox::Received;
use super::running::{RoundOutcome, RunningBatch, SpareStates};
use crate::error::EngineError;
use crate::kernel::Parallelism;
use crate::partition::Partition;

/// A part of a round of one batch; where there is no peer to wait for, as many rounds as are
/// quickly done.
pub struct Task {
    attempt: Attempt,
    batch: BatchId,
    n_peers: usize,
    is_released: Arc<AtomicBool>,
    spare_states: SpareStates,
    work: Work,
}

enum Work {
    Begin {
        partition: Arc<Partition>,
        plan: BatchPlan,
    },
    /// What is there of a round that is not closed: the own frontier and some chunks.
    Offer {
        running: RunningBatch,
        received: Vec<Received>,
    },
    /// The rest of a closed round, of which each peer counted so many activations.
    Close {
        running: RunningBatch,
        received: Vec<Received>,
        counted: Vec<(WorkerId, u64)>,
    },
    Finish {
        running: RunningBatch,
    },
}

/// A worker alone goes on to the next round without a word until it has looked at so many
/// arcs, which takes it a few seconds at most: then it reports, so that it is never silent.
const ARCS_BETWEEN_REPORTS: u64 = 100_000_000;

/// The outcome of a [`Task`], for [`super::WorkerMachine::computed`].
#[derive(Debug)]
pub struct Computed {
    pub(super) attempt: Attempt,
    pub(super) batch: BatchId,
    pub(super) result: Result<Outcome, EngineError>,
}

/// What a task ends with.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A part of a round was offered.
    Offered(RunningBatch),
    /// A round that the peers must be told about.
    Round(RunningBatch, RoundOutcome),
    /// The batch is over on this worker, its state is cleared.
    Ended(PartitionTally),
}

impl Task {
    pub(super) fn begin(run: &AttemptRun, plan: BatchPlan) -> Self {
        let partition = Arc::clone(&run.partition);
        Self::new(run, plan.batch, Work::Begin { partition, plan })
    }

    pub(super) fn offer(
        run: &AttemptRun,
        batch: BatchId,
        running: RunningBatch,
        received: Vec<Received>,
    ) -> Self {
        Self::new(run, batch, Work::Offer { running, received })
    }

    pub(super) fn close(
        run: &AttemptRun,
        batch: BatchId,
        running: RunningBatch,
        (received, counted): (Vec<Received>, Vec<(WorkerId, u64)>),
    ) -> Self {
        Self::new(run, batch, Work::Close { running, received, counted })
    }

    pub(super) fn finish(run: &AttemptRun, batch: BatchId, running: RunningBatch) -> Self {
        Self::new(run, batch, Work::Finish { running })
    }

    fn new(run: &AttemptRun, batch: BatchId, work: Work) -> Self {
        Self {
            attempt: run.attempt.clone(),
            batch,
            n_peers: run.n_peers(),
            is_released: Arc::clone(&run.is_released),
            spare_states: run.spare_states.clone(),
            work,
        }
    }

    /// The attempt and batch that the task is of, for spans and logs.
    #[must_use]
    pub fn of(&self) -> (&Attempt, BatchId) {
        (&self.attempt, self.batch)
    }

    /// Computes on the calling thread, if that takes less than to wake another one.
    ///
    /// # Errors
    /// The task itself, if it is for a pool.
    pub fn run_if_light(self) -> Result<Computed, Box<Self>> {
        let is_light = match &self.work {
            Work::Offer { running, received } | Work::Close { running, received, .. } => {
                self.n_peers > 0 && running.batch.is_light_with(received)
            }
            Work::Begin { .. } | Work::Finish { .. } => false,
        };
        if is_light { Ok(self.run()) } else { Err(Box::new(self)) }
    }

    /// Computes on the current rayon pool.
    #[must_use]
    pub fn run(self) -> Computed {
        let (attempt, batch) = (self.attempt.clone(), self.batch);
        Computed { attempt, batch, result: self.outcome() }
    }

    fn outcome(self) -> Result<Outcome, EngineError> {
        let mut running = match self.work {
            Work::Begin { partition, plan } => {
                if !partition.plan.has_batch(&plan) {
                    return Err(EngineError::UnknownBatch { batch: plan.batch });
                }
                if self.n_peers == 0 {
                    let is_released = || self.is_released.load(Relaxed);
                    let at_once = partition.run_one_by_one(&plan, Parallelism::Pool, &is_released);
                    if let Some(tally) = at_once {
                        return tally.map(Outcome::Ended);
                    }
                }
                RunningBatch::begin(partition, plan, &self.spare_states)?
            }
            Work::Offer { mut running, received } => {
                running.offer(&received)?;
                return Ok(Outcome::Offered(running));
            }
            Work::Close { mut running, received, counted } => {
                running.close(&received, counted)?;
                running
            }
            Work::Finish { running } => {
                return Ok(Outcome::Ended(running.batch.finish(&self.spare_states)));
            }
        };
        if self.n_peers > 0 && !running.batch.is_cut_off() {
            let outcome = running.batch.round_outcome(self.n_peers);
            return Ok(Outcome::Round(running, outcome));
        }
        // Nobody to wait for: alone in the group, or in the round in which all are cut off.
        let report_at = running.batch.arcs_scanned() + ARCS_BETWEEN_REPORTS;
        while running.batch.can_go_on() && !running.batch.is_cut_off() {
            if self.is_released.load(Relaxed) {
                return Err(EngineError::Interrupted);
            }
            if running.batch.arcs_scanned() >= report_at {
                let outcome = running.batch.round_outcome(0);
                return Ok(Outcome::Round(running, outcome));
            }
            running.batch.step_alone()?;
        }
        Ok(Outcome::Ended(running.batch.finish(&self.spare_states)))
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({:?}, batch {})", self.attempt, self.batch)
    }
}
