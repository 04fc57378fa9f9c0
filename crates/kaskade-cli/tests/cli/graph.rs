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
        "orientation": "follows", "order": "in-degree", "columns": [], "channels": [], "ids": "number",
        "node_columns": [], "unknown_attribute_ids": 0,
    });
    assert_eq!(built, expected);
    assert_eq!(folder.json(&["graph", "info", "x.kg", "--quick"]), expected);
    let surveyed = folder.json(&["graph", "info", "x.kg"]);
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&surveyed[key], value, "{key}");
    }
    // 2 and 3 follow 1 and 2, 1 follows 10, and 7 nobody.
    assert_eq!(surveyed["average_degree"], 0.6);
    assert_eq!(surveyed["reciprocity"], 0.0);
    assert_eq!(surveyed["weakly_connected_components"], 2);
    assert_eq!(surveyed["largest_component"], serde_json::json!({"nodes": 4, "share": 0.8}));
    assert_eq!(surveyed["out_degree"]["quantiles"]["0.5"], 1);
    assert_eq!(surveyed["orientation_check"]["heavier_tail"], "neither");
    let sections = surveyed["bytes_per_arc_by_section"].as_array().unwrap();
    let sum: f64 = sections.iter().map(|row| row["bytes_per_arc"].as_f64().unwrap()).sum();
    assert!((sum - surveyed["bytes_per_arc"].as_f64().unwrap()).abs() < 1e-9);

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
fn columns_of_the_nodes_are_kept_and_told() {
    let folder = Folder::new();
    folder.write("a.txt", "1 2\n2 3\n");
    folder.write("n.csv", "who,zip,bot\n1,0123,yes\n3,99,no\n9,5,no\n");
    folder.write("m.tsv", "who\tteam\n2\tred\n");
    let build = ["graph", "build", "a.txt", "--out", "x.kg", "--nodes"];
    let flags =
        ["n.csv", "--nodes", "m.tsv", "--nodes-key", "who", "--nodes-types", "zip=category"];
    let built = folder.json(&[&build[..], &flags].concat());
    let told: Vec<_> = built["node_columns"].as_array().unwrap().iter().collect();
    let told = |place: usize, key: &str| told[place][key].clone();
    for (place, name, kind, n_missing) in
        [(0, "bot", "bool", 1), (1, "team", "category", 2), (2, "zip", "category", 1)]
    {
        assert_eq!((told(place, "name"), told(place, "type")), (name.into(), kind.into()));
        assert_eq!(told(place, "n_missing"), n_missing);
    }
    assert_eq!(built["unknown_attribute_ids"], 1);
    assert_eq!(folder.json(&["graph", "info", "x.kg", "--quick"]), built);
    folder.kaskade(&["graph", "verify", "x.kg"]).assert().success();
    let file = folder.json(&["inspect", "x.kg/attributes.kga"]);
    assert_eq!((&file["kind"], &file["n_nodes"]), (&"attributes".into(), &3.into()));

    let text = folder.kaskade(&["graph", "info", "x.kg"]).assert().success().get_output().clone();
    let text = String::from_utf8(text.stdout).unwrap();
    for part in ["zip: category of 2, 1 missing", "bot: bool, 1 missing", "1 of the node tables"] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let twice =
        folder.refusal(&[&build[..], &["n.csv", "--nodes", "n.csv", "--force"]].concat(), 7);
    assert!(twice.contains("both have a column"), "{twice}");
    let nowhere = folder.refusal(&[&build[..], &["nowhere.csv", "--force"]].concat(), 4);
    assert!(nowhere.contains("could not open nowhere.csv"), "{nowhere}");
    folder.write("open.csv", "id,zip\n1,\"10\n2,20\n3,30\n");
    let open = folder.refusal(&[&build[..], &["open.csv", "--force"]].concat(), 7);
    assert!(open.contains("open.csv:2: a quoted field has no end"), "{open}");
    let pipe = folder.refusal(&[&build[..], &["/dev/null", "--force"]].concat(), 7);
    assert!(pipe.contains("is no plain file"), "{pipe}");
    let unknown = ["n.csv", "--nodes-types", "zip=text", "--force"];
    folder.kaskade(&[&build[..], &unknown].concat()).assert().code(2);
}

