//! What nodes do with what reaches them.
//!
//! A [`crate::diffusion`] model says in which simulations an arc is live. The dynamics say the
//! rest: when what arrived over live arcs makes a node active, what it is then, how long it
//! transmits, and what of it is counted. Without any of this ([`Dynamics::is_plain`]) a node is
//! active from its first live arc on and transmits in the one round after: the classical
//! cascade, for which the engine has kernels of its own.
//!
//! All choices are draws of (node or arc, simulation), in SIR-like courses of the round, too; so
//! they are the same whatever computes them.

mod audience;
mod channel;
mod course;
mod delay;
mod measure;
mod requirement;
mod sides;
mod traits;

pub use audience::{Audience, ByCategory, FakeConduct, Fakes, Selector};
pub use channel::{ActivationRule, Channel, MAX_CHANNELS, is_channel_name};
pub use course::{Course, Immunity};
pub use delay::{Delay, DelayTable, MAX_DELAY_ROUNDS};
pub use measure::{LaneSeries, Measure, WEIGHT_UNITS};
pub use requirement::{Requirement, counter_bits};
pub use sides::{MAX_SIDES, Rival, Sides, Tie};
pub(crate) use traits::place_of;
pub use traits::{
    Class, MAX_SEGMENTS, NoColumns, NodeColumns, NodeTraits, TraitError, Value, segments, select,
};

use std::collections::BTreeSet;

use crate::coin::{InvalidProbability, Threshold};
use crate::diffusion::ArcProbability;
use crate::seeds::SeedPlan;

/// What nodes do with what reaches them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dynamics {
    /// When a node that was reached becomes active, and how long it transmits.
    pub rule: NodeRule,
    /// How many rounds a message is under way on a live arc, where there are no channels.
    pub delay: Delay,
    /// What messages go along; where there are none, along all arcs alike.
    pub channels: Vec<Channel>,
    /// Over how many of them a node must be reached.
    pub activation: ActivationRule,
    /// What active nodes do.
    pub conduct: Conduct,
    /// Who takes part, and who counts.
    pub audience: Audience,
    /// The names of the segments that the audience is counted by.
    pub segments: Vec<String>,
    /// The probability that a seed starts at all, drawn for each seed, push and simulation.
    pub firing: Option<f64>,
    /// Who starts besides the job's first seeds.
    pub pushes: Vec<Push>,
}

/// When a node that was reached becomes active, and how long it transmits.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeRule {
    /// With the first live arc; it transmits in the one round after.
    Contagion(Sides),
    /// Once enough live arcs came in; it transmits in the one round after.
    Threshold(Requirement),
    /// With the first live arc; it transmits until it recovers.
    Epidemic(Course),
}

impl Default for NodeRule {
    fn default() -> Self {
        Self::Contagion(Sides::One)
    }
}

/// What a node does once it is active. Seeds pass the message on in any case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conduct {
    /// The probability that it passes the message on; always where there is none.
    pub forward: Option<f64>,
    /// The probability that it endorses what it heard, whether it passes it on or not; not asked
    /// where there is none.
    pub endorse: Option<f64>,
    /// The first, by the category of the node.
    pub forward_by: Option<ByCategory>,
    /// The second, by the category of the node.
    pub endorse_by: Option<ByCategory>,
}

impl Conduct {
    /// Whether some pass the message on and others do not.
    #[must_use]
    pub fn asks_forward(&self) -> bool {
        self.forward.is_some() || self.forward_by.is_some()
    }

    /// Whether some endorse the message.
    #[must_use]
    pub fn asks_endorse(&self) -> bool {
        self.endorse.is_some() || self.endorse_by.is_some()
    }
}

/// Seeds that start in a later round, or for another side.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// The round in which they are active.
    pub round: u32,
    /// The side that they take.
    pub side: u8,
    /// Who they are.
    pub seeds: SeedPlan,
}

