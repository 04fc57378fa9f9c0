//! Probabilities and weights as integers of 2⁻³², rounded once from exact values.

use kaskade_model::NodeId;
use kaskade_model::coin::{self, Purpose};
use kaskade_model::diffusion::{ArcProbability, ArcWeight};

use crate::ArcList;

/// Doubles from 2⁻³³ to 1 are whole numbers of 2⁻⁸⁵.
const EXACT_BITS: u32 = 85;

/// The threshold of each arc of `graph` under an independent cascade with job seed `seed`: it
/// is live with the probability of that many 2⁻³².
///
/// # Panics
/// When `probability` reads a column that `graph` lacks.
#[must_use]
pub fn arc_thresholds(graph: &ArcList, probability: &ArcProbability, seed: u64) -> Vec<u64> {
    let n_arcs = graph.arcs().len();
    match probability {
        ArcProbability::Constant(p) => vec![nearest(exact(*p)); n_arcs],
        ArcProbability::WeightedCascade => {
            let in_degrees = graph.in_degrees();
            let degree = |target: u32| u128::from(in_degrees[target as usize]);
            graph.arcs().iter().map(|arc| round_half_even(1 << 32, degree(arc.target))).collect()
        }
        ArcProbability::OverInDegree(share) => {
            let in_degrees = graph.in_degrees();
            let over = |target: u32| {
                let degree = u128::from(in_degrees[target as usize]);
                round_half_even(exact(*share), degree << (EXACT_BITS - 32)).min(1 << 32)
            };
            graph.arcs().iter().map(|arc| over(arc.target)).collect()
        }
        ArcProbability::Factors(of) => {
            let factor = |column: &Option<String>, node| {
                column.as_ref().map_or(1.0, |column| graph.nodes().number(column, node))
            };
            let arcs = graph.arcs().iter();
            arcs.map(|arc| {
                nearest_product(
                    factor(&of.influence, arc.source),
                    factor(&of.susceptibility, arc.target),
                )
            })
            .collect()
        }
        ArcProbability::Segments(matrix) => {
            let category = |node| graph.nodes().category(&matrix.segment, node).unwrap_or("");
            let arcs = graph.arcs().iter();
            arcs.map(|arc| {
                let to = matrix.from.get(category(arc.source));
                let said = to.and_then(|to| to.get(category(arc.target)));
                nearest(exact(*said.unwrap_or(&matrix.default)))
            })
            .collect()
        }
        ArcProbability::Trivalency => {
            let levels = [0.1, 0.01, 0.001].map(|level| nearest(exact(level)));
            let level_of = |source, target| {
                let item = coin::arc_item(NodeId(source), NodeId(target), Purpose::Trivalency);
                (u64::from(coin::uniform(item, coin::job_key(seed))) * 3) >> 32
            };
            let arcs = graph.arcs().iter();
            arcs.map(|arc| levels[level_of(arc.source, arc.target) as usize]).collect()
        }
        ArcProbability::Column => {
            column(graph).iter().map(|&p| stored(nearest(exact(p)))).collect()
        }
    }
}

/// For each node of `graph`, its in-arcs by ascending source: their positions in the list,
/// and the weights summed up to and including each.
pub(super) fn cumulative_weights(graph: &ArcList, weight: ArcWeight) -> Vec<Vec<(usize, u64)>> {
    let by_target = graph.in_arcs().into_iter().map(|in_arcs| {
        let degree = in_arcs.len() as u128;
        let mut sum = 0u128;
        let with_sums = (1u128..).zip(in_arcs).map(|(count, position)| {
            let cumulative = match weight {
                ArcWeight::Constant(w) => nearest(count * exact(w)),
                // The smallest integer that is at least 2³² · count / degree, so that in-arc j
                // is the one with ⌊uniform · degree / 2³²⌋ = j.
                ArcWeight::WeightedCascade => (count << 32).div_ceil(degree) as u64,
                // The same of the numbers below the share.
                ArcWeight::OverInDegree(share) => {
                    (count * u128::from(nearest(exact(share)))).div_ceil(degree) as u64
                }
                ArcWeight::Column => {
                    sum += exact(column(graph)[position]);
                    stored(nearest(sum))
                }
            };
            (position, cumulative)
        });
        with_sums.collect()
    });
    by_target.collect()
}

fn column(graph: &ArcList) -> &[f64] {
    graph.column().expect("the plan reads a column, so the graph has one")
}

/// `value` as a whole number of 2⁻⁸⁵.
fn exact(value: f64) -> u128 {
    (value * (1u128 << EXACT_BITS) as f64) as u128
}

/// The whole number of 2⁻³² that is nearest to a sum of 2⁻⁸⁵, ties to even; at most 2³².
fn nearest(sum: u128) -> u64 {
    round_half_even(sum, 1 << (EXACT_BITS - 32)).min(1 << 32)
}

/// The whole number of 2⁻³² that is nearest to the product of two doubles in [0, 1], ties to even.
fn nearest_product(a: f64, b: f64) -> u64 {
    // A double is a whole number of 53 bits times a power of two.
    let parts = |value: f64| {
        let (exponent, fraction) = (value.to_bits() >> 52, value.to_bits() & ((1 << 52) - 1));
        let whole = fraction | u64::from(exponent > 0) << 52;
        (u128::from(whole), 1075 - exponent.max(1) as u32)
    };
    let ((a, a_bits), (b, b_bits)) = (parts(a), parts(b));
    // Beyond, the product is below 2⁻³⁴.
    let n_bits = a_bits + b_bits - 32;
    if n_bits > 126 { 0 } else { round_half_even(a * b, 1 << n_bits) }
}

/// A graph directory has four bytes a threshold: its largest stands for 2³².
fn stored(threshold: u64) -> u64 {
    if threshold == u64::from(u32::MAX) { 1 << 32 } else { threshold }
}

fn round_half_even(numerator: u128, denominator: u128) -> u64 {
    let (quotient, remainder) = (numerator / denominator, numerator % denominator);
    let is_odd = quotient % 2 == 1;
    let up = 2 * remainder > denominator || (2 * remainder == denominator && is_odd);
    (quotient + u128::from(up)) as u64
}
