//! What can go wrong between merged statistics and a result directory.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::FileKind;

/// Why a result could not be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// There is no row to estimate from.
    #[error("no simulation was finished, so there is nothing to report: run the job again")]
    NoSimulations,
    /// More rows than the exact sums have room for.
    #[error(
        "a result holds at most {limit} simulations: \
         split the job with `--first-simulation` and `--simulations`"
    )]
    TooManySimulations {
        /// The most simulations of one result.
        limit: u64,
    },
    /// A row that no cascade on the graph can have.
    #[error("simulation {simulation} {problem}: the workers' counts do not belong to one job")]
    InconsistentRow {
        /// The simulation.
        simulation: u64,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// The Parquet encoder refused.
    #[error("could not encode {file}")]
    Encode {
        /// The file.
        file: FileKind,
        /// The encoder's reason.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// The Parquet encoder refused the table of a sweep.
    #[error("could not encode sweep.parquet")]
    EncodeTable {
        /// The encoder's reason.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A Parquet file that the manifest describes, and that is none of a result.
    #[error("could not read {file}: it was changed, or another version of kaskade wrote it")]
    Decode {
        /// The file.
        file: FileKind,
        /// The decoder's reason.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Files of one result that are of different jobs.
    #[error("{file} is of another job than the summary beside it: run the job again")]
    Disagree {
        /// The file that does not fit.
        file: FileKind,
    },
    /// A file that no result of this version has.
    #[error("{name:?} is no file of a result: it may come from a newer kaskade, update this one")]
    UnknownFile {
        /// The name as received.
        name: String,
    },
    /// The same file twice.
    #[error("the result has {file} twice: fetch it again")]
    RepeatedFile {
        /// The file.
        file: FileKind,
    },
    /// No result is where one is to be read.
    #[error("{} {found}", path.display())]
    NoResult {
        /// Where it was looked for.
        path: PathBuf,
        /// What is there.
        found: Instead,
    },
    /// A result without one of the files that its manifest lists, or without a manifest.
    #[error("the result lacks {file}: fetch it again, or run the job again")]
    MissingFile {
        /// The file.
        file: FileKind,
    },
    /// A file that the manifest does not list.
    #[error("the result has {file}, which its manifest does not list: fetch it again")]
    UnlistedFile {
        /// The file.
        file: FileKind,
    },
    /// A file whose bytes are not those that the manifest describes.
    #[error("{file} is not the file that the manifest describes: fetch it again")]
    DamagedFile {
        /// The file.
        file: FileKind,
    },
    /// A manifest that is no manifest, or of another schema.
    #[error("could not read {file}: it was changed, or another version of kaskade wrote it")]
    Unreadable {
        /// The file.
        file: FileKind,
        /// Where reading stopped.
        #[source]
        source: serde_json::Error,
    },
    /// The target is taken.
    #[error("{} is already there: choose another directory, or replace it with --force", path.display())]
    AlreadyThere {
        /// The target.
        path: PathBuf,
    },
    /// The target is something that must not be deleted.
    #[error(
        "{} is not a result directory (see {entry:?}), so --force does not replace it: \
         choose another directory",
        path.display()
    )]
    NotAResult {
        /// The target.
        path: PathBuf,
        /// What it holds that no result does.
        entry: String,
    },
    /// Something else is where a sweep is to be written.
    #[error(
        "{} is not the directory of a sweep (see {entry:?}): choose another one",
        path.display()
    )]
    NotASweep {
        /// The target.
        path: PathBuf,
        /// What it holds that no sweep does.
        entry: String,
    },
    /// The table of a sweep that no sweep writes.
    #[error("could not read {}: run the sweep again, which goes on with its points", path.display())]
    UnreadableSweep {
        /// The table.
        path: PathBuf,
        /// Where reading stopped.
        #[source]
        source: serde_json::Error,
    },
    /// Another process writes the sweep.
    #[error("another process is writing the sweep {}: wait until it ends", path.display())]
    SweepInUse {
        /// The sweep.
        path: PathBuf,
    },
    /// The target's path ends in no name.
    #[error("{} names no directory to create: give a path that ends in a new name", path.display())]
    NoName {
        /// The target.
        path: PathBuf,
    },
    /// A cascade that no eye can follow.
    #[error(
        "the cascade has {nodes} nodes, at most {limit} are drawn: write it as .graphml or .dot \
         for a program that draws graphs, or as .parquet"
    )]
    TooLargeToDraw {
        /// Its nodes.
        nodes: usize,
        /// Nodes of a drawing, at most.
        limit: usize,
    },
    /// The renderer refused a drawing.
    #[error("could not make a picture of the drawing: use its .svg instead")]
    Render {
        /// The renderer's reason.
        #[source]
        source: resvg::usvg::Error,
    },
    /// The file system refused.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl ResultsError {
    /// Whether the result holds other bytes than were written.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(
            self,
            Self::RepeatedFile { .. }
                | Self::MissingFile { .. }
                | Self::UnlistedFile { .. }
                | Self::DamagedFile { .. }
                | Self::Unreadable { .. }
                | Self::UnreadableSweep { .. }
                | Self::Decode { .. }
                | Self::Disagree { .. }
        )
    }

    /// Whether a full disk or quota is the cause.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// For `map_err`: that `action` failed on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// What is where a result was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing.
    Nothing,
    /// The directory of a sweep.
    Sweep,
    /// Another directory.
    Other,
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "does not exist: name the directory of a result",
            Self::Sweep => {
                "is the directory of a sweep: name one of its results, which are in its folder points"
            }
            Self::Other => "is a directory without a result: name one that `run --out` has written",
        })
    }
}

/// What makes a row one that no cascade can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowProblem {
    /// Its number is not above that of the row before it.
    OutOfOrder,
    /// It lists no round, or more than a round number can count.
    Rounds,
    /// More activations than the graph has nodes.
    SpreadExceedsNodes {
        /// Nodes of the graph.
        n_nodes: u32,
    },
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrder => f.write_str("is counted twice or out of order"),
            Self::Rounds => f.write_str("has an impossible number of rounds"),
            Self::SpreadExceedsNodes { n_nodes } => {
                write!(f, "activates more than the graph's {n_nodes} nodes")
            }
        }
    }
}
