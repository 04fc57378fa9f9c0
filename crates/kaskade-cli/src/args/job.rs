//! The flags that describe a job, for `run` and `submit`; each stands for a key of the spec.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::builder::{RangedU64ValueParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Id};
use kaskade_model::spec::{
    CoinFamily, IntervalMethod, ModelKind, Placement, Probability, SeedSpec,
};
use kaskade_model::until::Until;

use super::dynamics::DynamicsArgs;
use super::word::word;

/// A spec, and the flags that stand above its keys.
#[derive(Debug, Args)]
#[command(next_help_heading = "Job")]
pub(crate) struct SpecArgs {
    /// A spec in TOML; flags stand above its keys (see `kaskade init`)
    #[arg(value_name = "SPEC.toml")]
    pub(crate) spec: Option<PathBuf>,
    /// The graph: a directory for `run`, a name that the coordinator knows for `submit`
    #[arg(long, value_name = "DIR-or-NAME")]
    pub(crate) graph: Option<String>,
    /// How the message spreads [default: independent-cascade]
    #[arg(long, env = "KASKADE_MODEL", value_parser = word::<ModelKind>(MODELS))]
    pub(crate) model: Option<ModelKind>,
    /// The probability or weight of an arc: a number in [0, 1], weighted-cascade
    /// (1/in-degree), C/in-degree, trivalency (0.1, 0.01 or 0.001) or column [default:
    /// weighted-cascade; 1 for a threshold]
    #[arg(long, env = "KASKADE_PROBABILITY", value_name = "P", allow_negative_numbers = true)]
    pub(crate) probability: Option<Probability>,
    #[command(flatten)]
    pub(crate) dynamics: DynamicsArgs,
    /// Who starts: top-degree:K, random:K, random-each:K, ids:3,14 or file:PATH (an id a line)
    #[arg(long, env = "KASKADE_SEEDS")]
    pub(crate) seeds: Option<SeedSpec>,
    /// The number of simulations, with --until the most [default: 1000, with --until 1000000]
    #[arg(long, env = "KASKADE_SIMULATIONS", value_name = "N")]
    pub(crate) simulations: Option<u64>,
    /// Stop as soon as the mean is this sure, for example relative-error=1%,confidence=95%
    /// [default: run all simulations]
    #[arg(long, env = "KASKADE_UNTIL", value_name = "GOAL")]
    pub(crate) until: Option<Until>,
    /// How the interval of the mean is made: normal or bootstrap [default: normal]
    #[arg(long, env = "KASKADE_INTERVAL", value_name = "HOW")]
    pub(crate) interval: Option<IntervalMethod>,
    /// The global number of the first simulation [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) first_simulation: Option<u64>,
    /// The seed of all randomness [default: 1]
    #[arg(long, env = "KASKADE_SEED")]
    pub(crate) seed: Option<u64>,
    /// Rounds after which a simulation is cut off [default: none]
    #[arg(long, env = "KASKADE_MAX_ROUNDS", value_name = "N")]
    pub(crate) max_rounds: Option<u32>,
    /// So many simulations, the first, keep who passed it to whom: `cascades.parquet`, and the shape
    /// of cascades in summary and report [default: 0]
    #[arg(long, env = "KASKADE_TRACE_SIMULATIONS", value_name = "N")]
    pub(crate) trace_simulations: Option<u64>,
    /// Count in how many simulations each node is reached: `nodes.parquet`
    #[arg(long, env = "KASKADE_NODES")]
    pub(crate) nodes: bool,
    /// The family of coins: arc, octet, block or auto, which chooses from the model and its
    /// probability [default: auto]
    #[arg(long, env = "KASKADE_COINS", value_name = "FAMILY")]
    pub(crate) coins: Option<CoinFamily>,
    /// How a cluster shares the work: auto, replicate, partition or hybrid:RxP; a single
    /// process has nothing to share [default: auto]
    #[arg(long, env = "KASKADE_PLACEMENT")]
    pub(crate) placement: Option<Placement>,
}

/// The models' names and their short forms.
const MODELS: &[&str] = &[
    "independent-cascade",
    "ic",
    "linear-threshold",
    "lt",
    "threshold",
    "sir",
    "seir",
    "sis",
    "sirs",
    "negative-opinion",
    "competitive",
];

/// A parser for a number of threads.
pub(crate) fn threads() -> impl TypedValueParser<Value = u64> {
    RangedU64ValueParser::<u64>::new().range(1..=MAX_THREADS)
}

/// More threads than any machine has.
const MAX_THREADS: u64 = 4096;

/// The flags of a command that were typed, not set by environment or configuration.
pub(crate) fn typed_flags(matches: &ArgMatches) -> BTreeSet<String> {
    let is_typed = |id: &&Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    matches.ids().filter(is_typed).map(Id::to_string).collect()
}
