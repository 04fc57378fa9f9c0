//! What is done with result directories.

use std::path::PathBuf;

use clap::Args;

use super::run::EngineArgs;

/// The flags of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyResultArgs {
    /// A result directory
    #[arg(value_name = "RESULT")]
    pub(crate) result: PathBuf,
}

/// The flags of `rerun`.
#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// A result directory
    #[arg(value_name = "RESULT")]
    pub(crate) result: PathBuf,
    /// The graph directory [default: the one that the result's spec names or generates]
    #[arg(long, value_name = "DIR")]
    pub(crate) graph: Option<PathBuf>,
    /// How this process runs it.
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// The flags of `compare`.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Result directories, the first of which the others are compared with
    #[arg(value_name = "RESULT", num_args = 2.., required = true)]
    pub(crate) results: Vec<PathBuf>,
}

/// The flags of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Result directories, where the others are compared with the first; or the directory of a sweep
    #[arg(value_name = "RESULT", required = true)]
    pub(crate) results: Vec<PathBuf>,
    /// The page to write
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// A directory for each plot as an SVG and a PNG file
    #[arg(long, value_name = "DIR")]
    pub(crate) plots: Option<PathBuf>,
    /// A directory for the tables as CSV files
    #[arg(long, value_name = "DIR")]
    pub(crate) csv: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// The flags of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A result directory
    #[arg(value_name = "RESULT")]
    pub(crate) result: PathBuf,
    /// The global number of the simulation
    #[arg(long, value_name = "K")]
    pub(crate) simulation: u64,
    /// The graph directory, where the simulation was not traced and is run again [default: the one
    /// that the result's spec names or generates]
    #[arg(long, value_name = "DIR")]
    pub(crate) graph: Option<PathBuf>,
    /// The tree as a file: .parquet, .graphml, .dot, or for small ones .svg or .png
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
    /// How this process runs it.
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}
