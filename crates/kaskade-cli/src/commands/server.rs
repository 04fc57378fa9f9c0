//! What coordinator and worker share: a runtime, and an orderly end.

use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::CliError;

/// What a server that has ended is given for the work on files that it had begun.
const FILE_WORK_GRACE: Duration = Duration::from_secs(5);

/// Runs `server` until it ends, on as many threads as there are cores. Ctrl-C and SIGTERM
/// tell it to stop; a second one ends it at once.
///
/// # Errors
/// That of `server`, or [`CliError::Runtime`].
pub(super) fn serve<F, R>(server: F) -> Result<(), CliError>
where
    F: FnOnce(CancellationToken) -> R,
    R: Future<Output = Result<(), CliError>>,
{
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::Runtime)?;
    let (ended, grace) = runtime.block_on(until_stopped(server));
    // Work on files cannot be interrupted; what it leaves unfinished was never published.
    runtime.shutdown_timeout(grace);
    ended
}

/// How `server` ended, and what the rest of the process may still take.
async fn until_stopped<F, R>(server: F) -> (Result<(), CliError>, Duration)
where
    F: FnOnce(CancellationToken) -> R,
    R: Future<Output = Result<(), CliError>>,
{
    let mut signals = match StopSignals::listen() {
        Ok(signals) => signals,
        Err(error) => return (Err(CliError::Runtime(error)), FILE_WORK_GRACE),
    };
    let shutdown = CancellationToken::new();
    let mut server = std::pin::pin!(server(shutdown.clone()));
    tokio::select! {
        ended = &mut server => return (ended, FILE_WORK_GRACE),
        () = signals.next() => {}
    }
    tracing::info!("stopping");
    shutdown.cancel();
    tokio::select! {
        ended = server => (ended, FILE_WORK_GRACE),
        () = signals.next() => (Ok(()), Duration::ZERO),
    }
}

struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
