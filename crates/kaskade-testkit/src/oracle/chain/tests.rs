use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::dynamics::{Course, Dynamics, Immunity, Requirement, Sides};

use super::*;
use crate::fixtures;
use crate::oracle::{Fraction, independent_cascade, linear_threshold};
use crate::runs::{fixed_seeds, plan};

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
}

fn expected(graph: &ArcList, model: LiveArcModel, dynamics: Dynamics) -> Expected {
    chain(graph, &JobPlan { dynamics, ..plan(graph, model, fixed_seeds([0]), 1) })
}

#[test]
fn plain_cascades_are_those_of_the_enumeration() {
    let half = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.5));
    let weights = LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade);
    for graph in [fixtures::diamond(), fixtures::complete(4), fixtures::cycle(5)] {
        let in_degrees = graph.in_degrees();
        let cases = [
            (&half, independent_cascade(&graph, |_| Fraction::new(1, 2), &[0])),
            (
                &weights,
                linear_threshold(
                    &graph,
                    |arc| Fraction::new(1, in_degrees[arc.target as usize].into()),
                    &[0],
                ),
            ),
        ];
        for (model, enumerated) in cases {
            let chain = expected(&graph, model.clone(), Dynamics::default());
            let spread = chain.spread.iter().zip(enumerated.probabilities());
            spread.for_each(|(found, exact)| assert_near(*found, exact.to_f64()));
            assert_near(chain.new_per_round.iter().sum(), enumerated.mean().to_f64());
            assert_near(chain.mean_spread(), enumerated.mean().to_f64());
        }
    }
}

/// An infectious node that recovers with probability r passes the infection on over an arc that
/// succeeds with probability p, before that: p / (1 − (1 − p)(1 − r)).
#[test]
fn a_single_arc_by_hand() {
    let course = Course { incubation: Some(0.5), recovery: 0.25, immunity: Immunity::Lasting };
    let dynamics = Dynamics { rule: NodeRule::Epidemic(course), ..Dynamics::default() };
    let model = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.1));
    let found = expected(&fixtures::path(2), model, dynamics);
    let passes = 0.1 / (1.0 - 0.9 * 0.75);
    assert_near(found.mean_spread(), 1.0 + passes);
    let totals: Vec<f64> = found.series.iter().map(|by_round| by_round.iter().sum()).collect();
    // Infections; two rounds of incubation; four rounds of infectiousness for each.
    assert_near(totals[0], 1.0 + passes);
    assert_near(totals[1], 2.0 * passes);
    assert_near(totals[2], 4.0 * (1.0 + passes));
}

#[test]
fn thresholds_and_opinions_by_hand() {
    let certain = LiveArcModel::IndependentCascade(ArcProbability::Constant(1.0));
    let rule = |rule| Dynamics { rule, ..Dynamics::default() };
    // The last node of the diamond waits for one or for both of its neighbours, which are certain.
    for (requirement, spread) in [(Requirement::Count(2), 1.0), (Requirement::Share(1.0), 4.0)] {
        let dynamics = rule(NodeRule::Threshold(requirement));
        assert_near(
            expected(&fixtures::diamond(), certain.clone(), dynamics).mean_spread(),
            spread,
        );
    }
    let dynamics = rule(NodeRule::Contagion(Sides::Opinion { quality: 0.5 }));
    let found = expected(&fixtures::path(3), certain, dynamics);
    assert_eq!(found.series[0], [0.5, 0.25, 0.125, 0.0][..found.series[0].len()]);
}
