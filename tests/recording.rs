//! Who is said to have passed it on, and how often nodes are reached.

use kaskade_model::coin::Family;
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::job::JobPlan;
use kaskade_model::recording::Recording;
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, tally_of};
use kaskade_testkit::{accept, check_recorded, fixtures};

fn cascade(p: f64) -> LiveArcModel {
    LiveArcModel::IndependentCascade(ArcProbability::Constant(p))
}

/// Five seeds reach a node for sure: each is its parent in a fifth of the simulations, whatever
/// the coins, and also given who was it in the simulation before.
#[test]
fn the_parent_is_a_uniform_choice_of_those_who_reach_a_node() {
    let graph = fixtures::in_star(5);
    for coins in [Family::Arc, Family::Octet, Family::Block] {
        let recording = Recording { trace_simulations: 10_000, nodes: false };
        let plan = plan(&graph, cascade(1.0), fixed_seeds(1..6), 10_000);
        let plan = JobPlan { coins, recording, ..plan };
        let tally = tally_of(&graph, &plan, Layout::plain());
        let parents: Vec<u32> = tally.trace().filter_map(|(_, of)| of.parent).collect();
        assert_eq!(parents.len(), 10_000);
        for source in 1..6 {
            let share = accept::Estimate::of_share(parents.iter().map(|&parent| parent == source));
            accept::assert_mean(&format!("node {source} as parent, {coins:?}"), share, 0.2);
        }
        let repeats = parents.windows(2).map(|two| two[0] == two[1]);
        accept::assert_mean("the same twice", accept::Estimate::of_share(repeats), 0.2);
    }
}

/// A graph of some thousands of nodes, on which frontiers are large: rounds are shared by threads,
/// pulled, or computed one simulation after another, or backward.
#[test]
fn what_is_kept_is_the_same_for_every_way_to_compute() {
    let graph = fixtures::erdos_renyi(1500, 8.0, 3);
    let chooses = LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade);
    for (model, coins) in [
        (cascade(0.3), Family::Octet),
        (cascade(0.3), Family::Arc),
        (cascade(0.01), Family::Block),
        (chooses, Family::Octet),
    ] {
        let recording = Recording { trace_simulations: 3, nodes: true };
        let plan = plan(&graph, model, fixed_seeds(0..20), 150);
        let plan = JobPlan { coins, recording, lane_words: 1, ..plan };
        let alone = tally_of(&graph, &plan, Layout::plain());
        assert_eq!(check_recorded(&graph, &plan, &alone), Ok(()));
        for (n_shards, n_threads, in_flight) in [(7, 4, 1), (2, 2, 2), (16, 3, 3)] {
            let layout = Layout::new(n_shards, n_threads, in_flight);
            let tally = tally_of(&graph, &plan, layout);
            assert!(tally.rows().eq(alone.rows()) && tally.trace().eq(alone.trace()), "{layout:?}");
            assert_eq!(tally.reached(), alone.reached(), "{layout:?}");
        }
    }
}
