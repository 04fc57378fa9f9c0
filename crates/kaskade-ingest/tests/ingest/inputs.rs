//! Every kind of file that people have, and every way in which it can be broken.

use std::io::Write;
use std::path::PathBuf;

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{Format, IdKind};
use kaskade_ingest::{BadLine, IngestError, build};
use kaskade_store::Order;

use crate::common::{Scratch, gzip, read_back};

/// Three arcs, four nodes; every form of it below must read as this.
const ARCS: [(u64, u64); 3] = [(1, 2), (2, 3), (7, 1)];

fn assert_reads_as_arcs(name: &str, bytes: &[u8], format: Option<Format>) {
    let scratch = Scratch::new();
    let manifest = scratch.build_file(name, bytes, |spec| spec.format = format).unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (4, 3), "{name}");
    let contents = read_back(&scratch.out());
    assert!(contents.arcs.keys().copied().eq(ARCS), "{name}: {contents:?}");
}

fn pairs<const N: usize>(encode: fn(u64) -> [u8; N]) -> Vec<u8> {
    ARCS.iter().flat_map(|&(from, to)| [encode(from), encode(to)]).flatten().collect()
}

fn u32_pairs() -> Vec<u8> {
    pairs(|id| u32::try_from(id).unwrap().to_le_bytes())
}

#[test]
fn forms_of_text_read_alike() {
    for text in [
        "1 2\n2 3\n7 1\n",
        "7 1\n2 3\n1 2",
        "1 2\r\n2 3\r\n7 1\r\n",
        "\u{feff}1 2\n2 3\n7 1\n",
        "# a comment\n% another\n\n1\t2\n  2,3\n7 , 1 \n",
        "1 2 0.5 2026-11-23\n2 3\n7 1 x\n",
        "from,to\n1,2\n2,3\n7,1\n",
        "\"from\" \"to\"\n1 2\n2 3\n7 1\n",
        "\u{feff}# top\r\nsource target\r\n1 2\r\n2 3\r\n7 1",
    ] {
        assert_reads_as_arcs("arcs.txt", text.as_bytes(), None);
        assert_reads_as_arcs("arcs", text.as_bytes(), None);
        assert_reads_as_arcs("arcs.csv.gz", &gzip(text.as_bytes()), None);
    }
}

#[test]
fn compressed_files_may_have_several_parts() {
    let members = [gzip(b"1 2\n2"), gzip(b""), gzip(b" 3\n7 1\n")].concat();
    assert_reads_as_arcs("arcs.txt.gz", &members, None);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let frames = [zstd(b"1 2\n2"), zstd(b" 3\n7 1\n")].concat();
    assert_reads_as_arcs("arcs.txt.zst", &frames, None);
}

#[test]
fn pairs_read_by_ending_or_format() {
    let narrow = u32_pairs();
    assert_reads_as_arcs("arcs.u32", &narrow, None);
    assert_reads_as_arcs("arcs.u64", &pairs(u64::to_le_bytes), None);
    assert_reads_as_arcs("arcs.bin", &narrow, Some(Format::PairsU32));
    assert_reads_as_arcs("arcs.bin", &pairs(u64::to_le_bytes), Some(Format::PairsU64));
    assert_reads_as_arcs("arcs.u32.gz", &gzip(&narrow), None);
}

#[test]
fn several_files_are_one_graph() {
    let scratch = Scratch::new();
    let inputs = [
        scratch.write("a.txt", "a b\n1 2"),
        scratch.write("b.u32", &u32_pairs()[8..]),
        scratch.write("c.txt.gz", gzip(b"2 3\n1 2\n")),
        scratch.write("d.txt", ""),
    ];
    let manifest = build(&scratch.spec(&inputs), &Unwatched).unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs, manifest.n_duplicates), (4, 3, 2));
}

