//! How long a message is under way.

use crate::coin::Threshold;
use crate::dynamics::DynamicsError;

/// The most rounds that a message may be under way.
pub const MAX_DELAY_ROUNDS: u32 = 1 << 16;

/// Rounds from a node's activation to the arrival over one of its live arcs, drawn for each arc
/// and simulation. The one attempt of the arc is made on arrival.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Delay {
    /// One round.
    #[default]
    NextRound,
    /// Always so many rounds.
    Constant(u32),
    /// Each round from the first on, source and target meet with this probability; the first
    /// meeting counts: a geometric delay (IC-M and LT-M of Chen, Lu and Zhang, AAAI 2012).
    Meeting(f64),
    /// 1, 2, 3, … rounds by weight.
    Table(Vec<f64>),
}

impl Delay {
    /// The rounds after the first that all messages are under way, before anything is drawn.
    #[must_use]
    pub fn held_rounds(&self) -> u32 {
        match self {
            Self::Constant(rounds) => rounds.saturating_sub(1),
            Self::NextRound | Self::Meeting(_) | Self::Table(_) => 0,
        }
    }

    /// The same as a table to draw from; `None` where there is nothing to draw.
    #[must_use]
    pub fn table(&self) -> Option<DelayTable> {
        match self {
            Self::NextRound => None,
            Self::Constant(rounds) => Some(DelayTable::certain(*rounds)),
            Self::Meeting(meeting) => Some(DelayTable::geometric(*meeting)),
            Self::Table(weights) => Some(DelayTable::weighted(weights)),
        }
    }

    /// The table to draw from, where delays are not all the same.
    #[must_use]
    pub fn drawn(&self) -> Option<DelayTable> {
        match self {
            Self::NextRound | Self::Constant(_) => None,
            Self::Meeting(_) | Self::Table(_) => self.table(),
        }
    }

    pub(super) fn check(&self) -> Result<(), DynamicsError> {
        let is_right = match self {
            Self::NextRound => true,
            Self::Constant(rounds) => (1..=MAX_DELAY_ROUNDS).contains(rounds),
            Self::Meeting(meeting) => {
                Threshold::from_probability(*meeting)?;
                *meeting >= Self::LEAST_MEETING
            }
            Self::Table(weights) => {
                weights.len() <= MAX_DELAY_ROUNDS as usize
                    && weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
                    && weights.iter().any(|weight| *weight > 0.0)
            }
        };
        if is_right { Ok(()) } else { Err(DynamicsError::Delay) }
    }

    /// With rarer meetings, delays would be longer than [`MAX_DELAY_ROUNDS`]: 22 / meeting rounds
    /// are as good as never exceeded.
    const LEAST_MEETING: f64 = 0.0005;
}

/// Delays by cumulative probability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelayTable {
    /// At position d: the probability of at most d + 1 rounds, an integer of 2⁻³². The last is 2³².
    cumulative: Vec<u64>,
}

impl DelayTable {
    /// The probability of at most `rounds` rounds, at least 1.
    #[must_use]
    pub fn within(&self, rounds: u32) -> Threshold {
        let last = self.cumulative.len() - 1;
        Threshold::from_width(self.cumulative[last.min(rounds as usize - 1)])
    }

    /// The most rounds.
    #[must_use]
    pub fn longest(&self) -> u32 {
        // At most 2¹⁶.
        self.cumulative.len() as u32
    }

    /// The delay, at least 1, that the 32-bit `uniform` draws. O(log rounds).
    #[inline]
    #[must_use]
    pub fn rounds(&self, uniform: u32) -> u32 {
        let below = self.cumulative.partition_point(|&until| until <= u64::from(uniform));
        // The table has at most 2¹⁶ entries.
        below as u32 + 1
    }

    fn certain(rounds: u32) -> Self {
        let mut cumulative = vec![0; rounds.max(1) as usize];
        cumulative[rounds.max(1) as usize - 1] = 1 << 32;
        Self { cumulative }
    }

    fn geometric(meeting: f64) -> Self {
        let mut cumulative = Vec::new();
        let mut never_met = 1.0;
        while cumulative.last() != Some(&(1 << 32)) {
            never_met *= 1.0 - meeting;
            cumulative.push(width(1.0 - never_met));
        }
        Self { cumulative }
    }

    fn weighted(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let mut cumulative: Vec<u64> = weights
            .iter()
            .map(|weight| {
                sum += weight;
                width(sum / total)
            })
            .collect();
        let until_last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
        cumulative.truncate(until_last);
        cumulative.push(1 << 32);
        Self { cumulative }
    }
}

fn width(probability: f64) -> u64 {
    (probability * (1u64 << 32) as f64).round_ties_even() as u64
}
