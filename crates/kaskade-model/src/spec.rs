//! What a person asks for: the spec of a job, as a TOML file or as flags.
//!
//! The same structs hold a spec as typed, with defaults filled in, and as resolved
//! ([`Spec::resolve`]): then nothing is left to choose, and the spec, the graph digest
//! and the seed determine every bit of the result. Results and job log keep the
//! resolved form.

mod channel;
mod launch;
mod model;
mod original_id;
mod probability;
mod schema;
mod threshold;
mod values;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use channel::ChannelSpec;
pub use launch::{LaterSeeds, LaunchSpec, PushSpec, RivalSpec};
pub use model::{DelaySpec, ModelSpec, RateSpec};
pub use original_id::OriginalId;
pub use probability::Probability;
pub use schema::json_schema;
pub use threshold::ThresholdSpec;
pub use values::{CoinFamily, IntervalMethod, ModelKind, Placement, SeedSpec};

use crate::coin::{COIN_VERSION, Family};
use crate::diffusion::LiveArcModel;
use crate::dynamics::Audience;
use crate::recording::{MAX_TRACE_SIMULATIONS, Recording};
use crate::until::Until;

/// The version of the spec's own format; a spec begins with `version = 1`.
pub const SPEC_VERSION: u32 = 1;

/// Simulation numbers stay below this, so that 2⁶⁴ − 1 can name draws that all share.
pub const MAX_SIMULATIONS: u64 = 1 << 63;

/// Simulations of one job, at most: sums of their squares stay exact.
pub const MAX_JOB_SIMULATIONS: u64 = u32::MAX as u64;

/// A job: a graph, a model, seeds, and how often to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// [`SPEC_VERSION`].
    pub version: u32,
    /// Where the graph is.
    #[serde(default)]
    pub graph: GraphSource,
    /// How the message spreads.
    #[serde(default)]
    pub model: ModelSpec,
    /// Who starts.
    pub seeds: SeedSpec,
    /// Who takes part, and who counts.
    #[serde(default, skip_serializing_if = "is_everybody")]
    pub audience: Audience,
    /// How surely seeds start.
    #[serde(default, skip_serializing_if = "LaunchSpec::is_default")]
    pub launch: LaunchSpec,
    /// Who starts later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub push: Vec<PushSpec>,
    /// What messages go along; all arcs alike where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel: Vec<ChannelSpec>,
    /// Who competes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rival: Vec<RivalSpec>,
    /// How often, and from which randomness.
    #[serde(default)]
    pub run: RunSpec,
}

/// Where a job's graph is: exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphSource {
    /// A graph directory, relative to the spec's folder (`run`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A graph that the coordinator knows (`submit`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A graph to generate on first use, and to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<GenerateSpec>,
}

/// A synthetic graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GenerateSpec {
    /// The family.
    pub kind: GeneratorKind,
    /// 2^scale nodes; or [`GenerateSpec::nodes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u32>,
    /// The number of nodes; or [`GenerateSpec::scale`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u64>,
    /// Arcs drawn per node; or [`GenerateSpec::arcs`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge_factor: Option<f64>,
    /// Arcs drawn in all; or [`GenerateSpec::edge_factor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arcs: Option<u64>,
    /// The generator's seed.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// R-MAT's upper left quadrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<f64>,
    /// R-MAT's upper right quadrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<f64>,
    /// R-MAT's lower left quadrant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c: Option<f64>,
}

/// The family of a synthetic graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorKind {
    /// Recursive matrix (Chakrabarti, Zhan and Faloutsos, SDM 2004).
    Rmat,
    /// Every arc equally likely (Erdős and Rényi 1959).
    ErdosRenyi,
    /// Preferential attachment (Barabási and Albert 1999).
    BarabasiAlbert,
}

/// How often to run, and from which randomness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// The number of simulations.
    #[serde(default = "default_simulations")]
    pub simulations: u64,
    /// The global number of the first.
    #[serde(default)]
    pub first_simulation: u64,
    /// The job's seed.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// When fewer simulations are enough; `simulations` is then the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// How the interval of the mean spread is made.
    #[serde(default, skip_serializing_if = "IntervalMethod::is_normal")]
    pub interval: IntervalMethod,
    /// Rounds after which a simulation is cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rounds: Option<u32>,
    /// So many simulations, the first, keep who passed it to whom.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trace_simulations: u64,
    /// Whether every node keeps how many simulations reached it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nodes: bool,
    /// The coin family.
    #[serde(default)]
    pub coins: CoinFamily,
    /// How a cluster shares the work.
    #[serde(default)]
    pub placement: Placement,
    /// A result directory, relative to the spec's folder; `{job}` stands for the job's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<String>,
}

/// Simulations of a job whose spec does not say.
pub const DEFAULT_SIMULATIONS: u64 = 1000;
/// The most simulations of a job with `until` whose flags and spec do not say.
pub const DEFAULT_MAX_SIMULATIONS: u64 = 1_000_000;
/// The seed of a job or generator whose spec does not say.
pub const DEFAULT_SEED: u64 = 1;

