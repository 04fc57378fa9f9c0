//! The heavy part of a round, to be run on a compute pool.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use kaskade_model::job::BatchPlan;
use kaskade_model::message::Attempt;
use kaskade_model::tally::PartitionTally;
use kaskade_model::{BatchId, Round, Shard};
use rayon::prelude::*;

use super::AttemptRun;
use super::inbox::FromPeer;
use crate::error::EngineError;
use crate::kernel::Parallelism;
use crate::partition::{BatchRun, Partition};
use crate::slice::{self, EncodedSlice, Slice};
use crate::with_lane_words;

/// One round of one batch; where there is no peer to wait for, as many as are quickly done.
pub struct Task<S> {
    attempt: Attempt,
    batch: BatchId,
    n_peers: usize,
    is_released: Arc<AtomicBool>,
    spare_states: SpareStates,
    work: Work<S>,
}

enum Work<S> {
    Begin { partition: Arc<Partition<S>>, plan: BatchPlan },
    Step { running: RunningBatch<S>, received: Vec<FromPeer> },
    Finish { running: RunningBatch<S> },
}

/// A worker alone goes on to the next round without a word until it has looked at so many
/// arcs, which takes it a few seconds at most: then it reports, so that it is never silent.
const ARCS_BETWEEN_REPORTS: u64 = 100_000_000;

/// The outcome of a [`Task`], for [`super::WorkerMachine::computed`].
#[derive(Debug)]
pub struct Computed<S> {
    pub(super) attempt: Attempt,
    pub(super) batch: BatchId,
    pub(super) result: Result<Outcome<S>, EngineError>,
}

/// What a task ends with.
#[derive(Debug)]
pub(super) enum Outcome<S> {
    /// A round that the peers must be told about.
    Round(RunningBatch<S>, RoundOutcome),
    /// The batch is over on this worker, its state is cleared.
    Ended(PartitionTally),
}

/// What a round gave on this worker.
#[derive(Debug)]
pub(super) struct RoundOutcome {
    pub(super) round: Round,
    pub(super) n_new: u64,
    /// What can still happen here without input; nothing in models without delays.
    pub(super) n_pending: u64,
    /// The own slice for the peers.
    pub(super) encoded: EncodedSlice,
}

impl<S: Shard + 'static> Task<S> {
    pub(super) fn begin(run: &AttemptRun<S>, plan: BatchPlan) -> Self {
        let partition = Arc::clone(&run.partition);
        Self::new(run, plan.batch, Work::Begin { partition, plan })
    }

    pub(super) fn step(
        run: &AttemptRun<S>,
        batch: BatchId,
        running: RunningBatch<S>,
        received: Vec<FromPeer>,
    ) -> Self {
        Self::new(run, batch, Work::Step { running, received })
    }

    pub(super) fn finish(run: &AttemptRun<S>, batch: BatchId, running: RunningBatch<S>) -> Self {
        Self::new(run, batch, Work::Finish { running })
    }

    fn new(run: &AttemptRun<S>, batch: BatchId, work: Work<S>) -> Self {
        Self {
            attempt: run.attempt.clone(),
            batch,
            n_peers: run.peers.len(),
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

    /// Computes on the current rayon pool.
    #[must_use]
    pub fn run(self) -> Computed<S> {
        let (attempt, batch) = (self.attempt.clone(), self.batch);
        Computed { attempt, batch, result: self.outcome() }
    }

    fn outcome(self) -> Result<Outcome<S>, EngineError> {
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
                RunningBatch::begin(partition, plan, &self.spare_states)
            }
            Work::Step { mut running, received } => {
                running.0.step(&received)?;
                running
            }
            Work::Finish { running } => {
                return Ok(Outcome::Ended(running.0.finish(&self.spare_states)));
            }
        };
        if self.n_peers > 0 && !running.0.is_cut_off() {
            let outcome = running.0.round_outcome(self.n_peers);
            return Ok(Outcome::Round(running, outcome));
        }
        // Nobody to wait for: alone in the group, or in the round in which all are cut off.
        let report_at = running.0.arcs_scanned() + ARCS_BETWEEN_REPORTS;
        while running.0.n_new() > 0 && !running.0.is_cut_off() {
            if self.is_released.load(Relaxed) {
                return Err(EngineError::Interrupted);
            }
            if running.0.arcs_scanned() >= report_at {
                let outcome = running.0.round_outcome(0);
                return Ok(Outcome::Round(running, outcome));
            }
            running.0.step_alone()?;
        }
        Ok(Outcome::Ended(running.0.finish(&self.spare_states)))
    }
}

