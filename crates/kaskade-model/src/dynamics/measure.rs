//! What is counted besides activations.

use std::fmt;

use crate::dynamics::{Dynamics, NodeRule, Sides};

/// A number that is counted in every simulation and round, besides the nodes that became active.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Nodes that became active and are nobody's.
    Fakes,
    /// The weights of the nodes that count and became active, in units of 1/[`WEIGHT_UNITS`].
    Weight,
    /// Nodes of a segment that count and became active: its place, and its name.
    Segment(usize, String),
    /// Nodes that began to pass the message on.
    Forwarded,
    /// Nodes that endorsed what they heard.
    Endorsed,
    /// Nodes that became active with a good opinion.
    Positive,
    /// Nodes that became active with a bad one.
    Negative,
    /// Nodes that took a campaign: its place, and its name unless it is the job's own.
    Campaign(usize, String),
    /// Nodes that became active over a channel: its place in the job, and its name. Seeds come
    /// over none.
    Channel(usize, String),
    /// Infections, repeated ones included.
    Infections,
    /// Nodes that carry an infection which they cannot pass on yet, at the end of the round.
    Exposed,
    /// Nodes that can pass on an infection, at the end of the round.
    Infectious,
}

/// Weights are summed as whole millionths: what has at most six decimals is exact.
pub const WEIGHT_UNITS: u64 = 1_000_000;

/// The name of the job's own campaign in results.
const OWN_CAMPAIGN: &str = "own";

impl Measure {
    /// Whether the number of a round says how many there are, rather than how many were added.
    #[must_use]
    pub fn is_stock(&self) -> bool {
        matches!(self, Self::Exposed | Self::Infectious)
    }

    /// So many units are 1 in results.
    #[must_use]
    pub fn units(&self) -> u64 {
        if *self == Self::Weight { WEIGHT_UNITS } else { 1 }
    }
}

impl fmt::Display for Measure {
    /// Its key in results.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fakes => f.write_str("fakes"),
            Self::Weight => f.write_str("weight"),
            Self::Segment(_, name) => write!(f, "segment.{name}"),
            Self::Forwarded => f.write_str("forwarded"),
            Self::Endorsed => f.write_str("endorsed"),
            Self::Positive => f.write_str("positive"),
            Self::Negative => f.write_str("negative"),
            Self::Campaign(0, _) => write!(f, "campaign.{OWN_CAMPAIGN}"),
            Self::Campaign(_, name) => write!(f, "campaign.{name}"),
            Self::Channel(_, name) => write!(f, "channel.{name}"),
            Self::Infections => f.write_str("infections"),
            Self::Exposed => f.write_str("exposed"),
            Self::Infectious => f.write_str("infectious"),
        }
    }
}

impl Dynamics {
    /// What is counted, in the order of a tally's series.
    #[must_use]
    pub fn measures(&self) -> Vec<Measure> {
        let mut measures = Vec::new();
        match &self.rule {
            NodeRule::Contagion(Sides::One) | NodeRule::Threshold(_) => {}
            NodeRule::Contagion(Sides::Opinion { .. }) => {
                measures.extend([Measure::Positive, Measure::Negative]);
            }
            NodeRule::Contagion(Sides::Campaigns { rivals, .. }) => {
                measures.push(Measure::Campaign(0, String::new()));
                let named = (1..).zip(rivals);
                measures.extend(
                    named.map(|(place, rival)| Measure::Campaign(place, rival.name.clone())),
                );
            }
            NodeRule::Epidemic(course) => {
                measures.push(Measure::Infections);
                if course.incubation.is_some() {
                    measures.push(Measure::Exposed);
                }
                measures.push(Measure::Infectious);
            }
        }
        let channels = self.channels.iter().map(|channel| channel.name.clone()).enumerate();
        measures.extend(channels.map(|(place, name)| Measure::Channel(place, name)));
        if self.conduct.asks_forward() {
            measures.push(Measure::Forwarded);
        }
        if self.conduct.asks_endorse() {
            measures.push(Measure::Endorsed);
        }
        if self.audience.fakes.is_some() {
            measures.push(Measure::Fakes);
        }
        if self.audience.weight.is_some() {
            measures.push(Measure::Weight);
        }
        let segments = self.segments.iter().cloned().enumerate();
        measures.extend(segments.map(|(place, name)| Measure::Segment(place, name)));
        measures
    }
}

/// What was measured in the rounds of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LaneSeries {
    /// The measures.
    pub n_measures: u32,
    /// Round by round, measure by measure, a number for each lane.
    pub values: Vec<u64>,
}

impl LaneSeries {
    /// For each measure the numbers of `lane` by round, up to the last that is not 0.
    pub(crate) fn of_lane(&self, lane: usize, n_lanes: usize) -> Vec<Vec<u64>> {
        let n_measures = self.n_measures as usize;
        let of_measure = |measure| {
            let values = self.values.iter().skip(measure * n_lanes + lane);
            let mut by_round: Vec<u64> = values.step_by(n_measures * n_lanes).copied().collect();
            let n_rounds = by_round.iter().rposition(|&value| value > 0).map_or(0, |last| last + 1);
            by_round.truncate(n_rounds);
            by_round
        };
        (0..n_measures).map(of_measure).collect()
    }

    /// Whether there is a number for each measure and each of `n_lanes` lanes in every round.
    #[must_use]
    pub fn is_well_formed(&self, n_lanes: u32) -> bool {
        let n_values = (self.n_measures as usize).saturating_mul(n_lanes as usize);
        if n_values == 0 {
            self.values.is_empty()
        } else {
            self.values.len().is_multiple_of(n_values)
        }
    }

    /// Adds what another partition measured of the same batch; `None` when a sum overflows or
    /// the measures differ.
    #[must_use]
    pub(crate) fn add(&mut self, other: &Self) -> Option<()> {
        if self.values.is_empty() {
            self.n_measures = other.n_measures;
        }
        if self.n_measures != other.n_measures && !other.values.is_empty() {
            return None;
        }
        if self.values.len() < other.values.len() {
            self.values.resize(other.values.len(), 0);
        }
        for (sum, value) in self.values.iter_mut().zip(&other.values) {
            *sum = sum.checked_add(*value)?;
        }
        Some(())
    }
}
