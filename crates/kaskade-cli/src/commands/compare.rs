//! `kaskade compare`.

use kaskade_results::compare::Method;
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
    let Comparison { baseline, other, difference, .. } = comparison;
    let percent = 100.0 * difference / comparison.baseline_mean;
    let mut rows = vec![
        ("compared", format!("{other} with {baseline}")),
        (
            "spread",
            format!("{:.2} against {:.2} nodes", comparison.other_mean, comparison.baseline_mean),
        ),
        ("difference", format!("{difference:+.3} nodes, {percent:+.2} %")),
    ];
    if let Some([low, high]) = comparison.interval {
        let verdict = if comparison.is_separated { "told apart" } else { "not told apart" };
        let percent = 100.0 * comparison.confidence_level;
        rows.push(("", format!("{low:+.3} to {high:+.3} with {percent} % confidence: {verdict}")));
    }
    let how = match comparison.method {
        Method::Paired => format!("{} pairs of simulations", comparison.simulations),
        Method::Independent => format!("independent samples, from {} on", comparison.simulations),
    };
    let correlation = comparison.correlation.map(|value| format!(", correlation {value:.4}"));
    rows.push(("method", how + &correlation.unwrap_or_default()));
    if let (Some(needed), Some(independent)) =
        (comparison.simulations_needed, comparison.simulations_needed_independent)
    {
        let text = match comparison.method {
            Method::Paired => format!("{needed} simulations a side; independent, {independent}"),
            Method::Independent => format!("{needed} simulations a side"),
        };
        rows.push(("to tell", text));
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
