//! `kaskade status`.

use kaskade_model::JobId;
use kaskade_model::message::Reason;
use kaskade_model::status::{JobState, JobStatus};
use kaskade_rpc::limits;

use super::connection::{self, block_on};
use super::info::table;
use crate::args::client::{ClientArgs, JobArgs};
use crate::clock::Moment;
use crate::console::Console;
use crate::error::CliError;

/// Prints a job as it is now.
pub(super) fn status(args: &JobArgs, console: &Console) -> Result<(), CliError> {
    let status = block_on(of(&args.client, &args.id))?;
    print(&status, console)
}

/// What the coordinator says of the job `id`.
///
/// # Errors
/// [`CliError::Rpc`] from the coordinator.
pub(super) async fn of(client: &ClientArgs, id: &JobId) -> Result<JobStatus, CliError> {
    let mut jobs = connection::jobs(client).await?;
    let reply = jobs.status(limits::request(id.clone().into())).await?;
    Ok(JobStatus::try_from(reply.into_inner())?)
}

/// Prints a job's status.
pub(super) fn print(status: &JobStatus, console: &Console) -> Result<(), CliError> {
    console.result(status, || describe(status))
}

/// Why a job ended, in a sentence: `NO_WORKERS: no worker was there for 30 s`.
pub(super) fn why(status: &JobStatus) -> String {
    match status.reason {
        Some(reason) if status.detail.is_empty() => word(reason),
        Some(reason) => format!("{}: {}", word(reason), status.detail),
        None => status.detail.clone(),
    }
}

fn describe(status: &JobStatus) -> String {
    let moment = |seconds: f64| Moment::from_seconds(seconds).to_rfc3339();
    let mut rows = vec![("job", status.id.to_string()), ("state", status.state.to_string())];
    let why = why(status);
    if !why.is_empty() {
        rows.push(("reason", why));
    }
    let (done, total) = (status.simulations_done, status.simulations_total);
    // A stop rule ends a job before the most that it may take.
    let has_stopped_early = status.state == JobState::Succeeded && done < total;
    let simulations = if has_stopped_early {
        format!("{done}, which were enough, of at most {total}")
    } else {
        format!("{done} of {total}")
    };
    rows.push(("simulations", simulations));
    rows.push(("workers", status.n_workers.to_string()));
    rows.extend(status.placement.map(|placement| ("placement", placement.to_string())));
    if !status.placement_why.is_empty() {
        rows.push(("because", status.placement_why.clone()));
    }
    rows.push(("submitted", moment(status.submitted)));
    rows.extend(status.started.map(|seconds| ("started", moment(seconds))));
    rows.extend(status.finished.map(|seconds| ("finished", moment(seconds))));
    for recovery in &status.recoveries {
        rows.push(("recovered", format!("epoch {}: {}", recovery.epoch, recovery.what)));
    }
    for batch in &status.rounds {
        let (round, n_new) = (batch.round, batch.n_new);
        rows.push(("batch", format!("{} in round {round}, {n_new} new", batch.batch)));
    }
    table(&rows)
}

/// The reason as programs read it.
fn word(reason: Reason) -> String {
    serde_json::to_value(reason)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}
