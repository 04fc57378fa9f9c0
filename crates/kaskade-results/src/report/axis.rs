//! Scales, and the round numbers that stand beside them.

use crate::table::figures::count;

/// A scale from values to a place between two ends of the drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    has_ticks: bool,
    /// Where the lowest and the highest value are drawn.
    ends: [f64; 2],
}

/// The numbers beside an axis, about so many.
const MAX_TICKS: f64 = 5.0;

impl Axis {
    /// From `low` to `high`, which is widened where they are the same.
    pub(super) fn linear(low: f64, high: f64, ends: [f64; 2]) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, is_log: false, has_ticks: true, ends }
    }

    /// By powers of ten from `low`, above 0, to `high`.
    pub(super) fn log(low: f64, high: f64, ends: [f64; 2]) -> Self {
        let high = if high > low { high } else { 10.0 * low };
        Self { low, high, is_log: true, has_ticks: true, ends }
    }

    /// From 0 to `high`, without numbers beside it.
    pub(super) fn blank(high: f64, ends: [f64; 2]) -> Self {
        Self { has_ticks: false, ..Self::linear(0.0, high, ends) }
    }

    /// Where `value` is drawn; values beyond the ends are drawn at them.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = if self.is_log {
            libm::log(value / self.low) / libm::log(self.high / self.low)
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.ends[0] + share.clamp(0.0, 1.0) * (self.ends[1] - self.ends[0])
    }

    /// Where the highest value is drawn.
    pub(super) fn top(&self) -> f64 {
        self.ends[1]
    }

    /// Round values on the axis, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        match (self.has_ticks, self.is_log) {
            (false, _) => Vec::new(),
            (true, true) => self.powers(),
            (true, false) => self.steps(),
        }
    }

    fn steps(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / MAX_TICKS;
        let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|s| s * power).find(|&s| s >= rough);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        let values = (first..).map(|i| i as f64 * step);
        let inside = values.take_while(|&value| value <= self.high + 1e-9 * step);
        let label = |value: f64| {
            if step >= 1.0 {
                let sign = if value < 0.0 { "−" } else { "" };
                format!("{sign}{}", count(value.abs().round() as u64))
            } else {
                let decimals = (-libm::floor(libm::log10(step))) as usize;
                format!("{value:.decimals$}").replace('-', "−")
            }
        };
        inside.map(|value| (value, label(value))).collect()
    }

    fn powers(&self) -> Vec<(f64, String)> {
        let first = libm::ceil(libm::log10(self.low) - 1e-9) as i32;
        let last = libm::floor(libm::log10(self.high) + 1e-9) as i32;
        let powers: Vec<i32> = (first..=last).collect();
        let stride = powers.len().div_ceil(MAX_TICKS as usize + 1).max(1);
        if powers.len() < 2 {
            return self.steps();
        }
        let ticks = powers.into_iter().step_by(stride).map(|power| {
            let value = libm::pow(10.0, f64::from(power));
            let label = if power >= 0 { count(value.round() as u64) } else { format!("{value}") };
            (value, label)
        });
        ticks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(Axis::linear(0.0, 12.0, [0.0, 1.0])), ["0", "5", "10"]);
        assert_eq!(labels(Axis::linear(-0.3, 0.4, [0.0, 1.0])), ["−0.2", "0.0", "0.2", "0.4"]);
        assert_eq!(labels(Axis::log(1.0, 5000.0, [0.0, 1.0])), ["1", "10", "100", "1,000"]);
        assert_eq!(labels(Axis::log(0.001, 1.0, [0.0, 1.0])), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(Axis::log(20.0, 30.0, [0.0, 1.0])), ["20", "22", "24", "26", "28", "30"]);
    }

    #[test]
    fn places_lie_between_the_ends() {
        let axis = Axis::log(1.0, 100.0, [300.0, 0.0]);
        assert_eq!(
            [1.0, 10.0, 100.0, 1e9].map(|value| axis.place(value)),
            [300.0, 150.0, 0.0, 0.0]
        );
        assert_eq!(Axis::linear(2.0, 2.0, [0.0, 10.0]).place(2.0), 0.0);
    }
}