fn is_everybody(audience: &Audience) -> bool {
    *audience == Audience::default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn default_simulations() -> u64 {
    DEFAULT_SIMULATIONS
}

fn default_seed() -> u64 {
    DEFAULT_SEED
}

impl Default for RunSpec {
    fn default() -> Self {
        Self {
            simulations: default_simulations(),
            first_simulation: 0,
            seed: default_seed(),
            until: None,
            interval: IntervalMethod::default(),
            max_rounds: None,
            trace_simulations: 0,
            nodes: false,
            coins: CoinFamily::default(),
            placement: Placement::default(),
            out: None,
        }
    }
}

impl Spec {
    /// Checks every value and fixes what was left to choose (the coin family), from the
    /// model and its probability alone.
    ///
    /// # Errors
    /// [`SpecError`] names the key and what it accepts.
    pub fn resolve(mut self) -> Result<Self, SpecError> {
        if self.version != SPEC_VERSION {
            return Err(SpecError::new(
                "version",
                format!("is {}, this kaskade reads version {SPEC_VERSION}", self.version),
            ));
        }
        self.run.check()?;
        self.seeds.check("seeds")?;
        match self.channels_say_probability() {
            true if self.model.probability.is_some() => {
                let reason = "is of no arc: each [[channel]] has a probability of its own; leave \
                              one of them out";
                return Err(SpecError::new("model.probability", reason));
            }
            true => {}
            false => self.model.probability = Some(self.model.probability()),
        }
        self.live_arc_model()?;
        self.check_launch()?;
        self.check_recording()?;
        self.check_rounds(&self.model.rule(&self.rival)?)?;
        self.run.coins = self.coin_family()?.into();
        Ok(self)
    }

    /// The diffusion model with its parameters checked.
    ///
    /// # Errors
    /// [`SpecError`] for a probability out of range or a word that the model does not take.
    pub fn live_arc_model(&self) -> Result<LiveArcModel, SpecError> {
        self.model.probability().live_arcs(self.model.kind)
    }

    /// The coin family that is meant, from the model and its probability alone. `auto` is `block`
    /// for one probability of at most 1/64 on all arcs in the classical cascade, else `octet`.
    ///
    /// # Errors
    /// [`SpecError`] for `block` with probabilities that differ from arc to arc.
    pub fn coin_family(&self) -> Result<Family, SpecError> {
        let model = self.live_arc_model()?;
        let is_plain = self.is_plain()?;
        match self.run.coins {
            CoinFamily::Arc => Ok(Family::Arc),
            CoinFamily::Octet => Ok(Family::Octet),
            CoinFamily::Block if is_plain && model.block_coins().is_some() => Ok(Family::Block),
            CoinFamily::Block => Err(SpecError::new(
                "run.coins",
                "is `block`, which is for the plain independent-cascade with one number as the \
                 probability of all arcs: use `octet`, `arc` or `auto`",
            )),
            CoinFamily::Auto if is_plain && model.is_sparse() => Ok(Family::Block),
            CoinFamily::Auto => Ok(Family::Octet),
        }
    }

    /// What is kept of the simulations besides counts.
    #[must_use]
    pub fn recording(&self) -> Recording {
        let RunSpec { trace_simulations, nodes, simulations, .. } = self.run;
        Recording { trace_simulations: trace_simulations.min(simulations), nodes }
    }

    fn check_recording(&self) -> Result<(), SpecError> {
        let RunSpec { trace_simulations, nodes, until, .. } = self.run;
        if trace_simulations > MAX_TRACE_SIMULATIONS {
            let reason =
                format!("is {trace_simulations}, at most {MAX_TRACE_SIMULATIONS} are traced");
            return Err(SpecError::new("run.trace_simulations", reason));
        }
        if trace_simulations > 0 && !self.dynamics()?.can_be_traced() {
            let reason = format!(
                "is for models in which a node becomes active once and for good; this is `{}`: \
                 leave it out",
                self.model.kind,
            );
            return Err(SpecError::new("run.trace_simulations", reason));
        }
        if nodes && until.is_some() {
            let reason = "counts over a number of simulations that is fixed before: leave out \
                          `until`, or `nodes`";
            return Err(SpecError::new("run.nodes", reason));
        }
        Ok(())
    }

    /// The version of the coins that this spec's results depend on.
    #[must_use]
    pub fn coin_version(&self) -> u32 {
        COIN_VERSION
    }
}

impl RunSpec {
    fn check(&self) -> Result<(), SpecError> {
        if self.simulations == 0 {
            return Err(SpecError::new("run.simulations", "must be at least 1"));
        }
        if self.simulations > MAX_JOB_SIMULATIONS {
            let reason =
                format!("is {}, a job has at most {MAX_JOB_SIMULATIONS}", self.simulations);
            return Err(SpecError::new("run.simulations", reason));
        }
        if self.until.is_some() && self.interval == IntervalMethod::Bootstrap {
            let reason = "is `bootstrap`, which holds for a number of simulations fixed before: \
                          leave out `until`, or use `normal`";
            return Err(SpecError::new("run.interval", reason));
        }
        let end = self.first_simulation.checked_add(self.simulations);
        if end.is_none_or(|end| end > MAX_SIMULATIONS) {
            return Err(SpecError::new(
                "run.first_simulation",
                "plus `simulations` must be at most 2^63",
            ));
        }
        Ok(())
    }
}

/// A spec that is well-formed but asks for what cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} {reason}")]
pub struct SpecError {
    /// The key, dotted: `model.probability`. The tables of a list are numbered from 1, as people
    /// count: `rival.2.name`.
    pub key: Cow<'static, str>,
    /// What is wrong with its value, and what it accepts.
    pub reason: String,
}

impl SpecError {
    /// An error about `key`; the reason reads on from it.
    pub fn new(key: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

#[cfg(test)]
mod tests;
