//! The lines that say of what kinds the cascades are, and when they do what.

use super::figures::{count, counted, figure};
use super::line;
use crate::estimate::Interval;
use crate::summary::Summary;

/// How the interval was made, where it is not the one that everybody expects, and whether the
/// stop rule got what it asked for.
pub(super) fn interval_lines(text: &mut String, summary: &Summary) {
    if summary.spread.interval == Interval::Bootstrap {
        line(text, "", &["the interval is a bootstrap's".to_owned()]);
    }
    let Some(stop) = &summary.stop else { return };
    let error = format!("relative error {} %", figure(100.0 * stop.relative_error));
    let looks = format!("look {} of at most {}", stop.looks, stop.max_looks);
    let verdict =
        if stop.is_reached { "as asked for" } else { "more than asked for: raise --simulations" };
    line(text, "until", &[error, looks, verdict.to_owned()]);
}

/// Outbreaks, the course, and the histogram of spreads.
pub(super) fn shape_lines(text: &mut String, summary: &Summary) {
    if let Some(outbreak) = &summary.outbreak {
        let [low, high] = outbreak.probability_interval.map(|end| figure(100.0 * end));
        let parts = [
            format!("{} % break out ({low} to {high} %)", figure(100.0 * outbreak.probability)),
            format!("from {} nodes on", count(outbreak.threshold)),
            format!("then {} on average", figure(outbreak.mean_spread)),
            format!("otherwise {}", figure(outbreak.mean_spread_otherwise)),
        ];
        line(text, "outbreaks", &parts);
    }
    let course = &summary.course;
    let mut parts = vec![format!("peak in round {}", count(course.peak_round.quantiles.p50))];
    let shown = course.time_to.iter().filter(|time| time.share < 0.95);
    parts.extend(shown.map(|time| {
        let share = (100.0 * time.share).round();
        format!("{share} % by round {}", count(time.rounds.quantiles.p50))
    }));
    parts.push("(medians)".to_owned());
    line(text, "course", &parts);
    if let [first, .., last] = summary.distribution.as_slice() {
        let counts: Vec<_> = summary.distribution.iter().map(|bin| bin.simulations).collect();
        let histogram = format!("{} {} {}", count(first.from), histogram(&counts), count(last.to));
        line(text, "spreads", &[histogram, "(log scale)".to_owned()]);
    }
}

/// The traced cascades, and the nodes that are reached most often.
pub(super) fn kept_lines(text: &mut String, summary: &Summary) {
    if let Some(shape) = &summary.shape {
        let virality = shape.virality.map_or_else(|| "none".to_owned(), |of| figure(of.mean));
        let kinds = &shape.kinds;
        let parts = [
            format!("virality {virality}"),
            format!("depth {}", figure(shape.depth.mean)),
            format!("breadth {} (means)", figure(shape.breadth.mean)),
            format!("{} broadcast", count(kinds.broadcast)),
            format!("{} viral", count(kinds.viral)),
            format!("{} silent", count(kinds.silent)),
            format!("of {} traced", count(shape.simulations)),
        ];
        line(text, "shape", &parts);
    }
    if let Some(reach) = &summary.reach {
        let mut parts = vec![format!("{} reached at least once", counted(reach.nodes, "node"))];
        let top = reach.top.iter().take(TOP_SHOWN);
        parts.extend(top.map(|top| {
            let name: String = top.node.to_string().chars().take(40).collect();
            format!("{name} in {} %", figure(100.0 * top.reach_probability))
        }));
        line(text, "reach", &parts);
    }
}

/// Nodes that are shown here; the summary names more.
const TOP_SHOWN: usize = 5;

/// A column a count, to an eighth of a line; what is not nothing is seen.
fn histogram(counts: &[u64]) -> String {
    const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |&count: &u64| (u128::from(count) * 8).div_ceil(u128::from(most)) as usize;
    counts.iter().map(|count| EIGHTHS[height(count)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_high_as_their_counts() {
        assert_eq!(histogram(&[0, 1, 400, 800]), " ▁▄█");
        assert_eq!(histogram(&[u64::MAX, 0]), "█ ");
        assert_eq!(histogram(&[0]), " ");
    }
}
