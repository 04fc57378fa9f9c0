//! One digest, however the work is shared.

use kaskade_testkit::process_cluster::ProcessCluster;

use super::{binary, digest, generate, kaskade};

const SHARDS: [u32; 3] = [1, 2, 7];

const JOB: [&str; 8] =
    ["--probability", "0.06", "--seeds", "random-each:3", "--simulations", "300", "--seed", "5"];

/// {1, 2, 7 shards} × {1, 2, 4 threads} × {in process, 1, 2, 3, 5 workers} × {replicate, partition}.
#[test]
fn one_digest_for_all_shards_threads_workers_and_placements() {
    let mut digests = Vec::new();
    for n_threads in [1, 2, 4] {
        for n_workers in [1, 2, 3, 5] {
            let cluster = ProcessCluster::start(binary(), n_workers, n_threads);
            for shards in SHARDS {
                let name = format!("graph-{shards}");
                let path = generate(&cluster, &name, 11, shards);
                let threads = n_threads.to_string();
                if n_workers == 1 {
                    let mut run = vec!["run", "--graph", &path, "--threads", &threads];
                    run.extend(JOB);
                    digests.push((format!("{name}, {threads} threads"), digest(&kaskade(&run))));
                }
                for placement in ["replicate", "partition"] {
                    let mut submit = vec!["submit", "--graph", &name, "--placement", placement];
                    submit.extend(JOB);
                    submit.push("--wait");
                    let summary = cluster.json(&submit);
                    assert_eq!(
                        summary["performance"]["workers"],
                        expected_workers(n_workers, shards, placement)
                    );
                    let exchanged = summary["performance"]["bytes_exchanged"].as_u64().unwrap();
                    let is_shared = placement == "partition" && n_workers.min(shards as usize) > 1;
                    assert_eq!(
                        exchanged > 0,
                        is_shared,
                        "{placement}, {n_workers} workers: {summary}"
                    );
                    let how =
                        format!("{name}, {threads} threads, {n_workers} workers, {placement}");
                    digests.push((how, digest(&summary)));
                }
            }
        }
    }
    assert_eq!(digests.len(), 3 * 3 * (1 + 4 * 2));
    let (_, first) = &digests[0];
    let others: Vec<_> = digests.iter().filter(|(_, digest)| digest != first).collect();
    assert!(others.is_empty(), "other digests: {others:?}");
}

/// Frontiers of several chunks, workers with room for one chunk at a time and others with room for all,
/// one stream or three: nothing waits for ever, and the digest is that of one process.
#[test]
fn the_least_room_and_any_streams_give_the_same() {
    const JOB: [&str; 6] =
        ["--probability", "0.3", "--seeds", "random-each:100", "--simulations", "1024"];
    let mut cluster = ProcessCluster::start(binary(), 0, 1);
    let settings = [("1B", "1"), ("1B", "3"), ("300KiB", "2"), ("1GiB", "3")];
    for (room, streams) in settings {
        cluster.start_worker_with(&["--stream-memory", room, "--streams", streams], &[]);
    }
    cluster.wait_for_workers(settings.len());
    let path = generate(&cluster, "graph", 16, 7);
    let mut run = vec!["run", "--graph", &path];
    run.extend(JOB);
    let mut submit = vec!["submit", "--wait", "--placement", "partition", "--graph", "graph"];
    submit.extend(JOB);
    let summary = cluster.json(&submit);
    assert_eq!(digest(&summary), digest(&kaskade(&run)));
    let each = summary["performance"]["bytes_per_activation"].as_f64().unwrap();
    assert!(0.0 < each && each < 4.0, "{each} bytes an activation");
    let bytes = summary["performance"]["bytes_exchanged"].as_u64().unwrap();
    assert!(bytes > 16 << 20, "{bytes} bytes: the frontiers were to be large");
}

/// With several jobs at hand a worker without a shard, or without a batch, is left out.
fn expected_workers(n_workers: usize, shards: u32, placement: &str) -> usize {
    match placement {
        "partition" => n_workers.min(shards as usize),
        _ => n_workers,
    }
}

#[test]
fn linear_threshold_and_cut_off_rounds_are_the_same_on_a_cluster() {
    let cluster = ProcessCluster::start(binary(), 3, 1);
    let path = generate(&cluster, "graph", 11, 7);
    for job in [
        ["--model", "lt", "--seeds", "top-degree:20", "--max-rounds", "1000"],
        ["--model", "ic", "--seeds", "top-degree:20", "--max-rounds", "2"],
    ] {
        let mut run = vec!["run", "--graph", &path];
        run.extend(job);
        let mut submit = vec!["submit", "--wait", "--placement", "partition", "--graph", "graph"];
        submit.extend(job);
        assert_eq!(digest(&cluster.json(&submit)), digest(&kaskade(&run)), "{job:?}");
    }
}

/// Who passed it to whom, and whom it reaches: the same wherever it is found out.
#[test]
fn what_is_kept_of_single_simulations_is_the_same_on_a_cluster() {
    const JOB: [&str; 9] = [
        "--seeds",
        "random-each:3",
        "--simulations",
        "300",
        "--seed",
        "5",
        "--trace-simulations",
        "70",
        "--nodes",
    ];
    let cluster = ProcessCluster::start(binary(), 3, 2);
    let path = generate(&cluster, "graph", 11, 7);
    // Single arcs, blocks of arcs, and one in-arc a node.
    for model in [["--probability", "0.06"], ["--probability", "0.01"], ["--model", "lt"]] {
        let mut run = vec!["run", "--graph", &path];
        run.extend(JOB.into_iter().chain(model));
        let expected = kaskade(&run);
        assert!(expected["shape"]["depth"]["mean"].as_f64().unwrap() > 1.0, "{expected}");
        for placement in ["replicate", "partition"] {
            let mut submit = vec!["submit", "--graph", "graph", "--placement", placement, "--wait"];
            submit.extend(JOB.into_iter().chain(model));
            let summary = cluster.json(&submit);
            for of in ["shape", "reach", "digest"] {
                assert_eq!(summary[of], expected[of], "{model:?}, {placement}");
            }
        }
    }
}
