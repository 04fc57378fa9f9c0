//! The ends of jobs: in the log first, then for everybody who watches; and how many are kept.

use kaskade_model::JobId;
use kaskade_model::message::Reason;
use kaskade_model::status::{JobState, JobStatus};
use kaskade_rpc::fail_point;
use tokio::time::Instant;

use super::Scheduler;
use super::pause::{Pause, RETRY_PAUSE};
use crate::error::error_chain;
use crate::job_log::{JobRecord, LogWrite};

impl Scheduler {
    /// Brings a job into a final state. Nobody hears of it before it is durable: while the log
    /// cannot be written it waits, and the workers go on with other jobs.
    pub(super) async fn end(
        &mut self,
        id: &JobId,
        state: JobState,
        reason: Option<Reason>,
        detail: String,
    ) {
        let Some(job) = self.jobs.get(id) else { return };
        self.unsettled.push_back(job.ended(state, reason, detail));
        self.retry_settling_at = Instant::now();
        self.settle().await;
    }

    /// Writes the ends that wait, once it is time.
    pub(super) async fn settle(&mut self) {
        let mut has_settled = false;
        while Instant::now() >= self.retry_settling_at
            && let Some(record) = self.unsettled.front().cloned()
        {
            fail_point::reach("end-before-log");
            let written = self.log.write(LogWrite::Job(Box::new(record.clone()))).await;
            fail_point::reach("end-logged");
            match written {
                Err(error) if error.is_passing() => {
                    let pause = Pause::begin(&error);
                    tracing::warn!(job_id = %record.job, why = pause.detail, "could not note an end");
                    if let Some(job) = self.jobs.get(&record.job) {
                        job.show_pause(pause.reason, pause.detail);
                    }
                    self.retry_settling_at = Instant::now() + RETRY_PAUSE;
                    return;
                }
                Err(error) => {
                    // The job is over all the same; after a restart it runs again, to the same
                    // result.
                    let error = error_chain(&error);
                    tracing::error!(job_id = %record.job, error, "could not note the end of a job");
                }
                Ok(()) => {}
            }
            self.unsettled.pop_front();
            self.show_end(record);
            has_settled = true;
        }
        if has_settled {
            self.forget_surplus().await;
        }
    }

    /// Shows the final `record` of a job to everybody who watches; what it shows.
    pub(super) fn show_end(&mut self, record: JobRecord) -> Option<JobStatus> {
        let JobRecord { job: id, state, detail, .. } = &record;
        tracing::info!(job_id = %id, state = %state, detail, "job ended");
        self.metrics.job_ended(*state);
        let job = self.jobs.get_mut(id)?;
        job.end(record);
        job.publish(None);
        Some(job.status())
    }

    /// Forgets the oldest ended jobs, with their results, where more are there than are kept.
    pub(super) async fn forget_surplus(&mut self) {
        let Some(kept) = self.bounds.keep_jobs else { return };
        let ended = self.jobs.values().filter(|job| job.record.state.is_final());
        let mut ended: Vec<_> = ended.map(|job| (job.record.order, &job.record.job)).collect();
        ended.sort_unstable();
        ended.truncate(ended.len().saturating_sub(kept));
        let surplus: Vec<JobId> = ended.into_iter().map(|(_, id)| id.clone()).collect();
        for id in surplus {
            // The results first: those of a job that the log does not know would stay for good. A
            // few small files, and at once: the next job may have the same id.
            if let Err(error) = self.results.remove(&id) {
                tracing::warn!(job_id = %id, error = error_chain(&error), "results remain");
                return;
            }
            if let Err(error) = self.log.write(LogWrite::Forget(id.clone())).await {
                // The next end tries again.
                tracing::warn!(job_id = %id, error = error_chain(&error), "could not forget a job");
                return;
            }
            tracing::info!(job_id = %id, "job forgotten");
            self.jobs.remove(&id);
        }
    }
}