#[test]
fn standard_input_is_an_input_of_any_format() {
    let folder = Folder::new();
    let table = "id,to,from\n7,1,2\n8,2,3\n";
    let packed = zstd_of("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n");
    let build = |flags: &[&str], input: Vec<u8>| {
        let arguments = [&["graph", "build", "-", "--force", "--out", "x.kg", "--json"], flags];
        let output = folder.kaskade(&arguments.concat()).write_stdin(input).assert().success();
        let built: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
        (built["nodes"].clone(), built["arcs"].clone())
    };
    assert_eq!(build(&["--format", "csv"], table.into()), (3.into(), 2.into()));
    let swapped = ["--format", "csv", "--source-column", "id", "--target-column", "2"];
    assert_eq!(build(&swapped, table.into()), (4.into(), 2.into()));
    assert_eq!(build(&[], packed), (3.into(), 4.into()), "told by its first bytes");
}

/// `text` as one zstd frame of a raw block.
fn zstd_of(text: &str) -> Vec<u8> {
    let n_bytes = u32::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend(n_bytes.to_le_bytes());
    // The last block, raw, and its size.
    frame.extend(&(n_bytes << 3 | 1).to_le_bytes()[..3]);
    frame.extend(text.as_bytes());
    frame
}

#[test]
fn names_are_ids_from_the_input_to_the_results() {
    let folder = Folder::new();
    folder.write("names.txt", "ann bob\nbob cy\ndan ann\nbob @\u{f6}mer\n");
    let built = folder.json(&["graph", "build", "names.txt", "--out", "x.kg"]);
    assert_eq!((&built["nodes"], &built["ids"]), (&5.into(), &"string".into()));
    let run = ["run", "--graph", "x.kg", "--probability", "1", "--seeds"];
    let spread =
        |seeds: &str| folder.json(&[&run[..], &[seeds]].concat())["spread"]["mean"].clone();
    assert_eq!((spread("ids:ann"), spread("ids:cy,@\u{f6}mer")), (4.0.into(), 2.0.into()));
    let message = folder.refusal(&[&run[..], &["ids:zoe"]].concat(), 7);
    assert!(message.contains("zoe"), "{message}");
    for file in ["y.txt", "y.csv", "y.parquet"] {
        folder.kaskade(&["graph", "export", "x.kg", "--out", file]).assert().success();
        let again = folder.json(&["graph", "build", file, "--out", "y.kg", "--force"]);
        assert_eq!(again["digest"], built["digest"], "{file}");
    }
    let sample = ["graph", "sample", "x.kg", "--out", "s.kg", "--nodes", "5", "--method", "node"];
    assert_eq!(folder.json(&sample)["digest"], built["digest"], "all of it");
    folder.write("odd.csv", "source,target\n\"a b\",\"c,d\"\n");
    folder.kaskade(&["graph", "build", "odd.csv", "--out", "odd.kg"]).assert().success();
    let plain = folder.refusal(&["graph", "export", "odd.kg", "--out", "odd.txt"], 7);
    assert!(plain.contains("cannot hold the name"), "{plain}");
    folder.kaskade(&["graph", "export", "odd.kg", "--out", "odd2.csv"]).assert().success();
    let again = folder.json(&["graph", "build", "odd2.csv", "--out", "odd2.kg"]);
    assert_eq!(again["digest"], folder.json(&["graph", "info", "odd.kg", "--quick"])["digest"]);
}

