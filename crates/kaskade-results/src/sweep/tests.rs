use std::fs;

use super::*;
use crate::fixture;
use crate::manifest::Provenance;
use crate::{ResultsError, result_files};

fn table() -> SweepTable {
    let axes =
        [("model.probability", vec![SweptValue::Number(0.1), SweptValue::Number(0.2)], true)];
    let axes = axes.map(|(key, values, is_log)| SweepAxis { key: key.to_owned(), values, is_log });
    let (_, summary) = fixture::summary();
    let row =
        |value: &SweptValue| SweepRow::new(format!("id-{value}"), vec![value.clone()], &summary);
    let rows = axes[0].values.iter().map(row).collect();
    SweepTable {
        graph: summary.graph.clone(),
        seed: 1,
        coins: CoinFamily::Octet,
        is_one_family_forced: true,
        axes: axes.to_vec(),
        rows,
    }
}

/// The same with a second key.
fn by_second_key(values: Vec<SweptValue>) -> SweepTable {
    let mut two = table();
    let rows = two.rows.iter().flat_map(|row| {
        values.iter().map(|value| {
            let mut row = row.clone();
            row.values.push(value.clone());
            row
        })
    });
    two.rows = rows.collect();
    two.axes.push(SweepAxis { key: "seeds".to_owned(), values, is_log: false });
    two
}

#[test]
fn a_point_is_known_by_what_decides_its_result() {
    let (_, summary) = fixture::summary();
    let id = point_id(&summary.spec, "g");
    assert!(id.len() == 32 && kaskade_model::JobId::new(&id).is_ok(), "{id}");
    let mut elsewhere = summary.spec.clone();
    elsewhere.graph.name = Some("other".to_owned());
    elsewhere.run.out = Some("there".to_owned());
    assert_eq!(point_id(&elsewhere, "g"), id);
    assert_ne!(point_id(&summary.spec, "h"), id);
    let mut other = summary.spec;
    other.run.seed += 1;
    assert_ne!(point_id(&other, "g"), id);
}

#[test]
fn the_table_has_a_row_a_point() {
    let table = table();
    let csv = table.to_csv();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("point,model.probability,simulations,mean,standard_deviation,"));
    assert!(lines[1].starts_with("id-0.1,0.1,4,39.25,"), "{}", lines[1]);
    assert!(lines.iter().all(|line| line.split(',').count() == 21), "{csv}");
    assert_eq!(table.to_parquet().unwrap(), table.to_parquet().unwrap());
    let document = serde_json::to_value(table.document()).unwrap();
    assert_eq!(document["points"][1]["values"]["model.probability"], 0.2);
    assert_eq!(document["points"][1]["spread"]["mean"], 39.25);
    let mut other = table.clone();
    other.rows.swap(0, 1);
    assert_ne!(other.digest(), table.digest());
}

#[test]
fn a_sweep_takes_only_whole_points_and_leaves_strangers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/sweep");
    let (sample, summary) = fixture::summary();
    let files = result_files(&sample, &summary, &Provenance::default()).unwrap();
    let id = point_id(&summary.spec, &summary.graph.digest);
    {
        let sweep = SweepDirectory::open(&path).unwrap();
        assert!(sweep.find(&id).unwrap().is_none());
        sweep.keep(&id, &files).unwrap();
        assert_eq!(sweep.find(&id).unwrap().unwrap(), summary);
        let again = SweepDirectory::open(&path);
        assert!(matches!(again, Err(ResultsError::SweepInUse { .. })), "{again:?}");
        // A result under a name that is not its own.
        sweep.keep("other", &files).unwrap();
        assert!(
            sweep.find("other").unwrap().is_none() && !sweep.point("other").try_exists().unwrap()
        );
        assert!(!SweepTable::is_in(&path));
        sweep.write_table(&table()).unwrap();
        assert!(SweepTable::is_in(&path));
    }
    // What a process that was killed leaves: a hidden directory, and never a half one.
    fs::create_dir(path.join("points/.x.partial-1-0")).unwrap();
    fs::remove_file(path.join("points").join(&id).join("manifest.json")).unwrap();
    let sweep = SweepDirectory::open(&path).unwrap();
    assert!(!path.join("points/.x.partial-1-0").try_exists().unwrap());
    assert!(sweep.find(&id).unwrap().is_none() && !sweep.point(&id).try_exists().unwrap());
    drop(sweep);
    fs::write(path.join("thesis.tex"), "").unwrap();
    let refused = SweepDirectory::open(&path);
    assert!(matches!(refused, Err(ResultsError::NotASweep { .. })), "{refused:?}");
}

