use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};

use super::*;
use crate::fixture;

fn reader(bytes: Vec<u8>) -> SerializedFileReader<bytes::Bytes> {
    SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap()
}

fn rows(reader: &SerializedFileReader<bytes::Bytes>) -> Vec<Row> {
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

fn column_names(reader: &SerializedFileReader<bytes::Bytes>) -> Vec<String> {
    let schema = reader.metadata().file_metadata().schema_descr();
    schema.columns().iter().map(|column| column.name().to_owned()).collect()
}

#[test]
fn simulations_read_back() {
    let (sample, _) = fixture::summary();
    let reader = reader(simulations_parquet(&sample, &[]).unwrap());
    assert_eq!(column_names(&reader), ["simulation", "spread", "rounds", "fingerprint"]);
    let found: Vec<_> = rows(&reader)
        .iter()
        .map(|row| {
            let long = |column| row.get_ulong(column).unwrap();
            (long(0), long(1), row.get_uint(2).unwrap(), long(3))
        })
        .collect();
    let fingerprints = fixture::rows(&[&[1], &[1], &[1], &[1]]);
    let fingerprint = |simulation: usize| fingerprints[simulation].fingerprint;
    assert!(fingerprint(1) > u64::MAX / 2, "one that is negative as an i64");
    let expected = [
        (0, 17, 2, fingerprint(0)),
        (1, 2, 0, fingerprint(1)),
        (2, 5, 1, fingerprint(2)),
        (3, 133, 3, fingerprint(3)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn rounds_read_back() {
    let (sample, summary) = fixture::summary();
    let reader = reader(rounds_parquet(&sample, &summary.growth).unwrap());
    assert_eq!(
        column_names(&reader),
        [
            "round",
            "mean_new",
            "mean_total",
            "total_p05",
            "total_p50",
            "total_p95",
            "simulations_alive",
            "new_p05",
            "new_p50",
            "new_p95",
            "reproduction_number"
        ]
    );
    let found: Vec<_> = rows(&reader)
        .iter()
        .map(|row| {
            let totals = [3, 4, 5, 6].map(|column| row.get_ulong(column).unwrap());
            let means = [1, 2].map(|column| row.get_double(column).unwrap());
            let new = [7, 8, 9].map(|column| row.get_ulong(column).unwrap());
            let reproduction = row.get_double(10).ok();
            (row.get_uint(0).unwrap(), means, totals, new, reproduction)
        })
        .collect();
    let expected = [
        (0, [2.0, 2.0], [2, 2, 2, 4], [2, 2, 2], Some(43.0 / 8.0)),
        (1, [10.75, 12.75], [2, 5, 32, 3], [0, 3, 30], Some(105.0 / 43.0)),
        (2, [26.25, 39.0], [2, 5, 132, 2], [0, 0, 100], Some(1.0 / 105.0)),
        (3, [0.25, 39.25], [2, 5, 133, 1], [0, 0, 1], None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn files_name_their_schema_and_digest_and_no_time() {
    let (sample, summary) = fixture::summary();
    let bytes = simulations_parquet(&sample, &[]).unwrap();
    assert_eq!(simulations_parquet(&sample, &[]).unwrap(), bytes);
    let reader = reader(bytes);
    let metadata = reader.metadata().file_metadata();
    let notes: Vec<_> = metadata.key_value_metadata().unwrap().iter().collect();
    assert_eq!(notes[0].key, "kaskade.schema_version");
    assert_eq!(notes[0].value.as_deref(), Some("1"));
    assert_eq!(notes[1].key, "kaskade.digest");
    assert_eq!(notes[1].value.as_ref(), Some(&summary.digest));
    assert!(metadata.created_by().unwrap().starts_with("kaskade version "));
}

#[test]
fn row_groups_are_bounded() {
    let n_rows = ROWS_PER_GROUP + 5;
    let spreads: Vec<u64> = (1..).take(n_rows).collect();
    let sample = fixture::sample_of_spreads(&spreads);
    let reader = reader(simulations_parquet(&sample, &[]).unwrap());
    let groups: Vec<_> =
        reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [ROWS_PER_GROUP as i64, 5]);
    let last = reader.get_row_iter(None).unwrap().last().unwrap().unwrap();
    assert_eq!(last.get_ulong(0).unwrap(), n_rows as u64 - 1);
    assert_eq!(last.get_ulong(1).unwrap(), n_rows as u64);
}

#[test]
fn what_was_measured_has_columns_of_its_own() {
    use kaskade_model::dynamics::Measure;
    let mut rows = fixture::rows(&[&[1, 2], &[1]]);
    rows[0].series = vec![vec![1, 2], vec![5, 3]];
    rows[1].series = vec![vec![4], vec![2]];
    let sample = Sample::collect(rows, 100).unwrap();
    let name = "teens; {or} younger".to_owned();
    let measures = [Measure::Segment(0, name), Measure::Infectious];
    let measures = MeasureEstimate::all(&sample, &measures);
    let reader = reader(simulations_parquet(&sample, &measures).unwrap());
    let schema = reader.metadata().file_metadata().schema();
    let names: Vec<_> = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let [.., first, second] = &names[..] else { panic!("{names:?}") };
    let expected = ["measure:segment.teens; {or} younger", "measure:infectious"];
    assert_eq!([first.as_str(), second], expected);
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let cells = |row: usize| -> Vec<String> {
        rows[row].get_column_iter().skip(4).map(|(_, value)| value.to_string()).collect()
    };
    // Sums of what adds up, peaks of what rises and falls.
    assert_eq!(
        (cells(0), cells(1)),
        (vec!["3".to_owned(), "5".to_owned()], vec!["4".into(), "2".into()])
    );
}

#[test]
fn weights_are_in_plain_units() {
    use kaskade_model::dynamics::Measure;
    let mut measured = fixture::rows(&[&[1, 2], &[1]]);
    measured[0].series = vec![vec![1], vec![1_500_000, 250_000]];
    measured[1].series = vec![vec![2], vec![]];
    let sample = Sample::collect(measured, 100).unwrap();
    let measures = MeasureEstimate::all(&sample, &[Measure::Fakes, Measure::Weight]);
    let reader = reader(simulations_parquet(&sample, &measures).unwrap());
    let found: Vec<_> = rows(&reader)
        .iter()
        .map(|row| (row.get_ulong(4).unwrap(), row.get_double(5).unwrap()))
        .collect();
    assert_eq!(found, [(1, 1.75), (2, 0.0)]);
}