fn bad_line(text: &[u8], allowed: u64) -> (u64, BadLine, String) {
    let scratch = Scratch::new();
    let error = scratch.build_file("arcs.txt", text, |spec| {
        spec.skip_bad_lines = allowed;
        spec.ids = IdKind::Number;
    });
    assert_eq!(scratch.names(), ["arcs.txt"], "nothing is left");
    match error.unwrap_err() {
        IngestError::BadLine { line, reason, text, .. } => (line, reason, text),
        other => panic!("{other}"),
    }
}

#[test]
fn bad_lines_are_located() {
    assert_eq!(bad_line(b"1 2\r\n\r\n# x\r\n-3 4\r\n", 0), (4, BadLine::NotAnId, "-3 4".into()));
    assert_eq!(bad_line(b"1.0 2.0\n", 0), (1, BadLine::NotAnId, "1.0 2.0".into()));
    assert_eq!(bad_line(b"u v\n1 2\n3\n", 0), (3, BadLine::MissingTarget, "3".into()));
    assert_eq!(bad_line(b"alice bob\nbob carol", 0), (2, BadLine::NotAnId, "bob carol".into()));
    let (line, reason, _) = bad_line(b"0 18446744073709551615\n1 18446744073709551616\n", 0);
    assert_eq!((line, reason), (2, BadLine::IdTooLarge));
    let (line, _, text) = bad_line(b"\x7fELF\x02\x01\0\0\x1b[31m\n", 0);
    assert_eq!((line, text.as_str()), (1, "\\x7fELF\\x02\\x01\\x00\\x00\\x1b[31m"));
    assert_eq!(bad_line(b"1 2\n\x1f\x8b\x08", 0).1, BadLine::NotAnId, "gzip without its ending");
}

#[test]
fn a_bad_line_is_reported_in_one_line_with_the_next_step() {
    let scratch = Scratch::new();
    let path = scratch.path("arcs.txt");
    let message = |allowed| {
        let text = "1 2\n3 \"4\"\n5\n";
        let error = scratch.build_file("arcs.txt", text, |spec| spec.skip_bad_lines = allowed);
        error.unwrap_err().to_string()
    };
    let problem = "an id is a whole number from 0 to 2^64-1: \"3 \\\"4\\\"\"";
    let fix = "fix it, or skip such lines with --skip-bad-lines N";
    assert_eq!(message(0), format!("{}:2: {problem}; {fix}", path.display()));
    let fix = "it is the first of more than the 1 that --skip-bad-lines allows";
    assert_eq!(message(1), format!("{}:2: {problem}; {fix}", path.display()));
}

#[test]
fn the_first_of_many_bad_lines_is_named_from_any_block() {
    let mut text = Vec::new();
    for i in 0..3_000_000 {
        writeln!(text, "{i} {}", i + 1).unwrap();
        if i >= 1_000_000 && i % 500_000 == 0 {
            text.extend(b"bad\n");
        }
    }
    assert_eq!(bad_line(&text, 0), (1_000_002, BadLine::NotAnId, "bad".into()));
    assert_eq!(bad_line(&text, 3).0, 1_000_002);
    let scratch = Scratch::new();
    let manifest = scratch.build_file("arcs.txt", &text, |spec| spec.skip_bad_lines = 4).unwrap();
    assert_eq!((manifest.n_skipped_lines, manifest.n_arcs), (4, 3_000_000));
}

#[test]
fn a_line_without_end_is_one_bad_line() {
    let mut text = b"1 2\n".to_vec();
    text.resize(20 << 20, b'7');
    text.extend(b"\n2 3\n7 1\n");
    let (line, reason, quoted) = bad_line(&text, 0);
    assert_eq!((line, reason), (2, BadLine::TooLong));
    assert!(quoted.len() < 100);
    let scratch = Scratch::new();
    let manifest = scratch.build_file("arcs.txt", &text, |spec| spec.skip_bad_lines = 1).unwrap();
    assert_eq!((manifest.n_skipped_lines, manifest.n_arcs), (1, 3));
}

