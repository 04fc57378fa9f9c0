//! Linear threshold by live arcs: a node listens to at most one of its in-arcs.
//!
//! Kempe, Kleinberg and Tardos (KDD 2003, Theorem 4.6): drawing a uniform threshold
//! per node, and letting each node choose one in-arc u → v with probability w(u, v)
//! and none with 1 − Σ w, reach the same distribution of active sets. So a node
//! throws one coin a simulation; in-arc j, by ascending source id, is live where the
//! uniform falls between the sums of the weights before and up to j. The sums are
//! integers of 2⁻³² rounded *after* summing: they neither overlap nor leave gaps, and
//! d in-arcs of weight 1/d always fire.

use super::{Arc, ArcWeight, LiveArcs, ModelError, Place};
use crate::adjacency::{Ranks, Shard};
use crate::coin::{self, Draw, InvalidProbability, Purpose, Threshold};
use crate::{NodeId, NodeRange};

/// Calls `body` with linear threshold over one channel, whose arcs weigh `weight`: `in_degrees` are
/// those of the shard's nodes over the channel, `ranks` those of its arcs ([`super::channel_ranks`]).
///
/// # Errors
/// [`ModelError::Probability`], or [`ModelError::ChannelWeight`] for the graph's arc column.
pub fn with_channel_weights<T>(
    weight: ArcWeight,
    (in_degrees, ranks): (&[u32], &[u32]),
    body: impl FnOnce(&dyn LiveArcs) -> T,
) -> Result<T, ModelError> {
    let ranks = Ranks::U32(ranks);
    Ok(match weight {
        ArcWeight::Constant(weight) => {
            let weight = FixedWeight::new(weight)?;
            body(&ConstantThreshold { in_degrees, ranks, weight })
        }
        ArcWeight::WeightedCascade => body(&UniformThreshold { in_degrees, ranks }),
        ArcWeight::OverInDegree(share) => body(&SharedThreshold::new((in_degrees, ranks), share)?),
        ArcWeight::Column => return Err(ModelError::ChannelWeight),
    })
}

fn draw_between(target: NodeId, from: u64, until: u64) -> Draw {
    Draw {
        item: coin::node_item(target, Purpose::InArc),
        // `from` is 2³² only where the interval is empty.
        from: from as u32,
        width: until - from,
    }
}

/// The ranks of `shard`.
///
/// # Errors
/// [`ModelError::MissingSection`] when the graph has no in-view.
pub(super) fn ranks<S: Shard + ?Sized>(shard: &S) -> Result<Ranks<'_>, ModelError> {
    shard.in_ranks().ok_or(ModelError::MissingSection {
        section: "in-ranks",
        reader: "linear threshold",
        rebuild: "--views out,in",
    })
}

#[inline]
fn rank_of(ranks: Ranks<'_>, place: Place) -> u32 {
    match place {
        Place::Out(position) => ranks.at(position),
        Place::In(rank) => rank,
    }
}

/// ⌈`rank` · 2³² / `degree`⌉, `rank` at most `degree`.
#[inline]
fn equal_share(rank: u32, degree: u32) -> u64 {
    if degree >= 1 << 20 {
        return (u64::from(rank) << 32).div_ceil(degree.into());
    }
    // A quotient of doubles is quicker, and exact here: it is a multiple of 1/degree below 2³²,
    // farther from the next integer than the 2⁻²¹ by which it is rounded, or it is an integer.
    let quotient = f64::from(rank) * Threshold::ALWAYS.width() as f64 / f64::from(degree);
    let floor = quotient as u64;
    floor + u64::from((floor as f64) < quotient)
}

/// Weight 1/in-degree: in-arc j of d is live where ⌊uniform · d / 2³²⌋ = j.
#[derive(Debug)]
pub(super) struct UniformThreshold<'a> {
    pub(super) in_degrees: &'a [u32],
    pub(super) ranks: Ranks<'a>,
}

