//! Synthetic graphs, as directories and as files.

use kaskade_ingest::progress::{Phase, Progress, Unit, Unwatched};
use kaskade_ingest::{GenerateTarget, Generated, IngestError, build, generate};
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::{GenerateSpec, GeneratorKind};
use kaskade_store::{Graph, Manifest, Order};

use crate::common::{Scratch, read_back};

const KINDS: [GeneratorKind; 3] =
    [GeneratorKind::Rmat, GeneratorKind::ErdosRenyi, GeneratorKind::BarabasiAlbert];

fn spec(kind: GeneratorKind, scale: u32) -> GenerateSpec {
    GenerateSpec {
        kind,
        scale: Some(scale),
        nodes: None,
        edge_factor: Some(8.0),
        arcs: None,
        seed: 1,
        a: None,
        b: None,
        c: None,
    }
}

fn generate_directory(scratch: &Scratch, spec: &GenerateSpec) -> Manifest {
    let target = GenerateTarget::Directory(scratch.directory());
    match generate(spec, &target, &Unwatched).unwrap() {
        Generated::Directory(manifest) => *manifest,
        Generated::File { .. } => panic!("a directory was asked for"),
    }
}

#[test]
fn all_nodes_are_in_the_directory() {
    for kind in KINDS {
        let scratch = Scratch::new();
        let manifest = generate_directory(&scratch, &spec(kind, 12));
        assert_eq!(manifest.n_nodes, 4096, "{kind:?}");
        let n_drawn = manifest.n_arcs + manifest.n_duplicates + manifest.n_self_loops;
        let expected = if kind == GeneratorKind::BarabasiAlbert { 4095 * 8 } else { 4096 * 8 };
        assert_eq!(n_drawn, expected, "{kind:?}");
        let mut originals = read_back(&scratch.out()).originals;
        originals.sort_unstable();
        assert!(originals.into_iter().eq(0..4096), "{kind:?}");
    }
}

#[test]
fn graphs_are_the_same_for_any_threads_and_differ_by_seed() {
    for kind in KINDS {
        let digest = |n_threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            // Several chunks and several buckets.
            let spec = GenerateSpec { seed, ..spec(kind, 16) };
            pool.install(|| generate_directory(&Scratch::new(), &spec).digest)
        };
        assert_eq!(digest(1, 1), digest(4, 1), "{kind:?}");
        assert_ne!(digest(4, 1), digest(4, 2), "{kind:?}");
    }
}

/// Drawn graphs stand behind golden digests of jobs: a change here is a change of those.
#[test]
fn graphs_are_frozen() {
    let digest = |kind| generate_directory(&Scratch::new(), &spec(kind, 10)).digest;
    assert_eq!(KINDS.map(digest), GOLDEN_DIGESTS);
}

const GOLDEN_DIGESTS: [&str; 3] = [
    "da74e811e20101e704032f44ef7b5156f1f9d81d57035ad053e1e61b35f30a0f",
    "e3c17fe79bfd9ef8fb7bf6afec1e3742de25ff849628219eea9ec5571c024594",
    "1ee317fc3f9cb4a5c98da83edce1dcc58d5d299a86c8e9191b4f36b5a0b0f13c",
];

#[test]
fn a_file_holds_the_arcs_of_the_directory() {
    for kind in KINDS {
        let scratch = Scratch::new();
        let drawn = generate_directory(&scratch, &spec(kind, 10));
        for name in ["a.txt", "a.txt.gz", "a.txt.zst", "a.u32", "a.u64.gz", "a.u64"] {
            let path = scratch.path(name);
            let target = GenerateTarget::File { path: path.clone(), force: false };
            let generated = generate(&spec(kind, 10), &target, &Unwatched).unwrap();
            let Generated::File { n_nodes: 1024, n_arcs } = generated else {
                panic!("{generated:?}");
            };
            let built = build(&scratch.spec(&[path]), &Unwatched).unwrap();
            assert_eq!(built.n_arcs, drawn.n_arcs, "{kind:?} {name}");
            assert_eq!(built.n_duplicates, drawn.n_duplicates, "{kind:?} {name}");
            assert_eq!(built.n_self_loops, drawn.n_self_loops, "{kind:?} {name}");
            assert_eq!(
                n_arcs,
                drawn.n_arcs + drawn.n_duplicates + drawn.n_self_loops,
                "{kind:?} {name}"
            );
            // Nodes without arcs are the directory's alone.
            assert_eq!(built.n_nodes - built.n_isolated_nodes, 1024 - drawn.n_isolated_nodes);
        }
    }
}

