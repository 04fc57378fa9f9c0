//! Work on files whose sections nobody looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CliError;

static IS_GOING_ON: AtomicBool = AtomicBool::new(false);

/// Does `work` on a graph that was opened with `--verify header`. A look-up that leaves its
/// section panics then, on whichever thread; that becomes an error.
///
/// # Errors
/// [`CliError::UncheckedDamage`], and those of `work`.
pub(crate) fn unchecked<T>(work: impl FnOnce() -> Result<T, CliError>) -> Result<T, CliError> {
    IS_GOING_ON.store(true, Ordering::Relaxed);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_GOING_ON.store(false, Ordering::Relaxed);
    outcome.unwrap_or(Err(CliError::UncheckedDamage))
}

/// Whether such work is going on: its panics need not be told.
pub(crate) fn is_going_on() -> bool {
    IS_GOING_ON.load(Ordering::Relaxed)
}
