use clap::{CommandFactory, FromArgMatches};
use kaskade_model::spec::{Probability, SeedSpec};

use super::*;
use crate::args::job::typed_flags;
use crate::spec_file::read_sweep;

#[derive(Debug, clap::Parser)]
struct JobFlags {
    #[command(flatten)]
    spec: SpecArgs,
}

fn read(text: &str, flags: &[&str]) -> Result<Sweep, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    std::fs::write(&path, text).unwrap();
    let arguments = ["run", path.to_str().unwrap()];
    let matches = JobFlags::command().try_get_matches_from(arguments.iter().chain(flags)).unwrap();
    let args = JobFlags::from_arg_matches(&matches).unwrap().spec;
    let sweep = read_sweep(&args, &typed_flags(&matches), Runner::Process);
    let prefix = format!("{}/", folder.path().display());
    sweep.map(|sweep| sweep.unwrap()).map_err(|error| error.to_string().replace(&prefix, ""))
}

const SPEC: &str = "version = 1\n[graph]\npath = \"g\"\n[seeds]\ntop_degree = 3\n[sweep]\n";

fn sweep(keys: &str) -> Sweep {
    read(&format!("{SPEC}{keys}"), &[]).unwrap()
}

fn error(keys: &str) -> String {
    read(&format!("{SPEC}{keys}"), &[]).unwrap_err()
}

fn texts(keys: &str) -> Vec<String> {
    sweep(keys).axes[0].values.iter().map(ToString::to_string).collect()
}

#[test]
fn lists_ranges_and_log_ranges() {
    assert_eq!(texts("\"model.probability\" = [0.5, 0.25]"), ["0.5", "0.25"]);
    // As people reckon, not as floating point does.
    let tenths = texts("model.probability = { from = 0.1, to = 0.4, step = 0.1 }");
    assert_eq!(tenths, ["0.1", "0.2", "0.3", "0.4"]);
    assert_eq!(texts("\"seeds.top_degree\" = { from = 5, to = 12, step = 3 }"), ["5", "8", "11"]);
    let decades = "\"model.probability\" = { from = 0.001, to = 1.0, points = 4, log = true }";
    assert_eq!(texts(decades), ["0.001", "0.01", "0.1", "1"]);
    assert!(sweep(decades).axes[0].is_log);
    let halves = texts("\"model.probability\" = { from = 0.0, to = 1, points = 3 }");
    assert_eq!(halves, ["0", "0.5", "1"]);
    // Whole numbers stay whole, and are not repeated.
    let counts = "\"seeds.top_degree\" = { from = 1, to = 10, points = 7, log = true }";
    assert_eq!(texts(counts), ["1", "2", "3", "5", "7", "10"]);
}

#[test]
fn one_of_several_tables_is_meant_by_name_or_number() {
    let tables = "[[channel]]\nname = \"mail\"\nprobability = 0.5\n[[channel]]\nname = \"sms\"\n\
                  [[push]]\nround = 2\nseeds = { random = 1 }\n";
    let varied = |keys: &str| read(&format!("{SPEC}{keys}\n{tables}"), &[]);
    let of = |keys: &str| varied(keys).unwrap().points.into_iter().map(|point| point.job.spec);
    let mail = of("\"channel.mail.probability\" = [0.1, 0.2]").map(|spec| {
        let given = spec.channel.iter().map(|channel| channel.probability.clone());
        given.collect::<Vec<_>>()
    });
    let p = |probability| Some(Probability::Constant(probability));
    assert!(mail.eq([vec![p(0.1), None], vec![p(0.2), None]]));
    let rounds = of("\"push.1.round\" = [1, 3]").map(|spec| spec.push[0].round);
    assert!(rounds.eq([1, 3]));
    let stranger = varied("\"channel.blog.probability\" = [0.1, 0.2]").unwrap_err();
    assert!(stranger.contains("channel has no \"blog\""), "{stranger}");
}

#[test]
fn several_keys_are_a_grid_in_the_order_of_the_file() {
    let sweep =
        sweep("\"seeds.top_degree\" = [2, 9]\n\"model.probability\" = [0.1, 0.2, \"trivalency\"]");
    let keys: Vec<_> = sweep.axes.iter().map(|axis| axis.key.as_str()).collect();
    assert_eq!(keys, ["seeds.top_degree", "model.probability"]);
    assert_eq!(sweep.points.len(), 6);
    let spec = &sweep.points[4].job.spec;
    assert_eq!(spec.seeds, SeedSpec::TopDegree(9));
    assert_eq!(spec.model.probability(), Probability::Constant(0.2));
    assert_eq!(sweep.points[5].job.spec.model.probability(), Probability::Trivalency);
}

