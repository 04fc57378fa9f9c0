//! Workers that die, stop, crawl, leave and come.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kaskade_testkit::process_cluster::signal;

use crate::victim::{LONG, SHORT, Victim, hits_in_rounds, is_full, note_figure, recoveries};

/// Steele, Lea and Flood's SplitMix64: where a kill hits, the same in every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^ (z >> 27)
}

#[test]
fn f1_workers_killed_in_mid_job_change_nothing() {
    let (n_jobs, kills_per_job) = if is_full() { (50, 4) } else { (2, 2) };
    let mut victim = Victim::new(4, 2 * LONG);
    let mut seed = 1;
    let (mut n_hits, mut slowest) = (0, Duration::ZERO);
    for job in 0..n_jobs {
        let (id, placement) = (format!("f1-{job}"), ["partition", "replicate"][job % 2]);
        victim.submit(&id, placement);
        let mut done = 0;
        for _ in 0..kills_per_job {
            done = victim.wait_in_mid_job(&id, done);
            victim.cluster.kill_worker((random(&mut seed) % 4) as usize);
            let began = Instant::now();
            victim.cluster.wait_for_workers(3);
            slowest = slowest.max(began.elapsed());
            victim.cluster.start_worker();
            victim.cluster.wait_for_workers(4);
        }
        n_hits += hits_in_rounds(&victim.finish(&id));
    }
    let n_kills = n_jobs * kills_per_job;
    assert!(2 * n_hits >= n_kills, "{n_hits} of {n_kills} kills hit rounds");
    assert!(slowest < Duration::from_secs(5), "a kill was noticed after {slowest:?}");
    note_figure(&format!(
        "F1: {n_kills} kills, {n_jobs} of {n_jobs} digests equal, {n_hits} hit rounds, noticed in \
         {} ms at most",
        slowest.as_millis()
    ));
}

#[test]
fn f2_a_worker_that_dies_at_any_of_its_steps_changes_nothing() {
    let points = [
        "shard-fetched:2",
        "shard-renamed:2",
        "prepared-before-report:1",
        "prepared-reported:1",
        "slice-before-send:3",
        "slice-sent:3",
        "tally-before-report:2",
        "tally-reported:2",
    ];
    let mut victim = Victim::new(1, SHORT);
    for point in points {
        let id = point.replace(':', "-");
        victim.cluster.start_worker_with(&[], &[("KASKADE_FAIL_POINT", point)]);
        victim.cluster.wait_for_workers(2);
        victim.submit(&id, "partition");
        let ended = victim.cluster.wait_for_worker_end(1);
        assert_eq!(ended.signal(), Some(6), "{point} fired: {ended}");
        let status = victim.finish(&id);
        assert!(!recoveries(&status).is_empty(), "{point}: {status}");
        victim.cluster.wait_for_workers(1);
    }
}

#[test]
fn f3_a_job_without_workers_fails_after_the_grace() {
    let mut victim = Victim::with(2, LONG, &["--no-workers-grace", "1"]);
    victim.submit("lonely", "partition");
    victim.wait_in_mid_job("lonely", 0);
    for _ in 0..2 {
        victim.cluster.kill_worker(0);
    }
    let began = Instant::now();
    let status = victim.cluster.wait_for("the job to fail", || {
        let status = victim.status("lonely");
        (status["state"] == "failed").then_some(status)
    });
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(status["reason"], "NO_WORKERS", "{status}");
    assert!(status["detail"].as_str().unwrap().contains("kaskade worker"), "{status}");
}

#[test]
fn f3_a_job_survives_the_loss_of_all_workers_when_another_comes() {
    let mut victim = Victim::new(2, LONG);
    victim.submit("job", "partition");
    victim.wait_in_mid_job("job", 0);
    for _ in 0..2 {
        victim.cluster.kill_worker(0);
    }
    victim.cluster.start_worker();
    assert!(hits_in_rounds(&victim.finish("job")) > 0);
}

