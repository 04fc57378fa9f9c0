//! The summary of a job: what `--json` prints and `summary.json` keeps.

use kaskade_model::dynamics::Measure;
use kaskade_model::ids::JobId;
use kaskade_model::spec::Spec;
use kaskade_model::until::Until;
use serde::{Deserialize, Serialize};

use crate::course::Course;
use crate::distribution::{SpreadBin, distribution};
use crate::estimate::{RoundsEstimate, SpreadEstimate};
use crate::growth::{GrowthRound, growth};
use crate::measured::MeasureEstimate;
use crate::outbreak::Outbreak;
use crate::performance::Performance;
use crate::reach::ReachSummary;
use crate::sample::Sample;
use crate::shape::Shape;
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
    /// What became of the stop rule; left out where the spec has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// How far a cascade goes.
    pub spread: SpreadEstimate,
    /// The two kinds of cascades; `null` where they are of one kind.
    #[serde(default)]
    pub outbreak: Option<Outbreak>,
    /// What else was measured; left out where nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<MeasureEstimate>,
    /// How long it lasts.
    pub rounds: RoundsEstimate,
    /// How it grows, round by round.
    pub growth: Vec<GrowthRound>,
    /// When it does what.
    #[serde(default)]
    pub course: Course,
    /// How the spreads are spread.
    #[serde(default)]
    pub distribution: Vec<SpreadBin>,
    /// The shapes of the traced cascades; left out where none was traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Where it goes; left out where nodes were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<ReachSummary>,
    /// Digest v1 of the rows, 64 hexadecimal digits.
    pub digest: String,
    /// The digest of the measures, 64 hexadecimal digits; left out where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures_digest: Option<String>,
    /// What it took.
    pub performance: Performance,
}

/// How a stop rule ended a job.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Whether the interval became as narrow as was asked for.
    pub is_reached: bool,
    /// Half the interval's width over the mean.
    pub relative_error: f64,
    /// Looks that were taken.
    pub looks: u64,
    /// Looks that there could have been, which share the chance to miss.
    pub max_looks: u64,
}

impl Stop {
    /// What became of `until` in a job of at most `max_simulations`, which ended with `spread`
    /// after `n_simulations`; `None` where these are too few for an interval.
    fn of(
        until: Until,
        max_simulations: u64,
        n_simulations: u64,
        spread: &SpreadEstimate,
    ) -> Option<Self> {
        let relative_error = until.margin(max_simulations) * spread.standard_error? / spread.mean;
        let looks = || Until::looks(max_simulations);
        Some(Self {
            is_reached: n_simulations < max_simulations || relative_error <= until.relative_error,
            relative_error,
            looks: looks().filter(|&look| look <= n_simulations).count() as u64,
            max_looks: looks().count() as u64,
        })
    }
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
    /// What was measured besides activations.
    pub measures: Vec<Measure>,
    /// What it took.
    pub performance: Performance,
}

impl Summary {
    /// The summary of the job of `record`, whose rows are `sample`.
    #[must_use]
    pub fn new(sample: &Sample, record: JobRecord) -> Self {
        let JobRecord { job, state, graph, spec, measures, performance } = record;
        let spread = SpreadEstimate::of(sample, &spec.run);
        let n = sample.n_simulations();
        let stop = |until| Stop::of(until, spec.run.simulations, n, &spread);
        let stop = spec.run.until.and_then(stop);
        let growth = growth(sample, &spec, &measures);
        Self {
            schema_version: SCHEMA_VERSION,
            coin_version: spec.coin_version(),
            job,
            state,
            graph,
            spec,
            simulations: n,
            stop,
            spread,
            outbreak: Outbreak::of(sample),
            measures: MeasureEstimate::all(sample, &measures),
            rounds: RoundsEstimate::of(sample),
            growth,
            course: Course::of(sample),
            distribution: distribution(sample),
            shape: sample.cascades.as_ref().map(Shape::of),
            reach: sample.reach.as_ref().map(ReachSummary::of),
            digest: sample.digest().to_owned(),
            measures_digest: sample.measures_digest().map(str::to_owned),
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