impl<S> fmt::Debug for Task<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({:?}, batch {})", self.attempt, self.batch)
    }
}

/// A batch on a partition whose number of lane words is fixed inside.
pub(super) struct RunningBatch<S>(Box<dyn AnyBatch<S>>);

impl<S: Shard + 'static> RunningBatch<S> {
    fn begin(partition: Arc<Partition<S>>, plan: BatchPlan, spare: &SpareStates) -> Self {
        let lane_words = partition.plan.lane_words;
        with_lane_words!(lane_words, W => {
            let states = spare.take().unwrap_or_else(|| partition.new_states::<W>());
            Self(Box::new(BatchRun::<S, W>::begin(partition, plan, states)))
        })
    }
}

impl<S> fmt::Debug for RunningBatch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunningBatch")
    }
}

trait AnyBatch<S>: Send {
    fn step(&mut self, received: &[FromPeer]) -> Result<(), EngineError>;
    fn step_alone(&mut self) -> Result<(), EngineError>;
    fn n_new(&self) -> u64;
    fn is_cut_off(&self) -> bool;
    fn arcs_scanned(&self) -> u64;
    fn round_outcome(&mut self, n_peers: usize) -> RoundOutcome;
    fn finish(self: Box<Self>, spare: &SpareStates) -> PartitionTally;
}

impl<S: Shard + 'static, const W: usize> AnyBatch<S> for BatchRun<S, W> {
    fn step(&mut self, received: &[FromPeer]) -> Result<(), EngineError> {
        let remote = decode_received(self, received)?;
        let n_received = remote.iter().map(Slice::n_activations).sum::<u64>();
        self.tally_mut().work.activations_received += n_received;
        Ok(BatchRun::step(self, &remote, Parallelism::Pool)?)
    }

    fn step_alone(&mut self) -> Result<(), EngineError> {
        Ok(BatchRun::step_alone(self, Parallelism::Pool)?)
    }

    fn n_new(&self) -> u64 {
        BatchRun::n_new(self)
    }

    fn is_cut_off(&self) -> bool {
        BatchRun::is_cut_off(self)
    }

    fn arcs_scanned(&self) -> u64 {
        self.tally().work.arcs_scanned
    }

    fn round_outcome(&mut self, n_peers: usize) -> RoundOutcome {
        let encoded =
            if n_peers > 0 { slice::encode(self.frontier()) } else { EncodedSlice::default() };
        let (round, n_new) = (self.round(), self.n_new());
        let work = &mut self.tally_mut().work;
        work.activations_sent += n_new * n_peers as u64;
        work.bytes_sent += encoded.n_bytes() * n_peers as u64;
        work.chunks += encoded.counts;
        RoundOutcome { round, n_new, n_pending: 0, encoded }
    }

    fn finish(self: Box<Self>, spare: &SpareStates) -> PartitionTally {
        let (tally, states) = BatchRun::finish(*self);
        spare.give(states);
        tally
    }
}

/// The slices of the peers, each found complete: what a marker counts is what arrived.
fn decode_received<S: Shard, const W: usize>(
    run: &BatchRun<S, W>,
    received: &[FromPeer],
) -> Result<Vec<Slice<W>>, EngineError> {
    let (batch, round, n_nodes) = (run.batch().batch, run.round(), run.n_nodes());
    let lanes = run.lanes();
    let mut remote = Vec::new();
    for FromPeer { peer, payloads, marker, .. } in received {
        let slices = payloads
            .par_iter()
            .map(|payload| slice::decode::<W>(payload, n_nodes, &lanes))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| EngineError::Slice { peer: *peer, batch, round, source })?;
        let begin = remote.len();
        remote.extend(slices.into_iter().flatten());
        let received = remote[begin..].iter().map(Slice::n_activations).sum();
        let counted = marker.map_or(0, |marker| marker.n_new);
        if received != counted {
            return Err(EngineError::Conservation { peer: *peer, batch, round, counted, received });
        }
    }
    Ok(remote)
}

/// Cleared states of finished batches, so that the next batch allocates nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct SpareStates(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

impl SpareStates {
    fn take<T: 'static>(&self) -> Option<T> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        spare.downcast().ok().map(|states| *states)
    }

    fn give<T: Send + 'static>(&self, states: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(states));
    }
}
