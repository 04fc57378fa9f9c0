//! Every format, written by hand: what it reads as, and each way to be malformed.

use std::path::PathBuf;

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{ColumnChoice, Format, IdKind, Input, ReadSpec};
use kaskade_ingest::{BadLine, IngestError, Malformed, Place, ReadArcs, build, read_arcs};

use crate::common::{Scratch, gzip, read_back};

/// Reads bytes under a name.
pub(crate) fn read(
    name: &str,
    bytes: impl AsRef<[u8]>,
    change: impl FnOnce(&mut ReadSpec),
) -> Result<ReadArcs, IngestError> {
    let input = Input::Bytes { name: name.to_owned(), bytes: bytes.as_ref().into() };
    let mut spec = ReadSpec::of(vec![input]);
    change(&mut spec);
    read_arcs(&spec, &Unwatched)
}

fn arcs(name: &str, bytes: impl AsRef<[u8]>) -> Vec<(u64, u64)> {
    let bytes = bytes.as_ref();
    let read_plain = read(name, bytes, |_| {}).unwrap();
    if name != "a.parquet" {
        let gz = read(&format!("{name}.gz"), gzip(bytes), |_| {}).unwrap();
        assert_eq!(gz, read_plain, "{name}.gz");
        let zst = zstd::encode_all(bytes, 1).unwrap();
        assert_eq!(read(&format!("{name}.zst"), &zst, |_| {}).unwrap(), read_plain, "{name}.zst");
    }
    read_plain.arcs
}

