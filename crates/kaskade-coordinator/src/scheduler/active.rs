//! The job that has the workers: from planning to its report.

use std::collections::{BTreeMap, VecDeque};

use kaskade_engine::job::{JobAction, JobEnd, JobEvent, JobMachine};
use kaskade_model::message::{Attempt, Member, Reason, WorkerCommand, WorkerEvent};
use kaskade_model::status::{JobState, Recovery, RoundProgress};
use kaskade_model::{BatchId, JobId, WorkerId};
use kaskade_results::{Provenance, Resources, WorkerRecord};
use kaskade_rpc::fail_point;
use kaskade_rpc::machine::unix_seconds;
use tokio::time::Instant;
use tracing::Span;

use super::job::Running;
use super::pace::Pace;
use super::pause::{JobClock, Pause, RETRY_PAUSE};
use super::{Request, Scheduler, caught, in_background};
use crate::error::CoordinatorError;
use crate::job_log::{LogError, LogWrite, Planned};
use crate::planner::PlannedJob;
use crate::report::FinishedJob;

/// The one job that is being worked on.
pub(super) enum Active {
    /// Its graph and seeds are being resolved.
    Planning(JobId),
    /// Its machine runs.
    Running(Box<RunningJob>),
    /// Its results are being written, or wait for room on the disk.
    Reporting(JobId, Option<WaitingReport>),
}

/// Results that could not be written because the disk was full.
pub(super) struct WaitingReport {
    finished: Box<FinishedJob>,
    retry_at: Instant,
}

/// A job whose machine runs.
pub(super) struct RunningJob {
    id: JobId,
    machine: JobMachine,
    planned: PlannedJob,
    clock: JobClock,
    /// What the machine asked for and was not done yet, in order.
    backlog: VecDeque<JobAction>,
    /// There while the backlog waits for the log.
    pause: Option<Pause>,
    /// The workers that have taken part and are not lost, with their groups and shards, as
    /// last assigned.
    members: BTreeMap<WorkerId, (u32, Member)>,
    n_threads: BTreeMap<WorkerId, u32>,
    /// The largest resident memory that a member has reported; 0 before the first heartbeat.
    peak_memory_bytes: u64,
    /// The present attempt of each group.
    attempts: BTreeMap<u32, Attempt>,
    rounds: BTreeMap<BatchId, RoundProgress>,
    /// Batches that workers were told to run, and are not in the log.
    in_flight: BTreeMap<BatchId, Span>,
    pace: Pace,
    span: Span,
}

impl Active {
    pub(super) fn running(
        id: JobId,
        machine: JobMachine,
        planned: PlannedJob,
        clock: JobClock,
    ) -> Self {
        let span = tracing::info_span!("job", job_id = %id);
        Self::Running(Box::new(RunningJob {
            id,
            machine,
            planned,
            clock,
            backlog: VecDeque::new(),
            pause: None,
            members: BTreeMap::new(),
            n_threads: BTreeMap::new(),
            peak_memory_bytes: 0,
            attempts: BTreeMap::new(),
            rounds: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            pace: Pace::default(),
            span,
        }))
    }

    pub(super) fn job(&self) -> &JobId {
        match self {
            Self::Planning(id) | Self::Reporting(id, _) => id,
            Self::Running(running) => &running.id,
        }
    }

    pub(super) fn has_machine(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    pub(super) fn is_reporting(&self, id: &JobId) -> bool {
        matches!(self, Self::Reporting(reporting, _) if reporting == id)
    }
}

impl RunningJob {
    fn note_round(&mut self, event: &WorkerEvent) -> bool {
        match event {
            // One of an attempt that was given up would stay as a round that never ends.
            WorkerEvent::RoundReported { attempt, batch, round, n_new }
                if self.attempts.get(&attempt.group) == Some(attempt) =>
            {
                let new = RoundProgress { batch: *batch, round: *round, n_new: 0 };
                let progress = self.rounds.entry(*batch).or_insert(new);
                if progress.round != *round {
                    *progress = new;
                }
                progress.n_new += n_new;
                true
            }
            _ => false,
        }
    }

    /// Notes how long a worker took for what `event` tells of.
    fn note_lap(&mut self, worker: WorkerId, event: &WorkerEvent) {
        if self.attempts.get(&event.attempt().group) != Some(event.attempt()) {
            return;
        }
        match event {
            WorkerEvent::RoundReported { batch, round, .. } => {
                self.pace.reported(worker, *batch, Some(*round), Instant::now());
            }
            WorkerEvent::BatchTallied { batch, .. } => {
                self.pace.reported(worker, *batch, None, Instant::now());
            }
            _ => {}
        }
    }

