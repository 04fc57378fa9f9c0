//! Any bytes as a file of arcs, or as a table of the nodes.

use std::fs;
use std::sync::Arc;

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{
    BuildSpec, ColumnChoice, DirectorySpec, Format, IdKind, Input, ReadSpec,
};
use kaskade_ingest::{NodeTables, ReadArcs, build, read_arcs};

use super::Verdict;

/// Reads `bytes` as `format`: as strict numbers, and as names with a column, of probabilities and
/// of classes, and bad lines. What the strict reading says counts.
pub(super) fn arcs(bytes: &[u8], format: Format) -> Verdict {
    let input = Input::Bytes { name: "input".to_owned(), bytes: Arc::from(bytes) };
    let spec = ReadSpec { format: Some(format), ..ReadSpec::of(vec![input]) };
    let lenient = ReadSpec {
        ids: IdKind::String,
        column: Some(ColumnChoice::Index(2)),
        skip_bad_lines: u64::MAX,
        ..spec.clone()
    };
    let classes =
        ReadSpec { column: None, channel_column: Some(ColumnChoice::Index(2)), ..lenient.clone() };
    let strict = ReadSpec { ids: IdKind::Number, ..spec };
    if let Ok(found) = read_arcs(&lenient, &Unwatched) {
        assert_eq!(found.values.len(), found.arcs.len(), "an arc has a value");
        look_up_names(&found);
    }
    if let Ok(found) = read_arcs(&classes, &Unwatched) {
        assert_eq!(found.classes.len(), found.arcs.len(), "an arc has a class");
        assert!(found.class_names.is_sorted() && found.class_names.len() <= 8);
        assert!(found.classes.iter().all(|&class| class < found.class_names.len()));
    }
    read_arcs(&strict, &Unwatched).map_or(Verdict::Refused, |found| {
        assert!(found.names.is_none() && found.values.is_empty());
        assert!(found.arcs.len() <= 2 * bytes.len(), "an arc takes bytes");
        Verdict::Accepted
    })
}

fn look_up_names(found: &ReadArcs) {
    let Some(names) = &found.names else { return };
    let n_names = names.ends.len() as u64;
    assert!(found.arcs.iter().all(|&(from, to)| from < n_names && to < n_names));
    for rank in 0..names.ends.len() as u32 {
        assert!(std::str::from_utf8(names.name(rank)).is_ok(), "names are UTF-8");
        assert!(rank == 0 || names.name(rank - 1) < names.name(rank), "names ascend");
    }
}

/// Reads `bytes` up to a first NUL as the properties of a Graphalytics graph, and what follows
/// as its arcs, beside a list of nodes.
pub(super) fn graphalytics(bytes: &[u8]) -> Verdict {
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    for (ending, contents) in [
        ("properties", parts.next().unwrap_or_default()),
        ("e", parts.next().unwrap_or(b"1 2\n2 3\n")),
        ("v", b"1\n2\n3\n"),
    ] {
        let path = folder.path().join(format!("g.{ending}"));
        fs::write(path, contents).expect("the scratch folder can be written to");
    }
    let spec = ReadSpec {
        format: Some(Format::Graphalytics),
        ..ReadSpec::of(vec![folder.path().join("g.properties").into()])
    };
    read_arcs(&spec, &Unwatched).map_or(Verdict::Refused, |_| Verdict::Accepted)
}

/// Reads `bytes` as a table of the nodes of a graph of three.
pub(super) fn node_table(bytes: &[u8]) -> Verdict {
    let folder = tempfile::tempdir().expect("a scratch folder can be made");
    let table = folder.path().join("nodes.csv");
    fs::write(&table, bytes).expect("the scratch folder can be written to");
    let input = Input::Bytes { name: "arcs.txt".to_owned(), bytes: Arc::from(&b"1 2\n2 3\n"[..]) };
    let nodes = Some(NodeTables { paths: vec![table], key: None, types: Vec::new() });
    let directory =
        DirectorySpec { nodes, n_shards: 1, ..DirectorySpec::at(folder.path().join("g.kg")) };
    build(&BuildSpec::of(vec![input], directory), &Unwatched)
        .map_or(Verdict::Refused, |_| Verdict::Accepted)
}
