//! What nodes do with what reaches them.

use bytes::Bytes;
use kaskade_model::diffusion::LiveArcModel;
use kaskade_model::dynamics::{
    ActivationRule, Audience, ByCategory, Channel, Conduct, Course, Delay, Dynamics, Immunity,
    NodeRule, Push, Requirement, Rival, Sides, Tie,
};
use pb::dynamics as wire;

use super::required;
use super::seeds::seed_plan;
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "Dynamics";

/// Pushes of a job, at most.
const MAX_PUSHES: usize = 4096;

impl From<Dynamics> for pb::Dynamics {
    fn from(dynamics: Dynamics) -> Self {
        let Dynamics {
            rule,
            delay,
            channels,
            activation,
            conduct,
            audience,
            segments,
            firing,
            pushes,
        } = dynamics;
        let Conduct { forward, endorse, forward_by, endorse_by } = conduct;
        Self {
            rule: Some(rule.into()),
            delay: match delay {
                Delay::NextRound => None,
                Delay::Constant(rounds) => Some(wire::Delay::Constant(rounds)),
                Delay::Meeting(meeting) => Some(wire::Delay::Meeting(meeting)),
                Delay::Table(weights) => Some(wire::Delay::Weights(pb::DelayWeights { weights })),
            },
            forward,
            endorse,
            firing,
            pushes: pushes.into_iter().map(pb::Push::from).collect(),
            audience_json: match audience == Audience::default() {
                true => Bytes::new(),
                false => serde_json::to_vec(&audience).expect("texts and numbers").into(),
            },
            segments,
            forward_by: forward_by.map(pb::RateByCategory::from),
            endorse_by: endorse_by.map(pb::RateByCategory::from),
            channels: channels.into_iter().map(pb::Channel::from).collect(),
            activation: match activation {
                ActivationRule::Any => pb::Activation::Unspecified,
                ActivationRule::All => pb::Activation::All,
            }
            .into(),
        }
    }
}

/// The dynamics of a job on `n_nodes` nodes: what may stand in its pushes depends on them.
pub(super) fn dynamics(
    dynamics: Option<pb::Dynamics>,
    n_nodes: u32,
) -> Result<Dynamics, ConvertError> {
    let Some(dynamics) = dynamics else { return Ok(Dynamics::default()) };
    if dynamics.pushes.len() > MAX_PUSHES {
        let reason = format!("has {} pushes, at most {MAX_PUSHES} may be", dynamics.pushes.len());
        return Err(ConvertError::new(MESSAGE, "pushes", reason));
    }
    let activation = match dynamics.activation() {
        pb::Activation::Unspecified | pb::Activation::Any => ActivationRule::Any,
        pb::Activation::All => ActivationRule::All,
    };
    let channels = dynamics.channels.into_iter().map(Channel::try_from);
    let pushes = dynamics.pushes.into_iter().map(|push| self::push(push, n_nodes));
    let converted = Dynamics {
        rule: required(dynamics.rule, MESSAGE, "rule")?.try_into()?,
        delay: match dynamics.delay {
            None => Delay::NextRound,
            Some(wire::Delay::Constant(rounds)) => Delay::Constant(rounds),
            Some(wire::Delay::Meeting(meeting)) => Delay::Meeting(meeting),
            Some(wire::Delay::Weights(weights)) => Delay::Table(weights.weights),
        },
        channels: channels.collect::<Result<_, _>>()?,
        activation,
        conduct: Conduct {
            forward: dynamics.forward,
            endorse: dynamics.endorse,
            forward_by: dynamics.forward_by.map(ByCategory::from),
            endorse_by: dynamics.endorse_by.map(ByCategory::from),
        },
        audience: audience(&dynamics.audience_json)?,
        segments: dynamics.segments,
        firing: dynamics.firing,
        pushes: pushes.collect::<Result<_, _>>()?,
    };
    match converted.check() {
        Ok(()) => Ok(converted),
        Err(error) => Err(ConvertError::new(MESSAGE, "rule", format!("cannot be: {error}"))),
    }
}

impl From<Channel> for pb::Channel {
    fn from(Channel { name, place, probability, delay, audience }: Channel) -> Self {
        use pb::channel::Delay as Wire;
        Self {
            name,
            place: place.into(),
            model: Some(LiveArcModel::IndependentCascade(probability).into()),
            delay: match delay {
                Delay::NextRound => None,
                Delay::Constant(rounds) => Some(Wire::Constant(rounds)),
                Delay::Meeting(meeting) => Some(Wire::Meeting(meeting)),
                Delay::Table(weights) => Some(Wire::Weights(pb::DelayWeights { weights })),
            },
            audience_json: audience.map_or_else(Bytes::new, |selector| {
                serde_json::to_vec(&selector).expect("texts and numbers").into()
            }),
        }
    }
}

