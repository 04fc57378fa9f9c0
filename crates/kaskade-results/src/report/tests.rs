use super::*;
use crate::fixture;

fn several() -> (Vec<StoredResult>, Vec<Comparison>) {
    let (sample, summary) = fixture::summary();
    let stored = |name: &str, more: u64| StoredResult {
        name: name.to_owned(),
        summary: summary.clone(),
        simulations: vec![0, 1, 2, 3],
        spreads: sample.spreads.iter().map(|spread| spread + more).collect(),
        files: Vec::new(),
    };
    let results = vec![stored("a<script>", 0), stored("b", 3)];
    let comparison = Comparison::of(&results[0], &results[1]);
    (results, vec![comparison])
}

#[test]
fn a_page_asks_for_nothing_and_has_every_plot() {
    let (sample, summary) = fixture::summary();
    let page = report(&[Reported::new(&sample, &summary)], &[]);
    for ask in ["src=", "<script", "<iframe", "@import", "url(", "href=\"http"] {
        assert!(!page.contains(ask), "{ask}");
    }
    assert_eq!(page.matches("<svg ").count(), 4);
    assert_eq!(page.matches("<title id=").count(), 4);
    assert_eq!(page.matches("<desc id=").count(), 4);
    assert_eq!(page.matches("<table>").count(), 4, "each plot's numbers");
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("NaN") && !page.contains("inf "));
    assert!(page.contains(&summary.digest));
}

#[test]
fn names_are_escaped() {
    let (results, comparisons) = several();
    let reported: Vec<_> = results.iter().map(Reported::from).collect();
    let page = report(&reported, &comparisons);
    assert!(!page.contains("<script"));
    assert!(page.contains("a&lt;script&gt;"));
    assert_eq!(page.matches("<svg ").count(), 5, "the comparison has a plot");
}

#[test]
fn plots_are_files_of_their_own() {
    let (results, comparisons) = several();
    let reported: Vec<_> = results.iter().map(Reported::from).collect();
    for plot in plots(&reported, &comparisons) {
        let file = plot.file();
        assert!(file.starts_with("<svg xmlns=") && file.ends_with("</svg>"), "{}", plot.name);
        assert_eq!(file.matches("<text").count(), file.matches("</text>").count());
        assert!(file.contains("<style>"));
    }
}

#[test]
fn a_job_of_one_simulation_has_a_report() {
    let sample = fixture::sample(&[&[1]]);
    let summary = Summary::new(&sample, fixture::record());
    let page = report(&[Reported::new(&sample, &summary)], &[]);
    assert!(!page.contains("NaN"));
}
