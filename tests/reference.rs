//! The engine equals the plain reference row by row: spread, growth and fingerprint, for every
//! model, any layout, and any piece of a job.

use kaskade_engine::partition::Method;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{
    ArcProbability as P, ArcWeight as W, FactorColumns, LiveArcModel as M, SegmentMatrix,
};
use kaskade_model::job::JobPlan;
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, run, run_as, tally_of};
use kaskade_testkit::{ArcList, NodeTable, accept, check_recorded, fixtures, reference, textbook};
use proptest::collection::btree_set;
use proptest::prelude::*;

/// Any model on any graph that suits it.
fn arb_model() -> impl Strategy<Value = (ArcList, M)> {
    fixtures::arb_graph(60).prop_flat_map(|graph| {
        let max_in_degree = graph.in_degrees().into_iter().max().unwrap_or(0);
        let weight = (0.0..=1.0).prop_map(move |share| {
            let weight = share / f64::from(max_in_degree.max(1));
            // Smaller ones are refused: they would round to never.
            if weight < 1e-9 { 0.0 } else { weight }
        });
        let probability = prop_oneof![Just(0.0), Just(1.0), 0.0001..1.0, 0.0001..0.0156];
        let model = prop_oneof![
            probability.prop_map(|p| M::IndependentCascade(P::Constant(p))),
            Just(M::IndependentCascade(P::WeightedCascade)),
            Just(M::IndependentCascade(P::Trivalency)),
            Just(M::IndependentCascade(P::Column)),
            (0.001..9.0).prop_map(|share| M::IndependentCascade(P::OverInDegree(share))),
            any::<(bool, bool)>().prop_map(|of| M::IndependentCascade(P::Factors(factors(of)))),
            arb_matrix(graph.n_nodes())
                .prop_map(|matrix| M::IndependentCascade(P::Segments(matrix))),
            (0.001..=1.0).prop_map(|share| M::LinearThreshold(W::OverInDegree(share))),
            weight.prop_map(|w| M::LinearThreshold(W::Constant(w))),
            Just(M::LinearThreshold(W::WeightedCascade)),
            Just(M::LinearThreshold(W::Column)),
        ];
        model.prop_flat_map(move |model| {
            let graph = match model {
                M::IndependentCascade(P::Column) => fixtures::arb_column(graph.clone()).boxed(),
                M::LinearThreshold(W::Column) => fixtures::arb_weights(graph.clone()).boxed(),
                M::IndependentCascade(P::Factors(_) | P::Segments(_)) => {
                    fixtures::arb_nodes(graph.clone()).boxed()
                }
                _ => Just(graph.clone()).boxed(),
            };
            (graph, Just(model))
        })
    })
}

fn factors((influence, susceptibility): (bool, bool)) -> FactorColumns {
    FactorColumns {
        influence: influence.then(|| "influence".to_owned()),
        susceptibility: susceptibility.then(|| "susceptibility".to_owned()),
    }
}

/// A matrix of the segments of [`fixtures::arb_nodes`] that a graph of `n_nodes` has for sure.
fn arb_matrix(n_nodes: u32) -> impl Strategy<Value = SegmentMatrix> {
    let known = fixtures::SEGMENTS[..fixtures::SEGMENTS.len().min(n_nodes as usize)].to_vec();
    let segment = move || prop::sample::select(known.clone()).prop_map(str::to_owned);
    let probability = || prop_oneof![Just(0.0), Just(1.0), 0.0001..1.0];
    let to = prop::collection::btree_map(segment(), probability(), 0..4);
    let from = prop::collection::btree_map(segment(), to, 0..4);
    (probability(), from).prop_map(|(default, from)| SegmentMatrix {
        segment: "segment".to_owned(),
        default,
        from,
    })
}

fn arb_seeds(n_nodes: u32) -> impl Strategy<Value = SeedPlan> {
    prop_oneof![
        btree_set(0..n_nodes, 1..=4.min(n_nodes as usize)).prop_map(fixed_seeds),
        (1..=4.min(n_nodes)).prop_map(SeedPlan::RandomEach),
    ]
}

