//! What is written is what is read, whatever the shards and views.

use kaskade_model::coin::Threshold;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeId, Shard, ShardId};
use proptest::prelude::*;

use super::fixture::{Input, channels_of, inputs, tiny};
use crate::container::Tag;
use crate::{
    Graph, IdKind, Layout, Manifest, Originals, ShardSelection, Verify, Views, names, verify,
};

const NO_PROGRESS: &crate::Progress<'static> = &|_, _| {};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn both_views_give_the_arcs_of_the_input(input in inputs()) {
        let folder = tempfile::tempdir().unwrap();
        let mut digests = Vec::new();
        let cuts =
            [(1, Views::Both), (2, Views::Both), (7, Views::Both), (2, Views::Out), (2, Views::In)];
        let cuts = cuts.into_iter().flat_map(|(n_shards, views)| {
            [Layout::Plain, Layout::Compressed].map(|layout| (n_shards, views, layout))
        });
        for (n_shards, views, layout) in cuts {
            let dir = folder.path().join(format!("{n_shards}-{views}-{layout}.kg"));
            let manifest = input.write_as(&dir, n_shards, views, layout).unwrap();
            prop_assert_eq!(manifest.layout, layout);
            prop_assert_eq!(&Manifest::read(&dir).unwrap(), &manifest);
            let graph = Graph::open(&dir, ShardSelection::All, Verify::Full, NO_PROGRESS).unwrap();
            check_nodes(&graph, &input)?;
            if views.has_out() {
                check_out_view(&graph, &input)?;
            }
            if views.has_in() {
                check_in_view(&graph, &input)?;
            }
            let report = verify(&dir, NO_PROGRESS).unwrap();
            prop_assert_eq!(report.n_arcs, input.arcs.len() as u64);
            prop_assert_eq!(report.n_shards, n_shards as usize);
            digests.push(manifest.digest);
        }
        digests.dedup();
        prop_assert_eq!(digests.len(), 1, "one digest for any shards and views");
    }
}

fn check_nodes(graph: &Graph, input: &Input) -> Result<(), TestCaseError> {
    let (out_degrees, in_degrees) = input.degrees();
    let originals = graph.nodes().originals();
    prop_assert_eq!(originals.kind(), input.ids);
    prop_assert_eq!(graph.manifest().ids, input.ids);
    match originals {
        Originals::Numbers(numbers) => prop_assert_eq!(numbers, input.originals()),
        Originals::Names { ends, bytes } => {
            prop_assert_eq!((ends.to_vec(), bytes.to_vec()), input.names());
        }
    }
    prop_assert_eq!(graph.out_degrees(), out_degrees);
    prop_assert_eq!(graph.nodes().in_degrees(), in_degrees);
    for node in (0..input.n_nodes).map(NodeId) {
        prop_assert_eq!(graph.find(&graph.original(node)), Some(node));
    }
    prop_assert_eq!(graph.find(&OriginalId::Number(4)), None);
    Ok(())
}

fn check_out_view(graph: &Graph, input: &Input) -> Result<(), TestCaseError> {
    let (mut n_arcs, mut scratch, mut in_scratch) = (0, Vec::new(), Vec::new());
    let mut n_before = vec![0; input.n_nodes as usize];
    for shard in graph.shards() {
        let own = shard.nodes();
        for source in (0..input.n_nodes).map(NodeId) {
            let out_arcs = shard.out_arcs(source, &mut scratch);
            prop_assert_eq!(out_arcs.targets.len(), shard.n_out_arcs(source));
            let is_there = !out_arcs.targets.is_empty();
            let first_rank = shard.first_rank(source);
            prop_assert_eq!(first_rank, if is_there { n_before[source.index()] } else { 0 });
            n_before[source.index()] += out_arcs.targets.len() as u32;
            prop_assert!(out_arcs.targets.is_sorted_by(|a, b| a < b));
            for (position, &target_idx) in (out_arcs.first_arc..).zip(out_arcs.targets) {
                let probability = input.arcs.get(&(own.node(target_idx).0, source.0));
                prop_assert!(probability.is_some());
                n_arcs += 1;
                let stored = |p: f64| Threshold::from_probability(p).unwrap().stored();
                let expected = input.has_column.then_some(probability.copied()).flatten();
                let channels = shard.arc_channels().map(|channels| channels[position]);
                prop_assert_eq!(channels, input.has_channels.then(|| channels_of(&source.0)));
                let found = shard.arc_thresholds().map(|thresholds| thresholds[position]);
                prop_assert_eq!(found, expected.map(stored));
                if let Some(in_ranks) = shard.in_ranks() {
                    let sources = shard.in_sources(target_idx, &mut in_scratch).unwrap();
                    prop_assert_eq!(sources[in_ranks.at(position) as usize], source.0);
                }
            }
        }
    }
    prop_assert_eq!(n_arcs, input.arcs.len());
    Ok(())
}

