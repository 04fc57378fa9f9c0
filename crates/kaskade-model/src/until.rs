//! When a job has simulated enough: the stop rule `until`.
//!
//! The job is looked at after fixed numbers of simulations, each about half as many again as the
//! one before ([`Until::looks`]); it stops at the first look at which the interval of the mean
//! spread is narrow enough, or at the last. Every look's interval misses the expected spread with
//! probability α/K, where 1 − α is the confidence and K the number of looks, so the chance that
//! *any* of them misses is at most α: whichever look the job stops at, its interval holds.
//!
//! Looks are at numbers of simulations, never at times: where a job stops depends on spec, graph
//! and seed alone, and its result holds exactly the simulations before that look.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::lanes::LANES_PER_WORD;
use crate::normal;
use crate::tally::JobTally;

/// The first look: fewer simulations say little of their own deviation.
const FIRST_LOOK: u64 = 1024;

/// How sure of the mean spread a job is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Until {
    /// Half the interval's width over the mean, in (0, 1].
    pub relative_error: f64,
    /// The chance that the interval holds the expected spread, in [0.5, 1).
    pub confidence: f64,
}

impl Until {
    /// The numbers of simulations after which a job of at most `max_simulations` (at least 1) is
    /// looked at, ascending; the last is `max_simulations` itself.
    pub fn looks(max_simulations: u64) -> impl Iterator<Item = u64> {
        let later = move |&look: &u64| {
            let next = (look + look / 2).next_multiple_of(LANES_PER_WORD as u64);
            (look < max_simulations).then_some(next.min(max_simulations))
        };
        std::iter::successors(Some(FIRST_LOOK.min(max_simulations)), later)
    }

    /// Half the width of every look's interval, in standard errors of the mean.
    #[must_use]
    pub fn margin(&self, max_simulations: u64) -> f64 {
        normal::two_sided((1.0 - self.confidence) / Self::looks(max_simulations).count() as f64)
    }
}

/// The looks at one job, the next of them still to come.
#[derive(Clone, Debug)]
pub struct Looks {
    until: Until,
    max_simulations: u64,
    first_simulation: u64,
    margin: f64,
    next: u64,
    seen: u64,
    sum: u128,
    sum_of_squares: u128,
}

/// What a look leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The job goes on to the next look.
    GoOn,
    /// The job is done.
    Stop,
}

impl Looks {
    /// The looks at a job of at most `max_simulations` from number `first_simulation`.
    #[must_use]
    pub fn new(until: Until, first_simulation: u64, max_simulations: u64) -> Self {
        Self {
            until,
            max_simulations,
            first_simulation,
            margin: until.margin(max_simulations),
            next: FIRST_LOOK.min(max_simulations),
            seen: 0,
            sum: 0,
            sum_of_squares: 0,
        }
    }

    /// The number of simulations that the next look needs; once a look said [`Verdict::Stop`],
    /// the number in the result.
    #[must_use]
    pub fn n_simulations(&self) -> u64 {
        self.next
    }

    /// Takes the next look at `tally`, which holds at least the simulations that it needs.
    ///
    /// O(simulations since the look before).
    pub fn look(&mut self, tally: &JobTally) -> Verdict {
        self.add_spreads(tally);
        if self.next == self.max_simulations || self.is_precise() {
            return Verdict::Stop;
        }
        let later = Until::looks(self.max_simulations).find(|&look| look > self.next);
        self.next = later.unwrap_or(self.max_simulations);
        Verdict::GoOn
    }

    fn add_spreads(&mut self, tally: &JobTally) {
        let begin = self.first_simulation + self.seen;
        let end = self.first_simulation + self.next;
        for (_, batch) in tally.batch_tallies() {
            let n_lanes = u64::from(batch.n_lanes);
            let (first, last) = (batch.first_simulation, batch.first_simulation + n_lanes);
            for simulation in first.max(begin)..last.min(end) {
                let lane = (simulation - first) as usize;
                let new = batch.new_per_round.iter().skip(lane).step_by(n_lanes as usize);
                let spread = u128::from(new.sum::<u64>());
                self.sum += spread;
                self.sum_of_squares += spread * spread;
            }
        }
        self.seen = self.next;
    }

    /// Whether margin · standard error ≤ relative error · mean, both sides squared and freed of
    /// fractions: margin² (n Σx² − (Σx)²) ≤ error² (n − 1) (Σx)². The difference is exact.
    fn is_precise(&self) -> bool {
        let n = u128::from(self.seen);
        let squared_deviations_times_n = n * self.sum_of_squares - self.sum * self.sum;
        let (margin, error) = (self.margin, self.until.relative_error);
        let allowed = error * error * (n - 1) as f64 * (self.sum as f64 * self.sum as f64);
        n > 1 && margin * margin * squared_deviations_times_n as f64 <= allowed
    }
}

impl FromStr for Until {
    type Err = String;

