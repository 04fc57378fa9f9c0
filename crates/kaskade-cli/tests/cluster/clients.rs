//! What clients see: waiting, leaving, coming back, and exit codes that are the job's.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use kaskade_testkit::process_cluster::ProcessCluster;

use super::{binary, digest, generate, kaskade};

const SEEDS: [&str; 2] = ["--seeds", "top-degree:20"];

/// Hands in a job that takes longer than anybody waits here.
fn submit_long_job(cluster: &ProcessCluster, id: &str) {
    let mut submit = vec!["submit", "--graph", "graph", "--simulations", "10000000", "--id", id];
    submit.extend(SEEDS);
    let output = cluster.client(&submit);
    assert_eq!((output.code, output.stdout), (0, format!("submitted job {id}\n")));
    for next_step in [format!("kaskade watch {id}"), format!("kaskade cancel {id}")] {
        assert!(output.stderr.contains(&next_step), "{}", output.stderr);
    }
}

#[test]
fn an_interrupt_detaches_from_a_job_that_runs_on() {
    let cluster = ProcessCluster::start(binary(), 1, 1);
    generate(&cluster, "graph", 8, 2);
    submit_long_job(&cluster, "long");
    let log = cluster.scratch("watch.log");
    let mut watch = Command::new(binary())
        .args(["watch", "long", "-vv"])
        .env("KASKADE_COORDINATOR", cluster.url())
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let log = || fs::read_to_string(&log).unwrap();
    cluster.wait_for("the watch to hear of the job", || log().contains("job status").then_some(()));
    let interrupt = ["-INT".to_owned(), watch.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(watch.wait().unwrap().code(), Some(130), "{}", log());
    assert!(log().contains("job long runs on: come back with `kaskade watch long`"), "{}", log());

    assert_ne!(cluster.json(&["status", "long"])["state"], "cancelled");
    let results = cluster.client(&["results", "long", "--out", "never"]);
    assert_eq!(results.code, 6, "no results before the end: {results:?}");
    assert_eq!(cluster.json(&["cancel", "long"])["state"], "cancelled");
    let watched = cluster.client(&["watch", "long"]);
    assert_eq!(watched.code, 3, "{watched:?}");
    assert!(watched.stderr.contains("job long was cancelled"), "{watched:?}");
    assert_eq!(cluster.client(&["status", "long"]).code, 0);
}

#[test]
fn waiting_gives_the_summary_and_keeps_the_results() {
    let cluster = ProcessCluster::start(binary(), 1, 1);
    let path = generate(&cluster, "graph", 10, 2);
    let out = cluster.scratch("out").to_str().unwrap().to_owned();
    let submit =
        [&["submit", "--graph", "graph", "--wait", "--id", "j", "--out", &out], &SEEDS[..]]
            .concat();
    let summary = cluster.json(&submit);
    assert_eq!(
        digest(&summary),
        digest(&kaskade(&[&["run", "--graph", &path], &SEEDS[..]].concat()))
    );
    let kept: serde_json::Value =
        serde_json::from_slice(&fs::read(format!("{out}/summary.json")).unwrap()).unwrap();
    assert_eq!(kept, summary);

    let refused = cluster.client(&["results", "j", "--out", &out]);
    assert_eq!(refused.code, 6, "{refused:?}");
    let fetched = cluster.json(&["results", "j", "--out", &out, "--force"]);
    assert_eq!(fetched["files"].as_array().unwrap().len(), 5);
    let watched = cluster.client(&["watch", "j"]);
    assert_eq!(watched.code, 0, "{watched:?}");

    let submit = [&["submit", "--graph", "graph", "--parsable"], &SEEDS[..]].concat();
    let submitted = cluster.client(&submit);
    assert_eq!((submitted.code, submitted.stderr.as_str()), (0, ""));
    let id = submitted.stdout.trim_end();
    assert_eq!(cluster.json(&["status", id])["id"], id);
    let listed = cluster.client(&["list"]);
    assert!(
        listed.stdout.contains(id) && listed.stdout.ends_with("2 jobs, 1 worker\n"),
        "{listed:?}"
    );
}
