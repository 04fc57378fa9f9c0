//! `kaskade rerun`.

use kaskade_results::{StoredResult, Summary};
use serde::Serialize;

use super::info::table;
use super::run::perform;
use crate::args::result::RerunArgs;
use crate::clock;
use crate::console::Console;
use crate::error::CliError;
use crate::spec_file::{Graph, Job};

/// Makes a result again, from its resolved spec and its graph, and compares the digests.
pub(super) fn rerun(args: &RerunArgs, console: &Console) -> Result<(), CliError> {
    let Summary { spec, graph, digest: expected, .. } = StoredResult::read(&args.result)?.summary;
    let source = &spec.graph;
    let place = match (&args.graph, &source.generate, &source.path) {
        (Some(dir), _, _) => Graph::Directory(dir.clone()),
        (None, Some(generate), _) => Graph::Generate(generate.clone()),
        (None, None, Some(path)) => Graph::Directory(path.into()),
        (None, None, None) => {
            let why = "the result does not say where its graph lies: name it with --graph DIR";
            return Err(CliError::Incomplete(why));
        }
    };
    let job = Job::of_result(spec, place);
    let id = clock::new_job_id();
    let (_, summary) = perform(&job, &args.engine, id, Some(&graph.digest), console)?;
    if summary.digest != expected {
        return Err(CliError::OtherResult { expected, found: summary.digest });
    }
    let again = Again {
        simulations: summary.simulations,
        seconds: summary.performance.seconds,
        digest: summary.digest,
    };
    console.result(&again, || {
        table(&[
            ("same", args.result.display().to_string()),
            ("simulations", again.simulations.to_string()),
            ("digest", again.digest.clone()),
        ])
    })
}

/// What `--json` prints of a result that came out the same.
#[derive(Debug, Serialize)]
struct Again {
    simulations: u64,
    seconds: f64,
    digest: String,
}
