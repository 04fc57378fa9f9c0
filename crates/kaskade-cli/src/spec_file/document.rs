//! A spec file as it was written: its keys, and where each stands.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kaskade_model::dynamics::Audience;
use kaskade_model::spec::{
    ChannelSpec, GraphSource, LaunchSpec, ModelSpec, PushSpec, RivalSpec, RunSpec, SeedSpec,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

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
    /// What varies, if anything: read by [`super::sweep`].
    pub(super) sweep: Option<IgnoredAny>,
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

    /// The spec of one point of its sweep: `root` is this document's table with `settings` laid over
    /// it, each a dotted key with the place of its value.
    ///
    /// # Errors
    /// [`TomlError`] says where, in the sweep or outside of it.
    pub(super) fn point(
        &self,
        root: Spanned<DeTable<'_>>,
        settings: &[(&str, Range<usize>)],
    ) -> Result<Self, TomlError> {
        let mut keys = self.keys.clone();
        for (key, place) in settings {
            keys.lay_over(key, place);
        }
        let contents = match Contents::deserialize(Deserializer::from(root)) {
            Ok(contents) => contents,
            Err(error) => return Err(explain(&self.path, &self.text, &keys, &error)),
        };
        Ok(Self { path: self.path.clone(), text: self.text.clone(), keys, contents })
    }

    /// What the TOML reader says of a part of this document.
    pub(super) fn syntax(&self, error: &toml::de::Error) -> TomlError {
        explain(&self.path, &self.text, &self.keys, error)
    }

    /// The file's text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A flaw at `place`.
    pub(super) fn flaw_at(&self, place: &Range<usize>, message: String) -> TomlError {
        TomlError::new(&self.path, &self.text, message, place.clone())
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
#[derive(Clone, Debug, Default)]
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

    /// Lets `key`, and the tables around it that the document lacks, stand at `place`.
    fn lay_over(&mut self, key: &str, place: &Range<usize>) {
        let mut around = key;
        while let Some((table, _)) = around.rsplit_once('.') {
            if self.find(table).is_none() {
                self.0.insert(0, (table.to_owned(), place.clone()));
            }
            around = table;
        }
        self.0.insert(0, (key.to_owned(), place.clone()));
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
