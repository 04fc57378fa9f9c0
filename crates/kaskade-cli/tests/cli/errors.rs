//! Every refusal: one line with cause and next step, its exit code, nothing half-written.

use std::fs;

use super::Folder;

const RUN: [&str; 5] = ["run", "--graph", "g.kg", "--seeds", "top-degree:3"];

fn run_with<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    RUN.into_iter().chain(flags.iter().copied()).collect()
}

#[test]
fn what_is_not_there_is_not_found() {
    let folder = Folder::new();
    for arguments in [
        &["graph", "info", "no.kg"][..],
        &["graph", "verify", "no.kg"],
        &["graph", "build", "no.txt", "--out", "x.kg"],
        &["run", "--graph", "no.kg", "--seeds", "ids:1"],
        &["run", "no.toml"],
        &["inspect", "no.json"],
        &["--config", "no-settings.toml", "init"],
    ] {
        let message = folder.refusal(arguments, 4);
        assert!(message.contains("no"), "{message}");
    }
    fs::create_dir(folder.path("empty.kg")).unwrap();
    let message = folder.refusal(&["run", "--graph", "empty.kg", "--seeds", "ids:1"], 4);
    assert!(message.contains("no complete graph directory"), "{message}");
    assert_eq!(folder.names(), ["empty.kg"]);
}

#[test]
fn damage_to_any_part_of_any_file_is_found() {
    let folder = Folder::with_graph();
    let shards = ["shards/00000.kgs", "shards/00003.kgs"];
    for file in ["manifest.json", "nodes.kgn"].into_iter().chain(shards) {
        let path = folder.path("g.kg").join(file);
        let whole = fs::read(&path).unwrap();
        for place in 0..24 {
            let mut damaged = whole.clone();
            damaged[place * (whole.len() - 1) / 23] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            let message = folder.refusal(&RUN, 8);
            assert!(message.contains(file), "{message}");
        }
        fs::write(&path, &whole[..whole.len() - 7]).unwrap();
        folder.refusal(&RUN, 8);
        fs::write(&path, b"not this").unwrap();
        folder.refusal(&RUN, 8);
        fs::write(&path, whole).unwrap();
    }
    fs::write(folder.path("g.kg/nodes.kgn"), b"SOMETHING ELSE").unwrap();
    let message = folder.refusal(&RUN, 8);
    assert!(message.contains("is no kaskade file"), "{message}");
    fs::remove_file(folder.path("g.kg/nodes.kgn")).unwrap();
    folder.refusal(&RUN, 8);
}

#[test]
fn a_truncated_shard_is_said_to_be_truncated() {
    let folder = Folder::with_graph();
    let path = folder.path("g.kg/shards/00002.kgs");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(fs::metadata(&path).unwrap().len() / 2).unwrap();
    let message = folder.refusal(&RUN, 8);
    assert!(message.contains("00002.kgs is truncated"), "{message}");
    assert!(message.contains("restore the file, or rebuild the graph"), "{message}");
}

#[test]
fn impossible_values_are_invalid() {
    let folder = Folder::with_graph();
    for (flags, cause) in [
        (["--probability", "1.5"], "probability 1.5 is not in [0, 1]"),
        (["--probability", "-0.5"], "probability -0.5 is not in [0, 1]"),
        (["--probability", "NaN"], "probability NaN is not in [0, 1]"),
        (["--probability", "1e-12"], "below 2^-33"),
        (["--simulations", "0"], "--simulations must be at least 1"),
        (["--first-simulation", "18446744073709551615"], "must be at most 2^63"),
        (["--probability", "column"], "rebuild it with `kaskade graph build"),
    ] {
        let message = folder.refusal(&run_with(&flags), 7);
        assert!(message.contains(cause), "{message}");
    }
    let run = ["run", "--graph", "g.kg"];
    for (seeds, cause) in [
        ("ids:3,99999999", "seed 99999999 is not a node of the graph"),
        ("top-degree:257", "257 seeds were asked for, there are 256 nodes to choose from"),
        ("random:0", "--seeds must be at least one node"),
        ("file:no.txt", "could not read no.txt"),
    ] {
        let code = if seeds.starts_with("file") { 4 } else { 7 };
        let message = folder.refusal(&[&run[..], &["--seeds", seeds]].concat(), code);
        assert!(message.contains(cause), "{message}");
    }
    let lt = ["--model", "lt", "--probability", "0.9"];
    let message = folder.refusal(&run_with(&lt), 7);
    assert!(message.contains("sum to more than 1"), "{message}");
    let message = folder.refusal(&run_with(&["--model", "lt", "--probability", "trivalency"]), 7);
    assert!(message.contains("has no meaning for linear-threshold"), "{message}");
    let message = folder.refusal(&run_with(&["--model", "competitive"]), 7);
    assert!(message.contains("[[rival]]") && !message.contains("--rival"), "{message}");
}

