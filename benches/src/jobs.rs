//! A workload as a job of kaskade's: the one place where the benches build one.

use std::ops::Range;

use kaskade_engine::local::{self, LaneChoice, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::dynamics::Dynamics;
use kaskade_model::job::JobPlan;
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::JobTally;
use kaskade_store::MappedShard;

use crate::graphs::{BenchGraph, SEED};
use crate::workloads::Workload;

/// Simulations of a batch of the widest kind.
pub const FULL_BATCH: u64 = 512;

/// A job that is ready to run.
#[derive(Debug)]
pub struct Job {
    partition: Partition<std::sync::Arc<MappedShard>>,
    max_in_flight: usize,
    /// W, as `kaskade run` chooses it.
    pub lane_words: usize,
}

impl Job {
    /// `simulations` of `workload` from the benches' seeds, for the current rayon pool, with the
    /// coins and the lanes that `kaskade run` chooses.
    ///
    /// # Panics
    /// When the graph lacks what the model reads.
    #[must_use]
    pub fn new(graph: &BenchGraph, workload: Workload, simulations: Range<u64>) -> Self {
        let coins = if workload.model().is_sparse() { Family::Block } else { Family::Octet };
        Self::with_coins(graph, workload, simulations, coins)
    }

    /// As [`Job::new`], with coins of `family`.
    ///
    /// # Panics
    /// As [`Job::new`].
    #[must_use]
    pub fn with_coins(
        graph: &BenchGraph,
        workload: Workload,
        simulations: Range<u64>,
        coins: Family,
    ) -> Self {
        let n_simulations = simulations.end - simulations.start;
        let n_threads = rayon::current_num_threads();
        let lanes = LaneChoice::auto(n_simulations, n_threads, u64::MAX, |_| 0);
        let plan = JobPlan {
            model: workload.model(),
            dynamics: Dynamics::default(),
            coins,
            seed: SEED,
            seeds: SeedPlan::Fixed(graph.seeds().iter().copied().collect()),
            n_nodes: graph.n_nodes,
            first_simulation: simulations.start,
            n_simulations,
            max_rounds: None,
            recording: Recording::default(),
            lane_words: lanes.lane_words,
        };
        let partition = Partition::alone(graph.shards.clone(), plan, Isa::detect(), u64::MAX);
        let partition = partition.expect("the model fits the graph");
        Self { partition, max_in_flight: lanes.max_in_flight, lane_words: lanes.lane_words }
    }

    /// Runs it as `kaskade run` does.
    ///
    /// # Panics
    /// Not unless the kernel is wrong: nothing interrupts the run.
    #[must_use]
    pub fn run(self) -> JobTally {
        local::run(self.partition, self.max_in_flight, &Unobserved).expect("nothing interrupts it")
    }
}

/// The sum of the spreads of all simulations.
#[must_use]
pub fn total_spread(tally: &JobTally) -> u64 {
    tally.rows().map(|row| row.spread()).sum()
}