fn check_in_view(graph: &Graph, input: &Input) -> Result<(), TestCaseError> {
    let mut scratch = Vec::new();
    for shard in graph.shards() {
        for (node_idx, node) in (0..).zip(shard.nodes().begin..shard.nodes().end) {
            let in_arcs: Vec<_> = input.arcs.range((node, 0)..(node + 1, 0)).collect();
            let expected: Vec<u32> = in_arcs.iter().map(|(arc, _)| arc.1).collect();
            prop_assert_eq!(shard.in_sources(node_idx, &mut scratch).unwrap(), &expected[..]);
            prop_assert_eq!(shard.in_degrees()[node_idx as usize] as usize, expected.len());
            let sums = shard.cumulative_weights(node_idx);
            prop_assert_eq!(sums.map(<[u32]>::len), input.has_column.then_some(expected.len()));
            let mut exact = 0.0;
            for ((_, probability), &sum) in in_arcs.iter().zip(sums.unwrap_or(&[])) {
                exact += **probability;
                let found = Threshold::from_stored(sum).width() as f64 / (1u64 << 32) as f64;
                prop_assert!((found - exact).abs() < 1e-9);
            }
        }
    }
    Ok(())
}

#[test]
fn absent_sources_have_no_arcs() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("tiny.kg");
    tiny().write(&dir, 2, Views::Both).unwrap();
    let graph = Graph::open(&dir, ShardSelection::Only(&[ShardId(1)]), Verify::Full, NO_PROGRESS);
    let graph = graph.unwrap();
    let shard = &graph.shards()[0];
    assert_eq!((shard.nodes().begin, shard.nodes().end), (64, 71));
    let mut scratch = Vec::new();
    assert_eq!(shard.out_arcs(NodeId(0), &mut scratch).targets, [5]);
    for source in 1..71 {
        assert!(shard.out_arcs(NodeId(source), &mut scratch).targets.is_empty(), "source {source}");
    }
}

#[test]
fn a_column_is_part_of_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |name: &str, input: &Input| {
        input.write(&folder.path().join(name), 1, Views::Both).unwrap().digest
    };
    let with_column = tiny();
    let mut other_weight = tiny();
    other_weight.arcs.insert((0, 1), 0.125);
    let without_column = Input { has_column: false, ..tiny() };
    let digests =
        [digest("a", &with_column), digest("b", &other_weight), digest("c", &without_column)];
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
}

#[test]
fn weights_above_one_are_noted_by_original_id() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("heavy.kg");
    let mut input = tiny();
    input.arcs.insert((69, 1), 0.8);
    let manifest = input.write(&dir, 2, Views::Both).unwrap();
    assert_eq!(manifest.weights_exceed_one_at, Some(OriginalId::Number(input.originals()[69])));
    let graph = Graph::open(&dir, ShardSelection::All, Verify::Full, NO_PROGRESS).unwrap();
    assert!(graph.shards()[0].cumulative_weights(0).is_some(), "only the shard of the node");
    assert!(graph.shards()[1].cumulative_weights(0).is_none());
    assert!(graph.shards()[1].arc_thresholds().is_some(), "independent cascade can run");
    verify(&dir, NO_PROGRESS).unwrap();
}

