//! The commands that talk to a coordinator.

use std::env;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use kaskade_model::JobId;
use kaskade_model::ids::InvalidName;

use super::job::SpecArgs;
use super::security::{ClientSecurityArgs, TlsArgs};

/// Which coordinator.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// The coordinator, http://HOST:PORT or https://HOST:PORT
    #[arg(long, env = "KASKADE_COORDINATOR", value_name = "URL", default_value = DEFAULT_COORDINATOR)]
    pub(crate) coordinator: String,
    /// Certificates and token.
    #[command(flatten)]
    pub(crate) security: ClientSecurityArgs,
}

impl ClientArgs {
    /// `kaskade` with `words`, as a person types it to reach the same coordinator.
    pub(crate) fn command_line(&self, words: &str) -> String {
        let is_found_anyway = self.coordinator == DEFAULT_COORDINATOR
            || env::var_os("KASKADE_COORDINATOR").is_some_and(|url| *url == *self.coordinator);
        let mut line = format!("kaskade {words}");
        if !is_found_anyway {
            line += &format!(" --coordinator {}", self.coordinator);
        }
        for (flag, variable, path) in self.security.files() {
            if env::var_os(variable).is_none_or(|value| value != path) {
                line += &format!(" {flag} {}", path.display());
            }
        }
        line
    }
}

/// Where clients look for a coordinator that were not told where.
pub(crate) const DEFAULT_COORDINATOR: &str = "http://127.0.0.1:7400";

/// The flags of `submit`.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The job.
    #[command(flatten)]
    pub(crate) spec: SpecArgs,
    /// The job's id; submitting the same id twice is submitting once [default: a new one]
    #[arg(long, value_parser = job_id)]
    pub(crate) id: Option<JobId>,
    /// Follow the job to its end and print its summary; the exit code is the job's
    #[arg(long, env = "KASKADE_WAIT", value_parser = BoolishValueParser::new())]
    pub(crate) wait: bool,
    /// Return as soon as the coordinator has the job; this is the default
    #[arg(long, overrides_with = "wait")]
    pub(crate) no_wait: bool,
    /// Print the job's id and nothing else
    #[arg(long, conflicts_with = "json")]
    pub(crate) parsable: bool,
    /// The result directory to write when the job succeeded; implies --wait
    #[arg(long, value_name = "DIR", conflicts_with = "no_wait")]
    pub(crate) out: Option<PathBuf>,
    /// Replace an earlier result
    #[arg(long)]
    pub(crate) force: bool,
    /// Which coordinator.
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// A job of a coordinator.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job's id
    #[arg(value_name = "ID", value_parser = job_id)]
    pub(crate) id: JobId,
    /// Which coordinator.
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// The flags of `probe`.
#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The server, a coordinator or a worker, http://HOST:PORT or https://HOST:PORT
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// What it is to do: jobs of a coordinator, exchange of a worker that has found its
    /// coordinator, or nothing but live
    #[arg(long, value_name = "WHAT", default_value = "live")]
    pub(crate) ready_for: ReadyFor,
    /// Certificates.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
}

/// What a server may be ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadyFor {
    /// Any call
    Live,
    /// Taking jobs
    Jobs,
    /// Working on them
    Exchange,
}

/// The flags of `results`.
#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// The job.
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// The result directory to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Replace an earlier result
    #[arg(long)]
    pub(crate) force: bool,
}

fn job_id(text: &str) -> Result<JobId, InvalidName> {
    JobId::new(text)
}
