//! `kaskade init`.

use crate::args::tools::{InitArgs, Template};
use crate::console::Console;
use crate::error::CliError;

/// Prints a commented spec.
pub(super) fn init(args: &InitArgs, console: &Console) -> Result<(), CliError> {
    console.data(text(args.template))
}

fn text(template: Template) -> &'static str {
    match template {
        Template::IndependentCascade => include_str!("../../templates/independent-cascade.toml"),
        Template::LinearThreshold => include_str!("../../templates/linear-threshold.toml"),
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
            let spec: Spec = toml::from_str(text(*template)).unwrap();
            let spec = spec.resolve().unwrap();
            let kind = serde_json::to_value(spec.model.kind).unwrap();
            let name = template.to_possible_value().unwrap();
            assert_eq!(kind, name.get_name());
        }
    }
}
