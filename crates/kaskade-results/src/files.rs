//! What a result consists of: a fixed set of named files.

use std::fmt;
use std::str::FromStr;

use crate::error::ResultsError;
use crate::manifest::{Manifest, Provenance};
use crate::parquet::{cascades_parquet, nodes_parquet, rounds_parquet, simulations_parquet};
use crate::report::{Reported, report};
use crate::sample::Sample;
use crate::summary::Summary;

/// A file of a result. The set is closed, so that a name from the wire or from a manifest
/// can never be a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `summary.json`: what `--json` prints.
    Summary,
    /// `simulations.parquet`: a row a simulation.
    Simulations,
    /// `rounds.parquet`: a row a round.
    Rounds,
    /// `cascades.parquet`: who passed it to whom, where simulations were traced.
    Cascades,
    /// `nodes.parquet`: how often each node was reached, where nodes were counted.
    Nodes,
    /// `report.html`: what people open.
    Report,
    /// `manifest.json`: where the result came from, and the digests of the other files.
    Manifest,
}

impl FileKind {
    /// Every file, in the order in which they are written: the manifest last.
    pub const ALL: [Self; 7] = [
        Self::Summary,
        Self::Simulations,
        Self::Rounds,
        Self::Cascades,
        Self::Nodes,
        Self::Report,
        Self::Manifest,
    ];

    /// The file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary.json",
            Self::Simulations => "simulations.parquet",
            Self::Rounds => "rounds.parquet",
            Self::Cascades => "cascades.parquet",
            Self::Nodes => "nodes.parquet",
            Self::Report => "report.html",
            Self::Manifest => "manifest.json",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FileKind {
    type Err = ResultsError;

    /// Reads a file's name.
    ///
    /// # Errors
    /// [`ResultsError::UnknownFile`] for any other text.
    fn from_str(name: &str) -> Result<Self, ResultsError> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == name);
        known.ok_or_else(|| ResultsError::UnknownFile { name: name.to_owned() })
    }
}

/// A file of a result with its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFile {
    /// Which file.
    pub kind: FileKind,
    /// Its contents.
    pub bytes: Vec<u8>,
}

/// The files of a result, the manifest last; the same input gives the same bytes.
/// They can be written ([`crate::write_directory`]), stored or sent as they are.
///
/// # Errors
/// [`ResultsError::Encode`] if the Parquet encoder refuses.
pub fn result_files(
    sample: &Sample,
    summary: &Summary,
    provenance: &Provenance,
) -> Result<Vec<ResultFile>, ResultsError> {
    let file = |kind, bytes| ResultFile { kind, bytes };
    let mut files = vec![
        file(FileKind::Summary, summary.to_json().into_bytes()),
        file(FileKind::Simulations, simulations_parquet(sample, &summary.measures)?),
        file(FileKind::Rounds, rounds_parquet(sample, &summary.growth)?),
    ];
    if let Some(cascades) = &sample.cascades {
        files.push(file(FileKind::Cascades, cascades_parquet(cascades)?));
    }
    if let Some(reach) = &sample.reach {
        files.push(file(FileKind::Nodes, nodes_parquet(reach)?));
    }
    let page = report(&[Reported::new(sample, summary)], &[]);
    files.push(file(FileKind::Report, page.into_bytes()));
    let manifest = Manifest::new(summary, provenance, &files);
    files.push(file(FileKind::Manifest, manifest.to_json().into_bytes()));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_are_files() {
        for kind in FileKind::ALL {
            assert_eq!(kind.name().parse::<FileKind>().unwrap(), kind);
        }
        for name in ["", "../summary.json", "/summary.json", "summary.json/", "Summary.json"] {
            assert!(name.parse::<FileKind>().is_err(), "{name:?}");
        }
    }
}