impl Dynamics {
    /// Whether a node is active from its first live arc on, transmits in the one round after, and
    /// nothing else is asked.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let audience = Audience { seeds: self.audience.seeds.clone(), ..Audience::default() };
        *self == Self { audience, ..Self::default() }
    }

    /// Whether it depends on the columns of the graph's nodes.
    #[must_use]
    pub fn reads_columns(&self) -> bool {
        let Audience { reach, count, seeds: _, segment, weight, fakes } = &self.audience;
        let fakes = fakes.as_ref().is_some_and(|fakes| fakes.column.is_some());
        let Conduct { forward_by, endorse_by, .. } = &self.conduct;
        let reads =
            |channel: &Channel| channel.audience.is_some() || channel.probability.reads_columns();
        let has_audience = self.channels.iter().any(reads);
        let is_counted_apart = segment.is_some() || weight.is_some();
        let is_asked =
            has_audience || reach.is_some() || count.is_some() || is_counted_apart || fakes;
        is_asked || forward_by.is_some() || endorse_by.is_some()
    }

    /// The number of sides: messages that are told apart under way.
    #[must_use]
    pub fn n_sides(&self) -> usize {
        match &self.rule {
            NodeRule::Contagion(sides) => sides.count(),
            NodeRule::Threshold(_) | NodeRule::Epidemic(_) => 1,
        }
    }

    /// The number of ways to reach a node that are told apart: sides times channels.
    #[must_use]
    pub fn n_ways(&self) -> usize {
        self.n_sides() * self.channels.len().max(1)
    }

    /// Whether the sources that reach a node in one round decide which way it was reached.
    #[must_use]
    pub fn asks_sources(&self) -> bool {
        let takes_first =
            matches!(self.rule, NodeRule::Contagion(Sides::Campaigns { tie: Tie::First, .. }));
        self.n_ways() > 1 && !takes_first
    }

    /// Whether messages may be under way for more than a round, and how long is drawn.
    #[must_use]
    pub fn draws_delays(&self) -> bool {
        self.delays().any(|(delay, _)| matches!(delay, Delay::Meeting(_) | Delay::Table(_)))
    }

    /// The most rounds for which it is kept who transmits, because no delay is drawn.
    #[must_use]
    pub fn longest_hold(&self) -> u32 {
        self.delays().map(|(delay, _)| delay.held_rounds()).max().unwrap_or(0)
    }

    /// For each channel how long messages are under way, and its place in the graph; where there are
    /// none, as for one at place 0.
    pub fn delays(&self) -> impl Iterator<Item = (&Delay, u8)> {
        let alone = self.channels.is_empty().then_some((&self.delay, 0));
        self.channels.iter().map(|channel| (&channel.delay, channel.place)).chain(alone)
    }

    /// Whether every round has coins of its own.
    #[must_use]
    pub fn draws_every_round(&self) -> bool {
        matches!(self.rule, NodeRule::Epidemic(_))
    }

    /// Lane words that a node's state takes for each word of the batch: 64-bit planes, with
    /// `mean_in_degree` arcs into a node.
    #[must_use]
    pub fn planes(&self, mean_in_degree: f64) -> u64 {
        let heard = match self.activation {
            ActivationRule::Any => 0,
            ActivationRule::All => self.channels.len() as u64,
        };
        heard
            + u64::from(self.draws_delays())
            + match &self.rule {
                NodeRule::Contagion(_) => 1 + self.n_ways() as u64,
                NodeRule::Threshold(requirement) => {
                    let counted = requirement.mean_planes(mean_in_degree);
                    1 + self.n_ways() as u64 * (1 + counted)
                }
                NodeRule::Epidemic(_) => {
                    let told_apart = if self.asks_sources() { self.n_ways() } else { 0 };
                    (Course::N_PLANES + told_apart) as u64
                }
            }
    }

    /// Refuses probabilities that are none, and what does not go together.
    ///
    /// # Errors
    /// [`DynamicsError`] says what.
    pub fn check(&self) -> Result<(), DynamicsError> {
        let Conduct { forward, endorse, forward_by, endorse_by } = &self.conduct;
        for probability in [*forward, *endorse, self.firing].into_iter().flatten() {
            Threshold::from_probability(probability)?;
        }
        for by in [forward_by, endorse_by].into_iter().flatten() {
            for probability in by.values.values().chain([&by.default]) {
                Threshold::from_probability(*probability)?;
            }
        }
        if let Some(Fakes { column, share, .. }) = &self.audience.fakes {
            Threshold::from_probability(share.unwrap_or(0.0))?;
            if column.is_some() == share.is_some() {
                return Err(DynamicsError::Fakes);
            }
        }
        if self.segments.len() > MAX_SEGMENTS {
            return Err(DynamicsError::Segments);
        }
        self.delay.check()?;
        self.check_channels()?;
        match &self.rule {
            NodeRule::Contagion(sides) => sides.check()?,
            NodeRule::Threshold(requirement) => requirement.check()?,
            NodeRule::Epidemic(course) => {
                course.check()?;
                let fakes = self.audience.fakes.as_ref().map(|fakes| fakes.conduct);
                let is_told_apart = fakes == Some(FakeConduct::DeadEnd);
                let asks = self.conduct.asks_forward() || self.conduct.asks_endorse();
                let is_delayed = self.delays().any(|(delay, _)| *delay != Delay::NextRound);
                if asks || is_told_apart || is_delayed {
                    return Err(DynamicsError::EpidemicConduct);
                }
            }
        }
        if self.pushes.iter().any(|push| usize::from(push.side) >= self.n_sides()) {
            return Err(DynamicsError::UnknownSide);
        }
        Ok(())
    }
}

