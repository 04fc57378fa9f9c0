//! Arcs whose channels stand in a column.

use std::collections::BTreeMap;
use std::path::Path;

use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{BuildSpec, ColumnChoice, Duplicates, Format, Input};
use kaskade_ingest::{BadLine, IngestError, Malformed, ReadArcs, build};
use kaskade_store::Manifest;
use proptest::prelude::*;

use crate::common::{Scratch, gzip};
use crate::formats::read;

fn column(choice: &str) -> Option<ColumnChoice> {
    choice.parse().ok()
}

/// The rows of an input, with the names of their classes.
fn rows(name: &str, bytes: impl AsRef<[u8]>, choice: &str) -> Vec<(u64, u64, String)> {
    let found = read(name, bytes, |spec| spec.channel_column = column(choice));
    let ReadArcs { arcs, classes, class_names, values, .. } = found.unwrap();
    assert!(values.is_empty() && classes.len() == arcs.len(), "{name}");
    let with_class = arcs.into_iter().zip(classes);
    with_class.map(|((from, to), class)| (from, to, class_names[class].clone())).collect()
}

fn row(from: u64, to: u64, class: &str) -> (u64, u64, String) {
    (from, to, class.to_owned())
}

fn built(text: &str, change: impl FnOnce(&mut BuildSpec)) -> Result<Manifest, IngestError> {
    Scratch::new().build_file("arcs.csv", text, |spec| {
        spec.channel_column = column("2");
        change(spec);
    })
}

#[test]
fn classes_stand_in_every_format_that_has_columns() {
    let expected = [row(1, 2, "mail"), row(1, 2, "sms"), row(2, 3, "mail")];
    let text = "1 2 sms\n2 3 mail\n1 2 mail\n";
    assert_eq!(rows("a.txt", text, "2"), expected);
    assert_eq!(rows("a.txt.gz", gzip(text.as_bytes()), "2"), expected);
    assert_eq!(rows("a.zst", zstd::encode_all(text.as_bytes(), 1).unwrap(), "2"), expected);
    let named = format!("from to how\n{text}");
    assert_eq!(rows("a.txt", named, "how"), expected);
    let csv = "how,to,from\n\"sms\",2,1\n mail ,3,2\nmail,2,1\n";
    assert_eq!(rows("a.csv", csv, "how"), expected);
    assert_eq!(rows("a.csv", csv, "0"), expected);
    assert_eq!(rows("a.tsv", csv.replace(',', "\t"), "how"), expected);
    let sym = "% sym\n1 2 7 2019\n";
    assert_eq!(rows("out.a", sym, "weight"), [row(1, 2, "7"), row(2, 1, "7")]);
    let matrix = "%%MatrixMarket matrix coordinate integer general\n3 3 2\n1 2 4\n2 3 5\n";
    assert_eq!(rows("a.mtx", matrix, "weight"), [row(1, 2, "4"), row(2, 3, "5")]);
    assert_eq!(rows("a.metis", "2 1 1\n2 9\n1 9\n", "weight"), [row(1, 2, "9"), row(2, 1, "9")]);
    // Names of nodes are told from those of channels.
    let found = read("a.txt", "ann bob mail\nbob mail sms\n", |spec| {
        spec.channel_column = column("2");
    });
    let found = found.unwrap();
    assert_eq!((found.names.unwrap().ends.len(), found.classes), (3, vec![0, 1]));
}

#[test]
fn an_arc_belongs_to_all_classes_of_its_rows() {
    let text = "5,6,sms\n1,2,sms\n1,2,mail\n1,2,sms\n3,3,chat\n";
    let manifest = built(text, |_| {}).unwrap();
    assert_eq!(manifest.channels, ["chat", "mail", "sms"]);
    assert_eq!((manifest.n_arcs, manifest.n_duplicates, manifest.n_self_loops), (2, 2, 1));
    assert!(manifest.columns.is_empty() && manifest.column_digest.is_some());
    let twice = built(text, |spec| spec.duplicates = Duplicates::Error);
    assert!(matches!(twice, Err(IngestError::DuplicateArc { .. })), "sms has 1 -> 2 twice");
    let once = text.replacen("1,2,sms\n", "", 1);
    assert!(built(&once, |spec| spec.duplicates = Duplicates::Error).is_ok(), "two channels");
}

/// The files of a graph directory; of the manifest what does not name the build.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the order of the rows, and into however many files they are cut.
    #[test]
    fn a_column_of_classes_is_a_file_for_each(
        rows in prop::collection::vec((0u64..12, 0u64..12, 0usize..8), 1..60),
        order in Just((0..60).collect::<Vec<usize>>()).prop_shuffle(),
        n_files in 1usize..4,
        undirected: bool,
    ) {
        const NAMES: [&str; 8] = ["sms", "mail", "Chat", "a.b", "x-1", "_", "7", "follows"];
        let scratch = Scratch::new();
        let mut of_class: BTreeMap<&str, String> = BTreeMap::new();
        for (from, to, class) in &rows {
            *of_class.entry(NAMES[*class]).or_default() += &format!("{from} {to}\n");
        }
        let inputs: Vec<_> = of_class
            .iter()
            .map(|(name, text)| scratch.write(&format!("{name}.txt"), text))
            .collect();
        let mut spec = scratch.spec(&inputs);
        spec.undirected = undirected;
        spec.channels = of_class.keys().map(|&name| name.to_owned()).collect();
        spec.channel_of = (0..).take(inputs.len()).collect();
        let expected = build(&spec, &Unwatched).unwrap();
        let mut expected_files = files(&scratch.out());

        let shuffled: Vec<_> = order.iter().filter_map(|&i| rows.get(i)).collect();
        let mut inputs = Vec::new();
        for (i, part) in shuffled.chunks(shuffled.len().div_ceil(n_files)).enumerate() {
            let line = |(from, to, class): &&(u64, u64, usize)| format!("{from},{to},{}\n", NAMES[*class]);
            inputs.push(scratch.write(&format!("{i}.csv"), part.iter().map(line).collect::<String>()));
        }
        let mut spec = scratch.spec(&inputs);
        spec.undirected = undirected;
        spec.channel_column = column("2");
        let found = build(&spec, &Unwatched).unwrap();
        prop_assert_eq!(&found.digest, &expected.digest);
        prop_assert_eq!(&found.channels, &expected.channels);
        prop_assert_eq!(found.n_duplicates, expected.n_duplicates);
        let mut found_files = files(&scratch.out());
        found_files.remove("manifest.json");
        prop_assert!(expected_files.remove("manifest.json").is_some());
        prop_assert_eq!(found_files, expected_files);
    }
}

