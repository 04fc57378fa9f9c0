//! A job that things are done to, and the digest that it must have all the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kaskade_testkit::process_cluster::{ClusterOptions, ProcessCluster};
use serde_json::Value;

use super::{binary, digest, generate, kaskade};

const JOB: [&str; 4] = ["--probability", "0.06", "--seeds", "top-degree:20"];

/// Simulations of a job that takes a few seconds.
pub(crate) const LONG: u32 = 40_000;

/// Simulations of one that is over at once, in a few batches.
pub(crate) const SHORT: u32 = 2_000;

/// A cluster with the graph `graph`, and jobs on it.
pub(crate) struct Victim {
    pub(crate) cluster: ProcessCluster,
    simulations: u32,
    expected: String,
}

/// Whether this is the long version, which takes as long as it takes.
pub(crate) fn is_full() -> bool {
    std::env::var("KASKADE_FULL").is_ok_and(|value| value == "1")
}

/// Keeps a figure of a long run, where `KASKADE_FIGURES` says.
pub(crate) fn note_figure(line: &str) {
    use std::io::Write as _;
    if let Ok(path) = std::env::var("KASKADE_FIGURES") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(file.expect("the file of figures opens"), "{line}").expect("it can be written");
    }
}

impl Victim {
    /// A cluster of `n_workers` with one thread each.
    pub(crate) fn new(n_workers: usize, simulations: u32) -> Self {
        Self::with(n_workers, simulations, &[])
    }

    /// The same, with more `arguments` of the coordinator.
    pub(crate) fn with(n_workers: usize, simulations: u32, arguments: &[&str]) -> Self {
        let coordinator = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let options = ClusterOptions { n_threads: 1, coordinator, state: None };
        Self::on(ProcessCluster::start_with(binary(), n_workers, options), simulations)
    }

    /// Jobs on `cluster`.
    pub(crate) fn on(cluster: ProcessCluster, simulations: u32) -> Self {
        let path = generate(&cluster, "graph", 12, 7);
        // The same for every cluster of this process: one undisturbed run, one worker, is enough.
        static EXPECTED: Mutex<BTreeMap<u32, String>> = Mutex::new(BTreeMap::new());
        let mut known = EXPECTED.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = known.entry(simulations).or_insert_with(|| {
            let simulations = simulations.to_string();
            let run = ["run", "--graph", &path, "--threads", "1", "--simulations", &simulations];
            digest(&kaskade(&[&run[..], &JOB[..]].concat()))
        });
        Self { cluster, simulations, expected: expected.clone() }
    }

    /// Hands in the job `id`; whether the coordinator took it.
    pub(crate) fn try_submit(&self, id: &str, placement: &str) -> bool {
        let simulations = self.simulations.to_string();
        let submit = ["submit", "--id", id, "--graph", "graph", "--placement", placement];
        let how_many = ["--simulations", &simulations];
        self.cluster.client(&[&submit[..], &how_many[..], &JOB[..]].concat()).code == 0
    }

    pub(crate) fn submit(&self, id: &str, placement: &str) {
        assert!(self.try_submit(id, placement), "{}", self.cluster.logs());
    }

    pub(crate) fn status(&self, id: &str) -> Value {
        self.cluster.json(&["status", id])
    }

    /// Waits until `id` has finished more than `done` simulations and its rounds go on.
    pub(crate) fn wait_in_mid_job(&self, id: &str, done: u64) -> u64 {
        self.cluster.wait_for("the job to be in its rounds", || {
            let status = self.status(id);
            assert_ne!(status["state"], "succeeded", "too short a job for this machine");
            let now_done = status["simulations_done"].as_u64()?;
            // A worker by itself does not report its rounds.
            let is_shared = status["placement"] == "partition" && status["workers"] != 1;
            let is_in_rounds = !is_shared || !status["rounds"].as_array()?.is_empty();
            let works = status["workers"].as_u64()? > 0;
            (now_done > done && is_in_rounds && works).then_some(now_done)
        })
    }

    /// Waits until `id` has succeeded, and looks at its result; its status.
    pub(crate) fn finish(&self, id: &str) -> Value {
        let status = self.cluster.wait_for("the job to end", || {
            let status = self.cluster.client(&["status", id, "--json"]);
            // A coordinator that is starting again does not answer yet.
            let status: Value = serde_json::from_str(&status.stdout).ok()?;
            let state = status["state"].as_str()?;
            assert!(
                ["running", "planning", "queued", "succeeded"].contains(&state),
                "{status}\n{}",
                self.cluster.logs()
            );
            (state == "succeeded").then_some(status.clone())
        });
        let out = self.cluster.scratch(&format!("result-{id}"));
        let out = out.to_str().expect("a path of ASCII");
        let fetched = self.cluster.client(&["results", id, "--out", out]);
        assert_eq!(fetched.code, 0, "{fetched:?}");
        let summary = std::fs::read(format!("{out}/summary.json")).expect("a summary");
        let summary: Value = serde_json::from_slice(&summary).expect("JSON");
        assert_eq!(digest(&summary), self.expected, "{id}: {status}\n{}", self.cluster.logs());
        status
    }

    /// Waits until `id` shows a recovery more than `n_before`; how long that took.
    pub(crate) fn wait_for_recovery(&self, id: &str, n_before: usize) -> Duration {
        let began = Instant::now();
        self.cluster.wait_for("a recovery", || {
            (recoveries(&self.status(id)).len() > n_before).then_some(())
        });
        began.elapsed()
    }
}

/// What was recovered from.
pub(crate) fn recoveries(status: &Value) -> &[Value] {
    status["recoveries"].as_array().map_or(&[], Vec::as_slice)
}

/// Recoveries that hit a batch in its rounds.
pub(crate) fn hits_in_rounds(status: &Value) -> usize {
    recoveries(status).iter().filter(|recovery| recovery["was_in_rounds"] == true).count()
}
