use std::fs;
use std::path::{Path, PathBuf};

use kaskade_model::NodeId;

use super::*;
use crate::container::tests::{reseal, sections};
use crate::durable::Flusher;
use crate::tests::fixture::{Input, tiny};
use crate::{Graph, GraphWriter, ShardSelection, StoreErrorKind, Views, names, verify};

const NO_PROGRESS: &crate::Progress<'static> = &|_, _| {};

fn open(dir: &Path) -> Result<Graph, StoreError> {
    Graph::open(dir, ShardSelection::Only(&[]), Verify::Full, NO_PROGRESS)
}

/// The tiny graph with columns, and the error it gives.
fn written(folder: &Path) -> PathBuf {
    let dir = folder.join("columns.kg");
    Input { has_attributes: true, ..tiny() }.write(&dir, 2, Views::Both).unwrap();
    dir
}

#[test]
fn columns_return_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let dir = written(folder.path());
    let graph = open(&dir).unwrap();
    let attributes = graph.attributes().unwrap();
    let described: Vec<_> = attributes
        .columns()
        .map(|column| (column.name.as_str(), column.kind, column.n_missing, column.n_categories))
        .collect();
    let expected = [
        ("age", ColumnType::Number, 24, None),
        ("is bot", ColumnType::Bool, 23, None),
        ("país", ColumnType::Category, 17, Some(3)),
    ];
    assert_eq!(described, expected);
    assert_eq!(graph.manifest().n_unknown_attribute_ids, 5);
    let column = |name| attributes.column(name).unwrap();
    for node in 0..71 {
        let id = NodeId(node);
        assert_eq!(column("age").number(id), (node % 3 != 0).then(|| f64::from(node) / 2.0));
        assert_eq!(column("is bot").bool(id), (node % 3 != 2).then_some(node % 3 == 1));
        let country = ["AR", "NA", "España"].get((node % 4) as usize).copied();
        assert_eq!(column("país").category(id), country);
        assert_eq!(column("país").number(id), None, "each type has its own accessor");
    }
    assert_eq!(column("age").number(NodeId(71)), None);
    assert!(attributes.column("agE").is_none());
    verify(&dir, NO_PROGRESS).unwrap();
}

#[test]
fn graphs_without_columns_say_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("plain.kg");
    let plain = tiny().write(&dir, 2, Views::Both).unwrap();
    assert!(open(&dir).unwrap().attributes().is_none());
    assert_eq!((plain.files().count(), plain.node_columns.len()), (3, 0));
    let with_columns = Manifest::read(&written(folder.path())).unwrap();
    assert_ne!(plain.digest, with_columns.digest, "columns are part of a graph's identity");
    assert_eq!(plain.arc_sum, with_columns.arc_sum);
    let files: Vec<_> = with_columns.files().map(|file| file.path).collect();
    assert_eq!(files[1], Path::new(names::ATTRIBUTES));
}

#[test]
fn the_order_of_columns_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attributes.kga");
    let numbers = Column::Number(&[1.0, MISSING_NUMBER]);
    let bools = Column::Bool(&[0, 1]);
    let ends = [1, 3];
    let names = Strings::new(&ends, b"abc");
    let texts = Column::Category { codes: &[1, 0], names };
    let write = |columns: &[(&str, Column<'_>)]| {
        write_attributes(&path, 2, columns, 0, &Flusher::start(&path).unwrap()).unwrap()
    };
    let one = write(&[("a", numbers), ("b", bools), ("c", texts)]);
    assert_eq!(one, write(&[("c", texts), ("a", numbers), ("b", bools)]));
    let digests: Vec<&str> = one.columns.iter().map(|column| column.digest.as_str()).collect();
    assert_eq!(digests, GOLDEN);
    let renamed = write(&[("z", numbers)]);
    assert_eq!(renamed.columns[0].digest, one.columns[0].digest, "of the values alone");
}

const GOLDEN: [&str; 3] = [
    "7b9a9556e4414a8549b054ee41b9b06c568dc155d826cd818a63086001a2f256",
    "866e39cd7b623d44d94c9420c579d73ee1cc9953758f374148a6dd1c77d3ed5e",
    "0b57170c348043521ed585627f19c5f2cdfa00ca4d2b3fe3f0f9ff0fc470c925",
];

