//! Nodes that wait, take sides, keep the message to themselves or infect for many rounds: the engine
//! equals the plain reference row by row, measure by measure, in any layout.

use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{ArcProbability as P, ArcWeight as W, LiveArcModel as M};
use kaskade_model::dynamics::{
    ActivationRule, Channel, Conduct, Course, Delay, Dynamics, Immunity, NodeRule, Push,
    Requirement, Rival, Sides, Tie,
};
use kaskade_model::job::JobPlan;
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_testkit::runs::{Layout, fixed_seeds, plan, tally_of};
use kaskade_testkit::{ArcList, check_recorded, fixtures, reference};
use proptest::prelude::*;

fn probabilities() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.01..1.0]
}

fn rules() -> impl Strategy<Value = NodeRule> {
    use {Immunity as I, NodeRule as N, Requirement as R};
    let tie = prop::sample::select(vec![Tie::Random, Tie::First]);
    let campaigns = (1..4usize, tie).prop_map(|(n_rivals, tie)| {
        let rivals = (0..n_rivals).map(|number| Rival { name: format!("rival-{number}") });
        N::Contagion(Sides::Campaigns { rivals: rivals.collect(), tie })
    });
    let immunity =
        prop_oneof![Just(I::Lasting), Just(I::None), probabilities().prop_map(I::Waning)];
    let course = (prop::option::of(probabilities()), probabilities(), immunity);
    prop_oneof![
        Just(N::default()),
        probabilities().prop_map(|quality| N::Contagion(Sides::Opinion { quality })),
        campaigns,
        probabilities().prop_map(|share| N::Threshold(R::Share(share))),
        probabilities().prop_map(|low| N::Threshold(R::UniformShare(low, 1.0))),
        (1u32..4).prop_map(|count| N::Threshold(R::Count(count))),
        (1u32..4).prop_map(|low| N::Threshold(R::UniformCount(low, 4))),
        course.prop_map(|(incubation, recovery, immunity)| {
            N::Epidemic(Course { incubation, recovery, immunity })
        }),
    ]
}

fn arb_seeds(n_nodes: u32) -> impl Strategy<Value = SeedPlan> {
    prop_oneof![
        prop::collection::btree_set(0..n_nodes, 1..=4.min(n_nodes as usize)).prop_map(fixed_seeds),
        (1..=4.min(n_nodes)).prop_map(SeedPlan::RandomEach),
    ]
}

/// Any dynamics on `n_nodes` nodes.
fn arb_dynamics(n_nodes: u32) -> impl Strategy<Value = Dynamics> {
    let delays = prop_oneof![
        Just(Delay::NextRound),
        (1u32..4).prop_map(Delay::Constant),
        (0.3f64..=1.0).prop_map(Delay::Meeting),
        prop::collection::vec(0.5f64..2.0, 1..4).prop_map(Delay::Table),
    ];
    let conduct = (prop::option::of(probabilities()), prop::option::of(probabilities()));
    let pushes = prop::collection::vec((0u32..5, any::<u8>(), arb_seeds(n_nodes)), 0..3);
    let of_nodes = (rules(), delays.clone(), conduct, prop::option::of(probabilities()), pushes);
    let probability = prop_oneof![
        probabilities().prop_map(P::Constant),
        Just(P::WeightedCascade),
        Just(P::Trivalency)
    ];
    let channels = prop::collection::btree_map(0u8..3, (probability, delays), 0..4);
    let activation = prop::sample::select(vec![ActivationRule::Any, ActivationRule::All]);
    (of_nodes, channels, activation).prop_map(|(of_nodes, channels, activation)| {
        let (rule, delay, (forward, endorse), firing, pushes) = of_nodes;
        // The job lists them in another order than the graph.
        let channels: Vec<Channel> = channels
            .into_iter()
            .rev()
            .map(|(place, (probability, delay))| Channel {
                name: format!("channel-{place}"),
                place,
                probability,
                delay,
                audience: None,
            })
            .collect();
        let is_epidemic = matches!(rule, NodeRule::Epidemic(_));
        let mut dynamics = match is_epidemic {
            true => Dynamics { rule, firing, ..Dynamics::default() },
            false => {
                let conduct = Conduct { forward, endorse, ..Conduct::default() };
                Dynamics { rule, delay, conduct, firing, ..Dynamics::default() }
            }
        };
        if !channels.is_empty() {
            dynamics.delay = Delay::NextRound;
            dynamics.channels = channels;
            dynamics.activation = activation;
        }
        if is_epidemic {
            let at_once = |channel: &mut Channel| channel.delay = Delay::NextRound;
            dynamics.channels.iter_mut().for_each(at_once);
            dynamics.activation = ActivationRule::Any;
        }
        let n_sides = dynamics.n_sides() as u8;
        let pushes = pushes.into_iter();
        dynamics.pushes = pushes
            .map(|(round, side, seeds)| Push { round, side: side % n_sides, seeds })
            .collect();
        dynamics
    })
}