/// Any job on any small graph.
fn arb_job() -> impl Strategy<Value = (ArcList, JobPlan)> {
    arb_model().prop_flat_map(|(graph, model)| {
        let n_nodes = graph.n_nodes();
        let first_simulation = prop_oneof![Just(0), 0..1000u64, 1 << 40..1u64 << 62];
        let max_rounds = prop_oneof![3 => Just(None), 1 => (0..6u32).prop_map(Some)];
        let mut families = vec![Family::Arc, Family::Octet];
        families.extend(model.block_coins().map(|_| Family::Block));
        let family = prop::sample::select(families);
        let numbers = (family, any::<u64>(), first_simulation, 1..300u64, max_rounds);
        let recording = (prop_oneof![Just(0), 0..300u64], any::<bool>())
            .prop_map(|(trace_simulations, nodes)| Recording { trace_simulations, nodes });
        let lane_words = prop::sample::select(vec![1, 2, 3, 8]);
        (arb_seeds(n_nodes), numbers, recording, lane_words).prop_map(
            move |(seeds, numbers, recording, lane_words)| {
                let (coins, seed, first_simulation, n_simulations, max_rounds) = numbers;
                let plan = JobPlan {
                    coins,
                    seed,
                    first_simulation,
                    max_rounds,
                    recording,
                    lane_words,
                    ..plan(&graph, model.clone(), seeds, n_simulations)
                };
                (graph.clone(), plan)
            },
        )
    })
}