    /// Batches in the hands of workers.
    pub(super) fn n_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The workers that hold the others up; see [`Pace::stragglers`].
    pub(super) fn stragglers(&self) -> BTreeMap<WorkerId, f64> {
        self.pace.stragglers(Instant::now())
    }

    /// Notes what a worker is told to do.
    fn note_command(&mut self, worker: WorkerId, command: &WorkerCommand) {
        match command {
            WorkerCommand::Prepare(assignment) => {
                let Some(member) = assignment.members.iter().find(|m| m.worker == worker) else {
                    return;
                };
                let attempt = &assignment.attempt;
                self.attempts.insert(attempt.group, attempt.clone());
                self.members.insert(worker, (attempt.group, member.clone()));
                self.pace.joined(attempt.group, worker);
            }
            WorkerCommand::BeginBatch { attempt, batch } => {
                let span =
                    || tracing::info_span!(parent: &self.span, "batch", batch_id = batch.batch.0);
                self.in_flight.entry(batch.batch).or_insert_with(span);
                self.pace.begun(batch.batch, attempt.group, Instant::now());
            }
            WorkerCommand::Release { .. } => {}
        }
    }

    /// Notes that `batch` is in the log, or was given back.
    fn note_over(&mut self, batch: BatchId) {
        self.rounds.remove(&batch);
        self.in_flight.remove(&batch);
        self.pace.over(batch);
    }

    /// Whether batches are in the hands of workers.
    pub(super) fn has_work_in_hand(&self) -> bool {
        self.machine.n_workers_at_work() > 0
    }

    pub(super) fn is_at_work(&self, worker: WorkerId) -> bool {
        self.machine.is_at_work(worker)
    }

    pub(super) fn note_memory(&mut self, worker: WorkerId, resident_bytes: u64) {
        if self.members.contains_key(&worker) {
            self.peak_memory_bytes = self.peak_memory_bytes.max(resident_bytes);
        }
    }

    /// How long the work of the tally took; `started` is when its first batch began.
    fn seconds(&self, started: Option<f64>) -> f64 {
        let has_replayed = self.planned.setup.finished.n_simulations() > 0;
        match started {
            // An earlier run of the coordinator began: only the wall clock knows of it.
            Some(started) if has_replayed => (unix_seconds() - started).max(0.0),
            _ => self.clock.elapsed().as_secs_f64(),
        }
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_ms(self.pause.as_ref())
    }

    /// The log takes writes again, or always did.
    fn end_pause(&mut self) {
        if let Some(pause) = self.pause.take() {
            tracing::info!(job_id = %self.id, elapsed_ms = pause.elapsed().as_millis(), "going on");
            self.clock.leave_out(&pause);
        }
    }

    fn begin_pause(&mut self, error: &LogError) {
        match &mut self.pause {
            Some(pause) => pause.prolong(),
            None => {
                let pause = self.pause.insert(Pause::begin(error));
                tracing::warn!(job_id = %self.id, why = pause.detail, "standing still");
            }
        }
    }

    fn status(&self) -> Running {
        Running {
            pause: self.pause.as_ref().map(|pause| (pause.reason, pause.detail.clone())),
            waits_for: self.machine.waiting_for(),
            placement: self.machine.placement(),
            placement_why: self.machine.why().to_owned(),
            simulations_done: self.machine.tally().n_simulations(),
            n_workers: self.machine.n_workers_at_work() as u32,
            rounds: self.rounds.values().copied().collect(),
        }
    }
}

impl Scheduler {
    /// Hands `event` to the machine of the running job and does what it asks for, in order.
    pub(super) async fn drive(&mut self, event: JobEvent) {
        let Some(Active::Running(mut running)) = self.active.take_if(|active| active.has_machine())
        else {
            // Without a machine only membership matters, and changes of it are noted already.
            return;
        };
        let is_tick = matches!(event, JobEvent::Ticked);
        let mut has_changed = !is_tick;
        if let JobEvent::Reported { worker, event } = &event {
            has_changed |= running.note_round(event);
            running.note_lap(*worker, event);
        }
        if let JobEvent::WorkerLost { worker, .. } = &event {
            running.pace.lost(*worker);
            running.members.remove(worker);
            running.n_threads.remove(worker);
        }
        let actions = running.machine.handle(running.now_ms(), event);
        has_changed |= !actions.is_empty();
        running.backlog.extend(actions);
        if running.pause.as_ref().is_some_and(|pause| !pause.is_retry_due()) {
            self.active = Some(Active::Running(running));
            return;
        }
        has_changed |= running.pause.is_some();
        let done = match self.act_in_order(&mut running).await {
            Ok(None) if has_changed => self.publish_running(&mut running).await.map(|()| None),
            done => done,
        };
        match done {
            Ok(None) => self.active = Some(Active::Running(running)),
            Ok(Some(end)) => self.finish(*running, end).await,
            Err(error) if error.is_passing() => {
                running.begin_pause(&error);
                self.show_running(&running);
                self.active = Some(Active::Running(running));
            }
            Err(error) => self.give_up(running, error).await,
        }
    }

