//! `report.html`: a result, or several side by side, as one page that asks for nothing else.
//!
//! Plots are SVG drawn here; each has a title, a description and its numbers as a table. The page
//! has no script, no font, no link to anywhere, and says so to the browser.

mod axis;
mod measures;
mod page;
mod plots;
mod shapes;
mod style;
mod svg;
mod sweep;

pub use svg::Plot;

pub(crate) use svg::escape;

use crate::compare::Comparison;
use crate::sample::Sample;
use crate::stored::StoredResult;
use crate::summary::Summary;
use crate::sweep::SweepTable;

/// One of the results that a report is about.
#[derive(Clone, Copy, Debug)]
pub struct Reported<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its summary.
    pub summary: &'a Summary,
    /// The spreads of its simulations, in any order.
    pub spreads: &'a [u64],
}

impl<'a> Reported<'a> {
    /// The result of a job that has just ended.
    #[must_use]
    pub fn new(sample: &'a Sample, summary: &'a Summary) -> Self {
        Self { name: summary.job.as_str(), summary, spreads: &sample.sorted_spreads }
    }

    /// Whether nodes transmit until they recover.
    fn is_epidemic(&self) -> bool {
        self.summary.spec.model.recovery.is_some()
    }
}

impl<'a> From<&'a StoredResult> for Reported<'a> {
    fn from(result: &'a StoredResult) -> Self {
        Self { name: &result.name, summary: &result.summary, spreads: &result.spreads }
    }
}

/// The page about `results`, at least one; the first is the baseline of `comparisons`.
#[must_use]
pub fn report(results: &[Reported<'_>], comparisons: &[Comparison]) -> String {
    page::page(results, comparisons, &plots(results, comparisons))
}

/// The plots of that page, each also good as a file of its own.
#[must_use]
pub fn plots(results: &[Reported<'_>], comparisons: &[Comparison]) -> Vec<Plot> {
    let mut all = vec![plots::growth(results), plots::new_by_round(results)];
    all.extend(plots::reproduction(results));
    all.push(plots::survival(results));
    all.extend(measures::courses(results));
    all.extend(shapes::shapes(results));
    if !comparisons.is_empty() {
        all.push(plots::differences(comparisons));
    }
    all
}

/// The page about a sweep.
#[must_use]
pub fn sweep_report(sweep: &SweepTable) -> String {
    sweep::page(sweep, &sweep_plots(sweep))
}

/// The plots of that page.
#[must_use]
pub fn sweep_plots(sweep: &SweepTable) -> Vec<Plot> {
    sweep::plots(sweep)
}

#[cfg(test)]
mod tests;