/// The arcs between names.
fn named(found: &ReadArcs) -> Vec<(String, String)> {
    let names = found.names.as_ref().expect("ids are strings");
    let name = |rank: u64| {
        let name = names.name(u32::try_from(rank).unwrap());
        String::from_utf8(name.to_vec()).unwrap()
    };
    found.arcs.iter().map(|&(from, to)| (name(from), name(to))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect()
}

fn malformed(name: &str, bytes: impl AsRef<[u8]>) -> (Place, Malformed) {
    match read(name, bytes, |_| {}) {
        Err(IngestError::Malformed { path, place, reason }) => {
            assert_eq!(path, PathBuf::from(name));
            (place, reason)
        }
        other => panic!("{name}: {other:?}"),
    }
}

fn bad_line(name: &str, bytes: impl AsRef<[u8]>) -> (u64, BadLine) {
    match read(name, bytes, |_| {}) {
        Err(IngestError::BadLine { path, line, reason, .. }) => {
            assert_eq!(path, PathBuf::from(name));
            (line, reason)
        }
        other => panic!("{name}: {other:?}"),
    }
}

fn column(name: &str) -> Option<ColumnChoice> {
    Some(name.parse().unwrap())
}

#[test]
fn csv_has_named_columns() {
    let text = "# export\r\nid,Target,\"the, p\",source\r\n7,2,0.5,1\r\n\r\n8,3,\"0.25\",\"2\"\r\n9,9,1, 9";
    assert_eq!(arcs("a.csv", text), [(1, 2), (2, 3), (9, 9)]);
    let found = read("a.csv", text, |spec| spec.column = column("the, p")).unwrap();
    assert_eq!(found.values, [0.5, 0.25, 1.0]);
    let found = read("a.csv", text, |spec| {
        spec.source_column = column("id");
        spec.target_column = column("3");
    });
    assert_eq!(found.unwrap().arcs, [(7, 1), (8, 2), (9, 9)]);
    assert_eq!(arcs("a.tsv", "x\tfrom\tto\n0\t1\t2\n"), [(1, 2)]);
    assert_eq!(arcs("a.csv", "1,2\n3,4\n"), [(1, 2), (3, 4)], "no header");
    assert_eq!(arcs("a.csv", "id_1,id_2\n3,4\n"), [(3, 4)], "the first two");
    assert_eq!(arcs("a.csv", "1 2\n3 4\n"), [(1, 2), (3, 4)], "text in spite of its name");
    assert_eq!(arcs("a.csv", "\u{feff}from,to\n18446744073709551615,0"), [(u64::MAX, 0)]);
}

#[test]
fn csv_rows_can_be_bad() {
    for (row, reason) in [
        ("1", BadLine::MissingTarget),
        ("1,", BadLine::EmptyField),
        ("-1,2", BadLine::NotAnId),
        ("1.0,2", BadLine::NotAnId),
        ("18446744073709551616,2", BadLine::IdTooLarge),
        ("1,2\"", BadLine::StrayQuote),
        ("\"1,2", BadLine::UnclosedQuote),
        ("1\r,2", BadLine::StrayCarriageReturn),
        ("#1,2", BadLine::NotAnId),
    ] {
        let text = format!("from,to\n1,2\n{row}\n3,4\n");
        assert_eq!(bad_line("a.csv", &text), (3, reason), "{row:?}");
        let skipped = read("a.csv", &text, |spec| spec.skip_bad_lines = 1).unwrap();
        assert_eq!((skipped.arcs.len(), skipped.n_skipped_lines), (2, 1), "{row:?}");
    }
    let text = "from,to,p\n\"1\n\",2,0.5\n3,4,x\n";
    let refused = read("a.csv", text, |spec| spec.column = column("p"));
    assert!(matches!(
        refused,
        Err(IngestError::BadLine { line: 4, reason: BadLine::NotAProbability, .. })
    ));
}

#[test]
fn columns_that_are_not_there_are_refused() {
    let refused = |text: &str, change: fn(&mut ReadSpec)| read("a.csv", text, change).unwrap_err();
    let unknown = refused("from,to\n1,2\n", |spec| spec.column = column("p"));
    assert!(matches!(unknown, IngestError::UnknownColumn { .. }), "{unknown}");
    let headless = refused("1,2\n", |spec| spec.source_column = column("p"));
    assert!(matches!(headless, IngestError::NoHeader { .. }), "{headless}");
    let is_id = refused("from,to\n1,2\n", |spec| spec.column = column("to"));
    assert!(matches!(is_id, IngestError::ColumnIsAnId { .. }), "{is_id}");
    let same = refused("from,to\n1,2\n", |spec| spec.source_column = column("1"));
    assert!(matches!(
        same,
        IngestError::Malformed { place: Place::Line(1), reason: Malformed::SameColumn { .. }, .. }
    ));
    let text = read("a.txt", "1 2\n", |spec| spec.target_column = column("1")).unwrap_err();
    assert!(matches!(text, IngestError::Malformed { reason: Malformed::NoNamedColumns, .. }));
}

#[test]
fn long_tables_are_cut_between_rows() {
    let mut text = String::from("name,from,to\n");
    let n_rows = 600_000u64;
    for i in 0..n_rows {
        let field = if i % 7 == 0 { "\"two\nlines, \"\"quoted\"\"\"" } else { "plain text" };
        text.push_str(&format!("{field},{i},{}\n", i + 1));
    }
    assert!(text.len() > 3 * (4 << 20));
    let found = read("a.csv", &text, |_| {}).unwrap().arcs;
    assert!(found.into_iter().eq((0..n_rows).map(|i| (i, i + 1))));
    text.push_str("x,1,2\nx,\"1,2\nx,1,2");
    let n_lines = text.lines().count() as u64;
    assert_eq!(bad_line("a.csv", &text), (n_lines - 1, BadLine::UnclosedQuote));
}

#[test]
fn konect_says_its_directions() {
    assert_eq!(arcs("out.a", "% asym unweighted\n% 2 3 3\n1 2\n2 3\n"), [(1, 2), (2, 3)]);
    let sym = "% sym positive\r\n1 2 0.5 100\r\n3 3 1 100\r\n";
    assert_eq!(arcs("out.a", sym), [(1, 2), (2, 1), (3, 3)]);
    for choice in ["weight", "2"] {
        let found = read("b", sym, |spec| spec.column = column(choice)).unwrap();
        assert_eq!(found.values, [0.5, 0.5, 1.0]);
    }
    let bip = "% bip unweighted\n1 1\n";
    assert_eq!(malformed("out.b", bip), (Place::Line(1), Malformed::Bipartite));
    let forced = read("a", "1 2\n", |spec| spec.format = Some(Format::Konect)).unwrap_err();
    assert!(matches!(forced, IngestError::Malformed { reason: Malformed::KonectHeader, .. }));
    let named_ids = read("out.a", "% sym\nann bob\nbob cy\n", |_| {}).unwrap();
    let expected = [("ann", "bob"), ("bob", "ann"), ("bob", "cy"), ("cy", "bob")];
    assert_eq!(named(&named_ids), pairs(&expected));
}

#[test]
fn matrix_market_counts_from_one() {
    let banner = "%%MatrixMarket matrix coordinate";
    let general = format!("{banner} pattern general\n% c\n4 4 3\n1 2\n2 3\n3 3\n");
    let found = read("a.mtx", &general, |_| {}).unwrap();
    assert_eq!(found.arcs, [(1, 2), (2, 3), (3, 3)]);
    assert!(found.node_ranges.iter().eq([&(1..5)]), "4 has no entry");
    assert_eq!(arcs("a", &general), found.arcs, "known by its first line");
    let symmetric = format!("{banner} real symmetric\n3 3 2\n2 1 0.5\n3 3 1e0\n");
    assert_eq!(arcs("a.mtx", &symmetric), [(1, 2), (2, 1), (3, 3)]);
    let found = read("a.mtx", &symmetric, |spec| spec.column = column("weight")).unwrap();
    assert_eq!(found.values, [0.5, 0.5, 1.0]);
    let no_weights = read("a.mtx", &general, |spec| spec.column = column("2")).unwrap_err();
    assert!(matches!(no_weights, IngestError::Malformed { reason: Malformed::NoWeights, .. }));

    let count = |text: &str, found| {
        let reason = Malformed::Count { what: "entries", expected: 3, found };
        assert_eq!(malformed("a.mtx", text), (Place::Whole, reason));
    };
    count(&general[..general.len() - 4], 2);
    count(&format!("{general}4 4\n"), 4);
    let out_of_range = BadLine::IdOutOfRange { first: 1, last: 4 };
    for entry in ["0 1", "1 5", "5 1"] {
        let text = general.replace("2 3", entry);
        assert_eq!(bad_line("a.mtx", &text), (5, out_of_range), "{entry}");
        let skipped = read("a.mtx", &text, |spec| spec.skip_bad_lines = 1).unwrap();
        assert_eq!(skipped.arcs.len(), 2);
    }
    let array = malformed("a.mtx", "%%MatrixMarket matrix array real general\n1 1\n1\n");
    assert_eq!(array.1, Malformed::MatrixMarketKind { word: "array".into() });
    assert_eq!(malformed("a.mtx", ""), (Place::Line(1), Malformed::MatrixMarketBanner));
    let huge = format!("{banner} pattern general\n9999999999 9999999999 1\n1 2\n");
    assert!(matches!(read("a.mtx", &huge, |_| {}), Err(IngestError::TooManyNodes { .. })));
}

#[test]
fn metis_lists_neighbours() {
    let text = "% c\n4 2\n2\n1 3\r\n% c\n2\n\n";
    let found = read("a.graph", text, |_| {}).unwrap();
    assert_eq!(found.arcs, [(1, 2), (2, 1), (2, 3), (3, 2)]);
    assert!(found.node_ranges.iter().eq([&(1..5)]));
    assert_eq!(arcs("a.metis", text), found.arcs);
    let weighted = "3 2 011 2\n8 9 2 0.5\n8 9 1 0.5 3 1\n8 9 2 1\n";
    assert_eq!(arcs("a.metis", weighted), [(1, 2), (2, 1), (2, 3), (3, 2)]);
    let found = read("a.metis", weighted, |spec| spec.column = column("weight")).unwrap();
    assert_eq!(found.values, [0.5, 0.5, 1.0, 1.0]);

    let count = |what, expected, found| (Place::Whole, Malformed::Count { what, expected, found });
    assert_eq!(malformed("a.graph", "4 1\n2\n1\n"), count("nodes", 4, 2));
    let what = "neighbours, two for each edge";
    assert_eq!(malformed("a.graph", "2 2\n2\n1\n"), count(what, 4, 2));
    assert_eq!(malformed("a.graph", "% c\n2\n"), (Place::Line(2), Malformed::MetisHeader));
    assert_eq!(malformed("a.graph", ""), (Place::Whole, Malformed::MetisHeader));
    let out_of_range = BadLine::IdOutOfRange { first: 1, last: 2 };
    assert_eq!(bad_line("a.graph", "2 1\n% c\n2\n0\n"), (4, out_of_range));
    assert_eq!(bad_line("a.graph", "2 1\n2\n1\n1\n"), (4, out_of_range), "a third node");
    assert_eq!(bad_line("a.graph", "2 1\n2\nx\n"), (3, BadLine::NotAnId));
    assert_eq!(bad_line("a.graph", "2 1 1\n2 1\n1\n"), (3, BadLine::MissingColumn));
}

#[test]
fn metis_lines_may_be_longer_than_a_block() {
    let n_leaves = 1_200_000u64;
    let mut text = format!("{} {n_leaves}\n", n_leaves + 1);
    (2..=n_leaves + 1).for_each(|leaf| text.push_str(&format!("{leaf} ")));
    text.push_str(&format!("\n{}", "1\n".repeat(usize::try_from(n_leaves).unwrap())));
    let found = read("a.graph", &text, |_| {}).unwrap();
    assert_eq!(found.arcs.len() as u64, 2 * n_leaves);
    assert!(found.arcs.iter().take(3).eq(&[(1, 2), (1, 3), (1, 4)]));
}

#[test]
fn graphalytics_is_three_files() {
    let scratch = Scratch::new();
    scratch.write("g.v", "1\n2\n3\n40\n");
    scratch.write("g.e", "1 2 0.5\n2 3 1\n");
    scratch.write("g.properties", "# c\ngraph.g.directed = false\ngraph.g.vertex-file = g.v\n");
    let read = |names: &[&str], change: fn(&mut ReadSpec)| {
        let inputs = names.iter().map(|name| Input::File(scratch.path(name))).collect();
        let mut spec = ReadSpec::of(inputs);
        change(&mut spec);
        read_arcs(&spec, &Unwatched)
    };
    let expected = read(&["g.e"], |_| {}).unwrap();
    assert_eq!(expected.arcs, [(1, 2), (2, 1), (2, 3), (3, 2)]);
    assert_eq!(expected.nodes, [1, 2, 3, 40]);
    for names in [&["g.v"][..], &["g.properties"], &["g"], &["g.v", "g.e", "g.properties"]] {
        assert_eq!(read(names, |_| {}).unwrap(), expected, "{names:?}");
    }
    let weighted = read(&["g"], |spec| spec.column = column("weight")).unwrap();
    assert_eq!(weighted.values, [0.5, 0.5, 1.0, 1.0]);

    scratch.write("g.properties", "graph.g.directed = maybe\n");
    assert!(matches!(
        read(&["g.e"], |_| {}),
        Err(IngestError::Malformed { reason: Malformed::Property { .. }, .. })
    ));
    std::fs::remove_file(scratch.path("g.v")).unwrap();
    let Err(IngestError::Malformed { reason: Malformed::MissingPart { name }, .. }) =
        read(&["g.e"], |_| {})
    else {
        panic!("a graph without vertices was read");
    };
    assert_eq!(name, "g.v");
}

#[test]
fn lone_nodes_are_nodes_of_the_graph() {
    let scratch = Scratch::new();
    scratch.write("g.v", "1\n2\n40\n");
    scratch.write("g.properties", "directed = true\n");
    let inputs = [
        scratch.write("g.e", "1 2\n"),
        scratch.write("m.mtx", "%%MatrixMarket matrix coordinate pattern general\n5 5 1\n3 1\n"),
    ];
    let manifest = build(&scratch.spec(&inputs), &Unwatched).unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (6, 2));
    assert_eq!((manifest.n_isolated_nodes, manifest.n_self_loops), (3, 0));
    let mut originals = read_back(&scratch.out()).originals;
    originals.sort_unstable();
    assert_eq!(originals, [1, 2, 3, 4, 5, 40]);

    let only_nodes = "3 0\n\n\n\n";
    let manifest = scratch.build_file("e.graph", only_nodes, |_| {}).unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (3, 0));
    let refused = scratch.build_file(
        "huge.mtx",
        "%%MatrixMarket matrix coordinate pattern general\n4000000000 4000000000 1\n1 2\n",
        |spec| spec.directory.memory_bytes = Some(1 << 20),
    );
    assert!(matches!(refused, Err(IngestError::MemoryExceeded { .. })));
}

