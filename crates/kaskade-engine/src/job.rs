//! The machine that the coordinator runs for a job: placement, epochs, batches, retries.
//!
//! Events go in with the time, [`JobAction`]s come out, to be done in order: an epoch is
//! on disk before any worker hears of it, a batch before it counts as finished. The
//! unit of retry is the batch. There is one path for every kind of loss
//! ([`JobMachine`]'s `abort_group`): release the group, give its batches back, plan
//! again. Coins make a rerun equal, so no result depends on what was lost when.

mod blame;
mod footprint;
mod forming;
mod group;
mod pending;
mod placement;
mod unfit;

use std::collections::{BTreeMap, BTreeSet};

use kaskade_model::job::JobPlan;
use kaskade_model::message::{Reason, WorkerCommand, WorkerEvent};
use kaskade_model::spec::Placement;
use kaskade_model::tally::{JobTally, PartitionTally, TallyError};
use kaskade_model::until::{Looks, Until, Verdict};
use kaskade_model::{BatchId, Epoch, JobId, WorkerId};

pub use footprint::{
    Footprint, MemoryShape, batch_bytes, footprints, lane_words, largest_footprint,
};
pub use placement::{
    Decision, ShardLoad, Shortage, WorkerInfo, deal_shards, decide, fitting_lane_words,
};

use blame::Blame;
use group::{Group, TallyOutcome};
use pending::PendingBatches;
use placement::group_size;
use unfit::Unfit;

/// What the machine is to run.
#[derive(Clone, Debug)]
pub struct JobSetup {
    /// The job.
    pub job: JobId,
    /// The registered name of its graph.
    pub graph: String,
    /// The graph's digest, hexadecimal.
    pub graph_digest: String,
    /// The digest of its shard table, hexadecimal.
    pub shard_table_digest: String,
    /// What to simulate.
    pub plan: JobPlan,
    /// When fewer simulations than the plan's are enough.
    pub until: Option<Until>,
    /// The graph's shards.
    pub shards: Vec<ShardLoad>,
    /// How to share the work; `auto` is decided once workers are there.
    pub placement: Placement,
    /// Above every epoch that the job had before, 1 for a new job.
    pub first_epoch: Epoch,
    /// Batches that an earlier run of the coordinator committed.
    pub finished: JobTally,
}

/// Bounds on everything that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobLimits {
    /// How long a job may be without a group that works, before it fails.
    pub no_workers_grace_ms: u64,
    /// How long workers are given to gather, or to be noticed as lost, before planning.
    pub settle_ms: u64,
    /// How long a group may take to map its shards, or to finish a round.
    pub stall_ms: u64,
    /// How long a job that does not fit the workers at hand waits for more of them.
    pub admission_ms: u64,
    /// How long a worker whose disk is full is left alone before it is tried again.
    pub disk_retry_ms: u64,
    /// How often a batch may be given back, and how often groups may end in a row without a
    /// batch committed between.
    pub max_retries: u32,
}

impl JobLimits {
    /// The limits of a coordinator that is not told otherwise.
    pub const DEFAULT: Self = Self {
        no_workers_grace_ms: 30_000,
        settle_ms: 300,
        stall_ms: 600_000,
        admission_ms: 5_000,
        disk_retry_ms: 10_000,
        max_retries: 16,
    };
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEvent {
    /// A worker registered.
    WorkerJoined(WorkerInfo),
    /// A worker's session ended, whatever the cause.
    WorkerLost {
        /// The worker.
        worker: WorkerId,
        /// The cause, as far as it is known.
        detail: String,
    },
    /// A worker wants to leave once the batches in its hands are done.
    WorkerLeaving(WorkerId),
    /// A worker reported.
    Reported {
        /// The worker.
        worker: WorkerId,
        /// What it reported.
        event: WorkerEvent,
    },
    /// The client cancelled the job.
    CancelRequested,
    /// The coordinator is to stop: no batch begins any more.
    StopRequested,
    /// Time passed.
    Ticked,
}

/// What the machine asks its owner to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum JobAction {
    /// Write the epoch to the job log; later actions wait until it is durable.
    CommitEpoch(Epoch),
    /// Send a command to a worker; if it is gone, its loss is noticed elsewhere.
    Send {
        /// The worker.
        worker: WorkerId,
        /// The command.
        command: Box<WorkerCommand>,
    },
    /// Write a finished batch to the job log.
    CommitBatch {
        /// The batch.
        batch: BatchId,
        /// Its tally, summed over all partitions.
        tally: Box<PartitionTally>,
    },
    /// Note in the recovery log what was lost and what is run again.
    NoteRecovery(Loss),
    /// The job ended; nothing follows.
    Finish(JobEnd),
}

