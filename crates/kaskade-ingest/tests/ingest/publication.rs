//! A build that does not end well leaves nothing, and one that does replaces only on demand.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kaskade_ingest::progress::{Phase, Progress, Unit, Unwatched};
use kaskade_ingest::{IngestError, build};
use kaskade_store::StoreError;

use crate::common::Scratch;

/// Interrupts as soon as `phase` has begun.
struct InterruptIn {
    phase: Phase,
    begun: AtomicUsize,
    asked: AtomicUsize,
}

impl InterruptIn {
    fn new(phase: Phase) -> Self {
        Self { phase, begun: AtomicUsize::new(0), asked: AtomicUsize::new(0) }
    }
}

impl Progress for InterruptIn {
    fn begin(&self, phase: Phase, _total: Option<u64>, _unit: Unit) {
        self.begun.fetch_add(usize::from(phase == self.phase), Relaxed);
    }

    fn advance(&self, _by: u64) {}

    fn interrupted(&self) -> bool {
        let begun = self.begun.load(Relaxed) > 0;
        self.asked.fetch_add(usize::from(begun), Relaxed);
        begun
    }
}

#[test]
fn an_interrupt_in_any_phase_leaves_nothing() {
    let scratch = Scratch::new();
    let input = scratch.write("arcs.txt", "1 2\n2 3\n");
    for phase in [Phase::Parse, Phase::Order, Phase::Sort, Phase::Write] {
        let progress = InterruptIn::new(phase);
        let result = build(&scratch.spec(std::slice::from_ref(&input)), &progress);
        assert!(matches!(result, Err(IngestError::Interrupted)), "{phase:?}");
        assert!(progress.asked.load(Relaxed) > 0, "{phase:?}");
        assert_eq!(scratch.names(), ["arcs.txt"], "{phase:?}");
    }
}

#[test]
fn phases_advance_to_their_totals() {
    #[derive(Default)]
    struct Log(std::sync::Mutex<Vec<(Phase, u64, u64)>>);
    impl Progress for Log {
        fn begin(&self, phase: Phase, total: Option<u64>, _unit: Unit) {
            self.0.lock().unwrap().push((phase, total.unwrap(), 0));
        }
        fn advance(&self, by: u64) {
            self.0.lock().unwrap().last_mut().unwrap().2 += by;
        }
    }
    let scratch = Scratch::new();
    let input = scratch.write("arcs.txt", "1 2\n2 3\n2 2\n1 2\n");
    let log = Log::default();
    build(&scratch.spec(&[input]), &log).unwrap();
    assert_eq!(
        log.0.into_inner().unwrap(),
        [(Phase::Parse, 16, 16), (Phase::Order, 4, 4), (Phase::Sort, 3, 3), (Phase::Write, 2, 2)]
    );
}

#[test]
fn an_existing_directory_is_kept_unless_forced() {
    let scratch = Scratch::new();
    let first = scratch.build_file("arcs.txt", "1 2\n", |_| {}).unwrap();
    let refused = scratch.build_file("arcs.txt", "1 2\n2 3\n", |spec| spec.directory.force = false);
    assert!(matches!(refused, Err(IngestError::Store(StoreError::Exists { .. }))));
    let failed = scratch.build_file("arcs.txt", "1 x\n", |_| {});
    assert!(matches!(failed, Err(IngestError::BadLine { .. })));
    let kept = kaskade_store::Manifest::read(&scratch.out()).unwrap();
    assert_eq!(kept.digest, first.digest);
    let second = scratch.build_file("arcs.txt", "1 2\n2 3\n", |_| {}).unwrap();
    assert_ne!(first.digest, second.digest);
    assert_eq!(scratch.names(), ["arcs.txt", "graph.kg"]);
}

#[test]
fn too_much_for_the_allowance_is_refused_with_figures() {
    let scratch = Scratch::new();
    let text: String = (0..1000).map(|i| format!("{i} {}\n", i + 1)).collect();
    let input = scratch.write("arcs.txt", text);
    let mut spec = scratch.spec(&[input]);
    spec.directory.memory_bytes = Some(5000);
    let Err(IngestError::MemoryExceeded { needed_bytes, allowed_bytes: 5000 }) =
        build(&spec, &Unwatched)
    else {
        panic!("the build was not refused");
    };
    spec.directory.memory_bytes = Some(4 * needed_bytes);
    build(&spec, &Unwatched).unwrap();
}

#[test]
fn shard_counts_out_of_range_are_refused() {
    let scratch = Scratch::new();
    for n_shards in [0, 4097] {
        let result =
            scratch.build_file("arcs.txt", "1 2\n", |spec| spec.directory.n_shards = n_shards);
        assert!(matches!(result, Err(IngestError::ShardCount { .. })), "{n_shards}");
    }
    // Writing and syncing the most shards takes long: it is enough that parsing begins.
    let mut most = scratch.spec(&[scratch.path("arcs.txt")]);
    most.directory.n_shards = 4096;
    let result = build(&most, &InterruptIn::new(Phase::Parse));
    assert!(matches!(result, Err(IngestError::Interrupted)));
    let many = scratch.build_file("arcs.txt", "1 2\n", |spec| spec.directory.n_shards = 50);
    assert_eq!(many.unwrap().shards.len(), 50, "more shards than nodes");
}
