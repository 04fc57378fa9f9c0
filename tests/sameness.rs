//! One answer: whatever the order of the input, the shards, the threads and the lane words,
//! through a graph directory on disk.

use std::num::NonZeroUsize;
use std::path::Path;

use kaskade_ingest::spec::ColumnChoice;
use kaskade_model::job::JobPlan;
use kaskade_model::spec::{ModelKind, ModelSpec, Probability, SeedSpec};
use kaskade_model::tally::SimulationRow;
use kaskade_results::Sample;
use kaskade_store::{Graph, Order};
use kaskade_testkit::philox::Philox;
use kaskade_testkit::runs::{Layout, any_shards, run_shards};
use kaskade_testkit::{ArcList, directories, fixtures, reference};
use proptest::prelude::*;

/// The directory of `graph` with its arcs' lines shuffled by `shuffle`.
fn directory(folder: &Path, graph: &ArcList, order: Order, n_shards: u32, shuffle: u64) -> Graph {
    directory_as(folder, graph, order, n_shards, shuffle, false)
}

/// As [`directory`], compressed or not.
fn directory_as(
    folder: &Path,
    graph: &ArcList,
    order: Order,
    n_shards: u32,
    shuffle: u64,
    compress: bool,
) -> Graph {
    let mut arcs = graph.arcs().to_vec();
    let mut philox = Philox::new(shuffle, 0);
    for position in (1..arcs.len()).rev() {
        arcs.swap(position, philox.below(position as u32 + 1) as usize);
    }
    let name = format!("{order}-{n_shards}-{shuffle}{}", if compress { "-c" } else { "" });
    let input = folder.join(format!("{name}.txt"));
    directories::write_text(&input, graph, arcs);
    let mut spec = directories::build_spec(vec![input], folder.join(format!("{name}.kg")));
    spec.column = graph.column().map(|_| ColumnChoice::Index(2));
    spec.directory.order = order;
    spec.directory.n_shards = n_shards;
    spec.directory.compress = compress;
    directories::build(&spec)
}

/// `graph` without its isolated nodes, in the dense ids that a directory in order of id has.
fn without_isolated_nodes(graph: &ArcList) -> ArcList {
    let degrees = graph.in_degrees().into_iter().zip(graph.out_degrees());
    let mut n_nodes = 0;
    let dense: Vec<u32> = degrees
        .map(|(incoming, outgoing)| {
            let node = n_nodes;
            n_nodes += u32::from(incoming + outgoing > 0);
            node
        })
        .collect();
    let renamed =
        graph.arcs().iter().map(|arc| (dense[arc.source as usize], dense[arc.target as usize]));
    let list = ArcList::new(n_nodes, renamed);
    match graph.column() {
        // Renaming keeps the arcs' order.
        Some(column) => {
            let mut values = column.iter();
            list.with_column(|_| *values.next().expect("a value an arc"))
        }
        None => list,
    }
}

fn digest(rows: Vec<SimulationRow>, n_nodes: u32) -> String {
    Sample::collect(rows, n_nodes).expect("the rows are those of a run").digest().to_owned()
}

const MODELS: [(ModelKind, Probability); 5] = [
    (ModelKind::IndependentCascade, Probability::Constant(0.3)),
    (ModelKind::IndependentCascade, Probability::WeightedCascade),
    (ModelKind::IndependentCascade, Probability::Column),
    (ModelKind::LinearThreshold, Probability::WeightedCascade),
    (ModelKind::LinearThreshold, Probability::Column),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    /// What was written, mapped and run is what the reference gives on the bare arcs.
    #[test]
    fn a_graph_directory_gives_the_rows_of_the_reference(
        graph in fixtures::arb_graph(60)
            .prop_filter("a graph has an arc", |graph| !graph.arcs().is_empty())
            .prop_flat_map(fixtures::arb_weights),
        (kind, probability) in prop::sample::select(MODELS.to_vec()),
        n_shards in prop::sample::select(vec![1, 2, 7]),
        compress: bool,
        shuffle: u64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let opened = directory_as(folder.path(), &graph, Order::Id, n_shards, shuffle, compress);
        let seeds = SeedSpec::RandomEach(1);
        let job = directories::job(ModelSpec::new(kind, probability), seeds, 130);
        let plan = directories::plan(&job, &opened);
        let rows = reference::rows(&without_isolated_nodes(&graph), &plan);
        prop_assert_eq!(run_shards(any_shards(opened.into_shards()), &plan, Layout::new(1, 2, 1)), rows);
    }
}

/// One digest for any order of lines, any shards, plain or compressed, threads and lane words; of
/// the graph, one for each order of the ids.
#[test]
fn one_digest() {
    let folder = tempfile::tempdir().unwrap();
    let graph = fixtures::erdos_renyi(2000, 6.0, 1)
        .with_column(|arc| f64::from((arc.source + arc.target) % 10) / 400.0);
    for order in [Order::Id, Order::InDegree] {
        let mut graph_digests = Vec::new();
        let mut digests = vec![Vec::new(); MODELS.len()];
        let cuts = [(1, 1), (2, 2), (7, 3)];
        let cuts = cuts.into_iter().flat_map(|(n, shuffle)| [false, true].map(|c| (n, shuffle, c)));
        for (n_shards, shuffle, compress) in cuts {
            let opened = directory_as(folder.path(), &graph, order, n_shards, shuffle, compress);
            assert_eq!(opened.manifest().layout, kaskade_store::Layout::of(compress));
            graph_digests.push(opened.manifest().digest.clone());
            let suffix = if compress { "-c" } else { "" };
            let path = folder.path().join(format!("{order}-{n_shards}-{shuffle}{suffix}.kg"));
            for ((kind, probability), digests) in MODELS.iter().zip(&mut digests) {
                let seeds = SeedSpec::RandomEach(300);
                let job = directories::job(ModelSpec::new(*kind, probability.clone()), seeds, 300);
                for (n_threads, lane_words) in [(1, 8), (2, 3), (4, 1)] {
                    let opened = directories::open(&path);
                    let n_nodes = opened.nodes().originals().len() as u32;
                    let plan = JobPlan { lane_words, ..directories::plan(&job, &opened) };
                    let n_threads = NonZeroUsize::new(n_threads).unwrap();
                    let layout = Layout { n_threads, ..Layout::plain() };
                    let rows = run_shards(any_shards(opened.into_shards()), &plan, layout);
                    digests.push(digest(rows, n_nodes));
                }
            }
        }
        graph_digests.dedup();
        assert_eq!(graph_digests.len(), 1, "the graph differs in order {order}");
        for (model, mut digests) in MODELS.iter().zip(digests) {
            digests.dedup();
            assert_eq!(digests.len(), 1, "{model:?} differs in order {order}");
        }
    }
}

/// A column of 1/d written as text still fires in every simulation.
#[test]
fn weights_of_one_over_d_survive_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for n_sources in [2u32, 3, 5, 6, 7, 10, 49, 100, 1000] {
        let star = fixtures::in_star(n_sources).with_column(|_| 1.0 / f64::from(n_sources));
        let opened = directory(folder.path(), &star, Order::InDegree, 2, n_sources.into());
        let model = ModelSpec::new(ModelKind::LinearThreshold, Probability::Column);
        let sources = directories::seed_ids(1..=n_sources.into());
        let job = directories::job(model, sources, 1 << 14);
        for row in directories::run(&job, opened, Layout::plain()) {
            assert_eq!(row.spread(), u64::from(n_sources) + 1, "{n_sources} sources");
        }
    }
}