#[test]
fn the_page_draws_curves_and_maps() {
    let one = table();
    let page = crate::report::sweep_report(&one);
    assert_eq!(page.matches("<svg ").count(), 1);
    assert!(page.contains("octet coins") && !page.contains("NaN"));
    let page =
        crate::report::sweep_report(&by_second_key(vec!["a<b".into(), SweptValue::Integer(3)]));
    assert_eq!(page.matches("<svg ").count(), 2, "a map and curves");
    assert_eq!(page.matches("class=\"cell\"").count(), 4 + 5);
    assert!(page.contains("a&lt;b") && !page.contains("a<b"));
}

#[test]
fn cells_of_a_map_meet() {
    let plots =
        crate::report::sweep_plots(&by_second_key((0..37).map(SweptValue::Integer).collect()));
    let pixels = fixture::Pixels::of(&plots[0].png().unwrap());
    // The means are all the same, so that the map has one colour from its lowest row to its highest.
    let found: Vec<_> = (100..500).map(|y| pixels.at(300, y)).collect();
    assert!(found.iter().all(|&colour| colour == [0x00, 0x72, 0xb2]), "{found:?}");
}

#[test]
fn of_many_values_some_are_drawn_as_curves() {
    let curves = |n: i64| {
        let mut plots =
            crate::report::sweep_plots(&by_second_key((1..=n).map(SweptValue::Integer).collect()));
        plots.pop().unwrap()
    };
    let (few, many) = (curves(8), curves(15));
    for plot in [&few, &many] {
        let file = plot.file();
        assert_eq!(plot.name, "curves");
        assert_eq!(file.matches("<path class=\"line ").count(), 8);
        assert_eq!(file.matches("<line class=\"line ").count(), 8, "the legend names every one");
    }
    assert!(!few.description.contains("drawn") && few.file().contains("by seeds</text>"));
    let drawn = "Of the 15 values of seeds 8 are drawn: 1, 3, 5, 7, 9, 11, 13, 15.";
    assert!(many.description.contains(drawn), "{}", many.description);
    assert!(many.file().contains("by seeds, 8 of 15 values</text>"));
    assert_eq!(many.rows.len(), 2 * 15, "the numbers have all");
    let long = by_second_key((0..8).map(|n| format!("a long value {n}").as_str().into()).collect());
    let file = crate::report::sweep_plots(&long).pop().unwrap().file();
    assert_eq!(file.matches("<line class=\"line ").count(), 8);
}

#[test]
fn a_table_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let sweep = SweepDirectory::open(&dir.path().join("sweep")).unwrap();
    let mut table = by_second_key(vec![SweptValue::Number(1.0), "all".into()]);
    table.rows[1].measures = vec![("cost".to_owned(), 0.1), ("doses".to_owned(), 3.0)];
    table.rows[1].measures_digest = Some("ab".to_owned());
    sweep.write_table(&table).unwrap();
    assert_eq!(SweepTable::read(&dir.path().join("sweep")).unwrap(), table);

    let path = dir.path().join("sweep/sweep.json");
    let text = fs::read_to_string(&path).unwrap();
    for (found, other) in [("id-0.1", "id-0.3"), ("\"all\"", "\"any\",7"), ("\"seeds\":", "\"s\":")]
    {
        assert!(text.contains(found), "{found}");
        fs::write(&path, text.replacen(found, other, 1)).unwrap();
        let error = SweepTable::read(&dir.path().join("sweep")).unwrap_err();
        assert!(matches!(error, ResultsError::UnreadableSweep { .. }) && error.is_corrupt());
    }
}
