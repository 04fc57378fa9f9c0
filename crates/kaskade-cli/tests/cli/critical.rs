//! The smallest push that is enough, beside what trying every push finds.

use serde_json::Value;

use super::Folder;

/// A job on the graph of 256 nodes.
const JOB: [&str; 6] = ["--graph", "g.kg", "--probability", "0.03", "--simulations", "400"];

fn search(folder: &Folder, flags: &[&str]) -> Value {
    folder.json(&[&["critical-mass"][..], &JOB[..], flags].concat())
}

/// The means of all pushes, by a sweep over `key`.
fn every(folder: &Folder, key: &str, seeds: &str) -> Vec<(f64, f64)> {
    let spec = format!(
        "version = 1\n[graph]\npath = \"g.kg\"\n[model]\nprobability = 0.03\n[run]\n\
         simulations = 400\n{seeds}[sweep]\n{key}\n"
    );
    folder.write("every.toml", spec);
    let out = format!("every-{}", key.len());
    let table = folder.json(&["run", "every.toml", "--coins", "octet", "--out", &out]);
    let points = table["points"].as_array().expect("as the table has it").iter();
    let pair = |point: &Value| {
        let values = point["values"].as_object().expect("as the table has it");
        let push = values
            .values()
            .next()
            .expect("as the table has it")
            .as_f64()
            .expect("as the table has it");
        (push, point["spread"]["mean"].as_f64().expect("as the table has it"))
    };
    points.map(pair).collect()
}

#[test]
fn the_smallest_number_of_seeds_is_that_of_trying_all() {
    let folder = Folder::with_graph();
    let all = every(&folder, "\"seeds.top_degree\" = { from = 1, to = 40, step = 1 }", "");
    assert!(all.windows(2).all(|two| two[0].1 <= two[1].1), "more seeds reach more: {all:?}");
    for share in [0.08, 0.1, 0.15, 0.2] {
        let expected =
            all.iter().find(|(_, mean)| *mean >= share * 256.0).expect("as the table has it").0;
        let reach = format!("{share}");
        let flags = ["--over", "seeds", "--seeds", "top-degree:1", "--reach", &reach];
        let found = search(&folder, &[&flags[..], &["--coins", "octet"][..]].concat());
        assert_eq!(found["estimate"].as_f64(), Some(expected), "{found}");
        assert_eq!(found["is_exact"], true);
        assert!(found["evaluations"].as_array().expect("as the table has it").len() <= 5 * 8 + 3);
        let [low, high] =
            [0, 1].map(|end| found["interval"][end].as_f64().expect("as the table has it"));
        assert!(low <= expected && expected <= high, "{found}");
        assert_eq!(found["answer"], found["interval"][1]);
    }
}

#[test]
fn the_smallest_probability_is_that_of_trying_all() {
    let folder = Folder::with_graph();
    let key = "\"model.probability\" = { from = 0.01, to = 0.2, step = 0.01 }";
    let all = every(&folder, key, "[seeds]\ntop_degree = 2\n");
    for share in [0.1, 0.3, 0.5] {
        let expected =
            all.iter().find(|(_, mean)| *mean >= share * 256.0).expect("as the table has it").0;
        let reach = format!("{}%", 100.0 * share);
        let flags = ["--over", "probability", "--step", "0.01", "--seeds", "top-degree:2"];
        let found = search(&folder, &[&flags[..], &["--reach", &reach][..]].concat());
        assert_eq!(found["estimate"].as_f64(), Some(expected), "{found}");
        // A narrower confidence is surer of less.
        let wide =
            search(&folder, &[&flags[..], &["--reach", &reach, "--confidence", "99.9%"]].concat());
        let width = |found: &Value| {
            found["interval"][1].as_f64().expect("as the table has it")
                - found["interval"][0].as_f64().expect("as the table has it")
        };
        assert!(width(&wide) >= width(&found) && wide["estimate"] == found["estimate"]);
    }
}

