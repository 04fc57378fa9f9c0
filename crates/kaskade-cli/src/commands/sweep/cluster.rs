//! The points of a sweep as jobs of a coordinator, under ids that say what they are: handing the
//! same sweep in again hands in what is missing.

use std::time::Duration;

use kaskade_model::JobId;
use kaskade_model::spec::Spec;
use kaskade_model::status::{JobState, JobStatus};
use kaskade_results::summary::GraphSummary;
use kaskade_results::sweep::{SweepDirectory, SweptValue, point_id};
use kaskade_results::{Manifest, Summary};
use kaskade_rpc::graphs::GraphInfo;
use kaskade_rpc::{ErrorCode, RpcError, limits, pb};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::super::connection::{self, block_on};
use super::super::follow::{PATIENCE, RETRY_PAUSE, ending, follow};
use super::super::submit::{hand_in, summary_of};
use super::super::{results, status};
use super::{Done, directory_of, empty_table, job_id, print, row, say_coins};
use crate::args::client::{ClientArgs, SubmitArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::spec_file::Sweep;

/// Jobs of one point that ended badly, at most, before this command gives it up.
const MAX_ATTEMPTS: u32 = 100;

/// Hands the points of `sweep` to a coordinator and, if asked to, waits for all of them and makes
/// the table.
pub(in super::super) fn submit(
    sweep: &Sweep,
    args: &SubmitArgs,
    console: &Console,
) -> Result<(), CliError> {
    if args.id.is_some() {
        let text = "--id names one job; the points of a sweep have ids that say what they are";
        return Err(CliError::Usage(text.to_owned()));
    }
    let out = directory_of(sweep, args.out.as_deref(), args.force)?;
    // What the spec names is for `run`.
    let out = out.filter(|_| args.out.is_some());
    let waits = (args.wait || out.is_some()) && !args.no_wait;
    say_coins(sweep, console);
    let directory = out.as_deref().map(SweepDirectory::open).transpose()?;
    block_on(async {
        let graph = graph_of(&args.client, sweep).await?;
        // Who does not wait hears of it at once.
        let patience = if waits { PATIENCE } else { Duration::ZERO };
        let mut hand = Hand { args, console, patience, open: Vec::new() };
        let mut points = Vec::new();
        let (mut rows, mut n_found) = (vec![None; sweep.points.len()], 0);
        for (place, point) in sweep.points.iter().enumerate() {
            let id = point_id(&point.job.spec, &graph.digest);
            let held = directory.as_ref().map(|directory| directory.find(&id)).transpose()?;
            if let Some(summary) = held.flatten() {
                rows[place] = Some(row(id, point, &summary));
                n_found += 1;
                continue;
            }
            let (job, already_known) = hand.in_point(&id, &point.job.spec).await?;
            points.push(Handed { place, point: id, job, already_known, values: &point.values });
        }
        if !waits {
            return say_handed(args, &points, console);
        }
        if args.parsable {
            console.data(
                &points.iter().map(|handed| format!("{}\n", handed.job)).collect::<String>(),
            )?;
        }
        let mut failed = Vec::new();
        for handed in &points {
            let files = match hand.files_of(&handed.job).await {
                Ok(files) => files,
                Err(error @ (CliError::JobFailed { .. } | CliError::JobCancelled { .. })) => {
                    console.note(&error.to_string());
                    failed.push(error.to_string());
                    continue;
                }
                Err(error) => return Err(error),
            };
            let summary: Summary = summary_of(&files)?;
            if let Some(directory) = &directory {
                directory.keep(&handed.point, &files)?;
            }
            rows[handed.place] =
                Some(row(handed.point.clone(), &sweep.points[handed.place], &summary));
        }
        if let Some(why) = failed.first() {
            let (n_failed, n_points) = (failed.len(), sweep.points.len());
            return Err(CliError::PointsFailed { n_failed, n_points, why: why.clone() });
        }
        let mut table = empty_table(sweep, graph);
        table.rows.extend(rows.into_iter().flatten());
        if let Some(directory) = &directory {
            directory.write_table(&table)?;
        }
        if args.parsable {
            return Ok(());
        }
        let points_run = points.iter().filter(|handed| !handed.already_known).count();
        let points_kept = n_found + points.len() - points_run;
        print(&table, &Done { out: out.as_deref(), points_run, points_kept }, console)
    })
}

/// A point that the coordinator has.
#[derive(Debug, Serialize)]
struct Handed<'a> {
    #[serde(skip)]
    place: usize,
    point: String,
    job: JobId,
    already_known: bool,
    values: &'a [SweptValue],
}