    /// Reads `relative-error=1%,confidence=95%`; shares may be numbers too, and the confidence
    /// is 95 % where none is said.
    fn from_str(text: &str) -> Result<Self, String> {
        let form = "use relative-error=1%,confidence=95%";
        let (mut relative_error, mut confidence) = (None, None);
        for part in text.split(',').map(str::trim) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("{part:?} has no value: {form}"))?;
            let value = share(value)
                .ok_or_else(|| format!("{value:?} is no share such as 1% or 0.01: {form}"))?;
            let slot = match name {
                "relative-error" => &mut relative_error,
                "confidence" => &mut confidence,
                _ => return Err(format!("unknown goal {name:?}: {form}")),
            };
            if slot.replace(value).is_some() {
                return Err(format!("{name} is said twice: {form}"));
            }
        }
        let relative_error =
            relative_error.ok_or_else(|| format!("no relative-error is said: {form}"))?;
        let confidence = confidence.unwrap_or(0.95);
        if !(relative_error > 0.0 && relative_error <= 1.0) {
            return Err(format!("relative-error {relative_error} is not in (0, 1]: {form}"));
        }
        if !(0.5..1.0).contains(&confidence) {
            return Err(format!("confidence {confidence} is not in [0.5, 1): {form}"));
        }
        Ok(Self { relative_error, confidence })
    }
}

/// `1%` and `0.01` alike. The decimal point is moved in the text: dividing by 100 would round.
fn share(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(percent) => format!("{}e-2", percent.trim_end()).parse().ok(),
        None => text.parse().ok(),
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "relative-error={},confidence={}", self.relative_error, self.confidence)
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BatchId;
    use crate::tally::PartitionTally;

    #[test]
    fn shares_are_percents_or_numbers() {
        let until: Until = "relative-error=1%,confidence=95%".parse().unwrap();
        assert_eq!(until, Until { relative_error: 0.01, confidence: 0.95 });
        assert_eq!("relative-error=0.01".parse(), Ok(until));
        assert_eq!(until.to_string().parse(), Ok(until));
        for wrong in [
            "",
            "1%",
            "relative-error",
            "relative-error=x",
            "relative-error=0",
            "relative-error=2",
            "confidence=95%",
            "relative-error=1%,confidence=100%",
            "relative-error=1%,relative-error=2%",
            "width=3",
            "relative-error=NaN",
        ] {
            assert!(wrong.parse::<Until>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn looks_grow_by_halves_to_the_last_simulation() {
        let looks: Vec<_> = Until::looks(6000).collect();
        assert_eq!(looks, [1024, 1536, 2304, 3456, 5184, 6000]);
        assert_eq!(Until::looks(10).collect::<Vec<_>>(), [10]);
        assert_eq!(Until::looks(1024).collect::<Vec<_>>(), [1024]);
        assert!(Until::looks(u64::from(u32::MAX)).all(|look| look % 64 == 0 || look > 1 << 31));
    }

    #[test]
    fn margins_share_the_error_among_the_looks() {
        let until = Until { relative_error: 0.01, confidence: 0.95 };
        // The upper 2.5 % and 5/12 % points of the normal distribution.
        assert!((until.margin(1000) - 1.959_964).abs() < 1e-6);
        assert!((until.margin(6000) - 2.638_257).abs() < 1e-6);
    }

    /// Batches of 100 simulations from number 50, spread 1 + `noise(simulation)`.
    fn tally(n_batches: u64, noise: impl Fn(u64) -> u64) -> JobTally {
        let mut job = JobTally::default();
        for batch in 0..n_batches {
            let first = 50 + batch * 100;
            let mut tally = PartitionTally::empty(first, 100);
            tally.new_per_round = vec![1; 100];
            tally.new_per_round.extend((first..first + 100).map(&noise));
            job.add_batch(BatchId(batch as u32), tally).unwrap();
        }
        job
    }

    #[test]
    fn a_job_stops_at_the_first_look_that_is_precise_enough() {
        // Spreads 10 and 12: deviation 1 over mean 11, so 1 % needs (2.638 / 0.11)² ≈ 575.
        let until = Until { relative_error: 0.01, confidence: 0.95 };
        let mut looks = Looks::new(until, 50, 6000);
        assert_eq!(looks.n_simulations(), 1024);
        assert_eq!(looks.look(&tally(11, |s| 9 + 2 * (s % 2))), Verdict::Stop);
        assert_eq!(looks.n_simulations(), 1024);
        // Deviation 2.5 over mean 11.5 needs (2.638 · 2.5 / 0.115)² ≈ 3289.
        let mut looks = Looks::new(until, 50, 6000);
        let job = tally(60, |s| 8 + 5 * (s % 2));
        let verdicts: Vec<_> = (0..4).map(|_| looks.look(&job)).collect();
        assert_eq!(verdicts, [Verdict::GoOn, Verdict::GoOn, Verdict::GoOn, Verdict::Stop]);
        assert_eq!(looks.n_simulations(), 3456);
    }

    #[test]
    fn the_last_look_stops_whatever_it_sees() {
        let until = Until { relative_error: 1e-6, confidence: 0.95 };
        let mut looks = Looks::new(until, 50, 1100);
        let job = tally(11, |s| 8 + 4 * (s % 2));
        assert_eq!(looks.look(&job), Verdict::GoOn);
        assert_eq!((looks.n_simulations(), looks.look(&job)), (1100, Verdict::Stop));
    }
}
