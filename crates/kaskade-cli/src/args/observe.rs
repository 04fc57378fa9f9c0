//! What a process shows of its work: metrics and traces.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// The flags of a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct ObserveArgs {
    /// Serve metrics for Prometheus on http://ADDR/metrics; port 0 takes any free one
    #[arg(long, env = "KASKADE_METRICS", value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    /// The trace.
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

/// The flags of everything that computes.
#[derive(Clone, Debug, Args)]
pub(crate) struct TraceArgs {
    /// Write what took how long to this new file, for ui.perfetto.dev
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}
