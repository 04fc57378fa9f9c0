//! A job as the scheduler keeps it.

use kaskade_model::Epoch;
use kaskade_model::message::Reason;
use kaskade_model::spec::Placement;
use kaskade_model::status::{JobState, JobStatus, RoundProgress};
use kaskade_model::tally::JobTally;
use kaskade_rpc::machine::unix_seconds;
use tokio::sync::watch;

use crate::job_log::{JobRecord, LoggedJob};

/// A job: what the log holds of it, and who watches it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) record: JobRecord,
    pub(super) last_epoch: Epoch,
    /// Batches that were finished when the coordinator started; empty once it has ended.
    pub(super) finished: JobTally,
    /// Who submitted it, where tokens told.
    pub(super) owner: Option<String>,
    /// The digest of its spec, which itself is kept for as long as the job is not ended: with its
    /// seeds it may be large, and ended jobs are many.
    spec_digest: blake3::Hash,
    status: watch::Sender<JobStatus>,
}

/// What only a running job has.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) simulations_done: u64,
    pub(super) n_workers: u32,
    pub(super) rounds: Vec<RoundProgress>,
    /// Why it stands still, if it does.
    pub(super) pause: Option<(Reason, String)>,
    /// What it waits for while no worker works, if that is known.
    pub(super) waits_for: Option<String>,
    pub(super) placement: Placement,
    pub(super) placement_why: String,
}

impl Job {
    pub(super) fn new(logged: LoggedJob) -> Self {
        let LoggedJob { record, last_epoch, tally, owner } = logged;
        let total = record.spec().map_or(0, |spec| spec.run.simulations);
        let mut status = status_of(&record, total);
        status.simulations_done = tally.n_simulations();
        Self { last_epoch, finished: tally, ..Self::of(record, owner, status) }
    }

    pub(super) fn submitted(record: JobRecord, simulations: u64, owner: Option<String>) -> Self {
        let status = status_of(&record, simulations);
        Self::of(record, owner, status)
    }

    fn of(record: JobRecord, owner: Option<String>, status: JobStatus) -> Self {
        let mut job = Self {
            spec_digest: blake3::hash(record.spec_json.as_bytes()),
            record,
            last_epoch: Epoch(0),
            finished: JobTally::default(),
            owner,
            status: watch::Sender::new(status),
        };
        job.let_go();
        job
    }

    /// Whether it was submitted with `spec_json`.
    pub(super) fn has_spec(&self, spec_json: &str) -> bool {
        self.spec_digest == blake3::hash(spec_json.as_bytes())
    }

    /// It has ended as `record` says.
    pub(super) fn end(&mut self, record: JobRecord) {
        self.record = record;
        self.let_go();
    }

    /// Forgets what only a job needs that has not ended.
    fn let_go(&mut self) {
        if self.record.state.is_final() {
            self.record.spec_json = String::new();
            self.finished = JobTally::default();
        }
    }

    pub(super) fn status(&self) -> JobStatus {
        self.status.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<JobStatus> {
        self.status.subscribe()
    }

    /// Its record if it ended now, in `state`.
    pub(super) fn ended(
        &self,
        state: JobState,
        reason: Option<Reason>,
        detail: impl Into<String>,
    ) -> JobRecord {
        let finished = Some(unix_seconds());
        JobRecord { state, reason, detail: detail.into(), finished, ..self.record.clone() }
    }

    /// Shows the record, and what is `running`, to everybody who watches.
    pub(super) fn publish(&self, running: Option<Running>) {
        self.status.send_modify(|status| {
            let done = status.simulations_done;
            *status = status_of(&self.record, status.simulations_total);
            status.simulations_done = done;
            if let Some(running) = running {
                status.simulations_done = running.simulations_done;
                status.n_workers = running.n_workers;
                status.rounds = running.rounds;
                status.detail = running.waits_for.unwrap_or_default();
                status.placement = Some(running.placement);
                status.placement_why = running.placement_why;
                if let Some((reason, detail)) = running.pause {
                    (status.reason, status.detail) = (Some(reason), detail);
                }
            }
        });
    }

    /// Shows that it stands still for `reason`, until it is published again.
    pub(super) fn show_pause(&self, reason: Reason, detail: String) {
        self.status.send_modify(|status| {
            (status.reason, status.detail) = (Some(reason), detail);
        });
    }
}

fn status_of(record: &JobRecord, simulations_total: u64) -> JobStatus {
    use kaskade_model::status::JobState::Succeeded;
    JobStatus {
        id: record.job.clone(),
        state: record.state,
        reason: record.reason,
        detail: record.detail.clone(),
        submitted: record.submitted,
        started: record.started,
        finished: record.finished,
        simulations_done: if record.state == Succeeded { simulations_total } else { 0 },
        simulations_total,
        n_workers: 0,
        placement: record.placement(),
        placement_why: String::new(),
        recoveries: record.recoveries.clone(),
        rounds: Vec::new(),
    }
}