impl TryFrom<pb::Channel> for Channel {
    type Error = ConvertError;

    fn try_from(channel: pb::Channel) -> Result<Self, ConvertError> {
        use pb::channel::Delay as Wire;
        let invalid = |field, reason: String| ConvertError::new("Channel", field, reason);
        let model = required(channel.model, "Channel", "model")?;
        let LiveArcModel::IndependentCascade(probability) = model.try_into()? else {
            return Err(invalid("model", "is not of an independent cascade".to_owned()));
        };
        Ok(Self {
            name: channel.name,
            place: u8::try_from(channel.place)
                .map_err(|_| invalid("place", format!("is {}, more than 7", channel.place)))?,
            probability,
            delay: match channel.delay {
                None => Delay::NextRound,
                Some(Wire::Constant(rounds)) => Delay::Constant(rounds),
                Some(Wire::Meeting(meeting)) => Delay::Meeting(meeting),
                Some(Wire::Weights(weights)) => Delay::Table(weights.weights),
            },
            audience: match &channel.audience_json[..] {
                [] => None,
                json => Some(serde_json::from_slice(json).map_err(|error| {
                    invalid("audience_json", format!("is no selection: {error}"))
                })?),
            },
        })
    }
}

fn audience(json: &[u8]) -> Result<Audience, ConvertError> {
    if json.is_empty() {
        return Ok(Audience::default());
    }
    serde_json::from_slice(json).map_err(|error| {
        ConvertError::new(MESSAGE, "audience_json", format!("is no [audience]: {error}"))
    })
}

impl From<ByCategory> for pb::RateByCategory {
    fn from(ByCategory { column, default, values }: ByCategory) -> Self {
        Self { column, default_rate: default, rates: values.into_iter().collect() }
    }
}

impl From<pb::RateByCategory> for ByCategory {
    fn from(by: pb::RateByCategory) -> Self {
        Self { column: by.column, default: by.default_rate, values: by.rates.into_iter().collect() }
    }
}

impl From<NodeRule> for wire::Rule {
    fn from(rule: NodeRule) -> Self {
        use pb::contagion::Sides as Wire;
        match rule {
            NodeRule::Contagion(sides) => Self::Contagion(pb::Contagion {
                sides: match sides {
                    Sides::One => None,
                    Sides::Opinion { quality } => Some(Wire::Quality(quality)),
                    Sides::Campaigns { rivals, tie } => Some(Wire::Campaigns(pb::Campaigns {
                        rivals: rivals.into_iter().map(|rival| rival.name).collect(),
                        tie: match tie {
                            Tie::Random => pb::Tie::Random,
                            Tie::First => pb::Tie::First,
                        }
                        .into(),
                    })),
                },
            }),
            NodeRule::Threshold(requirement) => Self::Threshold(requirement.into()),
            NodeRule::Epidemic(course) => Self::Epidemic(course.into()),
        }
    }
}

impl TryFrom<wire::Rule> for NodeRule {
    type Error = ConvertError;

    fn try_from(rule: wire::Rule) -> Result<Self, ConvertError> {
        use pb::contagion::Sides as Wire;
        Ok(match rule {
            wire::Rule::Contagion(contagion) => Self::Contagion(match contagion.sides {
                None => Sides::One,
                Some(Wire::Quality(quality)) => Sides::Opinion { quality },
                Some(Wire::Campaigns(campaigns)) => {
                    let tie = match campaigns.tie() {
                        pb::Tie::Random => Tie::Random,
                        pb::Tie::First => Tie::First,
                        pb::Tie::Unspecified => {
                            let reason = format!("is {}, no known rule", campaigns.tie);
                            return Err(ConvertError::new("Campaigns", "tie", reason));
                        }
                    };
                    let rivals = campaigns.rivals.into_iter().map(|name| Rival { name });
                    Sides::Campaigns { rivals: rivals.collect(), tie }
                }
            }),
            wire::Rule::Threshold(requirement) => Self::Threshold(requirement.try_into()?),
            wire::Rule::Epidemic(course) => Self::Epidemic(course.try_into()?),
        })
    }
}

