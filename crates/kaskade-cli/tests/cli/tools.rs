//! Help, templates, completions, manual, `inspect`.

use kaskade_model::spec::{DEFAULT_MAX_SIMULATIONS, DEFAULT_SEED, DEFAULT_SIMULATIONS};
use kaskade_testkit::repository;
use predicates::prelude::*;
use predicates::str::contains;

use super::Folder;

#[test]
fn help_says_what_holds() {
    let folder = Folder::new();
    let help = |command: &str| folder.kaskade(&[command, "--help"]).assert().success();
    let simulations =
        format!("[default: {DEFAULT_SIMULATIONS}, with --until {DEFAULT_MAX_SIMULATIONS}]");
    let seed = format!("The seed of all randomness [default: {DEFAULT_SEED}]");
    help("run").stdout(contains(simulations).and(contains(seed)));
    help("coordinator").stdout(contains("[default: 127.0.0.1:7400]"));
    folder.write("kaskade.toml", "coordinator = \"http://cluster:1\"\n");
    help("list").stdout(contains("[default: http://cluster:1]"));
    folder.kaskade(&["--version"]).assert().success().stdout(contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn templates_run() {
    let folder = Folder::with_graph();
    std::fs::rename(folder.path("g.kg"), folder.path("graph.kg")).unwrap();
    for template in [
        "ic",
        "linear-threshold",
        "threshold",
        "sir",
        "seir",
        "sis",
        "sirs",
        "negative-opinion",
        "competitive",
    ] {
        let spec = folder.kaskade(&["init", "--template", template]).assert().success();
        folder.write("s.toml", &spec.get_output().stdout);
        let summary = folder.json(&["run", "s.toml"]);
        assert!(summary["spread"]["mean"].as_f64().unwrap() >= 50.0, "{template}: {summary}");
    }
}

/// Editors read the file of the repository; it is what the program prints. Where a change is meant,
/// `KASKADE_BLESS=1 cargo test -p kaskade-cli --test cli schema` writes it.
#[test]
fn the_schema_of_the_documents_is_that_of_the_program() {
    let folder = Folder::new();
    let printed = folder.kaskade(&["init", "--schema"]).assert().success();
    let printed = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
    let file = repository::root().join("docs/spec.schema.json");
    if std::env::var_os("KASKADE_BLESS").is_some() {
        std::fs::write(&file, &printed).unwrap();
    }
    assert_eq!(printed, std::fs::read_to_string(&file).unwrap());
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let kinds = schema["$defs"]["ModelKind"]["oneOf"].as_array().unwrap();
    let kinds: Vec<&str> = kinds.iter().filter_map(|kind| kind["const"].as_str()).collect();
    assert_eq!(kinds.len(), 11, "nine kinds and two short names: {kinds:?}");
    assert_eq!(schema["$defs"]["ModelSpec"]["properties"]["recovery"]["maximum"], 1.0);
    assert_eq!(schema["properties"]["audience"]["$ref"], "#/$defs/Audience");
}

#[test]
fn shells_and_man_know_every_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.kaskade(&["completions", shell]).assert().success();
        script.stdout(contains("submit").and(contains("orientation")));
    }
    let pages = folder.kaskade(&["man"]).assert().success();
    pages.stdout(contains(".TH kaskade 1").and(contains(".TH kaskade-graph-build 1")));
}

#[test]
fn every_file_of_graph_and_result_is_told() {
    let folder = Folder::with_graph();
    let run = ["run", "--graph", "g.kg", "--seeds", "random:2", "--simulations", "5", "--out", "r"];
    folder.kaskade(&run).assert().success();
    for (path, part) in [
        ("g.kg", "isolated"),
        ("g.kg/manifest.json", "isolated"),
        ("g.kg/nodes.kgn", "out-degrees"),
        ("g.kg/shards/00001.kgs", "out-targets"),
        ("r", "95 % confidence"),
        ("r/summary.json", "95 % confidence"),
        ("r/manifest.json", "\"coin_version\""),
        ("r/simulations.parquet", "simulation\tspread\trounds"),
        ("r/rounds.parquet", "round\tmean_new"),
    ] {
        let text = folder.kaskade(&["inspect", path]).assert().success();
        text.stdout(contains(part));
        folder.json(&["inspect", path]);
    }
    let rows = folder.json(&["inspect", "r/simulations.parquet"]);
    assert_eq!(rows["rows"], 5);
}

#[test]
fn what_cannot_be_told_is_refused() {
    let folder = Folder::with_graph();
    let run = ["run", "--graph", "g.kg", "--seeds", "random:2", "--simulations", "5", "--out", "r"];
    folder.kaskade(&run).assert().success();
    let parquet = std::fs::read(folder.path("r/simulations.parquet")).unwrap();
    for cut in [5, parquet.len() / 2, parquet.len() - 1] {
        folder.write("r/simulations.parquet", &parquet[..cut]);
        folder.refusal(&["inspect", "r/simulations.parquet"], 8);
    }
    for place in (0..parquet.len()).step_by(7).filter(|place| *place > 3) {
        let mut damaged = parquet.clone();
        damaged[place] ^= 0xff;
        folder.write("damaged.parquet", damaged);
        let output = folder.kaskade(&["inspect", "damaged.parquet"]).assert();
        output.code(predicate::in_iter([0, 8])).stderr(contains("panicked").not());
    }
    folder.write("other.json", "{\"a\": 1}");
    folder.write("other.bin", [1, 2, 3]);
    for path in ["other.json", "other.bin", "r/.."] {
        let message = folder.refusal(&["inspect", path], 7);
        assert!(message.contains("cannot tell what"), "{message}");
    }
}
