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
    assert!(
        of(&["--model", "sir", "--recovery", "1", "--channel", "mail"])
            .contains("channels are for")
    );
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