impl LiveArcs for UniformThreshold<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let degree = self.in_degrees[arc.target_idx as usize];
        let rank = rank_of(self.ranks, arc.place);
        draw_between(arc.target, equal_share(rank, degree), equal_share(rank + 1, degree))
    }

    #[inline]
    fn chosen_in_arc(&self, target_idx: u32, uniform: u32) -> Option<u32> {
        let degree = self.in_degrees[target_idx as usize];
        let rank = ((u64::from(uniform) * u64::from(degree)) >> 32) as u32;
        (degree > 0).then_some(rank)
    }
}

/// Weight c/in-degree, c at most 1: the node listens where its uniform lies below c, to in-arc
/// j = ⌊uniform · d / (c · 2³²)⌋ of d.
#[derive(Debug)]
pub(super) struct SharedThreshold<'a> {
    in_degrees: &'a [u32],
    ranks: Ranks<'a>,
    /// c, rounded once.
    listens: Threshold,
}

impl<'a> SharedThreshold<'a> {
    /// The rule with c = `share`.
    ///
    /// # Errors
    /// [`InvalidProbability`].
    pub(super) fn new(
        (in_degrees, ranks): (&'a [u32], Ranks<'a>),
        share: f64,
    ) -> Result<Self, InvalidProbability> {
        Threshold::check_share(share, 1.0)?;
        let listens = Threshold::from_probability(share)?;
        Ok(Self { in_degrees, ranks, listens })
    }

    /// ⌈`rank` · c · 2³² / `degree`⌉, `rank` at most `degree`.
    fn sum_before(&self, rank: u32, degree: u32) -> u64 {
        let sum = u128::from(rank) * u128::from(self.listens.width());
        // At most 2³².
        sum.div_ceil(degree.into()) as u64
    }
}

impl LiveArcs for SharedThreshold<'_> {
    fn draw(&self, arc: Arc) -> Draw {
        let degree = self.in_degrees[arc.target_idx as usize];
        let rank = rank_of(self.ranks, arc.place);
        draw_between(arc.target, self.sum_before(rank, degree), self.sum_before(rank + 1, degree))
    }

    fn chosen_in_arc(&self, target_idx: u32, uniform: u32) -> Option<u32> {
        let degree = self.in_degrees[target_idx as usize];
        let listens = self.listens.width();
        let hears = degree > 0 && u64::from(uniform) < listens;
        hears.then(|| (u64::from(uniform) * u64::from(degree) / listens) as u32)
    }
}

/// One weight for all arcs.
#[derive(Debug)]
pub(super) struct ConstantThreshold<'a> {
    pub(super) in_degrees: &'a [u32],
    pub(super) ranks: Ranks<'a>,
    pub(super) weight: FixedWeight,
}

impl LiveArcs for ConstantThreshold<'_> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let rank = rank_of(self.ranks, arc.place);
        draw_between(arc.target, self.weight.times(rank), self.weight.times(rank + 1))
    }

    fn chosen_in_arc(&self, target_idx: u32, uniform: u32) -> Option<u32> {
        let (mut low, mut high) = (0, self.in_degrees[target_idx as usize]);
        let is_above = |count| self.weight.times(count) <= uniform.into();
        if is_above(high) {
            return None;
        }
        // The chosen rank is the highest whose weights before it lie below.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            (low, high) = if is_above(middle) { (middle, high) } else { (low, middle) };
        }
        Some(low)
    }
}

/// The weight that the graph's arc column gives.
#[derive(Debug)]
pub(super) struct ColumnThreshold<'a, S: ?Sized> {
    pub(super) shard: &'a S,
    pub(super) ranks: Ranks<'a>,
}

impl<S: Shard + ?Sized> LiveArcs for ColumnThreshold<'_, S> {
    #[inline]
    fn draw(&self, arc: Arc) -> Draw {
        let rank = rank_of(self.ranks, arc.place) as usize;
        let sums = self.shard.cumulative_weights(arc.target_idx).unwrap_or(&[]);
        let until = Threshold::from_stored(sums[rank]).width();
        let from = if rank == 0 { 0 } else { Threshold::from_stored(sums[rank - 1]).width() };
        draw_between(arc.target, from, until)
    }

    fn chosen_in_arc(&self, target_idx: u32, uniform: u32) -> Option<u32> {
        let sums = self.shard.cumulative_weights(target_idx).unwrap_or(&[]);
        let is_before = |sum: &u32| Threshold::from_stored(*sum).width() <= uniform.into();
        let rank = sums.partition_point(is_before);
        // An in-degree is a `u32`.
        (rank < sums.len()).then_some(rank as u32)
    }
}

