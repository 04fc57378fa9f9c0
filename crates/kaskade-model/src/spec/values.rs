//! The values of a spec that are words, numbers or one of several keys.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{OriginalId, SpecError};
use crate::coin::Family;

/// The diffusion models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(transform = super::schema::add_short_names)]
pub enum ModelKind {
    /// Each arc has one attempt, with its own probability.
    #[default]
    #[serde(alias = "ic")]
    IndependentCascade,
    /// A node follows once enough weight of its in-arcs is active.
    #[serde(alias = "lt")]
    LinearThreshold,
    /// A node follows once enough of its in-neighbours are active.
    Threshold,
    /// Infectious until recovered, then immune.
    Sir,
    /// The same with an incubation before.
    Seir,
    /// Infectious until recovered, then susceptible again.
    Sis,
    /// Infectious until recovered, then immune for a time.
    Sirs,
    /// A cascade whose message may turn bad at every node.
    NegativeOpinion,
    /// A cascade of several campaigns; every node takes one.
    Competitive,
}

impl fmt::Display for ModelKind {
    /// Its name in a spec.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IndependentCascade => "independent-cascade",
            Self::LinearThreshold => "linear-threshold",
            Self::Threshold => "threshold",
            Self::Sir => "sir",
            Self::Seir => "seir",
            Self::Sis => "sis",
            Self::Sirs => "sirs",
            Self::NegativeOpinion => "negative-opinion",
            Self::Competitive => "competitive",
        })
    }
}

/// How seeds are chosen; in a spec, exactly one key of `[seeds]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeedSpec {
    /// So many nodes of highest out-degree, ties by smaller original id.
    TopDegree(u64),
    /// So many nodes at random, one set for the job.
    Random(u64),
    /// So many nodes at random, a new set for each simulation.
    RandomEach(u64),
    /// These nodes, by original id.
    Ids(Vec<OriginalId>),
    /// The nodes named in a file, an id a line.
    File(String),
}

impl SeedSpec {
    /// Refuses seeds that are nobody; `key` is where they stand.
    pub(super) fn check(&self, key: &str) -> Result<(), SpecError> {
        let none =
            |how: &str| Err(SpecError::new(format!("{key}.{how}"), "must be at least one node"));
        match self {
            Self::TopDegree(0) => none("top_degree"),
            Self::Random(0) => none("random"),
            Self::RandomEach(0) => none("random_each"),
            Self::Ids(ids) if ids.is_empty() => {
                Err(SpecError::new(format!("{key}.ids"), "must name at least one node"))
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for SeedSpec {
    type Err = String;

    /// Reads the flag form: `top-degree:50`, `random:50`, `random-each:5`, `ids:3,14`, `file:PATH`.
    /// Ids are trimmed; one with a comma or a space at an end needs a spec's `ids = [...]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let forms = "use top-degree:K, random:K, random-each:K, ids:3,14 or file:PATH";
        let (kind, value) =
            text.split_once(':').ok_or_else(|| format!("{text:?} names no seeds: {forms}"))?;
        let count =
            || value.parse().map_err(|_| format!("{value:?} is not a number of seeds: {forms}"));
        Ok(match kind {
            "top-degree" => Self::TopDegree(count()?),
            "random" => Self::Random(count()?),
            "random-each" => Self::RandomEach(count()?),
            "ids" => {
                let ids: Vec<&str> = value.split(',').map(str::trim).collect();
                if ids.contains(&"") {
                    return Err(format!("an id of {value:?} is empty: {forms}"));
                }
                Self::Ids(ids.into_iter().map(OriginalId::from).collect())
            }
            "file" => Self::File(value.to_owned()),
            _ => return Err(format!("unknown kind of seeds {kind:?}: {forms}")),
        })
    }
}

/// The coin families (DESIGN §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoinFamily {
    /// Chosen from model and probability alone.
    #[default]
    Auto,
    /// One coin an arc.
    Arc,
    /// One coin an arc, eight simulations at a time.
    Octet,
    /// Blocks of a source's arcs, for one small probability.
    Block,
}

impl From<Family> for CoinFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::Arc => Self::Arc,
            Family::Octet => Self::Octet,
            Family::Block => Self::Block,
        }
    }
}

impl FromStr for CoinFamily {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "arc" => Ok(Self::Arc),
            "octet" => Ok(Self::Octet),
            "block" => Ok(Self::Block),
            _ => {
                Err(format!("unknown coin family {text:?}: use `arc`, `octet`, `block` or `auto`"))
            }
        }
    }
}

/// How the interval of a mean is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IntervalMethod {
    /// Mean ± a quantile of the normal distribution · standard error.
    #[default]
    Normal,
    /// Bias-corrected and accelerated bootstrap.
    Bootstrap,
}

impl IntervalMethod {
    /// Whether it is the one that a spec need not name.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

impl FromStr for IntervalMethod {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "normal" => Ok(Self::Normal),
            "bootstrap" => Ok(Self::Bootstrap),
            _ => Err(format!("unknown interval {text:?}: use `normal` or `bootstrap`")),
        }
    }
}

/// How a cluster shares a job's work (DESIGN §3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// By the workers' memory.
    #[default]
    Auto,
    /// Every worker maps the whole graph and takes whole batches.
    Replicate,
    /// All workers are one group that shares each round.
    Partition,
    /// `replicas` groups of `parts` workers.
    Hybrid {
        /// Groups.
        replicas: u32,
        /// Workers in each.
        parts: u32,
    },
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Replicate => f.write_str("replicate"),
            Self::Partition => f.write_str("partition"),
            Self::Hybrid { replicas, parts } => write!(f, "hybrid:{replicas}x{parts}"),
        }
    }
}

impl FromStr for Placement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown =
            || format!("unknown placement {text:?}: use auto, replicate, partition or hybrid:RxP");
        match text {
            "auto" => Ok(Self::Auto),
            "replicate" => Ok(Self::Replicate),
            "partition" => Ok(Self::Partition),
            _ => {
                let sizes = text.strip_prefix("hybrid:").and_then(|sizes| sizes.split_once('x'));
                let (replicas, parts) = sizes.ok_or_else(unknown)?;
                match (replicas.parse(), parts.parse()) {
                    (Ok(replicas @ 1..), Ok(parts @ 1..)) => Ok(Self::Hybrid { replicas, parts }),
                    _ => Err(unknown()),
                }
            }
        }
    }
}

impl Serialize for Placement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Placement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
