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

/// How a file's bytes come into memory (`docs/loading.md` says what each costs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// Mapped; a page comes from disk when it is first read, and may be given up again.
    #[default]
    Mmap,
    /// Mapped, and all of it asked for at once.
    Populate,
    /// Read into memory of this process, in huge pages where the kernel gives them.
    Ram,
}

/// How a graph is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// How much to check.
    pub verify: Verify,
    /// How the bytes come into memory.
    pub load: Load,
}

impl From<Verify> for Opening {
    fn from(verify: Verify) -> Self {
        Self { verify, load: Load::default() }
    }
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
