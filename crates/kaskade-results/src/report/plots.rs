//! The plots, each from figures to marks and numbers.

use super::Reported;
use super::axis::Axis;
use super::style::LINES;
use super::svg::{ACROSS, Canvas, Plot, UP};
use crate::compare::Comparison;
use crate::estimate::Quantiles;
use crate::growth::GrowthRound;
use crate::table::figures::{count, figure};

/// Points of a line, at most: more are not seen, and make the page large.
const MAX_POINTS: usize = 240;

/// How far above the highest value an axis ends.
const HEADROOM: f64 = 1.05;

/// The look of the line of result `number`; with many results looks come again.
pub(super) fn class(number: usize) -> &'static str {
    LINES[number % LINES.len()]
}

/// Nodes active by the end of each round.
pub(super) fn growth(results: &[Reported<'_>]) -> Plot {
    let curve = Curve {
        name: "growth",
        title: "Growth",
        y_label: "nodes active by the end of the round",
        mean: |round| round.mean_total,
        quantiles: |round| round.quantiles_total,
    };
    curve.plot(results)
}

/// Nodes that became active in each round.
pub(super) fn new_by_round(results: &[Reported<'_>]) -> Plot {
    let curve = Curve {
        name: "new",
        title: "New by round",
        y_label: "nodes that became active in the round",
        mean: |round| round.mean_new,
        quantiles: |round| round.quantiles_new,
    };
    curve.plot(results)
}

/// A figure that each round has.
struct Curve {
    name: &'static str,
    title: &'static str,
    y_label: &'static str,
    mean: fn(&GrowthRound) -> f64,
    quantiles: fn(&GrowthRound) -> Quantiles,
}

impl Curve {
    /// Means as lines; the quantiles of a result that is alone as a band.
    fn plot(&self, results: &[Reported<'_>]) -> Plot {
        let is_alone = results.len() == 1;
        let mut highest = 0.0_f64;
        for round in results.iter().flat_map(|result| &result.summary.growth) {
            highest = highest.max((self.mean)(round));
            if is_alone {
                highest = highest.max((self.quantiles)(round).p95 as f64);
            }
        }
        let y = Axis::linear(0.0, HEADROOM * highest, UP);
        let mut canvas = Canvas::new(rounds_axis(results), y, "round", self.y_label);
        let mut rows = Vec::new();
        let mut description = String::new();
        for (number, result) in results.iter().enumerate() {
            let rounds = thinned(&result.summary.growth);
            let at = |value: &dyn Fn(&GrowthRound) -> f64| -> Vec<(f64, f64)> {
                rounds.iter().map(|round| (f64::from(round.round), value(round))).collect()
            };
            if is_alone {
                let low = at(&|round| (self.quantiles)(round).p05 as f64);
                let high = at(&|round| (self.quantiles)(round).p95 as f64);
                canvas.band("s0", &low, &high);
                canvas.line("s1", at(&|round| (self.quantiles)(round).p50 as f64));
            }
            canvas.line(class(number), at(&|round| (self.mean)(round)));
            if !is_alone {
                canvas.legend(class(number), result.name);
            }
            let most = rounds.iter().max_by(|a, b| (self.mean)(a).total_cmp(&(self.mean)(b)));
            if let Some(most) = most {
                description += &format!(
                    "{}: the mean is highest in round {}, at {}. ",
                    result.name,
                    most.round,
                    figure((self.mean)(most))
                );
            }
            rows.extend(rounds.iter().map(|round| {
                let quantiles = (self.quantiles)(round);
                let counts = [quantiles.p05, quantiles.p50, quantiles.p95].map(count);
                let mean = figure((self.mean)(round));
                let first = [result.name.to_owned(), round.round.to_string(), mean];
                first.into_iter().chain(counts).collect()
            }));
        }
        if is_alone {
            canvas.legend("s0", "mean");
            canvas.legend("s1", "median");
            canvas.band_legend("s0", "5 to 95 %");
        }
        let header = ["result", "round", "mean", "5 %", "median", "95 %"];
        canvas.finish(self.name, self.title, description, &header, rows)
    }
}

/// The effective reproduction number, round by round; nothing where no result knows it.
pub(super) fn reproduction(results: &[Reported<'_>]) -> Option<Plot> {
    let numbers = |result: &Reported<'_>| -> Vec<(f64, f64)> {
        let known = result.summary.growth.iter();
        let known = known.filter_map(|r| Some((f64::from(r.round), r.reproduction_number?)));
        known.collect()
    };
    let all: Vec<_> = results.iter().flat_map(numbers).map(|(_, value)| value).collect();
    if all.is_empty() {
        return None;
    }
    let y = Axis::linear(0.0, HEADROOM * all.into_iter().fold(1.2, f64::max), UP);
    let label = match results.iter().all(Reported::is_epidemic) {
        true => "nodes that each infectious one infects",
        false => "nodes that follow each new one",
    };
    let mut canvas = Canvas::new(rounds_axis(results), y, "round", label);
    canvas.level(1.0);
    let mut rows = Vec::new();
    let mut description = "Above 1 the message gains ground, below 1 it dies out. ".to_owned();
    for (number, result) in results.iter().enumerate() {
        let numbers = numbers(result);
        canvas.line(class(number), thinned(&numbers).into_iter().copied());
        if let [alone] = numbers[..] {
            canvas.dots(class(number), [alone]);
        }
        if results.len() > 1 {
            canvas.legend(class(number), result.name);
        }
        if let Some(first) = result.summary.growth.first().and_then(|of| of.reproduction_number) {
            let name = result.name;
            description += &format!("{name}: the seeds win {} followers each. ", figure(first));
        }
        rows.extend(thinned(&numbers).into_iter().map(|(round, value)| {
            vec![result.name.to_owned(), format!("{round}"), figure(*value)]
        }));
    }
    let header = ["result", "round", "reproduction number"];
    Some(canvas.finish("reproduction", "Reproduction number", description, &header, rows))
}

/// The share of simulations that reach at least so many nodes, both on logarithmic scales.
pub(super) fn survival(results: &[Reported<'_>]) -> Plot {
    let curves: Vec<Vec<(u64, f64)>> = results.iter().map(|r| survivors(r.spreads)).collect();
    let all = || curves.iter().flatten();
    let (min, max) = all().fold((u64::MAX, 1), |(min, max), &(x, _)| (min.min(x), max.max(x)));
    let rarest = all().map(|&(_, share)| share).fold(1.0, f64::min);
    let x = Axis::log(min.max(1) as f64, max as f64, ACROSS);
    let y = Axis::log(rarest.min(0.1), 1.0, UP);
    let mut canvas =
        Canvas::new(x, y, "nodes reached (log scale)", "share of simulations that reach as many");
    let mut rows = Vec::new();
    let mut description = String::new();
    for (number, (result, curve)) in results.iter().zip(&curves).enumerate() {
        // A step: the share holds from the spread before up to this one.
        let mut steps = Vec::with_capacity(2 * curve.len());
        for &(spread, share) in curve {
            if let Some(&(_, before)) = steps.last() {
                steps.push((spread as f64, before));
            }
            steps.push((spread as f64, share));
        }
        canvas.line(&format!("{} solid", class(number)), steps);
        if results.len() > 1 {
            canvas.legend(&format!("{} solid", class(number)), result.name);
        }
        let spread = &result.summary.spread;
        let [p05, p50, p95] = [spread.quantiles.p05, spread.quantiles.p50, spread.quantiles.p95];
        description += &format!(
            "{}: half of the simulations reach {} nodes, all but 5 % at least {}, one in twenty {}. ",
            result.name,
            count(p50),
            count(p05),
            count(p95)
        );
        let shown = curve.iter().step_by(curve.len().div_ceil(40).max(1));
        rows.extend(shown.map(|&(spread, share)| {
            vec![result.name.to_owned(), count(spread), format!("{} %", figure(100.0 * share))]
        }));
        if let Some(outbreak) = result.summary.outbreak.filter(|_| results.len() == 1) {
            canvas.upright(outbreak.threshold as f64);
        }
    }
    let header = ["result", "nodes", "simulations that reach as many"];
    canvas.finish("spreads", "How far it goes", description, &header, rows)
}

/// Spreads, ascending, each with the share of simulations that reach it.
fn survivors(spreads: &[u64]) -> Vec<(u64, f64)> {
    let mut sorted = spreads.to_vec();
    sorted.sort_unstable();
    let n = sorted.len();
    let mut curve: Vec<(u64, f64)> = Vec::new();
    for (place, &spread) in sorted.iter().enumerate() {
        if curve.last().is_none_or(|&(last, _)| last != spread) {
            curve.push((spread, (n - place) as f64 / n as f64));
        }
    }
    // Dense where simulations are many; the tail keeps every step that can be seen.
    let mut kept: Vec<(u64, f64)> = Vec::new();
    let close = |a: f64, b: f64| libm::log(a / b).abs() < 0.012;
    let last = curve.len() - 1;
    for (place, point) in curve.into_iter().enumerate() {
        let is_close = kept.last().is_some_and(|&(spread, share)| {
            close(share, point.1) && close(point.0 as f64, spread as f64)
        });
        if !is_close || place == last {
            kept.push(point);
        }
    }
    kept
}

/// Intervals of differences from the baseline.
pub(super) fn differences(comparisons: &[Comparison]) -> Plot {
    let ends = |c: &Comparison| c.spread.interval.unwrap_or([c.spread.difference; 2]);
    let low = comparisons.iter().map(|c| ends(c)[0]).fold(0.0, f64::min);
    let high = comparisons.iter().map(|c| ends(c)[1]).fold(0.0, f64::max);
    let room = 0.05 * (high - low);
    let x = Axis::linear(low - room, high + room, ACROSS);
    let n = comparisons.len() as f64;
    let baseline = &comparisons[0].baseline;
    let label = format!("nodes more than {baseline}");
    let mut canvas = Canvas::new(x, Axis::blank(n, UP), &label, "difference with 95 % interval");
    canvas.upright(0.0);
    let mut rows = Vec::new();
    let mut description = String::new();
    for (number, comparison) in comparisons.iter().enumerate() {
        let [low, high] = ends(comparison);
        let mid = comparison.spread.difference;
        let y = n - number as f64 - 0.5;
        canvas.whisker("s0", y, [low, mid, high], &comparison.other);
        let interval = format!("{} to {}", figure(low), figure(high));
        let verdict = if comparison.spread.is_separated { "told apart" } else { "not told apart" };
        description += &format!(
            "{} less {baseline}: {}, interval {interval}, {verdict}. ",
            comparison.other,
            figure(mid)
        );
        rows.push(vec![comparison.other.clone(), figure(mid), interval, verdict.to_owned()]);
    }
    let header = ["result", "difference", "95 % interval", "verdict"];
    canvas.finish("differences", "Compared", description, &header, rows)
}

fn rounds_axis(results: &[Reported<'_>]) -> Axis {
    let last = results.iter().map(|r| r.summary.growth.len().saturating_sub(1)).max();
    Axis::linear(0.0, last.unwrap_or(1).max(1) as f64, ACROSS)
}

/// At most [`MAX_POINTS`] of `values`, evenly spaced, the first and the last among them.
pub(super) fn thinned<T>(values: &[T]) -> Vec<&T> {
    evenly(values.len(), MAX_POINTS).into_iter().map(|place| &values[place]).collect()
}

/// At most `most` of the places below `n`, evenly spaced, the first and the last among them.
pub(super) fn evenly(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    (0..most).map(|place| place * (n - 1) / (most - 1)).collect()
}
