//! What coordinator and worker share: a runtime, and an orderly end.

use std::io;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;

/// Runs `server` until it ends, on as many threads as there are cores. Ctrl-C and SIGTERM
/// tell it to stop.
///
/// # Errors
/// That of `server`, or [`CliError::Runtime`].
pub(super) fn serve<F, R>(server: F) -> Result<(), CliError>
where
    F: FnOnce(CancellationToken) -> R,
    R: Future<Output = Result<(), CliError>>,
{
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(CliError::Runtime)?.block_on(async {
        let shutdown = CancellationToken::new();
        let mut server = std::pin::pin!(server(shutdown.clone()));
        tokio::select! {
            ended = &mut server => return ended,
            signalled = stop_signal() => signalled.map_err(CliError::Runtime)?,
        }
        tracing::info!("stopping");
        shutdown.cancel();
        server.await
    })
}

async fn stop_signal() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}