fn arb_job() -> impl Strategy<Value = (ArcList, JobPlan)> {
    fixtures::arb_graph(40).prop_flat_map(|graph| {
        let graph = graph.with_channels(|arc| 1 + ((arc.source * 5 + arc.target * 3) % 7) as u8);
        let n_nodes = graph.n_nodes();
        let choices = (arb_dynamics(n_nodes), arb_seeds(n_nodes), probabilities(), any::<bool>());
        let numbers = (any::<u64>(), prop_oneof![Just(0u64), 0..1000u64], 1..150u64, 0..30u32);
        let family = prop::sample::select(vec![Family::Arc, Family::Octet]);
        let lane_words = prop::sample::select(vec![1, 2, 3, 8]);
        (choices, numbers, family, lane_words).prop_map(
            move |(choices, numbers, coins, lane_words)| {
                let (dynamics, seeds, probability, is_weighted) = choices;
                let (seed, first_simulation, n_simulations, max_rounds) = numbers;
                let is_epidemic = matches!(dynamics.rule, NodeRule::Epidemic(_));
                let are_weights = |channel: &Channel| channel.probability == P::WeightedCascade;
                let can_choose = !is_epidemic && dynamics.channels.iter().all(are_weights);
                let model = match (is_weighted, can_choose) {
                    (false, _) => M::IndependentCascade(P::Constant(probability)),
                    (true, false) => M::IndependentCascade(P::WeightedCascade),
                    (true, true) => M::LinearThreshold(W::WeightedCascade),
                };
                let max_rounds = (is_epidemic || max_rounds < 6).then_some(max_rounds);
                let is_traced = dynamics.can_be_traced();
                let trace_simulations = if is_traced { seed % (n_simulations + 1) } else { 0 };
                let plan = JobPlan {
                    recording: Recording { trace_simulations, nodes: true },
                    dynamics,
                    coins,
                    seed,
                    first_simulation,
                    max_rounds,
                    lane_words,
                    ..plan(&graph, model, seeds, n_simulations)
                };
                (graph.clone(), plan)
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_layout_gives_the_rows_of_the_reference(
        (graph, plan) in arb_job(),
        (n_shards, n_threads, in_flight) in (1..8usize, 1..5usize, 1..4usize),
        isa in prop::sample::select(Isa::available()),
    ) {
        prop_assert_eq!(plan.dynamics.check(), Ok(()));
        let layout = Layout { isa, ..Layout::new(n_shards, n_threads, in_flight) };
        let tally = tally_of(&graph, &plan, layout);
        let expected = reference::rows(&graph, &plan);
        prop_assert_eq!(tally.rows().collect::<Vec<_>>(), expected);
        prop_assert_eq!(check_recorded(&graph, &plan, &tally), Ok(()));
    }
}
