//! What comes out of a run, in integers, and how it is summed.
//!
//! A partition counts its own activations per round and lane ([`PartitionTally`]).
//! A simulation's figures exist only after those are summed over all partitions
//! ([`PartitionTally::add_partition`]); batches then merge in any order to the same
//! bits ([`JobTally`]). Squares, quantiles and everything with a decimal point are
//! taken later, in one place (crate `kaskade-results`).

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::dynamics::LaneSeries;
use crate::ids::BatchId;
use crate::recording::{
    MAX_TRACED_ACTIVATIONS, NodeCount, TracedActivation, add_counts, are_counts, is_trace,
};

/// What one partition counted for one batch; or, summed over all partitions, the batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionTally {
    /// The global number of the simulation in lane 0.
    pub first_simulation: u64,
    /// Simulations in the batch.
    pub n_lanes: u32,
    /// Activations, round by round, `n_lanes` numbers each.
    pub new_per_round: Vec<u64>,
    /// Σ mod 2⁶⁴ of [`crate::coin::activation_fingerprint`], a number per lane.
    pub fingerprints: Vec<u64>,
    /// What else was measured, round by round.
    pub series: LaneSeries,
    /// Who passed it to whom in the traced simulations. One more than
    /// [`MAX_TRACED_ACTIVATIONS`] stands for any number above it.
    pub trace: Vec<TracedActivation>,
    /// How many simulations reached each node.
    pub reached: Vec<NodeCount>,
    /// What it took.
    pub work: Work,
}

/// What a run did, for people and for capacity planning. No part of the result: `coins`
/// depends on the order in which threads happen to look at arcs, and the exchange on
/// the number of workers. Arcs and coins are counted by each way to compute a batch in its own
/// units, and compare within one way alone:
///
/// | way | `arcs_scanned` | `coins` |
/// |---|---|---|
/// | all lanes together | an arc of a frontier node once a round, however many lanes | (arc, lane) pairs whose target was not active when the arc was looked at |
/// | the same with block coins | likewise | (arc, lane) pairs of the blocks that were drawn, live or not |
/// | pair by pair | an arc of a (node, lane) pair once | the same, but for targets that are active in all lanes |
/// | from the targets | an in-arc of a node that is not active in all lanes, once a round | as all lanes together |
/// | one simulation at a time | an arc of a node once a simulation; of the seeds once in 64 | (arc, simulation) pairs of the blocks that were drawn |
/// | backward | nodes that drew an in-arc, once a simulation | the same |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Arcs that were looked at.
    pub arcs_scanned: u64,
    /// Coins that were asked for.
    pub coins: u64,
    /// Payload bytes sent to peers, counted once per receiver.
    pub bytes_sent: u64,
    /// (node, lane) pairs sent to peers, counted once per receiver.
    pub activations_sent: u64,
    /// (node, lane) pairs received from peers.
    pub activations_received: u64,
    /// Chunks encoded, by encoding.
    pub chunks: ChunkCounts,
}

/// Chunks by the encoding that was smallest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkCounts {
    /// Delta-coded id lists.
    pub list: u64,
    /// Roaring bitmaps.
    pub roaring: u64,
    /// Dense words.
    pub dense: u64,
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.arcs_scanned += other.arcs_scanned;
        self.coins += other.coins;
        self.bytes_sent += other.bytes_sent;
        self.activations_sent += other.activations_sent;
        self.activations_received += other.activations_received;
        self.chunks += other.chunks;
    }
}

impl AddAssign for ChunkCounts {
    fn add_assign(&mut self, other: Self) {
        self.list += other.list;
        self.roaring += other.roaring;
        self.dense += other.dense;
    }
}

impl PartitionTally {
    /// The tally of a batch in which nothing happened yet.
    #[must_use]
    pub fn empty(first_simulation: u64, n_lanes: u32) -> Self {
        Self {
            first_simulation,
            n_lanes,
            new_per_round: Vec::new(),
            fingerprints: vec![0; n_lanes as usize],
            series: LaneSeries::default(),
            trace: Vec::new(),
            reached: Vec::new(),
            work: Work::default(),
        }
    }

    /// The number of rounds counted, the seeds' round included.
    #[must_use]
    pub fn n_rounds(&self) -> usize {
        self.new_per_round.len() / self.n_lanes.max(1) as usize
    }

