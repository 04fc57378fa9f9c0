//! Jobs that nobody wants any more.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::victim::{LONG, Victim, is_full, note_figure};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// At any time: queued, in planning, in mid-job. Nothing of it stays on any disk, in any process.
#[test]
fn f20_a_job_that_is_cancelled_leaves_nothing_behind() {
    let n_jobs = if is_full() { 100 } else { 8 };
    let victim = Victim::new(2, LONG);
    victim.submit("warm", "partition");
    victim.wait_in_mid_job("warm", 0);
    assert_eq!(victim.cluster.client(&["cancel", "warm"]).code, 0);
    let workers = [0, 1].map(|index| victim.cluster.worker_pid(index));
    let idle = || workers.map(open_files);
    let before = victim.cluster.wait_for("the workers to be idle", || {
        let first = idle();
        std::thread::sleep(Duration::from_millis(50));
        (first == idle()).then_some(first)
    });
    let mut slowest = Duration::ZERO;
    for job in 0..n_jobs {
        let id = format!("f20-{job}");
        victim.submit(&id, ["partition", "replicate"][job % 2]);
        match job % 4 {
            0 => {}
            1 => victim.cluster.wait_for("the job to begin", || {
                (victim.status(&id)["state"] == "running").then_some(())
            }),
            _ => drop(victim.wait_in_mid_job(&id, 0)),
        }
        let began = Instant::now();
        let cancelled = victim.cluster.json(&["cancel", &id]);
        slowest = slowest.max(began.elapsed());
        assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    victim.cluster.wait_for("the workers to let go of everything", || {
        idle().iter().zip(before).all(|(now, before)| *now <= before).then_some(())
    });
    assert_eq!(names(&victim.cluster.state().join("results")), [] as [&str; 0]);
    assert_eq!(names(victim.cluster.state()), ["jobs.redb", "results"]);
    note_figure(&format!(
        "F20: {n_jobs} cancellations, 0 files or descriptors left, each in {} ms at most",
        slowest.as_millis()
    ));

    // And the cluster still works.
    victim.submit("after", "partition");
    victim.finish("after");
}

#[test]
fn submitting_twice_is_submitting_once() {
    let victim = Victim::new(1, LONG);
    victim.submit("job", "replicate");
    victim.submit("job", "replicate");
    assert!(!victim.try_submit("job", "partition"), "another spec under the same id");
    assert_eq!(victim.cluster.json(&["list"])["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(victim.cluster.json(&["cancel", "job"])["reason"], "CANCELLED");
}
