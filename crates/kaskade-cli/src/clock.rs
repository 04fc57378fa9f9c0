//! Dates and job ids.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kaskade_model::JobId;

const SECONDS_PER_DAY: u64 = 86_400;

/// A moment in UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    seconds_since_1970: u64,
}

impl Moment {
    /// Now.
    pub(crate) fn now() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self { seconds_since_1970: since_1970.map_or(0, |elapsed| elapsed.as_secs()) }
    }

    /// The moment so many seconds after the beginning of 1970.
    pub(crate) fn from_seconds(seconds: f64) -> Self {
        Self { seconds_since_1970: seconds as u64 }
    }

    /// So much later, to the second.
    pub(crate) fn later(self, by: Duration) -> Self {
        Self { seconds_since_1970: self.seconds_since_1970 + by.as_secs() }
    }

    /// Seconds since the beginning of 1970.
    pub(crate) fn seconds(self) -> u64 {
        self.seconds_since_1970
    }

    /// As RFC 3339 has it: `2026-11-23T01:44:55Z`.
    pub(crate) fn to_rfc3339(self) -> String {
        let (year, month, day) = civil_date(self.seconds_since_1970 / SECONDS_PER_DAY);
        let (hour, minute, second) = self.time_of_day();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    fn time_of_day(self) -> (u64, u64, u64) {
        let second = self.seconds_since_1970 % SECONDS_PER_DAY;
        (second / 3600, second / 60 % 60, second % 60)
    }
}

/// A job id that sorts by time and that nobody else draws: `20261123-014455-x7f3`.
pub(crate) fn new_job_id() -> JobId {
    let now = Moment::now();
    let (year, month, day) = civil_date(now.seconds_since_1970 / SECONDS_PER_DAY);
    let (hour, minute, second) = now.time_of_day();
    let suffix = random_suffix();
    JobId::new(format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{suffix}"))
        .expect("digits, dashes and letters are the alphabet of job ids")
}

/// Four letters or digits from the randomness that seeds hash maps.
fn random_suffix() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random = RandomState::new().build_hasher().finish();
    (0..4).map(|place| char::from(ALPHABET[(random >> (5 * place)) as usize % 32])).collect()
}

/// Year, month and day, so many days after 1 January 1970 (Howard Hinnant's `civil_from_days`).
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    // Count from 1 March of year 0: leap days then end years, and months have a formula.
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// How long so many days are.
pub(crate) fn days(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * SECONDS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let text = |seconds| Moment { seconds_since_1970: seconds }.to_rfc3339();
        assert_eq!(text(0), "1970-01-01T00:00:00Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(text(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(text(1_795_398_295), "2026-11-23T01:44:55Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn job_ids_differ() {
        let ids: std::collections::BTreeSet<_> = (0..20).map(|_| new_job_id()).collect();
        assert!(ids.len() > 15, "{ids:?}");
        assert_eq!(new_job_id().as_str().len(), "20261123-014455-x7f3".len());
    }
}
