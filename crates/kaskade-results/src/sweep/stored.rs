//! A sweep read back from its directory: what its page and its plots are made of.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use kaskade_model::spec::CoinFamily;
use serde::{Deserialize, Deserializer};

use super::{SweepAxis, SweepRow, SweepTable, SweptValue, TABLE_JSON};
use crate::error::ResultsError;
use crate::summary::GraphSummary;

impl SweepTable {
    /// Whether `dir` is the directory of a sweep that has its table.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        dir.join(TABLE_JSON).is_file()
    }

    /// Reads the table in the sweep directory `dir`.
    ///
    /// # Errors
    /// [`ResultsError::Io`] if the file system refuses, [`ResultsError::UnreadableSweep`] if the
    /// table is not one that a sweep writes.
    pub fn read(dir: &Path) -> Result<Self, ResultsError> {
        let path = dir.join(TABLE_JSON);
        let bytes = fs::read(&path).map_err(ResultsError::io("read", &path))?;
        serde_json::from_slice(&bytes)
            .map_err(|source| ResultsError::UnreadableSweep { path, source })
    }
}

/// What [`SweepTable::document`] writes.
#[derive(Deserialize)]
pub(super) struct StoredTable {
    graph: GraphSummary,
    seed: u64,
    coins: CoinFamily,
    is_one_family_forced: bool,
    axes: Vec<SweepAxis>,
    points: Vec<StoredPoint>,
    digest: String,
}

#[derive(Deserialize)]
struct StoredPoint {
    values: HashMap<String, SweptValue>,
    #[serde(flatten)]
    row: SweepRow,
}

impl TryFrom<StoredTable> for SweepTable {
    type Error = &'static str;

    fn try_from(stored: StoredTable) -> Result<Self, Self::Error> {
        let StoredTable { graph, seed, coins, is_one_family_forced, axes, points, digest } = stored;
        let rows = points.into_iter().map(|StoredPoint { mut values, row }| {
            let values = axes.iter().map(|axis| values.remove(&axis.key));
            Some(SweepRow { values: values.collect::<Option<_>>()?, ..row })
        });
        let rows: Vec<_> = rows.collect::<Option<_>>().ok_or("a point lacks a key")?;
        // Plots find a point by its place in the grid.
        let mut n_points = Some(1_usize);
        for axis in &axes {
            n_points = n_points.and_then(|n| n.checked_mul(axis.values.len()));
        }
        if rows.is_empty() || n_points != Some(rows.len()) {
            return Err("the points are not one for each combination of the keys' values");
        }
        let table = Self { graph, seed, coins, is_one_family_forced, axes, rows };
        if table.digest() != digest { Err("the digest is of other points") } else { Ok(table) }
    }
}

/// For [`SweepRow::measures`], which are written as an object.
pub(super) fn from_map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, f64)>, D::Error> {
    Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
}
