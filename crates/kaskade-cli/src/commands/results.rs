//! `kaskade results`.

use std::path::Path;

use kaskade_model::JobId;
use kaskade_results::{FileKind, ResultFile, check_target, write_directory};
use kaskade_rpc::file::Progress;
use kaskade_rpc::jobs::ResultChunk;
use kaskade_rpc::{ErrorCode, RpcError, limits};
use serde::Serialize;

use super::connection::{self, block_on};
use crate::args::client::{ClientArgs, ResultsArgs};
use crate::console::Console;
use crate::error::CliError;

/// Fetches the result directory of a job.
pub(super) fn results(args: &ResultsArgs, console: &Console) -> Result<(), CliError> {
    // Refused before the transfer, not after it.
    check_target(&args.out, args.force)?;
    let files = block_on(fetch(&args.job.client, &args.job.id))?;
    write_directory(&args.out, &files, args.force)?;
    let fetched = Fetched {
        job: &args.job.id,
        out: &args.out,
        files: files.iter().map(|file| file.kind.name()).collect(),
    };
    console.result(&fetched, || format!("{}\n", args.out.display()))
}

/// What `--json` prints of results that were fetched.
#[derive(Debug, Serialize)]
struct Fetched<'a> {
    job: &'a JobId,
    out: &'a Path,
    files: Vec<&'static str>,
}

/// The files of a job's result, whole but not yet checked against their manifest.
///
/// # Errors
/// [`CliError::Rpc`] from the coordinator, or when a file did not arrive whole.
pub(super) async fn fetch(client: &ClientArgs, id: &JobId) -> Result<Vec<ResultFile>, CliError> {
    let mut jobs = connection::jobs(client).await?;
    let mut chunks = jobs.results(limits::request(id.clone().into())).await?.into_inner();
    let mut incoming: Vec<Incoming> = Vec::new();
    while let Some(chunk) = chunks.message().await? {
        let ResultChunk { name, chunk } = chunk.try_into()?;
        let kind: FileKind = name.as_str().parse()?;
        if incoming.last().is_none_or(|file| file.kind != kind) {
            let progress = Progress::from_offset(0);
            incoming.push(Incoming { kind, progress, bytes: Vec::new() });
        }
        let file = incoming.last_mut().expect("one was pushed if there was none");
        file.progress.accept(&chunk)?;
        file.bytes.extend_from_slice(&chunk.data);
    }
    match incoming.iter().find(|file| !file.progress.is_complete()) {
        Some(Incoming { kind, .. }) => {
            let text = format!("the results ended within {kind}: fetch them again");
            Err(RpcError::new(ErrorCode::DataLoss, text).into())
        }
        None => {
            let file = |Incoming { kind, bytes, .. }| ResultFile { kind, bytes };
            Ok(incoming.into_iter().map(file).collect())
        }
    }
}

/// A file of which some pieces are there.
#[derive(Debug)]
struct Incoming {
    kind: FileKind,
    progress: Progress,
    bytes: Vec<u8>,
}
