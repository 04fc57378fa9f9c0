//! `kaskade graph build`.

use std::path::PathBuf;
use std::time::Instant;

use kaskade_ingest::NodeTables;
use kaskade_ingest::spec::{BuildSpec, DirectorySpec, Input};
use kaskade_rpc::machine;

use super::info::{GraphInfo, describe};
use super::progress::IngestProgress;
use crate::args::graph::{BuildArgs, ChannelInput, DirectoryArgs, NodeArgs};
use crate::console::Console;
use crate::error::CliError;

/// The share of free memory that a build may take by itself.
const MEMORY_SHARE: f64 = 0.5;

/// Builds a graph directory and describes it.
pub(super) fn build(args: BuildArgs, console: &Console) -> Result<(), CliError> {
    let pool = super::thread_pool(args.threads)?;
    let (mut channels, mut channel_of, mut paths) = (Vec::new(), Vec::new(), args.inputs);
    for ChannelInput { name, path } in args.channel {
        let place = channels.iter().position(|known| *known == name).unwrap_or(channels.len());
        if place == channels.len() {
            channels.push(name);
        }
        // More than 8 are refused by the build.
        channel_of.push(u8::try_from(place).unwrap_or(u8::MAX));
        paths.push(path);
    }
    let spec = BuildSpec {
        inputs: paths.into_iter().map(input).collect(),
        channels,
        channel_of,
        channel_column: args.channel_column,
        orientation: args.orientation,
        undirected: args.undirected,
        format: args.format,
        ids: args.ids,
        source_column: args.source_column,
        target_column: args.target_column,
        column: args.column,
        duplicates: args.duplicates,
        skip_bad_lines: args.skip_bad_lines,
        directory: DirectorySpec {
            nodes: node_tables(&args.nodes),
            ..directory_spec(&args.directory, args.out.clone())
        },
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

/// The tables of node columns that `args` name.
fn node_tables(args: &NodeArgs) -> Option<NodeTables> {
    let NodeArgs { nodes, nodes_key, nodes_types } = args;
    let types = nodes_types.iter().map(|asked| (asked.name.clone(), asked.kind)).collect();
    let tables = NodeTables { paths: nodes.clone(), key: nodes_key.clone(), types };
    (!tables.paths.is_empty()).then_some(tables)
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
        nodes: None,
        force: args.force,
    }
}
