//! How far a long pass over files has come.

use std::sync::atomic::{AtomicU64, Ordering};

/// Called with the bytes done and the bytes in total, from any thread; calls may overtake
/// each other, so keep the largest.
pub type Progress<'a> = dyn Fn(u64, u64) + Sync + 'a;

/// Sums what threads have done and reports it.
pub(crate) struct Meter<'a> {
    done_bytes: AtomicU64,
    total_bytes: u64,
    report: &'a Progress<'a>,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(total_bytes: u64, report: &'a Progress<'a>) -> Self {
        Self { done_bytes: AtomicU64::new(0), total_bytes, report }
    }

    pub(crate) fn add(&self, bytes: u64) {
        let before = self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        (self.report)(before + bytes, self.total_bytes);
    }
}
