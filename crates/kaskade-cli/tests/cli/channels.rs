//! Graphs of several layers, and jobs on them.

use serde_json::Value;

use super::Folder;

/// 1 mails to 2 and 3, 2 follows nobody, 4 hears from 3 alone over follows; both have 1 → 2.
fn layers() -> Folder {
    let folder = Folder::new();
    folder.write("mail.txt", "1 2\n1 3\n");
    folder.write("follows.txt", "1 2\n3 4\n");
    folder.write("more.txt", "4 5\n");
    let build = ["graph", "build", "--channel", "mail=mail.txt", "--channel"];
    let more = ["follows=follows.txt", "--channel", "follows=more.txt", "--out", "x.kg"];
    let built = folder.json(&[&build[..], &more].concat());
    assert_eq!(built["channels"], serde_json::json!(["mail", "follows"]));
    assert_eq!((&built["arcs"], &built["duplicates"]), (&4.into(), &1.into()));
    folder
}

/// The same arcs as those of the files, in one file that says the channel of each.
const ROWS: &str = "from,to,over,since\n3,4,follows,2021\n1,2,mail,2019\n4,5,follows,2022\n\
                    1,3,mail,2020\n1,2,follows,2023\n";

fn measure<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let measures = summary["measures"].as_array().expect("measures");
    measures.iter().find(|measure| measure["name"] == name).unwrap_or(&Value::Null)
}

