//! Frontiers as workers exchange them: what their bytes are beside what any code needs.
//!
//! A job runs in lockstep on the partitions of a group, in one process, and every slice that a worker
//! would send is encoded. What any code needs is log₂ of the number of sets that it must
//! tell apart: for `k` ids of a range all of which are as likely, log₂ C(range, k); for a mask with
//! `p` of its lanes set, log₂ C(lanes, p). A range is a shard's part of 2¹⁶ aligned ids, which needs
//! less than the sender's nodes as a whole: some shards are hubs, others leaves.

use std::sync::Arc;

use kaskade_engine::kernel::Parallelism;
use kaskade_engine::partition::{BatchRun, Partition};
use kaskade_engine::slice::{self, Slice};
use kaskade_model::coin::{Family, Isa};
use kaskade_model::dynamics::Dynamics;
use kaskade_model::job::JobPlan;
use kaskade_model::lanes::{LANES_PER_WORD, count_lanes};
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::ChunkCounts;
use kaskade_model::{BatchId, NodeRange, Shard};

use crate::graphs::{BenchGraph, SEED};
use crate::workloads::Workload;

/// What slices took, in bits, and what they would take at least.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bits {
    /// Nodes.
    pub n_nodes: u64,
    /// (node, lane) pairs.
    pub n_activations: u64,
    /// All bits of all payloads.
    pub sent: f64,
    /// Those of ids and headers.
    pub ids_sent: f64,
    /// What the ids need.
    pub id_bound: f64,
    /// What the masks need.
    pub mask_bound: f64,
    /// Blocks by the encoding of their ids.
    pub chunks: ChunkCounts,
}

/// What ids may take beside what they need.
pub const MAX_ID_RATIO: f64 = 1.6;

/// What masks may take beside what they need.
pub const MAX_MASK_RATIO: f64 = 2.0;

impl Bits {
    /// What ids and headers took over what ids need.
    #[must_use]
    pub fn id_ratio(&self) -> f64 {
        self.ids_sent / self.id_bound
    }

    /// What the masks took over what they need.
    #[must_use]
    pub fn mask_ratio(&self) -> f64 {
        (self.sent - self.ids_sent) / self.mask_bound
    }

    /// All of it over what all of it needs.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.sent / (self.id_bound + self.mask_bound)
    }

    /// Whether both are as small as they must be.
    #[must_use]
    pub fn is_within_bounds(&self) -> bool {
        self.id_ratio() <= MAX_ID_RATIO && self.mask_ratio() <= MAX_MASK_RATIO
    }

    fn add(&mut self, other: &Self) {
        self.n_nodes += other.n_nodes;
        self.n_activations += other.n_activations;
        self.sent += other.sent;
        self.id_bound += other.id_bound;
        self.mask_bound += other.mask_bound;
        self.ids_sent += other.ids_sent;
        self.chunks += other.chunks;
    }
}

/// The sum over all rounds.
#[must_use]
pub fn total(rounds: &[Bits]) -> Bits {
    let mut total = Bits::default();
    rounds.iter().for_each(|round| total.add(round));
    total
}

/// Runs one batch with W words of `workload` on `n_workers` in lockstep; gives the bits of every round,
/// summed over its slices.
///
/// # Panics
/// When the graph lacks what the model reads.
#[must_use]
pub fn record<const W: usize>(
    graph: &BenchGraph,
    workload: Workload,
    n_workers: usize,
) -> Vec<Bits> {
    let model = workload.model();
    let plan = JobPlan {
        dynamics: Dynamics::default(),
        coins: if model.is_sparse() { Family::Block } else { Family::Octet },
        model,
        seed: SEED,
        seeds: SeedPlan::Fixed(graph.seeds().iter().copied().collect()),
        n_nodes: graph.n_nodes,
        first_simulation: 0,
        n_simulations: (W * LANES_PER_WORD) as u64,
        max_rounds: None,
        recording: Recording::default(),
        lane_words: W,
    };
    let batch = plan.batch(BatchId(0));
    let mut runs: Vec<_> = (0..n_workers)
        .map(|worker| {
            let own = graph.shards.iter().skip(worker).step_by(n_workers).map(Arc::clone);
            let partition = Partition::new(own.collect(), plan.clone(), Isa::detect());
            let partition = Arc::new(partition.expect("the model fits the graph"));
            let ranges: Vec<NodeRange> = partition.shards.iter().map(Shard::nodes).collect();
            let states = partition.new_states::<W>();
            let run = BatchRun::begin(partition, batch, states);
            (run.expect("the model was checked"), ranges)
        })
        .collect();
    let mut rounds = Vec::new();
    while runs.iter().any(|(run, _)| run.n_new() > 0) {
        let mut of_round = Bits::default();
        for (run, ranges) in &runs {
            of_round.add(&bits_of(run.frontier(), ranges));
        }
        rounds.push(of_round);
        let frontiers: Vec<Vec<Slice<W>>> =
            runs.iter().map(|(run, _)| run.frontier().to_vec()).collect();
        for (own, (run, _)) in runs.iter_mut().enumerate() {
            let others = frontiers.iter().enumerate().filter(|(worker, _)| *worker != own);
            let remote: Vec<Slice<W>> = others.flat_map(|(_, slices)| slices.clone()).collect();
            run.step(&remote, Parallelism::Pool).expect("the model was checked");
        }
    }
    rounds
}

