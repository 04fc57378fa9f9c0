//! A text file of arcs to a graph directory; beside it, to two arrays by a plain program.
//!
//! R-MAT of scale 16, seed 1: a million lines of two dense ids. Throughput is in bytes of
//! text a second. The directory has both views, checksums, digests and an id map, and
//! lies flushed on disk; the plain program keeps one view in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kaskade_benches::graphs::{directory_at, rmat};
use kaskade_benches::labels::{on_rmat, thread_counts};
use kaskade_benches::plain_ingest;
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{BuildSpec, Duplicates, IdKind};
use kaskade_ingest::{GenerateTarget, build, generate};
use kaskade_store::Orientation;

const SCALE: u32 = 16;

fn ingest(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a scratch folder");
    let text = folder.path().join("rmat.txt");
    let target = GenerateTarget::File { path: text.clone(), force: false };
    generate(&rmat(SCALE), &target, &Unwatched).expect("the file can be drawn");

    let mut group = criterion.benchmark_group("ingest");
    let n_bytes = fs::metadata(&text).expect("the file was written").len();
    group.throughput(Throughput::Bytes(n_bytes));
    group.bench_function(BenchmarkId::new("plain", on_rmat(SCALE, 1)), |bencher| {
        bencher.iter(|| plain_ingest::read_text(&text).expect("every line is a pair"));
    });
    for n_threads in thread_counts() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build();
        let pool = pool.expect("threads can be started");
        let spec = spec(&text, folder.path().join("rmat.kg"));
        group.bench_function(
            BenchmarkId::new("graph build", on_rmat(SCALE, n_threads)),
            |bencher| {
                bencher
                    .iter(|| pool.install(|| build(&spec, &Unwatched).expect("it can be built")));
            },
        );
    }
    group.finish();
}

fn spec(text: &Path, out: PathBuf) -> BuildSpec {
    BuildSpec {
        inputs: vec![text.to_owned().into()],
        orientation: Orientation::Influence,
        undirected: false,
        format: None,
        ids: IdKind::Auto,
        source_column: None,
        target_column: None,
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
