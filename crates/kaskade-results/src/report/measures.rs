//! What was measured besides activations: a table of all measures, and the course of each kind.

use super::Reported;
use super::axis::Axis;
use super::page;
use super::plots::{class, thinned};
use super::style::LINES;
use super::svg::{ACROSS, Canvas, Plot, UP_LOWER};
use crate::measured::{Amount, MeasureEstimate};
use crate::table::figures::{count, figure};

/// How far above the highest value an axis ends.
const HEADROOM: f64 = 1.05;

/// The most plots of a kind: what is left out is in the table.
const MAX_PLOTS: usize = 8;

/// Measures that are drawn together.
struct Kind {
    /// A word for files.
    name: &'static str,
    title: &'static str,
    y_label: &'static str,
    /// Their names up to the first dot.
    heads: &'static [&'static str],
}

const KINDS: [Kind; 9] = [
    Kind {
        name: "prevalence",
        title: "Prevalence",
        y_label: "nodes at the end of the round, mean",
        heads: &["exposed", "infectious"],
    },
    Kind {
        name: "infections",
        title: "Infections",
        y_label: "infections in the round, mean",
        heads: &["infections"],
    },
    Kind {
        name: "opinions",
        title: "Opinions",
        y_label: "nodes that took it in the round, mean",
        heads: &["positive", "negative"],
    },
    Kind {
        name: "campaigns",
        title: "Campaigns",
        y_label: "nodes that took it in the round, mean",
        heads: &["campaign"],
    },
    Kind {
        name: "channels",
        title: "Channels",
        y_label: "nodes reached over it in the round, mean",
        heads: &["channel"],
    },
    Kind {
        name: "conduct",
        title: "Passed on, endorsed",
        y_label: "nodes that did so in the round, mean",
        heads: &["forwarded", "endorsed"],
    },
    Kind {
        name: "fakes",
        title: "Fake accounts",
        y_label: "fakes that became active in the round, mean",
        heads: &["fakes"],
    },
    Kind {
        name: "weight",
        title: "Weight",
        y_label: "weight that became active in the round, mean",
        heads: &["weight"],
    },
    Kind {
        name: "segments",
        title: "Segments",
        y_label: "nodes that became active in the round, mean",
        heads: &["segment"],
    },
];

/// A line of a plot: what it is called, and the means by round.
type Course<'a> = (&'a str, &'a [f64]);

