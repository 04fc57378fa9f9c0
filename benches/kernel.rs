//! Whole jobs in one process: the round kernel, and the plain program beside it.
//!
//! Graph: R-MAT of scale 16 (65,536 nodes, about a million arcs), seed 1, from the nodes of
//! highest out-degree; job seed 1. Throughput is in simulations a second.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kaskade_benches::baseline;
use kaskade_benches::csr::Csr;
use kaskade_benches::graphs::{BenchGraph, SEED};
use kaskade_benches::labels::{on_rmat, thread_counts};
use kaskade_engine::local::{self, LaneChoice, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_model::coin::Isa;
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::job::JobPlan;

const SCALE: u32 = 16;

/// Simulations of the kernel: a full batch of the widest kind for each of two threads.
const N_SIMULATIONS: u64 = 1024;

/// Simulations of the plain program, which needs the same time for each.
const N_PLAIN_SIMULATIONS: u64 = 16;

const N_SEEDS: usize = 10;

const MODELS: [(&str, LiveArcModel); 5] = {
    use LiveArcModel::{IndependentCascade, LinearThreshold};
    [
        ("ic p=0.01", IndependentCascade(ArcProbability::Constant(0.01))),
        ("ic p=0.05", IndependentCascade(ArcProbability::Constant(0.05))),
        ("ic p=0.1", IndependentCascade(ArcProbability::Constant(0.1))),
        ("ic weighted-cascade", IndependentCascade(ArcProbability::WeightedCascade)),
        ("lt weighted-cascade", LinearThreshold(ArcWeight::WeightedCascade)),
    ]
};

fn kernel(criterion: &mut Criterion) {
    let graph = BenchGraph::rmat(SCALE);
    let csr = Csr::from_shards(&graph.shards);
    for (name, model) in MODELS {
        let mut group = criterion.benchmark_group(format!("kernel/{name}"));
        let plain = plan(&graph, model, N_PLAIN_SIMULATIONS);
        group.throughput(Throughput::Elements(N_PLAIN_SIMULATIONS));
        group.bench_function(BenchmarkId::new("one-at-a-time", on_rmat(SCALE, 1)), |bencher| {
            bencher.iter(|| baseline::total_spread(&csr, &plain).expect("the model fits"));
        });
        group.throughput(Throughput::Elements(N_SIMULATIONS));
        for n_threads in thread_counts() {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
            let pool = pool.expect("threads can be started");
            let plan = plan(&graph, model, N_SIMULATIONS);
            group.bench_function(BenchmarkId::new("lanes", on_rmat(SCALE, n_threads)), |bencher| {
                bencher.iter(|| pool.install(|| run(&graph, &plan)));
            });
        }
        group.finish();
    }
}

fn plan(graph: &BenchGraph, model: LiveArcModel, n_simulations: u64) -> JobPlan {
    JobPlan {
        model,
        seed: SEED,
        seeds: graph.seeds(N_SEEDS),
        n_nodes: graph.n_nodes,
        first_simulation: 0,
        n_simulations,
        max_rounds: None,
        lane_words: 1,
    }
}

/// Runs the job as `kaskade run` does.
fn run(graph: &BenchGraph, plan: &JobPlan) -> u64 {
    let n_threads = rayon::current_num_threads();
    let lanes = LaneChoice::auto(plan.n_simulations, plan.n_nodes, n_threads, u64::MAX);
    let plan = JobPlan { lane_words: lanes.lane_words, ..plan.clone() };
    let partition = Partition::new(graph.shards.clone(), plan, Isa::detect());
    let partition = partition.expect("the model fits the graph");
    let tally = local::run(partition, lanes.max_in_flight, &Unobserved);
    tally.expect("nothing interrupts the run").n_simulations()
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = kernel
}
criterion_main!(benches);
