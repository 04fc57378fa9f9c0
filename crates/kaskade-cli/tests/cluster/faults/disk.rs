//! Disks that are full for a while.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kaskade_testkit::process_cluster::{ClusterOptions, ProcessCluster};
use tempfile::TempDir;

use crate::binary;
use crate::victim::{LONG, SHORT, Victim};

/// A small disk in memory, gone when dropped. Only root may make one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={size}");
        let mount = ["-t", "tmpfs", "-o", &size, "none"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room there is; the file that does.
    fn fill(&self) -> PathBuf {
        let ballast = self.path().join("ballast");
        let mut file = fs::File::create(&ballast).expect("the disk takes one more file");
        let bytes = [1; 4096];
        while std::io::Write::write_all(&mut file, &bytes).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: processes that are being killed may still have files there.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// The job stands still and says why; with room it goes on, and nobody has started anything again.
#[test]
fn f12_a_job_waits_for_room_in_its_log() {
    // Where disks cannot be made, the scheduler's own tests fill one of theirs.
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let options = ClusterOptions {
        n_threads: 1,
        state: Some(disk.path().join("state")),
        ..Default::default()
    };
    let victim = Victim::on(ProcessCluster::start_with(binary(), 2, options), LONG);
    victim.submit("job", "partition");
    victim.wait_in_mid_job("job", 0);
    let ballast = disk.fill();
    let status = victim.cluster.wait_for("the job to stand still", || {
        let status = victim.status("job");
        assert_ne!(status["state"], "succeeded", "too short a job for this machine");
        (status["reason"] == "DISK_FULL").then_some(status)
    });
    assert_eq!(status["state"], "running", "{status}");
    assert!(status["detail"].as_str().unwrap().contains("free space"), "{status}");
    fs::remove_file(ballast).unwrap();
    let status = victim.finish("job");
    assert_eq!(status["reason"], serde_json::Value::Null, "{status}");
}

/// A worker whose cache has no room is left alone, and tried again.
#[test]
fn f12_a_worker_without_room_for_shards_is_waited_for() {
    let Some(disk) = SmallDisk::mount("64k") else { return };
    let mut victim = Victim::new(0, SHORT);
    let cache = disk.path().join("cache");
    victim.cluster.start_worker_with(&["--cache", cache.to_str().unwrap()], &[]);
    victim.cluster.wait_for_workers(1);
    victim.submit("job", "partition");
    let detail = victim.cluster.wait_for("the job to wait", || {
        let status = victim.status("job");
        let detail = status["detail"].as_str()?.to_owned();
        detail.contains("cache").then_some(detail)
    });
    assert!(detail.contains("No space left"), "{detail}");
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(disk.path()).status();
    assert!(grown.unwrap().success());
    victim.finish("job");
}
