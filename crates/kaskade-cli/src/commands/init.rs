//! `kaskade init`.

use kaskade_model::spec;

use crate::args::tools::{InitArgs, Template};
use crate::console::Console;
use crate::error::CliError;

/// Prints a commented spec, or the schema of all.
pub(super) fn init(args: &InitArgs, console: &Console) -> Result<(), CliError> {
    if args.schema {
        // With `#`, `Display` of JSON is indented.
        return console.data(&format!("{:#}\n", spec::json_schema().to_value()));
    }
    console.data(&text(args.template))
}

fn text(template: Template) -> String {
    let head = include_str!("../../templates/head.toml");
    let tail = include_str!("../../templates/tail.toml");
    [&[head][..], parts(template), &[tail][..]].concat().concat()
}

/// `[model]` of a template: what is its own, then what it shares with others.
fn parts(template: Template) -> &'static [&'static str] {
    /// The probability of an arc.
    const PROBABILITY: &str = include_str!("../../templates/probability.toml");
    /// How a message may be delayed, forwarded and endorsed.
    const MESSAGE: &str = include_str!("../../templates/message.toml");
    /// How an infection is passed on, and ends.
    const EPIDEMIC: &str = include_str!("../../templates/epidemic.toml");
    /// The last round of an infection that ends by itself,
    const LASTING: &str = include_str!("../../templates/lasting.toml");
    /// and of one that may not.
    const ENDLESS: &str = include_str!("../../templates/endless.toml");
    macro_rules! own {
        ($name:literal) => {
            include_str!(concat!("../../templates/", $name, ".toml"))
        };
    }
    match template {
        Template::IndependentCascade => &[own!("independent-cascade"), PROBABILITY, MESSAGE],
        Template::LinearThreshold => &[own!("linear-threshold"), MESSAGE],
        Template::Threshold => &[own!("threshold"), MESSAGE],
        Template::Sir => &[own!("sir"), EPIDEMIC, LASTING],
        Template::Seir => &[own!("seir"), EPIDEMIC, LASTING],
        Template::Sis => &[own!("sis"), EPIDEMIC, ENDLESS],
        Template::Sirs => &[own!("sirs"), EPIDEMIC, ENDLESS],
        Template::NegativeOpinion => &[own!("negative-opinion"), PROBABILITY, MESSAGE],
        Template::Competitive => &[own!("competitive"), PROBABILITY, MESSAGE],
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use kaskade_model::spec::Spec;

    use super::*;

    #[test]
    fn templates_are_valid_specs_of_their_models() {
        for template in Template::value_variants() {
            let spec: Spec = toml::from_str(&text(*template)).unwrap();
            let spec = spec.resolve().unwrap();
            let name = template.to_possible_value().unwrap();
            assert_eq!(spec.model.kind.to_string(), name.get_name());
        }
    }

    /// The audience that templates offer, as a whole: its keys go together.
    #[test]
    fn the_audience_that_templates_offer_is_valid() {
        let text = text(Template::IndependentCascade);
        let (before, offered) = text.split_once("# [audience]\n").unwrap();
        let (offered, after) = offered.split_once("\n\n").unwrap();
        let keys: String = offered.lines().map(|line| format!("{}\n", &line[2..])).collect();
        let spec = format!("{before}[audience]\n{keys}\n{after}");
        let audience = toml::from_str::<Spec>(&spec).unwrap().resolve().unwrap().audience;
        assert_eq!(audience.weight.as_deref(), Some("value"));
        assert!(audience.reach.is_some() && audience.fakes.is_some());
    }

    /// So are the channels and the pushes.
    #[test]
    fn the_tables_that_templates_offer_are_valid() {
        for template in Template::value_variants() {
            let text = text(*template);
            let blocks = text.split("\n\n").map(|block| match block.find("# [[") {
                Some(begin) => block[begin..].replace("# ", "").replace('#', ""),
                None => block.to_owned(),
            });
            let spec: Vec<String> = blocks.collect();
            let spec: Spec = toml::from_str(&spec.join("\n\n")).unwrap();
            let spec = spec.resolve().unwrap_or_else(|error| panic!("{template:?}: {error}"));
            assert_eq!((spec.channel.len(), spec.push.len()), (2, 1));
            assert!(spec.push[0].among.is_some());
        }
    }

    /// What a template offers behind `#` is right, too: each such key alone, where the spec is whole.
    #[test]
    fn what_templates_offer_is_valid() {
        for template in Template::value_variants() {
            let text = text(*template);
            let offered = text.lines().filter_map(|line| {
                let (key, _) = line.strip_prefix("# ")?.split_once(" = ")?;
                let of_model =
                    ["delay", "meeting", "deadline", "forward", "endorse", "probability"];
                // A launch has a number.
                let is_of_launch = key == "probability" && !line.contains('{');
                (of_model.contains(&key) && !is_of_launch).then_some(line)
            });
            let offered: Vec<&str> = offered.collect();
            assert!(!offered.is_empty() || text.contains("\ndeadline"), "{template:?}");
            for line in offered {
                let mut spec = text.replace(line, line.trim_start_matches("# "));
                if line.contains("probability") {
                    spec = spec.replace("\nprobability = \"weighted-cascade\"", "");
                }
                let spec: Spec = toml::from_str(&spec).unwrap();
                spec.resolve().unwrap_or_else(|error| panic!("{template:?}, {line}: {error}"));
            }
        }
    }
}
