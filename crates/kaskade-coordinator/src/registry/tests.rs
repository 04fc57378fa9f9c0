use kaskade_model::ShardId;
use kaskade_rpc::graphs::{NeededFile, PushAnnouncement};
use kaskade_testkit::{ArcList, directories};

use super::*;

/// A folder with a registry and, beside it, one graph in cuts of 2 and of 4 shards.
struct Fixture {
    _folder: tempfile::TempDir,
    registry: Registry,
    two_shards: PathBuf,
    four_shards: PathBuf,
    /// In two shards, with a column of the nodes.
    with_column: PathBuf,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let graph = ArcList::new(300, (0..900).map(|i| (i % 300, (i * 7 + 1) % 300)));
    let text = folder.path().join("arcs.txt");
    directories::write_text(&text, &graph, graph.arcs().iter().copied());
    let cut = |n_shards: u32| {
        let out = folder.path().join(format!("{n_shards}.kg"));
        let mut spec = directories::build_spec(vec![text.clone()], out.clone());
        spec.directory.n_shards = n_shards;
        drop(directories::build(&spec));
        out
    };
    let (two_shards, four_shards) = (cut(2), cut(4));
    let with_column = folder.path().join("column.kg");
    let table = folder.path().join("nodes.csv");
    fs::write(&table, "id,team\n3,a\n7,b\n").unwrap();
    let mut spec = directories::build_spec(vec![text], with_column.clone());
    let paths = vec![table];
    spec.directory.n_shards = 2;
    spec.directory.nodes = Some(directories::NodeTables { paths, ..Default::default() });
    drop(directories::build(&spec));
    let registry = Registry::open(folder.path().join("graphs")).unwrap();
    Fixture { _folder: folder, registry, two_shards, four_shards, with_column }
}

fn announce(fixture: &Fixture, dir: &Path) -> Result<Vec<NeededFile>, CoordinatorError> {
    let manifest = fs::read(dir.join(names::MANIFEST)).unwrap();
    let announcement =
        PushAnnouncement { name: "people".to_owned(), manifest_json: Bytes::from(manifest) };
    fixture.registry.begin_push(&announcement)
}

fn push(fixture: &Fixture, dir: &Path, needed: &NeededFile) {
    let path = dir.join(relative_path(needed.file));
    let mut reader = FileReader::open(&path, needed.offset).unwrap();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        let held = fixture.registry.push_chunk("people", needed.file, &chunk).unwrap();
        assert_eq!(held, chunk.end());
    }
}

fn code(error: CoordinatorError) -> ErrorCode {
    RpcError::from(error).code
}

#[test]
fn a_pushed_graph_has_a_name_once_it_is_whole() {
    let fixture = fixture();
    let dir = &fixture.two_shards;
    let needed = announce(&fixture, dir).unwrap();
    assert_eq!(needed.len(), 3);
    needed.iter().for_each(|needed| push(&fixture, dir, needed));
    assert!(fixture.registry.list().unwrap().is_empty());
    assert_eq!(code(fixture.registry.path("people").unwrap_err()), ErrorCode::NotFound);

    let info = fixture.registry.finish_push("people").unwrap();
    assert_eq!((info.n_nodes, info.n_shards), (300, 2));
    assert_eq!(fixture.registry.list().unwrap(), std::slice::from_ref(&info));
    assert_eq!(
        fixture.registry.path("people.kg").unwrap(),
        fixture.registry.path("people").unwrap()
    );
    assert!(fixture.registry.path("../people").is_err());
    assert_eq!(fixture.registry.finish_push("people").unwrap(), info);
    assert!(announce(&fixture, dir).unwrap().is_empty());
}

#[test]
fn columns_of_the_nodes_are_pushed_too() {
    let fixture = fixture();
    let dir = &fixture.with_column;
    let needed = announce(&fixture, dir).unwrap();
    let files: Vec<GraphFile> = needed.iter().map(|needed| needed.file).collect();
    let shards = [0, 1].map(|shard| GraphFile::Shard(ShardId(shard)));
    assert_eq!(files, [GraphFile::Nodes, GraphFile::Attributes, shards[0], shards[1]]);
    needed.iter().for_each(|needed| push(&fixture, dir, needed));
    fixture.registry.finish_push("people").unwrap();
    let graph = fixture.registry.open_nodes("people").unwrap();
    assert!(graph.attributes().unwrap().column("team").is_some());
}

#[test]
fn a_push_goes_on_where_it_stopped() {
    let fixture = fixture();
    let dir = &fixture.two_shards;
    let mut nodes = FileReader::open(&dir.join(names::NODES), 0).unwrap();
    let whole = nodes.next_chunk().unwrap().unwrap();
    let half = FileChunk { data: whole.data.slice(..whole.data.len() / 2), ..whole };
    announce(&fixture, dir).unwrap();
    fixture.registry.push_chunk("people", GraphFile::Nodes, &half).unwrap();
    let again = fixture.registry.push_chunk("people", GraphFile::Nodes, &half).unwrap_err();
    assert_eq!(code(again), ErrorCode::FailedPrecondition);

    let needed = announce(&fixture, dir).unwrap();
    assert_eq!(needed[0], NeededFile { file: GraphFile::Nodes, offset: half.end() });
    needed.iter().for_each(|needed| push(&fixture, dir, needed));
    fixture.registry.finish_push("people").unwrap();
}

#[test]
fn a_push_of_another_cut_begins_anew() {
    let fixture = fixture();
    let needed = announce(&fixture, &fixture.two_shards).unwrap();
    needed.iter().for_each(|needed| push(&fixture, &fixture.two_shards, needed));

    let needed = announce(&fixture, &fixture.four_shards).unwrap();
    assert_eq!(needed.len(), 5);
    assert!(needed.iter().all(|needed| needed.offset == 0), "{needed:?}");
    needed.iter().for_each(|needed| push(&fixture, &fixture.four_shards, needed));
    assert_eq!(fixture.registry.finish_push("people").unwrap().n_shards, 4);
}

#[test]
fn more_than_was_announced_is_refused() {
    let fixture = fixture();
    let dir = &fixture.two_shards;
    let push = |file, data: Vec<u8>| {
        let total_bytes = data.len() as u64;
        let chunk = FileChunk { offset: 0, total_bytes, data: Bytes::from(data) };
        fixture.registry.push_chunk("people", file, &chunk).map_err(code)
    };
    let n_bytes = Manifest::read(dir).unwrap().nodes_file.file_bytes as usize;
    assert_eq!(push(GraphFile::Nodes, vec![0]), Err(ErrorCode::FailedPrecondition));
    announce(&fixture, dir).unwrap();
    assert_eq!(push(GraphFile::Nodes, vec![0; n_bytes + 1]), Err(ErrorCode::InvalidArgument));
    assert_eq!(push(GraphFile::Shard(ShardId(2)), vec![0]), Err(ErrorCode::InvalidArgument));
    assert_eq!(push(GraphFile::Manifest, vec![0]), Err(ErrorCode::InvalidArgument));
    assert_eq!(push(GraphFile::Nodes, vec![0; n_bytes]), Ok(n_bytes as u64));
    // Not the bytes of the manifest: the next push begins anew.
    assert!(fixture.registry.finish_push("people").is_err());
    assert_eq!(push(GraphFile::Nodes, vec![0]), Err(ErrorCode::FailedPrecondition));
}
