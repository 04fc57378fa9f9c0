//! `kaskade coordinator`.

use kaskade_coordinator::{CoordinatorConfig, Quotas};
use kaskade_engine::job::JobLimits;
use serde::Serialize;

use super::server::serve;
use crate::args::server::CoordinatorArgs;
use crate::console::Console;
use crate::error::CliError;

/// Runs a coordinator until it is told to stop.
pub(super) fn coordinator(args: CoordinatorArgs, console: &Console) -> Result<(), CliError> {
    let config = CoordinatorConfig {
        listen: args.listen,
        security: args.security.load()?,
        graphs: args.graphs,
        state: args.state,
        limits: JobLimits::DEFAULT,
        quotas: Quotas {
            open_jobs: args.user_jobs,
            job_simulations: args.job_simulations,
            open_spec_bytes: args
                .user_spec_bytes
                .resolve(None, 1.0)
                .unwrap_or(Quotas::DEFAULT.open_spec_bytes),
        },
        heartbeat: CoordinatorConfig::DEFAULT_HEARTBEAT,
        dead_after: CoordinatorConfig::DEFAULT_DEAD_AFTER,
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