    /// Does what waits in the backlog; what cannot be noted in the log stays there, with all
    /// that comes after it.
    async fn act_in_order(&mut self, running: &mut RunningJob) -> Result<Option<JobEnd>, LogError> {
        while let Some(action) = running.backlog.pop_front() {
            match self.act(running, &action).await {
                Ok(None) => {}
                Ok(end) => return Ok(end),
                Err(error) => {
                    running.backlog.push_front(action);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Ends a job that the log refuses: what cannot be noted must not happen.
    async fn give_up(&mut self, running: Box<RunningJob>, error: LogError) {
        let id = running.id.clone();
        self.stop(Active::Running(running));
        let error = CoordinatorError::from(error);
        self.end(&id, JobState::Failed, Some(error.reason()), error.sentence()).await;
    }

    /// Lets the workers stop what they do for `active`, which is over.
    pub(super) fn stop(&self, active: Active) {
        let Active::Running(mut running) = active else { return };
        let now_ms = running.now_ms();
        for action in running.machine.handle(now_ms, JobEvent::CancelRequested) {
            if let JobAction::Send { worker, command } = action {
                self.membership.send(worker, *command);
            }
        }
    }

    async fn act(
        &mut self,
        running: &mut RunningJob,
        action: &JobAction,
    ) -> Result<Option<JobEnd>, LogError> {
        match action {
            JobAction::CommitEpoch(epoch) => {
                fail_point::reach("epoch-before-log");
                self.log.write(LogWrite::Epoch(running.id.clone(), *epoch)).await?;
                fail_point::reach("epoch-logged");
            }
            JobAction::Send { worker, command } => {
                let worker = *worker;
                running.note_command(worker, command);
                if matches!(**command, WorkerCommand::Prepare(_)) {
                    running.n_threads.insert(worker, self.membership.n_threads(worker));
                }
                self.membership.send(worker, (**command).clone());
            }
            JobAction::CommitBatch { batch, tally } => {
                running.note_over(*batch);
                let write = LogWrite::Batch(running.id.clone(), *batch, tally.clone());
                fail_point::reach("batch-before-log");
                self.log.write(write).await?;
                fail_point::reach("batch-logged");
                self.metrics.batch_finished(tally);
            }
            JobAction::NoteRecovery(recovery) => {
                tracing::warn!(job_id = %running.id, what = recovery.what, "recovering");
                recovery.batches.iter().for_each(|batch| running.note_over(*batch));
                self.metrics.recovered(recovery.batches.len());
                if let Some(job) = self.jobs.get_mut(&running.id) {
                    let mut record = job.record.clone();
                    record.recoveries.push(Recovery {
                        epoch: recovery.epoch,
                        what: recovery.what.clone(),
                        batches: recovery.batches.clone(),
                        was_in_rounds: recovery.was_in_rounds,
                        at: unix_seconds(),
                    });
                    self.log.write(LogWrite::Job(Box::new(record.clone()))).await?;
                    job.record = record;
                }
            }
            JobAction::Finish(end) => return Ok(Some(end.clone())),
        }
        Ok(None)
    }

    /// Shows how far the job is; notes in the log that it has begun, once and before any
    /// of its batches.
    async fn publish_running(&mut self, running: &mut RunningJob) -> Result<(), LogError> {
        let Some(job) = self.jobs.get_mut(&running.id) else { return Ok(()) };
        if job.record.state != JobState::Running && running.machine.is_running() {
            let mut record = job.record.clone();
            record.state = JobState::Running;
            record.started.get_or_insert_with(unix_seconds);
            let setup = &running.planned.setup;
            let digest = setup.graph_digest.clone();
            record.planned = Some(Planned::new(&setup.plan, digest, running.machine.placement()));
            self.log.write(LogWrite::Job(Box::new(record.clone()))).await?;
            job.record = record;
            let machine = &running.machine;
            tracing::info!(
                job_id = %running.id, placement = %machine.placement(), why = machine.why(), "job runs"
            );
        }
        running.end_pause();
        self.show_running(running);
        Ok(())
    }

    fn show_running(&self, running: &RunningJob) {
        if let Some(job) = self.jobs.get(&running.id) {
            job.publish(Some(running.status()));
        }
    }

    async fn finish(&mut self, running: RunningJob, end: JobEnd) {
        let id = running.id.clone();
        match end {
            JobEnd::Failed { reason, detail } => {
                self.end(&id, JobState::Failed, Some(reason), detail).await;
            }
            JobEnd::Cancelled => {
                self.end(&id, JobState::Cancelled, Some(Reason::Cancelled), String::new()).await;
            }
            JobEnd::Succeeded => self.report(running).await,
        }
    }

    /// Writes the results of a job all of whose batches are done, beside the scheduler.
    ///
    /// Processor time stays unknown: no worker reports it.
    async fn report(&mut self, running: RunningJob) {
        let Some(job) = self.jobs.get(&running.id) else { return };
        job.publish(Some(running.status()));
        let spec = match job.record.spec() {
            Ok(spec) => spec,
            Err(error) => {
                let error = super::unreadable_spec(&error);
                let reason = Some(error.reason());
                return self.end(&running.id, JobState::Failed, reason, error.sentence()).await;
            }
        };
        let workers = running.members.values().map(|(group, member)| WorkerRecord {
            worker: member.worker,
            address: member.address.clone(),
            group: *group,
            shards: member.shards.clone(),
        });
        let provenance = Provenance {
            created: None,
            workers: workers.collect(),
            placement: Some(running.machine.placement()),
            recoveries: job.record.recoveries.clone(),
        };
        let resources = Resources {
            seconds: running.seconds(job.record.started),
            cpu_seconds: None,
            threads: running.n_threads.values().sum(),
            workers: running.members.len() as u32,
            peak_memory_bytes: (running.peak_memory_bytes > 0).then_some(running.peak_memory_bytes),
        };
        let (tally, n_simulations) = running.machine.into_tally();
        let finished = FinishedJob {
            job: running.id.clone(),
            spec,
            graph: running.planned.graph,
            measures: running.planned.measures,
            nodes: running.planned.nodes,
            tally,
            n_simulations,
            resources,
            provenance,
        };
        self.write_report(Box::new(finished));
    }

    fn write_report(&mut self, finished: Box<FinishedJob>) {
        let id = finished.job.clone();
        self.active = Some(Active::Reporting(id.clone(), None));
        let (results, mailbox) = (self.results.clone(), self.mailbox.clone());
        in_background(move || {
            fail_point::reach("report-before-write");
            let outcome = caught("writing the results", || results.write(&finished));
            fail_point::reach("report-written");
            let outcome = outcome.map_err(|error| (error, finished));
            // Without a scheduler there is nobody to tell.
            let _ = mailbox.blocking_send(Request::Reported(id, outcome));
        });
    }

    /// The results of `finished` did not find room: they are written later.
    pub(super) fn hold_report(&mut self, finished: Box<FinishedJob>, error: &CoordinatorError) {
        let detail = format!(
            "waiting to write the results, free space and the job ends by itself: {}",
            error.sentence()
        );
        tracing::warn!(job_id = %finished.job, why = detail, "standing still");
        if let Some(job) = self.jobs.get(&finished.job) {
            job.show_pause(Reason::DiskFull, detail);
        }
        let retry_at = Instant::now() + RETRY_PAUSE;
        let id = finished.job.clone();
        self.active = Some(Active::Reporting(id, Some(WaitingReport { finished, retry_at })));
    }

    /// Tries again to write results that wait, once it is time.
    pub(super) fn retry_report(&mut self) {
        let is_due = |active: &mut Active| matches!(active, Active::Reporting(_, Some(waiting)) if Instant::now() >= waiting.retry_at);
        if let Some(Active::Reporting(_, Some(waiting))) = self.active.take_if(is_due) {
            self.write_report(waiting.finished);
        }
    }
}
