//! From a spec to what the job machine runs.

use std::sync::Arc;

use kaskade_engine::job::{
    JobSetup, MemoryShape, ShardLoad, WorkerInfo, fitting_lane_words, lane_words,
};
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::dynamics::{Measure, NodeTraits};
use kaskade_model::job::JobPlan;
use kaskade_model::lanes::MAX_LANE_WORDS;
use kaskade_model::recording::Recording;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::Spec;
use kaskade_model::tally::JobTally;
use kaskade_model::{Epoch, JobId};
use kaskade_results::GraphSummary;
use kaskade_store::{Graph, Views};

use crate::error::CoordinatorError;
use crate::job_log::Planned;
use crate::registry::Registry;

/// A job ready to run, and what its summary says of the graph.
#[derive(Clone, Debug)]
pub(crate) struct PlannedJob {
    pub(crate) setup: JobSetup,
    pub(crate) graph: GraphSummary,
    /// What is measured besides activations.
    pub(crate) measures: Vec<Measure>,
    /// What the nodes are called, where the result names some.
    pub(crate) nodes: Option<Arc<Graph>>,
}

/// What is planned.
#[derive(Clone, Debug)]
pub(crate) struct PlanRequest {
    pub(crate) job: JobId,
    pub(crate) spec: Spec,
    /// What an earlier run of the coordinator fixed.
    pub(crate) planned: Option<Planned>,
    pub(crate) last_epoch: Epoch,
    pub(crate) finished: JobTally,
    /// Those that are there, by whose number and memory the width of batches is chosen.
    pub(crate) workers: Vec<WorkerInfo>,
}

/// Reads the graph's nodes and resolves the seeds: takes as long as that takes.
pub(crate) fn plan(
    registry: &Registry,
    request: PlanRequest,
) -> Result<PlannedJob, CoordinatorError> {
    let PlanRequest { job, spec, planned, last_epoch, finished, workers } = request;
    let name = spec.graph.name.clone().unwrap_or_default();
    let graph = registry.open_nodes(&name)?;
    let manifest = graph.manifest();
    if let Some(planned) = planned.as_ref().filter(|p| p.graph_digest != manifest.digest) {
        return Err(CoordinatorError::GraphChanged {
            graph: name,
            expected: planned.graph_digest.clone(),
            found: manifest.digest.clone(),
        });
    }
    manifest.require(&registry.path(&name)?, Views::Out)?;
    let shards = manifest.shards.iter().map(|entry| ShardLoad {
        shard: entry.shard,
        n_nodes: entry.nodes.n_nodes() as u64,
        n_arcs: entry.n_arcs,
        n_bytes: entry.file_bytes,
    });
    let shards: Vec<ShardLoad> = shards.collect();
    let lane_words = match planned {
        Some(planned) => (planned.lane_words as usize).clamp(1, MAX_LANE_WORDS),
        None => {
            let widest = lane_words(spec.run.simulations, workers.len());
            // A spec that has none is refused when it is resolved, below.
            let coins = spec.coin_family().ok();
            let dynamics = spec.dynamics().ok();
            let dynamics = dynamics.as_ref();
            let model = spec.live_arc_model().ok();
            let node_bytes = dynamics.map_or(0, NodeTraits::bytes_per_node)
                + model.as_ref().map_or(0, LiveArcModel::endpoint_bytes);
            let chooses = model.as_ref().is_some_and(LiveArcModel::chooses_in_arcs);
            let shape = MemoryShape::in_cluster(&shards, widest);
            let shape = MemoryShape { coins, dynamics, node_bytes, chooses, ..shape };
            fitting_lane_words(shape, spec.run.placement, &workers)
        }
    };
    let plan = JobPlan::resolve(&spec, &graph, lane_words)?;
    let is_named = plan.recording != Recording::default();
    Ok(PlannedJob {
        measures: plan.dynamics.measures(),
        setup: JobSetup {
            job,
            graph: name,
            graph_digest: manifest.digest.clone(),
            shard_table_digest: manifest.shard_table_digest(),
            plan,
            until: spec.run.until,
            shards,
            // `auto` is decided anew after a restart: the workers may be others.
            placement: spec.run.placement,
            first_epoch: Epoch(last_epoch.0 + 1),
            finished,
        },
        graph: GraphSummary {
            digest: manifest.digest.clone(),
            nodes: graph.n_nodes(),
            arcs: manifest.n_arcs,
        },
        nodes: is_named.then(|| Arc::new(graph)),
    })
}
