//! Whole jobs in one process: the round kernel, and two plain programs beside it.
//!
//! wiki-Vote and NetHEPT where `../shared/data` has them, R-MAT of scale 16, or of 20 and 22 and
//! Barabási–Albert of 4 million nodes with `KASKADE_BENCH_FULL=1`; all with 16 shards, from the
//! 50 nodes of highest out-degree. Throughput is in simulations a second. `kernel-table` makes
//! the table of `docs/benchmarks.md`: there the contenders take turns.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main,
};
use kaskade_benches::baseline::hashed::Hashed;
use kaskade_benches::baseline::skipping::Skipping;
use kaskade_benches::csr::Csr;
use kaskade_benches::graphs::{BenchGraph, GraphChoice, SEED};
use kaskade_benches::jobs::{FULL_BATCH, Job};
use kaskade_benches::labels::{on, pool, thread_counts};
use kaskade_benches::workloads::Workload;

/// Simulations of a plain program, which needs the same time for each.
const N_PLAIN_SIMULATIONS: u64 = 16;

fn kernel(criterion: &mut Criterion) {
    for choice in GraphChoice::of_tables() {
        let Some(graph) = BenchGraph::new_or_said(choice) else { continue };
        let csr = Csr::from_shards(&graph.shards);
        for workload in Workload::ALL {
            let mut group = criterion.benchmark_group(format!("kernel/{workload}"));
            group.sampling_mode(SamplingMode::Flat);
            plain(&mut group, &graph, &csr, workload);
            lanes(&mut group, &graph, workload);
            group.finish();
        }
    }
}

fn plain(
    group: &mut BenchmarkGroup<'_, WallTime>,
    graph: &BenchGraph,
    csr: &Csr,
    workload: Workload,
) {
    group.throughput(Throughput::Elements(N_PLAIN_SIMULATIONS));
    let mut hashed = Hashed::new(csr, workload);
    group.bench_function(BenchmarkId::new("hashed", on(&graph.name, 1)), |bencher| {
        bencher.iter(|| hashed.total_spread(graph.seeds(), 0..N_PLAIN_SIMULATIONS));
    });
    let mut skipping = Skipping::new(csr, workload, SEED);
    group.bench_function(BenchmarkId::new("skipping", on(&graph.name, 1)), |bencher| {
        bencher.iter(|| skipping.total_spread(graph.seeds(), N_PLAIN_SIMULATIONS));
    });
}

/// A full batch of the widest kind for each thread.
fn lanes(group: &mut BenchmarkGroup<'_, WallTime>, graph: &BenchGraph, workload: Workload) {
    for n_threads in thread_counts() {
        let n_simulations = FULL_BATCH * n_threads as u64;
        group.throughput(Throughput::Elements(n_simulations));
        group.bench_function(BenchmarkId::new("kaskade", on(&graph.name, n_threads)), |bencher| {
            pool(n_threads).install(|| {
                bencher.iter(|| Job::new(graph, workload, 0..n_simulations).run().n_simulations());
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = kernel
}
criterion_main!(benches);
