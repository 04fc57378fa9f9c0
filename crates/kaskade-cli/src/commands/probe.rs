//! `kaskade probe`: the health of a server, as a probe of Kubernetes asks for it.

use kaskade_rpc::channel::{Remote, connect};
use kaskade_rpc::health;
use kaskade_rpc::security::ClientSecurity;
use serde::Serialize;

use super::connection::block_on;
use crate::args::client::{ProbeArgs, ReadyFor};
use crate::console::Console;
use crate::error::CliError;

/// Asks the server; that it does not do its work is an error.
pub(super) fn probe(args: &ProbeArgs, console: &Console) -> Result<(), CliError> {
    let service = match args.ready_for {
        ReadyFor::Live => "",
        ReadyFor::Jobs => health::JOBS,
        ReadyFor::Exchange => health::EXCHANGE,
    };
    let is_serving = block_on(async {
        // Without a token: health is open, and a probe should hold no secret.
        let security = ClientSecurity { tls: args.tls.of_client()?, token: None };
        let remote = match args.ready_for {
            ReadyFor::Exchange => Remote::Worker,
            ReadyFor::Live | ReadyFor::Jobs => Remote::Coordinator,
        };
        let connection = connect(&args.url, remote, &security).await?;
        Ok(health::check(connection, service).await?)
    })?;
    if !is_serving {
        return Err(CliError::NotServing { url: args.url.clone() });
    }
    console.result(&Health { serving: true }, || "serving\n".to_owned())
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Health {
    serving: bool,
}
