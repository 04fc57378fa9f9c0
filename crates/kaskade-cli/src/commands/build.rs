//! `kaskade graph build`.

use std::path::PathBuf;
use std::time::Instant;

use kaskade_ingest::spec::{BuildSpec, DirectorySpec, Input};

use super::info::{GraphInfo, describe};
use super::progress::IngestProgress;
use crate::args::graph::{BuildArgs, DirectoryArgs};
use crate::console::Console;
use crate::error::CliError;
use crate::machine;

/// The share of free memory that a build may take by itself.
const MEMORY_SHARE: f64 = 0.5;

/// Builds a graph directory and describes it.
pub(super) fn build(args: BuildArgs, console: &Console) -> Result<(), CliError> {
    let pool = super::thread_pool(args.threads)?;
    let spec = BuildSpec {
        inputs: args.inputs.into_iter().map(input).collect(),
        orientation: args.orientation,
        undirected: args.undirected,
        format: args.format,
        ids: args.ids,
        source_column: args.source_column,
        target_column: args.target_column,
        column: args.column,
        duplicates: args.duplicates,
        skip_bad_lines: args.skip_bad_lines,
        directory: directory_spec(&args.directory, args.out.clone()),
    };
    let started = Instant::now();
    let progress = IngestProgress::new(console);
    let manifest = pool.install(|| kaskade_ingest::build(&spec, &progress))?;
    drop(progress);
    console.note(&format!("built in {:.1} s", started.elapsed().as_secs_f64()));
    console.result(&GraphInfo::of(&manifest), || describe(&args.out, &manifest))
}

/// An input as it is named; `./-` is a file called so.
fn input(path: PathBuf) -> Input {
    if path.as_os_str() == "-" { Input::Stdin } else { Input::File(path) }
}

/// The directory `out` as `args` ask for it.
pub(super) fn directory_spec(args: &DirectoryArgs, out: PathBuf) -> DirectorySpec {
    DirectorySpec {
        out,
        order: args.order,
        n_shards: args.shards,
        views: args.views,
        compress: args.compress,
        memory_bytes: args.memory.resolve(machine::free_memory_bytes(), MEMORY_SHARE),
        temp_dir: args.temp_dir.clone(),
        force: args.force,
    }
}
