//! The task that owns everything a coordinator knows: jobs, workers, the job that runs.

mod active;
mod job;
mod membership;
mod observe;
mod pace;
mod pause;
mod queue;
mod quota;
mod settle;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use kaskade_engine::job::{JobEvent, JobLimits, JobMachine};
use kaskade_model::message::Reason;
use kaskade_model::spec::Spec;
use kaskade_model::status::{JobState, JobStatus, WorkerStatus};
use kaskade_model::{JobId, WorkerId};
use kaskade_rpc::control::{CoordinatorMessage, Registered, Registration, WorkerMessage};
use kaskade_rpc::jobs::Submission;
use kaskade_rpc::machine::unix_seconds;
use kaskade_rpc::security::Caller;
use kaskade_rpc::{ErrorCode, RpcError, fail_point};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::CoordinatorError;
use crate::job_log::{JobLog, JobRecord, LogWrite, LoggedJob};
use crate::metrics::{Metrics, Snapshot};
use crate::planner::{self, PlanRequest, PlannedJob};
use crate::registry::{Registry, plain_name};
use crate::report::{FinishedJob, ResultStore};
use active::Active;
use job::Job;
pub(crate) use membership::Membership;
use pause::JobClock;
use queue::Queue;
pub use quota::Quotas;

/// What services ask of the scheduler, and what its own background work tells it.
pub(crate) enum Request {
    /// Take a job in; the answer says whether it was known already.
    Submit(Submission, Caller, oneshot::Sender<Result<bool, RpcError>>),
    /// All jobs, oldest first.
    List(oneshot::Sender<Vec<JobStatus>>),
    /// All registered workers, by number.
    ListWorkers(oneshot::Sender<Vec<WorkerStatus>>),
    /// The state of everything, for people who watch.
    Measure(oneshot::Sender<Snapshot>),
    /// One job, now and as it goes on.
    Watch(JobId, oneshot::Sender<Result<watch::Receiver<JobStatus>, RpcError>>),
    /// End a job.
    Cancel(JobId, Caller, oneshot::Sender<Result<JobStatus, RpcError>>),
    /// Take a worker in; commands to it go to the sender.
    Register(
        Box<Registration>,
        mpsc::UnboundedSender<CoordinatorMessage>,
        oneshot::Sender<Registered>,
    ),
    /// A registered worker said something.
    WorkerSaid(WorkerId, Box<WorkerMessage>),
    /// A worker's session ended.
    WorkerGone(WorkerId, String),
    /// A job's graph and seeds are resolved, or not.
    Planned(JobId, Box<Result<PlannedJob, CoordinatorError>>),
    /// A job's results are written, or not: then they are still there.
    Reported(JobId, Result<(), (CoordinatorError, Box<FinishedJob>)>),
}

/// Requests that may wait for the scheduler.
pub(crate) const MAILBOX_REQUESTS: usize = 1024;

/// How long a coordinator that is told to stop waits for batches in hand.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(50);

/// What a scheduler waits for at most, and keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) limits: JobLimits,
    /// What a user whom a token names may have open.
    pub(crate) quotas: Quotas,
    /// Ended jobs that are kept at most; `None` keeps all.
    pub(crate) keep_jobs: Option<usize>,
}

/// All that a coordinator knows.
pub(crate) struct Scheduler {
    log: JobLog,
    registry: Registry,
    results: ResultStore,
    bounds: Bounds,
    membership: Membership,
    jobs: BTreeMap<JobId, Job>,
    next_order: u64,
    queue: Queue,
    active: Option<Active>,
    /// Ends of jobs that the log has not taken yet, oldest first.
    unsettled: VecDeque<JobRecord>,
    retry_settling_at: Instant,
    /// There once it is told to stop.
    stopping_until: Option<Instant>,
    mailbox: mpsc::Sender<Request>,
    metrics: Metrics,
}

