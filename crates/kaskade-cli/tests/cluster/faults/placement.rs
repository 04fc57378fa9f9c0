//! Placement by memory: who is given what, and who is refused.

use kaskade_testkit::process_cluster::{ClusterOptions, ProcessCluster};

use crate::victim::{SHORT, Victim};
use crate::{binary, kaskade};

/// Bytes of the worker with the most, where `parts` share the graph and batches are as narrow as
/// they can be: a coordinator narrows them where that makes a job fit.
fn needed(victim: &Victim, n_workers: u64, parts: u64) -> u64 {
    let graph = victim.cluster.graphs().join("graph.kg");
    let graph = graph.to_str().expect("a path of ASCII");
    let n_workers = n_workers.to_string();
    let plan = ["graph", "plan", graph, "--workers", &n_workers, "--memory", "1GiB"];
    let plan = kaskade(&[&plan[..], &["--lane-words", "1"]].concat());
    let rows = plan["placements"].as_array().expect("a list");
    let row = rows
        .iter()
        .find(|row| row["workers_per_group"] == parts)
        .expect("4 and 3 workers have such groups");
    row["total_bytes"].as_u64().expect("a number")
}

fn start(n_workers: usize) -> Victim {
    let options = ClusterOptions { n_threads: 1, ..Default::default() };
    Victim::on(ProcessCluster::start_with(binary(), n_workers, options), SHORT)
}

/// One worker's share of the whole exceeds its memory, a third of it does not.
#[test]
fn what_one_worker_cannot_hold_three_can() {
    let mut victim = start(0);
    let memory = needed(&victim, 3, 3).to_string();
    let worker = ["--memory", &memory, "--load", "ram"];
    victim.cluster.start_worker_with(&worker, &[]);
    victim.cluster.wait_for_workers(1);
    victim.submit("alone", "auto");
    let refused = victim.cluster.wait_for("the job to be refused", || {
        let status = victim.status("alone");
        (status["state"] == "failed").then_some(status)
    });
    assert_eq!(refused["reason"], "OUT_OF_MEMORY", "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    for part in [memory.as_str(), "--memory", "more workers"] {
        assert!(detail.contains(part), "{detail}");
    }
    for _ in 0..2 {
        victim.cluster.start_worker_with(&worker, &[]);
    }
    victim.cluster.wait_for_workers(3);
    victim.submit("together", "auto");
    assert_eq!(victim.finish("together")["placement"], "partition");
}

#[test]
fn groups_are_as_small_as_memory_allows() {
    let mut victim = start(0);
    let memory = needed(&victim, 4, 2).to_string();
    for _ in 0..4 {
        victim.cluster.start_worker_with(&["--memory", &memory], &[]);
    }
    victim.cluster.wait_for_workers(4);
    victim.submit("job", "auto");
    assert_eq!(victim.finish("job")["placement"], "hybrid:2x2");
    victim.submit("asked", "hybrid:2x2");
    assert_eq!(victim.finish("asked")["placement"], "hybrid:2x2");
}
