//! How a command can end other than well.

use std::io;
use std::path::{Path, PathBuf};

use kaskade_engine::EngineError;
use kaskade_ingest::IngestError;
use kaskade_model::JobId;
use kaskade_model::diffusion::ModelError;
use kaskade_model::seeds::SeedError;
use kaskade_model::spec::SpecError;
use kaskade_results::ResultsError;
use kaskade_rpc::RpcError;
use kaskade_store::StoreError;

use crate::toml_error::TomlError;

/// How a command can end other than well; [`crate::exit`] has the code of each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line is not one, or asks for help.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
    /// Flags that do not go together, or too few.
    #[error("{0}")]
    Usage(String),
    /// A flaw in a spec or a configuration file.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// A flaw in a spec that was given by flags.
    #[error("{flag} {reason}")]
    Flag {
        /// The flag.
        flag: String,
        /// What is wrong with its value; reads on from the flag.
        reason: String,
    },
    /// A line of a seed file is no id.
    #[error("{path}:{line}: {text:?} is not a node id: a seed file has an id a line")]
    SeedLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A file that was named by a person could not be read.
    #[error("could not read {path}")]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something could not be written.
    #[error("could not write {path}")]
    WriteFile {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More than a request may carry.
    #[error(
        "{path} holds {bytes} bytes, a request carries at most {limit}: run the job with `kaskade run`, or name fewer seeds"
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The most that is sent.
        limit: usize,
    },
    /// There is no folder to keep generated graphs in.
    #[error("there is no folder to keep generated graphs in: name one with --cache DIR")]
    NoCache,
    /// `inspect` was shown something else.
    #[error(
        "{path} is no file that kaskade writes: name a graph or result directory, or a file of one"
    )]
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
    /// A graph directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A build or a generator.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The choice of seeds.
    #[error(transparent)]
    Seeds(#[from] SeedError),
    /// A run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A result.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A coordinator, or the way to it.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The threads could not be started.
    #[error("could not start {n_threads} threads: use fewer with --threads")]
    Threads {
        /// Threads asked for.
        n_threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// The asynchronous runtime could not be started.
    #[error("could not start the network runtime")]
    Runtime(#[source] io::Error),
    /// The job failed; the sentence says why.
    #[error("job {id} failed: {why}")]
    JobFailed {
        /// The job.
        id: JobId,
        /// Why, in a sentence.
        why: String,
    },
    /// The job was cancelled.
    #[error("job {id} was cancelled")]
    JobCancelled {
        /// The job.
        id: JobId,
    },
    /// The person no longer waits, the job runs on.
    #[error(
        "job {id} runs on: come back with `kaskade watch {id}`, stop it with `kaskade cancel {id}`"
    )]
    Detached {
        /// The job.
        id: JobId,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Nobody reads what is printed: nothing is wrong, and there is nothing left to do.
    #[error("nobody reads the output")]
    OutputClosed,
}

impl CliError {
    /// For `map_err`: that the file at `path` could not be read.
    pub(crate) fn read_file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::ReadFile { path, source }
    }

    /// A flaw in what flags asked for; the spec's key is said as the flag that sets it.
    pub(crate) fn of_flag(error: &SpecError) -> Self {
        let key = error.key.split('.').rfind(|key| *key != "kind").unwrap_or(error.key);
        let flag = match error.key {
            key if key.starts_with("seeds") => "--seeds".to_owned(),
            _ => format!("--{}", key.replace('_', "-")),
        };
        Self::Flag { flag, reason: error.reason.clone() }
    }
}

impl From<ModelError> for CliError {
    fn from(error: ModelError) -> Self {
        Self::Engine(error.into())
    }
}
