//! A graph directory appears whole or not at all.

use std::fs;
use std::path::Path;

use kaskade_model::{NodeRange, ShardId};

use super::fixture::tiny;
use crate::{
    CountedShard, FirstRanks, Graph, GraphWriter, Layout, Manifest, Originals, RankedShard,
    ShardArcs, ShardSelection, StoreError, StoreErrorKind, Verify, Views, names,
};

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn open(dir: &Path) -> Result<Graph, StoreError> {
    Graph::open(dir, ShardSelection::All, Verify::Full, &|_, _| {})
}

/// The only shard of a graph, with both views.
fn only_shard(arcs: ShardArcs) -> Result<RankedShard, StoreError> {
    let mut first_ranks = FirstRanks::new(arcs.n_nodes);
    first_ranks.rank(CountedShard::new(ShardId(0), arcs, Views::Both)?)
}

#[test]
fn an_interrupted_writer_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.kg");
    let writer = GraphWriter::create(&out, false).unwrap();
    let (out_degrees, in_degrees) = tiny().degrees();
    writer.write_nodes(Originals::Numbers(&tiny().originals()), &out_degrees, &in_degrees).unwrap();
    let [partial] = names_in(folder.path()).try_into().unwrap();
    assert!(partial.starts_with(".x.kg.partial-"), "{partial}");
    let error = open(&folder.path().join(partial)).unwrap_err();
    assert!(matches!(error, StoreError::NoManifest { .. }), "{error}");
    assert_eq!(open(&out).unwrap_err().kind(), StoreErrorKind::NotFound);
    drop(writer);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn a_failed_commit_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.kg");
    let writer = GraphWriter::create(&out, false).unwrap();
    let (out_degrees, in_degrees) = tiny().degrees();
    let nodes = writer
        .write_nodes(Originals::Numbers(&tiny().originals()), &out_degrees, &in_degrees)
        .unwrap();
    let error = writer.commit(tiny().facts(Views::Both), nodes, Vec::new()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn shards_of_another_graph_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = GraphWriter::create(&folder.path().join("x.kg"), false).unwrap();
    let nodes = writer.write_nodes(Originals::Numbers(&[7, 3]), &[0, 0], &[0, 0]).unwrap();
    let arcs = ShardArcs {
        nodes: NodeRange { begin: 0, end: 2 },
        n_nodes: 3,
        in_offsets: vec![0, 0, 0],
        in_sources: vec![],
        probabilities: Some(vec![]),
        channels: None,
    };
    let shard = writer.write_shard(only_shard(arcs).unwrap(), Layout::Plain).unwrap();
    let error = writer.commit(tiny().facts(Views::Both), nodes, vec![shard]).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
}

#[test]
fn remains_of_killed_writers_are_in_no_ones_way() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.kg");
    for purpose in ["partial", "replaced"] {
        let remains = format!(".x.kg.{purpose}-{}", std::process::id());
        fs::create_dir_all(folder.path().join(remains).join(names::SHARDS)).unwrap();
    }
    let manifest = tiny().write(&out, 2, Views::Both).unwrap();
    let writer = GraphWriter::create(&out, true).unwrap();
    assert_eq!(
        tiny().write_with(writer, 3, Views::Both, Layout::Plain).unwrap().digest,
        manifest.digest
    );
    assert_eq!(open(&out).unwrap().shards().len(), 3);
    assert_eq!(names_in(folder.path()).len(), 3, "they are not deleted either");
}

#[test]
fn an_existing_graph_is_replaced_only_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.kg");
    let first = tiny().write(&out, 1, Views::Both).unwrap();
    let error = GraphWriter::create(&out, false).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Exists);
    assert!(error.to_string().contains("--force"), "{error}");

    let mapped = open(&out).unwrap();
    let writer = GraphWriter::create(&out, true).unwrap();
    let nodes = writer.write_nodes(Originals::Numbers(&[7, 3]), &[0, 0], &[0, 0]).unwrap();
    let arcs = ShardArcs {
        nodes: NodeRange { begin: 0, end: 2 },
        n_nodes: 2,
        in_offsets: vec![0, 0, 0],
        in_sources: vec![],
        probabilities: None,
        channels: None,
    };
    let shard = writer.write_shard(only_shard(arcs).unwrap(), Layout::Plain).unwrap();
    assert_eq!(Manifest::read(&out).unwrap(), first, "until the end the old graph is there");
    let mut facts = tiny().facts(Views::Both);
    facts.columns.clear();
    let second = writer.commit(facts, nodes, vec![shard]).unwrap();
    assert_eq!(Manifest::read(&out).unwrap(), second);
    assert_eq!((second.n_nodes, second.n_arcs, second.n_isolated_nodes), (2, 0, 2));
    assert_eq!(names_in(folder.path()), ["x.kg"]);
    assert_eq!(
        mapped.nodes().originals().numbers(),
        Some(&tiny().originals()[..]),
        "who mapped the old one keeps it"
    );
}

