//! Who passed it to whom, and whom it reaches: `--trace-simulations`, `--nodes` and `replay`.

use std::fs;

use super::{Folder, names};

const JOB: [&str; 11] = [
    "run",
    "--graph",
    "g.kg",
    "--seeds",
    "random-each:2",
    "--simulations",
    "200",
    "--trace-simulations",
    "20",
    "--nodes",
    "--out",
];

fn traced(folder: &Folder) -> serde_json::Value {
    folder.json(&[&JOB[..], &["r"]].concat())
}

#[test]
fn a_traced_run_keeps_cascades_and_nodes_and_is_made_again() {
    let folder = Folder::with_graph();
    let summary = traced(&folder);
    assert_eq!(summary["shape"]["simulations"], 20);
    let files = names(&folder.path("r"));
    assert!(files.contains(&"cascades.parquet".to_owned()), "{files:?}");
    assert!(files.contains(&"nodes.parquet".to_owned()), "{files:?}");
    let untraced = folder.json(&[&JOB[..7], &["--out", "plain"]].concat());
    assert_eq!(untraced["digest"], summary["digest"], "what is kept changes no bit of the rest");
    assert!(untraced.get("shape").is_none() && untraced.get("reach").is_none());

    // Nodes are reached as often as simulations reach them.
    let rows = folder.json(&["inspect", "r/nodes.parquet"]);
    let cascades = folder.json(&["inspect", "r/cascades.parquet"]);
    assert!(
        rows.to_string().contains("reach_probability") && cascades.to_string().contains("parent")
    );

    for flags in [
        &["--threads", "1"][..],
        &["--lane-words", "1"],
        &["--lane-words", "8"],
        &["--kernel", "light"],
        &["--kernel", "pull"],
        &["--kernel", "portable"],
    ] {
        let other = folder.json(&[&JOB[..10], flags].concat());
        assert_eq!(other["shape"], summary["shape"], "{flags:?}");
        assert_eq!(other["reach"], summary["reach"], "{flags:?}");
    }
    folder.json(&["rerun", "r"]);
    folder.json(&["verify", "r"]);
    let manifest = folder.path("r/manifest.json");
    assert!(fs::read_to_string(manifest).unwrap().contains("cascades.parquet"));
    let page = fs::read_to_string(folder.path("r/report.html")).unwrap();
    assert!(page.contains("structural virality") && page.contains("reaches most often"));
}

#[test]
fn replay_shows_a_traced_simulation_and_runs_another_again() {
    let folder = Folder::with_graph();
    traced(&folder);
    let kept = folder.json(&["replay", "r", "--simulation", "7", "--out", "kept.parquet"]);
    assert_eq!(kept["was_traced"], true);
    let again = folder.json(&["replay", "r", "--simulation", "77", "--out", "again.dot"]);
    assert_eq!(again["was_traced"], false);
    assert!(again["size"].as_u64().unwrap() >= 2);
    let dot = fs::read_to_string(folder.path("again.dot")).unwrap();
    let arcs = dot.matches(" -> ").count() as u64;
    assert_eq!(arcs, again["size"].as_u64().unwrap() - again["trees"].as_u64().unwrap());

    // What was traced is what a run of that simulation alone gives.
    folder.json(&[&JOB[..7], &["--out", "plain"]].concat());
    let alone = folder.json(&["replay", "plain", "--simulation", "7", "--out", "alone.parquet"]);
    assert_eq!(alone["was_traced"], false);
    let without_origin = |value: &serde_json::Value| {
        let mut value = value.clone();
        let object = value.as_object_mut().unwrap();
        object.remove("was_traced");
        object.remove("out");
        value
    };
    assert_eq!(without_origin(&alone), without_origin(&kept));
    let bytes = |name: &str| fs::read(folder.path(name)).unwrap();
    assert_eq!(bytes("alone.parquet"), bytes("kept.parquet"));

    let small = ["replay", "r", "--simulation", "7", "--out", "tree.svg"];
    if kept["size"].as_u64().unwrap() <= 1000 {
        folder.json(&small);
        let drawn = fs::read_to_string(folder.path("tree.svg")).unwrap();
        assert_eq!(drawn.matches("<circle").count() as u64, kept["size"].as_u64().unwrap());
        folder.json(&["replay", "r", "--simulation", "7", "--out", "tree.png"]);
        assert!(bytes("tree.png").starts_with(b"\x89PNG\r\n\x1a\n"));
    } else {
        folder.refusal(&small, 9);
    }
}

#[test]
fn what_cannot_be_kept_or_shown_is_refused() {
    let folder = Folder::with_graph();
    traced(&folder);
    for (flags, code) in [
        (&["replay", "r", "--simulation", "200"][..], 4),
        (&["replay", "r", "--simulation", "7", "--out", "tree.jpg"], 2),
        (&["replay", "r", "--simulation", "7", "--out", "g.kg"], 2),
    ] {
        folder.refusal(flags, code);
    }
    let job = ["run", "--graph", "g.kg", "--seeds", "top-degree:1", "--simulations", "10"];
    for (flags, word) in [
        (&["--trace-simulations", "10001"][..], "at most 10000"),
        (&["--trace-simulations", "1", "--model", "sir", "--recovery", "0.5"], "this is `sir`"),
        (&["--nodes", "--until", "relative-error=1%"], "fixed before"),
    ] {
        let refused = folder.kaskade(&[&job[..], flags].concat()).assert().code(7);
        let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(message.contains(word), "{message}");
    }
}
