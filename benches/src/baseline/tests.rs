//! The contenders against the kernel, each other, and closed forms.

use kaskade_model::coin::Family;

use super::hashed::Hashed;
use super::skipping::Skipping;
use crate::csr::Csr;
use crate::graphs::BenchGraph;
use crate::jobs::{Job, total_spread};
use crate::memory::HugeVec;
use crate::workloads::Workload;

const WORKLOADS: [Workload; 5] = [
    Workload::ConstantCascade(0.01),
    Workload::ConstantCascade(0.1),
    Workload::ConstantCascade(1.0),
    Workload::WeightedCascade,
    Workload::LinearThreshold,
];

#[test]
fn hashed_runs_through_the_cascades_of_the_kernel() {
    let graph = BenchGraph::rmat(9);
    let csr = Csr::from_shards(&graph.shards);
    for workload in WORKLOADS {
        let mut hashed = Hashed::new(&csr, workload);
        // Twice: nothing of one run is left to the next.
        for simulations in [5..105, 0..64] {
            let plain = hashed.total_spread(graph.seeds(), simulations.clone());
            let tally = Job::with_coins(&graph, workload, simulations, Family::Arc).run();
            assert_eq!(plain, total_spread(&tally), "{workload}");
        }
    }
}

#[test]
fn skipping_has_the_mean_of_the_kernel() {
    let graph = BenchGraph::rmat(10);
    let csr = Csr::from_shards(&graph.shards);
    for workload in WORKLOADS {
        let n_simulations = 4000;
        let tally = Job::new(&graph, workload, 0..n_simulations).run();
        let expected = Sample::of(tally.rows().map(|row| row.spread()));
        let mut skipping = Skipping::new(&csr, workload, 11);
        let found = Sample::of((0..n_simulations).map(|_| skipping.total_spread(graph.seeds(), 1)));
        let error = 4.0 * expected.error_of_mean().hypot(found.error_of_mean());
        let off = (found.mean - expected.mean).abs();
        assert!(off <= error, "{workload}: {found:?}, {expected:?}");
        // The spreads vary alike, too: coins that are shared among nodes keep the mean.
        let ratio = (found.variance + 1e-9) / (expected.variance + 1e-9);
        assert!((0.8..1.25).contains(&ratio), "{workload}: {found:?}, {expected:?}");
    }
}

#[test]
fn both_agree_with_closed_forms() {
    // Sums of geometric series, and 1/in-degree on the way in and out of a hub.
    const LEAVES: u32 = 64;
    let path = of_arcs((0..200).map(|node| (node, node + 1)));
    let star = of_arcs((1..=LEAVES).map(|leaf| (0, leaf)));
    let in_star = of_arcs((0..LEAVES).map(|leaf| (leaf, LEAVES)));
    let half_in = 1.0 - (1.0 - 1.0 / f64::from(LEAVES)).powi(50);
    for (graph, workload, seeds, expected) in [
        (&path, Workload::ConstantCascade(0.9), vec![0], 10.0),
        (&path, Workload::ConstantCascade(0.1), vec![0], 10.0 / 9.0),
        (&path, Workload::WeightedCascade, vec![0], 201.0),
        (&path, Workload::LinearThreshold, vec![0], 201.0),
        (&star, Workload::ConstantCascade(0.05), vec![0], 1.0 + 0.05 * f64::from(LEAVES)),
        (&star, Workload::LinearThreshold, vec![0], 1.0 + f64::from(LEAVES)),
        (&in_star, Workload::WeightedCascade, (0..50).collect(), 50.0 + half_in),
        (&in_star, Workload::LinearThreshold, (0..50).collect(), 50.0 + 50.0 / 64.0),
        (&in_star, Workload::LinearThreshold, (0..LEAVES).collect(), f64::from(LEAVES) + 1.0),
    ] {
        let mut hashed = Hashed::new(graph, workload);
        let mut skipping = Skipping::new(graph, workload, 5);
        for sample in [
            Sample::of((0..20_000).map(|i| hashed.total_spread(&seeds, i..i + 1))),
            Sample::of((0..20_000).map(|_| skipping.total_spread(&seeds, 1))),
        ] {
            let error = 4.0 * sample.error_of_mean() + 1e-9;
            let off = (sample.mean - expected).abs();
            assert!(off <= error, "{workload}, {expected}: {sample:?}");
        }
    }
}

/// The graph of `arcs`, which ascend.
fn of_arcs(arcs: impl Iterator<Item = (u32, u32)>) -> Csr {
    let arcs: Vec<(u32, u32)> = arcs.collect();
    let n_nodes = arcs.iter().map(|&(source, target)| source.max(target)).max().unwrap_or(0) + 1;
    let mut in_degrees = vec![0; n_nodes as usize];
    let in_ranks = arcs.iter().map(|&(_, target)| {
        in_degrees[target as usize] += 1;
        in_degrees[target as usize] - 1
    });
    let in_ranks = in_ranks.collect();
    let first_arcs = (0..=n_nodes).map(|node| arcs.partition_point(|arc| arc.0 < node) as u32);
    let targets: Vec<u32> = arcs.iter().map(|&(_, target)| target).collect();
    Csr {
        first_arcs: HugeVec::of(&first_arcs.collect::<Vec<_>>()),
        targets: HugeVec::of(&targets),
        in_ranks,
        in_degrees,
    }
}

/// Mean and variance of spreads.
#[derive(Debug)]
struct Sample {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    fn of(spreads: impl Iterator<Item = u64>) -> Self {
        let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for spread in spreads {
            n += 1.0;
            let off = spread as f64 - mean;
            mean += off / n;
            squares += off * (spread as f64 - mean);
        }
        Self { n, mean, variance: squares / (n - 1.0) }
    }

    fn error_of_mean(&self) -> f64 {
        (self.variance / self.n).sqrt()
    }
}
