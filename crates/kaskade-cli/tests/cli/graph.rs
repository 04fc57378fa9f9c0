//! `kaskade generate` and `kaskade graph`.

use super::Folder;

#[test]
fn a_build_says_what_it_read_and_dropped() {
    let folder = Folder::new();
    folder.write("a.txt", "# id id\n1 2\n1\t2\n2,3\r\n7 7\n");
    folder.write("b.txt", "10 1\nnot a line\n");
    let flags = ["--skip-bad-lines", "1", "--shards", "3", "--orientation", "follows"];
    let build = ["graph", "build", "a.txt", "b.txt", "--out", "x.kg"];
    let built = folder.json(&[&build[..], &flags].concat());
    let expected = serde_json::json!({
        "nodes": 5, "arcs": 3, "max_out_degree": 1, "max_in_degree": 1, "isolated_nodes": 1,
        "duplicates": 1, "self_loops": 1, "skipped_lines": 1, "shards": 3,
        "bytes_per_arc": built["bytes_per_arc"], "digest": built["digest"],
        "orientation": "follows", "order": "in-degree", "columns": [],
    });
    assert_eq!(built, expected);
    assert_eq!(folder.json(&["graph", "info", "x.kg"]), expected);

    let text = folder.kaskade(&["graph", "info", "x.kg"]).assert().success().get_output().clone();
    let text = String::from_utf8(text.stdout).unwrap();
    for part in ["5 (1 isolated)", "1 duplicates, 1 self-loops, 1 unreadable", "follows"] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

#[test]
fn a_column_is_named_or_counted() {
    let folder = Folder::new();
    folder.write("w.txt", "from to weight\n1 2 0.5\n1 2 0.25\n2 3 1\n");
    let build = |column: &str, out: &str| {
        folder.json(&["graph", "build", "w.txt", "--column", column, "--out", out])
    };
    assert_eq!(build("weight", "named.kg")["columns"], serde_json::json!(["weight"]));
    let run = ["run", "--graph", "named.kg", "--probability", "column", "--seeds", "ids:2"];
    assert_eq!(folder.json(&run)["spread"]["mean"], 2.0, "2 reaches 3 for sure");
}

#[test]
fn a_sound_directory_is_verified() {
    let folder = Folder::with_graph();
    let verified = folder.json(&["graph", "verify", "g.kg", "--threads", "1"]);
    let info = folder.json(&["graph", "info", "g.kg"]);
    for key in ["nodes", "arcs", "shards", "digest"] {
        assert_eq!(verified[key], info[key], "{key}");
    }
}

#[test]
fn graphs_are_generated_into_directories_and_files() {
    let folder = Folder::new();
    for family in ["rmat", "erdos-renyi", "barabasi-albert"] {
        let generate = ["generate", family, "--scale", "6", "--edge-factor", "4", "--out"];
        let directory = folder.json(&[&generate[..], &[&format!("{family}.kg")]].concat());
        assert_eq!(directory["nodes"], 64);
        let path = format!("{family}.txt.gz");
        let file = folder.json(&[&generate[..], &[&path]].concat());
        assert_eq!(file["nodes"], 64);
        let built = folder.json(&["graph", "build", &path, "--out", &format!("{family}-2.kg")]);
        assert_eq!(built["arcs"], directory["arcs"], "the same arcs either way");
    }
}

#[test]
fn sizes_of_memory_hold_a_build() {
    let folder = Folder::new();
    let generate = ["generate", "rmat", "--scale", "10", "--out", "x.kg", "--memory"];
    let message = folder.refusal(&[&generate[..], &["1KiB"]].concat(), 9);
    assert!(message.contains("raise --memory"), "{message}");
    folder.kaskade(&[&generate[..], &["50%"]].concat()).assert().success();
}
