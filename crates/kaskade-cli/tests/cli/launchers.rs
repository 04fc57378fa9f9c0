//! The launchers in `cluster/` and the page about them name only what the program has: a flag
//! that goes away must not be found missing by whoever starts a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kaskade_testkit::repository;

use super::Folder;

/// The files that start something, and what.
const STARTED: [(&str, &[&str]); 10] = [
    ("cluster/local.sh", &["coordinator", "worker", "list", "submit"]),
    ("cluster/slurm/kaskade.sbatch", &["coordinator", "worker", "list", "submit"]),
    ("cluster/compose.yaml", &["coordinator", "worker", "list"]),
    ("cluster/kubernetes/base/coordinator.yaml", &["coordinator", "probe"]),
    ("cluster/kubernetes/base/worker.yaml", &["worker"]),
    ("cluster/kubernetes/tls/coordinator.yaml", &["coordinator"]),
    ("cluster/kubernetes/tls/worker.yaml", &["worker", "probe"]),
    ("cluster/systemd/kaskade-coordinator.service", &["coordinator"]),
    ("cluster/systemd/kaskade-worker@.service", &["worker"]),
    ("docs/cluster.md", &["coordinator", "worker", "submit", "graph push"]),
];

/// The files of `cluster/` and its page, as path below the root and text.
fn launchers() -> Vec<(String, String)> {
    let root = repository::root();
    let mut files = vec!["docs/cluster.md".to_owned()];
    collect(&root, "cluster", &mut files);
    files.sort();
    let read = |path: String| {
        let text = fs::read_to_string(root.join(&path)).expect("launchers are text");
        (path, text)
    };
    files.into_iter().map(read).collect()
}

fn collect(root: &Path, folder: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(folder)).expect("the folder can be listed") {
        let entry = entry.expect("the folder can be listed");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() { collect(root, &path, files) } else { files.push(path) }
    }
}

/// What the program is called with in `text`, each call from the word after the program's name:
/// in scripts and units, in code of a page, and in lists of YAML.
fn calls(text: &str) -> Vec<Vec<String>> {
    // A backslash goes on in the next line, and so does a list.
    let joined = text.replace("\\\n", " ").replace(",\n", ", ").replace("args:\n", "args: ");
    let mut calls = Vec::new();
    for line in joined.lines() {
        // A backquote ends the code within a sentence.
        let spaced = line.replace('`', " ` ").replace(['[', ']', ',', '"', '\''], " ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let hands_on = words
            .iter()
            .any(|word| word.ends_with("cluster/local.sh") || word.ends_with("kaskade.sbatch"));
        for (at, word) in words.iter().enumerate() {
            let is_program = ["kaskade", "$binary", "args:", "command:"].contains(word)
                || word.ends_with("/kaskade")
                || word.ends_with("bin/kaskade");
            let call = words[at + 1..].iter().take_while(|word| !ends_call(word));
            let call = call.map(|&word| word.to_owned());
            if is_program {
                calls.push(call.collect());
            } else if *word == "--" && hands_on {
                calls.push(std::iter::once("submit".to_owned()).chain(call).collect());
            }
        }
    }
    calls
}

/// Whether `word` is not the program's any more.
fn ends_call(word: &str) -> bool {
    word == "--" || word.starts_with(['|', '&', '>', ';', '#', '`', ')']) || word.starts_with("2>")
}

fn help(folder: &Folder, path: &[&str]) -> String {
    let output = folder.command(path).arg("--help").output().expect("the program starts");
    assert!(output.status.success(), "{path:?} --help: {output:?}");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

/// The commands below the one whose help is given.
fn commands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect()
}

fn flags(help: &str) -> BTreeSet<&str> {
    let lines = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = lines.flat_map(str::split_whitespace).filter(|word| word.starts_with("--"));
    words.map(|word| word.trim_end_matches('.')).collect()
}

/// The variables that start with the program's name.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    // Without more it stands for any of them.
    words.filter(|word| word.starts_with("KASKADE_") && word.len() > "KASKADE_".len()).collect()
}

#[test]
fn launchers_use_flags_that_there_are() {
    let folder = Folder::new();
    let mut started = BTreeSet::new();
    for (path, text) in launchers() {
        for call in calls(&text) {
            let (mut command, mut of_command) = (Vec::new(), help(&folder, &[]));
            for word in &call {
                if !commands(&of_command).contains(&word.as_str()) {
                    break;
                }
                command.push(word.as_str());
                of_command = help(&folder, &command);
            }
            if command.is_empty() {
                continue; // The program's name within a sentence.
            }
            for word in call.iter().filter(|word| word.starts_with("--")) {
                let flag = word.split('=').next().expect("a first part");
                let flag = flag.trim_end_matches([')', ';', '.', ':']);
                assert!(flags(&of_command).contains(flag), "{path}: {command:?} has no {flag}");
            }
            started.insert((path.clone(), command.join(" ")));
        }
    }
    for (path, commands) in STARTED {
        for command in commands {
            let is_found = started.contains(&(path.to_owned(), (*command).to_owned()));
            assert!(is_found, "no {command} was read from {path}");
        }
    }
}

#[test]
fn launchers_set_variables_that_there_are() {
    let folder = Folder::new();
    let top = help(&folder, &[]);
    let helps: Vec<_> = commands(&top).iter().map(|command| help(&folder, &[command])).collect();
    let known: BTreeSet<_> = helps.iter().flat_map(|help| variables(help)).collect();
    assert!(known.contains("KASKADE_CACHE"), "{known:?}");
    for (path, text) in launchers() {
        let unknown: Vec<_> = variables(&text).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "{path} sets {unknown:?}");
    }
}

/// Versions that launchers repeat, since none of their formats can refer to another file.
#[test]
fn launchers_name_the_current_versions() {
    let root = repository::root();
    let read = |path: &str| fs::read_to_string(root.join(path)).expect("the file is there");
    let image = format!("kaskade:{}", env!("CARGO_PKG_VERSION"));
    for path in ["cluster/compose.yaml", "cluster/Containerfile", "docs/cluster.md"] {
        assert!(read(path).contains(&image), "{path} does not name {image}");
    }
    let tag = format!("newTag: {}\n", env!("CARGO_PKG_VERSION"));
    for overlay in ["one-node", "tls"] {
        let path = format!("cluster/kubernetes/{overlay}/kustomization.yaml");
        assert!(read(&path).contains(&tag), "{path}: {tag}");
    }

    let containerfile = read("cluster/Containerfile");
    let (_, version) = containerfile.split_once("library/rust:").expect("the builder's image");
    let (version, _) = version.split_once("-alpine").expect("Alpine's");
    let toolchain = format!("channel = \"{version}.");
    assert!(read("rust-toolchain.toml").contains(&toolchain), "Rust {version}");
}
