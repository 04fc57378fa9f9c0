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
    /// Whether it is the same message in other lanes of the word.
    #[inline(always)]
    fn is_like(&self, other: &Self) -> bool {
        (self.source, self.target_idx, self.word, self.way)
            == (other.source, other.target_idx, other.word, other.way)
    }

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
        let of_round = self.by_round.entry(round.0.saturating_add(rounds - 1)).or_default();
        // The lanes of an arc come one after the other.
        match of_round.last_mut().filter(|last| last.is_like(&arrival)) {
            Some(last) => last.live |= arrival.live,
            None => {
                of_round.push(arrival);
                self.n_pending += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kaskade_model::NodeId;
    use kaskade_model::coin::{Purpose, Threshold, node_item};
    use kaskade_model::dynamics::Delay;

    use super::*;

    /// Uniforms that are multiples of 2²⁶, one a lane.
    struct Ladder;

    impl NodeDraws<2> for Ladder {
        fn round(&self) -> Round {
            Round(5)
        }

        fn live_in(&self, word: usize, item: u64, threshold: Threshold, offered: u64) -> u64 {
            let below =
                |lane: &usize| u64::from(self.uniform(item, (word, *lane))) < threshold.width();
            lanes_of(offered).filter(below).fold(0, |lanes, lane| lanes | 1 << lane)
        }

        fn live(&self, item: u64, threshold: Threshold, offered: &LaneMask<2>) -> LaneMask<2> {
            std::array::from_fn(|word| self.live_in(word, item, threshold, offered[word]))
        }

        fn uniform(&self, _item: u64, (_, lane): (usize, usize)) -> u32 {
            (lane as u32) << 26
        }
    }

    /// Who arrives when, lane by lane, whether lanes are asked one by one or all at once.
    #[test]
    fn every_lane_arrives_when_it_is_drawn() {
        let long = |n_rounds: usize| Delay::Table(vec![1.0; n_rounds]);
        let delays =
            [long(2), long(16), long(17), long(64), Delay::Table(vec![0.0, 1.0, 0.0, 3.0])];
        for delay in delays {
            let table = delay.table().expect("it is drawn");
            let mut calendar = Calendar::default();
            let live = 0xf0f0_ffff_0000_1111;
            let sent = Arrival { source: 3, target_idx: 4, live, word: 1, way: 0 };
            let item = node_item(NodeId(0), Purpose::Delay);
            let at_once = calendar.send(&Ladder, &table, item, sent);
            let drawn = |rounds: u32| {
                let lanes = lanes_of(live);
                let due = lanes.filter(|&lane| table.rounds((lane as u32) << 26) == rounds);
                due.fold(0u64, |lanes, lane| lanes | 1 << lane)
            };
            assert_eq!(at_once, drawn(1), "{delay:?}");
            for rounds in 2..=table.longest() {
                let due = calendar.take(Round(5 + rounds - 1));
                let lanes: Vec<u64> = due.iter().map(|arrival| arrival.live).collect();
                let expected = Some(drawn(rounds)).filter(|&lanes| lanes != 0);
                assert_eq!(lanes, Vec::from_iter(expected), "{delay:?}, {rounds} rounds");
                assert!(due.iter().all(|of| of.lanes::<2>()[0] == 0), "all are of word 1");
            }
            assert_eq!(calendar.n_pending(), 0);
        }
    }
}
