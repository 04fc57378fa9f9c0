//! Where settings come from.

use std::fs;

use super::Folder;

const RUN: [&str; 4] = ["run", "--graph", "g.kg", "--json"];

#[test]
fn flags_variables_files_and_defaults_in_that_order() {
    let folder = Folder::with_graph();
    let user = folder.path("config/kaskade");
    fs::create_dir_all(&user).unwrap();
    fs::write(user.join("kaskade.toml"), "simulations = 11\nseed = 11\nseeds = \"random:1\"\n")
        .unwrap();
    folder.write("kaskade.toml", "simulations = 12\n");
    folder.write("other.toml", "simulations = 13\n");
    let simulations = |flags: &[&str], variable: Option<&str>| {
        let mut command = folder.kaskade(&RUN);
        command.args(flags).envs(variable.map(|value| ("KASKADE_SIMULATIONS", value)));
        let output = command.assert().success().get_output().clone();
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["spec"]["run"]["seed"], 11, "from the user's file in any case");
        summary["simulations"].as_u64().unwrap()
    };
    assert_eq!(simulations(&[], None), 12);
    assert_eq!(simulations(&["--config", "other.toml"], None), 13);
    assert_eq!(simulations(&[], Some("14")), 14);
    assert_eq!(simulations(&["--simulations", "15"], Some("14")), 15);
    fs::remove_file(folder.path("kaskade.toml")).unwrap();
    assert_eq!(simulations(&[], None), 11);
}

#[test]
fn a_spec_stands_above_what_was_set_in_general() {
    let folder = Folder::with_graph();
    folder.write(
        "s.toml",
        "version = 1\ngraph.path = \"g.kg\"\nseeds.random = 1\nrun.simulations = 9\n",
    );
    let run = |flags: &[&str]| {
        let mut command = folder.kaskade(&["run", "s.toml", "--json"]);
        command.args(flags).env("KASKADE_SIMULATIONS", "7").env("KASKADE_SEED", "3");
        let output = command.assert().success().get_output().clone();
        let spec = &serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["spec"];
        (spec["run"]["simulations"].clone(), spec["run"]["seed"].clone())
    };
    assert_eq!(run(&[]), (9.into(), 3.into()));
    assert_eq!(run(&["--simulations", "8"]), (8.into(), 3.into()));
}

#[test]
fn flaws_of_a_settings_file_are_located() {
    let folder = Folder::new();
    folder.write("kaskade.toml", "quiet = true\nthreds = 3\n");
    let message = folder.refusal(&["init"], 7);
    let expected = "error: kaskade.toml:2:1: unknown setting `threds`; did you mean `threads`?\n";
    assert_eq!(message, expected);
    folder.write("kaskade.toml", "threads = [3]\n");
    let message = folder.refusal(&["init"], 7);
    assert!(message.starts_with("error: kaskade.toml:1:11: `threads` is a"), "{message}");
}

#[test]
fn logs_go_to_stderr_in_the_form_asked_for() {
    let folder = Folder::with_graph();
    let run = ["run", "--graph", "g.kg", "--seeds", "random:1", "-vvv", "--log-format", "json"];
    let output = folder.kaskade(&run).arg("--json").assert().success().get_output().clone();
    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    for line in String::from_utf8(output.stderr).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("{line}"));
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let folder = Folder::with_graph();
    let mut command = folder.kaskade(&RUN);
    command.args(["--seeds", "random:1", "--simulations", "9"]);
    for variable in ["QUIET", "SEED", "CONFIG", "COLOR", "THREADS"] {
        command.env(format!("KASKADE_{variable}"), "");
    }
    let output = command.assert().success().get_output().clone();
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["spec"]["run"]["seed"], 1, "the default");
}
