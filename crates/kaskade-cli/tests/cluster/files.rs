//! Graphs that are pushed, shards that are fetched, and what clients are told when it fails.

use kaskade_testkit::process_cluster::ProcessCluster;

use super::{binary, digest, generate, kaskade};

#[test]
fn a_pushed_graph_is_run_by_workers_that_never_saw_it() {
    let cluster = ProcessCluster::start(binary(), 2, 1);
    let path = generate(&cluster, "origin", 11, 5);
    let local = cluster.scratch("local.kg");
    std::fs::rename(&path, &local).unwrap();
    let local = local.to_str().unwrap();
    for _ in 0..2 {
        let pushed = cluster.client(&["graph", "push", local, "--name", "pushed"]);
        assert_eq!(pushed.code, 0, "{pushed:?}");
    }
    let job = ["--seeds", "top-degree:30", "--simulations", "200"];
    let mut submit = vec!["submit", "--wait", "--placement", "partition", "--graph", "pushed"];
    submit.extend(job);
    let mut run = vec!["run", "--graph", local];
    run.extend(job);
    assert_eq!(digest(&cluster.json(&submit)), digest(&kaskade(&run)));
}

#[test]
fn clients_are_told_what_is_wrong_in_a_line() {
    let cluster = ProcessCluster::start(binary(), 1, 1);
    generate(&cluster, "graph", 8, 2);
    let seeds = ["--seeds", "top-degree:3"];
    let refused = |arguments: &[&str], code: i32, cause: &str| {
        let mut all = arguments.to_vec();
        all.extend(seeds);
        let output = cluster.client(&all);
        assert_eq!(output.code, code, "{arguments:?}: {output:?}");
        assert!(output.stderr.contains(cause), "{arguments:?}: {output:?}");
        assert!(!output.stderr.contains("panicked"), "{output:?}");
    };
    refused(&["submit", "--graph", "nothing"], 4, "not registered");
    refused(&["submit", "--graph", "graph", "--probability", "1.5"], 7, "1.5");
    refused(
        &["submit", "--wait", "--graph", "graph", "--model", "lt", "--probability", "0.9"],
        1,
        "sum to more than 1",
    );
    let unknown = cluster.client(&["status", "nobody"]);
    assert_eq!(unknown.code, 4, "{unknown:?}");

    let nowhere = ["list", "--coordinator", "http://127.0.0.1:9"];
    let unreachable = cluster.client(&nowhere);
    assert_eq!(unreachable.code, 5, "{unreachable:?}");
    assert!(unreachable.stderr.contains("is it running?"), "{unreachable:?}");
}
