//! What is exported comes back.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use kaskade_store::{Order, ShardSelection, StoreError, Verify};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use proptest::prelude::*;

use super::*;
use crate::progress::Unwatched;
use crate::spec::{BuildSpec, ColumnChoice, DirectorySpec, Duplicates};

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Builds `input` into the directory `out`, opened.
    fn build(&self, input: &str, out: &str, change: impl FnOnce(&mut BuildSpec)) -> Graph {
        let directory =
            DirectorySpec { n_shards: 3, force: true, ..DirectorySpec::at(self.path(out)) };
        let mut spec = BuildSpec::of(vec![self.path(input).into()], directory);
        spec.duplicates = Duplicates::Error;
        change(&mut spec);
        crate::build(&spec, &Unwatched).unwrap();
        Graph::open(&self.path(out), ShardSelection::All, Verify::Full, &|_, _| {}).unwrap()
    }

    fn export(&self, graph: &Graph, out: &str) -> Result<Exported, IngestError> {
        let spec = ExportSpec {
            out: self.path(out),
            force: true,
            isolated_as_self_loops: true,
            channel: None,
        };
        export(graph, &self.path("g.kg"), &spec, &Unwatched)
    }
}

const TEXT_FILES: [&str; 5] = ["e.txt", "e.csv", "e.tsv.gz", "e.txt.zst", "e.csv.zst"];

fn column(has_column: bool) -> Option<ColumnChoice> {
    has_column.then_some(ColumnChoice::Index(2))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_build_of_an_export_is_the_same_graph(
        arcs in prop::collection::btree_map((0u64..80, 0u64..80), 0u32..=1 << 20, 1..300),
        has_column in any::<bool>(),
        views in prop_oneof![Just(Views::Both), Just(Views::Out), Just(Views::In)],
        shift in 0u32..56,
    ) {
        let has_column = has_column && views.has_out();
        let scratch = Scratch::new();
        let mut text = String::new();
        for ((u, v), share) in &arcs {
            let p = f64::from(*share) / f64::from(1 << 20);
            text += &format!("{} {} {p}\n", u << shift, v << shift);
        }
        std::fs::write(scratch.path("in.txt"), text).unwrap();
        let graph = scratch.build("in.txt", "g.kg", |spec| {
            spec.column = column(has_column);
            spec.directory.views = views;
        });
        for file in TEXT_FILES {
            let exported = scratch.export(&graph, file).unwrap();
            prop_assert_eq!(exported.n_arcs, graph.manifest().n_arcs);
            prop_assert_eq!(exported.n_omitted_nodes, 0);
            let again = scratch.build(file, "again.kg", |spec| spec.column = column(has_column));
            prop_assert_eq!(&again.manifest().digest, &graph.manifest().digest, "{}", file);
        }
    }
}

#[test]
fn parquet_holds_the_same_arcs() {
    let scratch = Scratch::new();
    let text = format!("1 2 0.5\n2 3 0.1\n{} 1 1\n9 9 0\n", u64::MAX);
    std::fs::write(scratch.path("in.txt"), text).unwrap();
    let graph = scratch.build("in.txt", "g.kg", |spec| spec.column = column(true));
    let exported = scratch.export(&graph, "e.parquet").unwrap();
    assert_eq!(exported, Exported { n_arcs: 3, n_self_loops: 1, n_omitted_nodes: 0 });
    let file = std::fs::File::open(scratch.path("e.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let columns = reader.metadata().file_metadata().schema_descr().columns().to_vec();
    let names: Vec<_> = columns.iter().map(|column| column.name().to_owned()).collect();
    assert_eq!(names, ["source", "target", "probability"]);
    let rows: BTreeSet<String> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            let (u, v) = (row.get_ulong(0).unwrap(), row.get_ulong(1).unwrap());
            format!("{u} {v} {}", row.get_double(2).unwrap())
        })
        .collect();
    let expected = ["1 2 0.5", "2 3 0.1", "9 9 0", &format!("{} 1 1", u64::MAX)];
    assert_eq!(rows, expected.iter().map(|row| (*row).to_owned()).collect());
}

#[test]
fn lines_look_as_the_ending_says_and_come_in_order() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("in.txt"), "3 1 0.25\n1 2 0.5\n2 1 1\n7 7 1\n").unwrap();
    let graph = scratch.build("in.txt", "g.kg", |spec| {
        spec.column = column(true);
        spec.directory.order = Order::Id;
        spec.directory.n_shards = 1;
    });
    let text = |file: &str| {
        scratch.export(&graph, file).unwrap();
        std::fs::read_to_string(scratch.path(file)).unwrap()
    };
    assert_eq!(text("e.txt"), "1\t2\t0.5\n2\t1\t1\n3\t1\t0.25\n7\t7\t0\n");
    let csv = "source,target,probability\n1,2,0.5\n2,1,1\n3,1,0.25\n7,7,0\n";
    assert_eq!(text("e.csv"), csv);
    assert_eq!(text("e.tsv"), csv.replace(',', "\t"));
    let spec = ExportSpec {
        out: scratch.path("e.txt"),
        force: true,
        isolated_as_self_loops: false,
        channel: None,
    };
    let exported = export(&graph, &scratch.path("g.kg"), &spec, &Unwatched).unwrap();
    assert_eq!(exported, Exported { n_arcs: 3, n_self_loops: 0, n_omitted_nodes: 1 });
    assert_eq!(graph.original(kaskade_model::NodeId(3)), OriginalId::Number(7));
}

#[test]
fn what_cannot_be_exported_leaves_nothing() {
    struct Impatient;
    impl Progress for Impatient {
        fn begin(&self, _phase: Phase, _total: Option<u64>, _unit: Unit) {}
        fn advance(&self, _by: u64) {}
        fn interrupted(&self) -> bool {
            true
        }
    }
    let scratch = Scratch::new();
    std::fs::write(scratch.path("in.txt"), "1 2 0.5\n").unwrap();
    let graph = scratch.build("in.txt", "g.kg", |spec| {
        spec.column = column(true);
        spec.directory.views = Views::In;
    });
    let refused = scratch.export(&graph, "e.txt").unwrap_err();
    assert!(matches!(refused, IngestError::Store(StoreError::MissingSection { .. })), "{refused}");
    let graph = scratch.build("in.txt", "g.kg", |_| {});
    for bad in ["e", "e.kg", "e.parquet.gz", "e.gz", "e.u32"] {
        let refused = scratch.export(&graph, bad).unwrap_err();
        assert!(matches!(refused, IngestError::ExportEnding { .. }), "{bad}: {refused}");
    }
    std::fs::write(scratch.path("there.txt"), "precious").unwrap();
    let spec = |out: &str| ExportSpec {
        out: scratch.path(out),
        force: false,
        isolated_as_self_loops: false,
        channel: None,
    };
    let dir = scratch.path("g.kg");
    let refused = export(&graph, &dir, &spec("there.txt"), &Unwatched).unwrap_err();
    assert!(matches!(refused, IngestError::OutputExists { .. }), "{refused}");
    for out in ["e.txt", "e.parquet"] {
        let refused = export(&graph, &dir, &spec(out), &Impatient).unwrap_err();
        assert!(matches!(refused, IngestError::Interrupted), "{refused}");
    }
    let mut names: Vec<_> =
        scratch.0.path().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["g.kg", "in.txt", "there.txt"]);
    assert_eq!(std::fs::read(scratch.path("there.txt")).unwrap(), b"precious");
}
