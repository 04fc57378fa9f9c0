//! Samples against plain answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeId, Shard};
use kaskade_store::{ShardSelection, StoreError, Verify};

use super::*;
use crate::progress::Unwatched;
use crate::spec::{BuildSpec, ColumnChoice};

struct Scratch(tempfile::TempDir);

impl Scratch {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn directory(&self, name: &str, n_shards: u32, views: Views) -> DirectorySpec {
        let at = DirectorySpec::at(self.path(name));
        DirectorySpec { n_shards, views, force: true, ..at }
    }

    fn open(&self, name: &str) -> Graph {
        Graph::open(&self.path(name), ShardSelection::All, Verify::Full, &|_, _| {}).unwrap()
    }

    /// A graph of 600 nodes with ids 7i, of which every third arc has a reverse, and a column.
    fn graph(&self, name: &str, n_shards: u32, views: Views) -> Graph {
        let mut text = String::new();
        for i in 0u64..5000 {
            let (u, v) = (i * i % 599, i * 31 % 600);
            let p = (i % 100) as f64 / 100.0;
            text += &format!("{} {} {p}\n", 7 * u, 7 * v);
            if i % 3 == 0 {
                text += &format!("{} {} {p}\n", 7 * v, 7 * u);
            }
        }
        std::fs::write(self.path("in.txt"), text).unwrap();
        let has_column = views.has_out();
        let directory = self.directory(name, n_shards, views);
        let spec = BuildSpec {
            column: has_column.then_some(ColumnChoice::Index(2)),
            ..BuildSpec::of(vec![self.path("in.txt").into()], directory)
        };
        crate::build(&spec, &Unwatched).unwrap();
        self.open(name)
    }

    fn spec(&self, size: SampleSize, method: SampleMethod) -> SampleSpec {
        SampleSpec { size, method, seed: 1, directory: self.directory("s.kg", 2, Views::Both) }
    }

    fn select(&self, graph: &Graph, spec: &SampleSpec) -> Result<Vec<u32>, IngestError> {
        select_nodes(graph, &self.path("g.kg"), spec, &Unwatched)
    }
}

fn scratch() -> Scratch {
    Scratch(tempfile::tempdir().unwrap())
}

const FIRE: SampleMethod =
    SampleMethod::ForestFire { forward: DEFAULT_FORWARD, backward: DEFAULT_BACKWARD };
const BOTH_WAYS: SampleMethod = SampleMethod::ForestFire { forward: 0.4, backward: 0.3 };

/// The original id of `node`, a number.
fn number(graph: &Graph, node: NodeId) -> u64 {
    match graph.original(node) {
        OriginalId::Number(number) => number,
        OriginalId::Name(name) => panic!("{name} is a name"),
    }
}

/// The arcs between original ids, with their stored thresholds.
fn arcs(graph: &Graph) -> BTreeMap<(u64, u64), Option<u32>> {
    let mut arcs = BTreeMap::new();
    let original = |node: NodeId| number(graph, node);
    let mut scratch = Vec::new();
    for shard in graph.shards() {
        for source in (0..graph.n_nodes()).map(NodeId) {
            let out = shard.out_arcs(source, &mut scratch);
            for (position, &target_idx) in (out.first_arc..).zip(out.targets) {
                let ends = (original(source), original(shard.nodes().node(target_idx)));
                arcs.insert(ends, shard.arc_thresholds().map(|column| column[position]));
            }
        }
    }
    arcs
}

#[test]
fn a_sample_is_the_graph_on_its_nodes() {
    let scratch = scratch();
    for views in [Views::Both, Views::Out] {
        let graph = scratch.graph("g.kg", 3, views);
        let whole = arcs(&graph);
        for (size, method) in
            [(SampleSize::Nodes(200), SampleMethod::Node), (SampleSize::Share(0.25), FIRE)]
        {
            let spec = scratch.spec(size, method);
            let nodes = scratch.select(&graph, &spec).unwrap();
            let ids: BTreeSet<u64> =
                nodes.iter().map(|&node| number(&graph, NodeId(node))).collect();
            let manifest = sample(&graph, &scratch.path("g.kg"), &spec, &Unwatched).unwrap();
            let found = scratch.open("s.kg");
            let found_ids: BTreeSet<u64> =
                found.nodes().originals().numbers().unwrap().iter().copied().collect();
            assert_eq!(found_ids, ids, "nodes without arcs stay");
            let expected: BTreeMap<_, _> =
                whole.iter().filter(|((u, v), _)| ids.contains(u) && ids.contains(v)).collect();
            assert!(!expected.is_empty());
            assert!(arcs(&found).iter().eq(expected));
            assert_eq!((manifest.n_self_loops, manifest.n_duplicates), (0, 0));
            assert_eq!(manifest.columns, ["2"]);
            kaskade_store::verify(&scratch.path("s.kg"), &|_, _| {}).unwrap();
        }
    }
}

