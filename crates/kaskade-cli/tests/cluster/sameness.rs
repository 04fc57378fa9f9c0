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
fn other_models_are_the_same_on_a_cluster() {
    let cluster = ProcessCluster::start(binary(), 3, 1);
    let path = generate(&cluster, "graph", 11, 7);
    let sir = "[model]\nkind = \"sir\"\nprobability = 0.05\nrecovery = 0.5\n\
               [seeds]\nrandom_each = 3\n[[push]]\nround = 2\nseeds = { top_degree = 2 }\n";
    let competitive = "[model]\nkind = \"competitive\"\nprobability = 0.06\nforward = 0.9\n\
                       [seeds]\nrandom_each = 5\n[[rival]]\nname = \"b\"\n\
                       seeds = { top_degree = 5 }\n[launch]\nprobability = 0.8\n";
    for (name, job) in [("sir", sir), ("competitive", competitive)] {
        let spec = cluster.scratch(&format!("{name}.toml"));
        let text = format!("version = 1\n{job}[run]\nsimulations = 300\nseed = 5\n");
        std::fs::write(&spec, text).expect("the scratch folder can be written to");
        let spec = spec.to_str().expect("a path of ASCII");
        let alone = digest(&kaskade(&["run", spec, "--graph", &path]));
        for placement in ["replicate", "partition"] {
            let submit = ["submit", spec, "--graph", "graph", "--placement", placement, "--wait"];
            assert_eq!(digest(&cluster.json(&submit)), alone, "{name}, {placement}");
        }
    }
}

/// What is said of the nodes reaches the workers: factors, segments and weights.
#[test]
fn columns_of_the_nodes_are_the_same_on_a_cluster() {
    let cluster = ProcessCluster::start(binary(), 3, 1);
    generate(&cluster, "graph", 10, 7);
    let (edges, table) = (cluster.scratch("edges.txt"), cluster.scratch("nodes.csv"));
    let mut rows = "id,heard,listens,value,country\n".to_owned();
    for id in 0..1024 {
        let country = ["at", "de", "ch"][id % 3];
        let (heard, listens) = ((id % 7) as f64 / 8.0, (id % 5) as f64 / 4.0);
        rows += &format!("{id},{heard},{listens},{}.5,{country}\n", id % 10);
    }
    std::fs::write(&table, rows).expect("the scratch folder can be written to");
    let path = cluster.graphs().join("people.kg");
    let ascii = "a path of ASCII";
    let (edges, table) = (edges.to_str().expect(ascii), table.to_str().expect(ascii));
    let path = path.to_str().expect(ascii);
    let build = ["graph", "build", edges, "--nodes", table, "--out", path, "--shards", "7"];
    kaskade(&build);
    let factors = "probability = { influence = \"heard\", susceptibility = \"listens\" }";
    let segments = "probability = { segment = \"country\", default = 0.02, \
                    from = { at = { de = 0.3 }, de = { at = 0.1, de = 0.1 } } }";
    for (name, probability) in [("factors", factors), ("segments", segments)] {
        let audience = "[audience]\nweight = \"value\"\n";
        let text = format!(
            "version = 1\n[model]\n{probability}\n[seeds]\nrandom_each = 5\n{audience}\
             [run]\nsimulations = 300\nseed = 5\n"
        );
        // With weights nodes are machines; without, the plain kernels read the columns.
        for (kind, text) in [("weighed", text.clone()), ("plain", text.replace(audience, ""))] {
            let spec = cluster.scratch(&format!("{name}-{kind}.toml"));
            std::fs::write(&spec, text).expect("the scratch folder can be written to");
            let spec = spec.to_str().expect(ascii);
            let alone = kaskade(&["run", spec, "--graph", path]);
            for placement in ["replicate", "partition"] {
                let submit =
                    ["submit", spec, "--graph", "people", "--placement", placement, "--wait"];
                let found = cluster.json(&submit);
                assert_eq!(digest(&found), digest(&alone), "{name}, {kind}, {placement}");
                assert_eq!(found["measures"], alone["measures"], "{name}, {kind}, {placement}");
            }
        }
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
        assert!(expected["shape"]["depth"]["mean"].as_f64().unwrap() > 0.1, "{expected}");
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