#[test]
fn graph500_packs_tuples() {
    let mut bytes = vec![1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0];
    let read = |bytes: &[u8]| read("edges", bytes, |spec| spec.format = Some(Format::Graph500));
    assert_eq!(read(&bytes).unwrap().arcs, [(1, 2 | 1 << 32)]);
    bytes.push(0);
    let refused = read(&bytes).unwrap_err();
    assert!(matches!(refused, IngestError::PartialPair { record_bytes: 12, left: 1, .. }));
}

/// A `.sg` file of these out-neighbours.
fn gap_sg(rows: &[&[i32]], is_directed: bool) -> Vec<u8> {
    let n_arcs: usize = rows.iter().map(|row| row.len()).sum();
    let mut bytes = vec![u8::from(is_directed)];
    bytes.extend((n_arcs as i64).to_le_bytes());
    bytes.extend((rows.len() as i64).to_le_bytes());
    let mut one_way = Vec::new();
    let mut offset = 0i64;
    one_way.extend(offset.to_le_bytes());
    for row in rows {
        offset += row.len() as i64;
        one_way.extend(offset.to_le_bytes());
    }
    one_way.extend(rows.iter().flat_map(|row| row.iter()).flat_map(|id| id.to_le_bytes()));
    bytes.extend(&one_way);
    if is_directed {
        bytes.extend(&one_way);
    }
    bytes
}

