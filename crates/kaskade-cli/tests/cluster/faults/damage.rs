//! Bytes that are not those that were written, wherever they lie.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use kaskade_testkit::process_cluster::ProcessCluster;

use crate::victim::{LONG, SHORT, Victim};

/// All files below `folder` whose name ends in `ending`.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Writes other bytes where `path` is, as another file: who has it open keeps the old one.
fn replace(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("the file is there");
    change(&mut bytes);
    fs::remove_file(path).expect("it can be removed");
    fs::write(path, bytes).expect("it can be written");
}

fn cache(cluster: &ProcessCluster) -> PathBuf {
    cluster.scratch("kept-cache")
}

/// A worker on a cache that outlives it.
fn start_worker(victim: &mut Victim) {
    let cache = cache(&victim.cluster);
    let cache = cache.to_str().expect("a path of ASCII").to_owned();
    victim.cluster.start_worker_with(&["--cache", &cache], &[]);
    victim.cluster.wait_for_workers(1);
}

/// Flipped, cut to every kind of length, empty, exchanged: a worker fetches the shard anew.
#[test]
fn f14_f15_damaged_shards_in_a_cache_are_fetched_again() {
    let mut victim = Victim::new(0, SHORT);
    start_worker(&mut victim);
    victim.submit("whole", "replicate");
    victim.finish("whole");
    let shards = files(&cache(&victim.cluster), ".kgs");
    assert_eq!(shards.len(), 7);
    let whole = fs::read(&shards[0]).unwrap();
    let other = fs::read(&shards[1]).unwrap();
    let n_bytes = whole.len();
    let damages: [(&str, Vec<u8>); 6] = [
        ("flip-early", flipped(&whole, 100)),
        ("flip-late", flipped(&whole, n_bytes - 20)),
        ("empty", Vec::new()),
        ("header", whole[..64].to_vec()),
        ("short", whole[..n_bytes - 1].to_vec()),
        ("exchanged", other),
    ];
    for (name, bytes) in damages {
        victim.cluster.kill_worker(0);
        victim.cluster.wait_for_workers(0);
        replace(&shards[0], |file| *file = bytes);
        start_worker(&mut victim);
        victim.submit(name, "replicate");
        victim.finish(name);
        assert_eq!(fs::read(&shards[0]).unwrap(), whole, "{name}: it was fetched again");
    }
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 4;
    bytes
}

#[test]
fn f14_damaged_results_and_graphs_and_logs_are_named() {
    let mut victim = Victim::new(1, SHORT);
    victim.submit("job", "replicate");
    victim.finish("job");
    let result = victim.cluster.state().join("results/job/simulations.parquet");
    replace(&result, |bytes| *bytes = flipped(bytes, bytes.len() / 2));
    let out = victim.cluster.scratch("damaged");
    let refused = victim.cluster.client(&["results", "job", "--out", out.to_str().unwrap()]);
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(refused.stderr.contains("simulations.parquet"), "{refused:?}");
    assert!(!out.is_dir());

    let nodes = files(&victim.cluster.graphs(), "nodes.kgn");
    assert_eq!(nodes.len(), 1);
    replace(&nodes[0], |bytes| *bytes = flipped(bytes, bytes.len() / 2));
    victim.submit("on-a-damaged-graph", "replicate");
    let status = victim.cluster.wait_for("the job to fail", || {
        let status = victim.status("on-a-damaged-graph");
        (status["state"] == "failed").then_some(status)
    });
    assert_eq!(status["reason"], "CORRUPT_SHARD", "{status}");

    victim.cluster.kill_coordinator();
    let log = victim.cluster.state().join("jobs.redb");
    // In every record, because some are of pages that are not used any more.
    replace(&log, |bytes| {
        let starts = |bytes: &[u8]| bytes.windows(4).position(|window| window == b"KSKR");
        let mut at = 0;
        while let Some(found) = starts(&bytes[at..]) {
            at += found + 20;
            bytes[at] ^= 4;
        }
        assert!(at > 0, "the log has records");
    });
    victim.cluster.start_coordinator();
    let ended = victim.cluster.wait_for_coordinator_end();
    assert_eq!(ended.code(), Some(8), "{}", victim.cluster.logs());
    assert!(victim.cluster.logs().contains("jobs.redb"), "{}", victim.cluster.logs());
}

/// A file that is cut while it is mapped kills its reader: a worker that dies so is replaced, and
/// one that comes back on that cache fetches what was cut.
#[test]
fn f16_a_shard_cut_while_it_is_mapped_costs_a_worker_at_most() {
    let mut victim = Victim::new(0, LONG);
    start_worker(&mut victim);
    victim.cluster.start_worker();
    victim.cluster.wait_for_workers(2);
    victim.submit("job", "replicate");
    victim.wait_in_mid_job("job", 0);
    let shards = files(&cache(&victim.cluster), ".kgs");
    assert!(!shards.is_empty());
    for shard in &shards {
        OpenOptions::new().write(true).open(shard).unwrap().set_len(0).unwrap();
    }
    victim.cluster.wait_for_worker_end(0);
    let status = victim.finish("job");
    assert!(!crate::victim::recoveries(&status).is_empty(), "{status}");
    victim.cluster.kill_worker(0);
    victim.cluster.wait_for_workers(0);
    start_worker(&mut victim);
    victim.submit("again", "replicate");
    victim.finish("again");
}
