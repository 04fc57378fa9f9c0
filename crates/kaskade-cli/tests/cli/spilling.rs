//! Builds that do not fit the memory they may take.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Folder;

/// A million arcs; with so little memory they go through temporary files.
const GENERATE: [&str; 6] = ["generate", "rmat", "--scale", "16", "--out", "arcs.u32"];
const LITTLE_MEMORY: &str = "24MiB";

#[test]
fn a_build_that_spills_gives_the_same_graph() {
    let folder = Folder::new();
    folder.kaskade(&GENERATE).assert().success();
    let build = |out: &str, memory: &str| {
        folder.json(&["graph", "build", "arcs.u32", "--out", out, "--memory", memory])
    };
    assert_eq!(build("small.kg", LITTLE_MEMORY), build("large.kg", "4GiB"));
    let generated = ["generate", "rmat", "--scale", "16", "--out", "drawn.kg", "--memory"];
    let drawn = |memory: &str| folder.json(&[&generated[..], &[memory, "--force"]].concat());
    assert_eq!(drawn(LITTLE_MEMORY), drawn("4GiB"));
    assert_eq!(folder.names(), ["arcs.u32", "drawn.kg", "large.kg", "small.kg"]);
}

#[test]
fn an_interrupted_build_leaves_nothing() {
    let folder = Folder::new();
    folder.kaskade(&GENERATE).assert().success();
    // The same arcs again and again: long enough to be interrupted.
    let inputs = vec!["arcs.u32"; 30];
    let mut child = Command::new(env!("CARGO_BIN_EXE_kaskade"))
        .current_dir(folder.0.path())
        .args(["graph", "build", "--out", "g.kg", "--memory", LITTLE_MEMORY])
        .args(inputs)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !has_unnamed_file(&child) {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8(output.stderr).unwrap().ends_with("error: interrupted\n"));
    assert_eq!(folder.names(), ["arcs.u32"]);
}

#[test]
fn an_interrupted_build_that_waits_for_its_input_leaves_nothing() {
    let folder = Folder::new();
    let log = folder.path("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_kaskade"))
        .current_dir(folder.0.path())
        .args(["graph", "build", "-", "--out", "g.kg"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    // Nothing is ever written, and the pipe stays open.
    let _input = child.stdin.take();
    let deadline = Instant::now() + Duration::from_secs(60);
    while folder.names().len() < 2 {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "error: interrupted\n");
    assert_eq!(folder.names(), ["log"]);
}

/// Whether the process has a file open that has no name any more.
fn has_unnamed_file(child: &Child) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    files.flatten().any(|file| {
        let target = std::fs::read_link(file.path()).unwrap_or_default();
        target.to_string_lossy().ends_with("(deleted)")
    })
}

#[test]
fn a_full_disk_is_a_clear_error_and_leaves_nothing() {
    let folder = Folder::new();
    folder.kaskade(&GENERATE).assert().success();
    let full = folder.path("full");
    std::fs::create_dir(&full).unwrap();
    let Some(disk) = SmallDisk::mount(&full) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let build = ["graph", "build", "arcs.u32", "--out"];
    let spilling = ["small.kg", "--memory", LITTLE_MEMORY, "--temp-dir", "full"];
    let message = folder.refusal(&[&build[..], &spilling].concat(), 9);
    assert!(message.contains("could not keep temporary files in full"), "{message}");
    assert!(message.contains("No space left"), "{message}");
    let message = folder.refusal(&[&build[..], &["full/large.kg"]].concat(), 9);
    assert!(message.contains("the disk is full"), "{message}");
    assert!(super::names(&full).is_empty());
    drop(disk);
    assert_eq!(folder.names(), ["arcs.u32", "full"]);
}

/// A file system of a megabyte, gone when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where this process may not mount.
    fn mount(at: &'a Path) -> Option<Self> {
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let status = Command::new("mount").args(mount).arg(at).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // A failure leaves a mounted folder, which the folder's own removal reports.
        let _ = Command::new("umount").arg(self.0).status();
    }
}
