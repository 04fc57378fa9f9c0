//! `kaskade graph export`.

use std::time::Instant;

use kaskade_ingest::ExportSpec;
use serde::Serialize;

use super::info::table;
use super::progress::{IngestProgress, open_verified};
use crate::args::graph::ExportArgs;
use crate::console::Console;
use crate::error::CliError;

/// Writes the arcs of a graph directory to a file.
pub(super) fn export(args: ExportArgs, console: &Console) -> Result<(), CliError> {
    let pool = super::thread_pool(args.threads)?;
    let started = Instant::now();
    let spec = ExportSpec {
        out: args.out,
        force: args.force,
        isolated_as_self_loops: args.isolated_as_self_loops,
        channel: args.channel,
    };
    let exported = pool.install(|| {
        let graph = open_verified(&args.dir, console)?;
        let progress = IngestProgress::new(console);
        Ok::<_, CliError>(kaskade_ingest::export(&graph, &args.dir, &spec, &progress)?)
    })?;
    console.note(&format!("exported in {:.1} s", started.elapsed().as_secs_f64()));
    if exported.n_omitted_nodes > 0 {
        console.note(&format!(
            "{} nodes have no arc and are not in the file: --isolated-as-self-loops writes them",
            exported.n_omitted_nodes
        ));
    }
    let info = ExportInfo {
        arcs: exported.n_arcs,
        self_loops: exported.n_self_loops,
        omitted_nodes: exported.n_omitted_nodes,
    };
    console.result(&info, || {
        table(&[
            ("file", spec.out.display().to_string()),
            ("arcs", exported.n_arcs.to_string()),
            ("self-loops", format!("{}, one a node without arcs", exported.n_self_loops)),
            ("left out", format!("{} nodes without arcs", exported.n_omitted_nodes)),
        ])
    })
}

/// What `--json` prints of an export.
#[derive(Debug, Serialize)]
struct ExportInfo {
    arcs: u64,
    self_loops: u64,
    omitted_nodes: u64,
}
