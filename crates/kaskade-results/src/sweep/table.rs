//! The long table of a sweep: a row a point, as CSV and as Parquet.

use std::collections::BTreeSet;

use super::{SweepRow, SweepTable, SweptValue};
use crate::csv;
use crate::error::ResultsError;
use crate::parquet::{Column, encode_columns};

/// The cells of a column.
enum Cells {
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Counts(Vec<u64>),
    OptionalCounts(Vec<Option<u64>>),
    Numbers(Vec<f64>),
    OptionalNumbers(Vec<Option<f64>>),
}

impl SweepTable {
    /// The table as CSV: a header, then a row a point; what is unknown is empty.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let columns = self.columns();
        let mut text = String::new();
        csv::push_row(&mut text, columns.iter().map(|(name, _)| name.clone()));
        for row in 0..self.rows.len() {
            csv::push_row(&mut text, columns.iter().map(|(_, cells)| cells.text(row)));
        }
        text
    }

    /// The table as Parquet; the same rows give the same bytes.
    ///
    /// # Errors
    /// [`ResultsError::EncodeTable`] if the encoder refuses.
    pub fn to_parquet(&self) -> Result<Vec<u8>, ResultsError> {
        let columns = self.columns();
        let columns: Vec<_> =
            columns.iter().map(|(name, cells)| (name.as_str(), cells.column())).collect();
        encode_columns("sweep", &columns, &self.digest())
            .map_err(|source| ResultsError::EncodeTable { source })
    }

    fn columns(&self) -> Vec<(String, Cells)> {
        let mut columns =
            vec![("point".to_owned(), self.cells(|row| row.point.clone(), Cells::Texts))];
        for (place, axis) in self.axes.iter().enumerate() {
            columns.push((axis.key.clone(), self.axis_cells(place)));
        }
        let mut add = |name: &str, cells| columns.push((name.to_owned(), cells));
        add("simulations", self.cells(|row| row.simulations, Cells::Counts));
        add("mean", self.cells(|row| row.spread.mean, Cells::Numbers));
        let numbers = Cells::OptionalNumbers;
        add("standard_deviation", self.cells(|row| row.spread.standard_deviation, numbers));
        add("standard_error", self.cells(|row| row.spread.standard_error, numbers));
        add("confidence_level", self.cells(|row| row.spread.confidence_level, Cells::Numbers));
        let end = |place: usize| {
            move |row: &SweepRow| row.spread.confidence_interval.map(|ends| ends[place])
        };
        add("interval_low", self.cells(end(0), numbers));
        add("interval_high", self.cells(end(1), numbers));
        add("min", self.cells(|row| row.spread.min, Cells::Counts));
        add("p05", self.cells(|row| row.spread.quantiles.p05, Cells::Counts));
        add("p50", self.cells(|row| row.spread.quantiles.p50, Cells::Counts));
        add("p95", self.cells(|row| row.spread.quantiles.p95, Cells::Counts));
        add("max", self.cells(|row| row.spread.max, Cells::Counts));
        add("rounds_mean", self.cells(|row| row.rounds.mean, Cells::Numbers));
        let threshold = |row: &SweepRow| row.outbreak.map(|outbreak| outbreak.threshold);
        add("outbreak_threshold", self.cells(threshold, Cells::OptionalCounts));
        add("outbreak_probability", self.cells(|row| Some(row.outbreak?.probability), numbers));
        let low = |row: &SweepRow| Some(row.outbreak?.probability_interval[0]);
        add("outbreak_probability_low", self.cells(low, numbers));
        let high = |row: &SweepRow| Some(row.outbreak?.probability_interval[1]);
        add("outbreak_probability_high", self.cells(high, numbers));
        add("outbreak_mean", self.cells(|row| Some(row.outbreak?.mean_spread), numbers));
        let names: BTreeSet<&String> =
            self.rows.iter().flat_map(|row| &row.measures).map(|(name, _)| name).collect();
        for name in names {
            let mean = |row: &SweepRow| {
                row.measures.iter().find(|(other, _)| other == name).map(|(_, mean)| *mean)
            };
            add(&format!("measure:{name}"), self.cells(mean, numbers));
        }
        add("digest", self.cells(|row| row.digest.clone(), Cells::Texts));
        columns
    }

    fn cells<T>(&self, value: impl Fn(&SweepRow) -> T, cells: fn(Vec<T>) -> Cells) -> Cells {
        cells(self.rows.iter().map(value).collect())
    }

    /// Whole numbers if all are, else numbers if all are, else texts.
    fn axis_cells(&self, place: usize) -> Cells {
        let values = || self.rows.iter().map(|row| &row.values[place]);
        let integers = values().map(|value| match value {
            SweptValue::Integer(integer) => Some(*integer),
            _ => None,
        });
        if let Some(integers) = integers.collect() {
            return Cells::Integers(integers);
        }
        match values().map(SweptValue::number).collect() {
            Some(numbers) => Cells::Numbers(numbers),
            None => Cells::Texts(values().map(SweptValue::to_string).collect()),
        }
    }
}

impl Cells {
    fn column(&self) -> Column<'_> {
        match self {
            Self::Texts(values) => Column::Text(values),
            Self::Integers(values) => Column::I64(values),
            Self::Counts(values) => Column::U64(values),
            Self::OptionalCounts(values) => Column::OptionalU64(values),
            Self::Numbers(values) => Column::F64(values),
            Self::OptionalNumbers(values) => Column::OptionalF64(values),
        }
    }

    fn text(&self, row: usize) -> String {
        match self {
            Self::Texts(values) => values[row].clone(),
            Self::Integers(values) => values[row].to_string(),
            Self::Counts(values) => values[row].to_string(),
            Self::OptionalCounts(values) => {
                values[row].map_or_else(String::new, |value| value.to_string())
            }
            Self::Numbers(values) => values[row].to_string(),
            Self::OptionalNumbers(values) => {
                values[row].map_or_else(String::new, |value| value.to_string())
            }
        }
    }
}