fn arb_layout() -> impl Strategy<Value = Layout> {
    let numbers = [1, 2, 7].map(|n_shards| [1, 2, 4].map(|n_threads| (n_shards, n_threads)));
    let numbers = prop::sample::select(numbers.concat());
    let methods = vec![
        Method::Auto,
        Method::Forward,
        Method::Light,
        Method::Pull,
        Method::OneByOne,
        Method::Backward,
    ];
    let kernel = (prop::sample::select(Isa::available()), prop::sample::select(methods));
    (numbers, 1..=4usize, kernel).prop_map(
        |((n_shards, n_threads), max_in_flight, (isa, method))| Layout {
            isa,
            method,
            ..Layout::new(n_shards, n_threads, max_in_flight)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_layout_gives_the_rows_of_the_reference(
        (graph, plan) in arb_job(),
        layouts in prop::collection::vec(arb_layout(), 3),
    ) {
        let rows = reference::rows(&graph, &plan);
        for layout in layouts {
            let tally = tally_of(&graph, &plan, layout);
            prop_assert_eq!(&tally.rows().collect::<Vec<_>>(), &rows, "{:?}", layout);
            prop_assert_eq!(check_recorded(&graph, &plan, &tally), Ok(()), "{:?}", layout);
        }
    }

    #[test]
    fn one_simulation_alone_gives_its_row_of_the_full_run(
        (graph, plan) in arb_job(),
        pick: prop::sample::Index,
    ) {
        let rows = run(&graph, &plan);
        let row = &rows[pick.index(rows.len())];
        let alone = JobPlan { first_simulation: row.simulation, n_simulations: 1, ..plan };
        prop_assert_eq!(&run(&graph, &alone), std::slice::from_ref(row));
    }
}

/// Graphs of a few thousand nodes, so that rounds are shared among threads.
#[test]
fn every_layout_on_rounds_that_fill_a_pool() {
    let factor = |place: u32| move |node| f64::from((node * place) % 11) / 10.0;
    let nodes = NodeTable::default()
        .with_numbers("influence", (0..3000).map(factor(7)))
        .with_numbers("susceptibility", (0..3000).map(factor(3)));
    let graph = fixtures::erdos_renyi(3000, 6.0, 1).with_nodes(nodes).with_column(|arc| {
        // Unequal, and summing to at most 1 at every node (in-degrees are below 32).
        f64::from(arc.source % 7) / 224.0
    });
    let jobs = [
        (M::IndependentCascade(P::Constant(0.25)), fixed_seeds(0..300)),
        (M::IndependentCascade(P::Constant(0.015)), fixed_seeds(0..2900)),
        (M::IndependentCascade(P::WeightedCascade), SeedPlan::RandomEach(20)),
        (M::IndependentCascade(P::Factors(factors((true, true)))), SeedPlan::RandomEach(40)),
        (M::LinearThreshold(W::OverInDegree(0.9)), SeedPlan::RandomEach(300)),
        (M::LinearThreshold(W::WeightedCascade), fixed_seeds((0..300).map(|i| 10 * i))),
        (M::LinearThreshold(W::Column), SeedPlan::RandomEach(900)),
    ];
    let with_families = jobs.iter().flat_map(|job| {
        let block = job.0.block_coins().map(|_| Family::Block);
        [Family::Arc, Family::Octet].into_iter().chain(block).map(move |family| (job, family))
    });
    for ((model, seeds), coins) in with_families {
        let plan = JobPlan { coins, ..plan(&graph, model.clone(), seeds.clone(), 200) };
        let rows = reference::rows(&graph, &plan);
        for lane_words in [1, 2, 3, 8] {
            let plan = JobPlan { lane_words, ..plan.clone() };
            for n_shards in [1, 2, 7] {
                for (n_threads, max_in_flight) in [(1, 1), (2, 1), (2, 2), (4, 1), (4, 4)] {
                    let layout = Layout::new(n_shards, n_threads, max_in_flight);
                    if plan.model.chooses_in_arcs() {
                        let backward = Layout { method: Method::Backward, ..layout };
                        assert!(run_as(&graph, &plan, backward) == rows, "{model:?}, {backward:?}");
                    }
                    let found = run_as(&graph, &plan, layout);
                    assert!(
                        found == rows,
                        "{model:?}, {coins:?}, {lane_words} lane words, {layout:?}"
                    );
                }
            }
        }
    }
}

/// A hub's list is long enough to be cut into pieces for several threads.
#[test]
fn a_hub_shared_among_threads() {
    let graph = fixtures::bidirectional_star(40_000);
    for model in [
        M::IndependentCascade(P::Constant(0.3)),
        M::IndependentCascade(P::Constant(0.003)),
        M::IndependentCascade(P::WeightedCascade),
        M::LinearThreshold(W::WeightedCascade),
    ] {
        // Beside the hub enough leaves for the pool to be woken.
        let plan =
            JobPlan { lane_words: 1, ..plan(&graph, model.clone(), fixed_seeds(0..400), 80) };
        let rows = reference::rows(&graph, &plan);
        for layout in [Layout::new(1, 4, 1), Layout::new(2, 2, 1)] {
            for method in [Method::Auto, Method::Forward] {
                let layout = Layout { method, ..layout };
                assert!(run_as(&graph, &plan, layout) == rows, "{model:?}, {layout:?}");
            }
        }
    }
}

/// The second reference: the papers' definitions and another generator.
#[test]
fn another_generator_finds_the_same_means() {
    let n_simulations = 1 << 14;
    // In-degrees are below 20, so that no node's weights sum to more than 1.
    let graph = fixtures::out_regular(300, 5, 1)
        .with_column(|arc| f64::from((arc.source + 3 * arc.target) % 10) / 200.0);
    let max_in_degree = graph.in_degrees().into_iter().max().expect("the graph has nodes");
    for model in [
        M::IndependentCascade(P::Constant(0.2)),
        M::IndependentCascade(P::Constant(0.0155)),
        M::IndependentCascade(P::WeightedCascade),
        M::IndependentCascade(P::Column),
        M::LinearThreshold(W::Constant(1.0 / f64::from(max_in_degree))),
        M::LinearThreshold(W::WeightedCascade),
        M::LinearThreshold(W::Column),
    ] {
        let seeds: Vec<u32> = (0..5).collect();
        let plan = plan(&graph, model.clone(), fixed_seeds(seeds.iter().copied()), n_simulations);
        let found = run(&graph, &plan).into_iter().map(|row| row.spread());
        let diffusion = textbook::Diffusion::of(&graph, &model);
        let expected = textbook::spreads(&graph, &diffusion, &seeds, n_simulations);
        accept::assert_same_mean(
            &format!("{model:?}"),
            accept::Estimate::of_counts(found),
            accept::Estimate::of_counts(expected),
        );
    }
}