fn say_handed(args: &SubmitArgs, points: &[Handed<'_>], console: &Console) -> Result<(), CliError> {
    #[derive(Serialize)]
    struct Printed<'a> {
        points: &'a [Handed<'a>],
    }
    let ids = || points.iter().map(|handed| format!("{}\n", handed.job)).collect::<String>();
    if args.parsable {
        return console.data(&ids());
    }
    console.result(&Printed { points }, ids)?;
    let n_new = points.iter().filter(|handed| !handed.already_known).count();
    console.note(&format!("{n_new} points handed in, {} known", points.len() - n_new));
    console.note("for the table, give the same command again with --out DIR");
    Ok(())
}

/// What the coordinator says of the graph of `sweep`.
async fn graph_of(client: &ClientArgs, sweep: &Sweep) -> Result<GraphSummary, CliError> {
    let name = sweep.points[0].job.spec.graph.name.as_deref().unwrap_or_default();
    let plain = name.strip_suffix(".kg").unwrap_or(name);
    let mut graphs = connection::graphs(client).await?;
    let request = limits::request(pb::ListGraphsRequest::default());
    let mut listed = graphs.list(request).await?.into_inner();
    while let Some(info) = listed.message().await? {
        let GraphInfo { name, digest, n_nodes: nodes, n_arcs: arcs, .. } = info.try_into()?;
        if name == plain {
            return Ok(GraphSummary { digest, nodes, arcs });
        }
    }
    let text = format!("there is no graph {plain:?}: register it with `kaskade graph push`");
    Err(RpcError::new(ErrorCode::NotFound, text).into())
}

/// Hands points in, and waits for them, through restarts of the coordinator.
struct Hand<'a> {
    args: &'a SubmitArgs,
    console: &'a Console,
    /// How long a coordinator may be away; none for who does not wait.
    patience: Duration,
    /// Jobs that may not have ended.
    open: Vec<JobId>,
}

impl Hand<'_> {
    /// The job of the point `id`, handed in if the coordinator does not have it, and whether it had.
    /// A job that failed or was cancelled, or is another user's, is not that of the point: then its
    /// next id is.
    async fn in_point(&mut self, id: &str, spec: &Spec) -> Result<(JobId, bool), CliError> {
        let mut spec = spec.clone();
        spec.run.out = None;
        for attempt in 1..=MAX_ATTEMPTS {
            let job = match attempt {
                1 => job_id(id),
                _ => job_id(&format!("{id}-{attempt}")),
            };
            let already_known = match self.in_job(&job, &spec).await {
                Ok(already_known) => already_known,
                Err(CliError::Rpc(error)) if error.code == ErrorCode::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            if already_known {
                let state = self.status(&job).await?.state;
                if matches!(state, JobState::Failed | JobState::Cancelled) {
                    continue;
                }
            }
            self.open.push(job.clone());
            return Ok((job, already_known));
        }
        let text =
            format!("{MAX_ATTEMPTS} jobs of the point {id} failed: see `kaskade status {id}`");
        Err(RpcError::new(ErrorCode::ResourceExhausted, text).into())
    }

    /// Hands `job` in; where the coordinator has no room for more of this user's jobs, once one of
    /// them has ended.
    async fn in_job(&mut self, job: &JobId, spec: &Spec) -> Result<bool, CliError> {
        loop {
            match self.patiently(|| hand_in(self.args, job, spec)).await {
                Err(CliError::Rpc(error))
                    if error.code == ErrorCode::ResourceExhausted
                        && !self.patience.is_zero()
                        && !self.open.is_empty() =>
                {
                    let oldest = self.open.remove(0);
                    self.end_of(&oldest).await?;
                }
                outcome => return outcome,
            }
        }
    }

    async fn status(&self, job: &JobId) -> Result<JobStatus, CliError> {
        self.patiently(|| status::of(&self.args.client, job)).await
    }

    /// Waits until `job` has ended, well or not.
    async fn end_of(&self, job: &JobId) -> Result<JobStatus, CliError> {
        self.patiently(|| follow(&self.args.client, job, self.console)).await
    }

    /// The files of `job`, once it has succeeded.
    async fn files_of(&self, job: &JobId) -> Result<Vec<kaskade_results::ResultFile>, CliError> {
        ending(&self.end_of(job).await?)?;
        let files = self.patiently(|| results::fetch(&self.args.client, job)).await?;
        Manifest::check(&files)?;
        Ok(files)
    }

    /// What `ask` gives, asked again while the coordinator does not answer: it may be starting again.
    async fn patiently<T, F: Future<Output = Result<T, CliError>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> Result<T, CliError> {
        let began = Instant::now();
        loop {
            match ask().await {
                Err(CliError::Rpc(error))
                    if error.is_retryable() && began.elapsed() < self.patience =>
                {
                    sleep(RETRY_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }
}
