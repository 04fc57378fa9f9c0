//! How a graph is opened: which shards, how much is checked, and who hears of it.

use std::sync::atomic::{AtomicU64, Ordering};

use kaskade_model::ShardId;

/// Which shards to map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardSelection<'a> {
    /// All of them.
    All,
    /// These, in this order.
    Only(&'a [ShardId]),
}

/// How much to check before the first read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Every checksum, bound and order, in parallel: reads each file once from disk, then
    /// takes about a second a gigabyte on two cores. After it no lookup can fail.
    #[default]
    Full,
    /// Headers and the tables of checksums only, at no cost. A section that was damaged on
    /// disk then gives wrong results or a panic.
    Header,
}

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
