//! Many small jobs, one after another: a coordinator that keeps the latest few is as large after
//! all of them as after the first.

use std::fs;
use std::path::Path;

use kaskade_testkit::process_cluster::{ClusterOptions, ProcessCluster};

use super::victim::{is_full, note_figure};
use super::{binary, generate};

/// What a coordinator takes of its machine.
#[derive(Clone, Copy, Debug)]
struct Size {
    resident_kib: u64,
    descriptors: u64,
    disk_bytes: u64,
}

fn size(cluster: &ProcessCluster) -> Size {
    let process = format!("/proc/{}", cluster.coordinator_pid());
    let status = fs::read_to_string(format!("{process}/status")).expect("it lives");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
    Size {
        resident_kib: resident.expect("a number"),
        descriptors: fs::read_dir(format!("{process}/fd")).expect("it lives").count() as u64,
        disk_bytes: bytes_under(cluster.state()),
    }
}

fn bytes_under(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
        // One that was removed meanwhile.
        metadata => metadata.map_or(0, |metadata| metadata.len()),
    });
    sizes.sum()
}

/// Whether `now` is within five in a hundred of `then`.
fn is_flat(then: u64, now: u64) -> bool {
    now * 100 <= then * 105
}

#[test]
fn ten_thousand_jobs_leave_nothing_behind() {
    // From job `n_warm` on nothing grows any more.
    let (n_warm, n_jobs, kept) = if is_full() { (2_000, 10_000, 200) } else { (40, 100, 10) };
    let coordinator = vec!["--keep-jobs".to_owned(), kept.to_string(), "--quiet".to_owned()];
    let options = ClusterOptions { n_threads: 1, coordinator, state: None };
    let cluster = ProcessCluster::start_with(binary(), 1, options);
    generate(&cluster, "small", 8, 2);
    let job = ["--graph", "small", "--seeds", "top-degree:5", "--simulations", "64"];
    let mut warm = None;
    for number in 0..n_jobs {
        let id = format!("j{number}");
        let submit = [&["submit", "--wait", "--quiet", "--id", &id][..], &job].concat();
        let ended = cluster.client(&submit);
        assert_eq!(ended.code, 0, "{ended:?}\n{}", cluster.logs());
        if number + 1 == n_warm {
            warm = Some(size(&cluster));
        }
    }
    let (warm, end) = (warm.expect("some jobs are for that"), size(&cluster));
    note_figure(&format!("soak: after {n_warm} jobs {warm:?}, after {n_jobs} {end:?}"));
    let listed = cluster.json(&["list"]);
    assert_eq!(listed["jobs"].as_array().map(Vec::len), Some(kept));
    assert!(is_flat(warm.resident_kib, end.resident_kib), "{warm:?} {end:?}");
    assert!(is_flat(warm.descriptors, end.descriptors), "{warm:?} {end:?}");
    assert!(is_flat(warm.disk_bytes, end.disk_bytes), "{warm:?} {end:?}");
}
