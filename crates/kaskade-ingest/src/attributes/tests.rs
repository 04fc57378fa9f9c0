use std::fs;
use std::io::Write;
use std::sync::Arc;

use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeId, NodeRange, ShardId};
use kaskade_store::{
    CountedShard, FirstRanks, Graph, GraphFacts, Layout, Manifest, Order, Orientation, Originals,
    ShardArcs, ShardSelection, Verify, Views, verify,
};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::progress::Unwatched;

/// A folder of tables and graphs.
struct Scratch {
    folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A graph without arcs whose nodes have these ids, with the columns of `tables`.
    fn graph(&self, ids: Originals<'_>, tables: &NodeTables) -> Result<Graph, IngestError> {
        let n_nodes = ids.len() as u32;
        let dir = self.folder.path().join("graph.kg");
        let writer = GraphWriter::create(&dir, true)?;
        let degrees = vec![0; ids.len()];
        let nodes = writer.write_nodes(ids, &degrees, &degrees)?;
        let nodes = attach(&writer, Some(tables), nodes, &Unwatched)?;
        let arcs = ShardArcs {
            nodes: NodeRange { begin: 0, end: n_nodes },
            n_nodes,
            in_offsets: vec![0; ids.len() + 1],
            in_sources: vec![],
            probabilities: None,
            channels: None,
        };
        let counted = CountedShard::new(ShardId(0), arcs, Views::Both)?;
        let ranked = FirstRanks::new(n_nodes).rank(counted)?;
        let shard = writer.write_shard(ranked, Layout::Plain)?;
        let facts = GraphFacts {
            order: Order::Id,
            orientation: Orientation::Influence,
            undirected: false,
            views: Views::Both,
            columns: Vec::new(),
            channels: Vec::new(),
            n_duplicates: 0,
            n_self_loops: 0,
            n_skipped_lines: 0,
        };
        writer.commit(facts, nodes, vec![shard])?;
        verify(&dir, &|_, _| {})?;
        Ok(Graph::open(&dir, ShardSelection::All, Verify::Full, &|_, _| {})?)
    }

    /// The graph of the nodes 3, 7, 10 and 12 with the columns of one table of text.
    fn numbers(&self, table: &str) -> Result<Graph, IngestError> {
        self.graph(NUMBERS, &tables(&[self.write("table.csv", table)]))
    }

    fn refused(&self, table: &str) -> String {
        let error = self.numbers(table).unwrap_err();
        assert!(matches!(error, IngestError::NodeTable(_)), "{error}");
        let text = error.to_string();
        let folder = self.folder.path().display().to_string() + "/";
        text.replace(&folder, "")
    }
}

const NUMBERS: Originals<'static> = Originals::Numbers(&[3, 7, 10, 12]);

fn tables(paths: &[PathBuf]) -> NodeTables {
    NodeTables { paths: paths.to_vec(), ..NodeTables::default() }
}

fn described(graph: &Graph) -> Vec<(String, ColumnType, u64, Option<u32>)> {
    let columns = graph.attributes().unwrap().columns();
    columns.map(|c| (c.name.clone(), c.kind, c.n_missing, c.n_categories)).collect()
}

fn texts<'g>(graph: &'g Graph, column: &str) -> Vec<Option<&'g str>> {
    let column = graph.attributes().unwrap().column(column).unwrap();
    (0..graph.manifest().n_nodes as u32).map(|node| column.category(NodeId(node))).collect()
}

fn numbers(graph: &Graph, column: &str) -> Vec<Option<f64>> {
    let column = graph.attributes().unwrap().column(column).unwrap();
    (0..graph.manifest().n_nodes as u32).map(|node| column.number(NodeId(node))).collect()
}

fn bools(graph: &Graph, column: &str) -> Vec<Option<bool>> {
    let column = graph.attributes().unwrap().column(column).unwrap();
    (0..graph.manifest().n_nodes as u32).map(|node| column.bool(NodeId(node))).collect()
}

