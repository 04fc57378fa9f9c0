//! A job that stands still because its log cannot be written.
//!
//! What cannot be noted must not happen: commits wait, and whatever follows from them. A
//! full disk is mostly a matter of minutes, so the job waits for room instead of failing,
//! and its own clock stands still meanwhile: no grace and no stall runs out.

use std::time::Duration;

use kaskade_model::message::Reason;
use tokio::time::Instant;

use crate::job_log::LogError;

/// The time between two attempts to write what could not be written.
pub(super) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A standstill, from the first write that failed.
#[derive(Clone, Debug)]
pub(super) struct Pause {
    pub(super) reason: Reason,
    pub(super) detail: String,
    since: Instant,
    retry_at: Instant,
}

impl Pause {
    /// Begins with `error`.
    pub(super) fn begin(error: &LogError) -> Self {
        let since = Instant::now();
        let reason = if error.is_disk_full() { Reason::DiskFull } else { Reason::Internal };
        let detail = format!(
            "waiting to write the job log, free space and the job goes on by itself: {}",
            crate::error::error_chain(error)
        );
        Self { reason, detail, since, retry_at: since + RETRY_PAUSE }
    }

    /// Another attempt has failed.
    pub(super) fn prolong(&mut self) {
        self.retry_at = Instant::now() + RETRY_PAUSE;
    }

    /// Whether another attempt is due.
    pub(super) fn is_retry_due(&self) -> bool {
        Instant::now() >= self.retry_at
    }

    /// How long it has lasted.
    pub(super) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

/// The clock of a job: the time in which it did not stand still.
#[derive(Debug)]
pub(super) struct JobClock {
    begun: Instant,
    stood_still: Duration,
}

impl JobClock {
    /// Begins now.
    pub(super) fn start() -> Self {
        Self { begun: Instant::now(), stood_still: Duration::ZERO }
    }

    /// Milliseconds since it began, those of past pauses and of `pause` left out.
    pub(super) fn now_ms(&self, pause: Option<&Pause>) -> u64 {
        let still = self.stood_still + pause.map_or(Duration::ZERO, Pause::elapsed);
        u64::try_from(self.begun.elapsed().saturating_sub(still).as_millis()).unwrap_or(u64::MAX)
    }

    /// All time since it began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Takes out the time of `pause`, which is over.
    pub(super) fn leave_out(&mut self, pause: &Pause) {
        self.stood_still += pause.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_a_job_stands_still_while_it_waits() {
        let mut clock = JobClock::start();
        advance(Duration::from_millis(5)).await;
        let mut pause = Pause::begin(&LogError::Closed { path: PathBuf::from("jobs.redb") });
        advance(10 * RETRY_PAUSE).await;
        assert_eq!(clock.now_ms(Some(&pause)), 5);
        assert!(pause.is_retry_due());
        pause.prolong();
        assert!(!pause.is_retry_due());
        clock.leave_out(&pause);
        advance(Duration::from_millis(2)).await;
        assert_eq!(clock.now_ms(None), 7);
    }
}
