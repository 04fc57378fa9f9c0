//! Contenders that take turns: medians, spreads, and ratios within a round.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Which clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Processor time of this process: for contenders of one thread, whom others on the machine
    /// then cost less.
    Processor,
    /// Time on the wall: for contenders of more threads.
    Wall,
}

impl Clock {
    /// How long `work` takes.
    pub fn time(self, work: impl FnOnce()) -> Duration {
        match self {
            Self::Wall => {
                let began = Instant::now();
                work();
                began.elapsed()
            }
            Self::Processor => {
                let began = processor_time();
                work();
                processor_time() - began
            }
        }
    }
}

fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// What a measure of so many simulations found.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// How long they took.
    pub elapsed: Duration,
    /// The sum of their spreads.
    pub total_spread: f64,
}

/// One that runs simulations.
pub struct Contender<'a> {
    /// Its name.
    pub name: String,
    /// Simulations come in multiples of this.
    pub batch: u64,
    /// Runs so many simulations, from a number on.
    pub run: Box<dyn FnMut(u64, u64) -> Measured + 'a>,
}

/// What a contender reached in all rounds.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The contender's name.
    pub name: String,
    /// Simulations a second, by round.
    pub rates: Vec<f64>,
    /// The mean spread of all simulations, for cross-check.
    pub mean_spread: f64,
    /// Simulations of one measure.
    pub n_simulations: u64,
}

/// Measures every contender once in each of `n_rounds` rounds, in turn, with as many simulations
/// as take about `duration` and whole batches.
#[must_use]
pub fn rounds(
    contenders: &mut [Contender<'_>],
    n_rounds: usize,
    duration: Duration,
) -> Vec<Figures> {
    let sizes: Vec<u64> =
        contenders.iter_mut().map(|contender| calibrated(contender, duration)).collect();
    let mut figures: Vec<(Vec<f64>, f64)> = vec![(vec![], 0.0); contenders.len()];
    for round in 0..n_rounds as u64 {
        for ((contender, &size), (rates, total)) in
            contenders.iter_mut().zip(&sizes).zip(&mut figures)
        {
            let measured = (contender.run)(round * size, size);
            rates.push(size as f64 / measured.elapsed.as_secs_f64());
            *total += measured.total_spread;
        }
    }
    let all = contenders.iter().zip(&sizes).zip(figures);
    let figures = all.map(|((contender, &n_simulations), (rates, total))| Figures {
        name: contender.name.clone(),
        mean_spread: total / (n_simulations * n_rounds as u64) as f64,
        rates,
        n_simulations,
    });
    figures.collect()
}

/// So many simulations take about `duration`, found by doubling; the first ones are a warm-up.
fn calibrated(contender: &mut Contender<'_>, duration: Duration) -> u64 {
    let mut size = contender.batch;
    loop {
        let elapsed = (contender.run)(0, size).elapsed;
        if elapsed * 2 > duration {
            let n_batches = duration.as_secs_f64() / elapsed.as_secs_f64().max(1e-9)
                * (size / contender.batch) as f64;
            return contender.batch * (n_batches.round() as u64).max(1);
        }
        size *= 2;
    }
}

/// A median and what it is the median of.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of at least one value.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Self { median, min: values[0], max: values[values.len() - 1] }
    }

    /// Of the ratios of two contenders, round by round.
    #[must_use]
    pub fn of_ratios(upper: &Figures, lower: &Figures) -> Self {
        Self::of(upper.rates.iter().zip(&lower.rates).map(|(upper, lower)| upper / lower))
    }
}

impl Figures {
    /// Simulations a second.
    #[must_use]
    pub fn rate(&self) -> Spread {
        Spread::of(self.rates.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_take_turns_and_are_told_apart() {
        let order = std::cell::RefCell::new(String::new());
        let contender = |name: &str, batch, nanos| {
            let (order, letter) = (&order, name.to_owned());
            let run = move |_, n| {
                order.borrow_mut().push_str(&letter);
                Measured { elapsed: Duration::from_nanos(nanos * n), total_spread: n as f64 }
            };
            Contender { name: name.to_owned(), batch, run: Box::new(run) }
        };
        let mut contenders = [contender("a", 1, 10), contender("b", 512, 5)];
        let figures = rounds(&mut contenders, 3, Duration::from_micros(8));
        assert_eq!(figures[0].n_simulations, 800);
        assert_eq!(figures[1].n_simulations, 1536);
        assert!(order.borrow().ends_with("ababab"));
        assert_eq!(figures[1].mean_spread, 1.0);
        let ratio = Spread::of_ratios(&figures[1], &figures[0]);
        assert!((ratio.median - 2.0).abs() < 1e-9 && ratio.min == ratio.max);
        assert_eq!(Spread::of([3.0, 1.0]).median, 2.0);
    }
}
