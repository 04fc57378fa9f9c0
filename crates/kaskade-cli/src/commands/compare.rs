//! `kaskade compare`.

use kaskade_results::compare::{Difference, MeasureDifference, Method};
use kaskade_results::{Comparison, StoredResult};
use serde::Serialize;

use super::info::table;
use crate::args::result::CompareArgs;
use crate::console::Console;
use crate::error::CliError;

/// Compares results with the first of them.
pub(super) fn compare(args: &CompareArgs, console: &Console) -> Result<(), CliError> {
    let results = args.results.iter().map(|dir| StoredResult::read(dir));
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let comparisons = comparisons(&results);
    let compared = Compared { baseline: &results[0].name, comparisons: &comparisons };
    console.result(&compared, || comparisons.iter().map(describe).collect::<Vec<_>>().join("\n"))
}

/// Every result but the first, compared with the first.
pub(super) fn comparisons(results: &[StoredResult]) -> Vec<Comparison> {
    let [baseline, others @ ..] = results else { return Vec::new() };
    others.iter().map(|other| Comparison::of(baseline, other)).collect()
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Compared<'a> {
    baseline: &'a str,
    comparisons: &'a [Comparison],
}

fn describe(comparison: &Comparison) -> String {
    let Comparison { baseline, other, spread, .. } = comparison;
    let difference = spread.difference;
    let percent = 100.0 * difference / spread.baseline_mean;
    let mut rows = vec![
        ("compared", format!("{other} with {baseline}")),
        ("spread", format!("{:.2} against {:.2} nodes", spread.other_mean, spread.baseline_mean)),
        ("difference", format!("{difference:+.3} nodes, {percent:+.2} %")),
    ];
    if let Some([low, high]) = spread.interval {
        let verdict = if spread.is_separated { "told apart" } else { "not told apart" };
        let percent = 100.0 * spread.confidence_level;
        rows.push(("", format!("{low:+.3} to {high:+.3} with {percent} % confidence: {verdict}")));
    }
    let how = match comparison.method {
        Method::Paired => format!("{} pairs of simulations", comparison.simulations),
        Method::Independent => format!("independent samples, from {} on", comparison.simulations),
    };
    let correlation = spread.correlation.map(|value| format!(", correlation {value:.4}"));
    rows.push(("method", how + &correlation.unwrap_or_default()));
    if let (Some(needed), Some(independent)) =
        (spread.simulations_needed, spread.simulations_needed_independent)
    {
        let text = match comparison.method {
            Method::Paired => format!("{needed} simulations a side; independent, {independent}"),
            Method::Independent => format!("{needed} simulations a side"),
        };
        rows.push(("to tell", text));
    }
    for (place, measure) in comparison.measures.iter().enumerate() {
        rows.push((if place == 0 { "measures" } else { "" }, describe_measure(measure)));
    }
    if let Some(shape) = comparison.shape {
        let virality = shape.virality.map(|virality| format!(", virality {virality:+.3}"));
        let text = format!(
            "depth {:+.2}, breadth {:+.2}{} at the same size, {} simulations",
            shape.depth,
            shape.breadth,
            virality.unwrap_or_default(),
            shape.simulations
        );
        rows.push(("shape", text));
    }
    rows.extend(comparison.notes.iter().map(|note| ("note", note.clone())));
    table(&rows)
}

fn describe_measure(measure: &MeasureDifference) -> String {
    let MeasureDifference { name, is_stock, found } = measure;
    let peak = if *is_stock { " at the peak" } else { "" };
    let interval = found.interval.map_or_else(String::new, |[low, high]| {
        let verdict = if found.is_separated { "told apart" } else { "not told apart" };
        format!(" ({low:+.2} to {high:+.2}): {verdict}")
    });
    let Difference { other_mean, baseline_mean, difference, .. } = found;
    format!("{name}{peak} {other_mean:.2} against {baseline_mean:.2}, {difference:+.2}{interval}")
}
