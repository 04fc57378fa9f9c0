//! The job log of a coordinator that does not run.

use std::path::Path;

use kaskade_coordinator::CoordinatorError;
use kaskade_coordinator::job_log::{self, JobRecord, LoggedJob};
use serde::Serialize;

use crate::clock::Moment;
use crate::commands::info::table;
use crate::console::Console;
use crate::error::CliError;

/// Prints every job of the log at `path`.
pub(super) fn print(path: &Path, console: &Console) -> Result<(), CliError> {
    let (_log, jobs) = job_log::open(path).map_err(CoordinatorError::from)?;
    let log = Log { jobs: jobs.iter().map(Job::of).collect() };
    console.result(&log, || {
        let rows = log.jobs.iter().map(|job| {
            let JobRecord { job: id, state, submitted, .. } = job.record;
            let submitted = Moment::from_seconds(*submitted).to_rfc3339();
            let text =
                format!("{state}, {} simulations, submitted {submitted}", job.simulations_done);
            (id.as_str(), text)
        });
        table(&rows.collect::<Vec<_>>())
    })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Log<'a> {
    jobs: Vec<Job<'a>>,
}

#[derive(Debug, Serialize)]
struct Job<'a> {
    #[serde(flatten)]
    record: &'a JobRecord,
    last_epoch: u64,
    simulations_done: u64,
}

impl<'a> Job<'a> {
    fn of(job: &'a LoggedJob) -> Self {
        Self {
            record: &job.record,
            last_epoch: job.last_epoch.0,
            simulations_done: job.tally.n_simulations(),
        }
    }
}