impl Scheduler {
    /// The scheduler of what the log holds: jobs that had not ended are queued again, in the
    /// order of their submission.
    pub(crate) fn new(
        log: JobLog,
        logged: Vec<LoggedJob>,
        registry: Registry,
        results: ResultStore,
        bounds: Bounds,
        membership: Membership,
        mailbox: mpsc::Sender<Request>,
    ) -> Self {
        let next_order = logged.last().map_or(0, |job| job.record.order + 1);
        let is_open = |job: &&LoggedJob| !job.record.state.is_final();
        let mut queue = Queue::default();
        for job in logged.iter().filter(is_open) {
            queue.push(job.record.job.clone(), job.owner.clone());
        }
        let jobs = logged.into_iter().map(|job| (job.record.job.clone(), Job::new(job)));
        Self {
            metrics: Metrics::new(log.seconds()),
            log,
            registry,
            results,
            bounds,
            membership,
            jobs: jobs.collect(),
            next_order,
            queue,
            active: None,
            unsettled: VecDeque::new(),
            retry_settling_at: Instant::now(),
            stopping_until: None,
            mailbox,
        }
    }

    /// What it counts.
    pub(crate) fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Serves requests until all senders but its own are gone.
    ///
    /// Once `stop` is cancelled, no batch begins any more; those in hand are waited for, and
    /// so is what is being written, for [`STOP_GRACE`] at most. What is in the log is durable
    /// at any time: a batch that is not waited for is run again.
    pub(crate) async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) {
        self.forget_surplus().await;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut last_tick = Instant::now();
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => Box::pin(self.serve(request)).await,
                    None => return,
                },
                () = stop.cancelled(), if self.stopping_until.is_none() => {
                    self.stopping_until = Some(Instant::now() + STOP_GRACE);
                    self.drive(JobEvent::StopRequested).await;
                }
                _ = tick.tick() => {
                    let deaf = last_tick.elapsed().saturating_sub(TICK);
                    last_tick = Instant::now();
                    self.membership.excuse(deaf);
                    for (worker, detail) in self.membership.silent() {
                        self.lose_worker(worker, detail).await;
                    }
                    self.drive(JobEvent::Ticked).await;
                    self.retry_report();
                    self.settle().await;
                }
            }
            if self.stopping_until.is_some_and(|until| Instant::now() >= until || self.is_idle()) {
                return;
            }
            self.dismiss_idle();
            self.start_next();
        }
    }

    /// Whether nothing is in anybody's hands.
    fn is_idle(&self) -> bool {
        let is_busy = match &self.active {
            Some(Active::Running(running)) => running.has_work_in_hand(),
            Some(Active::Reporting(_, waiting)) => waiting.is_none(),
            Some(Active::Planning(_)) | None => false,
        };
        !is_busy
    }

    /// Lets workers go that want to and have no part in the job that runs.
    fn dismiss_idle(&mut self) {
        let active = &self.active;
        self.membership.dismiss(
            |worker| matches!(active, Some(Active::Running(running)) if running.is_at_work(worker)),
        );
    }

    async fn serve(&mut self, request: Request) {
        // An answer that nobody waits for any more is dropped, here and below.
        match request {
            Request::Submit(submission, caller, answer) => {
                let _ = answer.send(self.submit(submission, &caller).await);
            }
            Request::List(answer) => {
                let mut jobs: Vec<&Job> = self.jobs.values().collect();
                jobs.sort_by_key(|job| job.record.order);
                let _ = answer.send(jobs.into_iter().map(Job::status).collect());
            }
            Request::ListWorkers(answer) => {
                let _ = answer.send(self.worker_statuses());
            }
            Request::Measure(answer) => {
                let _ = answer.send(self.snapshot());
            }
            Request::Watch(job, answer) => {
                let _ = answer.send(self.job(&job).map(|job| job.watch()));
            }
            Request::Cancel(job, caller, answer) => {
                let _ = answer.send(self.cancel(&job, &caller).await);
            }
            Request::Register(registration, commands, answer) => {
                let registered = self.membership.register(*registration, commands);
                let info = self.membership.info(registered.worker);
                let _ = answer.send(registered);
                if let Some(info) = info {
                    self.drive(JobEvent::WorkerJoined(info)).await;
                }
            }
            Request::WorkerSaid(worker, message) => self.worker_said(worker, *message).await,
            Request::WorkerGone(worker, detail) => self.lose_worker(worker, detail).await,
            Request::Planned(job, outcome) => Box::pin(self.planned(job, *outcome)).await,
            Request::Reported(job, outcome) => self.reported(&job, outcome).await,
        }
    }

    fn job(&self, job: &JobId) -> Result<&Job, RpcError> {
        self.jobs.get(job).ok_or_else(|| {
            let text = format!("job {job} is not known here: `kaskade list` shows the jobs");
            RpcError::new(ErrorCode::NotFound, text)
        })
    }

    async fn submit(&mut self, submission: Submission, caller: &Caller) -> Result<bool, RpcError> {
        let Submission { job, spec_json } = submission;
        let invalid = |text: String| RpcError::new(ErrorCode::InvalidArgument, text);
        let spec: Spec = serde_json::from_slice(&spec_json)
            .map_err(|error| invalid(format!("the spec cannot be read: {error}")))?;
        let mut spec = spec.resolve().map_err(|error| invalid(error.to_string()))?;
        let Some(graph) = &mut spec.graph.name else {
            return Err(invalid(
                "graph.name is missing: a job names a registered graph".to_owned(),
            ));
        };
        *graph = plain_name(graph).to_owned();
        let graph = graph.clone();
        let spec_json = serde_json::to_string(&spec).map_err(|error| invalid(error.to_string()))?;
        let owner = caller.user().map(str::to_owned);
        if let Some(present) = self.jobs.get(&job) {
            return if !caller.is_admin() && present.owner != owner {
                let text = format!("job {job} is another user's: choose another id");
                Err(RpcError::new(ErrorCode::AlreadyExists, text))
            } else if present.has_spec(&spec_json) {
                Ok(true)
            } else {
                let text = format!("job {job} exists with another spec: choose another id");
                Err(RpcError::new(ErrorCode::AlreadyExists, text))
            };
        }
        self.registry.path(&graph)?;
        if let Some(user) = &owner {
            let simulations = spec.run.simulations;
            self.bounds.quotas.check(user, self.jobs.values(), simulations, spec_json.len())?;
        }
        let record = JobRecord {
            job: job.clone(),
            order: self.next_order,
            spec_json,
            state: JobState::Queued,
            reason: None,
            detail: String::new(),
            submitted: unix_seconds(),
            started: None,
            finished: None,
            planned: None,
            recoveries: Vec::new(),
        };
        fail_point::reach("submit-before-log");
        let write = LogWrite::Submitted(Box::new(record.clone()), owner.clone());
        self.log.write(write).await.map_err(CoordinatorError::from)?;
        fail_point::reach("submit-logged");
        tracing::info!(job_id = %job, user = owner, "job submitted");
        self.metrics.job_submitted();
        self.next_order += 1;
        self.queue.push(job.clone(), owner.clone());
        self.jobs.insert(job, Job::submitted(record, spec.run.simulations, owner));
        Ok(false)
    }

    async fn cancel(&mut self, id: &JobId, caller: &Caller) -> Result<JobStatus, RpcError> {
        let job = self.job(id)?;
        if !caller.is_admin() && job.owner.as_deref() != caller.user() {
            let owner = job.owner.as_deref().unwrap_or("nobody");
            let text = format!("job {id} belongs to {owner}: its owner or an admin may cancel it");
            return Err(RpcError::new(ErrorCode::PermissionDenied, text));
        }
        let state = job.record.state;
        let is_reporting = self.active.as_ref().is_some_and(|active| active.is_reporting(id));
        let has_ended = self.unsettled.iter().any(|record| record.job == *id);
        if !state.is_final() && !is_reporting && !has_ended {
            // A cancellation that is not durable would be forgotten by a restart: then the
            // job goes on, and the client is told.
            let record = self.job(id)?.ended(JobState::Cancelled, Some(Reason::Cancelled), "");
            let write = LogWrite::Job(Box::new(record.clone()));
            self.log.write(write).await.map_err(CoordinatorError::from)?;
            self.queue.remove(id);
            if let Some(active) = self.active.take_if(|active| active.job() == id) {
                self.stop(active);
            }
            let status = self.show_end(record);
            self.forget_surplus().await;
            return status.ok_or_else(|| RpcError::new(ErrorCode::Internal, "the job is gone"));
        }
        Ok(self.job(id)?.status())
    }

    async fn worker_said(&mut self, worker: WorkerId, message: WorkerMessage) {
        self.membership.heard_of(worker);
        match message {
            WorkerMessage::Event(event) => {
                self.membership.note_round(worker, &event);
                self.drive(JobEvent::Reported { worker, event }).await;
            }
            WorkerMessage::Heartbeat { resident_bytes } => {
                self.membership.heartbeat(worker, resident_bytes);
                if let Some(Active::Running(running)) = &mut self.active {
                    running.note_memory(worker, resident_bytes);
                }
            }
            WorkerMessage::Leaving => {
                tracing::info!(worker_id = worker.0, "worker wants to leave");
                self.membership.leaving(worker);
                self.drive(JobEvent::WorkerLeaving(worker)).await;
            }
            WorkerMessage::Register(_) => {
                self.lose_worker(worker, "it registered twice in one session".to_owned()).await;
            }
        }
    }

    async fn lose_worker(&mut self, worker: WorkerId, detail: String) {
        if let Some(gone) = self.membership.remove(worker) {
            if gone.is_dismissed {
                tracing::info!(worker_id = worker.0, "worker left");
            } else {
                self.metrics.worker_lost();
                tracing::warn!(worker_id = worker.0, detail, %gone, "worker lost");
            }
            let detail = format!("{detail} ({gone})");
            self.drive(JobEvent::WorkerLost { worker, detail }).await;
        }
    }

    /// Begins to plan the next job once none is active.
    fn start_next(&mut self) {
        if self.active.is_some() || self.stopping_until.is_some() {
            return;
        }
        let Some(id) = self.queue.pop() else { return };
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let spec = job.record.spec();
        let (registry, mailbox) = (self.registry.clone(), self.mailbox.clone());
        self.active = Some(Active::Planning(id.clone()));
        job.record.state = JobState::Planning;
        job.publish(None);
        let request = spec.map(|spec| PlanRequest {
            job: id.clone(),
            spec,
            planned: job.record.planned.clone(),
            last_epoch: job.last_epoch,
            finished: job.finished.clone(),
            workers: self.membership.infos(),
        });
        in_background(move || {
            let planned = caught("planning", || {
                let request = request.map_err(|error| unreadable_spec(&error))?;
                planner::plan(&registry, request)
            });
            // Without a scheduler there is nobody to plan for.
            let _ = mailbox.blocking_send(Request::Planned(id, Box::new(planned)));
        });
    }

    async fn planned(&mut self, id: JobId, outcome: Result<PlannedJob, CoordinatorError>) {
        if !matches!(&self.active, Some(Active::Planning(planning)) if *planning == id) {
            return;
        }
        let planned = match outcome {
            Ok(planned) => planned,
            Err(error) => {
                self.active = None;
                let reason = Some(error.reason());
                return self.end(&id, JobState::Failed, reason, error.sentence()).await;
            }
        };
        let clock = JobClock::start();
        let workers = self.membership.infos();
        let now_ms = clock.now_ms(None);
        let machine = JobMachine::new(planned.setup.clone(), self.bounds.limits, workers, now_ms);
        self.active = Some(Active::running(id, machine, planned, clock));
        let is_stopping = self.stopping_until.is_some();
        self.drive(if is_stopping { JobEvent::StopRequested } else { JobEvent::Ticked }).await;
    }

    async fn reported(
        &mut self,
        id: &JobId,
        outcome: Result<(), (CoordinatorError, Box<FinishedJob>)>,
    ) {
        self.active.take_if(|active| active.is_reporting(id));
        match outcome {
            Ok(()) => self.end(id, JobState::Succeeded, None, String::new()).await,
            Err((error, finished)) if error.reason() == Reason::DiskFull => {
                self.hold_report(finished, &error);
            }
            Err((error, _)) => {
                self.end(id, JobState::Failed, Some(error.reason()), error.sentence()).await;
            }
        }
    }
}

/// Runs file work of any length beside the scheduler; its outcome comes by the mailbox.
pub(crate) fn in_background(work: impl FnOnce() + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "reads and writes files")]
    // Not awaited: the outcome comes by the mailbox, and a runtime that ends waits for it.
    drop(tokio::task::spawn_blocking(work));
}

/// The outcome of `work`; a panic is one too, because the scheduler waits for it.
fn caught<T>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, CoordinatorError>,
) -> Result<T, CoordinatorError> {
    // Nothing that `work` may have left half done is used again.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(CoordinatorError::Panicked { what, text })
    })
}

fn unreadable_spec(error: &serde_json::Error) -> CoordinatorError {
    let text = format!("the spec in the job log cannot be read: {error}");
    RpcError::new(ErrorCode::Internal, text).into()
}

#[cfg(test)]
mod tests;
