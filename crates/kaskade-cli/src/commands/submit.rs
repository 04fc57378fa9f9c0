//! `kaskade submit`.

use std::collections::BTreeSet;

use kaskade_model::JobId;
use kaskade_model::spec::Spec;
use kaskade_results::{
    FileKind, Manifest, ResultFile, ResultsError, Summary, check_target, table, write_directory,
};
use kaskade_rpc::jobs::Submission;
use kaskade_rpc::limits::{self, DOCUMENT_BYTES};
use serde::Serialize;

use super::connection::{self, block_on};
use super::follow::{ending, follow};
use super::{results, sweep};
use crate::args::client::SubmitArgs;
use crate::clock;
use crate::console::Console;
use crate::error::CliError;
use crate::spec_file::{self, Runner};

/// Gives a job to a coordinator and, if asked to, waits for its end and prints its summary.
pub(super) fn submit(
    args: &SubmitArgs,
    typed: &BTreeSet<String>,
    console: &Console,
) -> Result<(), CliError> {
    if let Some(sweep) = spec_file::read_sweep(&args.spec, typed, Runner::Cluster)? {
        return sweep::submit(&sweep, args, console);
    }
    let mut spec = spec_file::read(&args.spec, typed, Runner::Cluster)?.spec;
    // A path of this machine means nothing to the coordinator.
    spec.run.out = None;
    if let Some(out) = &args.out {
        check_target(out, args.force)?;
    }
    let id = args.id.clone().unwrap_or_else(clock::new_job_id);
    let waits = (args.wait || args.out.is_some()) && !args.no_wait;
    block_on(async {
        let already_known = hand_in(args, &id, &spec).await?;
        if already_known {
            console.note(&format!("job {id} was there already, its own spec stands"));
        }
        if args.parsable {
            console.data(&format!("{id}\n"))?;
        } else if !waits {
            let submitted = Submitted { id: &id, already_known };
            console.result(&submitted, || format!("submitted job {id}\n"))?;
            say_next_steps(args, &id, console);
        } else {
            console.note(&format!("submitted job {id}"));
        }
        if waits { wait(args, &id, console).await } else { Ok(()) }
    })
}

/// What `--json` prints of a job that was handed in.
#[derive(Debug, Serialize)]
struct Submitted<'a> {
    id: &'a JobId,
    already_known: bool,
}

/// Whether the coordinator had a job of this id already.
///
/// # Errors
/// [`CliError::TooLarge`], or [`CliError::Rpc`] from the coordinator.
pub(super) async fn hand_in(args: &SubmitArgs, id: &JobId, spec: &Spec) -> Result<bool, CliError> {
    let spec_json = serde_json::to_vec(spec).expect("a spec has a JSON form");
    if spec_json.len() > DOCUMENT_BYTES {
        let (bytes, limit) = (spec_json.len() as u64, DOCUMENT_BYTES);
        return Err(CliError::TooLarge { what: "the spec with its seeds".into(), bytes, limit });
    }
    let submission = Submission { job: id.clone(), spec_json: spec_json.into() };
    let mut jobs = connection::jobs(&args.client).await?;
    let reply = jobs.submit(limits::request(submission.into())).await?;
    Ok(reply.into_inner().already_known)
}

fn say_next_steps(args: &SubmitArgs, id: &JobId, console: &Console) {
    let steps = [
        ("follow it", format!("watch {id}")),
        ("fetch its results", format!("results {id} --out results/{id}")),
        ("stop it", format!("cancel {id}")),
    ];
    for (what, words) in steps {
        console.note(&format!("{what}: {}", args.client.command_line(&words)));
    }
}

/// Follows the job; when it succeeded, prints its summary and keeps its results if asked to.
async fn wait(args: &SubmitArgs, id: &JobId, console: &Console) -> Result<(), CliError> {
    let status = follow(&args.client, id, console).await?;
    ending(&status)?;
    if args.parsable && args.out.is_none() {
        return Ok(());
    }
    let files = results::fetch(&args.client, id).await?;
    Manifest::check(&files)?;
    if let Some(out) = &args.out {
        write_directory(out, &files, args.force)?;
        console.note(&format!("results in {}", out.display()));
    }
    if args.parsable {
        return Ok(());
    }
    let summary = summary_of(&files)?;
    console.result(&summary, || table(&summary))
}

/// The summary among the files of a result.
///
/// # Errors
/// [`ResultsError`] if there is none, or if it cannot be read.
pub(super) fn summary_of(files: &[ResultFile]) -> Result<Summary, ResultsError> {
    let file = FileKind::Summary;
    let found = files.iter().find(|found| found.kind == file);
    let bytes = &found.ok_or(ResultsError::MissingFile { file })?.bytes;
    serde_json::from_slice(bytes).map_err(|source| ResultsError::Unreadable { file, source })
}