impl Dynamics {
    fn check_channels(&self) -> Result<(), DynamicsError> {
        if self.channels.is_empty() {
            return match self.activation {
                ActivationRule::Any => Ok(()),
                ActivationRule::All => Err(DynamicsError::NoChannels),
            };
        }
        if matches!(self.rule, NodeRule::Epidemic(_)) && self.activation == ActivationRule::All {
            return Err(DynamicsError::EpidemicActivation);
        }
        let names: BTreeSet<&String> = self.channels.iter().map(|channel| &channel.name).collect();
        let places: BTreeSet<u8> = self.channels.iter().map(|channel| channel.place).collect();
        let are_known = self.channels.iter().all(|channel| {
            is_channel_name(&channel.name) && usize::from(channel.place) < MAX_CHANNELS
        });
        let are_distinct = names.len() == self.channels.len() && places.len() == names.len();
        if self.channels.len() > MAX_CHANNELS || !are_known || !are_distinct {
            return Err(DynamicsError::Channels);
        }
        for channel in &self.channels {
            if matches!(channel.probability, ArcProbability::Column) {
                return Err(DynamicsError::ChannelColumn);
            }
            channel.probability.check()?;
            channel.delay.check()?;
        }
        Ok(())
    }
}

/// Why nodes cannot behave like that.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DynamicsError {
    /// A parameter is no probability.
    #[error(transparent)]
    Probability(#[from] InvalidProbability),
    /// A delay that never ends, takes no time, or takes too long.
    #[error(
        "a delay must take 1 to {MAX_DELAY_ROUNDS} rounds, and its weights must be finite, not negative and not all 0"
    )]
    Delay,
    /// A requirement that nobody or everybody meets.
    #[error(
        "a threshold must be a share in [0, 1], or a count of at least 1, and a range must ascend"
    )]
    Requirement,
    /// More campaigns than a node can tell apart.
    #[error("there may be 2 to {MAX_SIDES} campaigns, each with a name of its own")]
    Campaigns,
    /// All of no channels.
    #[error("nodes that wait for all channels need a [[channel]] at least")]
    NoChannels,
    /// All channels in an epidemic.
    #[error("`all` is for nodes that become active once: an infection comes over any channel")]
    EpidemicActivation,
    /// Channels that cannot be told apart.
    #[error(
        "there may be up to {MAX_CHANNELS} channels, each once, with a name of 1 to 64 letters, digits, dots, dashes and underscores"
    )]
    Channels,
    /// A probability that channels do not have.
    #[error(
        "arcs that belong to channels have no column: the probability of a channel is a number, `C/in-degree`, `weighted-cascade`, `trivalency`, or by the columns of the nodes"
    )]
    ChannelColumn,
    /// A push for a side that is none.
    #[error("seeds are pushed for a campaign that there is not")]
    UnknownSide,
    /// Fakes that are named twice, or not at all.
    #[error("fakes are either those of a `column` or a `share` of all nodes")]
    Fakes,
    /// More segments than can be counted apart.
    #[error("at most {MAX_SEGMENTS} segments can be counted apart")]
    Segments,
    /// Delays, forwarding, endorsement or dead ends in an epidemic.
    #[error("epidemics have no delay, forwarding, endorsement or dead ends")]
    EpidemicConduct,
}

#[cfg(test)]
mod tests;
