//! What was measured besides activations: estimates, and the course over the rounds.

use kaskade_model::dynamics::Measure;
use kaskade_model::tally::SimulationRow;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::estimate::{CONFIDENCE_LEVEL, Moments, Quantiles};
use crate::sample::Sample;

/// One measure over all simulations. Of a measure that adds up, the figures are those of a
/// simulation's sum over its rounds; of one that rises and falls, those of its peak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureEstimate {
    /// Its name.
    pub name: String,
    /// Whether the number of a round says how many there are at its end, rather than how many were
    /// added.
    pub is_stock: bool,
    /// The mean over all simulations.
    pub mean: f64,
    /// The sample's standard deviation, with n − 1.
    pub standard_deviation: Option<f64>,
    /// The mean's standard error.
    pub standard_error: Option<f64>,
    /// The chance that the interval holds the expected value.
    pub confidence_level: f64,
    /// The interval's lower and upper end, by the normal distribution.
    pub confidence_interval: Option<[f64; 2]>,
    /// The smallest.
    pub min: Amount,
    /// The largest.
    pub max: Amount,
    /// Quantiles over the simulations.
    pub quantiles: Quantiles<Amount>,
    /// By round: the mean over all simulations.
    pub mean_by_round: Vec<f64>,
}

/// A number of nodes, or a sum of their weights. A whole one is written without a decimal point.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Amount(pub f64);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Below 2⁵³, as all sums of a simulation, it is that number.
        let whole = self.0 as u64;
        if whole as f64 == self.0 {
            serializer.serialize_u64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self)
    }
}

/// One measure of all simulations, in integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MeasuredColumn {
    /// By simulation: the sum over its rounds.
    sums: Vec<u64>,
    /// By simulation: the largest of its rounds.
    peaks: Vec<u64>,
    /// By round: the sum over all simulations.
    by_round: Vec<u128>,
}

impl MeasuredColumn {
    /// By simulation, what an estimate is made of: peaks of a stock, else sums.
    pub(crate) fn by_simulation(&self, is_stock: bool) -> &[u64] {
        if is_stock { &self.peaks } else { &self.sums }
    }

    /// By round: the sum over all simulations.
    pub(crate) fn by_round(&self) -> &[u128] {
        &self.by_round
    }
}

/// Collects the measures of rows, and their digest.
#[derive(Debug, Default)]
pub(crate) struct MeasureCollector {
    columns: Vec<MeasuredColumn>,
    hasher: blake3::Hasher,
}

impl MeasureCollector {
    /// Adds the measures of `row`.
    pub(crate) fn add(&mut self, row: &SimulationRow) {
        self.columns.resize_with(self.columns.len().max(row.series.len()), Default::default);
        self.hasher.update(&row.simulation.to_le_bytes());
        for (column, by_round) in self.columns.iter_mut().zip(&row.series) {
            column.sums.push(by_round.iter().sum());
            column.peaks.push(by_round.iter().copied().max().unwrap_or(0));
            let n_rounds = column.by_round.len().max(by_round.len());
            column.by_round.resize(n_rounds, 0);
            column
                .by_round
                .iter_mut()
                .zip(by_round)
                .for_each(|(sum, &value)| *sum += u128::from(value));
            self.hasher.update(&(by_round.len() as u64).to_le_bytes());
            by_round.iter().for_each(|value| {
                self.hasher.update(&value.to_le_bytes());
            });
        }
    }

    /// The columns, and the digest of all of them: BLAKE3 over the rows by ascending simulation,
    /// `u64` simulation, then for each measure `u64` rounds and as many `u64`, little-endian; none
    /// without a measure.
    pub(crate) fn finish(self) -> (Vec<MeasuredColumn>, Option<String>) {
        let digest = self.hasher.finalize().to_hex().to_string();
        let digest = (!self.columns.is_empty()).then_some(digest);
        (self.columns, digest)
    }
}

impl MeasureEstimate {
    /// The estimates of `measures`, which are those of `sample` in their order.
    pub(crate) fn all(sample: &Sample, measures: &[Measure]) -> Vec<Self> {
        let columns = measures.iter().zip(&sample.measures);
        columns.map(|(measure, column)| Self::of(measure, column)).collect()
    }

    /// So many units of the measured numbers are 1 here.
    pub(crate) fn units(&self) -> u64 {
        let is_weight = self.name == Measure::Weight.to_string();
        if is_weight { Measure::Weight.units() } else { 1 }
    }

    fn of(measure: &Measure, column: &MeasuredColumn) -> Self {
        let is_stock = measure.is_stock();
        let mut sorted = column.by_simulation(is_stock).to_vec();
        sorted.sort_unstable();
        let n = sorted.len();
        let moments = Moments::of(&sorted);
        let units = measure.units() as f64;
        let amount = |units_of_it: u64| Amount(units_of_it as f64 / units);
        let standard_deviation = moments.standard_deviation().map(|deviation| deviation / units);
        let standard_error = standard_deviation.map(|deviation| deviation / (n as f64).sqrt());
        Self {
            name: measure.to_string(),
            is_stock,
            mean: moments.mean() / units,
            standard_deviation,
            standard_error,
            confidence_level: CONFIDENCE_LEVEL,
            confidence_interval: moments.interval().map(|ends| ends.map(|end| end / units)),
            min: amount(sorted[0]),
            max: amount(sorted[n - 1]),
            quantiles: Quantiles::by_rank(n, |rank| sorted[rank - 1]).map(amount),
            mean_by_round: {
                let means = column.by_round.iter().map(|&sum| sum as f64 / n as f64);
                means.map(|mean| mean / units).collect()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_peaks_and_means_by_round() {
        let row = |simulation, series: [&[u64]; 2]| SimulationRow {
            simulation,
            new_per_round: vec![1],
            fingerprint: 0,
            series: series.map(<[u64]>::to_vec).to_vec(),
        };
        let rows = [row(0, [&[1, 2, 3], &[1, 4]]), row(1, [&[], &[2]])];
        let sample = Sample::collect(rows.clone(), 10).unwrap();
        let estimates = MeasureEstimate::all(&sample, &[Measure::Infections, Measure::Infectious]);
        let [infections, infectious] = &estimates[..] else { panic!("{estimates:?}") };
        assert_eq!((infections.mean, infections.max.0, infections.is_stock), (3.0, 6.0, false));
        assert_eq!(infections.mean_by_round, [0.5, 1.0, 1.5]);
        assert_eq!((infectious.mean, infectious.min.0, infectious.is_stock), (3.0, 2.0, true));
        assert_eq!(infectious.mean_by_round, [1.5, 2.0]);
        let text = serde_json::to_string(infectious).unwrap();
        assert!(text.contains(r#""min":2,"max":4,"quantiles":{"0.05":2,"#), "{text}");
        // The same numbers as weights are millionths.
        let weighed = &MeasureEstimate::all(&sample, &[Measure::Weight])[0];
        assert_eq!((weighed.mean, weighed.max.0), (3e-6, 6e-6));
        assert_eq!(weighed.mean_by_round, [0.5e-6, 1e-6, 1.5e-6]);
        let text = serde_json::to_string(weighed).unwrap();
        assert_eq!(serde_json::from_str::<MeasureEstimate>(&text).unwrap(), *weighed);
        let other = [rows[0].clone(), row(1, [&[1], &[2]])];
        let other = Sample::collect(other, 10).unwrap();
        assert_ne!(sample.measures_digest(), other.measures_digest());
        assert_eq!(sample.digest(), other.digest(), "digest v1 never changes");
    }
}
