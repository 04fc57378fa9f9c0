//! Graph directories made of arc lists, and jobs on them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub use kaskade_ingest::NodeTables;
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{BuildSpec, DirectorySpec};
use kaskade_model::dynamics::Audience;
use kaskade_model::job::JobPlan;
use kaskade_model::lanes::MAX_LANE_WORDS;
use kaskade_model::spec::{
    GraphSource, LaunchSpec, ModelSpec, OriginalId, RunSpec, SPEC_VERSION, SeedSpec, Spec,
};
use kaskade_model::tally::SimulationRow;
use kaskade_store::{Graph, ShardSelection, Verify};

use crate::runs::{Layout, any_shards, run_shards};
use crate::{Arc, ArcList};

/// What `graph build` does with `inputs` when no flag is given.
#[must_use]
pub fn build_spec(inputs: Vec<PathBuf>, out: PathBuf) -> BuildSpec {
    let inputs = inputs.into_iter().map(Into::into).collect();
    BuildSpec::of(inputs, DirectorySpec::at(out))
}

/// Writes `arcs` as text, a line each in the order given, with the value of `graph`'s column
/// where it has one.
///
/// # Panics
/// When the file cannot be written.
pub fn write_text(path: &Path, graph: &ArcList, arcs: impl IntoIterator<Item = Arc>) {
    let mut text = String::new();
    for arc in arcs {
        write!(text, "{} {}", arc.source, arc.target).expect("a string takes text");
        if let (Some(column), Ok(position)) = (graph.column(), graph.arcs().binary_search(&arc)) {
            write!(text, " {}", column[position]).expect("a string takes text");
        }
        text.push('\n');
    }
    fs::write(path, text).expect("the scratch folder can be written to");
}

/// Builds the directory of `spec` and opens it, fully verified.
///
/// # Panics
/// When it cannot be built or opened.
#[must_use]
pub fn build(spec: &BuildSpec) -> Graph {
    kaskade_ingest::build(spec, &Unwatched).expect("the graph can be built");
    open(&spec.directory.out)
}

/// Opens the graph directory `path`, fully verified.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn open(path: &Path) -> Graph {
    let graph = Graph::open(path, ShardSelection::All, Verify::Full, &|_, _| {});
    graph.expect("the graph can be opened")
}

/// The spec of `n_simulations` of `model` from `seeds`, everything else at its default.
#[must_use]
pub fn job(model: ModelSpec, seeds: SeedSpec, n_simulations: u64) -> Spec {
    let run = RunSpec { simulations: n_simulations, ..RunSpec::default() };
    Spec {
        version: SPEC_VERSION,
        graph: GraphSource::default(),
        model,
        seeds,
        audience: Audience::default(),
        launch: LaunchSpec::default(),
        push: Vec::new(),
        channel: Vec::new(),
        rival: Vec::new(),
        run,
    }
}

/// Seeds by original id.
#[must_use]
pub fn seed_ids(ids: impl IntoIterator<Item = u64>) -> SeedSpec {
    SeedSpec::Ids(ids.into_iter().map(OriginalId::Number).collect())
}

/// `spec` resolved against `graph`, in the widest batches.
///
/// # Panics
/// When the spec does not suit the graph.
#[must_use]
pub fn plan(spec: &Spec, graph: &Graph) -> JobPlan {
    let spec = spec.clone().resolve().expect("the spec is valid");
    JobPlan::resolve(&spec, graph, MAX_LANE_WORDS).expect("the spec suits the graph")
}

/// The rows of `spec` on `graph`, whose shards are those of the directory.
///
/// # Panics
/// Like [`plan`] and [`run_shards`].
#[must_use]
pub fn run(spec: &Spec, graph: Graph, layout: Layout) -> Vec<SimulationRow> {
    let plan = plan(spec, &graph);
    run_shards(any_shards(graph.into_shards()), &plan, layout)
}
