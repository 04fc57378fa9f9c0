//! What one user may have open, so that nobody fills the queue for all.

use kaskade_rpc::{ErrorCode, RpcError};

use super::Job;

/// Bounds on what one user has open: on jobs that have not ended.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Jobs, queued and running.
    pub open_jobs: usize,
    /// Bytes of their specs, seeds included.
    pub open_spec_bytes: u64,
    /// Simulations of one job: the coordinator keeps what each of them counted until the job
    /// ends.
    pub job_simulations: u64,
}

impl Quotas {
    /// What a coordinator allows that is not told otherwise.
    pub const DEFAULT: Self =
        Self { open_jobs: 1000, open_spec_bytes: 256 << 20, job_simulations: 10_000_000 };

    /// Whether `user`, who has `jobs` among all, may have one more, of so many `simulations`
    /// and `spec_bytes`.
    pub(super) fn check<'a>(
        &self,
        user: &str,
        jobs: impl Iterator<Item = &'a Job>,
        simulations: u64,
        spec_bytes: usize,
    ) -> Result<(), RpcError> {
        let is_open =
            |job: &&Job| job.owner.as_deref() == Some(user) && !job.record.state.is_final();
        let (mut n_open, mut n_bytes) = (0, spec_bytes as u64);
        for job in jobs.filter(is_open) {
            n_open += 1;
            n_bytes += job.record.spec_json.len() as u64;
        }
        let refused = |text: String| {
            let text = format!("{text}: wait until one ends, or `kaskade cancel` one");
            Err(RpcError::new(ErrorCode::ResourceExhausted, text))
        };
        let Self { open_jobs, open_spec_bytes, job_simulations } = *self;
        if simulations > job_simulations {
            let text = format!(
                "the job has {simulations} simulations, of {job_simulations} that one may have \
                 here: make several of it with --first-simulation"
            );
            return Err(RpcError::new(ErrorCode::ResourceExhausted, text));
        }
        if n_open >= open_jobs {
            return refused(format!("{user} has {n_open} jobs queued or running, of {open_jobs}"));
        }
        if n_bytes > open_spec_bytes {
            return refused(format!(
                "the specs of {user}'s jobs would take {n_bytes} bytes, of {open_spec_bytes}"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::status::JobState;

    use super::*;
    use crate::job_log::JobRecord;
    use crate::job_log::tests::record;

    #[test]
    fn what_is_open_counts_and_only_the_users_own() {
        let job = |name: &str, owner: &str, state| {
            let record = JobRecord { state, spec_json: "0123456789".to_owned(), ..record(name, 0) };
            Job::submitted(record, 1, Some(owner.to_owned()))
        };
        let jobs = [
            job("a1", "ann", JobState::Running),
            job("a2", "ann", JobState::Queued),
            job("a3", "ann", JobState::Failed),
            job("b1", "bob", JobState::Running),
        ];
        let check = |open_jobs, open_spec_bytes, user| {
            let quotas = Quotas { open_jobs, open_spec_bytes, job_simulations: 5 };
            quotas.check(user, jobs.iter(), 5, 10)
        };
        let large = Quotas::DEFAULT.check("zoe", jobs.iter(), 10_000_001, 10).unwrap_err();
        assert!(large.message.contains("make several of it with --first-simulation"), "{large}");
        check(3, 30, "ann").expect("two are open, with 20 bytes");
        check(1, 10, "zoe").expect("nothing is open");
        let jobs = check(2, 30, "ann").unwrap_err();
        assert_eq!(jobs.code, ErrorCode::ResourceExhausted);
        assert!(jobs.message.starts_with("ann has 2 jobs queued or running, of 2: wait"), "{jobs}");
        let bytes = check(3, 29, "ann").unwrap_err().message;
        assert!(bytes.starts_with("the specs of ann's jobs would take 30 bytes, of 29"), "{bytes}");
    }
}
