//! `[launch]`, `[[push]]` and `[[rival]]`: who starts besides the first seeds, when, and how surely.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ModelKind, SeedSpec, Spec, SpecError, model};
use crate::coin::Threshold;
use crate::dynamics::{Delay, Dynamics, DynamicsError, MAX_SIDES, NodeRule, Selector};

/// How surely seeds start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchSpec {
    /// The probability that a seed starts, drawn for each seed, push and simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: Option<f64>,
}

/// Seeds that start in a later round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushSpec {
    /// The round in which they are active.
    pub round: u32,
    /// Who they are.
    pub seeds: SeedSpec,
    /// Of whom they are chosen by degree or at random; with `audience.seeds`, of whom both select.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<Selector>,
    /// Whose they are: the name of a rival; the job's own without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
}

/// A campaign that competes with that of the first seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RivalSpec {
    /// Its name in results.
    pub name: String,
    /// Who starts it, in round 0.
    pub seeds: SeedSpec,
    /// Of whom they are chosen, as in `[[push]]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<Selector>,
}

/// Seeds besides the job's first, as a spec asks for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaterSeeds<'a> {
    /// The round in which they are active.
    pub round: u32,
    /// The side that they take.
    pub side: u8,
    /// Who they are.
    pub seeds: &'a SeedSpec,
    /// Of whom they are chosen.
    pub among: Option<&'a Selector>,
}

impl LaunchSpec {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Spec {
    /// What nodes do with what reaches them; nobody starts but the first seeds.
    ///
    /// # Errors
    /// [`SpecError`] for what cannot be.
    pub fn dynamics(&self) -> Result<Dynamics, SpecError> {
        let dynamics = Dynamics {
            rule: self.model.rule(&self.rival)?,
            delay: if self.channel.is_empty() { self.model.delay() } else { Delay::NextRound },
            channels: self.channels()?,
            activation: self.model.activation.unwrap_or_default(),
            conduct: self.model.conduct(),
            audience: self.audience.clone(),
            segments: Vec::new(),
            firing: self.launch.probability,
            pushes: Vec::new(),
        };
        dynamics.check().map_err(|error| {
            let key = match error {
                DynamicsError::Campaigns => self.key_of_campaigns(),
                _ => model::blamed(&error, &self.model).into(),
            };
            SpecError::new(key, format!("is invalid: {error}"))
        })?;
        Ok(dynamics)
    }

    /// Who starts besides the first seeds; rivals first.
    ///
    /// # Errors
    /// [`SpecError`] for a campaign that there is not.
    pub fn pushes(&self) -> Result<Vec<LaterSeeds<'_>>, SpecError> {
        let rivals = (1..).zip(&self.rival).map(|(side, RivalSpec { seeds, among, .. })| {
            LaterSeeds { round: 0, side, seeds, among: among.as_ref() }
        });
        let mut pushes: Vec<_> = rivals.collect();
        for (number, push) in (1..).zip(&self.push) {
            let (PushSpec { round, seeds, among, .. }, side) = (push, self.side_of(push, number)?);
            pushes.push(LaterSeeds { round: *round, side, seeds, among: among.as_ref() });
        }
        Ok(pushes)
    }

    /// Whether this is the classical cascade.
    ///
    /// # Errors
    /// [`SpecError`] for what cannot be.
    pub(super) fn is_plain(&self) -> Result<bool, SpecError> {
        Ok(self.push.is_empty() && self.dynamics()?.is_plain())
    }

    /// Every push's seeds, for whoever reads their files.
    pub fn later_seeds_mut(&mut self) -> impl Iterator<Item = &mut SeedSpec> {
        let rivals = self.rival.iter_mut().map(|rival| &mut rival.seeds);
        rivals.chain(self.push.iter_mut().map(|push| &mut push.seeds))
    }

    /// The last round: the earlier of `run.max_rounds` and `model.deadline`.
    #[must_use]
    pub fn last_round(&self) -> Option<u32> {
        let given = [self.run.max_rounds, self.model.deadline];
        given.into_iter().flatten().min()
    }

