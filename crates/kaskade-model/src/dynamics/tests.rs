use proptest::prelude::*;

use super::*;
use crate::diffusion::{FactorColumns, SegmentMatrix};

proptest! {
    #[test]
    fn a_requirement_is_met_by_no_fewer(share in 0.0f64..=1.0, in_degree in 1u32..5000) {
        let count = Requirement::Share(share).of(in_degree, 0);
        let of_all = |count: u32| f64::from(count) / f64::from(in_degree);
        prop_assert!(count <= in_degree);
        prop_assert!(of_all(count) >= share * (1.0 - 1e-12));
        prop_assert!(count == 1 || of_all(count - 1) < share);
    }

    #[test]
    fn a_share_that_was_written_as_a_quotient_means_its_numerator(
        (part, whole) in (1u32..3000).prop_flat_map(|whole| (1..=whole, Just(whole))),
    ) {
        let share = f64::from(part) / f64::from(whole);
        prop_assert_eq!(Requirement::Share(share).of(whole, 0), part);
    }

    #[test]
    fn delays_follow_their_weights(weights in prop::collection::vec(0u32..5, 1..8)) {
        prop_assume!(weights.iter().any(|&weight| weight > 0));
        let total: u32 = weights.iter().sum();
        let delay = Delay::Table(weights.iter().map(|&weight| weight.into()).collect());
        prop_assert_eq!(delay.check(), Ok(()));
        let table = delay.table().unwrap();
        // Uniforms in the middle of what each unit of weight has.
        let mut counts = vec![0; weights.len()];
        for unit in 0..total {
            let uniform = ((f64::from(unit) + 0.5) / f64::from(total) * 2f64.powi(32)) as u32;
            counts[table.rounds(uniform) as usize - 1] += 1;
            for rounds in 1..=weights.len() as u32 + 1 {
                let is_within = u64::from(uniform) < table.within(rounds).width();
                prop_assert_eq!(is_within, table.rounds(uniform) <= rounds);
            }
        }
        prop_assert_eq!(counts, weights);
    }
}

#[test]
fn watts_shares_of_small_degrees() {
    let share = Requirement::Share(0.18);
    let counts = [1, 5, 6, 11, 12, 50, 51].map(|in_degree| share.of(in_degree, 0));
    assert_eq!(counts, [1, 1, 2, 2, 3, 9, 10]);
    assert_eq!(Requirement::Share(0.0).of(9, 0), 1, "nobody follows nobody");
    let drawn = Requirement::UniformCount(2, 4);
    assert_eq!([0, 1 << 31, u32::MAX].map(|uniform| drawn.of(9, uniform)), [2, 3, 4]);
    assert_eq!(Requirement::UniformShare(0.0, 1.0).most(7), 7);
    assert_eq!([1, 2, 3, 4].map(counter_bits), [1, 2, 2, 3]);
}

#[test]
fn meetings_come_geometrically() {
    let table = Delay::Meeting(0.5).table().unwrap();
    let uniform = |probability: f64| (probability * 2f64.powi(32)) as u32;
    assert_eq!([0.0, 0.49, 0.51, 0.74, 0.76].map(|u| table.rounds(uniform(u))), [1, 1, 2, 2, 3]);
    assert_eq!(Delay::Meeting(1.0).table().unwrap().rounds(u32::MAX), 1);
    assert_eq!(Delay::Constant(7).table().unwrap().rounds(0), 7);
    assert!(table.rounds(u32::MAX) <= 33);
}

#[test]
fn what_cannot_be_is_refused() {
    let of_rule = |rule| Dynamics { rule, ..Dynamics::default() }.check();
    let rival = |name: &str| Rival { name: name.to_owned() };
    let campaigns = |rivals| NodeRule::Contagion(Sides::Campaigns { rivals, tie: Tie::Random });
    let course = Course { incubation: None, recovery: 0.5, immunity: Immunity::Lasting };
    assert_eq!(of_rule(campaigns(vec![rival("b")])), Ok(()));
    assert_eq!(of_rule(campaigns(vec![])), Err(DynamicsError::Campaigns));
    assert_eq!(of_rule(campaigns(vec![rival("b"), rival("b")])), Err(DynamicsError::Campaigns));
    assert_eq!(
        of_rule(NodeRule::Threshold(Requirement::Count(0))),
        Err(DynamicsError::Requirement)
    );
    assert!(of_rule(NodeRule::Epidemic(Course { recovery: 1.5, ..course })).is_err());
    let delayed = Dynamics {
        delay: Delay::Constant(2),
        rule: NodeRule::Epidemic(course),
        ..Dynamics::default()
    };
    assert_eq!(delayed.check(), Err(DynamicsError::EpidemicConduct));
    for delay in [Delay::Constant(0), Delay::Table(vec![0.0]), Delay::Meeting(1e-9)] {
        assert!(Dynamics { delay, ..Dynamics::default() }.check().is_err());
    }
    let stray = Push { round: 1, side: 1, seeds: SeedPlan::RandomEach(1) };
    let pushed = Dynamics { pushes: vec![stray], ..Dynamics::default() };
    assert_eq!(pushed.check(), Err(DynamicsError::UnknownSide));
}

/// Arcs of a channel have every probability but a column, which is kept for arcs without channels.
#[test]
fn channels_have_probabilities_of_every_kind_but_the_column() {
    let over = |probability| {
        let delay = Delay::NextRound;
        let name = "mail".to_owned();
        let mail = Channel { name, place: 0, probability, delay, audience: None };
        Dynamics { channels: vec![mail], ..Dynamics::default() }.check()
    };
    let factors = FactorColumns { influence: Some("heard".to_owned()), susceptibility: None };
    let matrix = |default| SegmentMatrix {
        segment: "group".to_owned(),
        default,
        from: std::collections::BTreeMap::new(),
    };
    assert_eq!(over(ArcProbability::Factors(factors)), Ok(()));
    assert_eq!(over(ArcProbability::Segments(matrix(0.5))), Ok(()));
    assert_eq!(over(ArcProbability::OverInDegree(2.0)), Ok(()));
    assert_eq!(over(ArcProbability::Column), Err(DynamicsError::ChannelColumn));
    let wrong = [ArcProbability::Constant(1.5), ArcProbability::Segments(matrix(-0.5))];
    for probability in wrong {
        assert!(matches!(over(probability), Err(DynamicsError::Probability(_))));
    }
}