#[test]
fn values_are_typed_and_placed_by_original_id() {
    let scratch = Scratch::new();
    let table = "\u{feff}country,id,bot,score\n\
                 NA,7,yes,1.5\n\
                 \"a, \"\"b\"\"\n c\",012,,NA\n\
                 DE , 3 ,No,-2e3\n\
                 DE,99,yes,7\n\
                 DE,-1,yes,7\n";
    let graph = scratch.numbers(table).unwrap();
    let expected = [
        ("bot".to_owned(), ColumnType::Bool, 2, None),
        ("country".to_owned(), ColumnType::Category, 1, Some(3)),
        ("score".to_owned(), ColumnType::Number, 2, None),
    ];
    assert_eq!(described(&graph), expected);
    assert_eq!(texts(&graph, "country"), [Some("DE"), Some("NA"), None, Some("a, \"b\"\n c")]);
    assert_eq!(bools(&graph, "bot"), [Some(false), Some(true), None, None]);
    assert_eq!(numbers(&graph, "score"), [Some(-2000.0), Some(1.5), None, None]);
    assert_eq!(graph.manifest().n_unknown_attribute_ids, 2, "99 and -1");
}

#[test]
fn names_are_keys_too() {
    let scratch = Scratch::new();
    let path = scratch.write("table.tsv", "name\tteam\nzoë\tx\n007\ty, z\n7\tx\nnobody\tq\n");
    let names = Originals::Names { ends: &[3, 4, 7, 11], bytes: "0077annzoë".as_bytes() };
    let graph = scratch.graph(names, &tables(&[path])).unwrap();
    assert_eq!(texts(&graph, "team"), [Some("y, z"), Some("x"), None, Some("x")]);
    assert_eq!(described(&graph)[0].3, Some(2), "q is of no node");
    assert_eq!(graph.manifest().n_unknown_attribute_ids, 1);
}

#[test]
fn types_and_key_can_be_asked_for() {
    let scratch = Scratch::new();
    let path = scratch.write("table.csv", "id;zip;age;who\n1;01234;1;3\n2;99;0;7\n");
    let types = [("zip", ColumnType::Category), ("age", ColumnType::Number)];
    let asked = NodeTables {
        key: Some("who".to_owned()),
        types: types.map(|(name, kind)| (name.to_owned(), kind)).to_vec(),
        ..tables(&[path])
    };
    let graph = scratch.graph(NUMBERS, &asked).unwrap();
    assert_eq!(texts(&graph, "zip"), [Some("01234"), Some("99"), None, None]);
    assert_eq!(numbers(&graph, "age"), [Some(1.0), Some(0.0), None, None]);
    assert_eq!(numbers(&graph, "id"), [Some(1.0), Some(2.0), None, None], "a column as others");

    let path = scratch.write("words.csv", "id,age\n3,old\n99,12\n");
    let types = vec![("age".to_owned(), ColumnType::Number)];
    let error = scratch.graph(NUMBERS, &NodeTables { types, ..tables(&[path]) }).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("words.csv:2: \"old\" in column \"age\" is no number: use"), "{text}");
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    let scratch = Scratch::new();
    let refused = |table: &str| scratch.refused(table);
    let text = "table.csv: id \"7\" stands in line 2 and in line 4: keep one of them";
    assert_eq!(refused("id,a\n7,x\n3,\"y\"\n7,x\n"), text);
    assert_eq!(
        refused("id,a\n8,x\n3,\"y\n\"\n008,x\n"),
        "table.csv: an id that the graph lacks stands in line 2 and in line 5: keep one of them"
    );
    assert!(refused("id,a\n007,x\n7,x\n").contains("line 2 and in line 3"));
    assert_eq!(refused("id,a\n,x\n"), "table.csv:2: the id is missing");
    assert_eq!(refused("id,a\n3,x,y\n"), "table.csv:2: 3 fields, the header has 2");
    assert_eq!(refused("id,a,a\n3,x,y\n"), "table.csv has two columns named \"a\": rename one");
    assert!(refused("id,a,\n3,x,y\n").contains("column 3 is not named in 1 to 256 bytes"));
    assert!(refused("id\n3\n").contains("has no column beside \"id\""));
    assert!(refused("").contains("is empty"));
    let huge = format!("id,a\n3,\"{}", "x\n".repeat(9 << 20));
    assert!(refused(&huge).starts_with("table.csv:2: the row is longer than 16777216 bytes"));
    let path = scratch.write("bytes.csv", b"id,a\n3,x\n7,\xff\n");
    let error = scratch.graph(NUMBERS, &tables(&[path])).unwrap_err().to_string();
    assert!(error.ends_with("bytes.csv:3: the row is not UTF-8"), "{error}");
}

