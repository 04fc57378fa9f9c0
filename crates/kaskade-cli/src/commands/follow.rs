//! Following a job to its end, through lost connections.

use std::time::Duration;

use indicatif::ProgressBar;
use kaskade_model::JobId;
use kaskade_model::status::{JobState, JobStatus};
use kaskade_rpc::limits;
use tokio::time::{Instant, sleep};

use super::connection;
use super::status::why;
use crate::args::client::ClientArgs;
use crate::console::{Console, Counted};
use crate::error::CliError;

/// How long a coordinator that answered before may be silent: time for a restart.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two attempts to reach it again.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Follows `id` until its state is final, and gives that. Shows progress and says what was
/// recovered from.
///
/// # Errors
/// [`CliError::Detached`] on Ctrl-C, the job then runs on; else that of the coordinator.
pub(super) async fn follow(
    client: &ClientArgs,
    id: &JobId,
    console: &Console,
) -> Result<JobStatus, CliError> {
    let mut display = Display::new(console);
    tokio::select! {
        status = follow_through_losses(client, id, &mut display) => status,
        interrupt = tokio::signal::ctrl_c() => {
            interrupt.map_err(CliError::Runtime)?;
            Err(CliError::Detached {
                id: id.clone(),
                watch: client.command_line(&format!("watch {id}")),
                cancel: client.command_line(&format!("cancel {id}")),
            })
        }
    }
}

/// How a job ended, as the end of the command that waited for it.
///
/// # Errors
/// [`CliError::JobFailed`] or [`CliError::JobCancelled`].
pub(super) fn ending(status: &JobStatus) -> Result<(), CliError> {
    let id = status.id.clone();
    match status.state {
        JobState::Failed => Err(CliError::JobFailed { id, why: why(status) }),
        JobState::Cancelled => Err(CliError::JobCancelled { id }),
        _ => Ok(()),
    }
}

async fn follow_through_losses(
    client: &ClientArgs,
    id: &JobId,
    display: &mut Display<'_>,
) -> Result<JobStatus, CliError> {
    let mut last_heard = None;
    loop {
        let lost = match follow_once(client, id, display, &mut last_heard).await {
            Ok(status) if status.state.is_final() => return Ok(status),
            // The stream ended in mid-job: the coordinator is going away.
            Ok(_) => None,
            Err(CliError::Rpc(error)) if error.is_retryable() => Some(error),
            Err(error) => return Err(error),
        };
        let silence = last_heard.map(|heard: Instant| heard.elapsed());
        match (lost, silence) {
            (Some(error), None) => return Err(error.into()),
            (Some(error), Some(silence)) if silence > PATIENCE => return Err(error.into()),
            _ => {}
        }
        display.note("the coordinator does not answer, trying again");
        sleep(RETRY_PAUSE).await;
    }
}

/// The last status before the stream ends.
async fn follow_once(
    client: &ClientArgs,
    id: &JobId,
    display: &mut Display<'_>,
    last_heard: &mut Option<Instant>,
) -> Result<JobStatus, CliError> {
    let mut jobs = connection::jobs(client).await?;
    let mut updates = jobs.watch(limits::request(id.clone().into())).await?.into_inner();
    let mut last = None;
    while let Some(update) = updates.message().await? {
        let status = JobStatus::try_from(update)?;
        *last_heard = Some(Instant::now());
        let (state, simulations_done) = (status.state.as_str(), status.simulations_done);
        tracing::debug!(job_id = %id, state, simulations_done, "job status");
        display.show(&status);
        if status.state.is_final() {
            return Ok(status);
        }
        last = Some(status);
    }
    match last {
        Some(status) => Ok(status),
        None => {
            let reply = jobs.status(limits::request(id.clone().into())).await?;
            Ok(JobStatus::try_from(reply.into_inner())?)
        }
    }
}

/// What a person sees of a job that is followed.
#[derive(Debug)]
struct Display<'a> {
    console: &'a Console,
    bar: ProgressBar,
    n_recoveries: usize,
    /// What was last said of the placement, and of what the job waits for.
    said: [String; 2],
    last_note: String,
}

impl<'a> Display<'a> {
    fn new(console: &'a Console) -> Self {
        let bar = console.bar("waiting", Some(0), Counted::Things("simulations"));
        Self { console, bar, n_recoveries: 0, said: Default::default(), last_note: String::new() }
    }

    fn show(&mut self, status: &JobStatus) {
        self.bar.set_prefix(status.state.as_str());
        self.bar.set_length(status.simulations_total);
        self.bar.set_position(status.simulations_done);
        let placement = match (status.placement, status.placement_why.as_str()) {
            (Some(placement), why) if !why.is_empty() && status.n_workers > 0 => {
                format!("placement {placement}: {why}")
            }
            _ => String::new(),
        };
        let wait = if status.state.is_final() { String::new() } else { why(status) };
        for (said, line) in self.said.iter_mut().zip([placement, wait]) {
            if !line.is_empty() && *said != line {
                self.console.note(&line);
            }
            *said = line;
        }
        for recovery in status.recoveries.iter().skip(self.n_recoveries) {
            self.console.note(&format!("recovered: {}", recovery.what));
        }
        self.n_recoveries = self.n_recoveries.max(status.recoveries.len());
        self.last_note.clear();
    }

    /// Says `line`, once in a row.
    fn note(&mut self, line: &str) {
        if self.last_note != line {
            self.console.note(line);
            line.clone_into(&mut self.last_note);
        }
    }
}

impl Drop for Display<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