    pub(super) fn check_launch(&self) -> Result<(), SpecError> {
        if let Some(probability) = self.launch.probability {
            Threshold::from_probability(probability).map_err(|error| {
                SpecError::new("launch.probability", format!("is invalid: {error}"))
            })?;
        }
        let given = [
            ("model.recovery", self.model.recovery),
            ("model.incubation", self.model.incubation),
            ("model.waning", self.model.waning),
            ("model.quality", self.model.quality),
            ("model.meeting", self.model.meeting),
        ];
        for (key, probability) in given {
            if let Some(Err(error)) = probability.map(Threshold::from_probability) {
                return Err(SpecError::new(key, format!("is invalid: {error}")));
            }
        }
        for (key, rate) in
            [("model.forward", &self.model.forward), ("model.endorse", &self.model.endorse)]
        {
            rate.as_ref().map_or(Ok(()), |rate| rate.check(key))?;
        }
        self.dynamics()?;
        self.pushes()?;
        for (number, rival) in (1..).zip(&self.rival) {
            rival.seeds.check(&format!("rival.{number}.seeds"))?;
            check_among(rival.among.as_ref(), &rival.seeds, &format!("rival.{number}.among"))?;
        }
        for (number, push) in (1..).zip(&self.push) {
            push.seeds.check(&format!("push.{number}.seeds"))?;
            check_among(push.among.as_ref(), &push.seeds, &format!("push.{number}.among"))?;
            if let Some(last) = self.last_round().filter(|&last| push.round > last) {
                let reason = format!(
                    "is {}, after the last round: use at most {last}, or raise `{}`",
                    push.round,
                    if self.model.deadline == Some(last) { "deadline" } else { "max_rounds" },
                );
                return Err(SpecError::new(format!("push.{number}.round"), reason));
            }
        }
        Ok(())
    }

    /// Refuses an infection that may never end in a job without a last round.
    pub(super) fn check_rounds(&self, rule: &NodeRule) -> Result<(), SpecError> {
        match rule {
            NodeRule::Epidemic(course) if course.may_last() && self.last_round().is_none() => {
                let reason =
                    format!("is missing: an infection of `{}` may never end", self.model.kind);
                Err(SpecError::new("run.max_rounds", reason))
            }
            _ => Ok(()),
        }
    }

    /// The rival whose name was given before, or the first that is too much.
    fn key_of_campaigns(&self) -> Cow<'static, str> {
        let mut names = BTreeSet::from([""]);
        for (number, rival) in (1..).zip(&self.rival) {
            if !names.insert(&*rival.name) || number >= MAX_SIDES {
                return format!("rival.{number}.name").into();
            }
        }
        "rival".into()
    }

    fn side_of(&self, push: &PushSpec, number: usize) -> Result<u8, SpecError> {
        let Some(name) = &push.campaign else { return Ok(0) };
        let place = self.rival.iter().position(|rival| rival.name == *name);
        match place.filter(|_| self.model.kind == ModelKind::Competitive) {
            // There are at most 7.
            Some(place) => Ok(place as u8 + 1),
            None => Err(SpecError::new(
                format!("push.{number}.campaign"),
                format!("is {name:?}, which is no [[rival]]"),
            )),
        }
    }
}

/// Refuses to choose where all are named, or anew for each simulation; `key` is where it stands.
fn check_among(among: Option<&Selector>, seeds: &SeedSpec, key: &str) -> Result<(), SpecError> {
    let reason = match seeds {
        _ if among.is_none() => return Ok(()),
        SeedSpec::TopDegree(_) | SeedSpec::Random(_) => return Ok(()),
        SeedSpec::RandomEach(_) => "`random_each` draws from all nodes",
        SeedSpec::Ids(_) | SeedSpec::File(_) => "these seeds are named",
    };
    let reason =
        format!("selects of whom seeds are chosen, and {reason}: use `top_degree` or `random`");
    Err(SpecError::new(key.to_owned(), reason))
}
