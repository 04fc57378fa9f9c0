//! A worker's life: serve the peers, register, work, find the coordinator again.

use std::time::Duration;

use kaskade_rpc::address::{self, InvalidAddress};
use kaskade_rpc::control::Registration;
use kaskade_rpc::health::Health;
use kaskade_rpc::security::Gate;
use kaskade_rpc::server::{self, Listener};
use kaskade_rpc::{ErrorCode, RpcError, exchange, health, machine, metrics, reflection};
use tokio::runtime::{self, Handle, Runtime};
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cache::ShardCache;
use crate::compute_pool::ComputePool;
use crate::config::WorkerConfig;
use crate::driver::PeerSettings;
use crate::error::WorkerError;
use crate::exchange::{ExchangeService, Switchboard};
use crate::metrics::Metrics;
use crate::session::{Session, Surroundings};

/// The pause between two attempts to reach the coordinator.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Runs a worker until `shutdown`, and then until the batches in its hands are done, or until its coordinator cannot be found any more.
///
/// # Errors
/// [`WorkerError`]: the address is refused, or the coordinator is not there, is of another
/// protocol version, or refuses this worker.
pub async fn run(config: WorkerConfig, shutdown: CancellationToken) -> Result<(), WorkerError> {
    let listener = server::bind(config.listen, &config.peers)?;
    let bind_metrics = |address| metrics::bind(address, &config.peers);
    let scrapes = config.metrics.map(bind_metrics).transpose()?;
    let switchboard = Switchboard::default();
    let around = Surroundings {
        registration: Registration {
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            exchange_address: exchange_address(&listener, config.advertise.as_deref())?,
            memory_bytes: config.memory_bytes.max(1),
            n_threads: config.n_threads as u32,
            host_name: machine::host_name().unwrap_or_else(|| "unknown".to_owned()),
            process_id: std::process::id(),
        },
        cache: ShardCache::new(config.cache.clone(), config.load),
        pool: ComputePool::start(config.n_threads)?,
        switchboard: switchboard.clone(),
        peers: PeerSettings { security: config.security.clone(), exchange: config.exchange },
        metrics: Metrics::new(config.phases.clone()),
        coordinator: config.coordinator.clone(),
        data: Handle::current(),
    };
    let health = Health::of(health::EXCHANGE).await;
    let service = exchange::server(ExchangeService { switchboard });
    let gate = Gate::new(config.peers.tokens.clone(), None);
    let serving = server::builder(gate.clone())
        .add_service(service)
        .add_service(health.server())
        .add_service(reflection::server(&[health::EXCHANGE]))
        .serve_with_incoming(listener.incoming);
    let metrics = around.metrics.clone();
    let control = ControlThread::start()?;
    let working = control.spawn(async move { work(&config, &around, &health, &shutdown).await });
    tokio::select! {
        served = serving => served.map_err(WorkerError::Server),
        worked = working => worked.unwrap_or_else(|error| {
            Err(WorkerError::Panicked { message: error.to_string() })
        }),
        () = serve_metrics(scrapes, gate, metrics) => Ok(()),
    }
}

/// A thread and a runtime of its own for the session with the coordinator, so that heartbeats go
/// out whatever the other threads are busy with.
struct ControlThread(Option<Runtime>);

impl ControlThread {
    fn start() -> Result<Self, WorkerError> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kaskade-control")
            .enable_all()
            .build();
        let failed = |source| WorkerError::ControlThread { source };
        Ok(Self(Some(runtime.map_err(failed)?)))
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, JoinError>> {
        let runtime = self.0.as_ref().expect("it is there until it is dropped");
        runtime.spawn(task)
    }
}

impl Drop for ControlThread {
    fn drop(&mut self) {
        // It may be dropped on another runtime, where nobody may wait for its end.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn work(
    config: &WorkerConfig,
    around: &Surroundings,
    health: &Health,
    shutdown: &CancellationToken,
) -> Result<(), WorkerError> {
    let mut patience = config.find_coordinator;
    loop {
        let session = tokio::select! {
            session = find(around, patience) => session?,
            () = shutdown.cancelled() => return Ok(()),
        };
        health.set(true).await;
        around.metrics.connected(true);
        let why = session.work(around, shutdown).await;
        around.metrics.connected(false);
        health.set(false).await;
        if shutdown.is_cancelled() {
            tracing::info!(why, "leaving");
            return Ok(());
        }
        tracing::warn!(why, "the session with the coordinator ended, looking for it again");
        patience = config.find_again;
    }
}

async fn find(around: &Surroundings, patience: Duration) -> Result<Session, WorkerError> {
    let deadline = Instant::now() + patience;
    loop {
        match Session::open(around).await {
            Ok(session) => return Ok(session),
            Err(error) if !error.is_retryable() || Instant::now() >= deadline => {
                return Err(error.into());
            }
            Err(error) => tracing::debug!(%error, "the coordinator does not answer yet"),
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Serves the page of metrics, if there is an address for it. Never ends.
async fn serve_metrics(listener: Option<Listener>, gate: Gate, counted: Metrics) {
    if let Some(listener) = listener {
        let page = move || std::future::ready(Some(counted.page()));
        metrics::serve(listener, gate, page).await;
    }
    std::future::pending().await
}

/// Where peers reach this worker.
fn exchange_address(listener: &Listener, advertise: Option<&str>) -> Result<String, RpcError> {
    let url = match advertise {
        None if listener.address.ip().is_unspecified() => {
            let text = format!(
                "{} stands for every address of this machine, none of which peers are told: name \
                 the one that they reach with --advertise HOST",
                listener.address
            );
            return Err(RpcError::new(ErrorCode::InvalidArgument, text));
        }
        None => listener.url(),
        Some(place) => {
            let url = listener.url_at(place);
            match address::check(&url) {
                Ok(()) => url,
                // Without its port it is the one listened on.
                Err(_) => listener.url_at(format_args!("{place}:{}", listener.address.port())),
            }
        }
    };
    let invalid =
        |error: InvalidAddress| RpcError::new(ErrorCode::InvalidArgument, error.to_string());
    address::check(&url).map_err(invalid)?;
    Ok(url)
}

#[cfg(test)]
mod tests;
