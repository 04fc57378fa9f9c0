//! `kaskade generate`.

use std::path::Path;
use std::time::Instant;

use kaskade_ingest::IngestError;
use kaskade_ingest::{GenerateTarget, Generated};
use kaskade_store::names::GRAPH_SUFFIX;
use serde::Serialize;

use super::build::directory_spec;
use super::info::{GraphInfo, describe, table};
use super::progress::IngestProgress;
use crate::args::generate::GenerateArgs;
use crate::console::Console;
use crate::error::CliError;

/// Draws a graph into a graph directory or a file.
pub(super) fn generate(args: &GenerateArgs, console: &Console) -> Result<(), CliError> {
    let pool = super::thread_pool(args.threads)?;
    let target = if is_graph_directory(&args.out) {
        GenerateTarget::Directory(directory_spec(&args.directory, args.out.clone()))
    } else {
        GenerateTarget::File { path: args.out.clone(), force: args.directory.force }
    };
    let started = Instant::now();
    let progress = IngestProgress::new(console);
    let generated = pool.install(|| kaskade_ingest::generate(&args.spec(), &target, &progress));
    drop(progress);
    let generated = generated.map_err(|error| match error {
        IngestError::Generator(error) => CliError::of_flag(&error),
        error => error.into(),
    })?;
    console.note(&format!("generated in {:.1} s", started.elapsed().as_secs_f64()));
    match generated {
        Generated::Directory(manifest) => {
            console.result(&GraphInfo::of(&manifest), || describe(&args.out, &manifest))
        }
        Generated::File { n_nodes, n_arcs } => {
            let file = FileInfo { nodes: n_nodes, arcs: n_arcs };
            console.result(&file, || {
                table(&[
                    ("file", args.out.display().to_string()),
                    ("nodes", n_nodes.to_string()),
                    ("arcs", format!("{n_arcs} drawn, equal ones and self-loops included")),
                ])
            })
        }
    }
}

/// What `--json` prints of a file of arcs.
#[derive(Debug, Serialize)]
struct FileInfo {
    nodes: u32,
    arcs: u64,
}

/// Whether `path` asks for a graph directory: it ends in `.kg` or `/`.
fn is_graph_directory(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
        || path.extension().is_some_and(|suffix| suffix == GRAPH_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_tell_directories_from_files() {
        assert!(is_graph_directory(Path::new("a/b.kg")));
        assert!(is_graph_directory(Path::new("a/b/")));
        assert!(!is_graph_directory(Path::new("a.kg/b.txt.gz")));
        assert!(!is_graph_directory(Path::new("kg")));
    }
}
