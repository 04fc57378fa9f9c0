//! The page round the plots.

use super::Reported;
use super::measures;
use super::style;
use super::svg::{Plot, escape};
use crate::compare::{Comparison, Method};
use crate::estimate::Interval;
use crate::summary::{Summary, to_json};
use crate::table::figures::{count, counted, figure};

const PAGE_STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn page(results: &[Reported<'_>], comparisons: &[Comparison], plots: &[Plot]) -> String {
    let title = match results {
        [only] => format!("{} reached", counted_nodes(only.summary.spread.mean)),
        several => format!("{} results compared", several.len()),
    };
    let mut body = match results {
        [only] => headline(only),
        several => headlines(several),
    };
    if !comparisons.is_empty() {
        body += &comparison_table(comparisons);
    }
    body += &gallery(plots);
    body += &measures::section(results);
    results.iter().for_each(|result| body += &reach(result));
    results.iter().for_each(|result| body += &origin(result));
    whole(&title, &body)
}

/// A page of its own with `title` and the contents `body`.
pub(super) fn whole(title: &str, body: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\
         <link rel=\"icon\" href=\"data:,\"><title>{} · kaskade</title>\
         <style>{PAGE_STYLE}{}</style></head>\n<body><main>{body}\
         <footer>Made by kaskade {version}. This page asks for nothing but itself.</footer>\
         </main></body></html>\n",
        escape(title),
        style::for_screens()
    )
}

/// What one result says, in a sentence, and its figures.
fn headline(result: &Reported<'_>) -> String {
    let Summary { spread, graph, course, rounds, .. } = result.summary;
    let share = 100.0 * spread.mean / f64::from(graph.nodes.max(1));
    let sure = match spread.confidence_interval {
        Some([low, high]) => format!(
            "With {} % confidence the expected reach lies between <strong>{}</strong> and \
             <strong>{}</strong> nodes{}.",
            figure(100.0 * spread.confidence_level).trim_end_matches('0').trim_end_matches('.'),
            figure(low),
            figure(high),
            interval_words(spread.interval)
        ),
        None => "One simulation says nothing of how sure that is.".to_owned(),
    };
    let outbreak = result.summary.outbreak.map_or_else(String::new, |outbreak| {
        format!(
            " Cascades are of two kinds: {} % break out and reach {} nodes, the others end at {}.",
            figure(100.0 * outbreak.probability),
            figure(outbreak.mean_spread),
            figure(outbreak.mean_spread_otherwise)
        )
    });
    let mut cards = vec![
        ("mean reach", figure(spread.mean), format!("{} % of all nodes", figure(share))),
        (
            "half of all runs",
            count(spread.quantiles.p50),
            format!(
                "5 to 95 %: {} to {}",
                count(spread.quantiles.p05),
                count(spread.quantiles.p95)
            ),
        ),
    ];
    if let Some(outbreak) = result.summary.outbreak {
        let [low, high] = outbreak.probability_interval.map(|end| figure(100.0 * end));
        let value = format!("{} %", figure(100.0 * outbreak.probability));
        let threshold = count(outbreak.threshold);
        cards.push(("break out", value, format!("{low} to {high} %, from {threshold} nodes on")));
    }
    let first = result.summary.growth.first().and_then(|round| round.reproduction_number);
    if let Some(first) = first {
        let note = if result.is_epidemic() {
            "until it recovers, as in round 1"
        } else {
            "in the first round"
        };
        cards.push(("followers a seed", figure(first), note.to_owned()));
    }
    cards.push((
        "peak (median)",
        format!("round {}", count(course.peak_round.quantiles.p50)),
        format!("cascades last {} rounds on average", figure(rounds.mean)),
    ));
    if let Some(shape) = &result.summary.shape {
        let virality = shape.virality.map_or_else(|| "none".to_owned(), |of| figure(of.mean));
        let traced = counted(shape.simulations, "traced simulation");
        cards.push(("structural virality", virality, format!("over {traced}")));
        let depth = format!("and {} nodes broad", figure(shape.breadth.mean));
        cards.push(("hops deep", figure(shape.depth.mean), depth));
    }
    let cards: String = cards
        .into_iter()
        .map(|(name, value, note)| {
            format!("<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>")
        })
        .collect();
    format!(
        "<p class=\"eyebrow\">job {} · {} on {} and {}</p><h1>The message reaches {} on \
         average.</h1><p class=\"lead\">{sure}{outbreak}</p><dl class=\"cards\">{cards}</dl>",
        escape(result.name),
        counted(result.summary.simulations, "simulation"),
        counted(u64::from(graph.nodes), "node"),
        counted(graph.arcs, "arc"),
        counted_nodes(spread.mean),
    )
}

fn interval_words(interval: Interval) -> &'static str {
    match interval {
        Interval::Normal => "",
        Interval::Bootstrap => " (a bootstrap's interval)",
        Interval::Sequential => " (an interval that holds under the stop rule)",
    }
}

