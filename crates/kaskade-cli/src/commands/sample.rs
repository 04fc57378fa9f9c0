//! `kaskade graph sample`.

use std::time::Instant;

use kaskade_ingest::{SampleMethod, SampleSize, SampleSpec};

use super::build::directory_spec;
use super::info::{GraphInfo, describe};
use super::progress::{IngestProgress, open_verified};
use crate::args::graph::{SampleArgs, SampleChoice};
use crate::console::Console;
use crate::error::CliError;

/// Makes a smaller graph of a large one and describes it.
pub(super) fn sample(args: &SampleArgs, console: &Console) -> Result<(), CliError> {
    let pool = super::thread_pool(args.threads)?;
    let size = match (args.nodes, args.share) {
        (Some(n_nodes), _) => SampleSize::Nodes(n_nodes),
        (None, Some(share)) => SampleSize::Share(share),
        (None, None) => return Err(CliError::Usage("give --nodes or --share".to_owned())),
    };
    let method = match args.method {
        SampleChoice::Node => SampleMethod::Node,
        SampleChoice::ForestFire => {
            SampleMethod::ForestFire { forward: args.forward, backward: args.backward }
        }
    };
    let directory = directory_spec(&args.directory, args.out.clone());
    let spec = SampleSpec { size, method, seed: args.seed, directory };
    let started = Instant::now();
    let manifest = pool.install(|| {
        let graph = open_verified(&args.dir, console)?;
        if !graph.manifest().node_columns.is_empty() {
            console.note("a sample has no node columns: give --nodes to a build of its export");
        }
        let progress = IngestProgress::new(console);
        Ok::<_, CliError>(kaskade_ingest::sample(&graph, &args.dir, &spec, &progress)?)
    })?;
    console.note(&format!("sampled in {:.1} s", started.elapsed().as_secs_f64()));
    console.result(&GraphInfo::of(&manifest), || describe(&args.out, &manifest))
}
