//! Real processes: one coordinator, some workers, a client, and SIGKILL.

mod clients;
mod faults;
mod files;
mod observe;
mod sameness;
mod soak;
mod sweeps;
mod victim;

use std::path::Path;
use std::process::Command;

use kaskade_testkit::process_cluster::ProcessCluster;
use serde_json::Value;

/// The program under test.
fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kaskade"))
}

/// Runs the program without a coordinator; its JSON object.
fn kaskade(arguments: &[&str]) -> Value {
    let output = Command::new(binary()).args(arguments).arg("--json").output();
    let output = output.expect("the program starts");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {messages}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Builds the graph that these tests run on into `cluster`'s folder, under `name`.
fn generate(cluster: &ProcessCluster, name: &str, scale: u32, shards: u32) -> String {
    let edges = cluster.scratch("edges.txt");
    let edges = edges.to_str().expect("a path of ASCII");
    if !Path::new(edges).is_file() {
        let scale = scale.to_string();
        kaskade(&["generate", "rmat", "--scale", &scale, "--edge-factor", "8", "--out", edges]);
    }
    let out = cluster.graphs().join(format!("{name}.kg"));
    let out = out.to_str().expect("a path of ASCII").to_owned();
    kaskade(&["graph", "build", edges, "--out", &out, "--shards", &shards.to_string()]);
    out
}

/// The digest of a summary, after a look at whether the job did anything.
fn digest(summary: &Value) -> String {
    assert!(summary["spread"]["mean"].as_f64().expect("a number") > 20.0, "{summary}");
    summary["digest"].as_str().expect("a text").to_owned()
}
