//! Workers that cannot do their part.

use kaskade_model::message::Reason;

use super::JobLimits;

/// Why a worker gets no part of a job.
#[derive(Clone, Debug)]
pub(super) struct Unfit {
    pub(super) reason: Reason,
    pub(super) detail: String,
    /// When it is tried again; `None` for never.
    pub(super) until_ms: Option<u64>,
}

impl Unfit {
    /// A worker that reported `reason` at `now_ms`. A full disk may have room again, so the worker is
    /// tried again later; nothing else passes by itself.
    pub(super) fn new(reason: Reason, detail: String, now_ms: u64, limits: &JobLimits) -> Self {
        let passes = reason == Reason::DiskFull;
        Self { reason, detail, until_ms: passes.then_some(now_ms + limits.disk_retry_ms) }
    }
}