#[test]
fn taking_off_is_one_threshold_for_all_pushes() {
    let folder = Folder::with_graph();
    // Where cascades are of two kinds.
    let job = ["--probability", "0.1", "--simulations", "2000"];
    let flags = ["--over", "seeds", "--seeds", "random-each:1", "--takes-off", "--chance", "60%"];
    let found = search(&folder, &[&flags[..], &job[..]].concat());
    let nodes = found["goal"]["nodes"].as_u64().unwrap();
    assert!(found["estimate"].as_u64().unwrap() < nodes, "{found}");
    // Each share is the share of simulations that reach the threshold.
    let tried = &found["evaluations"][1];
    let seeds = format!("random-each:{}", tried["push"]);
    let run = ["run", "--graph", "g.kg", "--seeds", &seeds, "--out", "one"];
    folder.json(&[&run[..], &job[..]].concat());
    folder.json(&["report", "one", "--out", "r.html", "--csv", "tables"]);
    let table = std::fs::read_to_string(folder.path("tables/simulations.csv"))
        .expect("as the table has it");
    let spreads =
        table.lines().skip(1).filter_map(|row| row.split(',').nth(2)?.parse::<u64>().ok());
    let n_reached = spreads.filter(|&spread| spread >= nodes).count();
    assert_eq!(tried["value"].as_f64(), Some(n_reached as f64 / 2000.0));
}

#[test]
fn a_goal_may_be_of_a_measure() {
    let folder = Folder::with_graph();
    let job = ["--model", "negative-opinion", "--quality", "0.6", "--measure", "positive"];
    let flags = ["--over", "seeds", "--seeds", "top-degree:1", "--reach", "5%"];
    let found = search(&folder, &[&flags[..], &job[..]].concat());
    assert_eq!((&found["measure"], &found["is_exact"]), (&"positive".into(), &false.into()));
    let tried = &found["evaluations"][2];
    let seeds = format!("top-degree:{}", tried["push"]);
    let run = [&["run", "--seeds", &seeds][..], &JOB[..], &job[..4]].concat();
    let summary = folder.json(&run);
    let measures = summary["measures"].as_array().expect("it has measures").iter();
    let positive = measures.clone().find(|of| of["name"] == "positive");
    assert_eq!(tried["value"], positive.expect("the opinion is measured")["mean"]);
    let other = ["critical-mass", "--graph", "g.kg"];
    let wrong = [&other[..], &flags[..], &job[..4], &["--measure", "infectious"][..]].concat();
    let text = folder.refusal(&wrong, 2);
    assert!(text.contains("positive, negative"), "{text}");
}

#[test]
fn what_is_never_enough_and_what_cannot_be_asked_is_said() {
    let folder = Folder::with_graph();
    let flags = ["--over", "seeds", "--seeds", "ids:1,2,3", "--reach", "90%"];
    let found = search(&folder, &flags);
    assert_eq!((&found["estimate"], &found["answer"]), (&Value::Null, &Value::Null));
    let refused = |flags: &[&str], code| {
        folder.refusal(&[&["critical-mass"][..], &JOB[..], flags].concat(), code)
    };
    let no_goal = [&["critical-mass"][..], &JOB[..], &["--over", "seeds", "--seeds", "random:1"]];
    let output = folder.kaskade(&no_goal.concat()).assert().code(2).get_output().clone();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("--reach <SHARE>") && text.contains("--takes-off"), "{text}");
    let until = [&flags[..], &["--until", "relative-error=1%"][..]].concat();
    assert!(refused(&until, 2).contains("leave out --until"));
    folder.write("s.toml", "version = 1\n[sweep]\n\"seeds.random\" = [1]\n");
    let text = refused(&["s.toml", "--over", "seeds", "--reach", "5%"], 7);
    assert!(text.contains("s.toml:2:1: [sweep] makes many jobs of one spec"), "{text}");
}
