//! `kaskade rerun`.

use std::path::Path;

use kaskade_model::spec::Spec;
use kaskade_results::{StoredResult, Summary};
use kaskade_store::StoreError;
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
    let stored = StoredResult::read(&args.result)?.summary;
    let expected = digests(&stored);
    let Summary { spec, graph, .. } = stored;
    let place = place_of(&spec, args.graph.as_deref())?;
    let job = Job::of_result(spec, place);
    let id = clock::new_job_id();
    let (_, summary) = perform(&job, &args.engine, id, Some(&graph.digest), console)
        .map_err(|error| elsewhere(error, args.graph.as_deref()))?;
    for (expected, found) in expected.into_iter().zip(digests(&summary)) {
        if expected != found {
            return Err(CliError::OtherResult { expected, found });
        }
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

/// The digests of a result: of its simulations, its measures, its traced cascades and its nodes.
fn digests(summary: &Summary) -> [String; 4] {
    let Summary { digest, measures_digest, shape, reach, .. } = summary;
    [
        digest.clone(),
        measures_digest.clone().unwrap_or_default(),
        shape.as_ref().map(|shape| shape.digest.clone()).unwrap_or_default(),
        reach.as_ref().map(|reach| reach.digest.clone()).unwrap_or_default(),
    ]
}

/// Where the graph of a result's `spec` lies; `given` if it is.
pub(super) fn place_of(spec: &Spec, given: Option<&Path>) -> Result<Graph, CliError> {
    match (given, &spec.graph.generate, &spec.graph.path) {
        (Some(dir), _, _) => Ok(Graph::Directory(dir.to_owned())),
        (None, Some(generate), _) => Ok(Graph::Generate(generate.clone())),
        (None, None, Some(path)) => Ok(Graph::Directory(path.into())),
        (None, None, None) => {
            let why = "the result does not say where its graph lies: name it with --graph DIR";
            Err(CliError::Incomplete(why))
        }
    }
}

/// `error`, or the way on where the graph is no longer where the result's spec has it.
pub(super) fn elsewhere(error: CliError, given: Option<&Path>) -> CliError {
    match error {
        CliError::Store(StoreError::NotFound { path }) if given.is_none() => {
            CliError::GraphElsewhere { path }
        }
        error => error,
    }
}

/// What `--json` prints of a result that came out the same.
#[derive(Debug, Serialize)]
struct Again {
    simulations: u64,
    seconds: f64,
    digest: String,
}
