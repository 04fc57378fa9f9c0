//! The page about a sweep: response curves and heat maps, and the table.

use std::collections::BTreeSet;

use super::axis::Axis;
use super::page;
use super::plots::evenly;
use super::style::LINES;
use super::svg::{ACROSS, Canvas, Plot, UP, UP_LOWER, escape};
use crate::sweep::{SweepAxis, SweepRow, SweepTable, SweptValue};
use crate::table::figures::{count, counted, figure};

/// The most heat maps of a page: what is left out is in the table.
const MAX_MAPS: usize = 9;

/// The most curves of a plot, as many as there are looks of lines: more are a tangle.
const MAX_CURVES: usize = LINES.len();

/// How far above the highest value an axis ends.
const HEADROOM: f64 = 1.05;

/// A ratio from which on heat maps are logarithmic.
const WIDE: f64 = 50.0;

/// The plots of `sweep`: a curve along a single key; heat maps over the first two, and of two keys
/// curves along the first.
pub(super) fn plots(sweep: &SweepTable) -> Vec<Plot> {
    let mut plots = Vec::new();
    match sweep.axes.as_slice() {
        [] => {}
        [_] => plots.push(band(sweep)),
        [_, _, others @ ..] => {
            let n_maps = others.iter().map(|axis| axis.values.len()).product::<usize>();
            plots.extend((0..n_maps.min(MAX_MAPS)).map(|map| heat_map(sweep, map, n_maps)));
            if others.is_empty() {
                plots.push(curves(sweep));
            }
        }
    }
    if sweep.axes.len() == 1 && sweep.rows.iter().any(|row| row.outbreak.is_some()) {
        plots.push(outbreaks(sweep));
    }
    plots
}

/// The horizontal axis of curves along `axis`, and where its values are.
fn along(axis: &SweepAxis) -> (Axis, Vec<f64>, Option<Vec<String>>) {
    let numbers = axis.numbers().filter(|numbers| numbers.len() > 1);
    let Some(numbers) = numbers else {
        let n = axis.values.len();
        let places = (0..n).map(|place| place as f64 + 0.5).collect();
        return (Axis::blank(n as f64, ACROSS), places, Some(names(axis)));
    };
    let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let across = if axis.is_log && low > 0.0 {
        Axis::log(low, high, ACROSS)
    } else {
        Axis::linear(low, high, ACROSS)
    };
    (across, numbers, None)
}

fn canvas(axis: &SweepAxis, up: [f64; 2], highest: f64, y_label: &str) -> (Canvas, Vec<f64>) {
    let (across, places, names) = along(axis);
    let up = Axis::linear(0.0, HEADROOM * highest, up);
    let scale = if axis.is_log { " (log scale)" } else { "" };
    let mut canvas = Canvas::new(across, up, &format!("{}{scale}", axis.key), y_label);
    if let Some(names) = names {
        canvas.names_across(&names);
    }
    (canvas, places)
}

