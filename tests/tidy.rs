//! The house rules that a machine can hold (`STYLE.md`).

use std::fs;
use std::path::{Path, PathBuf};

use kaskade_testkit::repository;

/// No source file is longer.
const MAX_LINES: usize = 700;

/// Where unsafe code may be (DESIGN §4): mapping, vector coins, prefetch and huge pages.
const UNSAFE_PLACES: [&str; 4] = [
    "crates/kaskade-store/src/mmap",
    "crates/kaskade-model/src/coin",
    "crates/kaskade-engine/src/kernel",
    "benches/src/memory.rs",
];

/// Folders with files that people write, and the endings of those files.
const FOLDERS: [&str; 9] =
    ["crates", "tests", "benches", "proto", "docs", "scripts", "cluster", "examples", ".ci"];

/// Every file that people write, as its path below the root and its text.
fn files() -> Vec<(String, String)> {
    let root = repository::root();
    let mut paths = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut paths);
    }
    let top_level = fs::read_dir(&root).expect("the root can be listed");
    paths.extend(top_level.map(|entry| entry.expect("the root can be listed").path()));
    // In a worktree that is a file, which says where the repository is.
    paths.retain(|path| !path.ends_with(".git"));
    paths.sort();
    let texts = paths.into_iter().filter(|path| path.is_file()).filter_map(|path| {
        // Golden binary files have no text.
        let text = String::from_utf8(fs::read(&path).ok()?).ok()?;
        let below = path.strip_prefix(&root).expect("the file lies below the root");
        Some((below.to_string_lossy().into_owned(), text))
    });
    texts.collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return; // Not every folder is there yet.
    };
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        let is_output = ["target", "results"].iter().any(|name| path.ends_with(name));
        let is_graph = path.extension().is_some_and(|ending| ending == "kg");
        if path.is_dir() && !path.is_symlink() && !is_output && !is_graph {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn rust_files() -> Vec<(String, String)> {
    let files: Vec<_> = files().into_iter().filter(|(path, _)| path.ends_with(".rs")).collect();
    assert!(files.len() > 50, "the walk finds the sources");
    files
}

fn manifests() -> Vec<(String, toml::Table)> {
    let manifests = files().into_iter().filter(|(path, _)| path.ends_with("/Cargo.toml"));
    let tables: Vec<_> =
        manifests.map(|(path, text)| (path, text.parse().expect("cargo read it"))).collect();
    assert!(tables.len() >= 12, "ten crates, tests and benches have manifests");
    tables
}

#[test]
fn files_are_short() {
    for (path, text) in rust_files() {
        let n_lines = text.lines().count();
        assert!(n_lines <= MAX_LINES, "{path} has {n_lines} lines, more than {MAX_LINES}");
    }
}

/// A crate's root is its table of contents: docs, modules, re-exports.
#[test]
fn crate_roots_have_no_logic() {
    let logic = ["fn ", "pub fn ", "pub(crate) fn ", "impl ", "impl<", "struct ", "pub struct "];
    for (path, text) in rust_files() {
        if path.ends_with("src/lib.rs") {
            let found = text.lines().find(|line| logic.iter().any(|start| line.starts_with(start)));
            assert_eq!(found, None, "{path} is more than a table of contents");
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    // In pieces, so that this file does not contain what it looks for.
    let unfinished = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    for (path, text) in rust_files() {
        for (number, line) in (1..).zip(text.lines()) {
            let found = unfinished.iter().find(|word| line.contains(*word));
            assert_eq!(found, None, "{path}:{number} is unfinished: {line}");
            let marker = ["TO", "FIX"].iter().zip(["DO", "ME"]).map(|(a, b)| format!("{a}{b}"));
            let found = marker.into_iter().find(|word| line.contains(word.as_str()));
            assert_eq!(found, None, "{path}:{number} is unfinished: {line}");
        }
    }
}

/// Paths of the machine that something was written on mean nothing elsewhere.
#[test]
fn no_machine_paths() {
    let machine_paths = ["work", "tmp", "root", "home"].map(|folder| format!("/{folder}/"));
    for (path, text) in files() {
        for (number, line) in (1..).zip(text.lines()) {
            for machine_path in &machine_paths {
                let is_absolute = line.match_indices(machine_path.as_str()).any(|(at, _)| {
                    // A folder of that name inside another path is no machine's.
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| c.is_whitespace() || "\"'`=(:,".contains(c))
                });
                assert!(!is_absolute, "{path}:{number} names a machine's path: {line}");
            }
        }
    }
}

#[test]
fn unsafe_code_is_where_the_design_says() {
    let exception = format!("({}_code", "unsafe");
    for (path, text) in rust_files() {
        let is_allowed = UNSAFE_PLACES.iter().any(|place| path.starts_with(place));
        let asks = text.contains(&exception);
        assert!(is_allowed || !asks, "{path} asks for unsafe code; DESIGN §4 names the places");
    }
}

#[test]
fn every_crate_takes_the_workspace_lints_and_says_what_it_is() {
    for (path, manifest) in manifests() {
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints, Some(&toml::Value::Boolean(true)), "{path}: [lints] workspace = true");
        let description = manifest["package"].get("description").and_then(toml::Value::as_str);
        let is_described = description.is_some_and(|text| !text.is_empty());
        assert!(is_described || !path.starts_with("crates/"), "{path} has no description");
    }
}

/// F18 of the fault matrix: a clock that jumps changes nothing, because nothing waits or is
/// decided by it. These say the time to people, and name jobs; the last counts the days of a
/// certificate.
#[test]
fn the_wall_clock_is_for_people() {
    let clocks = [
        "crates/kaskade-rpc/src/machine.rs",
        "crates/kaskade-cli/src/clock.rs",
        "crates/kaskade-cli/src/commands/cert.rs",
    ];
    let word = ["System", "Time::now"].concat();
    for (path, text) in rust_files() {
        let is_clock = clocks.contains(&path.as_str()) || path.starts_with("benches/");
        assert!(is_clock || !text.contains(&word), "{path} reads the wall clock");
    }
}
