//! Activations counted by lane.

use kaskade_model::Round;
use kaskade_model::job::BatchPlan;
use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, lanes_of};
use kaskade_model::tally::PartitionTally;

/// Per lane: how many nodes became active, and the sum of their fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCounts<const W: usize> {
    /// Activations, a number per lane.
    pub n_new: [[u64; LANES_PER_WORD]; W],
    /// Σ mod 2⁶⁴ of the activations' fingerprints, a number per lane.
    pub fingerprints: [[u64; LANES_PER_WORD]; W],
}

/// From so many lanes of a word on, all 64 are added without a branch.
const MANY_LANES: u32 = 12;

impl<const W: usize> Default for LaneCounts<W> {
    fn default() -> Self {
        Self { n_new: [[0; LANES_PER_WORD]; W], fingerprints: [[0; LANES_PER_WORD]; W] }
    }
}

impl<const W: usize> LaneCounts<W> {
    /// Counts one node that became active in the lanes of `mask`.
    #[inline]
    pub fn add(&mut self, mask: &LaneMask<W>, fingerprint: u64) {
        for (word_idx, &word) in mask.iter().enumerate() {
            let (n_new, sums) = (&mut self.n_new[word_idx], &mut self.fingerprints[word_idx]);
            if word.count_ones() < MANY_LANES {
                for lane in lanes_of(word) {
                    n_new[lane] += 1;
                    sums[lane] = sums[lane].wrapping_add(fingerprint);
                }
            } else {
                for lane in 0..LANES_PER_WORD {
                    let is_set = word >> lane & 1;
                    n_new[lane] += is_set;
                    sums[lane] = sums[lane].wrapping_add(fingerprint & is_set.wrapping_neg());
                }
            }
        }
    }

    /// Counts one node that became active in `lane`.
    #[inline]
    pub fn add_lane(&mut self, lane: u32, fingerprint: u64) {
        let (word, lane) = (lane as usize / LANES_PER_WORD, lane as usize % LANES_PER_WORD);
        self.n_new[word][lane] += 1;
        let sum = &mut self.fingerprints[word][lane];
        *sum = sum.wrapping_add(fingerprint);
    }

    /// Adds the counts of other nodes.
    pub fn merge(&mut self, other: &Self) {
        let words = self.n_new.iter_mut().zip(&other.n_new);
        words.for_each(|(sums, others)| sums.iter_mut().zip(others).for_each(|(s, o)| *s += o));
        for (sums, others) in self.fingerprints.iter_mut().zip(&other.fingerprints) {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum = sum.wrapping_add(*other));
        }
    }

    /// Adds them, as what became active in `round`, to the tally of `batch`.
    pub(crate) fn tally(&self, round: Round, batch: &BatchPlan, tally: &mut PartitionTally) {
        if self.total() == 0 {
            return;
        }
        let (first_lane, n_lanes) = (batch.first_lane() as usize, batch.n_lanes as usize);
        tally.new_per_round.resize(round.0 as usize * n_lanes, 0);
        let n_new = self.n_new.iter().flatten().skip(first_lane);
        tally.new_per_round.extend(n_new.take(n_lanes));
        let sums = self.fingerprints.iter().flatten().skip(first_lane);
        for (fingerprint, sum) in tally.fingerprints.iter_mut().zip(sums) {
            *fingerprint = fingerprint.wrapping_add(*sum);
        }
    }

    /// Activations over all lanes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.n_new.iter().flatten().sum()
    }
}

/// Numbers by lane: how many nodes were anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneTotals<const W: usize>([[u64; LANES_PER_WORD]; W]);

impl<const W: usize> Default for LaneTotals<W> {
    fn default() -> Self {
        Self([[0; LANES_PER_WORD]; W])
    }
}

impl<const W: usize> LaneTotals<W> {
    /// Counts one node in the lanes of `mask`.
    #[inline]
    pub fn add(&mut self, mask: &LaneMask<W>) {
        for (totals, &word) in self.0.iter_mut().zip(mask) {
            if word.count_ones() < MANY_LANES {
                lanes_of(word).for_each(|lane| totals[lane] += 1);
            } else {
                let lanes = totals.iter_mut().enumerate();
                lanes.for_each(|(lane, total)| *total += word >> lane & 1);
            }
        }
    }

    /// Adds `weight` in the lanes of `mask`.
    #[inline]
    pub fn add_weight(&mut self, mask: &LaneMask<W>, weight: u64) {
        for (totals, &word) in self.0.iter_mut().zip(mask) {
            if word.count_ones() < MANY_LANES {
                lanes_of(word).for_each(|lane| totals[lane] += weight);
            } else {
                let lanes = totals.iter_mut().enumerate();
                lanes
                    .for_each(|(lane, total)| *total += weight & (word >> lane & 1).wrapping_neg());
            }
        }
    }

    /// Adds the numbers of other nodes.
    pub fn merge(&mut self, other: &Self) {
        let lanes = self.0.iter_mut().flatten().zip(other.0.iter().flatten());
        lanes.for_each(|(total, other)| *total += other);
    }

    /// The number of each lane.
    pub fn by_lane(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_lanes_count_alike() {
        let masks: Vec<LaneMask<2>> =
            vec![[1, 0], [u64::MAX, 1 << 63], [0xffff, 0xaaaa_aaaa_aaaa_aaaa], [0, 0]];
        let mut counts = LaneCounts::<2>::default();
        let mut weights = LaneTotals::<2>::default();
        let mut expected = [(0u64, 0u64); 128];
        for (node, mask) in masks.iter().enumerate() {
            let fingerprint = u64::MAX - node as u64;
            counts.add(mask, fingerprint);
            weights.add_weight(mask, 3);
            for (lane, (n_new, sum)) in expected.iter_mut().enumerate() {
                if mask[lane / 64] >> (lane % 64) & 1 == 1 {
                    *n_new += 1;
                    *sum = sum.wrapping_add(fingerprint);
                }
            }
        }
        let counted = counts.n_new.iter().flatten().zip(counts.fingerprints.iter().flatten());
        assert!(counted.map(|(&n_new, &sum)| (n_new, sum)).eq(expected));
        assert!(weights.by_lane().eq(expected.iter().map(|(n_new, _)| 3 * n_new)));
        assert_eq!(counts.total(), 1 + 65 + 16 + 32);
    }
}
