//! A graph is the same whatever of it was on disk meanwhile.

use std::fmt::Write as _;
use std::path::Path;

use kaskade_model::seeds::NodeDirectory;
use kaskade_model::{NodeId, Shard};
use kaskade_store::{Graph, ShardSelection, Verify};
use proptest::prelude::*;

use super::*;
use crate::progress::Unwatched;
use crate::spec::{DirectorySpec, Duplicates};

/// What the third field of a line is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Third {
    Nothing,
    Probability,
    Class,
}

const THIRDS: [Third; 3] = [Third::Nothing, Third::Probability, Third::Class];

fn spec(folder: &Path, text: &str, third: Third) -> BuildSpec {
    let input = folder.join("arcs.txt");
    std::fs::write(&input, text).unwrap();
    let directory =
        DirectorySpec { n_shards: 3, force: true, ..DirectorySpec::at(folder.join("graph.kg")) };
    BuildSpec {
        column: (third == Third::Probability).then(|| "2".parse().unwrap()),
        channel_column: (third == Third::Class).then(|| "2".parse().unwrap()),
        duplicates: Duplicates::NoisyOr,
        ..BuildSpec::of(vec![input.into()], directory)
    }
}

/// What must not depend on the memory: everything but what names the build.
fn digests(manifest: &Manifest) -> (String, String, Vec<String>, u64, u64) {
    let facts = (manifest.n_duplicates, manifest.n_self_loops);
    let channels = manifest.channels.clone();
    (manifest.digest.clone(), manifest.shard_table_digest(), channels, facts.0, facts.1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_budget_gives_the_same_bytes(
        // A hub and repetitions, so that buckets are uneven and parted along both axes.
        arcs in prop::collection::vec((0u64..90, prop_oneof![Just(7u64), 0u64..90], 1u32..5), 1..400),
        shift in prop_oneof![Just(0u32), Just(50)],
        third in prop::sample::select(&THIRDS[..]),
        undirected in any::<bool>(),
        bytes in 200u64..20_000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for (from, to, eighths) in &arcs {
            let value = f64::from(*eighths) / 8.0;
            writeln!(text, "{} {} {value}", from << shift, to << shift).unwrap();
        }
        let mut spec = spec(folder.path(), &text, third);
        spec.undirected = undirected;
        let expected = build(&spec, &Unwatched).unwrap();
        match build_within(&spec, Budget::tiny(bytes), &Unwatched) {
            Ok(found) => prop_assert_eq!(digests(&found), digests(&expected)),
            // Too little for the distinct ids, for a shard, or for the values of one arc.
            Err(IngestError::MemoryExceeded { .. } | IngestError::ShardMemory { .. }) => {}
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
        // What is left is the input and the graph.
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

#[test]
fn a_graph_that_spills_everywhere_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for i in 0..3000u64 {
        // Every node follows node 5, and some node twice.
        writeln!(text, "{} 5 0.5\n{} {} 0.25\n{} {} 0.5", i, i, i * i % 500, i, i * i % 500)
            .unwrap();
    }
    for third in THIRDS {
        let spec = spec(folder.path(), &text, third);
        let expected = build(&spec, &Unwatched).unwrap();
        let phases = Phases::default();
        // Lists of 30,000 bytes do not fit a quarter of it, shards do fit three.
        let bytes = match third {
            Third::Nothing => 130_000,
            Third::Probability => 400_000,
            Third::Class => 200_000,
        };
        let found = build_within(&spec, Budget::tiny(bytes), &phases).unwrap();
        assert_eq!(digests(&found), digests(&expected));
        let phases = phases.0.into_inner().unwrap();
        assert!(phases.contains(&Phase::Share), "lists spilled: {phases:?}");
    }
}

/// Every source's first rank in every shard is what counting its arcs into the shards before
/// gives, whatever the shards, their layout and the budget.
#[test]
fn first_ranks_count_the_arcs_into_the_shards_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for i in 0..1500u64 {
        // Node 3 reaches every node, node 1499 too, all reach node 5, and some a few others.
        writeln!(text, "3 {i}\n1499 {i}\n{i} 5\n{i} {}\n{} {i}", i * i % 1500, i * 7 % 90).unwrap();
    }
    let mut spec = spec(folder.path(), &text, Third::Nothing);
    let mut digests = Vec::new();
    for (n_shards, compress) in [1, 2, 7, 16].map(|n| [(n, false), (n, true)]).concat() {
        spec.directory.n_shards = n_shards;
        spec.directory.compress = compress;
        // One shard at a time, several at a time, and all.
        for bytes in [250_000, 400_000, u64::MAX] {
            let (budget, phases) = (Budget::tiny(bytes), Phases::default());
            match build_within(&spec, budget, &phases) {
                Ok(manifest) => digests.push(manifest.digest),
                Err(IngestError::ShardMemory { .. }) if n_shards < 7 => continue,
                Err(error) => panic!("{n_shards} shards, {bytes} bytes: {error}"),
            }
            let graph = check_first_ranks(&spec.directory.out);
            assert_eq!(graph.shards().len(), n_shards as usize);
        }
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "the digest knows neither shards nor ranks");
}

/// Compares the first ranks in the graph directory `dir` with those that its in-views say.
fn check_first_ranks(dir: &Path) -> Graph {
    kaskade_store::verify(dir, &|_, _| {}).unwrap();
    let graph = Graph::open(dir, ShardSelection::All, Verify::Full, &|_, _| {}).unwrap();
    let mut n_before = vec![0; graph.n_nodes() as usize];
    let mut scratch = Vec::new();
    for (shard_idx, shard) in graph.shards().iter().enumerate() {
        let mut n_own = vec![0; n_before.len()];
        for node_idx in 0..shard.nodes().n_nodes() as u32 {
            for &source in shard.in_sources(node_idx, &mut scratch).unwrap() {
                n_own[source as usize] += 1;
            }
        }
        for (source, (n_own, n_before)) in (0..).zip(n_own.iter().zip(&mut n_before)) {
            let expected = if *n_own > 0 { *n_before } else { 0 };
            let found = shard.first_rank(NodeId(source));
            assert_eq!(found, expected, "source {source}, shard {shard_idx}");
            *n_before += n_own;
        }
    }
    assert_eq!(n_before, graph.out_degrees());
    graph
}

/// Notes the phases of a build.
#[derive(Default)]
struct Phases(std::sync::Mutex<Vec<Phase>>);

impl Progress for Phases {
    fn begin(&self, phase: Phase, _total: Option<u64>, _unit: Unit) {
        self.0.lock().unwrap().push(phase);
    }

    fn advance(&self, _by: u64) {}
}
