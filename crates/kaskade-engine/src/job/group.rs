//! Workers that together hold the graph once, and the batches they have in hand.

use std::collections::{BTreeMap, BTreeSet};

use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::message::{Assignment, Attempt, Member, WorkerCommand};
use kaskade_model::tally::PartitionTally;
use kaskade_model::{BatchId, ShardId, WorkerId};

use super::pending::PendingBatches;
use super::{JobAction, JobSetup};

/// Batches that a group has in hand at a time: one computes while the other waits for its barrier.
pub(super) const BATCHES_IN_FLIGHT: usize = 2;

/// One epoch of one group.
#[derive(Debug)]
pub(super) struct Group {
    attempt: Attempt,
    members: Vec<Member>,
    prepared: BTreeSet<WorkerId>,
    in_flight: BTreeMap<BatchId, InFlight>,
    last_heard_ms: u64,
    /// It begins no more batches and ends with those in hand.
    is_draining: bool,
}

#[derive(Debug, Default)]
struct InFlight {
    tallies: BTreeMap<WorkerId, PartitionTally>,
    has_finished_a_round: bool,
}

/// What a partition's tally leads to.
pub(super) enum TallyOutcome {
    /// Other partitions have not reported yet.
    Waiting,
    /// The batch, summed over all partitions.
    Complete(Box<PartitionTally>),
}

impl Group {
    pub(super) fn new(attempt: Attempt, members: Vec<Member>, now_ms: u64) -> Self {
        Self {
            attempt,
            members,
            prepared: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            last_heard_ms: now_ms,
            is_draining: false,
        }
    }

    /// Lets it end with the batches that it has in hand.
    pub(super) fn drain(&mut self) {
        self.is_draining = true;
    }

    /// Whether it has done the last that it was to do.
    pub(super) fn is_drained(&self) -> bool {
        self.is_draining && self.in_flight.is_empty()
    }

    /// The shards that `worker` holds.
    pub(super) fn shards_of(&self, worker: WorkerId) -> BTreeSet<ShardId> {
        let member = self.members.iter().find(|member| member.worker == worker);
        member.into_iter().flat_map(|member| member.shards.iter().copied()).collect()
    }

    pub(super) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn is_prepared(&self) -> bool {
        self.prepared.len() == self.members.len()
    }

    pub(super) fn has_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    pub(super) fn batches_in_flight(&self) -> Vec<BatchId> {
        self.in_flight.keys().copied().collect()
    }

    /// Whether rounds were under way: a worker alone begins them with the batch and does
    /// not report them.
    pub(super) fn was_in_rounds(&self) -> bool {
        let is_alone = self.members.len() == 1;
        self.in_flight.values().any(|batch| is_alone || batch.has_finished_a_round)
    }

    /// Whether the group owes something and has not been heard of for `stall_ms`.
    pub(super) fn is_silent(&self, now_ms: u64, stall_ms: u64) -> bool {
        (!self.is_prepared() || self.has_in_flight()) && now_ms > self.last_heard_ms + stall_ms
    }

    pub(super) fn heard_of(&mut self, now_ms: u64) {
        self.last_heard_ms = now_ms;
    }

    pub(super) fn prepared(&mut self, worker: WorkerId) {
        self.prepared.insert(worker);
    }

    pub(super) fn round_finished(&mut self, batch: BatchId) {
        if let Some(in_flight) = self.in_flight.get_mut(&batch) {
            in_flight.has_finished_a_round = true;
        }
    }

    /// Takes the tally of one partition; the batch is complete with one from every member.
    pub(super) fn tallied(
        &mut self,
        worker: WorkerId,
        plan: &BatchPlan,
        tally: PartitionTally,
    ) -> Result<TallyOutcome, TallyMismatch> {
        let batch = plan.batch;
        let Some(in_flight) = self.in_flight.get_mut(&batch) else {
            return Ok(TallyOutcome::Waiting);
        };
        let is_of_batch =
            (tally.first_simulation, tally.n_lanes) == (plan.first_simulation, plan.n_lanes);
        if !tally.is_well_formed() || !is_of_batch {
            return Err(TallyMismatch::Malformed { batch, worker });
        }
        in_flight.tallies.insert(worker, tally);
        if in_flight.tallies.len() < self.members.len() {
            return Ok(TallyOutcome::Waiting);
        }
        let tallies = self.in_flight.remove(&batch).map(|b| b.tallies).unwrap_or_default();
        let mut tallies = tallies.into_values();
        let mut sum = tallies.next().unwrap_or_else(|| PartitionTally::empty(0, 1));
        for tally in tallies {
            sum.add_partition(&tally).map_err(|_| TallyMismatch::Malformed { batch, worker })?;
        }
        let (sent, received) = (sum.work.activations_sent, sum.work.activations_received);
        if sent != received {
            return Err(TallyMismatch::NotConserved { batch, sent, received });
        }
        Ok(TallyOutcome::Complete(Box::new(sum)))
    }

    /// The commands that begin the attempt.
    pub(super) fn prepare(&self, setup: &JobSetup) -> Vec<JobAction> {
        let assignment = Assignment {
            attempt: self.attempt.clone(),
            graph: setup.graph.clone(),
            graph_digest: setup.graph_digest.clone(),
            shard_table_digest: setup.shard_table_digest.clone(),
            plan: setup.plan.clone(),
            members: self.members.clone(),
        };
        self.to_all(&WorkerCommand::Prepare(Box::new(assignment)))
    }

    /// Begins pending batches while there is room for them.
    pub(super) fn dispatch(
        &mut self,
        pending: &mut PendingBatches,
        plan: &JobPlan,
        now_ms: u64,
    ) -> Vec<JobAction> {
        let mut actions = Vec::new();
        while self.is_prepared() && !self.is_draining && self.in_flight.len() < BATCHES_IN_FLIGHT {
            let Some(batch) = pending.take() else { break };
            self.in_flight.insert(batch, InFlight::default());
            self.last_heard_ms = now_ms;
            let attempt = self.attempt.clone();
            actions.extend(
                self.to_all(&WorkerCommand::BeginBatch { attempt, batch: plan.batch(batch) }),
            );
        }
        actions
    }

    /// The commands that end the attempt, to those members that are `alive`.
    pub(super) fn release(&self, alive: impl Fn(&WorkerId) -> bool) -> Vec<JobAction> {
        let mut actions = self.to_all(&WorkerCommand::Release { attempt: self.attempt.clone() });
        actions.retain(|action| matches!(action, JobAction::Send { worker, .. } if alive(worker)));
        actions
    }

    fn to_all(&self, command: &WorkerCommand) -> Vec<JobAction> {
        let send = |member: &Member| JobAction::Send {
            worker: member.worker,
            command: Box::new(command.clone()),
        };
        self.members.iter().map(send).collect()
    }
}

/// Tallies that do not add up: a defect, never to be papered over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TallyMismatch {
    /// Arrays of other lengths than stated, or of another batch.
    #[error("worker {worker} sent a malformed tally of batch {batch}, or one of other simulations")]
    Malformed {
        /// The batch.
        batch: BatchId,
        /// The sender.
        worker: WorkerId,
    },
    /// Activations got lost between workers.
    #[error("batch {batch}: {sent} activations were sent between workers, {received} received")]
    NotConserved {
        /// The batch.
        batch: BatchId,
        /// Sent, over all workers.
        sent: u64,
        /// Received, over all workers.
        received: u64,
    },
}
