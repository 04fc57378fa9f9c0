//! `kaskade coordinator` and `kaskade worker`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kaskade_coordinator::CoordinatorConfig;
use kaskade_worker::WorkerConfig;
use kaskade_worker::config::ExchangeConfig;

use super::bounds::BoundArgs;
use super::client::ClientArgs;
use super::job::threads;
use super::observe::ObserveArgs;
use super::run::LoadChoice;
use super::security::{ServerSecurityArgs, TokensArgs};
use crate::size::Size;

/// The flags of `coordinator`.
#[derive(Debug, Args)]
pub(crate) struct CoordinatorArgs {
    /// The address to listen on
    #[arg(
        long,
        env = "KASKADE_LISTEN",
        value_name = "ADDR",
        default_value = CoordinatorConfig::DEFAULT_LISTEN
    )]
    pub(crate) listen: SocketAddr,
    /// The folder with the graph directories; a graph's name is its folder's
    #[arg(long, env = "KASKADE_GRAPHS", value_name = "DIR")]
    pub(crate) graphs: PathBuf,
    /// The folder with the job log and the results
    #[arg(long, env = "KASKADE_STATE", value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// Certificates and tokens.
    #[command(flatten)]
    pub(crate) security: ServerSecurityArgs,
    /// What others may see of it.
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
    /// What it waits for, allows and keeps.
    #[command(flatten)]
    pub(crate) bounds: BoundArgs,
}

/// The flags of `worker`.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Which coordinator.
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    /// The folder with the shards that this worker fetched; not shared with another worker
    #[arg(long, env = "KASKADE_CACHE", value_name = "DIR")]
    pub(crate) cache: PathBuf,
    /// The address to listen on for other workers; port 0 takes any free one
    #[arg(
        long,
        env = "KASKADE_LISTEN",
        value_name = "ADDR",
        default_value = WorkerConfig::DEFAULT_LISTEN
    )]
    pub(crate) listen: SocketAddr,
    /// The host, or HOST:PORT, that other workers reach this one at [default: as --listen]
    #[arg(long, env = "KASKADE_ADVERTISE", value_name = "HOST")]
    pub(crate) advertise: Option<String>,
    /// Tokens.
    #[command(flatten)]
    pub(crate) tokens: TokensArgs,
    /// What others may see of it.
    #[command(flatten)]
    pub(crate) observe: ObserveArgs,
    /// Memory that this worker may take: 64MiB, 50% of what is free, or auto (80%)
    #[arg(long, env = "KASKADE_MEMORY", value_name = "SIZE", default_value = "auto")]
    pub(crate) memory: Size,
    /// How shards come into memory
    #[arg(long, env = "KASKADE_LOAD", value_name = "HOW", default_value = "mmap")]
    pub(crate) load: LoadChoice,
    /// Compute threads [default: all cores]
    #[arg(long, env = "KASKADE_THREADS", value_parser = threads())]
    pub(crate) threads: Option<u64>,
    /// Connections for data to each other worker of a job, besides the one that ends rounds
    #[arg(
        long,
        env = "KASKADE_STREAMS",
        value_name = "N",
        default_value_t = ExchangeConfig::DEFAULT.n_streams as u64,
        value_parser = clap::value_parser!(u64).range(1..=MAX_STREAMS)
    )]
    pub(crate) streams: u64,
    /// Bytes that may wait here from each other worker and batch: 1MiB [default: 8MiB]
    #[arg(
        long,
        env = "KASKADE_STREAM_MEMORY",
        value_name = "SIZE",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(crate) stream_memory: Size,
}

/// More connections than there are cores for.
const MAX_STREAMS: u64 = 64;
