//! `[[channel]]`: what messages go along.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DelaySpec, ModelKind, Probability, Spec, SpecError};
use crate::coin::Threshold;
use crate::diffusion::ArcProbability;
use crate::dynamics::{Channel, Selector};

/// A channel of the graph, and what it is like in this job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelSpec {
    /// Its name in the graph.
    pub name: String,
    /// The probability of its arcs; that of the model where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Probability>,
    /// Rounds that a message is under way on it, or weights of 1, 2, 3, … rounds; what the model
    /// says where nothing is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<DelaySpec>,
    /// The probability a round that source and target meet on it; the first meeting counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<f64>,
    /// Whom it reaches; everybody where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Selector>,
}

impl ChannelSpec {
    /// A channel of which nothing but the name is said.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name, probability: None, delay: None, meeting: None, audience: None }
    }

    /// Checks channel number `number`, from 1.
    fn check(&self, number: usize, kind: ModelKind) -> Result<(), SpecError> {
        let about = |what: &str, reason: String| {
            Err(SpecError::new(format!("channel.{number}.{what}"), reason))
        };
        if let Some(probability) = &self.probability {
            let arcs = probability.clone().of_arcs();
            let (is_weight, known) = match kind {
                ModelKind::LinearThreshold => (
                    arcs.channel_weight().is_some(),
                    "a number, `weighted-cascade` or `C/in-degree`",
                ),
                _ => (
                    true,
                    "a number, `weighted-cascade`, `C/in-degree`, `trivalency`, or a table by the nodes",
                ),
            };
            if arcs == ArcProbability::Column {
                let reason =
                    format!("is `column`, and arcs of channels have no column: use {known}");
                return about("probability", reason);
            }
            if !is_weight {
                let reason = format!("has no meaning for {kind} over a channel: use {known}");
                return about("probability", reason);
            }
            if let Err(error) = probability.clone().live_arcs(kind) {
                return about("probability", error.reason);
            }
        }
        let is_epidemic =
            matches!(kind, ModelKind::Sir | ModelKind::Seir | ModelKind::Sis | ModelKind::Sirs);
        for (key, is_there) in
            [("delay", self.delay.is_some()), ("meeting", self.meeting.is_some())]
        {
            if is_there && is_epidemic {
                return about(key, format!("is no key of channels of `{kind}`: leave it out"));
            }
        }
        if let Some(Err(error)) = self.meeting.map(Threshold::from_probability) {
            return about("meeting", format!("is invalid: {error}"));
        }
        if self.delay.is_some() && self.meeting.is_some() {
            let reason = "says, as `meeting` does, how long a message is under way: \
                          leave one of them out";
            return about("delay", reason.to_owned());
        }
        Ok(())
    }
}

/// `NAME`, or `NAME:PROBABILITY` as `--probability` takes it.
impl FromStr for ChannelSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.split_once(':') {
            None => Self::named(text),
            Some((name, probability)) => {
                Self { probability: Some(probability.parse()?), ..Self::named(name) }
            }
        })
    }
}

impl Spec {
    /// Whether there are channels, and each says how surely its arcs are live.
    pub(super) fn channels_say_probability(&self) -> bool {
        let mut channels = self.channel.iter();
        !self.channel.is_empty() && channels.all(|channel| channel.probability.is_some())
    }

    /// The channels of the job; their places are those of the list until the graph is known.
    pub(super) fn channels(&self) -> Result<Vec<Channel>, SpecError> {
        let resolve = |(place, spec): (u8, &ChannelSpec)| {
            spec.check(usize::from(place) + 1, self.model.kind)?;
            let says_delay = spec.delay.is_some() || spec.meeting.is_some();
            Ok(Channel {
                name: spec.name.clone(),
                place,
                probability: spec
                    .probability
                    .clone()
                    .unwrap_or_else(|| self.model.probability())
                    .of_arcs(),
                delay: match says_delay {
                    true => DelaySpec::resolve(spec.delay.as_ref(), spec.meeting),
                    false => self.model.delay(),
                },
                audience: spec.audience.clone(),
            })
        };
        (0..=u8::MAX).zip(&self.channel).map(resolve).collect()
    }
}
