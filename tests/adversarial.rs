//! Traps that generators fall into whose every single coin is right (`reference/peers.md`
//! §1.1 and §7.5): coins shared between arcs, lanes, simulations or seeds.

use std::collections::HashSet;

use kaskade_model::coin::Family;
use kaskade_model::diffusion::{ArcProbability, LiveArcModel};
use kaskade_model::job::JobPlan;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::tally::SimulationRow;
use kaskade_testkit::accept::{Estimate, assert_mean, assert_same_mean};
use kaskade_testkit::oracle;
use kaskade_testkit::philox::Philox;
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run_as};
use kaskade_testkit::textbook::{self, Diffusion};
use kaskade_testkit::{ArcList, fixtures};

fn cascade(p: f64) -> LiveArcModel {
    LiveArcModel::IndependentCascade(ArcProbability::Constant(p))
}

/// Every way to draw coins falls into its own traps.
const FAMILIES: [Family; 3] = [Family::Arc, Family::Octet, Family::Block];

/// A job with coins of `coins`.
fn drawn(coins: Family, graph: &ArcList, p: f64, seeds: SeedPlan, n_simulations: u64) -> JobPlan {
    JobPlan { coins, ..plan(graph, cascade(p), seeds, n_simulations) }
}

fn spreads(
    coins: Family,
    graph: &ArcList,
    p: f64,
    seeds: SeedPlan,
    n_simulations: u64,
) -> Vec<u64> {
    let rows = run_as(graph, &drawn(coins, graph, p, seeds, n_simulations), Layout::new(1, 2, 2));
    rows.iter().map(SimulationRow::spread).collect()
}

/// InFuseR gives 4.50 here: simulations that share one random number among arcs with
/// consecutive ids live and die together.
#[test]
fn path_with_consecutive_ids() {
    for coins in FAMILIES {
        let spreads = spreads(coins, &fixtures::path(64), 0.5, fixed_seeds([0]), 1 << 18);
        assert_mean(
            &format!("{coins:?}, mean"),
            Estimate::of_counts(spreads.iter().copied()),
            oracle::path(64, 0.5),
        );
        for length in 1..=12 {
            let share = Estimate::of_share(spreads.iter().map(|&spread| spread == length));
            assert_mean(
                &format!("{coins:?}, P(spread = {length})"),
                share,
                0.5f64.powi(length as i32),
            );
        }
    }
}

/// Neo4j gives 151.7 here and 5.90 on the path: it starts the generator anew at every node.
#[test]
fn coins_are_not_shared_between_nodes() {
    for coins in FAMILIES {
        let path = spreads(coins, &fixtures::path(50), 0.1, fixed_seeds([0]), 1 << 17);
        assert_mean(&format!("{coins:?}, path"), Estimate::of_counts(path), oracle::path(50, 0.1));

        let graph = fixtures::out_regular(2000, 5, 1);
        let diffusion = Diffusion::of(&graph, &cascade(0.1));
        for seed in [0, 777, 1999] {
            let found = spreads(coins, &graph, 0.1, fixed_seeds([seed]), 1 << 17);
            let expected = textbook::spreads(&graph, &diffusion, &[seed], 1 << 17);
            let found = Estimate::of_counts(found);
            assert_same_mean(
                &format!("{coins:?}, seed {seed}"),
                found,
                Estimate::of_counts(expected),
            );
            // Σ (5 · 0.1)^i = 2 on a tree.
            assert!((1.9..2.03).contains(&found.mean), "seed {seed}: {}", found.mean);
        }
    }
}

/// InFuseR gives 1600 ± 0 where independent arcs give 1494 ± 3: one giant component for all.
#[test]
fn supercritical_graph_against_percolation() {
    let n_simulations = 1 << 12;
    let graph = fixtures::erdos_renyi(2000, 8.0, 1);
    let seeds: Vec<u32> = (0..5).collect();
    let expected: Vec<u64> =
        (0..n_simulations).map(|stream| percolate(&graph, 0.25, &seeds, stream)).collect();
    for coins in FAMILIES {
        let found = spreads(coins, &graph, 0.25, fixed_seeds(seeds.iter().copied()), n_simulations);
        let estimate = |spreads: &[u64]| Estimate::of_counts(spreads.iter().copied());
        assert_same_mean(&format!("{coins:?}, mean"), estimate(&found), estimate(&expected));

        // The spread of the giant component itself: a shared coin freezes it.
        let deviations = |spreads: &[u64]| {
            let mean = estimate(spreads).mean;
            Estimate::of(spreads.iter().map(|&spread| (spread as f64 - mean).powi(2)))
        };
        assert_same_mean(
            &format!("{coins:?}, variance"),
            deviations(&found),
            deviations(&expected),
        );
    }
}