#[test]
fn columns_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("attributes.kga");
    let refused = |columns: &[(&str, Column<'_>)]| {
        let error =
            write_attributes(&path, 2, columns, 0, &Flusher::start(&path).unwrap()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid);
        error.to_string()
    };
    let column = |column: Column<'_>| refused(&[("a", column)]);
    assert!(refused(&[]).contains("0 columns are not 1 to 256"));
    assert!(refused(&[("", Column::Bool(&[0, 1]))]).contains("is not 1 to 256 bytes long"));
    let twice = [("a", Column::Bool(&[0, 1])), ("a", Column::Number(&[0.0, 1.0]))];
    assert!(refused(&twice).contains("two columns are named \"a\""));
    assert!(column(Column::Bool(&[0])).contains("a value for every node"));
    assert!(column(Column::Bool(&[0, 3])).contains("values 0, 1 and 2"));
    for bad in [f64::INFINITY, -f64::NAN, -0.0] {
        assert!(column(Column::Number(&[0.0, bad])).contains("finite numbers"), "{bad}");
    }
    let texts = |codes: &[u32], ends: &[u64], bytes: &[u8]| {
        column(Column::Category { codes, names: Strings::new(ends, bytes) })
    };
    assert!(texts(&[0, 2], &[1, 2], b"ab").contains("codes of categories"));
    assert!(texts(&[0, 0], &[1, 2], b"ab").contains("no category that no node has"));
    assert!(texts(&[0, 1], &[1, 2], b"ba").contains("ascend bytewise"));
    assert!(texts(&[0, 1], &[1, 2], b"a\xff").contains("texts in UTF-8"));
    assert!(texts(&[0, 1], &[1, 1], b"ab").contains("ends that ascend"));
}

#[test]
fn damaged_columns_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let dir = written(folder.path());
    let path = dir.join(names::ATTRIBUTES);
    let manifest = Manifest::read(&dir).unwrap();
    let sound = fs::read(&path).unwrap();
    let damaged = |tag: Tag, place: u16, at: usize, value: u8| {
        let mut bytes = sound.clone();
        let number = tag.of_column(place);
        let section = sections(&bytes).into_iter().find(|(found, _)| *found == number);
        bytes[section.unwrap().1.start + at] = value;
        reseal(&mut bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let meter = Meter::new(0, NO_PROGRESS);
        Attributes::open(&path, &manifest, Verify::Full, &meter).map(|_| ())
    };
    let text = |error: Result<(), StoreError>| error.unwrap_err().to_string();
    assert!(text(damaged(Tag::Numbers, 0, 0, 1)).contains("in column \"age\""));
    assert!(text(damaged(Tag::Bools, 1, 0, 9)).contains("values 0, 1 and 2 in column \"is bot\""));
    assert!(text(damaged(Tag::Bools, 1, 0, 2)).contains("23 missing values in column"));
    assert!(text(damaged(Tag::CategoryCodes, 2, 0, 7)).contains("codes of categories"));
    assert!(text(damaged(Tag::CategoryEnds, 2, 0, 99)).contains("ends that ascend"));
    assert!(text(damaged(Tag::CategoryBytes, 2, 0, b'Z')).contains("ascend bytewise"));
    // Another value that could be: only the digests know.
    damaged(Tag::Bools, 1, 0, 1).unwrap();
    assert!(open(&dir).unwrap_err().to_string().contains("a file of another build"));
    fs::remove_file(&path).unwrap();
    let missing = open(&dir).unwrap_err();
    assert!(matches!(missing, StoreError::MissingFile { .. }), "{missing}");
}

#[test]
fn columns_of_names_are_written_through_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("graph.kg");
    let writer = GraphWriter::create(&dir, false).unwrap();
    let nodes = crate::Originals::Names { ends: &[1, 2], bytes: b"ba" };
    let nodes = writer.write_nodes(nodes, &[0, 0], &[0, 0]).unwrap();
    assert_eq!(writer.open_nodes().unwrap().find_text("a"), Some(NodeId(1)));
    let error = writer.write_attributes(&nodes, &[("x", Column::Bool(&[1]))], 0).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid);
}
