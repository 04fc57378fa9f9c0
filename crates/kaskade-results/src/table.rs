//! The summary as text for people, at most 80 columns wide.

pub(crate) mod figures;
mod shape;

use crate::growth::GrowthRound;
use crate::performance::Performance;
use crate::summary::Summary;
use figures::{bar, bytes, count, counted, decimals_for, figure, figure_with};

/// No line is longer, counted in characters.
const MAX_COLUMNS: usize = 80;

/// Labels stand to the left of this column.
const LABEL_COLUMNS: usize = 12;

/// Longer growth curves are shown by this many rounds, evenly spaced, and their peak.
const MAX_ROUNDS: usize = 24;

/// Bars are as long as the line leaves room for, up to this.
const MAX_BAR: usize = 24;

/// `summary` as text: what was run, how far it goes, how long it lasts, how it grows, what
/// it took. Lines end in a newline and have no trailing space.
#[must_use]
pub fn table(summary: &Summary) -> String {
    let mut text = String::new();
    let Summary { graph, spread, rounds, performance, .. } = summary;
    let simulations = counted(summary.simulations, "simulation");
    line(&mut text, "job", &[summary.job.to_string(), summary.state.to_string(), simulations]);
    let nodes = counted(u64::from(graph.nodes), "node");
    line(&mut text, "graph", &[nodes, counted(graph.arcs, "arc")]);

    let share = 100.0 * spread.mean / f64::from(graph.nodes.max(1));
    let mean = format!("{} nodes on average", figure(spread.mean));
    line(&mut text, "spread", &[mean, format!("{} % of all", figure(share))]);
    let percent = 100.0 * spread.confidence_level;
    let interval = match (spread.confidence_interval, spread.standard_deviation) {
        (Some([low, high]), Some(deviation)) => vec![
            format!("{} to {} with {percent} % confidence", figure(low), figure(high)),
            format!("deviation {}", figure(deviation)),
        ],
        _ => vec!["an interval needs at least two simulations".to_owned()],
    };
    line(&mut text, "", &interval);
    shape::interval_lines(&mut text, summary);
    let quantiles = [
        format!("min {}", count(spread.min)),
        format!("5 % {}", count(spread.quantiles.p05)),
        format!("median {}", count(spread.quantiles.p50)),
        format!("95 % {}", count(spread.quantiles.p95)),
        format!("max {}", count(spread.max)),
    ];
    line(&mut text, "", &quantiles);
    let mean = format!("{} on average", figure(rounds.mean));
    line(&mut text, "rounds", &[mean, format!("at most {}", count(u64::from(rounds.max)))]);
    shape::shape_lines(&mut text, summary);
    shape::kept_lines(&mut text, summary);
    for measure in &summary.measures {
        let what = if measure.is_stock { "at the peak" } else { "on average" };
        let name = measure.name.clone();
        let error = measure.standard_error.map(|error| format!("± {} (s.e.)", figure(error)));
        let parts = [Some(name), Some(format!("{} {what}", figure(measure.mean))), error];
        let label = if measure == &summary.measures[0] { "measures" } else { "" };
        line(&mut text, label, &parts.into_iter().flatten().collect::<Vec<_>>());
    }
    text.push('\n');
    growth_table(&mut text, &summary.growth);
    text.push('\n');
    performance_lines(&mut text, performance);
    line(&mut text, "digest", std::slice::from_ref(&summary.digest));
    text
}

/// A label and what belongs to it, wrapped between the parts.
fn line(text: &mut String, label: &str, parts: &[String]) {
    const GAP: &str = "   ";
    let mut line = format!("{label:<LABEL_COLUMNS$}");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 && columns(&line) + GAP.len() + columns(part) <= MAX_COLUMNS {
            line.push_str(GAP);
        } else if place > 0 {
            push_line(text, &line);
            line = " ".repeat(LABEL_COLUMNS);
        }
        line.push_str(part);
    }
    push_line(text, &line);
}

