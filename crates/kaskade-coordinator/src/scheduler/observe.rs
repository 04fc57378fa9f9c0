//! What the scheduler shows to people who watch.

use kaskade_model::WorkerId;
use kaskade_model::status::WorkerStatus;

use super::{Active, Scheduler};
use crate::metrics::Snapshot;

impl Scheduler {
    /// The registered workers, by number.
    pub(super) fn worker_statuses(&self) -> Vec<WorkerStatus> {
        let mut statuses = self.membership.statuses();
        let Some(Active::Running(running)) = &self.active else { return statuses };
        let stragglers = running.stragglers();
        for status in &mut statuses {
            status.straggler = stragglers.get(&status.id).copied();
        }
        statuses
    }

    /// The state of everything.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot {
            n_queued: self.queue.len(),
            jobs: self.jobs.values().map(|job| job.record.state).collect(),
            ..Snapshot::default()
        };
        let is_at_work = |worker: WorkerId| match &self.active {
            Some(Active::Running(running)) => running.is_at_work(worker),
            _ => false,
        };
        snapshot.workers = self.membership.figures(is_at_work);
        if let Some(Active::Running(running)) = &self.active {
            snapshot.n_in_flight = running.n_in_flight();
            let stragglers = running.stragglers();
            for worker in &mut snapshot.workers {
                worker.slowness = stragglers.get(&worker.id).copied();
            }
        }
        snapshot
    }
}
