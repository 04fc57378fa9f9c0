//! Sweeps: one table of many points, which goes on where it was killed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Folder, names};

/// 100 points on a graph of 256 nodes.
const SWEEP: &str = "\
version = 1
[graph]
path = \"g.kg\"
[run]
simulations = 4000
[sweep]
\"seeds.top_degree\" = { from = 1, to = 10, step = 1 }
\"model.probability\" = { from = 0.02, to = 0.2, step = 0.02 }
";

fn sweep_folder(spec: &str) -> Folder {
    let folder = Folder::with_graph();
    folder.write("s.toml", spec);
    folder
}

/// The points in the folder `out`, each with the file that its manifest is.
fn whole_points(out: &Path) -> BTreeMap<String, (u64, i64)> {
    let Ok(entries) = fs::read_dir(out.join("points")) else { return BTreeMap::new() };
    let entries = entries.map(|entry| entry.expect("an entry").path());
    let whole = entries.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        let manifest = fs::metadata(path.join("manifest.json")).ok()?;
        (!name.starts_with('.')).then_some((name, (manifest.ino(), manifest.mtime_nsec())))
    });
    whole.collect()
}

#[test]
fn a_sweep_that_is_killed_twice_runs_no_point_twice_and_loses_none() {
    let folder = sweep_folder(SWEEP);
    let run = ["run", "s.toml", "--out", "killed", "--threads", "1"];
    let out = folder.path("killed");
    let mut before = BTreeMap::new();
    for at_least in [20, 55] {
        let mut process =
            folder.command(&run).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while whole_points(&out).len() < at_least {
            assert!(Instant::now() < deadline, "{} points", whole_points(&out).len());
            assert!(process.try_wait().unwrap().is_none(), "it ended before it was killed");
            std::thread::sleep(Duration::from_millis(2));
        }
        // SIGKILL.
        process.kill().unwrap();
        process.wait().unwrap();
        let now = whole_points(&out);
        assert!((at_least..100).contains(&now.len()), "{} points: too late", now.len());
        assert!(before.iter().all(|(name, file)| now.get(name) == Some(file)), "a point twice");
        assert!(
            !out.join("sweep.json").try_exists().expect("a folder"),
            "there is no table of half a sweep"
        );
        before = now;
    }
    // As if the last kill had come in the middle of a write, and of a disk that lost one.
    fs::create_dir(out.join("points/.x.partial-7-0")).unwrap();
    fs::write(out.join("points/.x.partial-7-0/summary.json"), "{").unwrap();
    let lost = before.pop_first().unwrap().0;
    fs::write(out.join("points").join(&lost).join("summary.json"), "{}").unwrap();

    let done = folder.json(&run);
    let now = whole_points(&out);
    assert_eq!(now.len(), 100, "none is missing");
    assert!(before.iter().all(|(name, file)| now.get(name) == Some(file)), "a point twice");
    assert_eq!(done["points_run"], 100 - before.len());
    assert_eq!(done["points_kept"], before.len());
    assert_eq!(done["points"].as_array().unwrap().len(), 100);
    assert!(names(&out.join("points")).iter().all(|name| !name.starts_with('.')));

    let again = folder.json(&run);
    assert_eq!((&again["points_run"], &again["points_kept"]), (&0.into(), &100.into()));
    let undisturbed = folder.json(&["run", "s.toml", "--out", "whole", "--lane-words", "2"]);
    assert_eq!(undisturbed["points_run"], 100);
    assert_eq!(undisturbed["digest"], done["digest"]);
    for table in ["sweep.csv", "sweep.parquet", "sweep.html", "sweep.json"] {
        let [a, b] = [&out, &folder.path("whole")].map(|dir| fs::read(dir.join(table)).unwrap());
        assert_eq!(a, b, "{table}");
    }
}

#[test]
fn a_point_is_the_result_that_a_job_of_its_own_has() {
    let spec = "version = 1\n[graph]\npath = \"g.kg\"\n[seeds]\ntop_degree = 2\n[run]\nout = \"there\"\n\
                simulations = 200\n[sweep]\n\"model.probability\" = [0.005, 0.1]\n";
    let folder = sweep_folder(spec);
    let output = folder.kaskade(&["run", "s.toml"]).assert().success().get_output().clone();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("all get octet coins"), "{said}");
    assert!(said.contains("2 points run, 0 found"), "{said}");
    let csv = fs::read_to_string(folder.path("there/sweep.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3);
    assert!(csv.starts_with("point,model.probability,simulations,mean,"), "{csv}");
    let job = ["run", "--graph", "g.kg", "--seeds", "top-degree:2", "--simulations", "200"];
    for row in csv.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        let flags = ["--probability", cells[1], "--coins", "octet"];
        let alone = folder.json(&[&job[..], &flags[..]].concat());
        assert_eq!(alone["digest"], *cells.last().unwrap());
        assert_eq!(alone["spread"]["mean"].to_string().trim_end_matches(".0"), cells[3]);
        folder.json(&["verify", &format!("there/points/{}", cells[0])]);
    }
    // More points: those that are there stay.
    folder.write("s.toml", spec.replace("0.1]", "0.1, 0.2]"));
    let more = folder.json(&["run", "s.toml"]);
    assert_eq!((&more["points_run"], &more["points_kept"]), (&1.into(), &2.into()));
}

#[test]
fn the_page_and_the_plots_of_a_sweep_are_files() {
    let spec = "version = 1\n[graph]\npath = \"g.kg\"\n[run]\nsimulations = 50\n[sweep]\n\
                \"seeds.top_degree\" = [1, 2]\n\"model.probability\" = [0.05, 0.1]\n";
    let folder = sweep_folder(spec);
    folder.json(&["run", "s.toml", "--out", "s"]);
    folder.json(&["report", "s", "--out", "r/page.html", "--plots", "r", "--csv", "r"]);
    let files = ["curves.png", "curves.svg", "map-0.png", "map-0.svg", "page.html", "sweep.csv"];
    assert_eq!(names(&folder.path("r")), files);
    let [page, table] = ["r/page.html", "r/sweep.csv"].map(|name| fs::read(folder.path(name)));
    assert_eq!(page.unwrap(), fs::read(folder.path("s/sweep.html")).unwrap());
    assert_eq!(table.unwrap(), fs::read(folder.path("s/sweep.csv")).unwrap());
    folder.write("s/sweep.json", "{}");
    assert!(folder.refusal(&["report", "s", "--force"], 8).contains("run the sweep again"));
}

#[test]
fn what_a_sweep_cannot_do_is_said_before_anything_runs() {
    let folder = sweep_folder(SWEEP);
    assert!(folder.refusal(&["run", "s.toml"], 7).contains("name one with --out DIR"));
    assert!(
        folder.refusal(&["run", "s.toml", "--out", "d", "--force"], 2).contains("replaces nothing")
    );
    folder.write("s.toml", SWEEP.replace("model.probability", "model.probabilty"));
    let text = folder.refusal(&["run", "s.toml", "--out", "d"], 7);
    assert!(text.contains("s.toml:8:1: unknown field") && text.contains("did you mean"), "{text}");
    folder.write("s.toml", SWEEP);
    fs::create_dir(folder.path("d")).unwrap();
    folder.write("d/notes.txt", "mine");
    let text = folder.refusal(&["run", "s.toml", "--out", "d"], 6);
    assert!(text.contains("not the directory of a sweep (see \"notes.txt\")"), "{text}");
}
