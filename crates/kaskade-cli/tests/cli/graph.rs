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
        "orientation": "follows", "order": "in-degree", "columns": [], "ids": "number",
        "node_columns": [], "unknown_attribute_ids": 0,
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
<<<<<<< HEAD
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
    assert_eq!(folder.json(&["graph", "info", "x.kg"]), built);
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
    folder.refusal(&[&build[..], &["n.csv", "--nodes-types", "zip=text", "--force"]].concat(), 2);
=======
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
    let n_bytes = u32::try_from(text.len()).unwrap();
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend(n_bytes.to_le_bytes());
    // The last block, raw, and its size.
    frame.extend(&(n_bytes << 3 | 1).to_le_bytes()[..3]);
    frame.extend(text.as_bytes());
    frame
}

#[test]
fn what_cannot_be_built_says_why() {
    let folder = Folder::new();
    folder.write("names.txt", "ann bob\nbob cy\n");
    folder.write("a.mtx", "%%MatrixMarket matrix coordinate pattern general\n3 3 9\n1 2\n");
    folder.write("a.parquet", "PAR1");
    let build =
        |input: &str, code| folder.refusal(&["graph", "build", input, "--out", "x.kg"], code);
    assert!(build("names.txt", 7).contains("the ids of the inputs are strings"));
    assert!(build("a.mtx", 8).contains("a.mtx: the header says 9 entries, and there are 1"));
    assert!(build("a.parquet", 8).contains("a.parquet: the file is no sound parquet"));
    let flags = ["graph", "build", "names.txt", "--out", "x.kg", "--ids", "number"];
    assert!(folder.refusal(&flags, 7).contains("names.txt:2: an id is a whole number"));
>>>>>>> helper-a
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
