//! `kaskade coordinator`.

use std::time::Duration;

use kaskade_coordinator::CoordinatorConfig;
use kaskade_engine::job::JobLimits;
use serde::Serialize;

use super::server::serve;
use crate::args::server::CoordinatorArgs;
use crate::console::Console;
use crate::error::CliError;

/// Runs a coordinator until it is told to stop.
pub(super) fn coordinator(args: CoordinatorArgs, console: &Console) -> Result<(), CliError> {
    let dead_after = Duration::from_secs(args.bounds.dead_after);
    let config = CoordinatorConfig {
        listen: args.listen,
        metrics: args.observe.metrics,
        security: args.security.load()?,
        graphs: args.graphs,
        state: args.state,
        limits: JobLimits {
            no_workers_grace_ms: args.bounds.no_workers_grace.saturating_mul(1000),
            ..JobLimits::DEFAULT
        },
        quotas: args.bounds.quotas(),
        keep_jobs: args.bounds.keep_jobs.map(|kept| kept as usize),
        // Several beats fit into the silence that is borne.
        heartbeat: CoordinatorConfig::DEFAULT_HEARTBEAT.min(dead_after / 4),
        dead_after,
    };
    serve(|shutdown| async move {
        let listening = |url: &str| {
            let listening = Listening { listening: url.to_owned() };
            // A coordinator whose starter does not listen serves all the same.
            let _ = console.result(&listening, || format!("listening on {url}\n"));
        };
        Ok(kaskade_coordinator::run(config, listening, shutdown).await?)
    })
}

/// What `--json` prints once clients and workers may connect.
#[derive(Debug, Serialize)]
struct Listening {
    listening: String,
}