/// A block of sources with more arcs than 16 bits count, and in-degrees beyond 8 and 16 bits.
#[test]
fn wide_blocks_and_ranks_return() {
    const N_NODES: u32 = 66_100;
    let folder = tempfile::tempdir().unwrap();
    // Node 0 is heard by all; three nodes of the second block too; node 1 hears `n_heard`.
    let hubs = [0, 300, 301, 511];
    for (n_heard, element_bytes) in [(200, 1), (300, 2), (66_000, 4)] {
        let mut arcs = std::collections::BTreeMap::new();
        for target in 1000..N_NODES {
            arcs.extend(hubs.map(|hub| ((target, hub), 0.5)));
        }
        arcs.extend((2..2 + n_heard).map(|source| ((1, source), 0.5)));
        let input = Input { n_nodes: N_NODES, arcs, has_column: false, ..tiny() };
        for layout in [Layout::Plain, Layout::Compressed] {
            let dir = folder.path().join(format!("{n_heard}-{layout}.kg"));
            input.write_as(&dir, 1, Views::Both, layout).unwrap();
            let graph = Graph::open(&dir, ShardSelection::All, Verify::Full, NO_PROGRESS).unwrap();
            check_out_view(&graph, &input).unwrap();
            check_in_view(&graph, &input).unwrap();
            let container = graph.shards()[0].container();
            assert_eq!(container.element_bytes(Tag::InRanks), Some(element_bytes), "{n_heard}");
            verify(&dir, NO_PROGRESS).unwrap();
        }
    }
}

/// Blocks whose ends fit 16 bits and whose first ranks do not.
#[test]
fn first_ranks_beyond_16_bits_return() {
    const N_NODES: u32 = 101_000;
    let folder = tempfile::tempdir().unwrap();
    let everyone = (1..N_NODES).map(|target| ((target, 0), 0.5));
    // Another source in the wide block, one in the next, which is narrow.
    let others = [300, 70_000, 100_999].into_iter().flat_map(|v| [((v, 7), 0.5), ((v, 256), 0.5)]);
    let arcs = everyone.chain(others).collect();
    let input = Input { n_nodes: N_NODES, arcs, has_column: false, ..tiny() };
    for layout in [Layout::Plain, Layout::Compressed] {
        let dir = folder.path().join(format!("{layout}.kg"));
        input.write_as(&dir, 3, Views::Both, layout).unwrap();
        let graph = Graph::open(&dir, ShardSelection::All, Verify::Full, NO_PROGRESS).unwrap();
        check_out_view(&graph, &input).unwrap();
        let shard = &graph.shards()[2];
        assert!(shard.n_out_arcs(NodeId(0)) <= usize::from(u16::MAX));
        assert!(shard.first_rank(NodeId(0)) > u16::MAX.into());
        assert_eq!([7, 256].map(|source| shard.first_rank(NodeId(source))), [1, 1]);
        assert_eq!(shard.first_rank(NodeId(8)), 0, "an absent source");
        let slots = shard.container().section::<u16>(Tag::FirstRanks).unwrap().unwrap();
        assert_eq!(slots.len(), 2 + 2 + 1, "two sources in wide slots, one in a narrow one");
        verify(&dir, NO_PROGRESS).unwrap();
    }
}

#[test]
fn names_are_noted_and_damage_to_them_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("names.kg");
    let mut input = Input { ids: IdKind::String, ..tiny() };
    input.arcs.insert((69, 1), 0.8);
    let manifest = input.write(&dir, 2, Views::Both).unwrap();
    assert_eq!(Manifest::read(&dir).unwrap(), manifest);
    assert_eq!(manifest.weights_exceed_one_at, Some("ö000069".into()));
    let numbers = Input { ids: IdKind::Number, ..input };
    let of_numbers = numbers.write(&folder.path().join("numbers.kg"), 2, Views::Both).unwrap();
    assert_ne!(of_numbers.id_map_digest, manifest.id_map_digest);
    assert_ne!(of_numbers.digest, manifest.digest, "ids are part of a graph's identity");
    assert_eq!(of_numbers.arc_sum, manifest.arc_sum);

    let path = dir.join(names::NODES);
    let sound = std::fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &changed).unwrap();
        let graph = Graph::open(&dir, ShardSelection::Only(&[]), Verify::Full, NO_PROGRESS);
        assert!(graph.is_err(), "byte {at}");
    }
}
