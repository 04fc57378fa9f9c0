//! Parquet files, sound and damaged.

use std::sync::Arc;

use bytes::Bytes;
use kaskade_ingest::spec::ReadSpec;
use kaskade_ingest::{BadLine, IngestError, Malformed, ReadArcs};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::formats::read;

/// A column of values, of which those that are `None` are null.
enum Column {
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Double(Vec<Option<f64>>),
    Text(Vec<Option<&'static str>>),
}

/// A file with this schema; each element of `groups` is a row group.
fn file(schema: &str, groups: &[Vec<Column>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            match column {
                Column::Int32(values) => write::<Int32Type>(&mut group, values),
                Column::Int64(values) => write::<Int64Type>(&mut group, values),
                Column::Double(values) => write::<DoubleType>(&mut group, values),
                Column::Text(values) => {
                    let text = |value: &Option<&str>| value.map(ByteArray::from);
                    let values: Vec<_> = values.iter().map(text).collect();
                    write::<ByteArrayType>(&mut group, &values);
                }
            }
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[Option<T::T>],
) {
    let mut column = group.next_column().unwrap().unwrap();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.iter().flatten().cloned().collect();
    column.typed::<T>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
}

fn some<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    values.iter().cloned().map(Some).collect()
}

fn numbers() -> Vec<u8> {
    let schema = "message m { optional int64 dst; optional double p; optional int32 src; }";
    let group = |dst: &[i64], p: &[f64], src: &[i32]| {
        vec![Column::Int64(some(dst)), Column::Double(some(p)), Column::Int32(some(src))]
    };
    file(schema, &[group(&[2, 3], &[0.5, 0.25], &[1, 2]), group(&[i64::MAX], &[1.0], &[3])])
}

fn bad_row(read: Result<ReadArcs, IngestError>) -> (u64, BadLine, String) {
    match read {
        Err(IngestError::BadLine { line, reason, text, .. }) => (line, reason, text),
        other => panic!("{other:?}"),
    }
}

fn column(name: &str) -> impl Fn(&mut ReadSpec) {
    let choice = Some(name.parse().unwrap());
    move |spec| spec.column = choice.clone()
}

#[test]
fn columns_are_named() {
    let bytes = numbers();
    let found = read("a.parquet", &bytes, column("p")).unwrap();
    assert_eq!(found.arcs, [(1, 2), (2, 3), (3, i64::MAX as u64)]);
    assert_eq!(found.values, [0.5, 0.25, 1.0]);
    assert_eq!(read("a", &bytes, |_| {}).unwrap().arcs, found.arcs, "known by its first bytes");
    let swapped = read("a.parquet", &bytes, |spec| {
        spec.source_column = Some("dst".parse().unwrap());
        spec.target_column = Some("2".parse().unwrap());
    });
    assert_eq!(swapped.unwrap().arcs[0], (2, 1));
}

#[test]
fn many_rows_come_in_groups() {
    let schema = "message m { optional int64 source; optional int64 target; }";
    let rows: Vec<i64> = (0..200_000).collect();
    let group = || vec![Column::Int64(some(&rows)), Column::Int64(some(&rows))];
    let found = read("a.parquet", file(schema, &[group(), group(), group()]), |_| {}).unwrap();
    assert_eq!(found.arcs.len(), 600_000);
    assert_eq!(found.arcs[599_999], (199_999, 199_999));
}

#[test]
fn ids_may_be_strings() {
    let schema = "message m { optional binary source (UTF8); optional int64 target; }";
    let group = vec![Column::Text(some(&["ann", "bob"])), Column::Int64(some(&[7, 8]))];
    let bytes = file(schema, &[group]);
    let found = read("a.parquet", &bytes, |_| {}).unwrap();
    let names = found.names.unwrap();
    let all: Vec<&[u8]> = (0..4).map(|rank| names.name(rank)).collect();
    assert_eq!(all, [&b"7"[..], b"8", b"ann", b"bob"]);
    assert_eq!(found.arcs, [(2, 0), (3, 1)]);
    let as_numbers = read("a.parquet", &bytes, |spec| {
        spec.ids = kaskade_ingest::spec::IdKind::Number;
    });
    assert_eq!(bad_row(as_numbers), (1, BadLine::NotAnId, "ann, 7".into()));
}

#[test]
fn unsigned_ids_are_read_as_such() {
    let schema = "message m { optional int64 u (UINT_64); optional int32 v (UINT_32); }";
    let group = vec![Column::Int64(some(&[-1])), Column::Int32(some(&[-1]))];
    let found = read("a.parquet", file(schema, &[group]), |_| {}).unwrap();
    assert_eq!(found.arcs, [(u64::MAX, u64::from(u32::MAX))]);
}

#[test]
fn rows_can_be_bad() {
    let schema = "message m { optional int64 u; optional int64 v; optional double p; }";
    let rows = |u: Option<i64>, p: Option<f64>| {
        let row =
            |u, v, p| vec![Column::Int64(vec![u]), Column::Int64(vec![v]), Column::Double(vec![p])];
        file(schema, &[row(Some(1), Some(2), Some(0.5)), row(u, Some(4), p)])
    };
    let bad = |bytes: Vec<u8>| bad_row(read("a.parquet", bytes, column("p")));
    assert_eq!(bad(rows(None, Some(1.0))), (2, BadLine::EmptyField, "null, 4".into()));
    assert_eq!(bad(rows(Some(-3), Some(1.0))), (2, BadLine::NotAnId, "-3, 4".into()));
    assert_eq!(bad(rows(Some(3), Some(1.5))), (2, BadLine::NotAProbability, "3, 4".into()));
    assert_eq!(bad(rows(Some(3), None)), (2, BadLine::MissingColumn, "3, 4".into()));
}

#[test]
fn classes_are_strings_or_integers() {
    let schema = |class: &str| {
        format!("message m {{ optional int64 u; optional int64 v; optional {class}; }}")
    };
    let group =
        |class: Column| vec![Column::Int64(some(&[1, 2])), Column::Int64(some(&[2, 3])), class];
    let classes = |schema: String, class: Column| {
        let bytes = file(&schema, &[group(class)]);
        read("a.parquet", bytes, |spec| spec.channel_column = Some("c".parse().unwrap()))
    };
    let texts = classes(schema("binary c (UTF8)"), Column::Text(some(&["sms", "mail"]))).unwrap();
    assert_eq!((texts.classes, texts.values), (vec![1, 0], vec![]));
    assert_eq!(texts.class_names, ["mail", "sms"]);
    let numbers = classes(schema("int32 c"), Column::Int32(some(&[7, -1]))).unwrap();
    assert_eq!((numbers.classes, numbers.class_names), (vec![1, 0], vec!["-1".into(), "7".into()]));
    let bad = |class| bad_row(classes(schema("binary c (UTF8)"), Column::Text(class)));
    assert_eq!(bad(vec![Some("sms"), None]), (2, BadLine::MissingColumn, "2, 3".into()));
    assert_eq!(bad(vec![Some("sms"), Some("")]), (2, BadLine::NoClass, "2, 3".into()));
    assert_eq!(bad(vec![Some("sms"), Some("a b")]), (2, BadLine::NotAChannel, "2, 3".into()));
    let refused = classes(schema("double c"), Column::Double(some(&[0.5, 1.0])));
    let Err(IngestError::Malformed { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(matches!(reason, Malformed::ColumnType { name, .. } if name == "c"));
}

#[test]
fn columns_that_will_not_do_are_refused() {
    let refused = |bytes: &[u8], name: &str| match read("a.parquet", bytes, column(name)) {
        Err(IngestError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let columns = r#""dst", "p", "src""#.to_owned();
    let missing = Malformed::NoSuchColumn { name: "q".into(), columns };
    assert_eq!(refused(&numbers(), "q"), missing);
    let schema = "message m { optional double u; optional int64 v; optional binary p; }";
    let group =
        vec![Column::Double(some(&[1.0])), Column::Int64(some(&[1])), Column::Text(some(&["x"]))];
    let bytes = file(schema, &[group]);
    assert!(matches!(refused(&bytes, "p"), Malformed::ColumnType { name, .. } if name == "u"));
}

#[test]
fn integers_that_stand_for_something_else_are_refused() {
    let value = |kind: &str| {
        let schema = format!(
            "message m {{ optional int64 u; optional int64 v; optional int32 p ({kind}); }}"
        );
        let group =
            vec![Column::Int64(some(&[1])), Column::Int64(some(&[2])), Column::Int32(some(&[1]))];
        read("a.parquet", file(&schema, &[group]), column("p"))
    };
    for kind in ["DECIMAL(5, 2)", "DATE"] {
        let refused = value(kind);
        let Err(IngestError::Malformed { reason, .. }) = refused else { panic!("{refused:?}") };
        assert!(matches!(reason, Malformed::ColumnType { name, .. } if name == "p"), "{kind}");
    }
    assert_eq!(value("INTEGER(8, true)").unwrap().values, [1.0]);
}

#[test]
fn damage_is_an_error() {
    let bytes = numbers();
    let refused = |bytes: &[u8]| match read("a.parquet", bytes, |_| {}) {
        Err(IngestError::Malformed { path, reason: Malformed::Library { .. }, .. }) => {
            assert_eq!(path.to_string_lossy(), "a.parquet");
        }
        other => panic!("{other:?}"),
    };
    refused(b"PAR1");
    refused(b"");
    refused(&bytes[..bytes.len() - 1]);
    refused(&bytes[bytes.len() / 2..]);
    // Whatever a flipped byte does, it ends.
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            let _ = read("a.parquet", Bytes::from(flipped), column("p"));
        }
    }
}