#[test]
fn several_tables_share_no_column() {
    let scratch = Scratch::new();
    let one = scratch.write("one.csv", "id,a\n3,1\n5,2\n");
    let two = scratch.write("two.csv", "b,node\nx,7\ny,5\n");
    let graph = scratch.graph(NUMBERS, &tables(&[one.clone(), two.clone()])).unwrap();
    assert_eq!(numbers(&graph, "a"), [Some(1.0), None, None, None]);
    assert_eq!(texts(&graph, "b"), [None, Some("x"), None, None]);
    assert_eq!(graph.manifest().n_unknown_attribute_ids, 2, "counted in each table");

    let refused = |tables: &NodeTables| scratch.graph(NUMBERS, tables).unwrap_err().to_string();
    let same = scratch.write("same.csv", "id,a\n3,1\n");
    let text = refused(&tables(&[one.clone(), same]));
    assert!(text.ends_with("same.csv both have a column \"a\": rename one"), "{text}");
    let key = Some("node".to_owned());
    let text = refused(&NodeTables { key, ..tables(&[two.clone(), one.clone()]) });
    assert!(text.ends_with("one.csv has no column \"node\" with the ids: it has id, a"), "{text}");
    let types = vec![("c".to_owned(), ColumnType::Bool)];
    let text = refused(&NodeTables { types, ..tables(&[one, two]) });
    assert!(text.contains("no node table has the column \"c\""), "{text}");
    let nowhere = tables(&[scratch.folder.path().join("nowhere.csv")]);
    assert!(matches!(scratch.graph(NUMBERS, &nowhere), Err(IngestError::Open { .. })));
}

#[test]
fn packed_tables_are_unpacked() {
    let scratch = Scratch::new();
    let table = "id,a\n3,x\n7,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(table.as_bytes()).unwrap();
    let gzip = scratch.write("table.csv.gz", gzip.finish().unwrap());
    let zstd = scratch.write("table.csv.zst", zstd::encode_all(table.as_bytes(), 1).unwrap());
    let plain = scratch.numbers(table).unwrap().manifest().digest.clone();
    for path in [gzip, zstd] {
        let packed = scratch.graph(NUMBERS, &tables(&[path])).unwrap();
        assert_eq!(packed.manifest().digest, plain);
    }
}

/// The bytes of a Parquet table with a column of each type that has a null in its second row.
fn parquet_table(ids: &[i64]) -> Vec<u8> {
    let schema = "message nodes {
        required int64 id; optional binary team (string); optional double score;
        optional boolean bot; optional int64 age;
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::default());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    let levels: Vec<i16> = (0..ids.len()).map(|row| i16::from(row != 1)).collect();
    let n_values = levels.iter().filter(|&&level| level == 1).count();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(ids, None, None).unwrap();
    column.close().unwrap();
    let teams: Vec<ByteArray> =
        (0..n_values).map(|row| if row % 2 == 0 { "b" } else { "a" }.into()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&teams, Some(&levels), None).unwrap();
    column.close().unwrap();
    let scores: Vec<f64> =
        (0..n_values).map(|row| if row == 1 { f64::NAN } else { row as f64 }).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&scores, Some(&levels), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<BoolType>().write_batch(&vec![true; n_values], Some(&levels), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&vec![-4; n_values], Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.into_inner().unwrap()
}

#[test]
fn parquet_states_its_types() {
    let scratch = Scratch::new();
    let path = scratch.write("table.parquet", parquet_table(&[12, 3, 7, 99]));
    let graph = scratch.graph(NUMBERS, &tables(std::slice::from_ref(&path))).unwrap();
    assert_eq!(texts(&graph, "team"), [None, Some("a"), None, Some("b")]);
    assert_eq!(numbers(&graph, "score"), [None, None, None, Some(0.0)], "NaN is no value");
    assert_eq!(bools(&graph, "bot"), [None, Some(true), None, Some(true)]);
    assert_eq!(numbers(&graph, "age"), [None, Some(-4.0), None, Some(-4.0)]);
    assert_eq!(graph.manifest().n_unknown_attribute_ids, 1);

    let types = vec![("age".to_owned(), ColumnType::Category)];
    let asked = NodeTables { types, ..tables(&[path]) };
    assert_eq!(texts(&scratch.graph(NUMBERS, &asked).unwrap(), "age")[3], Some("-4"));

    let path = scratch.write("twice.parquet", parquet_table(&[12, 3, 12]));
    let text = scratch.graph(NUMBERS, &tables(&[path])).unwrap_err().to_string();
    assert!(text.contains("id \"12\" stands in line 1 and in line 3"), "{text}");
}