#[test]
fn an_in_view_alone_is_sampled_too() {
    let scratch = scratch();
    let of_in_view = scratch.graph("g.kg", 3, Views::In);
    let spec = scratch.spec(SampleSize::Nodes(300), SampleMethod::Node);
    let one = sample(&of_in_view, &scratch.path("g.kg"), &spec, &Unwatched).unwrap();
    let of_out_view = scratch.graph("g.kg", 3, Views::Out);
    let mut other = sample(&of_out_view, &scratch.path("g.kg"), &spec, &Unwatched).unwrap();
    assert_eq!(one.arc_sum, other.arc_sum);
    assert_eq!(one.id_map_digest, other.id_map_digest);
    other.columns.clear();
    assert_eq!(one.columns, other.columns, "an in-view alone was built without the column");
}

#[test]
fn shards_and_threads_choose_nothing() {
    let scratch = scratch();
    let graphs = [1, 4, 9].map(|n_shards| scratch.graph("g.kg", n_shards, Views::Both));
    for method in [SampleMethod::Node, FIRE, BOTH_WAYS] {
        let spec = scratch.spec(SampleSize::Nodes(150), method);
        let expected = scratch.select(&graphs[0], &spec).unwrap();
        assert_eq!(expected.len(), 150);
        for graph in &graphs {
            for n_threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
                let found = pool.install(|| scratch.select(graph, &spec)).unwrap();
                assert_eq!(found, expected, "{method:?}");
            }
        }
        let other = SampleSpec { seed: 2, ..spec };
        assert_ne!(scratch.select(&graphs[0], &other).unwrap(), expected);
    }
}

#[test]
fn a_fire_burns_along_arcs() {
    let scratch = scratch();
    // 50 paths of 20 nodes each.
    let step = |path: u64, i: u64| format!("{} {}\n", 100 * path + i, 100 * path + i + 1);
    let text: String = (0..50).flat_map(|path| (0..19).map(move |i| step(path, i))).collect();
    std::fs::write(scratch.path("in.txt"), text).unwrap();
    let directory = scratch.directory("g.kg", 2, Views::Both);
    let spec = BuildSpec::of(vec![scratch.path("in.txt").into()], directory);
    crate::build(&spec, &Unwatched).unwrap();
    let graph = scratch.open("g.kg");
    let kept_arcs = |forward: f64, backward: f64| {
        let method = SampleMethod::ForestFire { forward, backward };
        let mut spec = scratch.spec(SampleSize::Nodes(100), method);
        let mut n_arcs = 0;
        for seed in 0..20 {
            spec.seed = seed;
            let nodes = scratch.select(&graph, &spec).unwrap();
            let ids: BTreeSet<u64> = nodes.iter().map(|&n| number(&graph, NodeId(n))).collect();
            n_arcs += ids.iter().filter(|&&id| ids.contains(&(id + 1))).count();
        }
        n_arcs as f64 / 20.0
    };
    // A fire that never spreads is a node sample: 950 arcs, each kept with 0.1². One that always
    // does burns a path down from where it was lit, 10 nodes on average, to its end.
    assert!(kept_arcs(0.0, 0.0) < 15.0);
    let almost_one = 1.0 - f64::EPSILON;
    assert!((85.0..=95.0).contains(&kept_arcs(almost_one, 0.0)));
    assert!((85.0..=95.0).contains(&kept_arcs(0.0, almost_one)), "against the arcs");
    let both = kept_arcs(almost_one, almost_one);
    assert_eq!(both, 95.0, "five whole paths");
    assert!(kept_arcs(0.7, 0.0) > 40.0);
}

#[test]
fn samples_that_cannot_be_are_refused() {
    let scratch = scratch();
    let graph = scratch.graph("g.kg", 2, Views::In);
    let n_nodes = u64::from(graph.n_nodes());
    let refused = |size, method| scratch.select(&graph, &scratch.spec(size, method)).unwrap_err();
    for wanted in [0, n_nodes + 1, u64::MAX] {
        let error = refused(SampleSize::Nodes(wanted), SampleMethod::Node);
        assert!(matches!(error, IngestError::SampleNodes { .. }), "{error}");
    }
    for share in [0.0, -1.0, 1.1, f64::NAN] {
        let error = refused(SampleSize::Share(share), SampleMethod::Node);
        assert!(matches!(error, IngestError::SampleNumber { name: "the share", .. }), "{error}");
    }
    for forward in [1.0, -0.1, f64::NAN] {
        let error =
            refused(SampleSize::Nodes(1), SampleMethod::ForestFire { forward, backward: 0.0 });
        assert!(matches!(error, IngestError::SampleNumber { .. }), "{error}");
    }
    let error = refused(SampleSize::Nodes(1), FIRE);
    assert!(matches!(error, IngestError::Store(StoreError::MissingSection { .. })), "{error}");
    let all = scratch.spec(SampleSize::Share(1.0), SampleMethod::Node);
    assert_eq!(scratch.select(&graph, &all).unwrap().len() as u64, n_nodes);
    let backward = SampleMethod::ForestFire { forward: 0.0, backward: 0.5 };
    let all = scratch.spec(SampleSize::Share(1.0), backward);
    assert_eq!(scratch.select(&graph, &all).unwrap().len() as u64, n_nodes);
}