#[test]
fn degrees_are_those_of_the_family() {
    let degrees = |kind| {
        let scratch = Scratch::new();
        let mut directory = scratch.directory();
        directory.order = Order::Id;
        let target = GenerateTarget::Directory(directory);
        generate(&spec(kind, 14), &target, &Unwatched).unwrap();
        let graph = Graph::open_nodes(&scratch.out()).unwrap();
        (graph.out_degrees().to_vec(), graph.nodes().in_degrees().to_vec())
    };
    let highest = |degrees: &[u32]| degrees.iter().copied().max().unwrap();

    let (out, r#in) = degrees(GeneratorKind::ErdosRenyi);
    // Poisson(8): above 30 in 16,384 nodes once in a hundred million graphs.
    assert!(highest(&out) < 30 && highest(&r#in) < 30);
    let (out, r#in) = degrees(GeneratorKind::Rmat);
    assert!(highest(&out) > 300 && highest(&r#in) > 300, "R-MAT has hubs");
    assert_eq!(out[0], highest(&out), "ids are not scrambled");
    let (out, r#in) = degrees(GeneratorKind::BarabasiAlbert);
    assert!(highest(&out) > 300, "the popular reach many");
    assert_eq!(highest(&r#in), 8, "a node follows eight");
}

#[test]
fn files_are_not_replaced_or_left_half_written() {
    let scratch = Scratch::new();
    let small = spec(GeneratorKind::ErdosRenyi, 4);
    let file = |name: &str, force| GenerateTarget::File { path: scratch.path(name), force };
    generate(&small, &file("a.txt", false), &Unwatched).unwrap();
    let again = generate(&small, &file("a.txt", false), &Unwatched);
    assert!(matches!(again, Err(IngestError::OutputExists { .. })));
    generate(&small, &file("a.txt", true), &Unwatched).unwrap();
    let unknown = generate(&small, &file("a.parquet", true), &Unwatched);
    assert!(matches!(unknown, Err(IngestError::UnknownEnding { .. })));
    let missing = generate(&small, &file("no/such/folder/a.txt", true), &Unwatched);
    assert!(matches!(missing, Err(IngestError::Write { .. })));

    struct Interrupt;
    impl Progress for Interrupt {
        fn begin(&self, _phase: Phase, _total: Option<u64>, _unit: Unit) {}
        fn advance(&self, _by: u64) {}
        fn interrupted(&self) -> bool {
            true
        }
    }
    let stopped = generate(&small, &file("b.txt", true), &Interrupt);
    assert!(matches!(stopped, Err(IngestError::Interrupted)));
    let target = GenerateTarget::Directory(scratch.directory());
    assert!(matches!(generate(&small, &target, &Interrupt), Err(IngestError::Interrupted)));
    assert_eq!(scratch.names(), ["a.txt"]);
}

#[test]
fn parameters_and_memory_are_checked_first() {
    let scratch = Scratch::new();
    let target = GenerateTarget::Directory(scratch.directory());
    let bad = GenerateSpec { nodes: Some(3), ..spec(GeneratorKind::Rmat, 3) };
    assert!(matches!(generate(&bad, &target, &Unwatched), Err(IngestError::Generator(_))));
    let mut directory = scratch.directory();
    directory.memory_bytes = Some(1 << 30);
    let large =
        generate(&spec(GeneratorKind::Rmat, 31), &GenerateTarget::Directory(directory), &Unwatched);
    assert!(matches!(large, Err(IngestError::MemoryExceeded { .. })));
    assert!(scratch.names().is_empty());
}