fn bits_of<const W: usize>(frontier: &[Slice<W>], own: &[NodeRange]) -> Bits {
    let encoded = slice::encode(frontier);
    // With masks that are all the same, as which they take so many bits a block: an encoding, a
    // length, how many lanes, and which one.
    let bits_of_same = 8.0 * (3.0 + (1.0 + f64::from((LANES_PER_WORD * W).ilog2())) / 8.0).ceil();
    let mut first_lane = [0; W];
    first_lane[0] = 1;
    let ids_alone = frontier.iter().map(|slice| {
        let nodes = slice.nodes.clone();
        Slice { masks: vec![first_lane; nodes.len()], nodes }
    });
    let ids_alone = slice::encode(&ids_alone.collect::<Vec<_>>());
    let n_blocks = encoded.counts.list + encoded.counts.roaring + encoded.counts.dense;
    let mut bits = Bits {
        n_nodes: frontier.iter().map(|slice| slice.n_nodes() as u64).sum(),
        n_activations: frontier.iter().map(Slice::n_activations).sum(),
        sent: 8.0 * encoded.n_bytes() as f64,
        ids_sent: 8.0 * ids_alone.n_bytes() as f64 - bits_of_same * n_blocks as f64,
        chunks: encoded.counts,
        ..Bits::default()
    };
    for mask in frontier.iter().flat_map(|slice| &slice.masks) {
        bits.mask_bound += log2_choose((W * LANES_PER_WORD) as u64, count_lanes(mask));
    }
    for (slice, range) in frontier.iter().zip(own) {
        let mut rest = &slice.nodes[..];
        while let Some(&first) = rest.first() {
            let begin = (first & !0xffff).max(range.begin);
            let end = (u64::from(first | 0xffff) + 1).min(u64::from(range.end));
            let n = rest.partition_point(|&node| u64::from(node) < end);
            bits.id_bound += log2_choose(end - u64::from(begin), n as u64);
            rest = &rest[n..];
        }
    }
    bits
}

/// log₂ of the number of sets of `k` of `n` things.
#[must_use]
pub fn log2_choose(n: u64, k: u64) -> f64 {
    (log_factorial(n) - log_factorial(k) - log_factorial(n - k)) / std::f64::consts::LN_2
}

/// ln n!, by Stirling's series where a sum would be long.
fn log_factorial(n: u64) -> f64 {
    if n < 64 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphs::GraphChoice;

    /// Rounds with fewer nodes are a few messages of some bytes: headers.
    const MIN_NODES: u64 = 1000;

    #[test]
    fn frontiers_take_little_more_than_they_must() {
        let choices = [GraphChoice::WikiVote, GraphChoice::Rmat(16)];
        for graph in choices.into_iter().filter_map(BenchGraph::try_new) {
            for workload in [Workload::ConstantCascade(0.01), Workload::WeightedCascade] {
                for rounds in [record::<1>(&graph, workload, 3), record::<8>(&graph, workload, 3)] {
                    let name = &graph.name;
                    let all = total(&rounds);
                    assert!(all.is_within_bounds(), "{name}, {workload}: {all:?}");
                    // The seeds have all lanes, which takes no bits at all.
                    for round in rounds.iter().skip(1).filter(|round| round.n_nodes >= MIN_NODES) {
                        assert!(round.is_within_bounds(), "{name}, {workload}: {round:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn sets_are_counted() {
        assert!((log2_choose(64, 1) - 6.0).abs() < 1e-9);
        assert!((log2_choose(64, 2) - 2016f64.log2()).abs() < 1e-9);
        assert!((log2_choose(1 << 16, 1) - 16.0).abs() < 1e-6);
        assert_eq!(log2_choose(64, 64), 0.0);
    }
}
