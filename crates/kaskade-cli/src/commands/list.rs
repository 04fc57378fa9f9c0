//! `kaskade list`.

use std::fmt::Write as _;

use kaskade_model::status::{JobStatus, WorkerStatus};
use kaskade_rpc::jobs::Client;
use kaskade_rpc::{limits, pb};
use serde::Serialize;

use super::connection::{self, block_on};
use crate::args::client::ClientArgs;
use crate::clock::Moment;
use crate::console::Console;
use crate::error::CliError;

/// Prints all jobs of a coordinator, oldest first, and its workers.
pub(super) fn list(client: &ClientArgs, console: &Console) -> Result<(), CliError> {
    let (jobs, worker_list) = block_on(fetch(client))?;
    let listing = Listing { jobs, workers: worker_list.len(), worker_list };
    console.result(&listing, || describe(&listing))
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Listing {
    jobs: Vec<JobStatus>,
    workers: usize,
    worker_list: Vec<WorkerStatus>,
}

async fn fetch(client: &ClientArgs) -> Result<(Vec<JobStatus>, Vec<WorkerStatus>), CliError> {
    let mut coordinator = connection::jobs(client).await?;
    let mut jobs = Vec::new();
    let mut replies = coordinator.list(limits::request(pb::ListJobsRequest {})).await?.into_inner();
    while let Some(status) = replies.message().await? {
        jobs.push(status.try_into()?);
    }
    Ok((jobs, workers(&mut coordinator).await?))
}

/// The workers of a coordinator.
pub(super) async fn workers(coordinator: &mut Client) -> Result<Vec<WorkerStatus>, CliError> {
    let mut workers = Vec::new();
    let request = limits::request(pb::ListWorkersRequest {});
    let mut replies = coordinator.list_workers(request).await?.into_inner();
    while let Some(status) = replies.message().await? {
        workers.push(status.into());
    }
    Ok(workers)
}

fn describe(listing: &Listing) -> String {
    let width = listing.jobs.iter().map(|job| job.id.as_str().len()).max().unwrap_or(0).max(3);
    let mut text = String::new();
    if !listing.jobs.is_empty() {
        let header = ("job", "state", "simulations", "submitted");
        write_row(&mut text, width, header.0, header.1, header.2, header.3);
    }
    for job in &listing.jobs {
        let simulations = format!("{}/{}", job.simulations_done, job.simulations_total);
        let submitted = Moment::from_seconds(job.submitted).to_rfc3339();
        write_row(&mut text, width, job.id.as_str(), job.state.as_str(), &simulations, &submitted);
    }
    let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    let (jobs, workers) = (count(listing.jobs.len(), "job"), count(listing.workers, "worker"));
    for worker in &listing.worker_list {
        if let Some(slowness) = worker.straggler {
            let WorkerStatus { id, process_id, host_name, .. } = worker;
            writeln!(
                text,
                "worker {id} (process {process_id} on {host_name}) holds the others up: it takes \
                 {slowness:.1} times as long as they do"
            )
            .expect("a string takes any text");
        }
    }
    text + &format!("{jobs}, {workers}\n")
}

fn write_row(
    text: &mut String,
    width: usize,
    id: &str,
    state: &str,
    simulations: &str,
    submitted: &str,
) {
    writeln!(text, "{id:<width$}  {state:<9}  {simulations:>15}  {submitted}")
        .expect("a string takes any text");
}