/// The mean along the only key, with its interval and the quantiles.
fn band(sweep: &SweepTable) -> Plot {
    let axis = &sweep.axes[0];
    let rows = &sweep.rows;
    let highest = rows.iter().map(|row| (row.spread.quantiles.p95 as f64).max(row.spread.mean));
    let (mut canvas, places) = canvas(axis, UP, highest.fold(0.0, f64::max), "nodes reached");
    let at = |value: &dyn Fn(&SweepRow) -> f64| -> Vec<(f64, f64)> {
        let mut points: Vec<_> =
            places.iter().zip(rows).map(|(&place, row)| (place, value(row))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let interval = |end: usize| {
        at(&move |row| row.spread.confidence_interval.map_or(row.spread.mean, |ends| ends[end]))
    };
    let low = at(&|row| row.spread.quantiles.p05 as f64);
    let high = at(&|row| row.spread.quantiles.p95 as f64);
    canvas.band("s0", &low, &high);
    canvas.band("s1", &interval(0), &interval(1));
    canvas.line("s0", at(&|row| row.spread.mean));
    canvas.dots("s0", at(&|row| row.spread.mean));
    canvas.legend("s0", "mean");
    canvas.band_legend("s1", "its interval");
    canvas.band_legend("s0", "5 to 95 %");
    let header = [axis.key.as_str(), "mean", "interval", "5 %", "median", "95 %"];
    let numbers = rows.iter().map(|row| {
        let quantiles = &row.spread.quantiles;
        let counts = [quantiles.p05, quantiles.p50, quantiles.p95].map(count);
        let first = [row.values[0].to_string(), figure(row.spread.mean), interval_of(row)];
        first.into_iter().chain(counts).collect()
    });
    let numbers = numbers.collect();
    canvas.finish("response", "Response", extremes(sweep), &header, numbers)
}

/// The share of outbreaks along the only key.
fn outbreaks(sweep: &SweepTable) -> Plot {
    let axis = &sweep.axes[0];
    let label = "share of simulations that break out";
    let (mut canvas, places) = canvas(axis, UP, 1.0 / HEADROOM, label);
    let known = places.iter().zip(&sweep.rows);
    let mut known: Vec<_> =
        known.filter_map(|(&place, row)| Some((place, row, row.outbreak?))).collect();
    known.sort_by(|a, b| a.0.total_cmp(&b.0));
    let end = |end: usize| -> Vec<(f64, f64)> {
        known.iter().map(|(place, _, found)| (*place, found.probability_interval[end])).collect()
    };
    let middle: Vec<_> =
        known.iter().map(|(place, _, found)| (*place, found.probability)).collect();
    canvas.band("s1", &end(0), &end(1));
    canvas.line("s1", middle.iter().copied());
    canvas.dots("s1", middle);
    let header = [axis.key.as_str(), "break out", "from so many nodes on"];
    let rows = known.iter().map(|(_, row, found)| {
        let share = format!("{} %", figure(100.0 * found.probability));
        vec![row.values[0].to_string(), share, count(found.threshold)]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let description = format!(
        "Of {} points, cascades of {} are of two kinds. Where they are of one kind there is no point.",
        sweep.rows.len(),
        rows.len()
    );
    canvas.finish("outbreaks", "Outbreaks", description, &header, rows)
}

/// The mean along the first key, a line for each value of the second, or for some of them.
fn curves(sweep: &SweepTable) -> Plot {
    let [first, second, ..] = sweep.axes.as_slice() else {
        unreachable!("curves are drawn of two keys")
    };
    let (_, highest) = lowest_and_highest(sweep);
    let n = second.values.len();
    let drawn = evenly(n, MAX_CURVES);
    let mut label = format!("nodes reached on average, by {}", short(&second.key));
    let mut description = extremes(sweep);
    if drawn.len() < n {
        label += &format!(", {} of {n} values", drawn.len());
        let values: Vec<_> = drawn.iter().map(|&place| second.values[place].to_string()).collect();
        description += &format!(
            " Of the {n} values of {} {} are drawn: {}. The numbers have all.",
            second.key,
            drawn.len(),
            values.join(", ")
        );
    }
    let (mut canvas, places) = canvas(first, UP_LOWER, highest, &label);
    let names = names(second);
    let mut entries = Vec::new();
    for (class, number) in LINES.into_iter().zip(drawn) {
        let mut points: Vec<_> = places
            .iter()
            .enumerate()
            .map(|(place, &at)| (at, sweep.rows[place * n + number].spread.mean))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        canvas.line(class, points);
        entries.push((class, names[number].as_str()));
    }
    canvas.full_legend(&entries);
    let header = [first.key.as_str(), second.key.as_str(), "mean", "interval"];
    let rows = sweep.rows.iter().map(|row| {
        let [a, b] = [0, 1].map(|place| row.values[place].to_string());
        vec![a, b, figure(row.spread.mean), interval_of(row)]
    });
    let rows = rows.collect();
    canvas.finish("curves", "Response", description, &header, rows)
}

/// The mean over the first two keys, at combination `map` of the others.
fn heat_map(sweep: &SweepTable, map: usize, n_maps: usize) -> Plot {
    let [first, second, others @ ..] = sweep.axes.as_slice() else {
        unreachable!("heat maps are drawn of two keys")
    };
    let (n, m) = (first.values.len(), second.values.len());
    let (low, high) = lowest_and_highest(sweep);
    // Where nobody counts the mean is 0.
    let is_log = low > 0.0 && high > WIDE * low;
    let share = |mean: f64| match (high > low, is_log) {
        (false, _) => 1.0,
        (true, true) => libm::log(mean / low) / libm::log(high / low),
        (true, false) => (mean - low) / (high - low),
    };
    let [across, up] = [Axis::blank(n as f64, ACROSS), Axis::blank(m as f64, UP)];
    let mut canvas = Canvas::new(across, up, &first.key, &second.key);
    canvas.names_across(&names(first));
    canvas.names_up(&names(second));
    canvas.strengths(&figure(low), &format!("{} nodes", figure(high)));
    let mut rows = Vec::new();
    for column in 0..n {
        for row in 0..m {
            let found = &sweep.rows[(column * m + row) * n_maps + map];
            let mean = found.spread.mean;
            canvas.cell([column, row], share(mean), &figure(mean));
            let [a, b] = [0, 1].map(|place| found.values[place].to_string());
            rows.push(vec![a, b, figure(mean), interval_of(found)]);
        }
    }
    let at = others.iter().zip(&sweep.rows[map].values[2..]);
    let at: Vec<_> = at.map(|(axis, value)| format!("{} {value}", axis.key)).collect();
    let title = if at.is_empty() {
        "Mean reach".to_owned()
    } else {
        format!("Mean reach, {}", at.join(", "))
    };
    let mut description = extremes(sweep);
    if is_log {
        description += " The strength of a cell is the logarithm of its mean.";
    }
    let header = [first.key.as_str(), second.key.as_str(), "mean", "interval"];
    canvas.finish(format!("map-{map}"), &title, description, &header, rows)
}

/// The lowest and the highest mean.
fn lowest_and_highest(sweep: &SweepTable) -> (f64, f64) {
    let means = || sweep.rows.iter().map(|row| row.spread.mean);
    (means().fold(f64::INFINITY, f64::min), means().fold(0.0, f64::max))
}

/// Where the mean is lowest and highest, in a sentence.
fn extremes(sweep: &SweepTable) -> String {
    let at = |row: &SweepRow| {
        let values = sweep.axes.iter().zip(&row.values);
        let values: Vec<_> = values.map(|(axis, value)| format!("{} {value}", axis.key)).collect();
        format!("{} at {}", figure(row.spread.mean), values.join(", "))
    };
    let by_mean = |a: &&SweepRow, b: &&SweepRow| a.spread.mean.total_cmp(&b.spread.mean);
    match (sweep.rows.iter().min_by(by_mean), sweep.rows.iter().max_by(by_mean)) {
        (Some(least), Some(most)) => {
            format!("The mean is lowest, {}, and highest, {}.", at(least), at(most))
        }
        _ => String::new(),
    }
}

fn interval_of(row: &SweepRow) -> String {
    row.spread.confidence_interval.map_or_else(
        || "unknown".to_owned(),
        |[low, high]| format!("{} to {}", figure(low), figure(high)),
    )
}

/// What the values of `axis` are called where room is scarce: numbers with as few digits as tell
/// them apart, three at least.
fn names(axis: &SweepAxis) -> Vec<String> {
    let with_digits = |n_digits: usize| -> Vec<String> {
        let name = |value: &SweptValue| match value {
            SweptValue::Number(number) => {
                let rounded = format!("{number:.0$e}", n_digits - 1).parse().unwrap_or(*number);
                SweptValue::Number(rounded).to_string()
            }
            _ => value.to_string(),
        };
        axis.values.iter().map(name).collect()
    };
    let is_told_apart =
        |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    // Seventeen digits are all that a number has.
    let found = (3..17).map(with_digits).find(is_told_apart);
    found.unwrap_or_else(|| with_digits(17))
}

/// The last part of a dotted key.
fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The whole page.
pub(super) fn page(sweep: &SweepTable, plots: &[Plot]) -> String {
    let keys: Vec<_> = sweep.axes.iter().map(|axis| axis.key.as_str()).collect();
    let title = format!("{} by {}", counted(sweep.rows.len() as u64, "point"), keys.join(" and "));
    let (low, high) = lowest_and_highest(sweep);
    let coins = if sweep.is_one_family_forced {
        " The points would have had coins of different families; all have octet coins, so that they \
         share them."
    } else {
        ""
    };
    let mut body = format!(
        "<p class=\"eyebrow\">sweep of {} on {} and {}</p><h1>The mean reach goes from {} to {} \
         nodes.</h1><p class=\"lead\">{} All points throw the same coins: what differs between them is \
         not luck.{coins}</p>",
        counted(sweep.rows.len() as u64, "point"),
        counted(u64::from(sweep.graph.nodes), "node"),
        counted(sweep.graph.arcs, "arc"),
        figure(low),
        figure(high),
        escape(&extremes(sweep)),
    );
    body += &page::gallery(plots);
    body += "<section><h2>All points</h2>";
    let mut header: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
    let columns = ["mean reach", "interval", "5 %", "median", "95 %", "break out", "point"];
    header.extend(columns.map(str::to_owned));
    let rows = sweep.rows.iter().map(|row| {
        let quantiles = &row.spread.quantiles;
        let outbreak = row.outbreak.map_or_else(String::new, |outbreak| {
            format!("{} %", figure(100.0 * outbreak.probability))
        });
        let mut cells: Vec<String> = row.values.iter().map(ToString::to_string).collect();
        cells.extend([figure(row.spread.mean), interval_of(row)]);
        cells.extend([quantiles.p05, quantiles.p50, quantiles.p95].map(count));
        // As many letters as tell points apart.
        cells.extend([outbreak, row.point.chars().take(10).collect()]);
        cells
    });
    body += &page::table("All points", &header, &rows.collect::<Vec<_>>());
    body += &format!(
        "</section><section><h2>Where it comes from</h2><p>The digest of all points is <code>{}</code>, \
         on the graph <code>{}</code>, seed {}. Each point is a result directory of its own under \
         <code>points</code>, whose name begins as in the table.</p></section>",
        escape(&sweep.digest()),
        escape(&sweep.graph.digest),
        sweep.seed,
    );
    page::whole(&title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_as_few_digits_as_tell_values_apart() {
        let names = |values: &[f64]| {
            let values = values.iter().copied().map(SweptValue::Number).collect();
            names(&SweepAxis { key: "p".to_owned(), values, is_log: false })
        };
        assert_eq!(names(&[0.002, 0.002_702_82, 0.5]), ["0.002", "0.0027", "0.5"]);
        assert_eq!(names(&[0.002_701, 0.002_702_8]), ["0.002701", "0.002703"]);
        assert_eq!(names(&[0.1, 0.1]), ["0.1", "0.1"]);
    }
}
