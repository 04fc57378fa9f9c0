//! What is done with result directories: verify, rerun, compare, report; and the stop rule.

use std::fs;

use super::Folder;

/// Two jobs on one graph that differ in their seeds, as results `a` and `b`.
fn two_results(folder: &Folder) {
    folder.json(&["generate", "rmat", "--scale", "8", "--out", "g.kg"]);
    for (seeds, out) in [("top-degree:5", "a"), ("top-degree:4", "b")] {
        let job =
            ["run", "--graph", "g.kg", "--simulations", "300", "--seeds", seeds, "--out", out];
        folder.json(&job);
    }
}

#[test]
fn a_sound_result_is_told_from_a_damaged_one() {
    let folder = Folder::new();
    two_results(&folder);
    let verified = folder.json(&["verify", "a"]);
    assert_eq!((&verified["files"], &verified["simulations"]), (&5.into(), &300.into()));
    let path = folder.path("a/report.html");
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen("reaches", "reached", 1)).unwrap();
    let failed = folder.kaskade(&["verify", "a"]).assert().code(8);
    let told = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(told.contains("report.html"), "{told}");
}

#[test]
fn a_result_is_made_again() {
    let folder = Folder::new();
    two_results(&folder);
    let digest = folder.json(&["verify", "a"])["digest"].clone();
    let again = folder.json(&["rerun", "a", "--threads", "2", "--lane-words", "1"]);
    assert_eq!(again["digest"], digest);
    folder.json(&["generate", "rmat", "--scale", "8", "--seed", "2", "--out", "other.kg"]);
    folder.kaskade(&["rerun", "a", "--graph", "other.kg"]).assert().code(7);
}

#[test]
fn common_random_numbers_are_used_and_told() {
    let folder = Folder::new();
    two_results(&folder);
    let compared = folder.json(&["compare", "a", "b"]);
    let comparison = &compared["comparisons"][0];
    assert_eq!((&compared["baseline"], &comparison["method"]), (&"a".into(), &"paired".into()));
    assert!(comparison["difference"].as_f64().unwrap() < 0.0, "fewer seeds reach fewer nodes");
    assert!(comparison["savings"].as_f64().unwrap() > 1.0);
    let other = ["run", "--graph", "g.kg", "--seeds", "top-degree:4", "--seed", "9", "--out", "c"];
    folder.json(&other);
    let comparison = &folder.json(&["compare", "a", "c"])["comparisons"][0];
    assert_eq!(comparison["method"], "independent");
    assert!(comparison["notes"][0].as_str().unwrap().contains("seeds differ"));
}

#[test]
fn measures_are_compared_where_both_results_have_them() {
    let folder = Folder::new();
    folder.json(&["generate", "rmat", "--scale", "8", "--out", "g.kg"]);
    let job = ["run", "--graph", "g.kg", "--seeds", "top-degree:5", "--simulations", "300"];
    for (quality, out) in [("0.9", "good"), ("0.5", "bad")] {
        let opinion = ["--model", "negative-opinion", "--quality", quality, "--out", out];
        folder.json(&[&job[..], &opinion[..]].concat());
    }
    let compared = folder.json(&["compare", "good", "bad"]);
    let measures = compared["comparisons"][0]["measures"].as_array().unwrap();
    let named = |name: &str| measures.iter().find(|of| of["name"] == name).unwrap();
    assert_eq!(named("positive")["is_separated"], true);
    assert!(named("positive")["difference"].as_f64().unwrap() < 0.0);
    for result in ["good", "bad"] {
        let summary = fs::read(folder.path(&format!("{result}/summary.json"))).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        let stored = summary["measures"].as_array().unwrap().iter();
        let positive = stored.clone().find(|of| of["name"] == "positive").unwrap();
        let side = if result == "good" { "baseline_mean" } else { "other_mean" };
        let [mean, found] = [&positive["mean"], &named("positive")[side]];
        assert!((mean.as_f64().unwrap() - found.as_f64().unwrap()).abs() < 1e-9, "{side}");
    }
    let text = folder.kaskade(&["compare", "good", "bad"]).assert().success();
    let text = String::from_utf8_lossy(&text.get_output().stdout).into_owned();
    let line = text.lines().find(|line| line.contains("positive ")).unwrap();
    assert!(line.starts_with("measures ") && line.ends_with("): told apart"), "{line}");
    folder.json(&["report", "good", "bad", "--out", "page.html"]);
    let page = fs::read_to_string(folder.path("page.html")).unwrap();
    assert!(
        page.contains("What else differs between good and bad") && page.contains("<td>positive")
    );
}

