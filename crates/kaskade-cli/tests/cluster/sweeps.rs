//! Sweeps whose points are jobs of a coordinator.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use kaskade_testkit::process_cluster::ProcessCluster;
use serde_json::Value;

use super::{binary, generate, kaskade};

const KEYS: &str = "\
[run]
simulations = 3000
[sweep]
\"seeds.top_degree\" = [5, 10, 20]
\"model.probability\" = { from = 0.02, to = 0.08, step = 0.02 }
";

/// A cluster of two workers with a graph, and the spec of a sweep of 12 points on it.
fn cluster() -> (ProcessCluster, String) {
    let cluster = ProcessCluster::start(binary(), 2, 1);
    generate(&cluster, "graph", 11, 5);
    let spec = cluster.scratch("s.toml");
    fs::write(&spec, format!("version = 1\n[graph]\nname = \"graph\"\n{KEYS}"))
        .expect("the folder can be written");
    let spec = spec.to_str().expect("a path of ASCII").to_owned();
    (cluster, spec)
}

/// The ids of the coordinator's jobs, and whether all have succeeded.
fn jobs(cluster: &ProcessCluster) -> (Vec<String>, bool) {
    let listed = cluster.json(&["list"]);
    let jobs = listed["jobs"].as_array().expect("a list");
    let ids = jobs.iter().map(|job| job["id"].as_str().expect("an id").to_owned());
    (ids.collect(), jobs.iter().all(|job| job["state"] == "succeeded"))
}

/// The sweep on the same graph in one process.
fn local(cluster: &ProcessCluster) -> Value {
    let spec = cluster.scratch("local.toml");
    let graph = cluster.graphs().join("graph.kg");
    fs::write(&spec, format!("version = 1\n[graph]\npath = {graph:?}\n{KEYS}"))
        .expect("the folder can be written");
    let out = cluster.scratch("local");
    kaskade(&[
        "run",
        spec.to_str().expect("a path of ASCII"),
        "--out",
        out.to_str().expect("a path of ASCII"),
    ])
}

/// The coordinator dies between two submits, which say the same.
#[test]
fn f19_a_sweep_handed_in_again_doubles_and_loses_no_point() {
    let (mut cluster, spec) = cluster();
    // Dies when it has logged the fifth point and before it answers.
    cluster.kill_coordinator();
    cluster.start_coordinator_with(&[("KASKADE_FAIL_POINT", "submit-logged:5")]);
    cluster.wait_for_workers(2);
    let broken = cluster.client(&["submit", &spec]);
    assert_ne!(broken.code, 0, "{broken:?}");
    cluster.wait_for_coordinator_end();
    cluster.start_coordinator();
    cluster.wait_for_workers(2);
    let known = jobs(&cluster).0.len();
    assert!((1..12).contains(&known), "{known} points before the second submit");

    let out = cluster.scratch("out");
    let out = out.to_str().unwrap();
    let done = cluster.json(&["submit", &spec, "--out", out]);
    assert_eq!(done["points"].as_array().unwrap().len(), 12);
    assert_eq!(done["points_run"].as_u64().unwrap() as usize, 12 - known, "{done}");
    let (ids, have_all_succeeded) = jobs(&cluster);
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (12, 12), "none doubled");
    assert!(have_all_succeeded);
    assert_eq!(fs::read_dir(format!("{out}/points")).unwrap().count(), 12);

    // All is there: nothing is handed in, with or without the directory.
    let again = cluster.json(&["submit", &spec, "--out", out]);
    assert_eq!((&again["points_run"], &again["points_kept"]), (&0.into(), &12.into()));
    let handed = cluster.json(&["submit", &spec]);
    let handed = handed["points"].as_array().unwrap();
    assert!(handed.len() == 12 && handed.iter().all(|point| point["already_known"] == true));
    assert_eq!(jobs(&cluster).0.len(), 12);
    assert_eq!(local(&cluster)["digest"], done["digest"], "the same points, the same results");
}

/// The coordinator dies while the command waits, and every worker is replaced in turn.
#[test]
fn f19_a_sweep_goes_on_through_a_restart_of_everybody() {
    let (mut cluster, spec) = cluster();
    let out = cluster.scratch("out");
    let mut submit = std::process::Command::new(binary());
    submit.args(["submit", &spec, "--out", out.to_str().unwrap()]);
    submit.args(["--coordinator", &cluster.url(), "--json"]);
    let submit = submit.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let points = out.join("points");
    let n_points = || fs::read_dir(&points).map_or(0, Iterator::count);
    cluster.wait_for("a first point", || (n_points() > 0).then_some(()));
    cluster.kill_coordinator();
    cluster.start_coordinator();
    for _ in 0..2 {
        cluster.start_worker();
        cluster.wait_for_workers(3);
        cluster.kill_worker(0);
        cluster.wait_for_workers(2);
    }
    let output = submit.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", cluster.logs());
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (ids, have_all_succeeded) = jobs(&cluster);
    assert!(ids.len() == 12 && have_all_succeeded, "{ids:?}");
    assert_eq!(done["digest"], local(&cluster)["digest"]);
}

#[test]
fn a_point_whose_job_was_cancelled_is_handed_in_again() {
    let (cluster, spec) = cluster();
    let handed = cluster.json(&["submit", &spec]);
    let last = handed["points"][11]["job"].as_str().unwrap().to_owned();
    // If it had already succeeded there is nothing to cancel, and it counts as known below.
    let was_cancelled = cluster.client(&["cancel", &last]).code == 0
        && cluster.json(&["status", &last])["state"] == "cancelled";
    let out = cluster.scratch("out");
    let done = cluster.json(&["submit", &spec, "--out", out.to_str().unwrap()]);
    assert_eq!(done["points_run"], u64::from(was_cancelled));
    let ids = jobs(&cluster).0;
    assert_eq!(ids.contains(&format!("{last}-2")), was_cancelled, "{ids:?}");
}
