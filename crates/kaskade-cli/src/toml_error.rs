//! What is wrong with a TOML file, and where.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

/// A flaw in a TOML file: one line that names file, line and column, or with
/// [`miette`] the place itself.
#[derive(Debug)]
pub(crate) struct TomlError(Box<Flaw>);

#[derive(Debug)]
struct Flaw {
    source: NamedSource<String>,
    /// Where, in bytes of the source; `None` where something is missing from the whole.
    span: Option<Range<usize>>,
    message: String,
    suggestion: Option<String>,
}

impl TomlError {
    /// A flaw at `span` of the file at `path` with contents `text`.
    pub(crate) fn new(
        path: &Path,
        text: &str,
        message: String,
        span: impl Into<Option<Range<usize>>>,
    ) -> Self {
        let source = NamedSource::new(path.to_string_lossy(), text.to_owned());
        Self(Box::new(Flaw { source, span: span.into(), message, suggestion: None }))
    }

    /// What the TOML reader says; an unknown key gets a suggestion.
    pub(crate) fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim().replace('\n', ", ");
        let suggestion = suggestion(&message).map(str::to_owned);
        let mut flaw = Self::new(path, text, message, error.span());
        flaw.0.suggestion = suggestion;
        flaw
    }

    /// The same flaw with what was probably meant.
    pub(crate) fn with_suggestion(mut self, suggestion: Option<&str>) -> Self {
        self.0.suggestion = suggestion.map(str::to_owned);
        self
    }

    /// The candidate that `word` is probably a misspelling of.
    pub(crate) fn nearest<'a>(
        word: &str,
        candidates: impl Iterator<Item = &'a str>,
    ) -> Option<&'a str> {
        /// Below it two words have little in common.
        const LEAST_SIMILARITY: f64 = 0.8;
        candidates
            .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
            .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, candidate)| candidate)
    }

    /// Line and column of the flaw, from 1; columns count characters.
    fn place(&self) -> Option<(usize, usize)> {
        let start = self.0.span.as_ref()?.start;
        let before = self.0.source.inner().get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        Some((line, before[line_start..].chars().count() + 1))
    }
}

/// Serde lists the words that it knows in backticks after the one that it does not.
fn suggestion(message: &str) -> Option<&str> {
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next().filter(|_| is_unknown)?;
    TomlError::nearest(unknown, words)
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.source.name())?;
        if let Some((line, column)) = self.place() {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.0.message)?;
        if let Some(suggestion) = &self.0.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        Ok(())
    }
}

impl std::error::Error for TomlError {}

impl Diagnostic for TomlError {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.0.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let error = toml::from_str::<kaskade_model::spec::RunSpec>(text).unwrap_err();
        TomlError::syntax(Path::new("s.toml"), text, &error).to_string()
    }

    #[test]
    fn unknown_keys_are_located_and_explained() {
        let text = message("seed = 3\n  simulatons = 5\n");
        assert!(text.starts_with("s.toml:2:3: unknown field `simulatons`, expected"), "{text}");
        assert!(text.ends_with("; did you mean `simulations`?"), "{text}");
    }

    #[test]
    fn a_far_word_gets_no_suggestion() {
        assert!(!message("x = 5").contains("did you mean"));
    }

    #[test]
    fn columns_count_characters() {
        let error = TomlError::new(Path::new("s"), "ä = ä\nöö = x", "bad".to_owned(), 8..9);
        assert_eq!(error.place(), Some((2, 1)));
        let error = TomlError::new(Path::new("s"), "ä = ä\nöö = x", "bad".to_owned(), 15..16);
        assert_eq!(error.to_string(), "s:2:6: bad");
    }
}