fn performance_lines(text: &mut String, performance: &Performance) {
    let mut speed = vec![
        format!("{} simulations/s", figure(performance.simulations_per_second)),
        format!("{} s", figure(performance.seconds)),
    ];
    speed.extend(performance.cpu_seconds.map(|seconds| format!("{} CPU s", figure(seconds))));
    speed.push(counted(u64::from(performance.threads), "thread"));
    line(text, "speed", &speed);
    let mut work = vec![
        format!("{} scanned", counted(performance.arcs_scanned, "arc")),
        counted(performance.coins, "coin"),
    ];
    work.extend(performance.peak_memory_bytes.map(|peak| format!("peak memory {}", bytes(peak))));
    line(text, "work", &work);
    if performance.workers > 0 {
        let chunks = &performance.chunks;
        let each = performance.bytes_per_activation;
        let each = each.map_or(String::new(), |each| format!(", {each:.2} B an activation"));
        let exchange = [
            counted(u64::from(performance.workers), "worker"),
            format!("{} exchanged{each}", bytes(performance.bytes_exchanged)),
            format!(
                "chunks: {} list, {} roaring, {} dense",
                count(chunks.list),
                count(chunks.roaring),
                count(chunks.dense)
            ),
        ];
        line(text, "exchange", &exchange);
    }
}

fn growth_table(text: &mut String, growth: &[GrowthRound]) {
    let active = active(growth);
    let shown = evenly_spaced(&active);
    let final_total = growth.last().map_or(0.0, |round| round.mean_total);
    let largest_new = growth.iter().map(|round| round.mean_new).fold(0.0, f64::max);
    let means = |mean: fn(&GrowthRound) -> f64, largest| -> Vec<String> {
        let decimals = decimals_for(largest);
        shown.iter().map(|round| figure_with(mean(round), decimals)).collect()
    };
    let counts = |value: fn(&GrowthRound) -> u64| -> Vec<String> {
        shown.iter().map(|round| count(value(round))).collect()
    };
    let table_columns = [
        ("round", counts(|round| u64::from(round.round))),
        ("mean new", means(|round| round.mean_new, largest_new)),
        ("mean total", means(|round| round.mean_total, final_total)),
        ("5 %", counts(|round| round.quantiles_total.p05)),
        ("median", counts(|round| round.quantiles_total.p50)),
        ("95 %", counts(|round| round.quantiles_total.p95)),
    ];
    let widths = table_columns
        .each_ref()
        .map(|(header, cells)| cells.iter().map(String::len).max().unwrap_or(0).max(header.len()));
    let row = |cell: &dyn Fn(usize) -> String| {
        let cells = widths.iter().enumerate().map(|(place, width)| {
            let text = cell(place);
            format!("{text:>width$}")
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    let header = row(&|place| table_columns[place].0.to_owned());
    push_line(text, &header);
    let bar_columns = MAX_COLUMNS.saturating_sub(columns(&header) + 2).min(MAX_BAR);
    for (row_idx, round) in shown.iter().enumerate() {
        let cells = row(&|place| table_columns[place].1[row_idx].clone());
        let share = round.mean_total / final_total;
        push_line(text, &format!("{cells}  {}", bar(share, bar_columns)));
    }
    let (n_shown, all) = (shown.len(), count(growth.len() as u64));
    if n_shown < active.len() {
        push_line(text, &format!("{n_shown} of {all} rounds; --json has them all"));
    } else if n_shown < growth.len() {
        push_line(text, &format!("{n_shown} of {all} rounds: nothing happened in the others"));
    }
}

/// The rounds of `growth` in which something happened, and the first.
fn active(growth: &[GrowthRound]) -> Vec<&GrowthRound> {
    growth.iter().filter(|round| round.round == 0 || round.mean_new > 0.0).collect()
}

/// At most [`MAX_ROUNDS`] of `rounds`, evenly spaced, the first, the last and the peak among them.
fn evenly_spaced<'a>(rounds: &[&'a GrowthRound]) -> Vec<&'a GrowthRound> {
    if rounds.len() <= MAX_ROUNDS {
        return rounds.to_vec();
    }
    let last = rounds.len() - 1;
    let place = |number: usize| number * last / (MAX_ROUNDS - 1);
    let mut shown: Vec<_> = (0..MAX_ROUNDS).map(|number| rounds[place(number)]).collect();
    // The seeds' round is no peak: nobody followed in it.
    let peak = (1..=last).rev().max_by(|&a, &b| rounds[a].mean_new.total_cmp(&rounds[b].mean_new));
    let peak = peak.unwrap_or(last);
    if peak < last {
        // It stands for the nearest that is shown before it, or for the one after the seeds'.
        let number = (1..MAX_ROUNDS - 1).rev().find(|&number| place(number) <= peak);
        shown[number.unwrap_or(1)] = rounds[peak];
    }
    shown
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests;