/// A process that stands still longer than silence is borne: its work is done by others, and what
/// it says when it wakes is of an epoch that is over.
#[test]
fn f6_a_worker_that_was_frozen_is_fenced_and_comes_back() {
    let victim = Victim::with(3, 2 * LONG, &["--dead-after", "1"]);
    victim.submit("job", "partition");
    victim.wait_in_mid_job("job", 0);
    let zombie = victim.cluster.worker_pid(1);
    signal(zombie, "-STOP");
    victim.wait_for_recovery("job", 0);
    victim.cluster.wait_for_workers(2);
    signal(zombie, "-CONT");
    victim.cluster.wait_for_workers(3);
    let status = victim.finish("job");
    let what = recoveries(&status)[0]["what"].as_str().unwrap();
    assert!(what.contains(&format!("process {zombie}")), "{what}");
}

/// One that gets a tenth of its processor time is slow, not dead.
#[test]
fn f10_a_slow_worker_is_waited_for() {
    let victim = Victim::new(2, SHORT);
    let slow = victim.cluster.worker_pid(1);
    victim.submit("job", "partition");
    let mut n_stops = 0;
    victim.cluster.wait_for("the job to end", || {
        signal(slow, "-STOP");
        n_stops += 1;
        // The fault itself: nine parts of ten it stands still.
        std::thread::sleep(Duration::from_millis(180));
        signal(slow, "-CONT");
        (victim.status("job")["state"] == "succeeded").then_some(())
    });
    assert!(n_stops > 0);
    assert_eq!(recoveries(&victim.finish("job")), [] as [serde_json::Value; 0]);
}

/// A control group whose processes get hardly any memory, gone when dropped. Only root may make one.
struct NoMemory(PathBuf);

impl NoMemory {
    fn new() -> Option<Self> {
        let name = format!("kaskade-test-{}", std::process::id());
        let folder = Path::new("/sys/fs/cgroup/memory").join(name);
        fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        fs::write(group.0.join("memory.limit_in_bytes"), "256k").ok()?;
        Some(group)
    }
}

impl Drop for NoMemory {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// The system kills a process that takes too much; what is known of it stands in the recovery log.
#[test]
fn f11_a_worker_without_memory_is_replaced_and_described() {
    // Where control groups cannot be made, f1 kills workers as the system would.
    let Some(group) = NoMemory::new() else { return };
    let mut victim = Victim::new(2, LONG);
    let pid = victim.cluster.worker_pid(1);
    fs::write(group.0.join("cgroup.procs"), pid.to_string()).unwrap();
    victim.submit("job", "partition");
    let ended = victim.cluster.wait_for_worker_end(1);
    assert_eq!(ended.signal(), Some(9), "{ended}");
    let status = victim.finish("job");
    let what = recoveries(&status)[0]["what"].as_str().unwrap();
    assert!(what.contains(&format!("process {pid}")) && what.contains("bytes resident"), "{what}");
}

#[test]
fn a_worker_that_is_told_to_stop_ends_its_batches_first() {
    for placement in ["partition", "replicate"] {
        let mut victim = Victim::new(2, LONG);
        victim.submit("job", placement);
        victim.wait_in_mid_job("job", 0);
        signal(victim.cluster.worker_pid(1), "-TERM");
        let ended = victim.cluster.wait_for_worker_end(1);
        assert_eq!(ended.code(), Some(0), "{}", victim.cluster.logs());
        assert_ne!(victim.status("job")["state"], "succeeded", "it left in mid-job");
        let status = victim.finish("job");
        assert!(recoveries(&status).is_empty(), "nothing was lost: {status}");
    }
}

#[test]
fn a_worker_that_joins_in_mid_job_takes_part() {
    let mut victim = Victim::new(1, 2 * LONG);
    victim.submit("job", "partition");
    victim.wait_in_mid_job("job", 0);
    victim.cluster.start_worker();
    victim.cluster.wait_for("the second worker to work", || {
        let status = victim.status("job");
        assert_ne!(status["state"], "succeeded", "too short a job for this machine");
        (status["workers"] == 2).then_some(())
    });
    let status = victim.finish("job");
    assert!(recoveries(&status).is_empty(), "nothing was lost: {status}");
}
