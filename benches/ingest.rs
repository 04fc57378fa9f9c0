//! A file of arcs to a graph directory, and to a verified one; beside it, to two arrays by a
//! plain program, and what unpacking alone costs.
//!
//! R-MAT, seed 1, 16 arcs drawn a node, of scale 16 or what `KASKADE_BENCH_SCALE` says: as text,
//! as pairs of `u32`, and as text in a `.gz`. Throughput is in arcs of the file a second. The
//! directory has both views, checksums, digests and an id map, and lies flushed on disk, below
//! `$TMPDIR`; the plain program keeps one view in memory. `gzip` is the program, as a process of
//! its own; `inflate` is the library that `graph build` calls, into nowhere.

use std::env;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main,
};
use flate2::bufread::MultiGzDecoder;
use kaskade_benches::graphs::{directory_at, rmat};
use kaskade_benches::labels::{on_rmat, thread_counts};
use kaskade_benches::plain_ingest;
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{BuildSpec, Duplicates};
use kaskade_ingest::{GenerateTarget, Generated, build, generate};
use kaskade_store::{Orientation, verify};

/// Small enough for every day; real figures are of scale 22, about 64 million distinct arcs.
const DEFAULT_SCALE: u32 = 16;

/// The endings of the files that are built from.
const ENDINGS: [&str; 3] = ["txt", "u32", "txt.gz"];

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn ingest(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a scratch folder");
    let scale = scale();
    let input = |ending: &str| folder.path().join(format!("rmat.{ending}"));
    let mut group = criterion.benchmark_group("ingest");
    group.sampling_mode(SamplingMode::Flat);
    for ending in ENDINGS {
        let n_arcs = draw(scale, input(ending));
        group.throughput(Throughput::Elements(n_arcs));
    }
    plain(&mut group, scale, &input("txt"));
    unpacking(&mut group, scale, &input("txt.gz"));
    for ending in ENDINGS {
        for n_threads in thread_counts() {
            builds(&mut group, scale, n_threads, ending, &input(ending));
        }
    }
    group.finish();
}

fn scale() -> u32 {
    let given = env::var("KASKADE_BENCH_SCALE").ok();
    given.map_or(DEFAULT_SCALE, |scale| scale.parse().expect("KASKADE_BENCH_SCALE is a number"))
}

/// Draws the file at `path`, and gives its number of arcs.
fn draw(scale: u32, path: PathBuf) -> u64 {
    let target = GenerateTarget::File { path, force: false };
    match generate(&rmat(scale), &target, &Unwatched).expect("the file can be drawn") {
        Generated::File { n_arcs, .. } => n_arcs,
        Generated::Directory(_) => unreachable!("a file was asked for"),
    }
}

fn plain(group: &mut Group<'_>, scale: u32, text: &Path) {
    group.bench_function(BenchmarkId::new("plain txt", on_rmat(scale, 1)), |bencher| {
        bencher.iter(|| plain_ingest::read_text(text).expect("every line is a pair"));
    });
}

fn unpacking(group: &mut Group<'_>, scale: u32, packed: &Path) {
    let gzip = || {
        let mut command = Command::new("gzip");
        command.args(["--decompress", "--stdout"]).arg(packed);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    // Not every machine has the program.
    if gzip().is_ok() {
        group.bench_function(BenchmarkId::new("gzip -dc", on_rmat(scale, 1)), |bencher| {
            bencher.iter(|| assert!(gzip().is_ok_and(|status| status.success())));
        });
    }
    group.bench_function(BenchmarkId::new("inflate", on_rmat(scale, 1)), |bencher| {
        bencher.iter(|| {
            let file = File::open(packed).expect("the file was written");
            let mut text = MultiGzDecoder::new(BufReader::with_capacity(1 << 20, file));
            io::copy(&mut text, &mut io::sink()).expect("the file is sound")
        });
    });
}

/// `graph build` of the file at `input`, and with `graph verify` after it.
fn builds(group: &mut Group<'_>, scale: u32, n_threads: usize, ending: &str, input: &Path) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
    let pool = pool.expect("threads can be started");
    let out = input.with_extension("kg");
    let spec = spec(input, out.clone());
    let build = || build(&spec, &Unwatched).expect("it can be built");
    let id = |what: &str| BenchmarkId::new(format!("{what} {ending}"), on_rmat(scale, n_threads));
    group.bench_function(id("graph build"), |bencher| bencher.iter(|| pool.install(build)));
    group.bench_function(id("graph build + verify"), |bencher| {
        bencher.iter(|| {
            pool.install(|| {
                let built = build();
                let report = verify(&out, &|_, _| {}).expect("what was just built is sound");
                assert_eq!(report.digest, built.digest);
            });
        });
    });
}

fn spec(input: &Path, out: PathBuf) -> BuildSpec {
    BuildSpec {
        inputs: vec![input.to_owned()],
        orientation: Orientation::Influence,
        undirected: false,
        format: None,
        column: None,
        duplicates: Duplicates::Max,
        skip_bad_lines: 0,
        directory: directory_at(out),
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = ingest
}
criterion_main!(benches);
