//! What became of simulations that were run one after another.

use kaskade_model::job::BatchPlan;
use kaskade_model::recording::TracedActivation;
use kaskade_model::tally::PartitionTally;

use super::Effort;

/// Simulations in their order, and what they took.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    /// Simulation after simulation, round by round.
    new_per_round: Vec<u64>,
    /// Where each simulation ends in these.
    ends: Vec<usize>,
    fingerprints: Vec<u64>,
    /// Of those that are traced, in any order.
    pub(super) trace: Vec<TracedActivation>,
    pub(super) effort: Effort,
}

impl Outcomes {
    /// Adds the next simulation.
    pub(super) fn push(&mut self, new_per_round: &[u64], fingerprint: u64) {
        self.new_per_round.extend_from_slice(new_per_round);
        self.ends.push(self.new_per_round.len());
        self.fingerprints.push(fingerprint);
    }

    /// Adds the simulations that come after these.
    pub(super) fn append(mut self, mut next: Self) -> Self {
        let begin = self.new_per_round.len();
        self.new_per_round.extend_from_slice(&next.new_per_round);
        self.ends.extend(next.ends.iter().map(|end| begin + end));
        self.fingerprints.extend_from_slice(&next.fingerprints);
        self.trace.append(&mut next.trace);
        self.effort += next.effort;
        self
    }

    /// The tally of `batch`, whose simulations these are.
    pub(super) fn tally(self, batch: &BatchPlan) -> PartitionTally {
        let mut tally = PartitionTally::empty(batch.first_simulation, batch.n_lanes);
        let n_simulations = self.ends.len();
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        let rounds = || begins.clone().zip(&self.ends).map(|(begin, &end)| begin..end);
        let n_rounds = rounds().map(|rounds| rounds.len()).max().unwrap_or(0);
        tally.new_per_round = vec![0; n_rounds * n_simulations];
        for (number, rounds) in rounds().enumerate() {
            for (round, n_new) in self.new_per_round[rounds].iter().enumerate() {
                tally.new_per_round[round * n_simulations + number] = *n_new;
            }
        }
        tally.fingerprints.copy_from_slice(&self.fingerprints);
        tally.work.arcs_scanned = self.effort.arcs_scanned;
        tally.work.coins = self.effort.coins;
        tally.trace = self.trace;
        tally.trace.sort_unstable();
        tally
    }
}