/// The plots of what `results` measured: of one result a line for each measure of a kind, of several
/// a plot for each measure, with a line for each result that has it.
pub(super) fn courses(results: &[Reported<'_>]) -> Vec<Plot> {
    KINDS.iter().flat_map(|kind| kind.plots(results)).collect()
}

/// All measures of `results` as a section of the page; nothing where nothing was measured.
pub(super) fn section(results: &[Reported<'_>]) -> String {
    let is_alone = results.len() == 1;
    let mut header = vec!["measure", "mean", "interval", "5 %", "median", "95 %", "of"];
    header.splice(0..0, (!is_alone).then_some("result"));
    let header: Vec<_> = header.into_iter().map(str::to_owned).collect();
    let of_result = |result: &Reported<'_>| {
        let row = |measure: &MeasureEstimate| {
            let mut cells = row(measure);
            cells.splice(0..0, (!is_alone).then(|| result.name.to_owned()));
            cells
        };
        result.summary.measures.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<_> = results.iter().flat_map(of_result).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<section><h2>What else was counted</h2><p>Of each simulation the sum over its rounds, or of what \
         rises and falls the peak. The interval is the mean ± 1.96 standard errors.</p>{}</section>",
        page::table("What else was counted", &header, &rows)
    )
}

fn row(measure: &MeasureEstimate) -> Vec<String> {
    let interval = measure.confidence_interval.map_or_else(
        || "unknown".to_owned(),
        |[low, high]| format!("{} to {}", figure(low), figure(high)),
    );
    let quantiles = measure.quantiles;
    let of = if measure.is_stock { "the peak" } else { "the sum" };
    let mut cells = vec![measure.name.clone(), figure(measure.mean), interval];
    cells.extend([quantiles.p05, quantiles.p50, quantiles.p95].map(said));
    cells.push(of.to_owned());
    cells
}

impl Kind {
    fn plots(&self, results: &[Reported<'_>]) -> Vec<Plot> {
        let found = results.iter().flat_map(|result| {
            let all = result.summary.measures.iter();
            all.filter(|of| self.heads.contains(&head(&of.name))).map(|of| (result.name, of))
        });
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            return Vec::new();
        }
        if results.len() == 1 {
            let courses = found.iter().map(|(_, of)| (tail(&of.name), &*of.mean_by_round));
            return vec![self.plot(self.name, self.title, &courses.collect::<Vec<_>>())];
        }
        let mut names: Vec<&str> = Vec::new();
        for (_, measure) in &found {
            if !names.contains(&&*measure.name) {
                names.push(&measure.name);
            }
        }
        let of_measure = |(number, name): (usize, &&str)| {
            let of_it = found.iter().filter(|(_, of)| of.name == **name);
            let courses: Vec<_> = of_it.map(|(result, of)| (*result, &*of.mean_by_round)).collect();
            if self.heads == [*name] {
                return self.plot(self.name, self.title, &courses);
            }
            let title = format!("{}: {}", self.title, tail(name));
            self.plot(&format!("{}-{number}", self.name), &title, &courses)
        };
        names.iter().enumerate().take(MAX_PLOTS).map(of_measure).collect()
    }

    fn plot(&self, name: &str, title: &str, courses: &[Course<'_>]) -> Plot {
        let drawn = highest(courses);
        let n_rounds = courses.iter().map(|(_, means)| means.len()).max().unwrap_or(0).max(2);
        let most = courses.iter().flat_map(|(_, means)| *means).copied().fold(0.0, f64::max);
        let x = Axis::linear(0.0, (n_rounds - 1) as f64, ACROSS);
        let y = Axis::linear(0.0, if most > 0.0 { HEADROOM * most } else { 1.0 }, UP_LOWER);
        let mut canvas = Canvas::new(x, y, "round", self.y_label);
        let (mut entries, mut description) = (Vec::new(), String::new());
        if drawn.len() < courses.len() {
            description = format!(
                "The {} that are highest of {} are drawn; the numbers have all. ",
                drawn.len(),
                courses.len()
            );
        }
        let rounds: Vec<_> = (0..n_rounds).collect();
        let rounds = thinned(&rounds);
        // Nothing is left of what a course does not reach.
        let mean = |means: &[f64], round: usize| means.get(round).copied().unwrap_or(0.0);
        for (number, &place) in drawn.iter().enumerate() {
            let (name, means) = courses[place];
            canvas.line(class(number), rounds.iter().map(|&&at| (at as f64, mean(means, at))));
            entries.push((class(number), name));
            let peak =
                (0..n_rounds).rev().max_by(|&a, &b| mean(means, a).total_cmp(&mean(means, b)));
            let peak = peak.unwrap_or(0);
            let value = figure(mean(means, peak));
            description += &format!("{name}: the mean is highest in round {peak}, at {value}. ");
        }
        canvas.full_legend(&entries);
        let rows = rounds.iter().map(|&&round| {
            let cells = courses.iter().map(|(_, means)| figure(mean(means, round)));
            [round.to_string()].into_iter().chain(cells).collect()
        });
        let header: Vec<_> = ["round"].into_iter().chain(courses.iter().map(|of| of.0)).collect();
        let rows = rows.collect();
        canvas.finish(name, title, description, &header, rows)
    }
}

/// Whole numbers, which all but weights are, have no decimals.
fn said(Amount(amount): Amount) -> String {
    if amount.fract() == 0.0 { count(amount as u64) } else { figure(amount) }
}

/// The places of those of `courses` that rise highest, as many as there are looks of lines, in their
/// own order.
fn highest(courses: &[Course<'_>]) -> Vec<usize> {
    let peak = |place: usize| courses[place].1.iter().copied().fold(0.0, f64::max);
    let mut places: Vec<usize> = (0..courses.len()).collect();
    places.sort_by(|&a, &b| peak(b).total_cmp(&peak(a)));
    places.truncate(LINES.len());
    places.sort_unstable();
    places
}

/// The name of a measure up to its first dot.
fn head(name: &str) -> &str {
    name.split_once('.').map_or(name, |(head, _)| head)
}

/// What follows that dot, or the whole name.
fn tail(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, tail)| tail)
}

#[cfg(test)]
mod tests {
    use kaskade_model::dynamics::Measure;

    use super::*;
    use crate::fixture;
    use crate::report::tests::has_a_picture;
    use crate::sample::Sample;
    use crate::summary::Summary;

    /// A job of two simulations with `measures`, whose course is 1, 2, 3, … in their order.
    fn measured(measures: Vec<Measure>) -> (Sample, Summary) {
        let mut rows = fixture::rows(&[&[1, 2, 1], &[1]]);
        for row in &mut rows {
            row.series = (1..).take(measures.len()).map(|n| vec![n, 2 * n, 0, n]).collect();
        }
        let sample = Sample::collect(rows, 100).unwrap();
        let record = crate::JobRecord { measures, ..fixture::record() };
        let summary = Summary::new(&sample, record);
        (sample, summary)
    }

    #[test]
    fn measures_are_drawn_by_kind() {
        let channel = |place, name: &str| Measure::Channel(place, name.to_owned());
        let measures = vec![
            Measure::Infections,
            Measure::Exposed,
            Measure::Infectious,
            channel(0, "mail"),
            channel(1, "<b>.x"),
        ];
        let (sample, summary) = measured(measures);
        let result = Reported::new(&sample, &summary);
        let plots = courses(&[result]);
        let names: Vec<_> = plots.iter().map(|plot| plot.name.as_str()).collect();
        assert_eq!(names, ["prevalence", "infections", "channels"]);
        let [prevalence, _, channels] = &plots[..] else { panic!("{names:?}") };
        assert_eq!(prevalence.header, ["round", "exposed", "infectious"]);
        assert_eq!(prevalence.rows[1], ["1", "4.00", "6.00"]);
        assert_eq!(prevalence.rows.len(), 4, "beyond the last activation");
        assert_eq!(channels.header, ["round", "mail", "<b>.x"]);
        assert!(channels.description.starts_with("mail: the mean is highest in round 1, at 8.00."));
        assert!(channels.file().contains("&lt;b&gt;.x") && !channels.file().contains("<b>"));
        plots.iter().for_each(has_a_picture);

        let page = crate::report(&[result], &[]);
        assert_eq!(page.matches("<svg ").count(), 4 + 3);
        assert!(
            page.contains("<td>infectious</td><td>6.00</td><td>6.00 to 6.00</td><td>6</td>"),
            "{page}"
        );
        assert!(page.contains("mean ± 1.96 standard errors"));
        assert!(!page.contains("NaN") && !page.contains("<b>"));
    }

    #[test]
    fn results_side_by_side_share_the_plot_of_a_measure() {
        let (sample, sir) = measured(vec![Measure::Infections, Measure::Infectious]);
        let (other_sample, seir) =
            measured(vec![Measure::Infections, Measure::Exposed, Measure::Infectious]);
        let results = [
            Reported { name: "sir", ..Reported::new(&sample, &sir) },
            Reported { name: "seir", ..Reported::new(&other_sample, &seir) },
        ];
        let plots = courses(&results);
        let titles: Vec<_> = plots.iter().map(|plot| (&*plot.name, &*plot.title)).collect();
        let expected = [
            ("prevalence-0", "Prevalence: infectious"),
            ("prevalence-1", "Prevalence: exposed"),
            ("infections", "Infections"),
        ];
        assert_eq!(titles, expected);
        assert_eq!(plots[0].header, ["round", "sir", "seir"]);
        assert_eq!(plots[1].header, ["round", "seir"]);
        assert!(section(&results).contains("<td>seir</td><td>exposed</td>"));
    }

    #[test]
    fn of_many_segments_the_highest_are_drawn() {
        let segments = (0..20).map(|place| Measure::Segment(place, format!("s{place}")));
        let (sample, summary) = measured(segments.collect());
        let [plot] = &courses(&[Reported::new(&sample, &summary)])[..] else { panic!() };
        assert_eq!(plot.file().matches("<path class=\"line ").count(), LINES.len());
        assert!(plot.description.starts_with("The 8 that are highest of 20 are drawn"));
        assert!(!plot.description.contains("s11: ") && plot.description.contains("s12: "));
        assert_eq!(plot.header.len(), 1 + 20);
    }

    #[test]
    fn one_simulation_without_rounds_has_its_place() {
        let mut rows = fixture::rows(&[&[1]]);
        rows[0].series = vec![vec![], vec![1]];
        let sample = Sample::collect(rows, 10).unwrap();
        let measures = vec![Measure::Fakes, Measure::Weight];
        let summary = Summary::new(&sample, crate::JobRecord { measures, ..fixture::record() });
        let page = crate::report(&[Reported::new(&sample, &summary)], &[]);
        assert!(page.contains("<td>weight</td><td>0.0000</td><td>unknown</td>"), "{page}");
        assert!(!page.contains("NaN"));
    }
}