#[test]
fn a_graph_is_found_from_where_the_job_was_run() {
    let folder = Folder::new();
    folder.json(&["generate", "rmat", "--scale", "8", "--out", "g.kg"]);
    fs::create_dir(folder.path("sub")).unwrap();
    let spec = "version = 1\n[graph]\npath = \"../g.kg\"\n[seeds]\ntop_degree = 2\n[run]\n\
                simulations = 50\n";
    folder.write("sub/job.toml", spec);
    let run = folder.json(&["run", "sub/job.toml", "--out", "r"]);
    let flag = folder.json(&["run", "sub/job.toml", "--graph", "g.kg"]);
    assert_eq!(run["digest"], flag["digest"], "wherever the graph is seen from");
    assert_eq!(folder.json(&["rerun", "r"])["digest"], run["digest"]);
    folder.json(&["replay", "r", "--simulation", "7"]);
    fs::rename(folder.path("g.kg"), folder.path("h.kg")).unwrap();
    for command in [&["rerun", "r"][..], &["replay", "r", "--simulation", "7"]] {
        let text = folder.refusal(command, 4);
        assert!(text.contains("sub/../g.kg") && text.contains("--graph DIR"), "{text}");
    }
    assert_eq!(folder.json(&["rerun", "r", "--graph", "h.kg"])["digest"], run["digest"]);
}

#[test]
fn what_is_no_result_is_named_and_epidemics_have_no_trees() {
    let folder = Folder::new();
    folder.json(&["generate", "rmat", "--scale", "8", "--out", "g.kg"]);
    let text = folder.refusal(&["verify", "gone"], 4);
    assert!(text.contains("gone does not exist"), "{text}");
    let spec = "version = 1\n[graph]\npath = \"g.kg\"\n[run]\nsimulations = 20\n[sweep]\n\
                \"seeds.random\" = [1, 2]\n";
    folder.write("s.toml", spec);
    folder.json(&["run", "s.toml", "--out", "sweep"]);
    for command in [&["verify", "sweep"][..], &["rerun", "sweep"], &["compare", "sweep", "sweep"]] {
        let text = folder.refusal(command, 7);
        assert!(text.contains("sweep is the directory of a sweep"), "{text}");
    }
    let epidemic = ["--model", "sir", "--recovery", "0.5", "--simulations", "20"];
    let run = ["run", "--graph", "g.kg", "--seeds", "top-degree:2", "--out", "sir"];
    folder.json(&[&run[..], &epidemic[..]].concat());
    let text = folder.refusal(&["replay", "sir", "--simulation", "3"], 7);
    assert!(text.contains("epidemics have no trees"), "{text}");
}

#[test]
fn a_report_is_one_file_and_never_replaces_another_unasked() {
    let folder = Folder::new();
    two_results(&folder);
    let written = folder.json(&["report", "a", "b", "--out", "r/page.html", "--plots", "r/plots"]);
    assert_eq!(written["files"].as_array().unwrap().len(), 1 + 2 * 5);
    let plots = folder.path("r/plots");
    for name in ["growth", "new", "reproduction", "spreads", "differences"] {
        let [svg, png] = ["svg", "png"].map(|ending| plots.join(name).with_extension(ending));
        assert!(fs::read_to_string(svg).unwrap().starts_with("<svg "), "{name}");
        assert!(fs::read(png).unwrap().starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
    }
    let page = fs::read_to_string(folder.path("r/page.html")).unwrap();
    assert!(page.contains("2 results side by side") && !page.contains("<script"));
    folder.kaskade(&["report", "a", "--out", "r/page.html"]).assert().code(6);
    folder.json(&["report", "a", "b", "--out", "r/2.html", "--csv", "r/tables"]);
    let table = fs::read_to_string(folder.path("r/tables/simulations.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 2 * 300);
    let sums = ["a", "b"].map(|result| {
        let rows = table.lines().filter(|row| row.starts_with(&format!("{result},")));
        rows.filter_map(|row| row.split(',').nth(2)?.parse::<u64>().ok()).sum::<u64>()
    });
    for (result, sum) in ["a", "b"].iter().zip(sums) {
        let summary = fs::read(folder.path(&format!("{result}/summary.json"))).unwrap();
        let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
        assert_eq!(summary["spread"]["mean"], sum as f64 / 300.0);
    }
    folder.json(&["report", "a", "--out", "r/page.html", "--force"]);
}

#[test]
fn a_stop_rule_gives_one_result_whatever_the_batches() {
    let folder = Folder::new();
    folder.json(&["generate", "rmat", "--scale", "8", "--out", "g.kg"]);
    let job =
        ["run", "--graph", "g.kg", "--seeds", "random-each:2", "--until", "relative-error=4%"];
    let first = folder.json(&job);
    let n = first["simulations"].as_u64().unwrap();
    assert!(n > 1024 && n < 1_000_000, "{n}");
    assert_eq!(first["stop"]["is_reached"], true);
    assert_eq!(first["spread"]["interval"], "sequential");
    for more in [["--lane-words", "1"], ["--threads", "1"]] {
        let again = folder.json(&[&job[..], &more[..]].concat());
        assert_eq!((&again["digest"], &again["simulations"]), (&first["digest"], &n.into()));
    }
    let capped = folder.json(&[&job[..], &["--simulations", "1100"][..]].concat());
    assert_eq!(
        (&capped["simulations"], &capped["stop"]["is_reached"]),
        (&1100.into(), &false.into())
    );
}
