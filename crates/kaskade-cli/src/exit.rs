//! From how a command ended to what is said and the exit code: one table.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use kaskade_coordinator::CoordinatorError;
use kaskade_coordinator::job_log::LogError;
use kaskade_engine::EngineError;
use kaskade_ingest::{IngestError, Malformed, NodeTableError};
use kaskade_model::tally::TallyError;
use kaskade_results::ResultsError;
use kaskade_results::error::Instead;
use kaskade_rpc::ErrorCode;
use kaskade_rpc::security::SecurityError;
use kaskade_store::{StoreError, StoreErrorKind};
use kaskade_worker::WorkerError;

use crate::console;
use crate::error::CliError;

/// Says what went wrong, once, and gives the code for the shell.
pub(crate) fn report(outcome: Result<(), CliError>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    match &error {
        CliError::Arguments(error) => console::print_usage(error),
        CliError::OutputClosed => {}
        CliError::Toml(flaw) => console::print_flaw(flaw),
        error => console::print_error(&chain(error)),
    }
    ExitCode::from(code(&error))
}

/// The error and its causes on one line.
fn chain(error: &CliError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    console::printable(&text.replace('\n', " "))
}

const OK: u8 = 0;
const JOB_FAILED: u8 = 1;
const USAGE: u8 = 2;
const CANCELLED: u8 = 3;
const NOT_FOUND: u8 = 4;
const UNREACHABLE: u8 = 5;
const NOT_ALLOWED: u8 = 6;
const INVALID: u8 = 7;
const CORRUPT: u8 = 8;
const LIMIT: u8 = 9;
const INTERRUPTED: u8 = 130;

/// The exit code (INTERFACE.md).
fn code(error: &CliError) -> u8 {
    use CliError as E;
    match error {
        E::Arguments(error) if !error.use_stderr() => OK,
        E::OutputClosed => OK,
        E::Arguments(_) | E::Usage(_) | E::NoCache => USAGE,
        E::Incomplete(_)
        | E::Toml(_)
        | E::Flag { .. }
        | E::SeedLine { .. }
        | E::UnknownFile { .. } => INVALID,
        // A text that is none: the file is not damaged, it is the wrong one.
        E::ReadFile { source, .. } if source.kind() == io::ErrorKind::InvalidData => INVALID,
        E::ReadFile { source, .. } | E::WriteFile { source, .. } => of_io(source),
        E::TooLarge { .. } | E::Threads { .. } => LIMIT,
        E::OtherGraph { .. } | E::NoTrees { .. } => INVALID,
        E::FileExists { .. } => NOT_ALLOWED,
        E::Parquet { .. } | E::UncheckedDamage | E::OtherResult { .. } => CORRUPT,
        E::Store(error) => of_store(error),
        E::Ingest(error) => of_ingest(error),
        E::Plan(_) => INVALID,
        E::Engine(EngineError::Model(_)) => INVALID,
        E::Engine(EngineError::Interrupted) => INTERRUPTED,
        E::Engine(EngineError::Tally(TallyError::TraceTooLarge)) => LIMIT,
        E::Engine(_) | E::JobFailed { .. } | E::PointsFailed { .. } | E::Unwell { .. } => {
            JOB_FAILED
        }
        E::Results(error) => of_results(error),
        E::Rpc(error) => of_rpc(error.code),
        E::Security(SecurityError::Read { source, .. }) => of_io(source),
        E::Security(SecurityError::ReadableByOthers { .. }) => NOT_ALLOWED,
        E::Security(_) => INVALID,
        E::Certificate(_) => INVALID,
        E::NoSuchToken { .. }
        | E::NoSuchSimulation { .. }
        | E::NobodyStarted { .. }
        | E::GraphElsewhere { .. } => NOT_FOUND,
        E::NoRandomness(_) => JOB_FAILED,
        E::Worker(error) => of_worker(error),
        E::Coordinator(error) => of_coordinator(error),
        E::Runtime(source) => of_io(source),
        E::NotServing { .. } => UNREACHABLE,
        E::JobCancelled { .. } => CANCELLED,
        E::Detached { .. } => INTERRUPTED,
    }
}

fn of_io(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::AlreadyExists => NOT_ALLOWED,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            LIMIT
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => CORRUPT,
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => INVALID,
        _ => JOB_FAILED,
    }
}

fn of_store(error: &StoreError) -> u8 {
    match (error.kind(), error) {
        (StoreErrorKind::NotFound, _) => NOT_FOUND,
        (StoreErrorKind::Exists, _) => NOT_ALLOWED,
        (StoreErrorKind::Corrupt | StoreErrorKind::UnsupportedVersion, _) => CORRUPT,
        (StoreErrorKind::MissingSection | StoreErrorKind::Invalid, _) => INVALID,
        (StoreErrorKind::DiskFull, _) => LIMIT,
        (StoreErrorKind::Io, StoreError::Io { source, .. }) => of_io(source),
        (StoreErrorKind::Io, _) => JOB_FAILED,
    }
}