#[test]
fn gap_sg_is_serialized_rows() {
    let rows: [&[i32]; 4] = [&[1, 3], &[], &[0], &[]];
    for is_directed in [true, false] {
        let bytes = gap_sg(&rows, is_directed);
        let found = read("a.sg", &bytes, |_| {}).unwrap();
        assert_eq!(found.arcs, [(0, 1), (0, 3), (2, 0)]);
        assert!(found.node_ranges.iter().eq([&(0..4)]));
        assert_eq!(arcs("a.sg", &bytes), found.arcs);
    }
    let bytes = gap_sg(&rows, false);
    let truncated = |what| (Place::Whole, Malformed::Truncated { what });
    assert_eq!(malformed("a.sg", &bytes[..10]).1, Malformed::Truncated { what: "header" });
    assert_eq!(malformed("a.sg", &bytes[..60]), truncated("neighbours"));
    assert_eq!(malformed("a.sg", [&bytes[..], b"x"].concat()).1, Malformed::TrailingBytes);
    let mut far = bytes.clone();
    far[57] = 9;
    let (place, reason) = malformed("a.sg", &far);
    assert_eq!((place, reason), (Place::Byte(57), Malformed::Neighbour { id: 9, n_nodes: 4 }));
    let mut falling = bytes;
    falling[25] = 7;
    assert_eq!(malformed("a.sg", &falling), (Place::Byte(17), Malformed::Offsets));
}

