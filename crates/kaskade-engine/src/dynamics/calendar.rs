//! What is under way.

use std::collections::BTreeMap;

use kaskade_model::Round;

/// Arrivals of later rounds. 12 bytes each.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    by_round: BTreeMap<u32, Vec<Arrival>>,
    n_pending: u64,
}

/// A message that was sent over a live arc and arrives later, in one lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) source: u32,
    pub(super) target_idx: u32,
    pub(super) lane: u16,
    pub(super) way: u8,
}

impl Calendar {
    /// Notes an arrival of `round`.
    #[inline]
    pub(super) fn add(&mut self, round: Round, arrival: Arrival) {
        self.by_round.entry(round.0).or_default().push(arrival);
        self.n_pending += 1;
    }

    /// Takes the arrivals of `round`.
    pub(super) fn take(&mut self, round: Round) -> Vec<Arrival> {
        let due = self.by_round.remove(&round.0).unwrap_or_default();
        self.n_pending -= due.len() as u64;
        due
    }

    /// Arrivals that are still to come.
    pub(super) fn n_pending(&self) -> u64 {
        self.n_pending
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
