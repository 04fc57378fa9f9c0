//! `kaskade doctor`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::security::{ClientSecurityArgs, TokensArgs};

/// The flags of `doctor`: what is named is looked at, beside the machine.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The coordinator to reach, http://HOST:PORT or https://HOST:PORT
    #[arg(long, env = "KASKADE_COORDINATOR", value_name = "URL")]
    pub(crate) coordinator: Option<String>,
    /// Certificates and token.
    #[command(flatten)]
    pub(crate) security: ClientSecurityArgs,
    /// Tokens.
    #[command(flatten)]
    pub(crate) tokens: TokensArgs,
    /// An address to listen on
    #[arg(long, env = "KASKADE_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// A coordinator's folder of job log and results
    #[arg(long, env = "KASKADE_STATE", value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// A worker's folder of shards
    #[arg(long, env = "KASKADE_CACHE", value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// A coordinator's folder of graph directories
    #[arg(long, env = "KASKADE_GRAPHS", value_name = "DIR")]
    pub(crate) graphs: Option<PathBuf>,
}
