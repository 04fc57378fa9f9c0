//! The way to a coordinator.

use kaskade_rpc::channel::{Connection, Remote, connect};
use kaskade_rpc::{graphs, jobs};
use tokio::runtime;

use crate::args::client::ClientArgs;
use crate::error::CliError;

/// Runs what a client says to a coordinator on this thread.
///
/// # Errors
/// That of `conversation`, or [`CliError::Runtime`].
pub(super) fn block_on<T>(
    conversation: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CliError::Runtime)?.block_on(conversation)
}

/// The jobs of the coordinator that `client` names.
///
/// # Errors
/// [`CliError::Rpc`] when it cannot be reached, [`CliError::Security`] when what is to be shown
/// there cannot be used.
pub(super) async fn jobs(client: &ClientArgs) -> Result<jobs::Client, CliError> {
    Ok(jobs::client(open(client).await?))
}

/// The graphs of the coordinator that `client` names.
///
/// # Errors
/// [`CliError::Rpc`] when it cannot be reached, [`CliError::Security`] when what is to be shown
/// there cannot be used.
pub(super) async fn graphs(client: &ClientArgs) -> Result<graphs::Client, CliError> {
    Ok(graphs::client(open(client).await?))
}

async fn open(client: &ClientArgs) -> Result<Connection, CliError> {
    let security = client.security.load()?;
    Ok(connect(&client.coordinator, Remote::Coordinator, &security).await?)
}
