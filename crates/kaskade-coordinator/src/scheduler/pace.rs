//! How long workers take for the same work, and who of them holds the others up.
//!
//! A *lap* is what a worker does between two points at which all who share the work can be
//! compared: of a group, from the moment at which its last member had reported a round to the
//! own report of the next; of a worker that has whole batches, from a batch's command to its
//! tally. Whoever takes much longer than the median of the others is a straggler: nothing is
//! taken from it, but people are told.

use std::collections::{BTreeMap, BTreeSet};

use kaskade_model::{BatchId, Round, WorkerId};
use tokio::time::Instant;

/// So many times the median of the others, or more, is a straggler's.
const SLOWNESS: f64 = 2.0;

/// And so many seconds more than they over the laps that count: below it, chance and the network
/// decide.
const EXCESS_SECONDS: f64 = 1.0;

/// What a lap keeps of the weight of those before it: the last fifty or so count.
const MEMORY: f64 = 0.98;

/// The laps of the workers of a job.
#[derive(Debug, Default)]
pub(super) struct Pace {
    groups: BTreeMap<u32, BTreeSet<WorkerId>>,
    batches: BTreeMap<BatchId, Laps>,
    past: BTreeMap<WorkerId, Past>,
}

/// The laps that a worker has ended, the late ones with more weight.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    seconds: f64,
    weight: f64,
}

/// The laps of a batch that is under way.
#[derive(Debug)]
struct Laps {
    group: u32,
    begun: Instant,
    waiting_for: BTreeSet<WorkerId>,
}

impl Pace {
    /// `worker` is a member of `group` from now on.
    pub(super) fn joined(&mut self, group: u32, worker: WorkerId) {
        self.leave(worker);
        self.groups.entry(group).or_default().insert(worker);
    }

    /// `worker` is gone, and so is what it did.
    pub(super) fn lost(&mut self, worker: WorkerId) {
        self.past.remove(&worker);
        self.leave(worker);
    }

    fn leave(&mut self, worker: WorkerId) {
        for members in self.groups.values_mut() {
            members.remove(&worker);
        }
    }

    /// `batch` was given to `group`.
    pub(super) fn begun(&mut self, batch: BatchId, group: u32, now: Instant) {
        let waiting_for = self.groups.get(&group).cloned().unwrap_or_default();
        let laps = Laps { group, begun: now, waiting_for };
        // Each member is told: the first counts.
        self.batches.entry(batch).or_insert(laps);
    }

    /// `worker` has ended `round` of `batch`, or with `None` all of it.
    pub(super) fn reported(
        &mut self,
        worker: WorkerId,
        batch: BatchId,
        round: Option<Round>,
        now: Instant,
    ) {
        let Some(laps) = self.batches.get_mut(&batch) else { return };
        let members = self.groups.get(&laps.group);
        // One that works alone says now and then that it lives.
        if round.is_some() && members.is_none_or(|members| members.len() < 2) {
            return;
        }
        if laps.waiting_for.remove(&worker) {
            let past = self.past.entry(worker).or_default();
            past.seconds = past.seconds * MEMORY + now.duration_since(laps.begun).as_secs_f64();
            past.weight = past.weight * MEMORY + 1.0;
        }
        if laps.waiting_for.is_empty() {
            laps.begun = now;
            laps.waiting_for = members.cloned().unwrap_or_default();
        }
    }

    /// `batch` is over, or given back.
    pub(super) fn over(&mut self, batch: BatchId) {
        self.batches.remove(&batch);
    }

