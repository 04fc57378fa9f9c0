//! `--kernel`: one of several ways to the same bits, for tests.

use std::str::FromStr;

use kaskade_engine::partition::Method;
use kaskade_model::coin::Isa;

/// What `--kernel` forces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KernelChoice {
    /// The way that a batch is computed.
    pub(crate) method: Method,
    /// The instruction set.
    pub(crate) isa: Isa,
}

impl FromStr for KernelChoice {
    type Err = String;

    /// Reads `auto`, a method, an instruction set of this machine, or both with a comma.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut choice = Self { method: Method::Auto, isa: Isa::detect() };
        for word in text.split(',').map(str::trim) {
            match word {
                "auto" => {}
                "forward" => choice.method = Method::Forward,
                "light" => choice.method = Method::Light,
                "pull" => choice.method = Method::Pull,
                "one-by-one" => choice.method = Method::OneByOne,
                "backward" => choice.method = Method::Backward,
                _ => {
                    let isa = Isa::available().into_iter().find(|&isa| name(isa) == word);
                    choice.isa = isa.ok_or_else(|| unknown(word))?;
                }
            }
        }
        Ok(choice)
    }
}

fn name(isa: Isa) -> String {
    format!("{isa:?}").to_lowercase()
}

fn unknown(word: &str) -> String {
    let sets: Vec<String> = Isa::available().into_iter().map(name).collect();
    format!(
        "{word:?} is no kernel of this machine: use auto, forward, light, pull, one-by-one or backward, \
         one of {}, or both with a comma",
        sets.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_in_any_order() {
        let choice = |text: &str| text.parse::<KernelChoice>();
        let portable = KernelChoice { method: Method::Backward, isa: Isa::Portable };
        assert_eq!(choice("backward,portable"), Ok(portable));
        assert_eq!(choice("portable, backward"), Ok(portable));
        assert_eq!(choice("auto").unwrap().isa, Isa::detect());
        assert!(
            choice("sideways").unwrap_err().contains("use auto, forward, light, pull, one-by-one")
        );
    }
}
