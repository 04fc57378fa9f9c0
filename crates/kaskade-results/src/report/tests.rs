use kaskade_model::recording::TracedActivation;
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;

use super::*;
use crate::cascades::{Activation, Cascades};
use crate::fixture::{self, Pixels};
use crate::reach::Reach;

fn several() -> (Vec<StoredResult>, Vec<Comparison>) {
    let (sample, summary) = fixture::summary();
    let stored = |name: &str, more: u64| StoredResult {
        name: name.to_owned(),
        summary: summary.clone(),
        simulations: vec![0, 1, 2, 3],
        spreads: sample.spreads.iter().map(|spread| spread + more).collect(),
        measures: Vec::new(),
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
fn every_plot_has_a_picture() {
    let (results, comparisons) = several();
    let reported: Vec<_> = results.iter().map(Reported::from).collect();
    plots(&reported, &comparisons).iter().for_each(has_a_picture);
}

/// Fails unless the picture of `plot` has paper, a line and a label, and is the same twice.
pub(super) fn has_a_picture(plot: &Plot) {
    let png = plot.png().unwrap();
    assert_eq!(png, plot.png().unwrap(), "the same bytes");
    let pixels = Pixels::of(&png);
    assert_eq!((pixels.width, pixels.height), (960, 600), "{}", plot.name);
    for (x, y) in [(0, 0), (959, 0), (0, 599), (959, 599)] {
        assert_eq!(pixels.at(x, y), [255; 3], "{}: the paper is white", plot.name);
    }
    let blue = pixels.count(|colour| colour == [0x00, 0x72, 0xb2]);
    assert!(blue > 50, "{}: {blue} pixels of a line", plot.name);
    // What stands above the frame is the vertical axis's label, in ink.
    let label = (0..40).flat_map(|y| (8..400).map(move |x| (x, y)));
    let ink = label.filter(|&(x, y)| pixels.at(x, y)[0] < 110).count();
    assert!(ink > 200, "{}: {ink} pixels of the label", plot.name);
}

#[test]
fn a_job_of_one_simulation_has_a_report() {
    let sample = fixture::sample(&[&[1]]);
    let summary = Summary::new(&sample, fixture::record());
    let page = report(&[Reported::new(&sample, &summary)], &[]);
    assert!(!page.contains("NaN"));
}

#[test]
fn a_reproduction_number_that_is_unknown_has_no_plot() {
    let mut record = fixture::record();
    record.spec.model.meeting = Some(0.5);
    let (sample, _) = fixture::summary();
    let summary = Summary::new(&sample, record);
    assert!(summary.growth.iter().all(|round| round.reproduction_number.is_none()));
    let page = report(&[Reported::new(&sample, &summary)], &[]);
    assert_eq!(page.matches("<svg ").count(), 3);
    assert!(!page.contains("followers"));
}

#[test]
fn traced_cascades_and_counted_nodes_have_their_place() {
    let (sample, _) = fixture::summary();
    let nodes = fixture::Directory::of(&[30, 10, 20, 40, 50]);
    let traced = |node, parent| TracedActivation { place: 0, round: node, node, parent };
    let trace = [
        (0, traced(0, None)),
        (0, traced(1, Some(0))),
        (0, traced(2, Some(1))),
        (1, traced(0, None)),
    ];
    let trace = trace.iter().map(|(simulation, of)| (*simulation, of));
    let sample = Sample {
        cascades: Some(Cascades::collect(trace, |node| nodes.original(node))),
        reach: Some(Reach::collect(&[4, 2, 1], 4, &nodes, None)),
        ..sample
    };
    let summary = Summary::new(&sample, fixture::record());
    let page = report(&[Reported::new(&sample, &summary)], &[]);
    assert_eq!(page.matches("<svg ").count(), 6);
    assert!(page.contains("structural virality") && page.contains("reaches most often"));
    assert!(page.contains("<td>30</td><td>4</td><td>100.00 %</td>"));
    assert!(!page.contains("NaN"));
    // Of several results each table has a name of its own.
    let both = ["a", "b"].map(|name| Reported { name, ..Reported::new(&sample, &summary) });
    let page = report(&both, &[]);
    let labels = page.split("aria-label=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut labels: Vec<&str> = labels.collect();
    let n_labels = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), n_labels, "{labels:?}");
    let text = crate::table(&summary);
    assert!(text.contains("virality 1.33") && text.contains("30 in 100"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let files = crate::result_files(&sample, &summary, &crate::Provenance::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traced");
    crate::write_directory(&path, &files, false).unwrap();
    let stored = StoredResult::read(&path).unwrap();
    assert_eq!(stored.summary, summary);
    assert_eq!(stored.cascades().unwrap(), sample.cascades);
}

#[test]
fn cascades_of_names_read_back() {
    let names = ["ann", "7", "é"].map(OriginalId::from).to_vec();
    let of = |simulation, round, node, parent| Activation { simulation, round, node, parent };
    let activations =
        vec![of(3, 0, 0, None), of(3, 1, 1, Some(0)), of(3, 2, 2, Some(1)), of(9, 0, 1, None)];
    let (sample, _) = fixture::summary();
    let sample = Sample { cascades: Some(Cascades::new(names, activations)), ..sample };
    let summary = Summary::new(&sample, fixture::record());
    let files = crate::result_files(&sample, &summary, &crate::Provenance::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("names");
    crate::write_directory(&path, &files, false).unwrap();
    assert_eq!(StoredResult::read(&path).unwrap().cascades().unwrap(), sample.cascades);
}
