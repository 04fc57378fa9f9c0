//! A spec file as it was written: its keys, and where each stands.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kaskade_model::dynamics::Audience;
use kaskade_model::spec::{
    ChannelSpec, GraphSource, LaunchSpec, ModelSpec, PushSpec, RivalSpec, RunSpec, SeedSpec,
};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::CliError;
use crate::toml_error::TomlError;

/// A spec file that has no unknown key and no value of a wrong type.
#[derive(Debug)]
pub(super) struct Document {
    path: PathBuf,
    text: String,
    keys: KeySpans,
    /// What it says.
    pub(super) contents: Contents,
}

/// The keys of a spec file. Seeds may come from a flag instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    pub(super) version: u32,
    #[serde(default)]
    pub(super) graph: GraphSource,
    #[serde(default)]
    pub(super) model: ModelSpec,
    pub(super) seeds: Option<SeedSpec>,
    #[serde(default)]
    pub(super) audience: Audience,
    #[serde(default)]
    pub(super) launch: LaunchSpec,
    #[serde(default)]
    pub(super) push: Vec<PushSpec>,
    #[serde(default)]
    pub(super) channel: Vec<ChannelSpec>,
    #[serde(default)]
    pub(super) rival: Vec<RivalSpec>,
    #[serde(default)]
    pub(super) run: RunSpec,
}

impl Document {
    /// Reads the spec at `path`.
    ///
    /// # Errors
    /// [`CliError::ReadFile`] or [`CliError::Toml`].
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let text = fs::read_to_string(path).map_err(CliError::read_file(path))?;
        Ok(Self::parse(path, text)?)
    }

    /// Reads `text`; `path` is for messages and relative paths.
    ///
    /// # Errors
    /// [`TomlError`] says where.
    pub(super) fn parse(path: &Path, text: String) -> Result<Self, TomlError> {
        let flaw = |error| TomlError::syntax(path, &text, &error);
        let keys = KeySpans::of(&DeTable::parse(&text).map_err(flaw)?);
        let contents = match toml::from_str(&text) {
            Ok(contents) => contents,
            Err(error) => return Err(explain(path, &text, &keys, &error)),
        };
        Ok(Self { path: path.to_owned(), text, keys, contents })
    }

    /// The folder at which the spec's relative paths start.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Whether the file has the dotted `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.find(key).is_some()
    }

    /// A flaw in the value of the dotted `key`, or of the nearest table around it.
    pub(super) fn flaw(&self, key: &str, message: String) -> TomlError {
        let around = std::iter::successors(Some(key), |key| Some(key.rsplit_once('.')?.0));
        let span = around.filter_map(|key| self.keys.find(key)).next();
        TomlError::new(&self.path, &self.text, message, span)
    }
}

/// Better words where the reader's own are about its internals.
fn explain(path: &Path, text: &str, keys: &KeySpans, error: &toml::de::Error) -> TomlError {
    if let Some((seeds, span)) = error.span().and_then(|at| keys.seeds_around(at.start))
        && !error.message().starts_with("unknown")
        && keys.children(seeds) != 1
    {
        let name = if seeds == "seeds" { "[seeds]" } else { seeds };
        let message = format!(
            "{name} must have exactly one of `top_degree`, `random`, `random_each`, `ids` and `file`"
        );
        return TomlError::new(path, text, message, span);
    }
    if error.message() == "missing field `version`" {
        let message = "a spec begins with `version = 1`: add that line".to_owned();
        return TomlError::new(path, text, message, 0..0);
    }
    TomlError::syntax(path, text, error)
}

/// Where each dotted key of a document stands: the span of its value, or of its header. The tables
/// of a list are numbered from 1, as people count: `rival.2.name`.
#[derive(Debug, Default)]
struct KeySpans(Vec<(String, Range<usize>)>);

impl KeySpans {
    fn of(table: &Spanned<DeTable<'_>>) -> Self {
        let mut spans = Self::default();
        spans.add("", table.get_ref());
        spans
    }

    fn add(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let dotted = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => {
                    let from = key.span().start.min(value.span().start);
                    self.0.push((dotted.clone(), from..value.span().end));
                    self.add(&format!("{dotted}."), inner);
                }
                DeValue::Array(items) => {
                    self.0.push((dotted.clone(), value.span()));
                    for (number, item) in (1..).zip(items.iter()) {
                        if let DeValue::Table(inner) = item.get_ref() {
                            self.0.push((format!("{dotted}.{number}"), item.span()));
                            self.add(&format!("{dotted}.{number}."), inner);
                        }
                    }
                }
                _ => self.0.push((dotted, value.span())),
            }
        }
    }

    fn find(&self, key: &str) -> Option<Range<usize>> {
        self.0.iter().find(|(dotted, _)| dotted == key).map(|(_, span)| span.clone())
    }

    /// The table of seeds that `place` lies in, and its span.
    fn seeds_around(&self, place: usize) -> Option<(&str, Range<usize>)> {
        let is_seeds = |dotted: &str| dotted == "seeds" || dotted.ends_with(".seeds");
        let around = self.0.iter().find(|(key, span)| is_seeds(key) && span.contains(&place));
        around.map(|(key, span)| (key.as_str(), span.clone()))
    }

    /// The number of keys directly under `key`.
    fn children(&self, key: &str) -> usize {
        let below = |dotted: &str| {
            dotted
                .strip_prefix(key)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| !rest.contains('.'))
        };
        self.0.iter().filter(|(dotted, _)| below(dotted)).count()
    }
}