fn refused(folder: &Folder, args: &[&str]) -> String {
    let output = folder.kaskade(args).assert().failure().get_output().clone();
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_job_goes_along_its_channels() {
    let folder = layers();
    folder.kaskade(&["graph", "verify", "x.kg"]).assert().success();
    let surveyed = folder.json(&["graph", "info", "x.kg"]);
    let arcs: Vec<&Value> = surveyed["channel_arcs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| &row["arcs"])
        .collect();
    assert_eq!(arcs, [2, 3]);

    let run = |flags: &[&str]| {
        folder.json(&[&["run", "--graph", "x.kg", "--seeds", "ids:1"][..], flags].concat())
    };
    let all = run(&["--channel", "mail:1", "--channel", "follows:1"]);
    assert_eq!(all["spread"]["mean"], 5.0);
    let by_mail = measure(&all, "channel.mail")["mean"].as_f64().expect("a number");
    let by_follows = measure(&all, "channel.follows")["mean"].as_f64().expect("a number");
    assert_eq!(by_mail + by_follows, 4.0, "all but the seed");
    assert!((1.0..=2.0).contains(&by_mail), "3, and 2 as it happens: {by_mail}");
    assert_eq!(run(&["--channel", "mail:1"])["spread"]["mean"], 3.0);
    assert_eq!(run(&["--channel", "follows:1"])["spread"]["mean"], 2.0);
    let both = ["--channel", "mail:1", "--channel", "follows:1", "--activation", "all"];
    assert_eq!(run(&both)["spread"]["mean"], 2.0, "both lead to 2 alone");
    // Whoever chooses among in-arcs chooses over each channel.
    for model in ["linear-threshold", "threshold", "sir"] {
        let kind = match model {
            "sir" => vec!["--model", "sir", "--recovery", "1"],
            "threshold" => vec!["--model", "threshold", "--threshold", "count:1"],
            _ => vec!["--model", model],
        };
        let over = [&kind[..], &["--channel", "mail:1", "--channel", "follows:1"]].concat();
        let all = run(&over);
        assert_eq!(all["spread"]["mean"], 5.0, "{model}");
        let of = |name| measure(&all, name)["mean"].as_f64().expect("a number");
        assert_eq!(of("channel.mail") + of("channel.follows"), 4.0, "{model}");
    }
    assert_eq!(run(&["--probability", "1"])["spread"]["mean"], 5.0, "without channels, one graph");
}

#[test]
fn a_spec_says_more_of_channels() {
    let folder = layers();
    folder.write(
        "job.toml",
        "version = 1\n[graph]\npath = \"x.kg\"\n[seeds]\nids = [1]\n[model]\nprobability = 1\n\
         [[channel]]\nname = \"mail\"\ndelay = 4\n[[channel]]\nname = \"follows\"\n",
    );
    let summary = folder.json(&["run", "job.toml"]);
    let new: Vec<f64> = summary["growth"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["mean_new"].as_f64().expect("a number"))
        .collect();
    assert_eq!(new, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0], "mail is slow");
    let echoed = &summary["spec"]["channel"];
    assert_eq!(echoed[0]["delay"], 4);
}

/// Who carries the message over mail and who does not, a column of the nodes says.
#[test]
fn what_nodes_are_like_decides_a_channel() {
    let folder = layers();
    folder.write("nodes.csv", "id,heard\n1,1\n2,0\n3,0\n4,1\n5,1\n");
    let build = ["graph", "build", "--channel", "mail=mail.txt", "--channel"];
    let more = ["follows=follows.txt", "--nodes", "nodes.csv", "--out", "n.kg"];
    folder.json(&[&build[..], &more].concat());
    let over = |channels: &str| {
        let head = "version = 1\n[graph]\npath = \"n.kg\"\n[seeds]\nids = [1]\n";
        folder.write("job.toml", format!("{head}{channels}"));
        folder.json(&["run", "job.toml"])["spread"]["mean"].clone()
    };
    let by_heard = "probability = { influence = \"heard\" }";
    let mail = format!("[[channel]]\nname = \"mail\"\n{by_heard}\n");
    let follows = "[[channel]]\nname = \"follows\"\nprobability = 1\n";
    assert_eq!(over(&mail), 3.0, "1 is heard by 2 and 3");
    assert_eq!(over(&format!("{mail}{follows}")), 4.0, "and 4 hears 3 over follows");
    let inherited = "[[channel]]\nname = \"mail\"\n[[channel]]\nname = \"follows\"\n";
    assert_eq!(over(&format!("[model]\n{by_heard}\n{inherited}")), 3.0, "nobody hears 3");
    folder.write("column.toml", "version = 1\n[graph]\npath = \"n.kg\"\n[seeds]\nids = [1]\n[[channel]]\nname = \"mail\"\nprobability = \"column\"\n");
    assert!(refused(&folder, &["run", "column.toml"]).contains("have no column"));
}

#[test]
fn what_channels_cannot_do_is_said() {
    let folder = layers();
    let run = ["run", "--graph", "x.kg", "--seeds", "ids:1"];
    let of = |flags: &[&str]| refused(&folder, &[&run[..], flags].concat());
    assert!(of(&["--channel", "sms"]).contains("its channels are: mail, follows"));
    assert!(of(&["--channel", "mail:2"]).contains("--channel is invalid: probability 2 "));
    let sir = ["--model", "sir", "--recovery", "1", "--channel", "mail", "--activation", "all"];
    assert!(of(&sir).contains("an infection comes over any channel"));
    let lt = ["--model", "lt", "--channel", "mail:trivalency"];
    assert!(of(&lt).contains("has no meaning for linear-threshold"));
    assert!(of(&["--activation", "all"]).contains("[[channel]]"));
    assert!(of(&["--channel", "mail", "--channel", "mail"]).contains("each once"));
    let build = |flags: &[&str]| {
        refused(&folder, &[&["graph", "build", "--out", "y.kg"][..], flags].concat())
    };
    assert!(build(&["--channel", "mail.txt"]).contains("write NAME=FILE"));
    assert!(build(&["--channel", "a b=mail.txt"]).contains("no name of a channel"));
    assert!(build(&["--channel", "a=mail.txt", "--column", "2"]).contains("leave out --column"));
    let export = |flags: &[&str]| {
        folder.kaskade(&[&["graph", "export", "x.kg", "--out", "e.txt"][..], flags].concat())
    };
    export(&[]).assert().failure();
    export(&["--channel", "follows"]).assert().success();
    assert_eq!(
        std::fs::read_to_string(folder.path("e.txt")).expect("it is there").lines().count(),
        3
    );
}

/// A column that says the channel of each row is a file for each channel in the order of their
/// names, bit for bit.
#[test]
fn a_column_of_classes_is_a_file_for_each() {
    let folder = layers();
    let build = ["graph", "build", "--channel", "follows=follows.txt", "--channel"];
    let more = ["follows=more.txt", "--channel", "mail=mail.txt", "--out", "files.kg"];
    folder.json(&[&build[..], &more].concat());
    let (header, rows) = ROWS.split_once('\n').expect("a header");
    let backwards: Vec<&str> = rows.lines().rev().collect();
    folder.write("rows.csv", ROWS);
    folder.write("backwards.csv", format!("{header}\n{}\n", backwards.join("\n")));
    folder.write("rows.txt", rows.replace(',', " "));
    for (rows, column) in [("rows.csv", "over"), ("backwards.csv", "over"), ("rows.txt", "2")] {
        let build = ["graph", "build", rows, "--channel-column", column, "--out", "rows.kg"];
        let built = folder.json(&[&build[..], &["--force"]].concat());
        assert_eq!(built["channels"], serde_json::json!(["follows", "mail"]), "{rows}");
        let info = |graph| folder.json(&["graph", "info", graph]);
        assert_eq!(info("rows.kg"), info("files.kg"), "{rows}");
    }
    let run = |graph: &str| {
        let job = ["run", "--graph", graph, "--seeds", "ids:1", "--channel", "mail:0.5"];
        folder.json(&[&job[..], &["--channel", "follows:0.5"]].concat())["measures"].clone()
    };
    assert_eq!(run("rows.kg"), run("files.kg"));
}

#[test]
fn what_a_column_of_classes_cannot_be_is_said() {
    let folder = layers();
    folder.write("rows.csv", ROWS);
    folder.write("empty.csv", "from,to,over\n1,2,mail\n2,3,\n");
    folder.write("words.csv", "from,to,over\n1,2,by mail\n");
    let many: String = (1..=9).map(|class| format!("{class} 10 class-{class}\n")).collect();
    folder.write("many.txt", many);
    let refused = |rows: &str, column: &str, flags: &[&str]| {
        let build = ["graph", "build", rows, "--channel-column", column, "--out", "y.kg"];
        folder.refusal(&[&build[..], flags].concat(), 7)
    };
    let said = |message: &str, parts: &[&str]| {
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    said(&refused("empty.csv", "over", &[]), &["empty.csv:3: the class is empty", "\"2,3,\""]);
    said(&refused("words.csv", "over", &[]), &["words.csv:2: the class is no name of a channel"]);
    let many = refused("many.txt", "2", &[]);
    said(&many, &["many.txt:9: \"class-9\" is one channel more than the 8", "class-1, class-2"]);
    said(&refused("rows.csv", "over", &["--column", "since"]), &["leave out --column"]);
    said(&refused("rows.csv", "how", &[]), &["rows.csv has no column \"how\"", "from,to,over"]);
    said(&refused("rows.csv", "to", &[]), &["holds ids"]);
    let build = ["graph", "build", "--channel", "mail=mail.txt", "--channel-column", "2"];
    let twice = folder.refusal(&[&build[..], &["--out", "y.kg"]].concat(), 7);
    said(&twice, &["by files or by a column: leave out --channel-column"]);
    assert!(!folder.names().contains(&"y.kg".to_owned()));
}

/// With so little memory arcs go through temporary files; the graph is the same.
#[test]
fn a_build_by_classes_that_spills_gives_the_same_graph() {
    let folder = Folder::new();
    let classes = ["sms", "mail", "follows"];
    let rows = (0..1_000_000u64).map(|i| {
        let class = classes[(i / 7 % 3) as usize];
        format!("{} {} {class}\n", i * 7919 % 65_537, i * i % 65_521)
    });
    folder.write("rows.txt", rows.collect::<String>());
    let build = |out: &str, memory: &str| {
        let build = ["graph", "build", "rows.txt", "--channel-column", "2", "--out", out];
        folder.json(&[&build[..], &["--memory", memory]].concat())
    };
    let small = build("small.kg", "24MiB");
    assert_eq!(small, build("large.kg", "4GiB"));
    assert_eq!(small["channels"], serde_json::json!(["follows", "mail", "sms"]));
    folder.kaskade(&["graph", "verify", "small.kg"]).assert().success();
}
