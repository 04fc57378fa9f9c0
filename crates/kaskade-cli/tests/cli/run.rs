//! `kaskade run`.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Folder, names};

const SPEC: &str = r#"
version = 1
graph.generate = { kind = "rmat", scale = 7, edge_factor = 8 }
model = { kind = "ic", probability = 0.1 }
seeds.top_degree = 2
run = { simulations = 130, out = "results/{job}" }
"#;

#[test]
fn a_spec_runs_and_keeps_its_graph_and_results() {
    let folder = Folder::new();
    fs::create_dir(folder.path("specs")).unwrap();
    folder.write("specs/s.toml", SPEC);
    let first = folder.json(&["run", "specs/s.toml"]);
    assert_eq!((&first["state"], &first["simulations"]), (&"succeeded".into(), &130.into()));
    assert_eq!(first["spec"]["run"]["coins"], "octet", "the resolved spec leaves nothing open");
    assert!(first["performance"]["peak_memory_bytes"].as_u64().unwrap() > 0);
    assert!(first["performance"]["cpu_seconds"].as_f64().is_some());

    let job = first["job"].as_str().unwrap();
    let result = folder.path("specs/results").join(job);
    let expected =
        ["manifest.json", "report.html", "rounds.parquet", "simulations.parquet", "summary.json"];
    assert_eq!(names(&result), expected);
    let summary: Value =
        serde_json::from_slice(&fs::read(result.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary, first, "what is printed is what is kept");

    let kept = folder.path("cache/kaskade/generated");
    assert_eq!(names(&kept).len(), 1);
    let second = folder.kaskade(&["run", "specs/s.toml", "--json"]).assert().success();
    let second = second.get_output();
    assert!(!String::from_utf8_lossy(&second.stderr).contains("generated"));
    let second: Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_ne!(second["job"], first["job"]);
    assert_eq!(second["digest"], first["digest"]);
}

#[test]
fn a_damaged_kept_graph_is_made_again() {
    let folder = Folder::new();
    folder.write("s.toml", SPEC);
    let run = ["run", "s.toml", "--cache", "kept"];
    let digest = folder.json(&run)["digest"].clone();
    let generated = folder.path("kept/generated");
    let graph = generated.join(&names(&generated)[0]);
    fs::write(graph.join("manifest.json"), "{}").unwrap();
    assert_eq!(folder.json(&run)["digest"], digest);
}

#[test]
fn first_uses_at_the_same_time_share_one_graph() {
    let folder = Folder::new();
    folder.write("s.toml", SPEC);
    let digests: Vec<_> = std::thread::scope(|scope| {
        let runs =
            [(); 4].map(|()| scope.spawn(|| folder.json(&["run", "s.toml"])["digest"].clone()));
        runs.map(|run| run.join().unwrap()).into()
    });
    assert!(digests.iter().all(|digest| digest == &digests[0]), "{digests:?}");
    assert_eq!(names(&folder.path("cache/kaskade/generated")).len(), 1);
}

#[test]
fn threads_and_lanes_change_no_bit_and_a_simulation_stands_alone() {
    let folder = Folder::with_graph();
    let job = ["run", "--graph", "g.kg", "--seeds", "random-each:2", "--simulations", "200"];
    let run = |flags: &[&str]| folder.json(&[&job[..], flags].concat());
    let all = run(&["--out", "all"]);
    for flags in [
        ["--threads", "1"],
        ["--lane-words", "1"],
        ["--lane-words", "8"],
        ["--verify", "header"],
        ["--kernel", "portable"],
        ["--kernel", "forward"],
        ["--kernel", "light"],
        ["--kernel", "pull"],
    ] {
        assert_eq!(run(&flags)["digest"], all["digest"], "{flags:?}");
    }
    let threshold = |kernel| run(&["--model", "lt", "--kernel", kernel])["digest"].clone();
    assert_eq!(threshold("forward"), threshold("backward,portable"));
    let sparse = |kernel| run(&["--probability", "0.01", "--kernel", kernel])["digest"].clone();
    assert_eq!(sparse("forward"), sparse("one-by-one"));
    for (flags, probability, expected) in [
        (["--kernel", "backward"], "0.5", "--kernel backward is for --model linear-threshold"),
        (["--kernel", "one-by-one"], "0.5", "--kernel one-by-one is for block coins"),
        (["--kernel", "pull"], "0.01", "--kernel pull is for cascades with coins of single arcs"),
        (["--kernel", "light"], "0.01", "--kernel light is for coins of single arcs"),
    ] {
        let job = [&job[..], &["--probability", probability]].concat();
        let refused = folder.kaskade(&job).args(flags).assert().code(2);
        let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(message.contains(expected), "{message}");
    }
    assert_ne!(run(&["--seed", "2"])["digest"], all["digest"]);
    run(&["--simulations", "1", "--first-simulation", "77", "--out", "one"]);
    let row = |result: &str, number: usize| {
        let path = format!("{result}/simulations.parquet");
        let output = folder.kaskade(&["inspect", &path]).assert().success().get_output().clone();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().nth(number + 1).unwrap().to_owned()
    };
    assert!(row("all", 77).starts_with("77\t"));
    assert_eq!(row("all", 77), row("one", 0));
}

#[test]
fn people_get_a_table_and_scripts_get_nothing_but_data() {
    let folder = Folder::with_graph();
    let run = ["run", "--graph", "g.kg", "--seeds", "top-degree:1", "--out", "r"];
    let output = folder.kaskade(&run).assert().success().get_output().clone();
    let table = String::from_utf8(output.stdout).unwrap();
    for part in ["succeeded", "95 % confidence", "mean total", "digest"] {
        assert!(table.contains(part), "{part:?} in\n{table}");
    }
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "results in r\n");
    let quiet = folder.kaskade(&run).args(["--force", "--quiet"]).assert().success();
    assert!(quiet.get_output().stderr.is_empty());
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let folder = Folder::with_graph();
    let log = folder.path("log");
    let run = ["run", "--graph", "g.kg", "--seeds", "random:9", "--simulations", "1000000000"];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_kaskade"))
        .current_dir(folder.0.path())
        .args(run)
        .args(["-v", "--out", "r"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(&log).unwrap().contains("rounds begin") {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let interrupt = ["-INT".to_owned(), child.id().to_string()];
    assert!(std::process::Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let log = fs::read_to_string(log).unwrap();
    assert!(log.ends_with("error: interrupted\n"), "{log}");
    assert_eq!(folder.names(), ["g.kg", "log"]);
}
