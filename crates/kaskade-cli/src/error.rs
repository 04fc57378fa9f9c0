//! How a command can end other than well.

use std::io;
use std::path::{Path, PathBuf};

use kaskade_coordinator::CoordinatorError;
use kaskade_engine::EngineError;
use kaskade_ingest::IngestError;
use kaskade_model::JobId;
use kaskade_model::diffusion::ModelError;
use kaskade_model::job::PlanError;
use kaskade_model::spec::{ModelKind, SpecError};
use kaskade_results::ResultsError;
use kaskade_rpc::security::SecurityError;
use kaskade_rpc::{ConvertError, RpcError};
use kaskade_store::StoreError;
use kaskade_worker::WorkerError;
use parquet::errors::ParquetError;

use crate::toml_error::TomlError;

/// How a command can end other than well; [`crate::exit`] has the code of each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line is not one, or asks for help.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
    /// A look-up left its section of a file that was not checked.
    #[error(
        "the graph is damaged where --verify header does not look: \
         run with --verify full, which says where"
    )]
    UncheckedDamage,
    /// Flags that do not go together, or too few.
    #[error("{0}")]
    Usage(String),
    /// Flags that do not make a whole job.
    #[error("{0}")]
    Incomplete(&'static str),
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
    /// A line of a seed file is no text.
    #[error("{path}:{line}: {text:?} is not UTF-8: a seed file has an id a line")]
    SeedLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A file that was named by a person could not be read.
    #[error("could not read {path}, check that it is there and readable")]
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
        "{what} takes {bytes} bytes, a request carries at most {limit}: name fewer seeds, or run \
         the job with `kaskade run`"
    )]
    TooLarge {
        /// What.
        what: String,
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
        "cannot tell what {path} is: name a graph or result directory, a file of one, or a job log"
    )]
    UnknownFile {
        /// The file.
        path: PathBuf,
    },
    /// Something that `doctor` looked at will not work.
    #[error("{n_failed} of the checks failed")]
    Unwell {
        /// So many things.
        n_failed: usize,
    },
    /// A server answers that it does not do its work now.
    #[error("{url} answers that it does not serve now")]
    NotServing {
        /// The server.
        url: String,
    },
    /// A Parquet file that cannot be read.
    #[error("{path} is damaged: fetch the results again, or run the job again")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The reader's word.
        source: ParquetError,
    },
    /// A graph directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A build or a generator.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A spec that does not fit its graph.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A result.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// A coordinator, or the way to it.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A certificate, key or token.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// A certificate could not be made.
    #[error("could not make the certificate")]
    Certificate(#[from] rcgen::Error),
    /// A token that is not in its table.
    #[error("{table} has no token {id}: `kaskade token list {table}` shows those that it has")]
    NoSuchToken {
        /// The table.
        table: PathBuf,
        /// What was asked for.
        id: String,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers for a secret: {0}")]
    NoRandomness(getrandom::Error),
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The coordinator in this process.
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
    /// The threads could not be started.
    #[error("could not start {n_threads} threads: use fewer with --threads")]
    Threads {
        /// Threads asked for.
        n_threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// A result is to be made again on another graph than its own.
    #[error(
        "the result is of the graph with digest {expected}, this one has {found}: name its own with \
         --graph DIR"
    )]
    OtherGraph {
        /// The digest in the result.
        expected: String,
        /// The digest of the graph at hand.
        found: String,
    },
    /// The graph of a result is not where its spec has it.
    #[error(
        "the graph of the result is not at {path}, as seen from this folder: name it with --graph DIR"
    )]
    GraphElsewhere {
        /// Where it was.
        path: PathBuf,
    },
    /// A simulation of an epidemic is to be shown as a tree.
    #[error(
        "the result is of `{kind}`: epidemics have no trees of who passed it to whom, since a node may \
         be infected again"
    )]
    NoTrees {
        /// The model.
        kind: ModelKind,
    },
    /// A result that was made again differs.
    #[error(
        "the result has digest {expected}, made again it has {found}: one of the two was computed \
         wrongly, or by another version of kaskade"
    )]
    OtherResult {
        /// The digest in the result.
        expected: String,
        /// The digest of the simulations made again.
        found: String,
    },
    /// A simulation that is none of a result's.
    #[error(
        "the result has the simulations {first} to {last}, not {simulation}: choose one of them"
    )]
    NoSuchSimulation {
        /// The simulation.
        simulation: u64,
        /// The first of the result.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A simulation without a cascade.
    #[error(
        "no seed started in simulation {simulation}, so that there is no cascade: choose another"
    )]
    NobodyStarted {
        /// The simulation.
        simulation: u64,
    },
    /// Something stands where a file is to be written.
    #[error(
        "{path} is already there: choose another name with --{flag}, or replace it with --force"
    )]
    FileExists {
        /// What is there.
        path: PathBuf,
        /// The flag that names it.
        flag: &'static str,
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
    /// Points of a sweep failed; the others are done.
    #[error(
        "{n_failed} of {n_points} points failed, the others are done; the first: {why}. Give the same \
         command again to hand in those that failed"
    )]
    PointsFailed {
        /// So many.
        n_failed: usize,
        /// Of so many.
        n_points: usize,
        /// Why the first one did.
        why: String,
    },
    /// The person no longer waits, the job runs on.
    #[error("job {id} runs on: come back with `{watch}`, stop it with `{cancel}`")]
    Detached {
        /// The job.
        id: JobId,
        /// The command that follows it again.
        watch: String,
        /// The command that stops it.
        cancel: String,
    },
    /// Nobody reads what is printed: nothing is wrong, and there is nothing left to do.
    #[error("nobody reads the output")]
    OutputClosed,
}

impl CliError {
    /// For `map_err`: that the file at `path` could not be written.
    pub(crate) fn write_file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::WriteFile { path, source }
    }

    /// For `map_err`: that the file at `path` could not be read.
    pub(crate) fn read_file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::ReadFile { path, source }
    }

    /// A flaw in what flags asked for; the spec's key is said as the flag that sets it.
    pub(crate) fn of_flag(error: &SpecError) -> Self {
        if error.key.starts_with("rival") {
            return Self::Incomplete(
                "no flag names rivals: write a spec, and in it a [[rival]] with `name` and `seeds` for \
                 each of them",
            );
        }
        let key = error.key.split('.').rfind(|key| *key != "kind").unwrap_or(&error.key);
        let flag = match &*error.key {
            "launch.probability" => "--launch-probability".to_owned(),
            key if key.starts_with("seeds") => "--seeds".to_owned(),
            key if key.starts_with("channel") => "--channel".to_owned(),
            _ => format!("--{}", key.replace('_', "-")),
        };
        Self::Flag { flag, reason: error.reason.clone() }
    }
}

impl From<tonic::Status> for CliError {
    fn from(status: tonic::Status) -> Self {
        Self::Rpc(status.into())
    }
}

impl From<ConvertError> for CliError {
    fn from(error: ConvertError) -> Self {
        Self::Rpc(error.into())
    }
}

impl From<ModelError> for CliError {
    fn from(error: ModelError) -> Self {
        Self::Engine(error.into())
    }
}