#[test]
fn all_points_have_one_coin_family() {
    let sparse = sweep("\"model.probability\" = [0.001, 0.002]");
    assert_eq!((sparse.coins, sparse.is_one_family_forced), (CoinFamily::Block, false));
    let mixed = sweep("\"model.probability\" = [0.001, 0.5]");
    assert_eq!((mixed.coins, mixed.is_one_family_forced), (CoinFamily::Octet, true));
    assert!(mixed.points.iter().all(|point| point.job.spec.run.coins == CoinFamily::Octet));
    let given = read(&format!("{SPEC}\"model.probability\" = [0.001, 0.5]"), &["--coins", "arc"]);
    assert_eq!(given.unwrap().coins, CoinFamily::Arc);
}

#[test]
fn whole_tables_and_keys_that_the_spec_lacks_can_vary() {
    let text = "version = 1\n[graph]\npath = \"g\"\n[sweep]\nseeds = [{ top_degree = 2 }, { random = 2 }]\n\
                \"run.max_rounds\" = [1, 2]\n";
    let sweep = read(text, &[]).unwrap();
    assert_eq!(sweep.points[3].job.spec.seeds, SeedSpec::Random(2));
    assert_eq!(sweep.points[3].values[0].to_string(), "random = 2");
    assert_eq!(sweep.points[2].job.spec.run.max_rounds, Some(1));
}

#[test]
fn flaws_are_located_and_explained() {
    let text = error("\"model.probabilty\" = [0.1]");
    assert!(text.starts_with("s.toml:7:1: unknown field `probabilty`, expected one of"), "{text}");
    assert!(text.ends_with("; did you mean `probability`?"), "{text}");
    let text = error("\"modell.probability\" = [0.1]");
    assert!(text.starts_with("s.toml:7:1: unknown field `modell`"), "{text}");
    assert!(text.ends_with("; did you mean `model`?"), "{text}");
    let text = error("\"model.probability\" = [0.1, 1.5]");
    assert!(
        text.starts_with("s.toml:7:29: model.probability is invalid: probability 1.5"),
        "{text}"
    );
    let text = error("\"seeds.top_degree\" = [1, 0.5]");
    assert!(text.starts_with("s.toml:7:26: "), "{text}");
    let text = error("\"seeds.top_degree\" = [0]");
    assert!(text.starts_with("s.toml:7:23: seeds.top_degree must be at least one node"), "{text}");
    let text = error("\"seeds.random\" = [4]");
    assert!(text.contains("[seeds] must have exactly one of"), "{text}");
    let text = error("\"model.recovery\" = [0.5]");
    assert!(text.starts_with("s.toml:7:21: model.recovery is no key of"), "{text}");
    let text = error("\"model.probability\" = 0.1");
    assert!(text.starts_with("s.toml:7:23: model.probability must be a list"), "{text}");
    let text = error("\"model.probability\" = { form = 0.1, to = 0.3, step = 0.1 }");
    assert!(text.starts_with("s.toml:7:25: unknown field `form`"), "{text}");
    assert!(text.ends_with("; did you mean `from`?"), "{text}");
    let text = error("\"model.probability\" = { from = 0.3, to = 0.1, step = 0.1 }");
    assert!(text.starts_with("s.toml:7:42: model.probability must go `from`"), "{text}");
    let text = error("\"model.probability\" = { from = 0.1, to = 0.3 }");
    assert!(text.contains("must have a `step`, or `points`"), "{text}");
    let text = error("\"model.probability\" = { from = 0.0, to = 1.0, points = 3, log = true }");
    assert!(text.starts_with("s.toml:7:32: model.probability is logarithmic"), "{text}");
    let text = error("\"model.probability\" = [0.1, 0.2, 0.1]");
    assert!(text.starts_with("s.toml:7:34: model.probability has the value 0.1 twice"), "{text}");
    assert!(error("").contains("[sweep] has no key"));
    assert!(error("\"run.seed\" = [1, 2]").contains("all points throw the same coins"));
    assert!(error("\"graph.path\" = [\"a\"]").contains("a sweep is on one graph"));
    let text = error("\"run.simulations\" = { from = 1, to = 20000, step = 1 }");
    assert!(text.contains("too small a step"), "{text}");
    let grid = "\"run.simulations\" = { from = 1, to = 200, step = 1 }\n\
                \"run.max_rounds\" = { from = 1, to = 200, step = 1 }";
    assert!(error(grid).contains("has 200 × 200 points, at most 10000"), "{}", error(grid));
}

#[test]
fn a_flag_does_not_stand_above_what_varies() {
    let flags = ["--probability", "0.2"];
    let text = read(&format!("{SPEC}\"model.probability\" = [0.1]"), &flags).unwrap_err();
    assert!(text.contains("a flag sets model.probability and [sweep] varies"), "{text}");
    let text = read(&format!("{SPEC}\"seeds.top_degree\" = [1]"), &["--seeds", "random:2"]);
    assert!(text.unwrap_err().contains("a flag sets seeds"));
}