    /// Whether the arrays have the lengths that `n_lanes` asks for: a tally from the wire
    /// or from disk must be asked before it is used.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.n_lanes > 0
            && self.fingerprints.len() == self.n_lanes as usize
            && self.new_per_round.len().is_multiple_of(self.n_lanes as usize)
            && self.series.is_well_formed(self.n_lanes)
            && is_trace(&self.trace, self.n_lanes)
            && are_counts(&self.reached, self.n_lanes)
    }

    /// Adds what another partition counted for the same batch.
    ///
    /// # Errors
    /// [`TallyError::OtherBatch`] when the tallies are of different simulations,
    /// [`TallyError::TooLarge`] when counts overflow; then `self` is of no more use.
    pub fn add_partition(&mut self, other: &Self) -> Result<(), TallyError> {
        if (self.first_simulation, self.n_lanes) != (other.first_simulation, other.n_lanes) {
            return Err(TallyError::OtherBatch {
                expected: self.first_simulation,
                found: other.first_simulation,
            });
        }
        if self.new_per_round.len() < other.new_per_round.len() {
            self.new_per_round.resize(other.new_per_round.len(), 0);
        }
        for (sum, new) in self.new_per_round.iter_mut().zip(&other.new_per_round) {
            *sum = sum.checked_add(*new).ok_or(TallyError::TooLarge)?;
        }
        for (sum, fingerprint) in self.fingerprints.iter_mut().zip(&other.fingerprints) {
            *sum = sum.wrapping_add(*fingerprint);
        }
        self.series.add(&other.series).ok_or(TallyError::TooLarge)?;
        if !other.trace.is_empty() {
            self.trace.extend(&other.trace);
            self.trace.sort_unstable();
            self.trace.truncate(MAX_TRACED_ACTIVATIONS + 1);
        }
        if !other.reached.is_empty() {
            // Partitions have no node in common, so that the order is that of the nodes.
            self.reached.extend(&other.reached);
            self.reached.sort_unstable_by_key(|count| count.node);
        }
        self.work += other.work;
        Ok(())
    }

    /// The simulations of the batch, ascending. Only meaningful once every partition was added.
    pub fn rows(&self) -> impl Iterator<Item = SimulationRow> + '_ {
        let n_lanes = self.n_lanes as usize;
        (0..n_lanes).map(move |lane| {
            let mut new_per_round: Vec<u64> =
                self.new_per_round.iter().skip(lane).step_by(n_lanes).copied().collect();
            let n_rounds =
                new_per_round.iter().rposition(|&new| new > 0).map_or(1, |last| last + 1);
            new_per_round.resize(n_rounds, 0);
            SimulationRow {
                simulation: self.first_simulation + lane as u64,
                new_per_round,
                fingerprint: self.fingerprints[lane],
                series: self.series.of_lane(lane, n_lanes),
            }
        })
    }
}

/// One simulation from the seeds to extinction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulationRow {
    /// Its global number.
    pub simulation: u64,
    /// Activations by round, the seeds first; the last round is one with an activation.
    pub new_per_round: Vec<u64>,
    /// Σ mod 2⁶⁴ of [`crate::coin::activation_fingerprint`] over its activations.
    pub fingerprint: u64,
    /// For each measure of the job its numbers by round, up to the last that is not 0.
    pub series: Vec<Vec<u64>>,
}

impl SimulationRow {
    /// The number of nodes ever active, seeds included.
    #[must_use]
    pub fn spread(&self) -> u64 {
        self.new_per_round.iter().sum()
    }

    /// The index of the last round with an activation.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        (self.new_per_round.len() - 1) as u32
    }
}

/// The finished batches of a job. Merging in any order gives the same bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobTally {
    /// Without what they say of nodes.
    batches: BTreeMap<BatchId, PartitionTally>,
    /// By dense id, as far as the last node that was reached.
    reached: Vec<u64>,
    n_traced: usize,
}