    /// The stragglers, each with the times as long as the median of the others that it takes.
    pub(super) fn stragglers(&self, now: Instant) -> BTreeMap<WorkerId, f64> {
        let alone = self.groups.values().filter(|members| members.len() == 1).flatten().copied();
        let together = self.groups.values().filter(|members| members.len() > 1).cloned();
        let mut stragglers = BTreeMap::new();
        for peers in together.chain([alone.collect()]) {
            let took: Vec<(WorkerId, f64)> =
                peers.iter().map(|&worker| (worker, self.seconds(worker, now))).collect();
            for &(worker, seconds) in &took {
                let others = took.iter().filter(|(other, _)| *other != worker);
                let median = median(others.map(|(_, seconds)| *seconds).collect());
                let Some(median) = median else { continue };
                let n_laps = self.past.get(&worker).map_or(1.0, |past| past.weight.max(1.0));
                let excess = (seconds - median) * n_laps;
                if seconds > SLOWNESS * median && excess > EXCESS_SECONDS {
                    // Others that have nothing to do take no time at all.
                    stragglers.insert(worker, seconds / median.max(0.001));
                }
            }
        }
        stragglers
    }

    /// What a lap of `worker` takes of late, or the one that it is in, if that is longer.
    fn seconds(&self, worker: WorkerId, now: Instant) -> f64 {
        let past = self.past.get(&worker).map_or(0.0, |past| past.seconds / past.weight);
        let waiting = self.batches.values().filter(|laps| laps.waiting_for.contains(&worker));
        let open = waiting.map(|laps| now.duration_since(laps.begun).as_secs_f64());
        open.fold(past, f64::max)
    }
}

/// The middle of `figures`, the lower one of two.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const A: WorkerId = WorkerId(1);
    const B: WorkerId = WorkerId(2);
    const C: WorkerId = WorkerId(3);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn of_a_group_it_is_who_reports_last_round_after_round() {
        let mut pace = Pace::default();
        [A, B, C].into_iter().for_each(|worker| pace.joined(0, worker));
        let mut now = Instant::now();
        pace.begun(BatchId(0), 0, now);
        for round in 0..10 {
            let round = Some(Round(round));
            for (worker, after) in [(B, 0.02), (C, 0.02), (A, 0.2)] {
                pace.reported(worker, BatchId(0), round, now + seconds(after));
            }
            now += seconds(0.2);
        }
        let stragglers = pace.stragglers(now);
        assert_eq!(stragglers.keys().copied().collect::<Vec<_>>(), [A], "{stragglers:?}");
        assert!((9.0..11.0).contains(&stragglers[&A]), "{stragglers:?}");
        pace.lost(A);
        assert!(pace.stragglers(now).is_empty());
    }

    #[test]
    fn of_workers_with_whole_batches_it_is_who_does_not_come_to_an_end() {
        let mut pace = Pace::default();
        let now = Instant::now();
        for (group, worker) in [(0, A), (1, B), (2, C)] {
            pace.joined(group, worker);
            pace.begun(BatchId(group), group, now);
        }
        pace.reported(A, BatchId(0), None, now + seconds(0.5));
        pace.over(BatchId(0));
        pace.reported(B, BatchId(1), None, now + seconds(0.6));
        pace.over(BatchId(1));
        // A sign of life in mid-batch is no lap.
        pace.reported(C, BatchId(2), Some(Round(3)), now + seconds(0.7));
        assert!(pace.stragglers(now + seconds(1.0)).is_empty(), "not much longer yet");
        let stragglers = pace.stragglers(now + seconds(5.0));
        assert_eq!(stragglers.keys().copied().collect::<Vec<_>>(), [C], "{stragglers:?}");
        pace.over(BatchId(2));
        assert!(pace.stragglers(now + seconds(9.0)).is_empty(), "it was given back");
    }

    #[test]
    fn two_who_take_the_same_are_none() {
        let mut pace = Pace::default();
        [A, B].into_iter().for_each(|worker| pace.joined(0, worker));
        let now = Instant::now();
        pace.begun(BatchId(0), 0, now);
        pace.reported(A, BatchId(0), Some(Round(0)), now + seconds(30.0));
        pace.reported(B, BatchId(0), Some(Round(0)), now + seconds(31.0));
        assert!(pace.stragglers(now + seconds(40.0)).is_empty());
        assert!(Pace::default().stragglers(now).is_empty());
    }
}