/// The nodes in the components of `seeds` when every edge, both directions at once, is kept
/// with probability `p`: union-find, another generator.
fn percolate(graph: &ArcList, p: f64, seeds: &[u32], stream: u64) -> u64 {
    let mut philox = Philox::new(2, stream);
    let mut parents: Vec<u32> = (0..graph.n_nodes()).collect();
    fn root(parents: &mut [u32], mut node: u32) -> u32 {
        while parents[node as usize] != node {
            parents[node as usize] = parents[parents[node as usize] as usize];
            node = parents[node as usize];
        }
        node
    }
    for edge in graph.arcs().iter().filter(|arc| arc.source < arc.target) {
        if philox.uniform() < p {
            let (u, v) = (root(&mut parents, edge.source), root(&mut parents, edge.target));
            parents[u as usize] = v;
        }
    }
    let roots: Vec<u32> = seeds.iter().map(|&seed| root(&mut parents, seed)).collect();
    let reached = (0..graph.n_nodes()).filter(|&node| roots.contains(&root(&mut parents, node)));
    reached.count() as u64
}

/// The giant component of a finite graph is a few nodes off the limit: four too small for
/// the 3-regular graph below, by percolation with another generator on graphs of 4,000 and
/// 16,000 nodes alike.
const OFF_THE_LIMIT_NODES: f64 = 8.0;

#[track_caller]
fn assert_near_limit(what: &str, share: Estimate, limit: f64, n_nodes: u64) {
    let off = OFF_THE_LIMIT_NODES / n_nodes as f64;
    assert_mean(what, share, share.mean.clamp(limit - off, limit + off));
}

/// S = 1 − exp(−cpS): a random node starts an outbreak with probability S, which then
/// reaches the share S. Over several graphs, because the share differs between them.
#[test]
fn giant_component_of_random_graphs() {
    for coins in FAMILIES {
        let n_nodes = 4000;
        let shares = |graph: &dyn Fn(u64) -> ArcList, p: f64| {
            let per_graph = (0..16).map(|seed| {
                let spreads = spreads(coins, &graph(seed), p, SeedPlan::RandomEach(1), 2048);
                let outbreaks: Vec<u64> =
                    spreads.iter().copied().filter(|&spread| spread > n_nodes / 10).collect();
                let outbreak_share = outbreaks.len() as f64 / spreads.len() as f64;
                let mean_size =
                    outbreaks.iter().sum::<u64>() as f64 / outbreaks.len().max(1) as f64;
                (outbreak_share, mean_size / n_nodes as f64)
            });
            let (chances, sizes): (Vec<f64>, Vec<f64>) = per_graph.unzip();
            (Estimate::of(chances), Estimate::of(sizes))
        };

        // One case says enough of those that are not drawn by default.
        let n_cases = if coins == Family::Octet { 3 } else { 1 };
        for (p, c) in [(0.5, 2.0), (0.375, 1.5), (0.75, 3.0)].into_iter().take(n_cases) {
            let (chance, size) = shares(&|seed| fixtures::erdos_renyi(4000, 4.0, seed), p);
            let truth = oracle::giant_component(c);
            assert_near_limit(
                &format!("{coins:?}, Poisson, c = {c}, chance"),
                chance,
                truth,
                n_nodes,
            );
            assert_near_limit(&format!("{coins:?}, Poisson, c = {c}, size"), size, truth, n_nodes);
        }
        for (degree, p) in [(4, 0.5), (3, 0.6), (6, 0.4)].into_iter().take(n_cases) {
            let (chance, size) = shares(&|seed| fixtures::random_regular(4000, degree, seed), p);
            let truth = oracle::regular_attack(degree, p);
            assert_near_limit(
                &format!("{coins:?}, {degree}-regular, chance"),
                chance,
                truth,
                n_nodes,
            );
            assert_near_limit(&format!("{coins:?}, {degree}-regular, size"), size, truth, n_nodes);
        }
    }
}

/// Below the threshold a random node reaches 1 / (1 − cp) nodes.
#[test]
fn subcritical_random_graph() {
    for coins in FAMILIES {
        let means = (0..16).map(|seed| {
            let graph = fixtures::erdos_renyi(4000, 4.0, seed);
            Estimate::of_counts(spreads(coins, &graph, 0.125, SeedPlan::RandomEach(1), 1 << 13))
                .mean
        });
        assert_mean(&format!("{coins:?}, cp = 1/2"), Estimate::of(means), 2.0);
    }
}

