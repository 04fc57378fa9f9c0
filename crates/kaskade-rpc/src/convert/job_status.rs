//! What a client is told of a job.

use kaskade_model::ids::{BatchId, Epoch, JobId, Round, WorkerId};
use kaskade_model::spec::Placement;
use kaskade_model::status::{JobState, JobStatus, Recovery, RoundProgress, WorkerStatus};

use super::{required, seconds};
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "JobStatus";

impl From<JobStatus> for pb::JobStatus {
    fn from(status: JobStatus) -> Self {
        Self {
            job_id: status.id.into(),
            state: pb::JobState::from(status.state).into(),
            reason: status.reason.map_or(pb::Reason::Unspecified, pb::Reason::from).into(),
            detail: status.detail,
            submitted_seconds: status.submitted,
            started_seconds: status.started,
            finished_seconds: status.finished,
            simulations_done: status.simulations_done,
            simulations_total: status.simulations_total,
            n_workers: status.n_workers,
            placement: status.placement.map(|chosen| chosen.to_string()).unwrap_or_default(),
            recoveries: status.recoveries.into_iter().map(Into::into).collect(),
            rounds: status.rounds.into_iter().map(Into::into).collect(),
            placement_why: status.placement_why,
        }
    }
}

impl TryFrom<pb::JobStatus> for JobStatus {
    type Error = ConvertError;

    fn try_from(status: pb::JobStatus) -> Result<Self, ConvertError> {
        let (done, total) = (status.simulations_done, status.simulations_total);
        if done > total {
            let reason = format!("is {done}, the job has {total}");
            return Err(ConvertError::new(MESSAGE, "simulations_done", reason));
        }
        let at =
            |time: Option<f64>, field| time.map(|time| seconds(time, MESSAGE, field)).transpose();
        Ok(Self {
            state: required(status.state().try_into().ok(), MESSAGE, "state")?,
            reason: status.reason().try_into().ok(),
            id: JobId::new(status.job_id)?,
            detail: status.detail,
            submitted: seconds(status.submitted_seconds, MESSAGE, "submitted_seconds")?,
            started: at(status.started_seconds, "started_seconds")?,
            finished: at(status.finished_seconds, "finished_seconds")?,
            simulations_done: done,
            simulations_total: total,
            n_workers: status.n_workers,
            placement: placement(&status.placement)?,
            placement_why: status.placement_why,
            recoveries: status
                .recoveries
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            rounds: status.rounds.into_iter().map(Into::into).collect(),
        })
    }
}

fn placement(text: &str) -> Result<Option<Placement>, ConvertError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| ConvertError::new(MESSAGE, "placement", format!("is wrong: {error}")))
}

impl From<JobState> for pb::JobState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Planning => Self::Planning,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl TryFrom<pb::JobState> for JobState {
    /// Unspecified, or of a later version.
    type Error = ();

    fn try_from(state: pb::JobState) -> Result<Self, ()> {
        Ok(match state {
            pb::JobState::Unspecified => return Err(()),
            pb::JobState::Queued => Self::Queued,
            pb::JobState::Planning => Self::Planning,
            pb::JobState::Running => Self::Running,
            pb::JobState::Succeeded => Self::Succeeded,
            pb::JobState::Failed => Self::Failed,
            pb::JobState::Cancelled => Self::Cancelled,
        })
    }
}

impl From<Recovery> for pb::Recovery {
    fn from(recovery: Recovery) -> Self {
        Self {
            epoch: recovery.epoch.0,
            what: recovery.what,
            at_seconds: recovery.at,
            batches: recovery.batches.into_iter().map(|batch| batch.0).collect(),
            was_in_rounds: recovery.was_in_rounds,
        }
    }
}

impl TryFrom<pb::Recovery> for Recovery {
    type Error = ConvertError;

    fn try_from(recovery: pb::Recovery) -> Result<Self, ConvertError> {
        Ok(Self {
            epoch: Epoch(recovery.epoch),
            what: recovery.what,
            batches: recovery.batches.into_iter().map(BatchId).collect(),
            was_in_rounds: recovery.was_in_rounds,
            at: seconds(recovery.at_seconds, "Recovery", "at_seconds")?,
        })
    }
}

impl From<RoundProgress> for pb::RoundProgress {
    fn from(progress: RoundProgress) -> Self {
        Self { batch: progress.batch.0, round: progress.round.0, n_new: progress.n_new }
    }
}

impl From<pb::RoundProgress> for RoundProgress {
    fn from(progress: pb::RoundProgress) -> Self {
        Self { batch: BatchId(progress.batch), round: Round(progress.round), n_new: progress.n_new }
    }
}

impl From<WorkerStatus> for pb::WorkerStatus {
    fn from(status: WorkerStatus) -> Self {
        Self {
            worker_id: status.id.0,
            address: status.address,
            host_name: status.host_name,
            process_id: status.process_id,
            memory_bytes: status.memory_bytes,
            resident_bytes: status.resident_bytes,
            n_threads: status.n_threads,
            straggler: status.straggler,
        }
    }
}

impl From<pb::WorkerStatus> for WorkerStatus {
    fn from(status: pb::WorkerStatus) -> Self {
        Self {
            id: WorkerId(status.worker_id),
            address: status.address,
            host_name: status.host_name,
            process_id: status.process_id,
            memory_bytes: status.memory_bytes,
            resident_bytes: status.resident_bytes,
            n_threads: status.n_threads,
            straggler: status.straggler,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, job_status, job_statuses};

    proptest! {
        #[test]
        fn round_trips(status in job_statuses()) {
            assert_round_trip::<_, pb::JobStatus>(status);
        }
    }

    #[test]
    fn workers_round_trip() {
        let status = WorkerStatus {
            id: WorkerId(3),
            address: "http://127.0.0.1:7501".into(),
            host_name: "node-3".into(),
            process_id: 4711,
            memory_bytes: 1 << 40,
            resident_bytes: 1 << 20,
            n_threads: 16,
            straggler: Some(4.5),
        };
        let message = pb::WorkerStatus::from(status.clone());
        assert_eq!(WorkerStatus::from(message), status);
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::JobStatus>(
            job_status(),
            "0a056a6f622d37100518022204676f6e6529000000000000f83f31000000000000044040800448e80750035a09706172746974696f6e621f0802120d776f726b65722034206c6f7374190000000000000c4022010928016a070809100418ac02720769742066697473",
        );
    }

    #[test]
    fn statuses_out_of_range_are_refused() {
        let refuse = |change: fn(&mut pb::JobStatus)| {
            let mut message = pb::JobStatus::from(job_status());
            change(&mut message);
            JobStatus::try_from(message).unwrap_err().to_string()
        };
        assert_eq!(
            refuse(|message| message.simulations_done = 2000),
            "invalid JobStatus: field simulations_done is 2000, the job has 1000"
        );
        assert!(refuse(|message| message.state = 0).contains("state is missing"));
        assert!(refuse(|message| message.state = 77).contains("state is missing"));
        assert!(refuse(|message| message.submitted_seconds = f64::NAN).contains("not a time"));
        assert!(refuse(|message| message.finished_seconds = Some(-1.0)).contains("finished"));
        assert!(refuse(|message| message.placement = "hybrid:0x2".into()).contains("placement"));
        assert!(refuse(|message| message.job_id.clear()).contains("invalid name"));
    }
}