#[test]
fn ids_may_be_strings() {
    let text = "# c\nann bob\nbob #tag\ncarol ann\n";
    let found = read("a.txt", text, |_| {}).unwrap();
    assert_eq!(named(&found), pairs(&[("ann", "bob"), ("bob", "#tag"), ("carol", "ann")]));
    let header = read("a.txt", "Source Target p\nann bob 0.5\nbob ann 1\n", |spec| {
        spec.column = column("p");
    });
    let header = header.unwrap();
    assert_eq!(named(&header), pairs(&[("ann", "bob"), ("bob", "ann")]));
    assert_eq!(header.values, [0.5, 1.0]);
    let table = "from,to\n#1,\"a, \"\"b\"\"\"\n\u{e9}t\u{e9},1\n";
    let found = read("a.csv", table, |_| {}).unwrap();
    assert_eq!(named(&found), pairs(&[("#1", "a, \"b\""), ("\u{e9}t\u{e9}", "1")]));
    assert!(read("a.csv", "from,to\n1,2\n", |_| {}).unwrap().names.is_none());
    let digits = read("a.u64", [7u64, 10].map(u64::to_le_bytes).concat(), |spec| {
        spec.ids = IdKind::String;
    });
    let digits = digits.unwrap();
    assert_eq!(named(&digits), pairs(&[("7", "10")]));
    let matrix = "%%MatrixMarket matrix coordinate pattern general\n3 3 1\n1 2\n";
    let matrix = read("a.mtx", matrix, |spec| spec.ids = IdKind::String).unwrap();
    assert_eq!(named(&matrix), pairs(&[("1", "2")]));
    assert_eq!(matrix.nodes, [0, 1, 2]);
    for (text, reason) in [
        (&b"ann bob\nbob \xff\n"[..], BadLine::NotUtf8),
        (b"ann bob\nbob\n", BadLine::MissingTarget),
        (b"ann bob\nbob\rx c\n", BadLine::StrayCarriageReturn),
        (b"ann bob\nbob,,c\n", BadLine::EmptyField),
    ] {
        let refused = read("a.txt", text, |spec| spec.ids = IdKind::String).unwrap_err();
        let IngestError::BadLine { line: 2, reason: found, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!(found, reason);
    }
}

#[test]
fn what_needs_a_file_says_so() {
    for format in [Format::Graphalytics, Format::BvGraph] {
        let refused = read("g", "1 2", |spec| spec.format = Some(format)).unwrap_err();
        assert!(matches!(
            refused,
            IngestError::Malformed { reason: Malformed::NeedsFile { .. }, .. }
        ));
    }
    let refused = read("a.parquet.gz", gzip(b"PAR1"), |_| {}).unwrap_err();
    assert!(matches!(refused, IngestError::Malformed { reason: Malformed::NeedsFile { .. }, .. }));
    let twice = read_arcs(&ReadSpec::of(vec![Input::Stdin, Input::Stdin]), &Unwatched);
    assert!(matches!(twice, Err(IngestError::StdinTwice)));
}

#[test]
fn formats_mix() {
    let input = |name: &str, bytes: &[u8]| Input::Bytes { name: name.into(), bytes: bytes.into() };
    let spec = ReadSpec::of(vec![
        input("a.txt", b"1 2\n"),
        input("b.csv", b"src,dst\n3,4\n"),
        input("c.u32", &[5u32, 6].map(u32::to_le_bytes).concat()),
        input("d", &gzip(b"%%MatrixMarket matrix coordinate pattern general\n8 8 1\n7 8\n")),
        input("e", b""),
    ]);
    let found = read_arcs(&spec, &Unwatched).unwrap();
    assert_eq!(found.arcs, [(1, 2), (3, 4), (5, 6), (7, 8)]);
}
