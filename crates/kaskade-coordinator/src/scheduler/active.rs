//! The job that has the workers: from planning to its report.

use std::collections::BTreeMap;

use kaskade_engine::job::{JobAction, JobEnd, JobEvent, JobMachine};
use kaskade_model::message::{Attempt, Member, Reason, WorkerCommand, WorkerEvent};
use kaskade_model::status::{JobState, Recovery, RoundProgress};
use kaskade_model::{BatchId, JobId, WorkerId};
use kaskade_results::{Provenance, Resources, WorkerRecord};
use tokio::time::Instant;

use super::job::Running;
use super::{Request, Scheduler, caught, in_background, unix_seconds};
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
    /// Its results are being written.
    Reporting(JobId),
}

/// A job whose machine runs.
pub(super) struct RunningJob {
    id: JobId,
    machine: JobMachine,
    planned: PlannedJob,
    begun: Instant,
    /// The workers that have taken part and are not lost, with their groups and shards, as
    /// last assigned.
    members: BTreeMap<WorkerId, (u32, Member)>,
    n_threads: BTreeMap<WorkerId, u32>,
    /// The largest resident memory that a member has reported; 0 before the first heartbeat.
    peak_memory_bytes: u64,
    /// The present attempt of each group.
    attempts: BTreeMap<u32, Attempt>,
    rounds: BTreeMap<BatchId, RoundProgress>,
}

impl Active {
    pub(super) fn running(id: JobId, machine: JobMachine, planned: PlannedJob) -> Self {
        Self::Running(Box::new(RunningJob {
            id,
            machine,
            planned,
            begun: Instant::now(),
            members: BTreeMap::new(),
            n_threads: BTreeMap::new(),
            peak_memory_bytes: 0,
            attempts: BTreeMap::new(),
            rounds: BTreeMap::new(),
        }))
    }

    pub(super) fn job(&self) -> &JobId {
        match self {
            Self::Planning(id) | Self::Reporting(id) => id,
            Self::Running(running) => &running.id,
        }
    }

    pub(super) fn has_machine(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    pub(super) fn is_reporting(&self, id: &JobId) -> bool {
        matches!(self, Self::Reporting(reporting) if reporting == id)
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
            _ => self.begun.elapsed().as_secs_f64(),
        }
    }

    fn status(&self) -> Running {
        Running {
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
        if let JobEvent::Reported { event, .. } = &event {
            has_changed |= running.note_round(event);
        }
        if let JobEvent::WorkerLost { worker, .. } = &event {
            running.members.remove(worker);
            running.n_threads.remove(worker);
        }
        let actions = running.machine.handle(self.now_ms(), event);
        has_changed |= !actions.is_empty();
        let done = match self.act_in_order(&mut running, actions).await {
            Ok(None) if has_changed => self.publish_running(&running).await.map(|()| None),
            done => done,
        };
        match done {
            Ok(None) => self.active = Some(Active::Running(running)),
            Ok(Some(end)) => self.finish(*running, end).await,
            Err(error) => self.give_up(running, error).await,
        }
    }

    async fn act_in_order(
        &mut self,
        running: &mut RunningJob,
        actions: Vec<JobAction>,
    ) -> Result<Option<JobEnd>, LogError> {
        for action in actions {
            if let Some(end) = self.act(running, action).await? {
                return Ok(Some(end));
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
        for action in running.machine.handle(self.now_ms(), JobEvent::CancelRequested) {
            if let JobAction::Send { worker, command } = action {
                self.membership.send(worker, *command);
            }
        }
    }

    async fn act(
        &mut self,
        running: &mut RunningJob,
        action: JobAction,
    ) -> Result<Option<JobEnd>, LogError> {
        match action {
            JobAction::CommitEpoch(epoch) => {
                self.log.write(LogWrite::Epoch(running.id.clone(), epoch)).await?;
            }
            JobAction::Send { worker, command } => {
                if let WorkerCommand::Prepare(assignment) = &*command
                    && let Some(member) = assignment.members.iter().find(|m| m.worker == worker)
                {
                    let attempt = &assignment.attempt;
                    running.attempts.insert(attempt.group, attempt.clone());
                    let part = (attempt.group, member.clone());
                    running.members.insert(worker, part);
                    running.n_threads.insert(worker, self.membership.n_threads(worker));
                }
                self.membership.send(worker, *command);
            }
            JobAction::CommitBatch { batch, tally } => {
                running.rounds.remove(&batch);
                self.log.write(LogWrite::Batch(running.id.clone(), batch, tally)).await?;
            }
            JobAction::NoteRecovery(recovery) => {
                tracing::warn!(job_id = %running.id, what = recovery.what, "recovering");
                running.rounds.retain(|batch, _| !recovery.batches.contains(batch));
                if let Some(job) = self.jobs.get_mut(&running.id) {
                    job.record.recoveries.push(Recovery {
                        epoch: recovery.epoch,
                        what: recovery.what,
                        batches: recovery.batches,
                        was_in_rounds: recovery.was_in_rounds,
                        at: unix_seconds(),
                    });
                    self.log.write(LogWrite::Job(Box::new(job.record.clone()))).await?;
                }
            }
            JobAction::Finish(end) => return Ok(Some(end)),
        }
        Ok(None)
    }

    /// Shows how far the job is; notes in the log that it has begun, once and before any
    /// of its batches.
    async fn publish_running(&mut self, running: &RunningJob) -> Result<(), LogError> {
        let Some(job) = self.jobs.get_mut(&running.id) else { return Ok(()) };
        if job.record.state != JobState::Running && running.machine.is_running() {
            job.record.state = JobState::Running;
            job.record.started.get_or_insert_with(unix_seconds);
            let setup = &running.planned.setup;
            let digest = setup.graph_digest.clone();
            job.record.planned =
                Some(Planned::new(&setup.plan, digest, running.machine.placement()));
            self.log.write(LogWrite::Job(Box::new(job.record.clone()))).await?;
        }
        job.publish(Some(running.status()));
        Ok(())
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
            JobEnd::Succeeded => self.report(running),
        }
    }

    /// Writes the results of a job all of whose batches are done, beside the scheduler.
    ///
    /// Processor time stays unknown: no worker reports it.
    fn report(&mut self, running: RunningJob) {
        let Some(job) = self.jobs.get(&running.id) else { return };
        job.publish(Some(running.status()));
        let spec = job.record.spec();
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
        let id = running.id.clone();
        self.active = Some(Active::Reporting(id.clone()));
        let (results, mailbox) = (self.results.clone(), self.mailbox.clone());
        in_background(move || {
            let job = id.clone();
            let outcome = caught("writing the results", || {
                results.write(FinishedJob {
                    job,
                    spec: spec.map_err(|error| super::unreadable_spec(&error))?,
                    graph: running.planned.graph,
                    tally: running.machine.into_tally(),
                    resources,
                    provenance,
                })
            });
            // Without a scheduler there is nobody to tell.
            let _ = mailbox.blocking_send(Request::Reported(id, outcome));
        });
    }
}