/// Means of R simulations each scatter with variance σ²/R. With coins shared among the
/// simulations of a block they scatter more; with stratified ones less.
#[test]
fn block_means_scatter_as_independent_simulations_do() {
    for coins in FAMILIES {
        let graph = fixtures::erdos_renyi(300, 6.0, 1);
        let spreads = spreads(coins, &graph, 0.25, fixed_seeds([0, 1]), 1 << 18);
        let variance = |values: &[f64]| {
            let estimate = Estimate::of(values.iter().copied());
            estimate.standard_error.powi(2) * values.len() as f64
        };
        let values: Vec<f64> = spreads.iter().map(|&spread| spread as f64).collect();
        // Powers of two and not: lane words, batches, and blocks that cut across both.
        for block in [2, 16, 64, 100, 512, 1000] {
            let blocks = values.chunks_exact(block);
            let n_blocks = blocks.len() as f64;
            let means: Vec<f64> =
                blocks.map(|block| block.iter().sum::<f64>() / block.len() as f64).collect();
            let ratio = variance(&means) * block as f64 / variance(&values);
            // The variance of n normal numbers has a relative standard error of √(2/n).
            let standard_error = (2.0 / n_blocks).sqrt();
            assert_mean(
                &format!("{coins:?}, variance of blocks of {block}"),
                Estimate { mean: ratio, standard_error },
                1.0,
            );
        }
    }
}

/// Whole cascades in different lanes of a word are uncorrelated, over many words.
#[test]
fn lanes_are_uncorrelated() {
    for coins in FAMILIES {
        const LANES: usize = 64;
        let cases = [
            ("path", fixtures::path(64), 0.5, fixed_seeds([0])),
            ("random graph", fixtures::erdos_renyi(300, 6.0, 1), 0.25, fixed_seeds([0, 1])),
        ];
        for (what, graph, p, seeds) in cases {
            let n_words = 4096;
            let spreads = spreads(coins, &graph, p, seeds, (n_words * LANES) as u64);
            let scores: Vec<Vec<f64>> = (0..LANES)
                .map(|lane| {
                    let spreads = || spreads.iter().skip(lane).step_by(LANES).map(|&s| s as f64);
                    let mean = spreads().sum::<f64>() / n_words as f64;
                    let norm = spreads().map(|s| (s - mean).powi(2)).sum::<f64>().sqrt();
                    spreads().map(|spread| (spread - mean) / norm).collect()
                })
                .collect();
            let mut squares = Vec::new();
            for lane in 0..LANES {
                for other in 0..lane {
                    let pairs = scores[lane].iter().zip(&scores[other]);
                    let correlation: f64 = pairs.map(|(a, b)| a * b).sum();
                    // A standard normal number, if the lanes are independent.
                    let z = correlation * f64::from(n_words as u32).sqrt();
                    assert!(
                        z.abs() < 5.5,
                        "{coins:?}, {what}: lanes {lane} and {other} are {z:.1} deviations off"
                    );
                    squares.push(z * z);
                }
            }
            assert_mean(&format!("{coins:?}, {what}: mean square"), Estimate::of(squares), 1.0);
        }
    }
}

/// The next simulation, and the same simulation under the next seed, are other cascades.
#[test]
fn no_two_simulations_are_alike() {
    for coins in FAMILIES {
        let graph = fixtures::erdos_renyi(300, 6.0, 1);
        let mut fingerprints = HashSet::new();
        let mut n_simulations = 0;
        for (seed, first_simulation) in [(1, 0), (2, 0), (1 << 32, 0), (1, 1 << 32), (0, 1 << 62)] {
            let plan = JobPlan {
                seed,
                first_simulation,
                ..drawn(coins, &graph, 0.4, fixed_seeds(0..20), 1 << 16)
            };
            for row in run_as(&graph, &plan, Layout::new(1, 2, 2)) {
                assert!(row.spread() > 100, "twenty seeds far above the threshold reach many");
                fingerprints.insert(row.fingerprint);
                n_simulations += 1;
            }
        }
        assert_eq!(fingerprints.len(), n_simulations);
    }
}

/// The same simulation under two seeds is uncorrelated, and so are neighbouring simulations.
#[test]
fn seeds_and_neighbours_are_uncorrelated() {
    for coins in FAMILIES {
        let graph = fixtures::erdos_renyi(300, 6.0, 1);
        let of_seed = |seed| {
            let plan = JobPlan { seed, ..drawn(coins, &graph, 0.25, fixed_seeds([0, 1]), 1 << 16) };
            let rows = run_as(&graph, &plan, Layout::new(1, 2, 2));
            let spreads: Vec<f64> = rows.iter().map(|row| row.spread() as f64).collect();
            let mean = Estimate::of(spreads.iter().copied()).mean;
            spreads.into_iter().map(|spread| spread - mean).collect::<Vec<f64>>()
        };
        let (first, second) = (of_seed(1), of_seed(2));
        let products = |a: &[f64], b: &[f64]| Estimate::of(a.iter().zip(b).map(|(a, b)| a * b));
        assert_mean(&format!("{coins:?}, seeds 1 and 2"), products(&first, &second), 0.0);
        for distance in [1, 2, 64, 128, 512, 1 << 12] {
            let covariance = products(&first[distance..], &first[..first.len() - distance]);
            assert_mean(&format!("{coins:?}, simulations {distance} apart"), covariance, 0.0);
        }
    }
}