impl JobTally {
    /// Adds a finished batch, summed over all partitions. A batch that is already there
    /// must be equal: a rerun gives the same bits.
    ///
    /// # Errors
    /// [`TallyError::RerunDiffers`] when it is not, [`TallyError::TraceTooLarge`] when the traced
    /// simulations have more activations than can be kept.
    pub fn add_batch(
        &mut self,
        batch: BatchId,
        mut tally: PartitionTally,
    ) -> Result<(), TallyError> {
        if let Some(present) = self.batches.get(&batch) {
            return if present.rows().eq(tally.rows()) && present.trace == tally.trace {
                Ok(())
            } else {
                Err(TallyError::RerunDiffers { batch })
            };
        }
        self.n_traced += tally.trace.len();
        if self.n_traced > MAX_TRACED_ACTIVATIONS {
            return Err(TallyError::TraceTooLarge);
        }
        add_counts(&mut self.reached, &std::mem::take(&mut tally.reached));
        self.batches.insert(batch, tally);
        Ok(())
    }

    /// Whether `batch` is finished.
    #[must_use]
    pub fn contains(&self, batch: BatchId) -> bool {
        self.batches.contains_key(&batch)
    }

    /// The finished batches, ascending.
    pub fn batch_tallies(&self) -> impl Iterator<Item = (BatchId, &PartitionTally)> {
        self.batches.iter().map(|(&batch, tally)| (batch, tally))
    }

    /// The number of finished simulations.
    #[must_use]
    pub fn n_simulations(&self) -> u64 {
        self.batches.values().map(|tally| u64::from(tally.n_lanes)).sum()
    }

    /// Every finished simulation, ascending by number.
    pub fn rows(&self) -> impl Iterator<Item = SimulationRow> + '_ {
        self.batches.values().flat_map(PartitionTally::rows)
    }

    /// Who passed it to whom: every traced activation with its simulation, ascending.
    pub fn trace(&self) -> impl Iterator<Item = (u64, &TracedActivation)> {
        self.batches.values().flat_map(|tally| {
            let first = tally.first_simulation;
            tally.trace.iter().map(move |traced| (first + u64::from(traced.place), traced))
        })
    }

    /// How many simulations reached each node, by dense id, as far as the last that was reached.
    #[must_use]
    pub fn reached(&self) -> &[u64] {
        &self.reached
    }

    /// What all of it took.
    #[must_use]
    pub fn work(&self) -> Work {
        let mut work = Work::default();
        self.batches.values().for_each(|tally| work += tally.work);
        work
    }
}