#[test]
fn self_loops_and_duplicates_are_counted() {
    let scratch = Scratch::new();
    let text = "1 1\n1 2\n1 2\n2 1\n9 9\n9 9\n";
    let manifest = scratch.build_file("arcs.txt", text, |_| {}).unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (3, 2), "9 is a node");
    assert_eq!((manifest.n_self_loops, manifest.n_duplicates), (3, 1));
    assert_eq!(manifest.n_isolated_nodes, 1);

    let manifest = scratch.build_file("arcs.txt", text, |spec| spec.undirected = true).unwrap();
    assert_eq!((manifest.n_arcs, manifest.n_self_loops, manifest.n_duplicates), (2, 3, 4));

    let manifest = scratch.build_file("arcs.txt", "5 5", |_| {}).unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (1, 0));
}

#[test]
fn sparse_ids_take_no_memory_of_their_own() {
    let scratch = Scratch::new();
    let text = "18446744073709551615 0\n0 9223372036854775808\n1000000007 0\n";
    let manifest = scratch
        .build_file("arcs.txt", text, |spec| {
            spec.directory.memory_bytes = Some(1000);
            spec.directory.order = Order::Id;
        })
        .unwrap();
    assert_eq!((manifest.n_nodes, manifest.n_arcs), (4, 3));
    assert_eq!(read_back(&scratch.out()).originals, [0, 1_000_000_007, 1 << 63, u64::MAX]);
}

fn refused(name: &str, bytes: &[u8]) -> IngestError {
    let scratch = Scratch::new();
    let error = scratch.build_file(name, bytes, |_| {}).unwrap_err();
    assert_eq!(scratch.names(), [name], "nothing is left");
    error
}

#[test]
fn empty_inputs_are_refused() {
    for text in ["", "\u{feff}", "\n\n", "# only\n% comments\n", "from to\n"] {
        assert!(matches!(refused("a.txt", text.as_bytes()), IngestError::EmptyGraph), "{text:?}");
    }
    assert!(matches!(refused("a.u64", b""), IngestError::EmptyGraph));
}

#[test]
fn broken_files_are_refused() {
    let text: String = (0..100_000).map(|i| format!("{i} {}\n", i * 7 % 1000)).collect();
    let whole = gzip(text.as_bytes());
    let truncated = refused("a.txt.gz", &whole[..whole.len() - 20]);
    assert!(matches!(truncated, IngestError::Read { .. }), "{truncated}");
    assert!(matches!(refused("a.txt.gz", text.as_bytes()), IngestError::Read { .. }));
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    assert!(matches!(
        refused("a.txt.gz", &flipped),
        IngestError::Read { .. } | IngestError::BadLine { .. }
    ));
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert!(matches!(refused("a.txt.zst", &zstd[..zstd.len() / 2]), IngestError::Read { .. }));
    assert!(matches!(
        refused("a.u32", &[1; 12]),
        IngestError::PartialPair { record_bytes: 8, left: 4, .. }
    ));
    assert!(matches!(
        refused("a.u64", &[1; 24]),
        IngestError::PartialPair { record_bytes: 16, left: 8, .. }
    ));
    let matrix_market = b"%%MatrixMarket matrix coordinate pattern general\n3 3 1\n1 2\n";
    let as_text =
        Scratch::new().build_file("a.mtx", matrix_market, |spec| spec.format = Some(Format::Text));
    assert!(matches!(as_text, Err(IngestError::MatrixMarket { .. })));
}

#[test]
fn inputs_that_are_no_files_are_refused() {
    let scratch = Scratch::new();
    let refused = |inputs: &[PathBuf]| build(&scratch.spec(inputs), &Unwatched).unwrap_err();
    assert!(matches!(refused(&[]), IngestError::NoInput));
    assert!(matches!(refused(&[scratch.path("missing")]), IngestError::Open { .. }));
    let folder = scratch.path("folder");
    std::fs::create_dir(&folder).unwrap();
    assert!(matches!(refused(&[folder]), IngestError::InputIsDirectory { .. }));
    assert_eq!(scratch.names(), ["folder"]);
}
