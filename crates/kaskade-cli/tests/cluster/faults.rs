//! Processes that die in the middle of a job.

use kaskade_testkit::process_cluster::ProcessCluster;
use serde_json::Value;

use super::{binary, digest, generate, kaskade};

const JOB: [&str; 4] = ["--probability", "0.06", "--seeds", "top-degree:20"];
const SIMULATIONS: &str = "40000";

struct Submitted {
    cluster: ProcessCluster,
    expected: String,
}

/// A cluster on which the job `victim` has finished some batches and runs on.
fn in_mid_job(n_workers: usize, placement: &str) -> Submitted {
    let cluster = ProcessCluster::start(binary(), n_workers, 1);
    let path = generate(&cluster, "graph", 12, 7);
    let mut run = vec!["run", "--graph", &path, "--simulations", SIMULATIONS];
    run.extend(JOB);
    let expected = digest(&kaskade(&run));
    let mut submit = vec!["submit", "--id", "victim", "--graph", "graph"];
    submit.extend(["--placement", placement, "--simulations", SIMULATIONS]);
    submit.extend(JOB);
    assert_eq!(cluster.client(&submit).code, 0);
    cluster.wait_for("the job to be in its rounds", || {
        let status = cluster.json(&["status", "victim"]);
        assert_ne!(status["state"], "succeeded", "too short a job for this machine");
        let has_begun = status["simulations_done"].as_u64()? > 0;
        let is_in_rounds = placement != "partition" || !status["rounds"].as_array()?.is_empty();
        (has_begun && is_in_rounds).then_some(())
    });
    Submitted { cluster, expected }
}

impl Submitted {
    /// Waits for the end; the job's status.
    fn finish(&self) -> Value {
        self.cluster.wait_for("the job to end", || {
            let status = self.cluster.json(&["status", "victim"]);
            let state = status["state"].as_str()?;
            assert!(["running", "planning", "queued", "succeeded"].contains(&state), "{status}");
            (state == "succeeded").then_some(status.clone())
        })
    }

    fn assert_result_is_as_expected(&self) {
        let out = self.cluster.scratch("result");
        let out = out.to_str().expect("a path of ASCII");
        assert_eq!(self.cluster.client(&["results", "victim", "--out", out]).code, 0);
        let summary =
            std::fs::read(self.cluster.scratch("result/summary.json")).expect("a summary");
        let summary: Value = serde_json::from_slice(&summary).expect("JSON");
        assert_eq!(digest(&summary), self.expected);
    }
}

#[test]
fn a_worker_killed_in_mid_job_changes_nothing() {
    for placement in ["partition", "replicate"] {
        let mut job = in_mid_job(3, placement);
        job.cluster.kill_worker(1);
        let status = job.finish();
        let hits = status["recoveries"].as_array().unwrap();
        assert!(
            hits.iter().any(|hit| hit["was_in_rounds"] == true),
            "the kill missed the rounds: {status}"
        );
        job.assert_result_is_as_expected();
    }
}

#[test]
fn a_coordinator_killed_in_mid_job_goes_on_where_it_was() {
    let mut job = in_mid_job(2, "partition");
    job.cluster.kill_coordinator();
    job.cluster.start_coordinator();
    job.cluster.wait_for_workers(2);
    let status = job.cluster.json(&["status", "victim"]);
    let done = status["simulations_done"].as_u64().unwrap();
    assert!(done > 0, "finished batches are not run again: {status}");
    job.finish();
    job.assert_result_is_as_expected();
}

#[test]
fn a_job_survives_the_loss_of_all_workers_when_another_comes() {
    let mut job = in_mid_job(2, "partition");
    job.cluster.kill_worker(0);
    job.cluster.kill_worker(0);
    job.cluster.start_worker();
    job.finish();
    job.assert_result_is_as_expected();
}

#[test]
fn submitting_twice_is_submitting_once_and_cancelling_ends_a_job() {
    let job = in_mid_job(1, "replicate");
    let mut submit = vec!["submit", "--id", "victim", "--graph", "graph"];
    submit.extend(["--placement", "replicate", "--simulations", SIMULATIONS]);
    submit.extend(JOB);
    assert_eq!(job.cluster.client(&submit).code, 0, "the same spec");
    assert_eq!(submit[8], SIMULATIONS);
    submit[8] = "50000";
    assert_ne!(job.cluster.client(&submit).code, 0, "another spec under the same id");
    assert_eq!(job.cluster.json(&["list"])["jobs"].as_array().unwrap().len(), 1);

    assert_eq!(job.cluster.client(&["cancel", "victim"]).code, 0);
    let status = job.cluster.json(&["status", "victim"]);
    assert_eq!((&status["state"], &status["reason"]), (&"cancelled".into(), &"CANCELLED".into()));
}
