//! Sums of in-arc weights, which linear threshold compares its one draw with.
//!
//! Weights are summed as integers of 2⁻⁶⁴ and rounded to 2⁻³² after summing, so that the
//! intervals of a node's in-arcs neither overlap nor leave gaps, and d weights of 1/d
//! sum to 1 exactly.

use kaskade_model::NodeId;
use kaskade_model::coin::Threshold;

use super::write::ShardArcs;

/// Per in-arc, its target's weights summed up to and including it, as
/// [`Threshold::stored`].
///
/// # Errors
/// The first own node whose weights sum to more than 1.
pub(super) fn cumulative_weights(arcs: &ShardArcs, weights: &[f64]) -> Result<Vec<u32>, NodeId> {
    let mut cumulative = Vec::with_capacity(weights.len());
    for (target_idx, in_arcs) in arcs.own_in_arcs() {
        let (mut sum, mut slack) = (0u128, 0u128);
        for &weight in &weights[in_arcs] {
            let fixed = fixed_weight(weight);
            sum += fixed;
            slack += rounding_of(fixed);
            cumulative.push(rounded(sum).stored());
        }
        if sum > ONE + slack {
            return Err(arcs.nodes.node(target_idx));
        }
    }
    Ok(cumulative)
}

/// 1 in units of 2⁻⁶⁴.
const ONE: u128 = 1 << 64;

/// `weight`, from 0 to 1, in units of 2⁻⁶⁴.
fn fixed_weight(weight: f64) -> u128 {
    // Exact but for the last rounding: a product with a power of two does not round.
    (weight * ONE as f64).round_ties_even() as u128
}

/// How far a weight may lie above the number it stands for: a double nearest to 1/d is off
/// by half a unit of its last place, and the integer by as much of its own.
fn rounding_of(fixed: u128) -> u128 {
    (fixed >> 52) + 1
}

fn rounded(sum: u128) -> Threshold {
    Threshold::from_width(u64::try_from((sum + (1 << 31)) >> 32).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use kaskade_model::NodeRange;

    use super::*;

    fn sums(weights: &[f64]) -> Result<Vec<u32>, NodeId> {
        let n_arcs = weights.len() as u64;
        let arcs = ShardArcs {
            nodes: NodeRange { begin: 5000, end: 5001 },
            n_nodes: 6000,
            in_offsets: vec![0, n_arcs],
            in_sources: (0..n_arcs as u32).collect(),
            probabilities: None,
            channels: None,
        };
        cumulative_weights(&arcs, weights)
    }

    #[test]
    fn equal_weights_sum_to_one() {
        for degree in [1, 2, 3, 6, 7, 10, 49, 1000, 4999] {
            let cumulative = sums(&vec![1.0 / degree as f64; degree]).unwrap();
            let last = Threshold::from_stored(*cumulative.last().unwrap());
            assert_eq!(last, Threshold::ALWAYS, "degree {degree}");
            let too_many = sums(&vec![1.0 / degree as f64; degree + 1]);
            assert_eq!(too_many, Err(NodeId(5000)), "degree {degree}");
        }
    }

    #[test]
    fn sums_are_rounded_once() {
        // Each weight alone would round to 0; together they are one unit of 2⁻³².
        let unit = 1.0 / (1u64 << 32) as f64;
        assert_eq!(sums(&[unit / 4.0; 8]).unwrap(), [0, 1, 1, 1, 1, 2, 2, 2]);
        assert_eq!(sums(&[0.5, 0.0, 0.25]).unwrap(), [1 << 31, 1 << 31, 3 << 30]);
        assert!(sums(&[]).unwrap().is_empty());
        assert!(sums(&[0.5, 0.500_000_1]).is_err());
    }
}
