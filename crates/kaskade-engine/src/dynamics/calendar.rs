//! What is under way.

use std::collections::BTreeMap;

use kaskade_model::Round;
use kaskade_model::dynamics::DelayTable;
use kaskade_model::lanes::{LaneMask, lanes_of};

use super::draws::NodeDraws;

/// Arrivals of later rounds. 24 bytes each.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    by_round: BTreeMap<u32, Vec<Arrival>>,
    n_pending: u64,
}

/// A message that was sent over a live arc and arrives later, in the lanes `live` of one word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) source: u32,
    pub(super) target_idx: u32,
    pub(super) live: u64,
    pub(super) word: u8,
    pub(super) way: u8,
}

impl Arrival {
    /// Its lanes.
    #[inline(always)]
    pub(super) fn lanes<const W: usize>(&self) -> LaneMask<W> {
        let mut lanes = [0; W];
        lanes[usize::from(self.word)] = self.live;
        lanes
    }
}

/// Delays of more rounds are drawn lane by lane: with fewer it pays to ask all lanes at once who
/// is under way for one round, then who for two.
const MOST_ASKED_ROUNDS: u32 = 16;

impl Calendar {
    /// Notes `sent`, whose delays `item` draws from `table`, for the rounds after this one; gives
    /// the lanes in which it arrives in this one.
    #[inline(always)]
    pub(super) fn send<const W: usize>(
        &mut self,
        draws: &impl NodeDraws<W>,
        table: &DelayTable,
        item: u64,
        sent: Arrival,
    ) -> u64 {
        let word = usize::from(sent.word);
        if table.longest() > MOST_ASKED_ROUNDS {
            let mut at_once = 0;
            for lane in lanes_of(sent.live) {
                let lanes = 1 << lane;
                match table.rounds(draws.uniform(item, (word, lane))) {
                    1 => at_once |= lanes,
                    rounds => self.add(draws.round(), rounds, Arrival { live: lanes, ..sent }),
                }
            }
            return at_once;
        }
        let at_once = draws.live_in(word, item, table.within(1), sent.live);
        let mut left = sent.live & !at_once;
        for rounds in 2..=table.longest() {
            if left == 0 {
                break;
            }
            let due = draws.live_in(word, item, table.within(rounds), left);
            if due != 0 {
                self.add(draws.round(), rounds, Arrival { live: due, ..sent });
            }
            left &= !due;
        }
        at_once
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

    /// Notes what would arrive in `round` were it not under way for `rounds` rounds.
    #[inline]
    fn add(&mut self, round: Round, rounds: u32, arrival: Arrival) {
        let due = round.0.saturating_add(rounds - 1);
        self.by_round.entry(due).or_default().push(arrival);
        self.n_pending += 1;
    }
}
