//! The program as a person or a script meets it: output, files, messages, exit codes.

mod channels;
mod corruption;
mod critical;
mod errors;
mod graph;
mod launchers;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod recording;
mod results;
mod run;
mod settings;
mod spilling;
#[cfg(unix)]
mod sweeps;
mod tools;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, in which the program runs without the person's settings.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with the graph directory `g.kg`: 256 nodes, some thousand arcs, 4 shards.
    fn with_graph() -> Self {
        let folder = Self::new();
        let flags = ["--scale", "8", "--edge-factor", "16", "--shards", "4", "--out", "g.kg"];
        folder.kaskade(&["generate", "rmat"]).args(flags).assert().success();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).expect("the folder can be written");
    }

    fn kaskade(&self, arguments: &[&str]) -> Command {
        Command::from_std(self.command(arguments))
    }

    /// The program as a process that can be watched.
    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kaskade"));
        let own_variables = std::env::vars_os().map(|(name, _)| name);
        for name in own_variables.filter(|name| name.to_string_lossy().starts_with("KASKADE_")) {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).args(arguments);
        command
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// The object that a command prints with `--json`.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.kaskade(arguments).arg("--json").assert().success().get_output().clone();
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }

    /// What a command says that fails with `code`: one line, no panic, nothing on stdout.
    fn refusal(&self, arguments: &[&str], code: i32) -> String {
        let output = self.kaskade(arguments).assert().code(code).get_output().clone();
        assert!(output.stdout.is_empty(), "{output:?}");
        let message = String::from_utf8(output.stderr).expect("messages are UTF-8");
        assert!(message.starts_with("error: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!message.contains("panicked"), "{message}");
        message
    }

    /// The names in the folder, sorted, hidden ones included.
    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("an entry").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}