fn of_ingest(error: &IngestError) -> u8 {
    match error {
        IngestError::Store(error) => of_store(error),
        IngestError::NodeTable(
            NodeTableError::Parquet { .. } | NodeTableError::ParquetGaveUp { .. },
        ) => CORRUPT,
        // What is no gzip at all is the wrong file; one that breaks off is a damaged one.
        IngestError::Read { source, .. } if source.kind() == io::ErrorKind::InvalidInput => INVALID,
        // Decompressors say no more than that something is wrong.
        IngestError::Read { source, .. } if source.kind() == io::ErrorKind::Other => CORRUPT,
        IngestError::Open { source, .. }
        | IngestError::Read { source, .. }
        | IngestError::Spill { source, .. }
        | IngestError::Write { source, .. } => of_io(source),
        IngestError::Malformed {
            reason:
                Malformed::Count { .. } | Malformed::Truncated { .. } | Malformed::Library { .. },
            ..
        } => CORRUPT,
        IngestError::OutputExists { .. } => NOT_ALLOWED,
        IngestError::MemoryExceeded { .. } | IngestError::ShardMemory { .. } => LIMIT,
        IngestError::Interrupted => INTERRUPTED,
        IngestError::NoInput => USAGE,
        _ => INVALID,
    }
}

fn of_results(error: &ResultsError) -> u8 {
    use ResultsError as R;
    match error {
        R::AlreadyThere { .. }
        | R::NotAResult { .. }
        | R::NotASweep { .. }
        | R::SweepInUse { .. } => NOT_ALLOWED,
        R::NoName { .. } => USAGE,
        R::NoResult { found: Instead::Nothing, .. } => NOT_FOUND,
        R::NoResult { .. } => INVALID,
        R::TooManySimulations { .. } | R::TooLargeToDraw { .. } => LIMIT,
        R::Io { source, .. } => of_io(source),
        R::UnknownFile { .. }
        | R::RepeatedFile { .. }
        | R::MissingFile { .. }
        | R::UnlistedFile { .. }
        | R::DamagedFile { .. }
        | R::Unreadable { .. }
        | R::UnreadableSweep { .. }
        | R::Decode { .. }
        | R::Disagree { .. } => CORRUPT,
        _ => JOB_FAILED,
    }
}

fn of_rpc(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::NotFound => NOT_FOUND,
        ErrorCode::Unavailable | ErrorCode::DeadlineExceeded => UNREACHABLE,
        ErrorCode::AlreadyExists | ErrorCode::FailedPrecondition | ErrorCode::PermissionDenied => {
            NOT_ALLOWED
        }
        ErrorCode::InvalidArgument => INVALID,
        ErrorCode::DataLoss => CORRUPT,
        ErrorCode::ResourceExhausted => LIMIT,
        ErrorCode::Cancelled => CANCELLED,
        ErrorCode::Internal => JOB_FAILED,
    }
}

fn of_worker(error: &WorkerError) -> u8 {
    match error {
        WorkerError::Rpc(error) => of_rpc(error.code),
        WorkerError::Store(error) => of_store(error),
        WorkerError::Model(_) => INVALID,
        WorkerError::Cache { source, .. } => of_io(source),
        WorkerError::Threads { .. } => LIMIT,
        _ => JOB_FAILED,
    }
}

fn of_coordinator(error: &CoordinatorError) -> u8 {
    match error {
        CoordinatorError::Rpc(error) => of_rpc(error.code),
        CoordinatorError::Log(LogError::InUse { .. }) => NOT_ALLOWED,
        CoordinatorError::Log(error) if error.is_corrupt() => CORRUPT,
        CoordinatorError::Log(error) if error.is_disk_full() => LIMIT,
        CoordinatorError::Store(error) => of_store(error),
        CoordinatorError::Results(error) => of_results(error),
        CoordinatorError::File { source, .. } => of_io(source),
        CoordinatorError::Plan(_) => INVALID,
        _ => JOB_FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_on_one_line() {
        let source = io::Error::new(io::ErrorKind::NotFound, "no\nsuch file");
        let error = CliError::ReadFile { path: "a.toml".into(), source };
        assert_eq!(
            chain(&error),
            "could not read a.toml, check that it is there and readable: no such file"
        );
        assert_eq!(code(&error), NOT_FOUND);
    }

    #[test]
    fn help_is_no_error() {
        let command = <crate::args::Cli as clap::CommandFactory>::command();
        let help = command.clone().try_get_matches_from(["kaskade", "--help"]).unwrap_err();
        assert_eq!(code(&help.into()), OK);
        let unknown = command.try_get_matches_from(["kaskade", "--nope"]).unwrap_err();
        assert_eq!(code(&unknown.into()), USAGE);
    }
}
