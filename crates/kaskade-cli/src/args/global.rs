//! Flags that every command takes.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ColorChoice, ValueEnum};

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Print one JSON object on stdout instead of text
    #[arg(long, global = true, env = "KASKADE_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    /// Print no progress and no notes on stderr, only errors
    #[arg(long, short, global = true, env = "KASKADE_QUIET", value_parser = BoolishValueParser::new())]
    pub(crate) quiet: bool,
    /// Log more: -v events, -vv batches, -vvv everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The form of the log on stderr
    #[arg(
        long,
        global = true,
        env = "KASKADE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
    /// When to colour messages
    #[arg(long, global = true, env = "KASKADE_COLOR", value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    /// Read this configuration file instead of ./kaskade.toml
    #[arg(long, global = true, env = "KASKADE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of text an event
    Text,
    /// A JSON object an event
    Json,
}
