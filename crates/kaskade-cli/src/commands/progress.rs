//! The progress of other crates' work, as bars.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use indicatif::ProgressBar;
use kaskade_engine::local::Observer;
use kaskade_ingest::progress::{Phase, Progress, Unit};
use kaskade_store::{Graph, ShardSelection, Verify};

use crate::console::{Console, Counted};
use crate::error::CliError;
use crate::interrupt::Watch;

/// Shows a build or a generator, a bar a phase, and stops it on Ctrl-C.
#[derive(Debug)]
pub(super) struct IngestProgress<'a> {
    console: &'a Console,
    watch: Watch,
    bar: Mutex<ProgressBar>,
}

impl<'a> IngestProgress<'a> {
    /// Begins to watch for Ctrl-C.
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, watch: Watch::begin(), bar: Mutex::new(ProgressBar::hidden()) }
    }
}

impl Progress for IngestProgress<'_> {
    fn begin(&self, phase: Phase, total: Option<u64>, unit: Unit) {
        let label = match phase {
            Phase::Parse => "reading",
            Phase::Draw => "drawing",
            Phase::Order => "ordering",
            Phase::Sort => "sorting",
            Phase::Share => "sharing",
            Phase::Attributes => "reading node columns",
            Phase::Write => "writing",
        };
        let counted = match unit {
            Unit::Bytes => Counted::Bytes,
            Unit::Arcs => Counted::Things("arcs"),
        };
        let next = self.console.bar(label, total, counted);
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *bar, next).finish_and_clear();
    }

    fn advance(&self, by: u64) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).inc(by);
    }

    fn interrupted(&self) -> bool {
        self.watch.is_interrupted()
    }
}

impl Drop for IngestProgress<'_> {
    fn drop(&mut self) {
        self.bar.get_mut().unwrap_or_else(PoisonError::into_inner).finish_and_clear();
    }
}

/// Calls `work` with a report of bytes done and bytes in total, shown as a bar.
pub(super) fn with_byte_bar<T>(
    console: &Console,
    label: &'static str,
    work: impl FnOnce(&kaskade_store::Progress<'_>) -> T,
) -> T {
    with_bar(console, label, Counted::Bytes, work)
}

/// As [`with_byte_bar`], of whatever is `counted`.
pub(super) fn with_bar<T>(
    console: &Console,
    label: &'static str,
    counted: Counted,
    work: impl FnOnce(&kaskade_store::Progress<'_>) -> T,
) -> T {
    let bar = console.bar(label, Some(0), counted);
    let outcome = work(&|done, total| {
        bar.set_length(total);
        // Reports of other threads may overtake this one.
        bar.update(|state| state.set_pos(state.pos().max(done)));
    });
    bar.finish_and_clear();
    outcome
}

/// Shows an in-process run, and stops it on Ctrl-C.
#[derive(Debug)]
pub(super) struct RunProgress {
    watch: Watch,
    bar: ProgressBar,
}

impl RunProgress {
    /// Begins to watch for Ctrl-C and to count to `n_simulations`.
    pub(super) fn new(console: &Console, n_simulations: u64) -> Self {
        let bar = console.bar("running", Some(n_simulations), Counted::Things("simulations"));
        Self { watch: Watch::begin(), bar }
    }
}

impl Observer for RunProgress {
    fn simulations_finished(&self, n_simulations: u64) {
        self.bar.inc(n_simulations);
    }

    fn is_interrupted(&self) -> bool {
        self.watch.is_interrupted()
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Maps the whole graph directory `dir` and checks every byte of it, with a bar.
///
/// # Errors
/// As [`Graph::open`].
pub(super) fn open_verified(dir: &Path, console: &Console) -> Result<Graph, CliError> {
    let graph = with_byte_bar(console, "verifying", |progress| {
        Graph::open(dir, ShardSelection::All, Verify::Full, progress)
    })?;
    Ok(graph)
}
