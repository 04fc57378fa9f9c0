//! Coordinators that die at any of their steps, and come back.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use kaskade_testkit::process_cluster::signal;

use crate::victim::{LONG, SHORT, Victim, is_full, note_figure, recoveries};

/// Every durable step, before and after, and at which visit of it the coordinator dies.
const POINTS: [&str; 12] = [
    "submit-before-log:1",
    "submit-logged:1",
    "epoch-before-log:1",
    "epoch-logged:1",
    "batch-before-log:2",
    "batch-logged:2",
    "report-before-write:1",
    "report-written:1",
    "end-before-log:1",
    "end-logged:1",
    "log-before-commit:4",
    "log-committed:4",
];

#[test]
fn f4_a_coordinator_that_dies_at_any_of_its_steps_loses_and_doubles_nothing() {
    let n_rounds = if is_full() { 5 } else { 1 };
    let mut victim = Victim::new(2, SHORT);
    let mut ids = Vec::new();
    let mut slowest = Duration::ZERO;
    for round in 0..n_rounds {
        for point in POINTS {
            let id = format!("{}-{round}", point.replace(':', "-"));
            victim.cluster.kill_coordinator();
            victim.cluster.start_coordinator_with(&[("KASKADE_FAIL_POINT", point)]);
            victim.cluster.wait_for_workers(2);
            // Told so, or cut off in the middle: then the same id is handed in again.
            let was_acknowledged = victim.try_submit(&id, "partition");
            let ended = victim.cluster.wait_for_coordinator_end();
            assert_eq!(ended.signal(), Some(6), "{point} fired: {ended}");
            victim.cluster.start_coordinator();
            victim.cluster.wait_for_workers(2);
            let began = Instant::now();
            let known = victim.cluster.client(&["status", &id, "--json"]).code == 0;
            assert!(known || !was_acknowledged, "{point}: an acknowledged job is gone");
            assert!(known || point.contains("before"), "{point}: a durable job is gone");
            victim.submit(&id, "partition");
            victim.finish(&id);
            slowest = slowest.max(began.elapsed());
            ids.push(id);
        }
    }
    let listed = victim.cluster.json(&["list"]);
    let jobs = listed["jobs"].as_array().expect("a list");
    let mut listed: Vec<&str> = jobs.iter().filter_map(|job| job["id"].as_str()).collect();
    listed.sort_unstable();
    ids.sort_unstable();
    assert_eq!(listed, ids, "every job once");
    note_figure(&format!(
        "F4: {} coordinator deaths at {} points, 0 acknowledged submits lost, 0 doubled, all \
         digests equal, whole jobs after a restart in {} ms at most",
        ids.len(),
        POINTS.len(),
        slowest.as_millis()
    ));
}

#[test]
fn f4_a_coordinator_killed_in_mid_job_goes_on_where_it_was() {
    let mut victim = Victim::new(2, LONG);
    victim.submit("job", "partition");
    let done = victim.wait_in_mid_job("job", 0);
    victim.cluster.kill_coordinator();
    victim.cluster.start_coordinator();
    victim.cluster.wait_for_workers(2);
    let status = victim.status("job");
    assert!(status["simulations_done"].as_u64().unwrap() >= done, "{status}");
    victim.finish("job");
}

/// A power cut: everybody dies at once.
#[test]
fn f5_a_cluster_that_dies_as_a_whole_goes_on_where_it_was() {
    let mut victim = Victim::new(2, LONG);
    victim.submit("job", "partition");
    let done = victim.wait_in_mid_job("job", 0);
    victim.cluster.kill_coordinator();
    for _ in 0..2 {
        victim.cluster.kill_worker(0);
    }
    victim.cluster.start_coordinator();
    for _ in 0..2 {
        victim.cluster.start_worker();
    }
    victim.cluster.wait_for_workers(2);
    let status = victim.status("job");
    assert!(status["simulations_done"].as_u64().unwrap() >= done, "{status}");
    victim.finish("job");
}

#[test]
fn a_coordinator_that_is_told_to_stop_lets_batches_end() {
    let mut victim = Victim::new(2, LONG);
    victim.submit("job", "partition");
    let done = victim.wait_in_mid_job("job", 0);
    let began = Instant::now();
    signal(victim.cluster.coordinator_pid(), "-TERM");
    let ended = victim.cluster.wait_for_coordinator_end();
    assert_eq!(ended.code(), Some(0), "{}", victim.cluster.logs());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    victim.cluster.start_coordinator();
    victim.cluster.wait_for_workers(2);
    assert!(victim.status("job")["simulations_done"].as_u64().unwrap() > done);
    let status = victim.finish("job");
    assert!(recoveries(&status).is_empty(), "nothing was lost: {status}");
}

/// Another graph under the name that a job was planned on.
#[test]
fn f17_a_job_does_not_go_on_with_another_graph() {
    let mut victim = Victim::new(1, LONG);
    victim.submit("job", "partition");
    victim.wait_in_mid_job("job", 0);
    victim.cluster.kill_coordinator();
    let graph = victim.cluster.graphs().join("graph.kg");
    std::fs::remove_dir_all(&graph).unwrap();
    let out = graph.to_str().unwrap();
    crate::kaskade(&["generate", "rmat", "--scale", "9", "--seed", "3", "--out", out]);
    victim.cluster.start_coordinator();
    let status = victim.cluster.wait_for("the job to fail", || {
        let status = victim.cluster.client(&["status", "job", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).ok()?;
        (status["state"] == "failed").then_some(status)
    });
    assert_eq!(status["reason"], "GRAPH_CHANGED", "{status}");
}

#[test]
fn only_the_latest_jobs_are_kept_where_that_is_asked_for() {
    let mut victim = Victim::with(1, SHORT, &["--keep-jobs", "2"]);
    for id in ["first", "second", "third"] {
        victim.submit(id, "replicate");
        victim.finish(id);
    }
    let kept = |victim: &Victim| {
        let results = std::fs::read_dir(victim.cluster.state().join("results")).unwrap();
        let mut names: Vec<_> =
            results.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(victim.cluster.client(&["status", "first"]).code, 4);
    assert_eq!(kept(&victim), ["second", "third"]);
    victim.cluster.kill_coordinator();
    // What a coordinator that died while it wrote results left behind.
    std::fs::create_dir(victim.cluster.state().join("results/.left-over")).unwrap();
    victim.cluster.start_coordinator();
    victim.cluster.wait_for_workers(1);
    assert_eq!(victim.cluster.json(&["list"])["jobs"].as_array().unwrap().len(), 2);
    assert_eq!(kept(&victim), ["second", "third"]);
}
