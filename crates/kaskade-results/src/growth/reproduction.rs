//! The effective reproduction number: how many nodes a node wins.

use kaskade_model::dynamics::{Delay, Dynamics, Measure, NodeRule};
use kaskade_model::spec::Spec;

use crate::sample::Sample;

/// By round of `sample`, a job of `spec` that counted `measures`: how many follow each node that
/// passes the message on. `None` where that cannot be told: in the last round, before later seeds
/// start, and where messages are under way for more than a round.
///
/// A node of a cascade transmits in the one round after that in which it became active, so that
/// those who followed then are its own. In an epidemic it transmits for 1 / recovery rounds on
/// average, in each of which it wins what the round's infections are to those who are infectious.
pub(super) fn reproduction(sample: &Sample, spec: &Spec, measures: &[Measure]) -> Vec<Option<f64>> {
    let next_round = |sums: &[u128], round: usize| sums.get(round + 1).copied();
    let n_rounds = sample.new_by_round.len();
    // Resolved specs have dynamics.
    let Ok(dynamics) = spec.dynamics() else { return vec![None; n_rounds] };
    let column = |measure: &Measure| {
        let place = measures.iter().position(|other| other == measure)?;
        Some(sample.measures.get(place)?.by_round())
    };
    let sums_of_new: Vec<u128>;
    let (followers, sources, rounds) = match &dynamics.rule {
        NodeRule::Epidemic(course) => {
            match (column(&Measure::Infections), column(&Measure::Infectious)) {
                (Some(infections), Some(infectious)) if course.recovery > 0.0 => {
                    (infections, infectious, course.recovery.recip())
                }
                _ => return vec![None; n_rounds],
            }
        }
        NodeRule::Contagion(_) | NodeRule::Threshold(_) if is_next_round(&dynamics) => {
            let sums = sample.new_by_round.iter();
            sums_of_new = sums.map(|new| new.iter().map(|&new| u128::from(new)).sum()).collect();
            (&*sums_of_new, &*sums_of_new, 1.0)
        }
        NodeRule::Contagion(_) | NodeRule::Threshold(_) => return vec![None; n_rounds],
    };
    let number = |round: usize| {
        let has_seeds = spec.push.iter().any(|push| push.round as usize == round + 1);
        let n_sources = sources.get(round).copied().filter(|&sources| sources > 0 && !has_seeds)?;
        Some(rounds * next_round(followers, round)? as f64 / n_sources as f64)
    };
    (0..n_rounds).map(number).collect()
}

/// Whether every message arrives in the round after.
fn is_next_round(dynamics: &Dynamics) -> bool {
    dynamics.delays().all(|(delay, _)| matches!(delay, Delay::NextRound | Delay::Constant(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// The numbers of two simulations of a job with `model` and more tables of its spec.
    fn numbers(model: &str, more: &str, measures: &[Measure]) -> Vec<Option<f64>> {
        let spec = format!(
            r#"{{"version": 1, "seeds": {{"top_degree": 2}}, "model": {model}, "run": {{"max_rounds": 9}} {more}}}"#
        );
        let spec = serde_json::from_str::<Spec>(&spec).unwrap().resolve().unwrap();
        let mut rows = fixture::rows(&[&[2, 6, 3], &[2, 2]]);
        rows[0].series = vec![vec![2, 7, 4, 3], vec![2, 8, 6, 4, 1]];
        rows[1].series = vec![vec![2, 2], vec![2, 4, 2]];
        reproduction(&Sample::collect(rows, 100).unwrap(), &spec, measures)
    }

    #[test]
    fn cascades_win_in_the_next_round() {
        let plain = vec![Some(2.0), Some(3.0 / 8.0), None];
        assert_eq!(numbers("{}", "", &[]), plain);
        assert_eq!(numbers(r#"{"delay": 1}"#, "", &[]), plain);
        let channels = r#", "channel": [{"name": "mail"}, {"name": "call", "probability": 0.1}]"#;
        assert_eq!(numbers("{}", channels, &[]), plain);
    }

    #[test]
    fn where_messages_are_under_way_nothing_is_said() {
        let channels = r#", "channel": [{"name": "mail"}, {"name": "call", "meeting": 0.5}]"#;
        for (model, more) in [
            (r#"{"delay": 2}"#, ""),
            (r#"{"delay": [1, 1]}"#, ""),
            (r#"{"meeting": 0.5}"#, ""),
            ("{}", channels),
        ] {
            assert_eq!(numbers(model, more, &[]), [None; 3], "{model} {more}");
        }
    }

    #[test]
    fn seeds_follow_nobody() {
        let push = r#", "push": [{"round": 1, "seeds": {"top_degree": 4}}]"#;
        assert_eq!(numbers("{}", push, &[]), [None, Some(3.0 / 8.0), None]);
    }

    #[test]
    fn epidemics_win_as_long_as_they_last() {
        let measures = [Measure::Infections, Measure::Infectious];
        // 9 infections by 4 who are infectious, for four rounds each; then 4 by 12, and 3 by 8.
        let expected = [Some(9.0), Some(4.0 / 3.0), Some(1.5)];
        let sir = r#"{"kind": "sir", "recovery": 0.25}"#;
        assert_eq!(numbers(sir, "", &measures), expected);
        let sis = r#"{"kind": "sis", "recovery": 0.25}"#;
        assert_eq!(numbers(sis, "", &measures), expected);
        let lasting = r#"{"kind": "sis", "recovery": 0.0}"#;
        assert_eq!(numbers(lasting, "", &measures), [None; 3]);
        assert_eq!(numbers(sir, "", &[]), [None; 3], "nothing was measured");
    }
}