#[test]
fn what_cannot_be_built_says_why() {
    let folder = Folder::new();
    folder.write("names.txt", "ann bob\nbob cy\n");
    folder.write("a.mtx", "%%MatrixMarket matrix coordinate pattern general\n3 3 9\n1 2\n");
    folder.write("a.parquet", "PAR1");
    let build =
        |input: &str, code| folder.refusal(&["graph", "build", input, "--out", "x.kg"], code);
    assert!(build("a.mtx", 8).contains("a.mtx: the header says 9 entries, and there are 1"));
    assert!(build("a.parquet", 8).contains("a.parquet: the file is no sound parquet"));
    let flags = ["graph", "build", "names.txt", "--out", "x.kg", "--ids", "number"];
    assert!(folder.refusal(&flags, 7).contains("names.txt:2: an id is a whole number"));
    folder.write("typo.txt", "l 2\n2 3\n");
    assert!(build("typo.txt", 7).contains("typo.txt:1: an id is a whole number"));
    folder.write("broken.txt.zst", "1 2\n");
    assert!(build("broken.txt.zst", 8).contains("could not read broken.txt.zst"));
    let mut maybe = folder.kaskade(&["graph", "build", "typo.txt", "--out", "x.kg"]);
    maybe.env("KASKADE_UNDIRECTED", "maybe").assert().code(2);
    folder.write("bom.txt", "\u{feff}1\r\n2\r\n");
    folder.write("g.txt", "1 2\n2 3\n");
    folder.json(&["graph", "build", "g.txt", "--out", "g.kg"]);
    let seeds = ["run", "--graph", "g.kg", "--probability", "0", "--seeds", "file:bom.txt"];
    assert_eq!(folder.json(&seeds)["spread"]["mean"], 2.0);
    let escaped = folder.refusal(&["run", "--graph", "g.kg", "--seeds", "ids:\u{1b}[31m"], 7);
    assert!(!escaped.contains('\u{1b}'), "{escaped}");
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

#[test]
fn a_reversed_graph_is_noticed() {
    let folder = Folder::new();
    // Everybody follows 0, written "who follows whom".
    let text: String = (1..200).map(|node| format!("{node} 0\n")).collect();
    folder.write("follows.txt", text);
    let check = |orientation: &str| {
        let build = ["graph", "build", "follows.txt", "--force", "--out", "x.kg"];
        folder.json(&[&build[..], &["--orientation", orientation]].concat());
        folder.json(&["graph", "info", "x.kg"])["orientation_check"].clone()
    };
    let wrong = check("influence");
    assert_eq!(wrong["heavier_tail"], "in");
    assert!(wrong["note"].as_str().unwrap().contains("--orientation follows"), "{wrong}");
    assert_eq!(check("follows")["heavier_tail"], "out");
}

#[test]
fn a_plan_says_what_fits_before_anything_is_allocated() {
    let folder = Folder::with_graph();
    let plan = |memory: &str| {
        folder.json(&["graph", "plan", "g.kg", "--workers", "4", "--memory", memory])
    };
    let ample = plan("1GiB");
    let placements = ample["placements"].as_array().unwrap();
    let names: Vec<&str> =
        placements.iter().map(|row| row["placement"].as_str().unwrap()).collect();
    assert_eq!(names, ["replicate", "hybrid:2x2", "partition"]);
    assert!(placements.iter().all(|row| row["fits"] == true));
    assert_eq!(ample["auto"]["placement"], "replicate");
    let bytes = |row: &serde_json::Value, key: &str| row[key].as_u64().unwrap();
    for row in placements {
        let parts =
            ["shard_bytes", "state_bytes", "frontier_bytes", "list_bytes", "exchange_bytes"];
        let sum: u64 = parts.iter().map(|key| bytes(row, key)).sum();
        assert_eq!(sum, bytes(row, "total_bytes"));
    }
    let shards: u64 = (0..4)
        .map(|shard| {
            let path = folder.path(&format!("g.kg/shards/0000{shard}.kgs"));
            std::fs::metadata(path).unwrap().len()
        })
        .sum();
    assert_eq!(bytes(&placements[0], "shard_bytes"), shards);
    // Whoever is alone may lay the lists side by side: 4 bytes a node, and one more, and an arc.
    let graph = folder.json(&["graph", "info", "g.kg", "--quick"]);
    let numbers = graph["nodes"].as_u64().unwrap() + 1 + graph["arcs"].as_u64().unwrap();
    assert_eq!(bytes(&placements[0], "list_bytes"), 4 * numbers);
    // One byte less than the whole graph takes.
    let short = plan(&(bytes(&placements[0], "total_bytes") - 1).to_string());
    assert_eq!(short["placements"][0]["fits"], false);
    assert_eq!(short["auto"]["placement"], "hybrid:2x2");
    let mut text = folder.kaskade(&["graph", "plan", "g.kg", "--workers", "9", "--memory", "1KiB"]);
    let text = text.assert().success().get_output().clone();
    let text = String::from_utf8(text.stdout).unwrap();
    for part in ["hybrid:3x3", "does not fit, 5 workers get no shard", "A cluster refuses the job"]
    {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    for bad in [["--workers", "0"], ["--lane-words", "9"], ["--batches", "0"]] {
        let plan = ["graph", "plan", "g.kg", "--workers", "4", "--memory", "1GiB"];
        folder.kaskade(&[&plan[..], &bad].concat()).assert().code(2);
    }
}

#[test]
fn what_is_exported_builds_the_same_graph() {
    let folder = Folder::with_graph();
    let digest = folder.json(&["graph", "info", "g.kg", "--quick"])["digest"].clone();
    for file in ["e.txt", "e.csv.gz", "e.tsv.zst"] {
        let export = ["graph", "export", "g.kg", "--isolated-as-self-loops", "--out", file];
        let exported = folder.json(&export);
        assert_eq!(exported["omitted_nodes"], 0);
        assert!(folder.refusal(&export, 6).contains("--force"));
        let again = folder.json(&["graph", "build", file, "--force", "--out", "again.kg"]);
        assert_eq!(again["digest"], digest, "{file}");
    }
    let export = ["graph", "export", "g.kg", "--out", "e.parquet"];
    let output = folder.kaskade(&export).assert().success().get_output().clone();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("--isolated-as-self-loops writes them"), "{notes}");
    let rows = folder.json(&["inspect", "e.parquet"]);
    assert_eq!(rows["rows"], folder.json(&["graph", "info", "g.kg", "--quick"])["arcs"]);
    let message = folder.refusal(&["graph", "export", "g.kg", "--out", "e.xlsx"], 7);
    assert!(message.contains(".parquet"), "{message}");
}

#[test]
fn samples_are_graphs_of_their_own() {
    let folder = Folder::with_graph();
    let sample = ["graph", "sample", "g.kg", "--out", "s.kg", "--force"];
    let with = |flags: &[&str]| folder.json(&[&sample[..], flags].concat());
    let fire = with(&["--nodes", "64"]);
    assert_eq!(fire["nodes"], 64);
    assert_eq!(with(&["--share", "0.25", "--threads", "1"])["digest"], fire["digest"]);
    assert_ne!(with(&["--share", "0.25", "--seed", "2"])["digest"], fire["digest"]);
    let node = with(&["--share", "0.25", "--method", "node"]);
    assert_eq!(node["nodes"], 64);
    assert!(node["arcs"].as_u64() < fire["arcs"].as_u64(), "a fire keeps more arcs");
    folder.json(&["graph", "verify", "s.kg"]);
    folder.json(&["run", "--graph", "s.kg", "--seeds", "random:3", "--simulations", "10"]);
    let message = folder.refusal(&[&sample[..], &["--nodes", "257"]].concat(), 7);
    assert!(message.contains("ask for 1 to 256"), "{message}");
    let message = folder.refusal(&[&sample[..], &["--nodes", "9", "--forward", "1"]].concat(), 7);
    assert!(message.contains("forward burning probability"), "{message}");
    folder.kaskade(&sample).assert().code(2);
}