/// Something was lost, and is made good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The epoch that ended.
    pub epoch: Epoch,
    /// What happened, a sentence.
    pub what: String,
    /// The batches that are run again.
    pub batches: Vec<BatchId>,
    /// Whether rounds of one of them were under way.
    pub was_in_rounds: bool,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// Every batch is committed.
    Succeeded,
    /// It cannot be finished.
    Failed {
        /// Why, for programs.
        reason: Reason,
        /// Why, a sentence.
        detail: String,
    },
    /// Its client did not want it any more.
    Cancelled,
}

/// One job, from planning to its end.
#[derive(Debug)]
pub struct JobMachine {
    setup: JobSetup,
    limits: JobLimits,
    decision: Option<Decision>,
    workers: BTreeMap<WorkerId, WorkerInfo>,
    /// Workers that cannot do what they were assigned, and why.
    unfit: BTreeMap<WorkerId, Unfit>,
    /// Workers that want to go.
    leaving: BTreeSet<WorkerId>,
    /// Why no group can be formed of the workers that were free then.
    shortage: Option<(Vec<WorkerId>, Shortage)>,
    is_stopping: bool,
    groups: BTreeMap<u32, Group>,
    next_epoch: Epoch,
    /// The batches that are wanted so far: all, or those of the next look.
    pending: PendingBatches,
    looks: Option<Looks>,
    blame: BTreeMap<BatchId, Blame>,
    /// Groups that ended since the last batch was committed.
    n_futile_groups: u32,
    tally: JobTally,
    /// Planning waits until then, for workers to gather or to be noticed as lost.
    plan_at_ms: u64,
    /// Since when no group works.
    idle_since_ms: u64,
    has_ended: bool,
}

impl JobMachine {
    /// The machine of `setup` at `now_ms`, on the workers that are there.
    #[must_use]
    pub fn new(
        setup: JobSetup,
        limits: JobLimits,
        workers: impl IntoIterator<Item = WorkerInfo>,
        now_ms: u64,
    ) -> Self {
        let workers: BTreeMap<_, _> = workers.into_iter().map(|info| (info.worker, info)).collect();
        let JobPlan { first_simulation, n_simulations, .. } = setup.plan;
        let looks = setup.until.map(|until| Looks::new(until, first_simulation, n_simulations));
        let n_wanted = looks.as_ref().map_or(n_simulations, Looks::n_simulations);
        Self {
            decision: None,
            limits,
            plan_at_ms: if workers.is_empty() { now_ms + limits.settle_ms } else { now_ms },
            workers,
            unfit: BTreeMap::new(),
            leaving: BTreeSet::new(),
            shortage: None,
            is_stopping: false,
            groups: BTreeMap::new(),
            next_epoch: setup.first_epoch,
            pending: PendingBatches::new(setup.plan.n_batches_of(n_wanted), &setup.finished),
            looks,
            blame: BTreeMap::new(),
            n_futile_groups: 0,
            tally: setup.finished.clone(),
            idle_since_ms: now_ms,
            has_ended: false,
            setup,
        }
    }

    /// Takes an event at `now_ms`, which never goes back.
    pub fn handle(&mut self, now_ms: u64, event: JobEvent) -> Vec<JobAction> {
        let mut actions = Vec::new();
        if self.has_ended {
            return actions;
        }
        match event {
            JobEvent::WorkerJoined(info) => {
                self.workers.insert(info.worker, info);
                self.plan_at_ms = self.plan_at_ms.max(now_ms + self.limits.settle_ms);
            }
            JobEvent::WorkerLost { worker, detail } => {
                self.workers.remove(&worker);
                self.unfit.remove(&worker);
                self.leaving.remove(&worker);
                if let Some(group) = self.group_of(worker) {
                    let what = format!("lost worker {worker}: {detail}");
                    self.abort_group(group, Some(worker), now_ms, &what, &mut actions);
                }
            }
            JobEvent::WorkerLeaving(worker) => {
                self.leaving.insert(worker);
                if let Some(group) = self.group_of(worker).and_then(|at| self.groups.get_mut(&at)) {
                    group.drain();
                }
            }
            JobEvent::Reported { worker, event } => {
                self.reported(worker, event, now_ms, &mut actions);
            }
            JobEvent::CancelRequested => self.end(JobEnd::Cancelled, &mut actions),
            JobEvent::StopRequested => {
                self.is_stopping = true;
                self.groups.values_mut().for_each(Group::drain);
            }
            JobEvent::Ticked => {}
        }
        self.move_on(now_ms, &mut actions);
        actions
    }