/// Refuses a shard without the sums that [`ColumnThreshold`] reads.
pub(super) fn check_column<S: Shard + ?Sized>(shard: &S) -> Result<(), ModelError> {
    if shard.nodes().is_empty() || shard.cumulative_weights(0).is_some() {
        return Ok(());
    }
    Err(ModelError::MissingSection {
        section: "arc column that sums to at most 1 at every node",
        reader: "linear threshold with weight `column`",
        rebuild: "--column NAME-or-INDEX --views out,in",
    })
}

/// Whether `in_degree` arcs of `weight` each sum to at most 1. A weight that is no
/// probability does not.
#[must_use]
pub fn sums_to_at_most_one(weight: f64, in_degree: u32) -> bool {
    FixedWeight::new(weight).is_ok_and(|weight| weight.sums_to_at_most_one(in_degree))
}

/// Refuses `weight` where the in-arcs of one of `nodes`, with `in_degrees` of them, would sum to more
/// than 1.
///
/// # Errors
/// [`ModelError::WeightsExceedOne`] names it.
pub fn check_sums((nodes, in_degrees): (NodeRange, &[u32]), weight: f64) -> Result<(), ModelError> {
    let weight_fixed = FixedWeight::new(weight)?;
    for (node_idx, &in_degree) in (0..).zip(in_degrees) {
        if !weight_fixed.sums_to_at_most_one(in_degree) {
            return Err(ModelError::WeightsExceedOne {
                node: nodes.node(node_idx),
                in_degree,
                weight,
                channel: None,
            });
        }
    }
    Ok(())
}

/// A weight as an integer of 2⁻⁶⁴, so that a sum of d of them is off by at most d · 2⁻⁶⁵.
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedWeight(u128);

impl FixedWeight {
    const ONE: u128 = 1 << 64;

    pub(super) fn new(weight: f64) -> Result<Self, InvalidProbability> {
        Threshold::from_probability(weight)?;
        Ok(Self((weight * Self::ONE as f64).round_ties_even() as u128))
    }

    /// The sum of `count` weights as an integer of 2⁻³², at most 2³².
    fn times(self, count: u32) -> u64 {
        let sum = (self.0 * u128::from(count) + (1 << 31)) >> 32;
        sum.min(1 << 32) as u64
    }

    /// A weight written as the nearest double to 1/d counts as 1/d: the sum may exceed 1 by
    /// half a unit of the double's last place for each of its terms.
    fn sums_to_at_most_one(self, count: u32) -> bool {
        let last_place = self.0 >> 52;
        self.0 * u128::from(count) <= Self::ONE + (last_place + 1) * u128::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_are_exact() {
        let degrees = [1u32, 2, 3, 7, 49, 1000, 65_537, (1 << 20) - 1, 1 << 20, 2_997_469];
        for degree in degrees {
            let ranks = (0..degree.min(5000)).chain(degree.saturating_sub(5000)..=degree);
            for rank in ranks.chain([degree / 2, degree / 3]) {
                let exact = (u64::from(rank) << 32).div_ceil(degree.into());
                assert_eq!(equal_share(rank, degree), exact, "{rank} of {degree}");
            }
        }
    }

    #[test]
    fn equal_weights_tile_the_unit_interval() {
        for degree in [1u32, 2, 3, 5, 6, 7, 10, 49, 100, 1000, 2_997_469] {
            let weight = FixedWeight::new(1.0 / f64::from(degree)).unwrap();
            assert_eq!(weight.times(degree), 1 << 32, "degree {degree}");
            assert!(weight.sums_to_at_most_one(degree), "degree {degree}");
            assert!(!weight.sums_to_at_most_one(degree + 1), "degree {degree}");
        }
    }
}