/// Several results, a row each.
fn headlines(results: &[Reported<'_>]) -> String {
    let rows = results.iter().map(|result| {
        let spread = &result.summary.spread;
        let interval = spread.confidence_interval.map_or_else(
            || "unknown".to_owned(),
            |[low, high]| format!("{} to {}", figure(low), figure(high)),
        );
        vec![
            result.name.to_owned(),
            figure(spread.mean),
            interval,
            count(spread.quantiles.p50),
            count(result.summary.simulations),
        ]
    });
    let header = ["result", "mean reach", "interval", "median", "simulations"];
    let header: Vec<_> = header.map(str::to_owned).to_vec();
    format!(
        "<p class=\"eyebrow\">kaskade</p><h1>{} results side by side.</h1>{}",
        results.len(),
        table("The results", &header, &rows.collect::<Vec<_>>())
    )
}

fn comparison_table(comparisons: &[Comparison]) -> String {
    let mut section = String::from("<section><h2>Difference</h2>");
    for comparison in comparisons {
        let Comparison { baseline, other, spread, .. } = comparison;
        let interval = spread.interval.map_or_else(String::new, |[low, high]| {
            format!(" (95 % interval {} to {})", figure(low), figure(high))
        });
        let verdict = if spread.is_separated {
            "The two are told apart."
        } else {
            "That is within what chance does: their spreads are not told apart."
        };
        let saved = match (comparison.method, spread.savings) {
            (Method::Paired, Some(savings)) => format!(
                " Common random numbers: a pair says as much as {} independent simulations each.",
                figure(savings)
            ),
            _ => String::new(),
        };
        let notes: String = comparison.notes.iter().map(|note| format!(" Note: {note}.")).collect();
        section += &format!(
            "<p><strong>{}</strong> reaches <strong>{}</strong> nodes {} than <strong>{}</strong>\
             {interval}. {verdict}{saved}{}</p>",
            escape(other),
            figure(spread.difference.abs()),
            if spread.difference < 0.0 { "fewer" } else { "more" },
            escape(baseline),
            escape(&notes)
        );
        section += &measures_table(comparison);
    }
    section + "</section>"
}

/// What else was measured of both, a row each.
fn measures_table(comparison: &Comparison) -> String {
    let Comparison { baseline, other, measures, .. } = comparison;
    if measures.is_empty() {
        return String::new();
    }
    let rows = measures.iter().map(|measure| {
        let found = &measure.found;
        let interval = found.interval.map_or_else(
            || "unknown".to_owned(),
            |[low, high]| format!("{} to {}", figure(low), figure(high)),
        );
        let verdict = if found.is_separated { "told apart" } else { "not told apart" };
        let name = &measure.name;
        let name = if measure.is_stock { format!("{name} at the peak") } else { name.clone() };
        let means = [found.baseline_mean, found.other_mean, found.difference].map(figure);
        [name].into_iter().chain(means).chain([interval, verdict.to_owned()]).collect()
    });
    let header = ["measure", baseline, other, "difference", "95 % interval", "verdict"];
    let label = format!("What else differs between {baseline} and {other}");
    table(&label, &header.map(str::to_owned), &rows.collect::<Vec<_>>())
}

/// All plots, side by side where there is room.
pub(super) fn gallery(plots: &[Plot]) -> String {
    let figures: String = plots.iter().map(figure_of).collect();
    format!("<section><h2>Plots</h2><div class=\"plots\">{figures}</div></section>")
}

/// A plot with its numbers.
fn figure_of(plot: &Plot) -> String {
    format!(
        "<figure><h3>{}</h3>{}<details><summary>Numbers: {}</summary>{}</details></figure>",
        escape(&plot.title),
        plot.inline(),
        escape(&plot.title.to_lowercase()),
        table(&plot.title, &plot.header, &plot.rows)
    )
}

/// A table that scrolls by itself, by keyboard too.
pub(super) fn table(label: &str, header: &[String], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect()
    };
    let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>", cells("td", row))).collect();
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table><thead><tr>\
         {}</tr></thead><tbody>{rows}</tbody></table></div>",
        escape(label),
        cells("th scope=\"col\"", header).replace("</th scope=\"col\">", "</th>")
    )
}

/// The nodes that are reached most often, where nodes were counted.
fn reach(result: &Reported<'_>) -> String {
    let Some(reach) = &result.summary.reach else { return String::new() };
    let has_segments = reach.top.iter().any(|top| top.segment.is_some());
    let mut header = vec!["node", "reached in", "share"];
    header.extend(has_segments.then_some("segment"));
    let header: Vec<_> = header.into_iter().map(str::to_owned).collect();
    let rows = reach.top.iter().map(|top| {
        let share = format!("{} %", figure(100.0 * top.reach_probability));
        let mut row = vec![top.node.to_string(), count(top.reached), share];
        row.extend(has_segments.then(|| top.segment.clone().unwrap_or_default()));
        row
    });
    format!(
        "<section><h2>Whom {} reaches most often</h2><p>{} are reached in at least one of {}; \
         <code>nodes.parquet</code> has all of them.</p>{}</section>",
        escape(result.name),
        counted(reach.nodes, "node"),
        counted(result.summary.simulations, "simulation"),
        table(
            &format!("The nodes that {} reaches most often", result.name),
            &header,
            &rows.collect::<Vec<_>>()
        )
    )
}

/// All that it takes to make the result again.
fn origin(result: &Reported<'_>) -> String {
    let Summary { spec, graph, digest, .. } = result.summary;
    let name = escape(result.name);
    format!(
        "<section><h2>Where {name} comes from</h2><p>The digest of its simulations is \
         <code>{}</code>, on the graph <code>{}</code>. <code>kaskade rerun</code> makes it again \
         from its directory and compares.</p><details><summary>Resolved spec of {name}</summary>\
         <pre tabindex=\"0\">{}</pre></details></section>",
        escape(digest),
        escape(&graph.digest),
        escape(to_json(spec).trim_end())
    )
}

fn counted_nodes(mean: f64) -> String {
    format!("{} nodes", figure(mean))
}
