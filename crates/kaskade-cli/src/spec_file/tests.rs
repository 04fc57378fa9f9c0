use std::path::Path;

use clap::{CommandFactory, FromArgMatches};
use kaskade_model::spec::{ModelKind, OriginalId, Probability};

use super::*;
use crate::args::job::typed_flags;

/// The part of `run` and `submit` that is a job.
#[derive(Debug, clap::Parser)]
struct JobFlags {
    #[command(flatten)]
    spec: SpecArgs,
}

/// What `kaskade run` makes of its arguments.
fn run(arguments: &[&str]) -> Result<Job, CliError> {
    read_flags(arguments, Runner::Process)
}

fn read_flags(arguments: &[&str], runner: Runner) -> Result<Job, CliError> {
    let matches = matches(arguments);
    let flags = JobFlags::from_arg_matches(&matches)?;
    read(&flags.spec, &typed_flags(&matches), runner)
}

fn matches(arguments: &[&str]) -> clap::ArgMatches {
    JobFlags::command().try_get_matches_from(["run"].iter().chain(arguments)).unwrap()
}

/// A folder with the spec `s.toml` in it, and the spec's path.
fn spec(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().to_owned())
}

fn error_of(text: &str) -> String {
    let (folder, path) = spec(text);
    let error = run(&[&path]).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

const SPEC: &str = "version = 1\n[graph]\npath = \"g.kg\"\n[model]\nprobability = 0.5\n\
                    [seeds]\ntop_degree = 3\n[run]\nsimulations = 20\nout = \"r/{job}\"\n";

#[test]
fn a_spec_is_read_and_its_paths_start_at_its_folder() {
    let (folder, path) = spec(SPEC);
    let job = run(&[&path]).unwrap();
    assert_eq!(job.spec.model.probability(), Probability::Constant(0.5));
    assert_eq!((job.spec.run.simulations, job.spec.run.seed), (20, 1));
    assert_eq!(job.out, Some(folder.path().join("r/{job}")));
    assert_eq!(job.spec.graph.path.as_deref().map(Path::new), Some(&*folder.path().join("g.kg")));
    assert!(matches!(job.graph, Graph::Directory(path) if path == folder.path().join("g.kg")));
}

#[test]
fn flags_stand_above_the_spec() {
    let (_folder, path) = spec(SPEC);
    let flags = ["--graph", "h.kg", "--model", "lt", "--probability", "weighted-cascade"];
    let job = run(&[&[path.as_str(), "--seeds", "ids:4,5"][..], &flags[..]].concat()).unwrap();
    assert_eq!(job.spec.model.kind, ModelKind::LinearThreshold);
    assert_eq!(job.spec.seeds, SeedSpec::Ids(vec![4.into(), 5.into()]));
    assert!(matches!(job.graph, Graph::Directory(path) if path == Path::new("h.kg")));
}

#[test]
fn what_was_not_typed_stands_below_the_spec() {
    let (_folder, path) = spec(SPEC);
    let matches = matches(&[&path, "--simulations", "7", "--max-rounds", "9"]);
    let flags = JobFlags::from_arg_matches(&matches).unwrap();
    // As if both numbers came from the environment.
    let job = read(&flags.spec, &BTreeSet::new(), Runner::Process).unwrap();
    assert_eq!((job.spec.run.simulations, job.spec.run.max_rounds), (20, Some(9)));
}

#[test]
fn the_largest_numbers_pass() {
    let largest = u64::MAX.to_string();
    let ids = format!("ids:{largest}");
    let job = run(&["--graph", "g.kg", "--seed", &largest, "--seeds", &ids]).unwrap();
    assert_eq!(job.spec.run.seed, u64::MAX);
    assert_eq!(job.spec.seeds, SeedSpec::Ids(vec![u64::MAX.into()]));
    let (_folder, path) = spec(&SPEC.replace("simulations = 20", "seed = 18446744073709551615"));
    assert_eq!(run(&[&path]).unwrap().spec.run.seed, u64::MAX);
}

#[test]
fn flaws_of_a_spec_are_located() {
    let text = error_of(&SPEC.replace("simulations", "simulatons"));
    assert!(text.starts_with("s.toml:9:1: unknown field `simulatons`"), "{text}");
    assert!(text.ends_with("did you mean `simulations`?"), "{text}");
    let text = error_of(&SPEC.replace("0.5", "1.5"));
    let expected = "s.toml:5:15: model.probability is invalid: probability 1.5 is not in [0, 1]";
    assert_eq!(text, expected);
    let text = error_of(&SPEC.replace("0.5", "nan"));
    assert!(text.starts_with("s.toml:5:15: model.probability is invalid"), "{text}");
    let text = error_of(&SPEC.replace("0.5", "\"weigthed-cascade\""));
    assert!(text.starts_with("s.toml:5:15: \"weigthed-cascade\" is neither a number"), "{text}");
    let text = error_of(&SPEC.replace("simulations = 20", "simulations = \"many\""));
    assert!(text.starts_with("s.toml:9:15: invalid type: string \"many\""), "{text}");
    let text = error_of(&SPEC.replace("top_degree = 3", "top_degree = 3\nrandom = 2"));
    assert!(text.starts_with("s.toml:6:1: [seeds] must have exactly one of"), "{text}");
    let text = error_of(&SPEC.replace("path = \"g.kg\"", "name = \"g\""));
    assert!(text.starts_with("s.toml:3:8: graph.name is a graph of a coordinator"), "{text}");
    let text = error_of(&SPEC.replace("version = 1\n", ""));
    assert_eq!(text, "s.toml:1:1: a spec begins with `version = 1`: add that line");
    let text = error_of(&SPEC.replace("version = 1", "version = 2"));
    assert!(text.starts_with("s.toml:1:11: version is 2"), "{text}");
    let text = error_of("version = 1\n[graph\n");
    assert!(text.starts_with("s.toml:2:7: "), "{text}");
}

const RIVALS: &str = "version = 1\n[graph]\npath = \"g.kg\"\n[model]\nkind = \"competitive\"\n\
                      [seeds]\ntop_degree = 3\n[[rival]]\nname = \"a\"\nseeds = { random = 2 }\n\
                      [[rival]]\nname = \"b\"\nseeds = { random = 2 }\n[[push]]\nround = 1\n\
                      seeds = { random = 1 }\n[[push]]\nround = 2\nseeds = { random = 1 }\n\
                      campaign = \"b\"\n";

#[test]
fn flaws_in_the_second_of_several_tables_point_there() {
    let (_folder, path) = spec(RIVALS);
    assert_eq!(run(&[&path]).unwrap().spec.rival.len(), 2);
    let text = error_of(&RIVALS.replace("name = \"b\"", "name = \"a\""));
    assert!(text.starts_with("s.toml:12:8: rival.2.name is invalid: there may be"), "{text}");
    let text = error_of(&RIVALS.replace("campaign = \"b\"", "campaign = \"c\""));
    assert_eq!(text, "s.toml:20:12: push.2.campaign is \"c\", which is no [[rival]]");
    let second = "name = \"b\"\nseeds = { random = ";
    let text = error_of(&RIVALS.replace(&format!("{second}2"), &format!("{second}0")));
    assert!(text.ends_with(": rival.2.seeds.random must be at least one node"), "{text}");
    assert!(text.starts_with("s.toml:13:"), "{text}");
    let text = error_of(&RIVALS.replace(&format!("{second}2"), &format!("{second}\"x\"")));
    assert!(text.starts_with("s.toml:13:20: invalid type: string \"x\""), "{text}");
    let text =
        error_of(&RIVALS.replace(&format!("{second}2"), &format!("{second}2, top_degree = 1")));
    assert!(text.starts_with("s.toml:13:1: rival.2.seeds must have exactly one of"), "{text}");
    let text = error_of(&RIVALS.replace("[[push]]\nround = 2", "[[push]]\nrounds = 2"));
    assert!(text.starts_with("s.toml:18:1: unknown field `rounds`"), "{text}");
    assert!(text.ends_with("did you mean `round`?"), "{text}");
    let text = error_of(&RIVALS.replace("round = 2", "round = -2"));
    assert!(text.starts_with("s.toml:18:9: "), "{text}");
    let text = error_of(&format!("{RIVALS}[run]\nmax_rounds = 1\n"));
    let expected = "s.toml:18:9: push.2.round is 2, after the last round: use at most 1, or raise \
                    `max_rounds`";
    assert_eq!(text, expected);
}

#[test]
fn flaws_of_models_are_located() {
    let model = |lines: &str| error_of(&SPEC.replace("probability = 0.5", lines));
    let text = model("kind = \"sir\"\nrecovery = 1.5");
    assert!(text.starts_with("s.toml:6:12: model.recovery is invalid: probability 1.5"), "{text}");
    let text = model("recovery = 0.5");
    let expected = "s.toml:5:12: model.recovery is no key of `independent-cascade`: leave it out";
    assert_eq!(text, expected);
    let text = model("kind = \"sir\"");
    assert_eq!(text, "s.toml:4:1: model.recovery is missing, `sir` needs it");
    let text = model("kind = \"sis\"\nrecovery = 0.5");
    assert!(text.starts_with("s.toml:9:1: run.max_rounds is missing: an infection"), "{text}");
    let text = model("meeting = 0.5\ndelay = 2");
    assert!(text.starts_with("s.toml:6:9: model.delay and `meeting` both say"), "{text}");
    let text = model("delay = 0");
    assert!(text.starts_with("s.toml:5:9: model.delay is invalid: a delay must take"), "{text}");
    let text = model("kind = \"threshold\"\nthreshold = { count = 0 }");
    assert!(text.starts_with("s.toml:6:1: model.threshold is invalid: a threshold"), "{text}");
    let text = model("kind = \"threshold\"\nthreshold = \"many\"");
    assert!(text.starts_with("s.toml:6:13: "), "{text}");
    let text = model("kind = \"smittle\"");
    assert!(text.starts_with("s.toml:5:8: unknown variant `smittle`"), "{text}");
}

#[test]
fn flaws_of_probabilities_by_the_nodes_are_located() {
    let model = |line: &str| error_of(&SPEC.replace("probability = 0.5", line));
    let matrix = "[model.probability]\nsegment = \"c\"\ndefault = 0.1\n[model.probability.from.DE]";
    let text = model(&format!("{matrix}\nDE = 0.5\nAT = 1.5"));
    let expected = "s.toml:10:6: model.probability.from.DE.AT is invalid: probability 1.5 is not in \
                    [0, 1]";
    assert_eq!(text, expected);
    let text = model("probability = { segment = \"c\" }");
    assert!(text.starts_with("s.toml:5:15: `default` is missing"), "{text}");
    let text = model("probability = { influence = \"a\", segment = \"c\" }");
    assert!(text.starts_with("s.toml:5:15: a table has either `influence`"), "{text}");
    let text = model("probability = { influense = \"a\" }");
    assert!(text.starts_with("s.toml:5:17: unknown field `influense`"), "{text}");
    assert!(text.ends_with("did you mean `influence`?"), "{text}");
    let text = model("probability = \"0/in-degree\"");
    assert!(text.starts_with("s.toml:5:15: model.probability is invalid: 0 over the"), "{text}");
    let text = model("kind = \"lt\"\nprobability = \"1.5/in-degree\"");
    assert!(text.ends_with("1.5 over the in-degree is not in (0, 1]"), "{text}");
    let text = model("kind = \"lt\"\nprobability = { influence = \"a\" }");
    assert!(
        text.starts_with("s.toml:6:1: model.probability a product of factors has no"),
        "{text}"
    );
    let text = model("forward = { column = \"c\", default = 0.5, values = { gold = 2.0 } }");
    assert!(text.contains(": model.forward.values.gold is invalid: probability 2"), "{text}");
    let matrix = "probability = { segment = \"c\", default = 0.1, from = { DE = { AT = 0.3 } } }";
    let (_folder, path) = spec(&SPEC.replace("probability = 0.5", matrix));
    let resolved = run(&[&path]).unwrap().spec;
    let again: Spec = toml::from_str(&toml::to_string(&resolved).unwrap()).unwrap();
    assert_eq!(again, resolved);
}

#[test]
fn flaws_of_flags_name_the_flag() {
    let text = |flags: &[&str]| run(flags).unwrap_err().to_string();
    let base = ["--graph", "g", "--seeds", "random:1", "--probability"];
    let bad = text(&[&base[..], &["1.5"]].concat());
    assert_eq!(bad, "--probability is invalid: probability 1.5 is not in [0, 1]");
    let bad = text(&[&base[..], &["NaN"]].concat());
    assert_eq!(bad, "--probability is invalid: probability NaN is not in [0, 1]");
    let launch = ["--graph", "g", "--seeds", "random:1", "--launch-probability", "2"];
    let expected = "--launch-probability is invalid: probability 2 is not in [0, 1]";
    assert_eq!(text(&launch), expected);
    assert!(text(&["--graph", "g"]).starts_with("no seeds: choose them with --seeds"));
    assert!(text(&["--seeds", "random:1"]).starts_with("no graph: name a directory"));
    assert_eq!(text(&["--graph", "g", "--seeds", "random:0"]), "--seeds must be at least one node");
}

#[test]
fn seed_files_are_read_with_the_spec() {
    let (folder, path) = spec(&SPEC.replace("top_degree = 3", "file = \"seeds.txt\""));
    let seeds = folder.path().join("seeds.txt");
    std::fs::write(&seeds, "# three\n3\n\n 14 # here\n15\r\nx4\nC#\n\ta, b c \n  # of old\n007")
        .unwrap();
    let job = run(&[&path]).unwrap();
    assert_eq!(
        job.spec.seeds,
        SeedSpec::Ids(
            ["3", "14", "15", "x4", "C#", "a, b c", "007"].map(OriginalId::from).to_vec()
        )
    );
    std::fs::write(&seeds, b"3\nx\xff4\n").unwrap();
    let error = run(&[&path]).unwrap_err().to_string();
    assert!(
        error.ends_with("seeds.txt:2: \"x\u{fffd}4\" is not UTF-8: a seed file has an id a line")
    );
    std::fs::remove_file(&seeds).unwrap();
    assert!(matches!(run(&[&path]), Err(CliError::ReadFile { .. })));
}

#[test]
fn a_cluster_takes_registered_graphs_only() {
    let submit = |arguments: &[&str]| read_flags(arguments, Runner::Cluster);
    let job = submit(&["--graph", "twitter", "--seeds", "random:1"]).unwrap();
    assert!(matches!(job.graph, Graph::Registered));
    assert_eq!(job.spec.graph.name.as_deref(), Some("twitter"));
    let (_folder, path) = spec(SPEC);
    let error = submit(&[&path]).unwrap_err().to_string();
    assert!(error.contains(":3:8: graph.path is a directory of this machine"), "{error}");
}
