//! The values of equal arcs to one.

use kaskade_model::spec::OriginalId;

use crate::error::IngestError;
use crate::spec::Duplicates;

/// Why equal arcs cannot merge.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Duplicate,
    SumExceedsOne(f64),
}

impl Refusal {
    /// The error for the arc between these original ids.
    pub(super) fn name(self, source_id: OriginalId, target_id: OriginalId) -> IngestError {
        match self {
            Self::Duplicate => IngestError::DuplicateArc { source_id, target_id },
            Self::SumExceedsOne(sum) => IngestError::SumExceedsOne { source_id, target_id, sum },
        }
    }
}

/// What a sum of decimal fractions that should be 1 may exceed it by.
const SUM_TOLERANCE: f64 = 1e-9;

/// Merges `ascending`, the probabilities of two or more equal arcs. That they are in order makes
/// the bits of a float sum the same for any order of input.
pub(crate) fn probabilities(
    ascending: impl Iterator<Item = f64>,
    rule: Duplicates,
) -> Result<f64, Refusal> {
    let mut larger = ascending;
    let Some(smallest) = larger.next() else { return Ok(0.0) };
    Ok(match rule {
        Duplicates::Error => return Err(Refusal::Duplicate),
        Duplicates::Max => larger.last().unwrap_or(smallest),
        // 1 − (1 − a)(1 − b), in the form that keeps small values exact.
        Duplicates::NoisyOr => larger.fold(smallest, |a, b| (a + b * (1.0 - a)).min(1.0)),
        Duplicates::Sum => {
            let sum: f64 = larger.fold(smallest, |a, b| a + b);
            if sum > 1.0 + SUM_TOLERANCE {
                return Err(Refusal::SumExceedsOne(sum));
            }
            sum.min(1.0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arcs::{ChannelSet, Payload};

    fn merged(values: &[f64], rule: Duplicates) -> Result<f64, Refusal> {
        probabilities(values.iter().copied(), rule)
    }

    #[test]
    fn values_merge_by_the_rule() {
        let values = [0.0, 0.25, 0.5];
        assert_eq!(merged(&values, Duplicates::Max), Ok(0.5));
        assert_eq!(merged(&values, Duplicates::NoisyOr), Ok(0.625));
        assert_eq!(merged(&values, Duplicates::Sum), Ok(0.75));
        assert_eq!(merged(&values, Duplicates::Error), Err(Refusal::Duplicate));
        assert_eq!(merged(&[0.5, 0.75], Duplicates::Sum), Err(Refusal::SumExceedsOne(1.25)));
        assert_eq!(merged(&[0.1; 10], Duplicates::Sum).map(|sum| sum <= 1.0), Ok(true));
        assert_eq!(merged(&[0.15, 0.35, 0.5 + 1e-12], Duplicates::Sum), Ok(1.0));
    }

    #[test]
    fn noisy_or_keeps_the_smallest_value() {
        let smallest = kaskade_model::coin::Threshold::SMALLEST_PROBABILITY;
        assert_eq!(merged(&[0.0, smallest], Duplicates::NoisyOr), Ok(smallest));
        assert_eq!(merged(&[0.5, 1.0, 1.0], Duplicates::NoisyOr), Ok(1.0));
    }

    #[test]
    fn without_a_column_every_rule_drops() {
        for rule in [Duplicates::Max, Duplicates::Error, Duplicates::Sum] {
            assert_eq!(<() as Payload>::merge([(), ()].into_iter(), rule), Ok(()));
        }
    }

    #[test]
    fn an_arc_belongs_to_every_channel_that_it_came_over() {
        let merged = |sets: &[u8], rule| {
            ChannelSet::merge(sets.iter().copied().map(ChannelSet), rule).map(|set| set.0)
        };
        assert_eq!(merged(&[1, 2, 2, 8], Duplicates::Max), Ok(11));
        assert_eq!(merged(&[1, 2, 8], Duplicates::Error), Ok(11));
        assert_eq!(merged(&[1, 2, 2], Duplicates::Error), Err(Refusal::Duplicate));
    }
}
