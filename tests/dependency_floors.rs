//! Who may depend on whom, and on what (DESIGN §4 and §5), held against `cargo metadata` and
//! `Cargo.lock`.

use std::collections::BTreeMap;
use std::fs;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use kaskade_testkit::repository;

/// The crates of the workspace that each crate may name. An arrow only goes down.
const ARROWS: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("store", &["model"]),
    ("engine", &["model"]),
    ("rpc", &["model"]),
    ("results", &["model"]),
    ("ingest", &["model", "store"]),
    ("worker", &["model", "store", "engine", "rpc"]),
    ("coordinator", &["model", "store", "engine", "rpc", "results"]),
    ("cli", &["model", "store", "engine", "rpc", "results", "ingest", "worker", "coordinator"]),
    ("testkit", &["model", "store", "engine", "ingest"]),
];

/// Foreign crates that belong to a few of ours, tests and build scripts included.
const RESERVED: [(&str, &[&str]); 22] = [
    ("tokio", &["rpc", "worker", "coordinator", "cli"]),
    ("tokio-stream", &["rpc", "worker", "coordinator", "cli"]),
    ("tokio-util", &["rpc", "worker", "coordinator", "cli"]),
    ("tonic", &["rpc", "worker", "coordinator", "cli"]),
    ("tonic-prost", &["rpc"]),
    ("tonic-prost-build", &["rpc"]),
    ("prost", &["rpc"]),
    ("tonic-health", &["rpc"]),
    ("tonic-reflection", &["rpc"]),
    ("prometheus-client", &["rpc", "worker", "coordinator"]),
    ("h2", &["rpc"]),
    ("tokio-rustls", &["rpc"]),
    ("rcgen", &["rpc", "cli"]),
    ("memmap2", &["store", "engine"]),
    ("bincode", &["coordinator"]),
    ("redb", &["coordinator"]),
    ("parquet", &["results", "ingest", "cli"]),
    ("resvg", &["results"]),
    ("png", &["results"]),
    ("epaint_default_fonts", &["results"]),
    ("rayon", &["engine", "ingest", "store", "worker", "cli", "testkit"]),
    ("anyhow", &["cli"]),
];

/// Versions below which a dependency has a defect that concerns us.
const LOWEST_VERSIONS: [(&str, [u64; 3]); 2] = [("h2", [0, 4, 20]), ("memmap2", [0, 9, 11])];

/// bincode's bytes lie in job logs: one version, for good.
const BINCODE: [u64; 3] = [1, 3, 3];

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(repository::root().join("Cargo.toml"));
    command.no_deps().other_options(["--offline".to_owned()]);
    command.exec().expect("cargo metadata reads the workspace")
}

/// The crates under `crates/`, by name without `kaskade-`.
fn crates(metadata: &Metadata) -> BTreeMap<&str, &Package> {
    let packages = metadata.packages.iter();
    let ours = packages.filter_map(|package| Some((short(package.name.as_str())?, package)));
    ours.filter(|(name, _)| !["tests", "benches"].contains(name)).collect()
}

fn short(name: &str) -> Option<&str> {
    name.strip_prefix("kaskade-")
}

#[test]
fn arrows_only_go_down() {
    let metadata = metadata();
    let crates = crates(&metadata);
    let listed: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert!(crates.keys().all(|name| listed.contains(name)), "a crate has no floor: {crates:?}");
    for (name, allowed) in ARROWS {
        let package = crates[name];
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            let below = short(&dependency.name).expect("our crates are called kaskade-…");
            let is_for_tests = dependency.kind == DependencyKind::Development;
            let is_allowed = allowed.contains(&below) || is_for_tests && below == "testkit";
            assert!(is_allowed, "kaskade-{name} must not depend on kaskade-{below}");
        }
    }
}

/// Only tests name the test kit, so that nothing of it ships.
#[test]
fn the_test_kit_is_for_tests() {
    for package in &metadata().packages {
        for dependency in &package.dependencies {
            let is_kit = short(&dependency.name) == Some("testkit");
            let is_for_tests = dependency.kind == DependencyKind::Development;
            assert!(!is_kit || is_for_tests, "{} ships the test kit", package.name);
        }
    }
}

#[test]
fn foreign_crates_stay_where_they_belong() {
    let metadata = metadata();
    for (name, package) in crates(&metadata) {
        for dependency in &package.dependencies {
            let rule = RESERVED.iter().find(|(reserved, _)| *reserved == dependency.name);
            if let Some((reserved, users)) = rule {
                assert!(users.contains(&name), "kaskade-{name} must not depend on {reserved}");
            }
        }
    }
}

#[test]
fn locked_versions_are_above_their_floors() {
    let lock = fs::read_to_string(repository::root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let versions = |name: &str| -> Vec<[u64; 3]> {
        let packages = lock["package"].as_array().expect("Cargo.lock lists packages").iter();
        let named = packages.filter(|package| package["name"].as_str() == Some(name));
        named.map(|package| parts(package["version"].as_str().unwrap_or_default())).collect()
    };
    for (name, lowest) in LOWEST_VERSIONS {
        for version in versions(name) {
            assert!(version >= lowest, "{name} {version:?} is below {lowest:?}");
        }
    }
    assert_eq!(versions("bincode"), [BINCODE]);
}

/// Major, minor and patch of a version.
fn parts(version: &str) -> [u64; 3] {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = release.split('.').map(|part| part.parse().expect("a version is numbers"));
    std::array::from_fn(|_| numbers.next().expect("a version has three parts"))
}