impl From<Requirement> for pb::Requirement {
    fn from(requirement: Requirement) -> Self {
        use pb::requirement::Kind;
        let kind = match requirement {
            Requirement::Share(share) => Kind::Share(share),
            Requirement::UniformShare(low, high) => {
                Kind::UniformShare(pb::ShareRange { low, high })
            }
            Requirement::Count(count) => Kind::Count(count),
            Requirement::UniformCount(low, high) => {
                Kind::UniformCount(pb::CountRange { low, high })
            }
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<pb::Requirement> for Requirement {
    type Error = ConvertError;

    fn try_from(requirement: pb::Requirement) -> Result<Self, ConvertError> {
        use pb::requirement::Kind;
        Ok(match required(requirement.kind, "Requirement", "kind")? {
            Kind::Share(share) => Self::Share(share),
            Kind::UniformShare(pb::ShareRange { low, high }) => Self::UniformShare(low, high),
            Kind::Count(count) => Self::Count(count),
            Kind::UniformCount(pb::CountRange { low, high }) => Self::UniformCount(low, high),
        })
    }
}

impl From<Course> for pb::Epidemic {
    fn from(Course { incubation, recovery, immunity }: Course) -> Self {
        use pb::epidemic::Immunity as Wire;
        let immunity = match immunity {
            Immunity::Lasting => Wire::Lasting(pb::Lasting {}),
            Immunity::None => Wire::None(pb::NoImmunity {}),
            Immunity::Waning(waning) => Wire::Waning(waning),
        };
        Self { incubation, recovery, immunity: Some(immunity) }
    }
}

impl TryFrom<pb::Epidemic> for Course {
    type Error = ConvertError;

    fn try_from(epidemic: pb::Epidemic) -> Result<Self, ConvertError> {
        use pb::epidemic::Immunity as Wire;
        let immunity = match required(epidemic.immunity, "Epidemic", "immunity")? {
            Wire::Lasting(pb::Lasting {}) => Immunity::Lasting,
            Wire::None(pb::NoImmunity {}) => Immunity::None,
            Wire::Waning(waning) => Immunity::Waning(waning),
        };
        Ok(Self { incubation: epidemic.incubation, recovery: epidemic.recovery, immunity })
    }
}

impl From<Push> for pb::Push {
    fn from(Push { round, side, seeds }: Push) -> Self {
        Self { round, side: side.into(), seeds: Some(seeds.into()) }
    }
}

fn push(push: pb::Push, n_nodes: u32) -> Result<Push, ConvertError> {
    let side = u8::try_from(push.side)
        .map_err(|_| ConvertError::new("Push", "side", format!("is {}, no side", push.side)))?;
    let seeds = seed_plan(required(push.seeds, "Push", "seeds")?, n_nodes)?;
    Ok(Push { round: push.round, side, seeds })
}

#[cfg(test)]
mod tests {
    use kaskade_model::seeds::SeedPlan;
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, dynamics_of};

    proptest! {
        #[test]
        fn round_trips(sent in dynamics_of(500)) {
            let received = dynamics(Some(sent.clone().into()), 500);
            prop_assert_eq!(received, Ok(sent));
        }
    }

    #[test]
    fn golden_bytes() {
        let course = Course { incubation: Some(0.5), recovery: 0.25, immunity: Immunity::None };
        let epidemic = Dynamics { rule: NodeRule::Epidemic(course), ..Dynamics::default() };
        assert_golden::<pb::Dynamics>(epidemic, "1a1409000000000000e03f11000000000000d03f2200");
        let push = Push { round: 3, side: 1, seeds: SeedPlan::RandomEach(5) };
        let rivals = vec![Rival { name: "b".to_owned() }];
        let sides = Sides::Campaigns { rivals, tie: Tie::First };
        let rivalry = Dynamics {
            rule: NodeRule::Contagion(sides),
            delay: Delay::Constant(2),
            conduct: Conduct { forward: Some(0.5), ..Conduct::default() },
            firing: Some(1.0),
            pushes: vec![push],
            ..Dynamics::default()
        };
        assert_golden::<pb::Dynamics>(
            rivalry,
            "0a0712050a01621002200239000000000000e03f49000000000000f03f52080803100\
             11a021005",
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refuse = |change: fn(&mut pb::Dynamics)| {
            let mut message = pb::Dynamics::from(Dynamics::default());
            change(&mut message);
            dynamics(Some(message), 10).unwrap_err().to_string()
        };
        assert!(refuse(|message| message.rule = None).contains("field rule is missing"));
        assert!(refuse(|message| message.forward = Some(1.5)).contains("not in [0, 1]"));
        assert!(
            refuse(|message| {
                let seeds = Some(SeedPlan::RandomEach(1).into());
                message.pushes = vec![pb::Push { round: 1, side: 1, seeds }];
            })
            .contains("a campaign that there is not")
        );
        assert!(
            refuse(|message| {
                let seeds = Some(SeedPlan::RandomEach(11).into());
                message.pushes = vec![pb::Push { round: 1, side: 0, seeds }];
            })
            .contains("the graph has 10 nodes")
        );
        assert!(
            refuse(|message| {
                message.delay = Some(wire::Delay::Constant(0));
            })
            .contains("a delay must take")
        );
    }
}
