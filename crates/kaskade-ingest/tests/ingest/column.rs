//! Arc columns and how equal arcs merge.

use kaskade_ingest::spec::{ColumnChoice, Duplicates};
use kaskade_ingest::{BadLine, IngestError};
use kaskade_model::coin::Threshold;
use kaskade_model::spec::OriginalId;
use kaskade_store::Manifest;

use crate::common::{Scratch, read_back};

fn build(text: &str, column: &str, rule: Duplicates) -> Result<(Manifest, Scratch), IngestError> {
    let scratch = Scratch::new();
    let manifest = scratch.build_file("arcs.txt", text, |spec| {
        spec.column = Some(column.parse::<ColumnChoice>().unwrap());
        spec.duplicates = rule;
    })?;
    Ok((manifest, scratch))
}

fn stored(text: &str, column: &str, rule: Duplicates) -> Vec<((u64, u64), f64)> {
    let (_, scratch) = build(text, column, rule).unwrap();
    let contents = read_back(&scratch.out());
    let probability = |stored: Option<u32>| {
        let width = Threshold::from_stored(stored.unwrap()).width();
        width as f64 / Threshold::ALWAYS.width() as f64
    };
    contents.arcs.into_iter().map(|(ends, value)| (ends, probability(value))).collect()
}

#[test]
fn a_column_is_found_by_index_or_name() {
    let text = "from,to,since,p\n1,2,2019,0.5\n2,3,2020,0.25\n1,3,2021,0\n";
    let expected = [((1, 2), 0.5), ((1, 3), 0.0), ((2, 3), 0.25)];
    assert_eq!(stored(text, "3", Duplicates::Error), expected);
    assert_eq!(stored(text, "p", Duplicates::Error), expected);
    let (manifest, _scratch) = build(text, "p", Duplicates::Error).unwrap();
    assert_eq!(manifest.columns, ["p"]);
    assert!(manifest.column_digest.is_some());
}

#[test]
fn equal_arcs_merge_by_the_rule() {
    let text = "1 2 0.25\n1 2 0.5\n3 4 1\n1 2 0\n";
    assert_eq!(stored(text, "2", Duplicates::Max)[0], ((1, 2), 0.5));
    assert_eq!(stored(text, "2", Duplicates::NoisyOr)[0], ((1, 2), 0.625));
    assert_eq!(stored(text, "2", Duplicates::Sum)[0], ((1, 2), 0.75));
    let (manifest, _scratch) = build(text, "2", Duplicates::Max).unwrap();
    assert_eq!((manifest.n_arcs, manifest.n_duplicates), (2, 2));
}

#[test]
fn arcs_that_cannot_merge_are_named_whatever_their_order() {
    for text in ["8 9 1\n8 9 1\n1 2 0.5\n1 2 0.75", "1 2 0.75\n8 9 1\n1 2 0.5\n8 9 1"] {
        assert!(matches!(
            build(text, "2", Duplicates::Error).map(|_| ()),
            Err(IngestError::DuplicateArc {
                source_id: OriginalId::Number(1),
                target_id: OriginalId::Number(2)
            })
        ));
        let Err(IngestError::SumExceedsOne { source_id, sum, .. }) =
            build(text, "2", Duplicates::Sum).map(|_| ())
        else {
            panic!("a sum of 1.25 was accepted");
        };
        assert_eq!((source_id, sum), (OriginalId::Number(1), 1.25));
    }
}

#[test]
fn the_digest_knows_the_column_but_not_the_order_of_lines() {
    let digest = |text, rule| build(text, "2", rule).unwrap().0.digest;
    // In binary the sum of these depends on their order.
    let (one, other) = ("1 2 0.1\n1 2 0.2\n1 2 0.3\n", "1 2 0.3\n1 2 0.1\n1 2 0.2\n");
    assert_eq!(digest(one, Duplicates::Sum), digest(other, Duplicates::Sum));
    assert_eq!(digest(one, Duplicates::NoisyOr), digest(other, Duplicates::NoisyOr));
    assert_ne!(digest(one, Duplicates::Sum), digest(one, Duplicates::Max));
}

#[test]
fn columns_that_are_missing_or_no_probability_are_refused() {
    let refused = |text, column| build(text, column, Duplicates::Max).map(|_| ()).unwrap_err();
    for (text, expected) in [
        ("1 2 0.5\n1 3\n", BadLine::MissingColumn),
        ("1 2 0.5\n1 3 1.5\n", BadLine::NotAProbability),
        ("1 2 0.5\n1 3 nan\n", BadLine::NotAProbability),
        ("1 2 0.5\n1 3 1e-10\n", BadLine::NotAProbability),
    ] {
        match refused(text, "2") {
            IngestError::BadLine { line: 2, reason, .. } => assert_eq!(reason, expected),
            other => panic!("{text:?}: {other}"),
        }
    }
    assert!(matches!(refused("1 2 0.5\n", "p"), IngestError::NoHeader { .. }));
    assert!(matches!(refused("u v w\n1 2 0.5\n", "p"), IngestError::UnknownColumn { .. }));
    assert!(matches!(refused("1 2 0.5\n", "1"), IngestError::ColumnIsAnId { .. }));
    let pairs = Scratch::new().build_file("arcs.u32", [0; 8], |spec| {
        spec.column = Some(ColumnChoice::Index(2));
    });
    assert!(matches!(pairs, Err(IngestError::PairsHaveNoColumn { .. })));
}