    /// The finished batches.
    #[must_use]
    pub fn tally(&self) -> &JobTally {
        &self.tally
    }

    /// Workers that are in a group.
    #[must_use]
    pub fn n_workers_at_work(&self) -> usize {
        self.groups.values().map(|group| group.members().len()).sum()
    }

    /// Whether `worker` has a part in it.
    #[must_use]
    pub fn is_at_work(&self, worker: WorkerId) -> bool {
        self.group_of(worker).is_some()
    }

    /// How the work is shared; `auto` as long as no worker was there to decide by.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.decision.as_ref().map_or(self.setup.placement, |decision| decision.placement)
    }

    /// Why it is shared like that, a sentence.
    #[must_use]
    pub fn why(&self) -> &str {
        self.decision.as_ref().map_or("no worker is there yet", |decision| &decision.why)
    }

    /// What keeps every worker from working, a sentence; `None` while one works.
    #[must_use]
    pub fn waiting_for(&self) -> Option<String> {
        if self.has_ended || !self.groups.is_empty() {
            return None;
        }
        let full = self.unfit.values().find(|unfit| unfit.until_ms.is_some());
        let short = self.shortage.as_ref().map(|(_, shortage)| shortage.to_string());
        short.or_else(|| full.map(|unfit| unfit.detail.clone()))
    }

    /// The finished batches, for the report, and how many of their simulations, from the first
    /// on, are in it.
    #[must_use]
    pub fn into_tally(self) -> (JobTally, u64) {
        let n_simulations = self.n_wanted();
        (self.tally, n_simulations)
    }

    /// The simulations that the job needs, as far as it is known yet.
    fn n_wanted(&self) -> u64 {
        self.looks.as_ref().map_or(self.setup.plan.n_simulations, Looks::n_simulations)
    }

    /// Whether all members of a group are prepared, so that batches run.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.groups.values().any(Group::is_prepared)
    }

    fn reported(
        &mut self,
        worker: WorkerId,
        event: WorkerEvent,
        now_ms: u64,
        actions: &mut Vec<JobAction>,
    ) {
        let attempt = event.attempt();
        let index = attempt.group;
        let plan = &self.setup.plan;
        let group = self.groups.get_mut(&index).filter(|group| {
            *group.attempt() == *attempt && group.members().iter().any(|m| m.worker == worker)
        });
        // A message of an epoch that is over, or of a worker that was given up.
        let Some(group) = group else { return };
        group.heard_of(now_ms);
        match event {
            WorkerEvent::Prepared { .. } => group.prepared(worker),
            WorkerEvent::RoundReported { batch, .. } => group.round_finished(batch),
            WorkerEvent::BatchTallied { batch, tally, .. } => {
                match group.tallied(worker, &plan.batch(batch), *tally) {
                    Ok(TallyOutcome::Waiting) => {}
                    Ok(TallyOutcome::Complete(tally)) => self.commit(batch, *tally, actions),
                    Err(error) => self.fail(Reason::Inconsistent, error.to_string(), actions),
                }
            }
            WorkerEvent::PeerLost { peer, detail, .. } => {
                let what = format!("worker {worker} lost its peer {peer}: {detail}");
                self.abort_group(index, Some(peer), now_ms, &what, actions);
            }
            WorkerEvent::AttemptFailed { reason, detail, .. } => {
                let detail = format!("worker {worker}: {detail}");
                if is_everybodys(reason) {
                    self.fail(reason, detail, actions);
                } else {
                    let unfit = Unfit::new(reason, detail, now_ms, &self.limits);
                    if unfit.until_ms.is_some() {
                        self.retire_group(index, now_ms, &unfit.detail, actions);
                    } else {
                        self.abort_group(index, Some(worker), now_ms, &unfit.detail, actions);
                    }
                    self.unfit.insert(worker, unfit);
                }
            }
        }
    }

    fn commit(&mut self, batch: BatchId, tally: PartitionTally, actions: &mut Vec<JobAction>) {
        match self.tally.add_batch(batch, tally.clone()) {
            Ok(()) => {
                self.n_futile_groups = 0;
                self.blame.remove(&batch);
                actions.push(JobAction::CommitBatch { batch, tally: Box::new(tally) });
            }
            Err(error @ TallyError::TraceTooLarge) => {
                self.fail(Reason::InvalidSpec, error.to_string(), actions);
            }
            Err(error) => self.fail(Reason::Inconsistent, error.to_string(), actions),
        }
    }

    /// The one way in which a group ends before its work does: whoever noticed, whatever
    /// was lost. Its batches are given back, its workers released, and planning is due.
    fn abort_group(
        &mut self,
        index: u32,
        culprit: Option<WorkerId>,
        now_ms: u64,
        what: &str,
        actions: &mut Vec<JobAction>,
    ) {
        let Some(group) = self.groups.get(&index) else { return };
        let suspects = culprit.map(|worker| group.shards_of(worker)).unwrap_or_default();
        let batches = group.batches_in_flight();
        for &batch in &batches {
            self.blame.entry(batch).or_default().add(&suspects);
        }
        self.retire_group(index, now_ms, what, actions);
        self.n_futile_groups += 1;
        let n_tries = self.limits.max_retries + 1;
        let exhausted = batches
            .iter()
            .find(|batch| self.blame.get(batch).is_some_and(|blame| blame.n_failures >= n_tries));
        let failure = if let Some(batch) = exhausted {
            let poison = self.blame[batch].describe(self.setup.shards.len());
            format!("batch {batch} was given back {n_tries} times{poison}, last because: {what}")
        } else if self.n_futile_groups >= n_tries {
            format!("groups of workers ended {n_tries} times without a batch, last because: {what}")
        } else {
            return;
        };
        self.fail(Reason::WorkerLost, failure, actions);
    }

    /// Takes a group apart: its workers are free, its batches to be done by another.
    fn retire_group(&mut self, index: u32, now_ms: u64, what: &str, actions: &mut Vec<JobAction>) {
        let Some(group) = self.groups.remove(&index) else { return };
        let alive = |worker: &WorkerId| self.workers.contains_key(worker);
        actions.extend(group.release(alive));
        let batches = group.batches_in_flight();
        batches.iter().for_each(|&batch| self.pending.give_back(batch));
        actions.push(JobAction::NoteRecovery(Loss {
            epoch: group.attempt().epoch,
            what: what.to_owned(),
            batches,
            was_in_rounds: group.was_in_rounds(),
        }));
        self.plan_at_ms = self.plan_at_ms.max(now_ms + self.limits.settle_ms);
        if self.groups.is_empty() {
            self.idle_since_ms = now_ms;
        }
    }

    /// Everything that follows from where things stand: stalls, planning, dispatch, the end.
    fn move_on(&mut self, now_ms: u64, actions: &mut Vec<JobAction>) {
        let stalled = self.groups.iter().find(|(_, g)| g.is_silent(now_ms, self.limits.stall_ms));
        if let Some((&index, _)) = stalled {
            let what = format!("no round finished in {} s", self.limits.stall_ms / 1000);
            self.abort_group(index, None, now_ms, &what, actions);
        }
        if self.has_ended {
            return;
        }
        self.dismiss_drained(now_ms, actions);
        let has_in_flight = self.groups.values().any(Group::has_in_flight);
        if self.pending.is_empty() && !has_in_flight && self.is_enough() {
            return self.succeed(actions);
        }
        self.unfit.retain(|_, unfit| unfit.until_ms.is_none_or(|until| now_ms < until));
        if now_ms >= self.plan_at_ms && !self.pending.is_empty() && !self.is_stopping {
            self.form_groups(now_ms, actions);
            self.make_room_for_joined();
        }
        for group in self.groups.values_mut() {
            actions.extend(group.dispatch(&mut self.pending, &self.setup.plan, now_ms));
        }
        if self.groups.is_empty() && !self.is_stopping {
            self.give_up_waiting(now_ms, actions);
        }
    }

    /// The end of a job that no worker works on and none will.
    fn give_up_waiting(&mut self, now_ms: u64, actions: &mut Vec<JobAction>) {
        let all_are_unfit = self.workers.keys().all(|worker| self.unfit.contains_key(worker));
        let hopeless = self.unfit.values().find(|unfit| unfit.until_ms.is_none());
        let some_may_recover = self.unfit.values().any(|unfit| unfit.until_ms.is_some());
        if let Some(unfit) = hopeless.filter(|_| all_are_unfit && !some_may_recover) {
            return self.fail(unfit.reason, unfit.detail.clone(), actions);
        }
        if some_may_recover {
            // A disk is full: the job waits for room, however long that takes.
            self.idle_since_ms = now_ms;
            return;
        }
        let grace_ms = self.limits.no_workers_grace_ms;
        // One that has worked waits for what it lost; one that never began is refused soon.
        let has_begun = self.next_epoch > Epoch(1);
        let patience_ms = if has_begun { grace_ms } else { self.limits.admission_ms };
        let waited_since_ms = if has_begun { self.idle_since_ms } else { self.plan_at_ms };
        if let Some((_, shortage)) = &self.shortage
            && now_ms >= waited_since_ms + patience_ms
        {
            let detail = shortage.to_string();
            return self.fail(Reason::OutOfMemory, detail, actions);
        }
        if now_ms >= self.idle_since_ms + grace_ms {
            let n_needed = group_size(self.placement(), 1);
            let detail = format!(
                "{} registered, placement {} needs {}; waited {} s: start workers with `kaskade worker`",
                count(self.workers.len(), "worker"),
                self.placement(),
                count(n_needed, "worker"),
                grace_ms / 1000
            );
            self.fail(Reason::NoWorkers, detail, actions);
        }
    }

    /// Whether the batches that were wanted are all that the job needs; if not, more are pending.
    fn is_enough(&mut self) -> bool {
        let Some(looks) = &mut self.looks else { return true };
        while self.pending.is_empty() {
            if looks.look(&self.tally) == Verdict::Stop {
                return true;
            }
            self.pending.grow(self.setup.plan.n_batches_of(looks.n_simulations()));
        }
        false
    }

    /// The end of a job all of whose batches are committed; their sum is asked once more.
    fn succeed(&mut self, actions: &mut Vec<JobAction>) {
        let plan = &self.setup.plan;
        let last = plan.batch(BatchId(self.pending.n_batches().saturating_sub(1)));
        let end = last.first_simulation + u64::from(last.n_lanes);
        let (done, total) = (self.tally.n_simulations(), end - plan.first_simulation);
        let foreign = self.tally.batch_tallies().find(|(batch, tally)| {
            let planned = plan.batch(*batch);
            (tally.first_simulation, tally.n_lanes) != (planned.first_simulation, planned.n_lanes)
        });
        let detail = match foreign {
            Some((batch, _)) => format!("batch {batch} holds other simulations than planned"),
            None if done != total => {
                format!("{done} simulations are in the batches of a job of {total}")
            }
            None => return self.end(JobEnd::Succeeded, actions),
        };
        self.fail(Reason::Inconsistent, detail, actions);
    }

    fn group_of(&self, worker: WorkerId) -> Option<u32> {
        let has_worker = |group: &Group| group.members().iter().any(|m| m.worker == worker);
        self.groups.iter().find(|(_, group)| has_worker(group)).map(|(&index, _)| index)
    }

    fn fail(&mut self, reason: Reason, detail: String, actions: &mut Vec<JobAction>) {
        self.end(JobEnd::Failed { reason, detail }, actions);
    }

    fn end(&mut self, end: JobEnd, actions: &mut Vec<JobAction>) {
        if self.has_ended {
            return;
        }
        self.has_ended = true;
        for group in std::mem::take(&mut self.groups).into_values() {
            actions.extend(group.release(|worker| self.workers.contains_key(worker)));
        }
        actions.push(JobAction::Finish(end));
    }
}

/// Whether any worker would fail for `reason`, and not only the one that did.
fn is_everybodys(reason: Reason) -> bool {
    matches!(reason, Reason::InvalidSpec | Reason::GraphChanged | Reason::Inconsistent)
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