#[test]
fn classes_are_those_of_all_blocks_whatever_the_threads() {
    // Some megabytes, so several blocks, of which the last alone has a class of its own.
    let mut text = String::new();
    for i in 0..300_000u64 {
        let class = if i == 299_999 { "a-late-one" } else { ["sms", "mail"][i as usize % 2] };
        text += &format!("{} {} {class}\n", i * 7919 % 10_007, i * i % 9973);
    }
    let build = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let scratch = Scratch::new();
        let built = || scratch.build_file("a.txt", &text, |spec| spec.channel_column = column("2"));
        pool.install(built).unwrap()
    };
    let manifest = build(4);
    assert_eq!(manifest.channels, ["a-late-one", "mail", "sms"]);
    assert_eq!(manifest.digest, build(1).digest);
}

#[test]
fn rows_without_a_class_are_bad_lines() {
    for (name, text, reason) in [
        ("a.csv", "u,v,c\n1,2,mail\n1,3,\n", BadLine::NoClass),
        ("a.csv", "u,v,c\n1,2,mail\n1,3,\"\"\n", BadLine::NoClass),
        ("a.csv", "u,v,c\n1,2,mail\n1,3\n", BadLine::MissingColumn),
        ("a.csv", "u,v,c\n1,2,mail\n1,3,two words\n", BadLine::NotAChannel),
        ("a.csv", "u,v,c\n1,2,mail\n1,3,\"say \"\"hi\"\"\"\n", BadLine::NotAChannel),
        ("a.txt", "# c\n1 2 mail\n1 3\n", BadLine::MissingColumn),
        ("a.txt", "# c\n1 2 mail\n1 3 caf\u{e9}\n", BadLine::NotAChannel),
    ] {
        let refused = read(name, text, |spec| spec.channel_column = column("2"));
        let Err(IngestError::BadLine { line: 3, reason: found, .. }) = refused else {
            panic!("{text:?}: {refused:?}");
        };
        assert_eq!(found, reason, "{text:?}");
    }
    // What is skipped says no channel either.
    let text = "1,2,mail\nx,3,sms\n1,3,\n";
    let manifest = built(text, |spec| spec.skip_bad_lines = 2).unwrap();
    assert_eq!((manifest.channels, manifest.n_skipped_lines), (vec!["mail".to_owned()], 2));
}

#[test]
fn more_classes_than_channels_are_refused_by_name_and_place() {
    let line = |i: u64| format!("{i},{},k{i}\n", i + 1);
    let eight: String = (1..=8).map(line).collect();
    assert_eq!(built(&eight, |_| {}).unwrap().channels.len(), 8);
    let nine = format!("{eight}3,4,k3\n{}{}", line(9), line(10));
    let error = built(&nine, |_| {}).unwrap_err();
    let IngestError::TooManyClasses { line: 10, name, known, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((name.as_str(), known.as_str()), ("k9", "k1, k2, k3, k4, k5, k6, k7, k8"));
}

#[test]
fn what_says_no_classes_is_refused() {
    let refused = |change: fn(&mut BuildSpec)| built("1,2,mail\n", change).unwrap_err();
    let with_column = refused(|spec| spec.column = column("3"));
    assert!(matches!(with_column, IngestError::ChannelsWithColumn), "{with_column}");
    let twice = refused(|spec| {
        spec.channels = vec!["mail".to_owned()];
        spec.channel_of = vec![0];
    });
    assert!(matches!(twice, IngestError::ChannelsTwice), "{twice}");
    let is_id = refused(|spec| spec.channel_column = column("1"));
    assert!(matches!(is_id, IngestError::ColumnIsAnId { .. }), "{is_id}");
    let pairs = refused(|spec| spec.format = Some(Format::PairsU32));
    assert!(pairs.to_string().contains("--channel-column"), "{pairs}");
    let metis = read("a.metis", "2 1\n2\n1\n", |spec| spec.channel_column = column("2"));
    assert!(matches!(metis, Err(IngestError::Malformed { reason: Malformed::NoWeights, .. })));
    let nodes = "%%MatrixMarket matrix coordinate integer general\n3 3 0\n";
    let scratch = Scratch::new();
    let mut spec = scratch.spec(&[]);
    spec.inputs = vec![Input::Bytes { name: "a.mtx".to_owned(), bytes: nodes.as_bytes().into() }];
    spec.channel_column = column("weight");
    assert!(matches!(build(&spec, &Unwatched), Err(IngestError::EmptyGraph)));
}
