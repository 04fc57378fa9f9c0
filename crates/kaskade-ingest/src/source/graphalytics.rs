//! LDBC Graphalytics and LAW graphs: several files of one stem, and their properties.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::open::{Opened, open_file};
use super::sniff;
use crate::error::{IngestError, Malformed, Place};
use crate::progress::Progress;
use crate::spec::Input;

/// The files of a Graphalytics graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) vertices: PathBuf,
    pub(super) edges: PathBuf,
    pub(super) properties: PathBuf,
}

/// The endings of the files of a Graphalytics graph.
const ENDINGS: [&str; 3] = ["v", "e", "properties"];

/// The stem that `path` shares with the other files of its graph: it without one of
/// `endings`, and without the ending of a compressed file.
pub(super) fn stem(path: &Path, endings: &[&str]) -> PathBuf {
    let (bare, _) = sniff::split_compression(path);
    let ending = bare.extension().and_then(|ending| ending.to_str());
    if ending.is_some_and(|ending| endings.contains(&ending)) {
        bare.with_extension("")
    } else {
        path.to_owned()
    }
}

/// `stem` with an ending after all that it has.
pub(super) fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    PathBuf::from(path)
}

/// The file `stem.ending`, compressed or not, if it is there.
pub(super) fn find_part(stem: &Path, ending: &str) -> Option<PathBuf> {
    let plain = with_ending(stem, ending);
    let compressed = ["gz", "zst"].map(|compression| with_ending(&plain, compression));
    std::iter::once(plain).chain(compressed).find(|path| path.is_file())
}

impl Parts {
    /// The stem of the graph that `path` names a file or the stem of.
    pub(super) fn stem(path: &Path) -> PathBuf {
        stem(path, &ENDINGS)
    }

    /// Finds the files of the graph with this stem.
    ///
    /// # Errors
    /// [`Malformed::MissingPart`].
    pub(super) fn find(stem: &Path) -> Result<Self, IngestError> {
        let part = |ending: &str| {
            find_part(stem, ending).ok_or_else(|| {
                let missing = with_ending(stem, ending);
                let name = missing.file_name().unwrap_or_default().to_string_lossy().into_owned();
                IngestError::Malformed {
                    path: stem.to_owned(),
                    place: Place::Whole,
                    reason: Malformed::MissingPart { name },
                }
            })
        };
        Ok(Self { vertices: part("v")?, edges: part("e")?, properties: part("properties")? })
    }

    /// Whether the graph is directed, as its properties say.
    ///
    /// # Errors
    /// [`IngestError`]: they cannot be read, or do not say.
    pub(super) fn is_directed(&self, progress: &dyn Progress) -> Result<bool, IngestError> {
        let properties = read_properties(&self.properties, progress)?;
        let directed = properties.iter().find(|(key, _)| {
            key.as_str() == "directed" || key.starts_with("graph.") && key.ends_with(".directed")
        });
        match directed.map(|(_, value)| value.as_str()) {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(IngestError::Malformed {
                path: self.properties.clone(),
                place: Place::Whole,
                reason: Malformed::Property {
                    key: "graph.NAME.directed",
                    expected: "true or false",
                },
            }),
        }
    }
}

/// Reads a file of properties, `key = value` a line.
///
/// # Errors
/// [`IngestError::Open`] and [`IngestError::Read`]. Only the first 64 KiB are looked at, more
/// than any such file has.
pub(super) fn read_properties(
    path: &Path,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, String>, IngestError> {
    open_file(path)?;
    let opened = Opened::new(&Input::File(path.to_owned()), progress)?;
    Ok(parse_properties(opened.first()))
}

/// The properties in a text; lines that are none are passed over.
pub(super) fn parse_properties(text: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with(['#', '!']));
    let pairs = lines.filter_map(|line| line.split_once(['=', ':']));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_file_names_the_stem() {
        for path in ["d/a.b", "d/a.b.v", "d/a.b.e.gz", "d/a.b.properties"] {
            assert_eq!(Parts::stem(Path::new(path)), Path::new("d/a.b"), "{path}");
        }
        assert_eq!(with_ending(Path::new("d/a.b"), "v"), Path::new("d/a.b.v"));
    }

    #[test]
    fn properties_are_pairs() {
        let text = b"# Fri\n! x\n graph.a.directed = true \nnodes=7\nno pair\nk:v=w\n\xff = 1";
        let properties = parse_properties(text);
        assert_eq!(properties["graph.a.directed"], "true");
        assert_eq!(properties["nodes"], "7");
        assert_eq!(properties["k"], "v=w");
        assert_eq!(properties.len(), 4);
    }
}
