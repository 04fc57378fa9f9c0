//! `kaskade graph verify`.

use std::time::Instant;

use serde::Serialize;

use super::info::table;
use super::progress::with_byte_bar;
use crate::args::graph::VerifyArgs;
use crate::console::Console;
use crate::error::CliError;

/// Re-reads every byte of a graph directory.
pub(super) fn verify(args: &VerifyArgs, console: &Console) -> Result<(), CliError> {
    let pool = super::thread_pool(args.threads)?;
    let started = Instant::now();
    let report = with_byte_bar(console, "verifying", |progress| {
        pool.install(|| kaskade_store::verify(&args.dir, progress))
    })?;
    console.note(&format!("verified in {:.1} s", started.elapsed().as_secs_f64()));
    let verified = Verified {
        nodes: report.n_nodes,
        arcs: report.n_arcs,
        shards: report.n_shards,
        bytes: report.bytes,
        digest: report.digest,
    };
    console.result(&verified, || {
        table(&[
            ("sound", args.dir.display().to_string()),
            ("nodes", verified.nodes.to_string()),
            ("arcs", verified.arcs.to_string()),
            ("shards", verified.shards.to_string()),
            ("size", format!("{} bytes", verified.bytes)),
            ("digest", verified.digest.clone()),
        ])
    })
}

/// What `--json` prints of a sound graph directory.
#[derive(Debug, Serialize)]
struct Verified {
    nodes: u64,
    arcs: u64,
    shards: usize,
    bytes: u64,
    digest: String,
}
