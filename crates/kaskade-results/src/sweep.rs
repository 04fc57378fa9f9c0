//! A sweep: one spec run at many points, and the one table that comes of it.
//!
//! A point is known by what decides its result: [`point_id`]. So who finds a result under that name
//! need not run it again, and a sweep that was killed goes on where it was.

mod directory;
mod stored;
mod table;

use std::fmt;

pub use directory::SweepDirectory;
use kaskade_model::spec::{CoinFamily, Spec};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::estimate::{RoundsEstimate, SpreadEstimate};
use crate::outbreak::Outbreak;
use crate::summary::{GraphSummary, SCHEMA_VERSION, Summary, to_json};

/// The table's files beside the points, in the order in which they are written.
pub const TABLE_FILES: [&str; 4] = ["sweep.csv", "sweep.parquet", "sweep.html", TABLE_JSON];

/// The one of them that is read back.
const TABLE_JSON: &str = "sweep.json";

/// The folder of a sweep's points, each a result directory under its id.
pub const POINTS_FOLDER: &str = "points";

/// A value of a key that varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SweptValue {
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// A word, or anything else as a spec has it.
    Text(String),
}

impl SweptValue {
    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some(*integer as f64),
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

impl From<&str> for SweptValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for SweptValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.pad(text),
        }
    }
}

/// A key that varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepAxis {
    /// The key of the spec, dotted.
    pub key: String,
    /// Its values.
    pub values: Vec<SweptValue>,
    /// Whether they are evenly spaced on a logarithmic scale.
    pub is_log: bool,
}

impl SweepAxis {
    /// The values as numbers, if all of them are.
    #[must_use]
    pub fn numbers(&self) -> Option<Vec<f64>> {
        self.values.iter().map(SweptValue::number).collect()
    }
}

/// A point with what its result says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRow {
    /// [`point_id`].
    pub point: String,
    /// The value of each axis.
    #[serde(skip)]
    pub values: Vec<SweptValue>,
    /// Simulations.
    pub simulations: u64,
    /// How far a cascade goes.
    pub spread: SpreadEstimate,
    /// The two kinds of cascades; `null` where they are of one kind.
    pub outbreak: Option<Outbreak>,
    /// How long it lasts.
    pub rounds: RoundsEstimate,
    /// Means of what else was measured, by name.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "as_map",
        deserialize_with = "stored::from_map"
    )]
    pub measures: Vec<(String, f64)>,
    /// Digest v1 of the rows.
    pub digest: String,
    /// The digest of the measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures_digest: Option<String>,
}

impl SweepRow {
    /// The row of the point with `values`, whose result is `summary`.
    #[must_use]
    pub fn new(point: String, values: Vec<SweptValue>, summary: &Summary) -> Self {
        let measures = summary.measures.iter().map(|measure| (measure.name.clone(), measure.mean));
        Self {
            point,
            values,
            simulations: summary.simulations,
            spread: summary.spread.clone(),
            outbreak: summary.outbreak,
            rounds: summary.rounds,
            measures: measures.collect(),
            digest: summary.digest.clone(),
            measures_digest: summary.measures_digest.clone(),
        }
    }
}

/// All points of a sweep, and what they share.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "stored::StoredTable")]
pub struct SweepTable {
    /// The graph.
    pub graph: GraphSummary,
    /// The seed of all points.
    pub seed: u64,
    /// Their coin family.
    pub coins: CoinFamily,
    /// Whether `auto` would have given them different families.
    pub is_one_family_forced: bool,
    /// What varies.
    pub axes: Vec<SweepAxis>,
    /// The points, the last axis fastest.
    pub rows: Vec<SweepRow>,
}

impl SweepTable {
    /// BLAKE3 over all points in their order, of each its id and the digests of its result: two
    /// sweeps with one digest have the same results. 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for row in &self.rows {
            let measures = row.measures_digest.as_deref().unwrap_or("");
            for text in [&row.point, &row.digest, measures] {
                hasher.update(text.as_bytes()).update(b"\n");
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What `sweep.json` holds, as one object.
    #[must_use]
    pub fn document(&self) -> SweepDocument<'_> {
        let points = self.rows.iter().map(|row| PointDocument {
            values: self.axes.iter().map(|axis| axis.key.as_str()).zip(&row.values).collect(),
            row,
        });
        SweepDocument {
            schema_version: SCHEMA_VERSION,
            graph: &self.graph,
            seed: self.seed,
            coins: self.coins,
            is_one_family_forced: self.is_one_family_forced,
            axes: &self.axes,
            points: points.collect(),
            digest: self.digest(),
        }
    }

    /// The table's files with their contents, in the order of [`TABLE_FILES`].
    ///
    /// # Errors
    /// [`crate::ResultsError::EncodeTable`] if the Parquet encoder refuses.
    pub fn files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, crate::ResultsError> {
        let contents = [
            self.to_csv().into_bytes(),
            self.to_parquet()?,
            crate::report::sweep_report(self).into_bytes(),
            to_json(&self.document()).into_bytes(),
        ];
        Ok(TABLE_FILES.into_iter().zip(contents).collect())
    }
}

/// The object of `sweep.json`.
#[derive(Debug, Serialize)]
pub struct SweepDocument<'a> {
    schema_version: u32,
    graph: &'a GraphSummary,
    seed: u64,
    coins: CoinFamily,
    is_one_family_forced: bool,
    axes: &'a [SweepAxis],
    points: Vec<PointDocument<'a>>,
    digest: String,
}

#[derive(Debug, Serialize)]
struct PointDocument<'a> {
    #[serde(serialize_with = "as_map")]
    values: Vec<(&'a str, &'a SweptValue)>,
    #[serde(flatten)]
    row: &'a SweepRow,
}

fn as_map<K: Serialize, V: Serialize, S: Serializer>(
    pairs: &[(K, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    pairs.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
    map.end()
}

/// The name of the result that the resolved `spec` has on the graph with the digest `graph`: 32
/// hexadecimal digits of a BLAKE3 digest of both and of the coins' version. Where the graph lies and
/// where the result goes do not matter.
#[must_use]
pub fn point_id(spec: &Spec, graph: &str) -> String {
    let mut spec = spec.clone();
    spec.graph = Default::default();
    spec.run.out = None;
    let text = serde_json::to_string(&spec).expect("a spec has a JSON form");
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"kaskade point 1\n").update(&spec.coin_version().to_le_bytes());
    hasher.update(graph.as_bytes()).update(b"\n").update(text.as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests;
