//! `kaskade verify`.

use kaskade_results::StoredResult;
use serde::Serialize;

use super::info::table;
use crate::args::result::VerifyResultArgs;
use crate::console::Console;
use crate::error::CliError;

/// Re-reads every byte of a result directory, and that its files are of one job.
pub(super) fn verify(args: &VerifyResultArgs, console: &Console) -> Result<(), CliError> {
    let result = StoredResult::read(&args.result)?;
    let verified = Verified {
        job: result.summary.job.as_str(),
        files: result.files.len(),
        bytes: result.files.iter().map(|file| file.bytes.len() as u64).sum(),
        simulations: result.summary.simulations,
        digest: &result.summary.digest,
    };
    console.result(&verified, || {
        table(&[
            ("sound", args.result.display().to_string()),
            ("job", verified.job.to_owned()),
            ("files", verified.files.to_string()),
            ("size", format!("{} bytes", verified.bytes)),
            ("simulations", verified.simulations.to_string()),
            ("digest", verified.digest.to_owned()),
        ])
    })
}

/// What `--json` prints of a sound result directory.
#[derive(Debug, Serialize)]
struct Verified<'a> {
    job: &'a str,
    files: usize,
    bytes: u64,
    simulations: u64,
    digest: &'a str,
}