/// Tallies that do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TallyError {
    /// Two tallies of different simulations were to be summed.
    #[error("tally of simulation {found} and on cannot be added to that of {expected} and on")]
    OtherBatch {
        /// The first simulation of the sum.
        expected: u64,
        /// The first simulation of what was to be added.
        found: u64,
    },
    /// More activations than a number holds: one of the tallies is made up.
    #[error("tallies sum to more activations than any graph has")]
    TooLarge,
    /// The traced simulations reach too far.
    #[error(
        "the traced simulations have more than {MAX_TRACED_ACTIVATIONS} activations, which is the \
         most that a job keeps: trace fewer (run.trace_simulations)"
    )]
    TraceTooLarge,
    /// The same batch was run twice with different results.
    #[error("batch {batch} was run twice and gave different results: the workers do not agree")]
    RerunDiffers {
        /// The batch.
        batch: BatchId,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally(n_rounds: usize, numbers: &[u64]) -> PartitionTally {
        let n_lanes = 3;
        let new = |idx: usize| numbers[idx % numbers.len()] % 1000;
        PartitionTally {
            first_simulation: 5,
            n_lanes,
            new_per_round: (0..n_rounds * n_lanes as usize).map(new).collect(),
            fingerprints: numbers.iter().cycle().take(n_lanes as usize).copied().collect(),
            series: LaneSeries { n_measures: 2, values: (0..n_rounds * 6).map(new).collect() },
            trace: Vec::new(),
            reached: Vec::new(),
            work: Work { coins: new(0), ..Work::default() },
        }
    }

    proptest! {
        #[test]
        fn partitions_sum_in_any_order(
            parts in prop::collection::vec((0usize..6, prop::collection::vec(any::<u64>(), 1..9)), 1..5),
        ) {
            let parts: Vec<_> = parts.iter().map(|(rounds, n)| tally(*rounds, n)).collect();
            let sum = |parts: &mut dyn Iterator<Item = &PartitionTally>| {
                let mut sum = PartitionTally::empty(5, 3);
                parts.for_each(|part| sum.add_partition(part).unwrap());
                sum
            };
            prop_assert_eq!(sum(&mut parts.iter()), sum(&mut parts.iter().rev()));
        }
    }

    #[test]
    fn what_is_kept_of_nodes_and_cascades_merges() {
        let traced = |place, node| TracedActivation { place, round: 1, node, parent: Some(9) };
        let count = |node, simulations| NodeCount { node, simulations };
        let part = |nodes: [u32; 2]| PartitionTally {
            trace: vec![traced(0, nodes[0]), traced(2, nodes[1])],
            reached: vec![count(nodes[0], 1), count(nodes[1], 3)],
            ..PartitionTally::empty(5, 3)
        };
        let sum = |one: &PartitionTally, other: &PartitionTally| {
            let mut sum = one.clone();
            sum.add_partition(other).unwrap();
            sum
        };
        let (one, other) = (part([1, 7]), part([3, 4]));
        let both = sum(&one, &other);
        assert_eq!(both, sum(&other, &one));
        assert!(both.is_well_formed());
        assert_eq!(both.reached, [count(1, 1), count(3, 1), count(4, 3), count(7, 3)]);

        let mut job = JobTally::default();
        let later = PartitionTally { first_simulation: 8, ..both.clone() };
        job.add_batch(BatchId(1), later).unwrap();
        job.add_batch(BatchId(0), both.clone()).unwrap();
        job.add_batch(BatchId(0), both.clone()).unwrap();
        assert_eq!(job.reached(), [0, 2, 0, 2, 6, 0, 0, 6], "a repeated batch counts once");
        let simulations: Vec<_> =
            job.trace().map(|(simulation, of)| (simulation, of.node)).collect();
        assert_eq!(simulations[..4], [(5, 1), (5, 3), (7, 4), (7, 7)]);
        assert_eq!(simulations[4], (8, 1));
        let other_parents = PartitionTally { trace: Vec::new(), ..both.clone() };
        assert!(job.add_batch(BatchId(0), other_parents).is_err());

        for broken in [
            PartitionTally { trace: vec![traced(3, 0)], ..PartitionTally::empty(5, 3) },
            PartitionTally { trace: vec![traced(1, 1), traced(1, 1)], ..both.clone() },
            PartitionTally { reached: vec![count(3, 4)], ..both.clone() },
            PartitionTally { reached: vec![count(3, 0)], ..both.clone() },
            PartitionTally { reached: vec![count(3, 1), count(3, 1)], ..both },
        ] {
            assert!(!broken.is_well_formed(), "{broken:?}");
        }
    }

    #[test]
    fn a_trace_that_is_too_large_is_refused() {
        let traced = |node| TracedActivation { place: 0, round: 1, node, parent: None };
        let part = |nodes: std::ops::Range<u32>| PartitionTally {
            trace: nodes.map(traced).collect(),
            ..PartitionTally::empty(0, 1)
        };
        let most = MAX_TRACED_ACTIVATIONS as u32;
        let mut sum = part(0..most);
        JobTally::default().add_batch(BatchId(0), sum.clone()).unwrap();
        sum.add_partition(&part(most..most + 5)).unwrap();
        assert!(sum.is_well_formed() && sum.trace.len() == most as usize + 1);
        let refused = JobTally::default().add_batch(BatchId(0), sum);
        assert_eq!(refused, Err(TallyError::TraceTooLarge));
    }

    #[test]
    fn rows_drop_rounds_after_extinction() {
        let tally =
            PartitionTally { new_per_round: vec![2, 2, 2, 1, 0, 5, 0, 0, 7], ..tally(0, &[9]) };
        let rows: Vec<_> = tally.rows().collect();
        assert_eq!(rows[0].new_per_round, [2, 1]);
        assert_eq!((rows[1].spread(), rows[1].rounds()), (2, 0));
        assert_eq!((rows[2].spread(), rows[2].rounds(), rows[2].simulation), (14, 2, 7));
    }

    #[test]
    fn a_rerun_must_agree() {
        let mut job = JobTally::default();
        job.add_batch(BatchId(0), tally(2, &[1, 2])).unwrap();
        job.add_batch(BatchId(0), tally(2, &[1, 2])).unwrap();
        let differs = job.add_batch(BatchId(0), tally(2, &[1, 3]));
        assert_eq!(differs, Err(TallyError::RerunDiffers { batch: BatchId(0) }));
        assert_eq!(job.n_simulations(), 3);
    }
}