#[test]
fn flaws_of_a_spec_are_located() {
    let folder = Folder::with_graph();
    let spec = "version = 1\n[graph]\npath = \"g.kg\"\n[seeds]\nrandom = 3\n[run]\n";
    folder.write("s.toml", format!("{spec}simulatons = 5\n"));
    let message = folder.refusal(&["run", "s.toml"], 7);
    assert!(message.starts_with("error: s.toml:7:1: unknown field `simulatons`"), "{message}");
    assert!(message.ends_with("did you mean `simulations`?\n"), "{message}");
    folder.write("s.toml", spec.replace("path", "generate = { kind = \"rmat\", scale = 99 }\n#"));
    let message = folder.refusal(&["run", "s.toml"], 7);
    assert!(message.starts_with("error: s.toml:3:37: graph.generate.scale is 99"), "{message}");
    folder.write("s.toml", spec.replace("path", "name"));
    let message = folder.refusal(&["run", "s.toml"], 7);
    assert!(message.contains("`kaskade submit`"), "{message}");
    folder.write("s.toml", b"version = 1\n\xff\n");
    folder.refusal(&["run", "s.toml"], 7);
}

#[test]
fn nothing_is_left_of_a_build_that_fails() {
    let folder = Folder::new();
    folder.write("empty.txt", "# nothing\n");
    folder.write("bad.txt", "1 2\n3 x\n");
    folder.write("cut.txt.gz", [0x1f, 0x8b, 8, 0, 0, 0]);
    let build =
        |input: &str, code| folder.refusal(&["graph", "build", input, "--out", "x.kg"], code);
    assert!(build("empty.txt", 7).contains("the graph is empty"));
    let message = build("bad.txt", 7);
    assert!(message.contains("bad.txt:2: ") && message.contains("--skip-bad-lines"), "{message}");
    assert!(build("cut.txt.gz", 8).contains("could not read cut.txt.gz"));
    let inputs = ["bad.txt", "cut.txt.gz", "empty.txt"];
    assert_eq!(folder.names(), inputs);
    let message = folder.refusal(&["generate", "rmat", "--scale", "40", "--out", "x.kg"], 7);
    assert!(message.contains("--scale is 40"), "{message}");
    assert_eq!(folder.names(), inputs);
}

#[test]
fn what_is_there_is_not_replaced_without_force() {
    let folder = Folder::with_graph();
    let generate = ["generate", "rmat", "--scale", "3", "--out", "g.kg"];
    assert!(folder.refusal(&generate, 6).contains("--force"));
    folder.kaskade(&run_with(&["--out", "r"])).assert().success();
    let before = fs::read(folder.path("r/summary.json")).unwrap();
    assert!(folder.refusal(&run_with(&["--out", "r"]), 6).contains("--force"));
    assert_eq!(fs::read(folder.path("r/summary.json")).unwrap(), before);
    folder.kaskade(&run_with(&["--out", "r", "--force"])).assert().success();
    assert_ne!(fs::read(folder.path("r/summary.json")).unwrap(), before, "another job id");
    folder.write("file", "precious");
    folder.refusal(&run_with(&["--out", "file", "--force"]), 6);
    assert_eq!(fs::read(folder.path("file")).unwrap(), b"precious");
    assert_eq!(folder.names(), ["file", "g.kg", "r"]);
}

#[test]
fn clients_without_a_coordinator_are_told_so() {
    let folder = Folder::with_graph();
    // Port 9, "discard", is below those that anything is given by chance.
    let nowhere = ["--coordinator", "http://127.0.0.1:9"];
    for command in [
        &["list"][..],
        &["status", "j"],
        &["watch", "j"],
        &["cancel", "j"],
        &["results", "j", "--out", "r"],
        &["submit", "--graph", "g", "--seeds", "random:1"],
        &["graph", "push", "g.kg"],
    ] {
        let message = folder.refusal(&[command, &nowhere[..]].concat(), 5);
        assert!(message.contains("is it running? start it with"), "{message}");
    }
    let message = folder.refusal(&["list", "--coordinator", "localhost"], 7);
    assert!(message.contains("use http://HOST:PORT"), "{message}");
    assert_eq!(folder.names(), ["g.kg"]);
}

#[test]
fn servers_listen_on_loopback_only_without_locks() {
    let folder = Folder::new();
    let (coordinator, worker) =
        (["coordinator", "--graphs", "g", "--state", "s"], ["worker", "--cache", "c"]);
    for server in [&coordinator[..], &worker] {
        let message = folder.refusal(&[server, &["--listen", "0.0.0.0:0"]].concat(), 6);
        for next_step in ["127.0.0.1", "kaskade cert init", "kaskade token create"] {
            assert!(message.contains(next_step), "{message}");
        }
    }
    assert_eq!(folder.names(), [""; 0], "nothing is made by who refuses");
}

#[test]
fn the_command_line_itself_has_code_2() {
    let folder = Folder::new();
    for arguments in [
        &["runn"][..],
        &["run", "--nope"],
        &["run", "--probability", "often", "--graph", "g"],
        &["generate", "rmat", "--out", "x.kg"],
        &["graph", "build", "a.txt", "--out", "x.kg", "--shards", "0"],
        &["graph", "build", "a.txt", "--out", "x.kg", "--memory", "lots"],
        &["status", "../etc"],
    ] {
        let output = folder.kaskade(arguments).assert().code(2).get_output().clone();
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    let message = folder.refusal(&["run", "--seeds", "random:1"], 7);
    assert!(message.contains("no graph: name a directory with --graph DIR"), "{message}");
}
