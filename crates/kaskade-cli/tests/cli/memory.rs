//! The memory that a command takes, seen from outside.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Folder;

/// The wait for a small command ends after so long, on a machine under load too.
const DEADLINE: Duration = Duration::from_secs(120);

/// A graph is not as large as its largest id: six arcs whose ids reach 2⁶⁴ − 1.
#[test]
fn ids_of_64_bits_take_no_memory() {
    let folder = Folder::new();
    let (last, half) = (u64::MAX, 1u64 << 63);
    let arcs =
        [(0, last), (last, 7), (7, half), (half, last - 1), (last - 1, 1 << 32), (1 << 32, 0)];
    let lines: String = arcs.map(|(from, to)| format!("{from} {to}\n")).concat();
    folder.write("sparse.txt", lines);

    // Full from the beginning: who writes a result has to wait, and can be looked at.
    let (mut reader, mut writer) = io::pipe().unwrap();
    let stdout = writer.try_clone().unwrap();
    let filler = std::thread::spawn(move || writer.write_all(&[0; 1 << 20]));
    let mut command = folder.command(&["graph", "build", "sparse.txt", "--out", "sparse.kg"]);
    let command = command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The graph is published when everything is done but to say so.
    wait_for(&mut child, &folder.path("sparse.kg/manifest.json"));
    let peak_bytes = peak_resident_bytes(&child);
    // The command keeps the last writing end, so what is read ends with it.
    command.stdout(Stdio::null());
    io::copy(&mut reader, &mut io::sink()).unwrap();
    filler.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());

    assert!(peak_bytes > 1 << 20, "a process takes something: {peak_bytes} bytes");
    assert!(peak_bytes < 20_000_000, "{peak_bytes} bytes for six arcs");
}

/// Waits until there is something at `path`.
fn wait_for(child: &mut Child, path: &Path) {
    let deadline = Instant::now() + DEADLINE;
    while !path.try_exists().expect("the folder can be read") {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            let mut message = String::new();
            let stderr = child.stderr.as_mut().expect("it is a pipe");
            stderr.read_to_string(&mut message).expect("messages are UTF-8");
            panic!("it ended with {status}: {message}");
        }
        assert!(Instant::now() < deadline, "waited in vain for {}", path.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The largest resident memory of `child` so far, mapped files included.
fn peak_resident_bytes(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.expect("a process that lives has a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    1024 * peak.expect("a process that lives has memory")
}
