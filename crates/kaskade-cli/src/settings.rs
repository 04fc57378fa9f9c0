//! Configuration files, laid under the flags.
//!
//! Precedence: flags, then `KASKADE_*`, then `./kaskade.toml` (or `--config FILE`), then
//! `$XDG_CONFIG_HOME/kaskade/kaskade.toml`, then the built-in default. A key is the name of
//! an environment variable without `KASKADE_`, in lower case: `threads = 4` stands where
//! `KASKADE_THREADS=4` would. Each file becomes the default of the flags that it names, so
//! `--help` shows what holds, and the parser checks every value. A variable that is empty is one
//! that is not set.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap::{Command, CommandFactory};
use toml::de::{DeTable, DeValue};

use crate::args::Cli;
use crate::error::CliError;
use crate::toml_error::TomlError;

/// The command line's grammar with the defaults that configuration files set.
///
/// # Errors
/// [`CliError`] when a file cannot be read, or has an unknown key.
pub(crate) fn command(arguments: &[OsString]) -> Result<Command, CliError> {
    let mut command = Cli::command();
    let known = settable_keys(&command);
    let mut settings = BTreeMap::new();
    // The most important file comes last and overwrites.
    if let Some(path) = user_file() {
        settings.extend(read_if_there(&path, &known)?);
    }
    match given_file(arguments) {
        Some(path) => settings.extend(read(&path, &known)?),
        None => settings.extend(read_if_there(Path::new("kaskade.toml"), &known)?),
    }
    if let Some(color) = given(arguments, "--color", "KASKADE_COLOR")
        && let Ok(color) = color.to_string_lossy().parse()
    {
        command = command.color(color);
    }
    Ok(with_defaults(command, &settings))
}

/// `--config FILE` or `KASKADE_CONFIG`: needed before the command line can be parsed.
fn given_file(arguments: &[OsString]) -> Option<PathBuf> {
    given(arguments, "--config", "KASKADE_CONFIG").map(PathBuf::from)
}

/// The value of a global flag or of its variable, by a look that needs no grammar.
fn given(arguments: &[OsString], flag: &str, variable: &str) -> Option<OsString> {
    let before_positionals = arguments.iter().take_while(|argument| *argument != "--");
    let mut arguments = before_positionals.skip(1);
    while let Some(argument) = arguments.next() {
        if argument == flag {
            return arguments.next().cloned();
        }
        let joined = argument.to_str().and_then(|text| text.strip_prefix(flag)?.strip_prefix('='));
        if let Some(value) = joined {
            return Some(value.into());
        }
    }
    env::var_os(variable).filter(|value| !value.is_empty())
}

fn user_file() -> Option<PathBuf> {
    let folder = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let folder = folder.map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".config")));
    Some(folder?.join("kaskade").join("kaskade.toml"))
}

/// The key of the variable `KASKADE_X`.
fn key_of(variable: &str) -> Option<String> {
    Some(variable.strip_prefix("KASKADE_")?.to_lowercase())
}

/// Every key that a configuration file may have: whatever has a variable, but its own name.
fn settable_keys(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|arg| key_of(arg.get_env()?.to_str()?));
    let below = command.get_subcommands().flat_map(settable_keys);
    let mut keys: Vec<_> = own.chain(below).filter(|key| key != "config").collect();
    keys.sort();
    keys.dedup();
    keys
}

fn with_defaults(command: Command, settings: &BTreeMap<String, String>) -> Command {
    let command = command.mut_args(|arg| {
        let key = arg.get_env().and_then(|variable| key_of(variable.to_str()?));
        let is_empty = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
        let arg = if is_empty { arg.env(None::<&'static str>) } else { arg };
        match key.and_then(|key| settings.get(&key)) {
            Some(value) => arg.default_value(value).required(false),
            None => arg,
        }
    });
    command.mut_subcommands(|subcommand| with_defaults(subcommand, settings))
}

fn read_if_there(path: &Path, known: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    match read(path, known) {
        Err(CliError::ReadFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(BTreeMap::new())
        }
        result => result,
    }
}

fn read(path: &Path, known: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let text = fs::read_to_string(path).map_err(CliError::read_file(path))?;
    let flaw = |message: String, span| TomlError::new(path, &text, message, span);
    let table = DeTable::parse(&text).map_err(|error| TomlError::syntax(path, &text, &error))?;
    let mut settings = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        if !known.iter().any(|known| known == name) {
            let message = format!("unknown setting `{name}`");
            let near = TomlError::nearest(name, known.iter().map(String::as_str));
            return Err(flaw(message, key.span()).with_suggestion(near).into());
        }
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            other => {
                let message = format!("`{name}` is a {}, not a single value", other.type_str());
                return Err(flaw(message, value.span()).into());
            }
        };
        settings.insert(name.to_owned(), text);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_defaults_of_the_flags_they_name() {
        let settings = [("threads", "3"), ("quiet", "true"), ("coordinator", "http://h:1")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let command = with_defaults(Cli::command(), &BTreeMap::from(settings));
        let matches = command.try_get_matches_from(["kaskade", "run", "--graph", "g.kg"]).unwrap();
        assert!(matches.get_flag("quiet"));
        let (_, run) = matches.subcommand().unwrap();
        assert_eq!(run.get_one::<u64>("threads"), Some(&3));
    }

    #[test]
    fn global_flags_are_found_before_parsing() {
        let arguments = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let config = |text| given(&arguments(text), "--config", "KASKADE_NO_SUCH_VARIABLE");
        assert_eq!(config("kaskade run --config a.toml"), Some("a.toml".into()));
        assert_eq!(config("kaskade --config=b.toml list"), Some("b.toml".into()));
        assert_eq!(config("kaskade run -- --config a.toml"), None);
    }

    #[test]
    fn every_variable_is_a_key() {
        let keys = settable_keys(&Cli::command());
        for key in ["threads", "cache", "color", "simulations", "memory"] {
            assert!(keys.iter().any(|known| known == key), "{key} in {keys:?}");
        }
        assert!(!keys.iter().any(|key| key == "config"));
    }
}
