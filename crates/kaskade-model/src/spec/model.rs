//! `[model]`: how the message spreads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::launch::RivalSpec;
use super::{ModelKind, Probability, SpecError, ThresholdSpec};
use crate::coin::Threshold;
use crate::dynamics::{
    ActivationRule, ByCategory, Conduct, Course, Delay, DynamicsError, Immunity, NodeRule, Rival,
    Sides, Tie,
};

/// How the message spreads. Keys that a kind does not have are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The diffusion model.
    #[serde(default)]
    pub kind: ModelKind,
    /// The probability or weight of an arc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Probability>,
    /// How many active in-neighbours a node waits for (`threshold`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdSpec>,
    /// The probability a round that an infectious node recovers (`sir` and its kin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub recovery: Option<f64>,
    /// The probability a round that an exposed node becomes infectious (`seir`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub incubation: Option<f64>,
    /// The probability a round that an immune node becomes susceptible (`sirs`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub waning: Option<f64>,
    /// The probability that a good word stays one (`negative-opinion`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub quality: Option<f64>,
    /// Who wins a node that several campaigns reach in one round (`competitive`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tie: Option<Tie>,
    /// The probability a round that source and target meet; the first meeting counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub meeting: Option<f64>,
    /// Rounds that a message is under way, or weights of 1, 2, 3, … rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<DelaySpec>,
    /// Over how many of the channels a node must be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationRule>,
    /// The last round that counts: `run.max_rounds` in the words of the literature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u32>,
    /// The probability that an active node passes the message on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<RateSpec>,
    /// The probability that an active node endorses the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endorse: Option<RateSpec>,
}

/// A number of rounds, or weights of 1, 2, 3, … rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DelaySpec {
    /// Always so many.
    Rounds(u32),
    /// By weight.
    Weights(Vec<f64>),
}

impl DelaySpec {
    /// What `delay` and `meeting`, at most one of which is there, mean.
    pub(super) fn resolve(delay: Option<&Self>, meeting: Option<f64>) -> Delay {
        match (meeting, delay) {
            (Some(meeting), _) => Delay::Meeting(meeting),
            (None, Some(Self::Rounds(rounds))) => Delay::Constant(*rounds),
            (None, Some(Self::Weights(weights))) => Delay::Table(weights.clone()),
            (None, None) => Delay::NextRound,
        }
    }
}

/// A probability, the same for all nodes or by their category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number in [0, 1], or { column, default, values }")]
pub enum RateSpec {
    /// The same for all.
    Same(#[schemars(range(min = 0.0, max = 1.0))] f64),
    /// By a column of the nodes.
    ByCategory(ByCategory),
}

impl RateSpec {
    /// Refuses a rate that is no probability; `key` is where it stands.
    pub(super) fn check(&self, key: &str) -> Result<(), SpecError> {
        let is_rate = |key: String, rate: f64| match Threshold::from_probability(rate) {
            Ok(_) => Ok(()),
            Err(error) => Err(SpecError::new(key, format!("is invalid: {error}"))),
        };
        match self {
            Self::Same(rate) => is_rate(key.to_owned(), *rate),
            Self::ByCategory(by) => {
                is_rate(format!("{key}.default"), by.default)?;
                let mut values = by.values.iter();
                values.try_for_each(|(name, rate)| is_rate(format!("{key}.values.{name}"), *rate))
            }
        }
    }
}

impl ModelSpec {
    /// A model of `kind` with `probability`, and nothing else said.
    #[must_use]
    pub fn new(kind: ModelKind, probability: Probability) -> Self {
        Self { kind, probability: Some(probability), ..Self::default() }
    }

    /// The probability or weight of an arc; where none was given, that of the kind: a threshold
    /// counts all neighbours, all others take 1 over the target's in-degree.
    #[must_use]
    pub fn probability(&self) -> Probability {
        self.probability.clone().unwrap_or(match self.kind {
            ModelKind::Threshold => Probability::Constant(1.0),
            _ => Probability::WeightedCascade,
        })
    }

