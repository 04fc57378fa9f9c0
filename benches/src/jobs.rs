//! A workload as a job of kaskade's: the one place where the benches build one.

use std::ops::Range;

use kaskade_engine::local::{self, LaneChoice, Unobserved};
use kaskade_engine::partition::{Method, Partition};
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::dynamics::Dynamics;
use kaskade_model::job::JobPlan;
use kaskade_model::lanes::MAX_LANE_WORDS;
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::JobTally;

use crate::graphs::{BenchGraph, SEED};
use crate::workloads::Workload;

/// Simulations of a batch of the widest kind.
pub const FULL_BATCH: u64 = 512;

/// A job that is ready to run.
#[derive(Debug)]
pub struct Job {
    partition: Partition,
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
        Self::planned(graph, workload.model(), coins, simulations, |_| {})
    }

    /// `simulations` of `model` whose nodes do what `dynamics` says, round by round from the benches'
    /// seeds, until `max_rounds`: other methods know the classical cascade only.
    ///
    /// # Panics
    /// As [`Job::new`].
    #[must_use]
    pub fn forward(
        graph: &BenchGraph,
        model: &LiveArcModel,
        dynamics: &Dynamics,
        max_rounds: Option<u32>,
        simulations: Range<u64>,
    ) -> Self {
        let mut job = Self::planned(graph, model.clone(), Family::Octet, simulations, |plan| {
            plan.dynamics = dynamics.clone();
            plan.max_rounds = max_rounds;
            // What an arc costs depends on how many simulations look at it together.
            plan.lane_words = MAX_LANE_WORDS;
        });
        job.partition.method = Method::Forward;
        job
    }

    fn planned(
        graph: &BenchGraph,
        model: LiveArcModel,
        coins: Family,
        simulations: Range<u64>,
        change: impl FnOnce(&mut JobPlan),
    ) -> Self {
        let n_simulations = simulations.end - simulations.start;
        let n_threads = rayon::current_num_threads();
        let lanes = LaneChoice::auto(n_simulations, n_threads, u64::MAX, |_| 0);
        let mut plan = JobPlan {
            model,
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
        change(&mut plan);
        let lane_words = plan.lane_words;
        let partition = Partition::alone(graph.shards.clone(), plan, Isa::detect(), u64::MAX);
        let partition = partition.expect("the model fits the graph");
        Self { partition, max_in_flight: lanes.max_in_flight, lane_words }
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