#[test]
fn damaged_parquet_is_an_error_or_a_table() {
    let scratch = Scratch::new();
    let sound = parquet_table(&[12, 3, 7, 99]);
    let mut n_refused = 0;
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 1 << (at % 8);
        let path = scratch.write("table.parquet", damaged);
        // Flips of values pass: Parquet need not have checksums. None may panic or hang.
        match Table::open(&path, None) {
            Ok(table) => {
                let read = table.for_each_row(&Unwatched, &mut |_, _, _| Ok(()));
                n_refused += u32::from(read.is_err());
            }
            Err(_) => n_refused += 1,
        }
    }
    assert!(n_refused > 100, "{n_refused}");
    for length in 0..sound.len() {
        let path = scratch.write("table.parquet", &sound[..length]);
        assert!(Table::open(&path, None).is_err(), "{length}");
    }
}

#[test]
fn a_damaged_file_of_columns_is_refused() {
    let scratch = Scratch::new();
    let graph = scratch.numbers("id,a,b,c\n3,x,1,yes\n7,y,2,no\n").unwrap();
    let n_bytes = graph.manifest().attributes_file.as_ref().unwrap().file_bytes;
    drop(graph);
    let dir = scratch.folder.path().join("graph.kg");
    let path = dir.join(kaskade_store::names::ATTRIBUTES);
    let sound = fs::read(&path).unwrap();
    assert_eq!(sound.len() as u64, n_bytes);
    for at in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::remove_file(&path).unwrap();
        fs::write(&path, damaged).unwrap();
        let opened = Graph::open(&dir, ShardSelection::All, Verify::Full, &|_, _| {});
        assert!(opened.is_err_and(|error| error.kind() != kaskade_store::StoreErrorKind::Io));
    }
}

#[test]
fn a_build_has_the_columns_of_its_tables() {
    use crate::spec::{BuildSpec, DirectorySpec};
    let scratch = Scratch::new();
    let input = scratch.write("arcs.txt", "5 6\n6 7\n7 5\n8 5\n");
    let table = scratch.write("nodes.csv", "id,team\n5,a\n8,b\n1,c\n");
    let out = scratch.folder.path().join("built.kg");
    let spec = |nodes: Option<NodeTables>| {
        let directory = DirectorySpec { nodes, force: true, ..DirectorySpec::at(out.clone()) };
        BuildSpec::of(vec![input.clone().into()], directory)
    };
    let build = |nodes| crate::build(&spec(nodes), &Unwatched);
    let with_columns = build(Some(tables(&[table]))).unwrap();
    verify(&out, &|_, _| {}).unwrap();
    let graph = Graph::open(&out, ShardSelection::All, Verify::Full, &|_, _| {}).unwrap();
    let team = |id: u64| {
        let node = kaskade_model::seeds::NodeDirectory::find(&graph, &OriginalId::Number(id));
        graph.attributes().unwrap().column("team").unwrap().category(node.unwrap())
    };
    assert_eq!([team(5), team(6), team(7), team(8)], [Some("a"), None, None, Some("b")]);
    assert_eq!(with_columns.n_unknown_attribute_ids, 1);
    let plain = build(None).unwrap();
    assert_ne!(plain.digest, with_columns.digest);
    assert_eq!(plain.digest, Manifest::read(&out).unwrap().digest);

    // What can be told of a table is told before the arcs are read.
    let bad = scratch.write("bad.csv", "id\n5\n");
    fs::remove_file(&input).unwrap();
    assert!(matches!(build(Some(tables(&[bad]))), Err(IngestError::NodeTable(_))));
    assert_eq!(plain.digest, Manifest::read(&out).unwrap().digest, "the old graph stays");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_rows_and_columns_changes_no_digest(
        rows in prop::collection::btree_map(0u64..16, ("[a-c]{0,2}", 0u8..4, -9i32..9), 1..12),
        seed: u64,
    ) {
        let scratch = Scratch::new();
        let mut rows: Vec<_> = rows.into_iter().collect();
        let one = rows.iter().fold("id,text,few,n\n".to_owned(), |table, (id, (text, few, n))| {
            table + &format!("{id},{text},{few},{n}\n")
        });
        rows.sort_by_key(|(id, _)| id.wrapping_mul(seed | 1).rotate_left(32));
        let other = rows.iter().fold("n;id;text;few\n".to_owned(), |table, (id, (text, few, n))| {
            table + &format!("{n};{id};{text};{few}\n")
        });
        let first = scratch.numbers(&one).unwrap().manifest().clone();
        let second = scratch.numbers(&other).unwrap().manifest().clone();
        prop_assert_eq!(first.node_columns, second.node_columns);
        prop_assert_eq!(first.digest, second.digest);
        prop_assert_eq!(first.attributes_file, second.attributes_file);
    }
}
