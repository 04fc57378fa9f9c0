//! The summary of a job: what `--json` prints and `summary.json` keeps.

use kaskade_model::ids::JobId;
use kaskade_model::spec::Spec;
use serde::{Deserialize, Serialize};

use crate::estimate::{RoundsEstimate, SpreadEstimate};
use crate::growth::{GrowthRound, growth};
use crate::performance::Performance;
use crate::sample::Sample;
use kaskade_model::status::JobState;

/// The version of the shapes of `summary.json`, `manifest.json` and the Parquet files.
/// It rises when a field changes its meaning or goes; new fields leave it as it is.
pub const SCHEMA_VERSION: u32 = 1;

/// The summary of a job, field by field as INTERFACE.md has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of the coins that the result depends on.
    pub coin_version: u32,
    /// The job.
    pub job: JobId,
    /// Where it stands.
    pub state: JobState,
    /// The graph.
    pub graph: GraphSummary,
    /// The resolved spec.
    pub spec: Spec,
    /// Finished simulations.
    pub simulations: u64,
    /// How far a cascade goes.
    pub spread: SpreadEstimate,
    /// How long it lasts.
    pub rounds: RoundsEstimate,
    /// How it grows, round by round.
    pub growth: Vec<GrowthRound>,
    /// Digest v1 of the rows, 64 hexadecimal digits.
    pub digest: String,
    /// What it took.
    pub performance: Performance,
}

/// The graph of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphSummary {
    /// The graph's digest, hexadecimal.
    pub digest: String,
    /// Nodes.
    pub nodes: u32,
    /// Arcs.
    pub arcs: u64,
}

/// What is known of a job besides its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// The job.
    pub job: JobId,
    /// Where it stands.
    pub state: JobState,
    /// The graph.
    pub graph: GraphSummary,
    /// The resolved spec.
    pub spec: Spec,
    /// What it took.
    pub performance: Performance,
}

impl Summary {
    /// The summary of the job of `record`, whose rows are `sample`.
    #[must_use]
    pub fn new(sample: &Sample, record: JobRecord) -> Self {
        let JobRecord { job, state, graph, spec, performance } = record;
        Self {
            schema_version: SCHEMA_VERSION,
            coin_version: spec.coin_version(),
            job,
            state,
            graph,
            spec,
            simulations: sample.n_simulations(),
            spread: SpreadEstimate::of(sample),
            rounds: RoundsEstimate::of(sample),
            growth: growth(sample),
            digest: sample.digest().to_owned(),
            performance,
        }
    }

    /// The summary as one JSON object, indented, with a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// `value` as an indented JSON object with a newline at its end.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("structs of numbers, texts and maps with text keys have a JSON form");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