#[test]
fn force_deletes_nothing_but_graphs() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("thesis.tex"), "years of work").unwrap();
    let error = GraphWriter::create(&home, true).unwrap_err();
    assert!(matches!(error, StoreError::NotReplaceable { .. }), "{error}");
    let error = GraphWriter::create(&home.join("thesis.tex"), true).unwrap_err();
    assert!(matches!(error, StoreError::NotReplaceable { .. }), "{error}");
    assert_eq!(names_in(folder.path()), ["home"]);
    drop(GraphWriter::create(&folder.path().join("new/x.kg"), false).unwrap());
    assert!(names_in(&folder.path().join("new")).is_empty(), "a missing parent is made");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    GraphWriter::create(&empty, true).unwrap();
}

#[test]
fn of_two_writers_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.kg");
    let slow = GraphWriter::create(&out, false).unwrap();
    let manifest = tiny().write(&out, 2, Views::Both).unwrap();
    let nodes = slow.write_nodes(Originals::Numbers(&[]), &[], &[]).unwrap();
    let arcs = ShardArcs {
        nodes: NodeRange { begin: 0, end: 0 },
        n_nodes: 0,
        in_offsets: vec![0],
        in_sources: vec![],
        probabilities: Some(vec![]),
        channels: None,
    };
    let shard = slow.write_shard(only_shard(arcs).unwrap(), Layout::Plain).unwrap();
    let error = slow.commit(tiny().facts(Views::Both), nodes, vec![shard]).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Exists, "{error}");
    assert_eq!(Manifest::read(&out).unwrap(), manifest);
    assert_eq!(names_in(folder.path()), ["x.kg"]);
}

#[test]
fn contradictory_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = GraphWriter::create(&folder.path().join("x.kg"), false).unwrap();
    let refused = |error: Option<StoreError>| {
        assert_eq!(error.map(|error| error.kind()), Some(StoreErrorKind::Invalid));
    };
    refused(writer.write_nodes(Originals::Numbers(&[1, 1]), &[0, 0], &[0, 0]).err());
    refused(writer.write_nodes(Originals::Numbers(&[1, 2]), &[0], &[0, 0]).err());
    refused(writer.write_nodes(Originals::Numbers(&[1, 2]), &[1, 0], &[0, 0]).err());

    let sound = ShardArcs {
        nodes: NodeRange { begin: 0, end: 2 },
        n_nodes: 4,
        in_offsets: vec![0, 2, 3],
        in_sources: vec![1, 3, 0],
        probabilities: Some(vec![0.5, 0.5, 1.0]),
        channels: None,
    };
    only_shard(sound.clone()).unwrap();
    for arcs in [
        ShardArcs { n_nodes: 1, ..sound.clone() },
        ShardArcs { n_nodes: 3, ..sound.clone() },
        ShardArcs { in_offsets: vec![0, 3], ..sound.clone() },
        ShardArcs { in_offsets: vec![0, 4, 3], ..sound.clone() },
        ShardArcs { in_offsets: vec![0, 2, 4], ..sound.clone() },
        ShardArcs { in_offsets: vec![1, 2, 3], ..sound.clone() },
        ShardArcs { in_sources: vec![3, 1, 0], ..sound.clone() },
        ShardArcs { in_sources: vec![1, 1, 0], ..sound.clone() },
        ShardArcs { in_sources: vec![0, 1, 0], ..sound.clone() },
        ShardArcs { probabilities: Some(vec![0.5]), ..sound.clone() },
        ShardArcs { probabilities: Some(vec![0.5, f64::NAN, 1.0]), ..sound.clone() },
        ShardArcs { probabilities: Some(vec![0.5, 1e-30, 1.0]), ..sound.clone() },
        ShardArcs { probabilities: Some(vec![0.5, 0.5, 1.5]), ..sound },
    ] {
        refused(only_shard(arcs).err());
    }
}

#[test]
fn what_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.kg");
    let error = open(&missing).unwrap_err();
    assert!(matches!(&error, StoreError::NotFound { path } if *path == missing), "{error}");
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, StoreError::NoManifest { .. }), "{error}");

    let dir = folder.path().join("out.kg");
    tiny().write(&dir, 2, Views::Out).unwrap();
    let unknown = ShardSelection::Only(&[ShardId(2)]);
    let error = Graph::open(&dir, unknown, Verify::Full, &|_, _| {}).unwrap_err();
    assert!(matches!(&error, StoreError::UnknownShard { n_shards: 2, .. }), "{error}");
    let graph = Graph::open_nodes(&dir).unwrap();
    assert!(graph.shards().is_empty());
    graph.manifest().require(&dir, Views::Out).unwrap();
    let error = graph.manifest().require(&dir, Views::Both).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::MissingSection);
    assert!(error.to_string().contains("--views out,in"), "{error}");
    assert!(dir.join(names::NODES).try_exists().unwrap());
}