    /// When a node becomes active and how long it transmits, where `rivals` compete.
    ///
    /// # Errors
    /// [`SpecError`] for a key that is missing, out of range, or none of the kind's.
    pub fn rule(&self, rivals: &[RivalSpec]) -> Result<NodeRule, SpecError> {
        use ModelKind as K;
        self.refuse_strangers()?;
        if self.kind != K::Competitive && !rivals.is_empty() {
            let reason = format!("has competing seeds, which `{}` does not take", self.kind);
            return Err(SpecError::new("rival", reason));
        }
        let course = |incubation, immunity| -> Result<NodeRule, SpecError> {
            let recovery = self.needed("model.recovery", self.recovery)?;
            Ok(NodeRule::Epidemic(Course { incubation, recovery, immunity }))
        };
        Ok(match self.kind {
            K::IndependentCascade | K::LinearThreshold => NodeRule::Contagion(Sides::One),
            K::Threshold => {
                let threshold = self.needed("model.threshold", self.threshold)?;
                NodeRule::Threshold(threshold.requirement())
            }
            K::Sir => course(None, Immunity::Lasting)?,
            K::Seir => {
                let incubation = self.needed("model.incubation", self.incubation)?;
                course(Some(incubation), Immunity::Lasting)?
            }
            K::Sis => course(None, Immunity::None)?,
            K::Sirs => course(None, Immunity::Waning(self.needed("model.waning", self.waning)?))?,
            K::NegativeOpinion => {
                let quality = self.needed("model.quality", self.quality)?;
                NodeRule::Contagion(Sides::Opinion { quality })
            }
            K::Competitive => {
                let named = rivals.iter().map(|rival| Rival { name: rival.name.clone() });
                let tie = self.tie.unwrap_or_default();
                NodeRule::Contagion(Sides::Campaigns { rivals: named.collect(), tie })
            }
        })
    }

    /// How long a message is under way.
    #[must_use]
    pub(super) fn delay(&self) -> Delay {
        DelaySpec::resolve(self.delay.as_ref(), self.meeting)
    }

    /// What active nodes do.
    #[must_use]
    pub(super) fn conduct(&self) -> Conduct {
        let same = |rate: &Option<RateSpec>| match rate {
            Some(RateSpec::Same(rate)) => Some(*rate),
            _ => None,
        };
        let by = |rate: &Option<RateSpec>| match rate {
            Some(RateSpec::ByCategory(by)) => Some(by.clone()),
            _ => None,
        };
        Conduct {
            forward: same(&self.forward),
            endorse: same(&self.endorse),
            forward_by: by(&self.forward),
            endorse_by: by(&self.endorse),
        }
    }

    fn needed<T: Copy>(&self, key: &'static str, value: Option<T>) -> Result<T, SpecError> {
        value.ok_or_else(|| SpecError::new(key, format!("is missing, `{}` needs it", self.kind)))
    }

    /// Refuses keys that the kind does not have.
    fn refuse_strangers(&self) -> Result<(), SpecError> {
        use ModelKind as K;
        let is_epidemic = matches!(self.kind, K::Sir | K::Seir | K::Sis | K::Sirs);
        let strangers = [
            ("model.threshold", self.threshold.is_some(), self.kind == K::Threshold),
            ("model.recovery", self.recovery.is_some(), is_epidemic),
            ("model.incubation", self.incubation.is_some(), self.kind == K::Seir),
            ("model.waning", self.waning.is_some(), self.kind == K::Sirs),
            ("model.quality", self.quality.is_some(), self.kind == K::NegativeOpinion),
            ("model.tie", self.tie.is_some(), self.kind == K::Competitive),
            ("model.meeting", self.meeting.is_some(), !is_epidemic),
            ("model.delay", self.delay.is_some(), !is_epidemic && self.meeting.is_none()),
            ("model.forward", self.forward.is_some(), !is_epidemic),
            ("model.endorse", self.endorse.is_some(), !is_epidemic),
        ];
        match strangers.into_iter().find(|&(_, is_there, is_known)| is_there && !is_known) {
            Some(("model.delay", ..)) if !is_epidemic => Err(SpecError::new(
                "model.delay",
                "and `meeting` both say how long a message is under way: leave one of them out",
            )),
            Some((key, ..)) => {
                Err(SpecError::new(key, format!("is no key of `{}`: leave it out", self.kind)))
            }
            None => Ok(()),
        }
    }
}

/// The key that an error of the dynamics is about.
pub(super) fn blamed(error: &DynamicsError, model: &ModelSpec) -> &'static str {
    match error {
        DynamicsError::Delay if model.meeting.is_some() => "model.meeting",
        DynamicsError::Delay => "model.delay",
        DynamicsError::Requirement => "model.threshold",
        DynamicsError::Campaigns => "rival",
        DynamicsError::NoChannels | DynamicsError::EpidemicActivation => "model.activation",
        DynamicsError::Channels | DynamicsError::ChannelColumn => "channel",
        DynamicsError::UnknownSide => "push",
        DynamicsError::Fakes => "audience.fakes",
        DynamicsError::Segments => "audience.segment",
        DynamicsError::Probability(_) | DynamicsError::EpidemicConduct => "model",
    }
}
