//! Laws that hold simulation by simulation, because coins are shared (DESIGN §3.2).

use kaskade_model::coin::Family;
use kaskade_model::diffusion::{ArcProbability as P, ArcWeight as W, LiveArcModel as M};
use kaskade_model::job::JobPlan;
use kaskade_testkit::runs::{fixed_seeds, plan, run};
use kaskade_testkit::{ArcList, fixtures};
use proptest::collection::btree_set;
use proptest::prelude::*;

const SIMULATIONS: u64 = 130;

/// The spread of every simulation.
fn spreads(
    coins: Family,
    graph: &ArcList,
    model: M,
    seeds: impl IntoIterator<Item = u32>,
) -> Vec<u64> {
    let plan = JobPlan { coins, ..plan(graph, model, fixed_seeds(seeds), SIMULATIONS) };
    let rows = run(graph, &plan);
    rows.iter().map(|row| row.spread()).collect()
}

/// A graph, and models of it in which nobody's chance depends on who else is active.
fn arb_live_arc_model() -> impl Strategy<Value = (ArcList, M)> {
    let model = prop_oneof![
        prop_oneof![0.0001..1.0, 0.0001..0.0156]
            .prop_map(|p| M::IndependentCascade(P::Constant(p))),
        Just(M::IndependentCascade(P::WeightedCascade)),
        Just(M::IndependentCascade(P::Trivalency)),
        Just(M::LinearThreshold(W::WeightedCascade)),
        Just(M::LinearThreshold(W::Column)),
    ];
    (fixtures::arb_graph(40), model)
        .prop_flat_map(|(graph, model)| (fixtures::arb_weights(graph), Just(model)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// More seeds never reach fewer nodes, and a seed gains less the more others there are.
    #[test]
    fn spread_is_monotone_and_submodular_in_the_seeds(
        (graph, model) in arb_live_arc_model(),
        family in prop::sample::select(vec![Family::Arc, Family::Octet, Family::Block]),
        few in btree_set(0u32..40, 0..4),
        more in btree_set(0u32..40, 0..4),
        one in 0u32..40,
    ) {
        let of = |sets: &[&std::collections::BTreeSet<u32>], extra: Option<u32>| {
            let nodes = sets.iter().flat_map(|set| set.iter().copied()).chain(extra);
            // Block coins are for one probability.
            let is_possible = family != Family::Block || model.block_coins().is_some();
            let coins = if is_possible { family } else { Family::Octet };
            spreads(coins, &graph, model.clone(), nodes.map(|node| node % graph.n_nodes()))
        };
        let (small, small_and_one) = (of(&[&few], None), of(&[&few], Some(one)));
        let (large, large_and_one) = (of(&[&few, &more], None), of(&[&few, &more], Some(one)));
        for simulation in 0..SIMULATIONS as usize {
            prop_assert!(small[simulation] <= large[simulation]);
            let gain = |with: &[u64], without: &[u64]| with[simulation].checked_sub(without[simulation]);
            let (early, late) = (gain(&small_and_one, &small), gain(&large_and_one, &large));
            prop_assert!(late.is_some() && early >= late, "gains {early:?} and {late:?}");
        }
    }

    #[test]
    fn a_cascade_grows_with_its_probability(
        graph in fixtures::arb_graph(40),
        probabilities in btree_set(1u32..=1000, 2..5),
        coins in prop::sample::select(vec![Family::Arc, Family::Octet, Family::Block]),
        seed in 0u32..40,
    ) {
        let of = |thousandths: u32| {
            let model = M::IndependentCascade(P::Constant(f64::from(thousandths) / 1000.0));
            let seeds = fixed_seeds([seed % graph.n_nodes()]);
            // One family for all points.
            let plan = JobPlan { coins, ..plan(&graph, model, seeds, SIMULATIONS) };
            let rows = run(&graph, &plan);
            rows.iter().map(|row| row.spread()).collect::<Vec<u64>>()
        };
        let by_probability: Vec<_> = probabilities.into_iter().map(of).collect();
        for pair in by_probability.windows(2) {
            prop_assert!(pair[0].iter().zip(&pair[1]).all(|(lower, higher)| lower <= higher));
        }
    }

    #[test]
    fn a_column_grows_a_cascade_arc_by_arc(
        (low, high) in fixtures::arb_graph(40).prop_flat_map(|graph| {
            (fixtures::arb_column(graph.clone()), fixtures::arb_column(graph))
        }),
        coins in prop::sample::select(vec![Family::Arc, Family::Octet]),
        seed in 0u32..40,
    ) {
        let (Some(first), Some(second)) = (low.column(), high.column()) else {
            panic!("both have columns");
        };
        let mut larger = first.iter().zip(second).map(|(a, b)| a.max(*b)).collect::<Vec<_>>().into_iter();
        let both = low.clone().with_column(|_| larger.next().expect("a value an arc"));
        let model = M::IndependentCascade(P::Column);
        let of = |graph: &ArcList| spreads(coins, graph, model.clone(), [seed % graph.n_nodes()]);
        prop_assert!(of(&low).iter().zip(of(&both)).all(|(low, both)| *low <= both));
    }

    /// p = 1 is breadth-first search, p = 0 nothing at all.
    #[test]
    fn certainty_is_breadth_first_search(
        graph in fixtures::arb_graph(60),
        seeds in btree_set(0u32..60, 1..4),
    ) {
        let seeds: Vec<u32> = seeds.into_iter().map(|seed| seed % graph.n_nodes()).collect();
        let levels = breadth_first_levels(&graph, &seeds);
        let rows = |p| {
            let model = M::IndependentCascade(P::Constant(p));
            run(&graph, &plan(&graph, model, fixed_seeds(seeds.iter().copied()), SIMULATIONS))
        };
        for row in rows(1.0) {
            prop_assert_eq!(&row.new_per_round, &levels);
        }
        for row in rows(0.0) {
            prop_assert_eq!(&row.new_per_round, &levels[..1]);
        }
    }
}

/// The number of nodes at each distance from `seeds`.
fn breadth_first_levels(graph: &ArcList, seeds: &[u32]) -> Vec<u64> {
    let mut distance = vec![u32::MAX; graph.n_nodes() as usize];
    seeds.iter().for_each(|&seed| distance[seed as usize] = 0);
    for level in 0..graph.n_nodes() {
        for arc in graph.arcs() {
            if distance[arc.source as usize] == level {
                let target = &mut distance[arc.target as usize];
                *target = (*target).min(level + 1);
            }
        }
    }
    let at = |level| distance.iter().filter(|&&other| other == level).count() as u64;
    (0..).map(at).take_while(|&n_nodes| n_nodes > 0).collect()
}
