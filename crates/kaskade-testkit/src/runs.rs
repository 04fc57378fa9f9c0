//! Plans, and graphs handed to the engine's in-process run.

use std::num::NonZeroUsize;
use std::sync::Arc;

use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::{Method, Partition};
use kaskade_model::coin::Family;
use kaskade_model::coin::Isa;
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::dynamics::{Dynamics, NoColumns, NodeColumns};
use kaskade_model::job::JobPlan;
use kaskade_model::lanes::MAX_LANE_WORDS;
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::{JobTally, SimulationRow};
use kaskade_model::{AnyShard, Shard};

use crate::ArcList;

/// The plan of simulations `0..n_simulations` of `model` from `seeds`, to extinction, with
/// job seed 1 and the widest batches. Tests change the fields that they are about.
#[must_use]
pub fn plan(graph: &ArcList, model: LiveArcModel, seeds: SeedPlan, n_simulations: u64) -> JobPlan {
    JobPlan {
        coins: if model.is_sparse() { Family::Block } else { Family::Octet },
        model,
        dynamics: Dynamics::default(),
        seed: 1,
        seeds,
        n_nodes: graph.n_nodes(),
        first_simulation: 0,
        n_simulations,
        max_rounds: None,
        recording: Recording::default(),
        lane_words: MAX_LANE_WORDS,
    }
}

/// The same seeds in every simulation.
#[must_use]
pub fn fixed_seeds(nodes: impl IntoIterator<Item = u32>) -> SeedPlan {
    SeedPlan::Fixed(nodes.into_iter().collect())
}

/// How a run is laid out; no field may change a bit of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Shards that the graph is cut into.
    pub n_shards: NonZeroUsize,
    /// Threads of the pool.
    pub n_threads: NonZeroUsize,
    /// Batches that hold state at a time. With fewer than threads, a batch's rounds run on
    /// the pool; else each batch runs on one thread.
    pub max_in_flight: NonZeroUsize,
    /// The instruction set of the coins.
    pub isa: Isa,
    /// The way that batches are computed.
    pub method: Method,
}

impl Layout {
    /// One shard, one thread, the widest instruction set.
    #[must_use]
    pub fn plain() -> Self {
        Self::new(1, 1, 1)
    }

    /// So many shards, threads and batches in flight.
    ///
    /// # Panics
    /// When one of them is 0.
    #[must_use]
    pub fn new(n_shards: usize, n_threads: usize, max_in_flight: usize) -> Self {
        let positive = |n| NonZeroUsize::new(n).expect("a layout has no zeros");
        Self {
            n_shards: positive(n_shards),
            n_threads: positive(n_threads),
            max_in_flight: positive(max_in_flight),
            isa: Isa::detect(),
            method: Method::Auto,
        }
    }
}

/// `shards` as the engine takes them.
#[must_use]
pub fn any_shards<S: Shard + 'static>(shards: Vec<S>) -> Vec<AnyShard> {
    shards.into_iter().map(|shard| Arc::new(shard) as AnyShard).collect()
}

/// The rows of `plan` on `graph`, on one shard and one thread.
///
/// # Panics
/// Like [`run_as`].
#[must_use]
pub fn run(graph: &ArcList, plan: &JobPlan) -> Vec<SimulationRow> {
    run_as(graph, plan, Layout::plain())
}

/// The rows of `plan` on `graph`, laid out as `layout` says.
///
/// # Panics
/// When the engine refuses the plan, or loses a simulation.
#[must_use]
pub fn run_as(graph: &ArcList, plan: &JobPlan, layout: Layout) -> Vec<SimulationRow> {
    tally_of(graph, plan, layout).rows().collect()
}

/// The whole tally of the same.
///
/// # Panics
/// Like [`run_as`].
#[must_use]
pub fn tally_of(graph: &ArcList, plan: &JobPlan, layout: Layout) -> JobTally {
    run_on(graph.shards(layout.n_shards.get()), graph.nodes(), plan, layout)
}

/// The rows of `plan` on `shards`, which are a whole graph, laid out as `layout` says but for
/// its number of shards.
///
/// # Panics
/// Like [`run_as`].
#[must_use]
pub fn run_shards(shards: Vec<AnyShard>, plan: &JobPlan, layout: Layout) -> Vec<SimulationRow> {
    run_on(shards, &NoColumns, plan, layout).rows().collect()
}

fn run_on(
    shards: Vec<AnyShard>,
    columns: &impl NodeColumns,
    plan: &JobPlan,
    layout: Layout,
) -> JobTally {
    let partition = Partition::join(shards, plan.clone(), layout.isa, u64::MAX, columns);
    let mut partition = partition.expect("the model fits the graph");
    partition.method = layout.method;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(layout.n_threads.get()).build();
    let pool = pool.expect("threads can be started");
    let run = || local::run(partition, layout.max_in_flight.get(), &Unobserved);
    let tally = pool.install(run).expect("nothing interrupts the run");
    let simulations = plan.first_simulation..plan.first_simulation + plan.n_simulations;
    assert!(tally.rows().map(|row| row.simulation).eq(simulations), "a simulation is missing");
    tally
}
