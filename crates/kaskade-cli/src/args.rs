//! What can be typed: one file per family of commands, doc comments are the help.
//!
//! A flag with an environment variable `KASKADE_X` can also be set by the key `x` of a
//! configuration file ([`crate::settings`]). Paths and other things that mean one call only
//! have neither.

pub(crate) mod bounds;
pub(crate) mod client;
pub(crate) mod critical;
pub(crate) mod doctor;
pub(crate) mod dynamics;
pub(crate) mod generate;
pub(crate) mod global;
pub(crate) mod graph;
pub(crate) mod job;
pub(crate) mod kernel;
pub(crate) mod observe;
pub(crate) mod result;
pub(crate) mod run;
pub(crate) mod security;
pub(crate) mod server;
pub(crate) mod tools;
mod word;

use clap::{Parser, Subcommand};

/// How far, how fast and how surely a message spreads over a follower graph
///
/// `kaskade` simulates information cascades on real or synthetic follower graphs, thousands
/// of them side by side, in this process or on a cluster. A job's result is a pure function
/// of graph, spec and seed.
#[derive(Debug, Parser)]
#[command(
    name = "kaskade",
    version,
    propagate_version = true,
    max_term_width = 100,
    // The last one counts, so that a script can append to a command line.
    args_override_self = true
)]
pub(crate) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: global::GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Draw a synthetic follower graph
    Generate(generate::GenerateArgs),
    /// Build, describe, check and register graph directories
    #[command(subcommand)]
    Graph(graph::GraphCommand),
    /// Run a job in this process
    Run(run::RunArgs),
    /// Find the smallest number of seeds, or probability, that is enough
    CriticalMass(critical::CriticalMassArgs),
    /// Check that a result directory is as it was written
    Verify(result::VerifyResultArgs),
    /// Make a result again and compare the digests
    Rerun(result::RerunArgs),
    /// Say how far results differ from the first, on common random numbers
    Compare(result::CompareArgs),
    /// Make a page of a result, of several side by side, or of a sweep
    Report(result::ReportArgs),
    /// Show one simulation as a tree of who passed it to whom
    Replay(result::ReplayArgs),
    /// Start a coordinator, which takes jobs and shares them among workers
    Coordinator(server::CoordinatorArgs),
    /// Start a worker, which computes for a coordinator
    Worker(server::WorkerArgs),
    /// Give a job to a coordinator
    Submit(client::SubmitArgs),
    /// List the jobs of a coordinator, oldest first, and its workers
    List(client::ClientArgs),
    /// Show how far a job is
    Status(client::JobArgs),
    /// Follow a job to its end; the exit code is the job's
    Watch(client::JobArgs),
    /// Fetch the result directory of a job that succeeded
    Results(client::ResultsArgs),
    /// Stop a job
    Cancel(client::JobArgs),
    /// Check this machine and an installation, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Ask a server whether it does its work; needs no token
    Probe(client::ProbeArgs),
    /// Make the certificates of a cluster
    #[command(subcommand)]
    Cert(security::CertCommand),
    /// Make, list and revoke the tokens of a coordinator's users
    #[command(subcommand)]
    Token(security::TokenCommand),
    /// Print any file that kaskade writes
    Inspect(tools::InspectArgs),
    /// Print a commented spec to start from
    Init(tools::InitArgs),
    /// Print a shell's completion script
    Completions(tools::CompletionsArgs),
    /// Print the manual pages
    Man,
}
