//! One session with the coordinator, from registration to its end.

use std::time::Duration;

use kaskade_model::message::{Reason, WorkerEvent};
use kaskade_rpc::channel::{self, Remote};
use kaskade_rpc::control::{self, CoordinatorMessage, Registered, Registration, WorkerMessage};
use kaskade_rpc::{ErrorCode, RpcError, fail_point, limits, machine, pb};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use crate::cache::ShardCache;
use crate::compute_pool::ComputePool;
use crate::driver::{Driver, Input, MAILBOX_INPUTS, PeerSettings, Tools};
use crate::exchange::{Line, Room, Switchboard};
use crate::metrics::Metrics;

/// Heartbeats that may stay without an answer before the session counts as lost.
const SILENT_HEARTBEATS: u32 = 10;

/// How long a worker that is told to stop works on: then what it has in hand is given up, and
/// run again by others.
const DRAIN_GRACE: Duration = Duration::from_secs(60);

/// What outlives a session.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) registration: Registration,
    pub(crate) cache: ShardCache,
    pub(crate) pool: ComputePool,
    pub(crate) switchboard: Switchboard,
    pub(crate) peers: PeerSettings,
    pub(crate) metrics: Metrics,
    /// The coordinator's address.
    pub(crate) coordinator: String,
    /// Where everything but this session runs: its heartbeats wait for nobody.
    pub(crate) data: Handle,
}

/// A session that the coordinator has accepted.
pub(crate) struct Session {
    registered: Registered,
    outgoing: mpsc::UnboundedSender<pb::WorkerMessage>,
    incoming: Streaming<pb::CoordinatorMessage>,
}

impl Session {
    /// Connects to the coordinator and registers.
    pub(crate) async fn open(around: &Surroundings) -> Result<Self, RpcError> {
        let security = &around.peers.security;
        let connection =
            channel::connect(&around.coordinator, Remote::Coordinator, security).await?;
        let mut client = control::client(connection);
        let registration = around.registration.clone();
        let (outgoing, queue) = mpsc::unbounded_channel();
        // The receiver is alive: the stream below owns it.
        let _ = outgoing.send(WorkerMessage::Register(registration).into());
        let late = |_| {
            let text = "the coordinator did not answer the registration in time";
            RpcError::new(ErrorCode::DeadlineExceeded, text)
        };
        let opening = client.session(UnboundedReceiverStream::new(queue));
        let opened = tokio::time::timeout(limits::ANSWER_DEADLINE, opening).await.map_err(late)?;
        let mut incoming = opened.map_err(RpcError::from)?.into_inner();
        let first = tokio::time::timeout(limits::ANSWER_DEADLINE, incoming.message());
        let first = first.await.map_err(late)?.map_err(RpcError::from)?;
        let closed = || {
            let text = "the coordinator closed the session without answering the registration";
            RpcError::new(ErrorCode::Unavailable, text)
        };
        let first = CoordinatorMessage::try_from(first.ok_or_else(closed)?)?;
        let CoordinatorMessage::Registered(registered) = first else {
            let text = "the coordinator answered the registration with another message";
            return Err(RpcError::new(ErrorCode::FailedPrecondition, text));
        };
        Ok(Self { registered, outgoing, incoming })
    }

    /// Works until the session ends; says why it did. Once `shutdown` is cancelled, it ends
    /// with the batches in hand.
    pub(crate) async fn work(
        mut self,
        around: &Surroundings,
        shutdown: &CancellationToken,
    ) -> String {
        let own = self.registered.worker;
        tracing::info!(worker_id = own.0, "registered with the coordinator");
        let (mailbox, inputs) = mpsc::channel(MAILBOX_INPUTS);
        let (events, mut reports) = mpsc::unbounded_channel();
        let client = match around.file_client() {
            Ok(client) => client,
            Err(error) => return error.to_string(),
        };
        let driver = Driver::new(
            own,
            mailbox.clone(),
            events,
            Tools {
                cache: around.cache.clone(),
                client,
                pool: around.pool.clone(),
                peers: around.peers.clone(),
                metrics: around.metrics.clone(),
            },
        );
        around.switchboard.connect(Some(Line {
            own,
            mailbox: mailbox.clone(),
            credit_bytes: around.peers.exchange.credit_bytes,
            room: Room::default(),
        }));
        let mut driver = around.data.spawn(driver.run(inputs));
        let interval = Duration::from_millis(self.registered.heartbeat_interval_ms.into());
        let mut heartbeat = tokio::time::interval(interval);
        let mut last_heard = Instant::now();
        let mut leave_at = None;
        let why = loop {
            let message = tokio::select! {
                message = self.incoming.message() => message,
                Some(event) = reports.recv() => {
                    self.report(event);
                    continue;
                }
                ended = &mut driver => break why_driver_ended(ended),
                () = shutdown.cancelled(), if leave_at.is_none() => {
                    tracing::info!("leaving once the batches in hand are done");
                    leave_at = Some(Instant::now() + DRAIN_GRACE);
                    let _ = self.outgoing.send(WorkerMessage::Leaving.into());
                    continue;
                }
                () = until(leave_at) => break "the batches in hand take too long".to_owned(),
                _ = heartbeat.tick() => {
                    if last_heard.elapsed() > SILENT_HEARTBEATS * interval {
                        break "the coordinator does not answer".to_owned();
                    }
                    let resident_bytes = machine::resident_bytes().unwrap_or(0);
                    let _ = self.outgoing.send(WorkerMessage::Heartbeat { resident_bytes }.into());
                    continue;
                }
            };
            last_heard = Instant::now();
            match message {
                Ok(Some(message)) => match CoordinatorMessage::try_from(message) {
                    Ok(CoordinatorMessage::Command(command)) => {
                        if mailbox.send(Input::Command(command)).await.is_err() {
                            break "the driver ended".to_owned();
                        }
                    }
                    Ok(CoordinatorMessage::Dismissed) => break "nothing is left to do".to_owned(),
                    Ok(CoordinatorMessage::HeartbeatAck | CoordinatorMessage::Registered(_)) => {}
                    Err(error) => break error.to_string(),
                },
                Ok(None) => break "the coordinator closed the session".to_owned(),
                Err(status) => break RpcError::from(status).to_string(),
            }
        };
        around.switchboard.connect(None);
        // The driver's own mailbox keeps its inputs open: it is ended, not waited for.
        driver.abort();
        why
    }
}

impl Surroundings {
    /// For files, which come over a connection of their own: heartbeats would wait behind them.
    fn file_client(&self) -> Result<control::Client, RpcError> {
        let _on_data = self.data.enter();
        let security = &self.peers.security;
        let connection =
            channel::connect_when_called(&self.coordinator, Remote::Coordinator, security)?;
        Ok(control::client(connection))
    }
}

impl Session {
    /// Sends `event`; one that is too large for a message becomes the failure of its attempt,
    /// because it would end the session and with it every attempt.
    fn report(&self, event: WorkerEvent) {
        let [before, after] = match &event {
            WorkerEvent::Prepared { .. } => ["prepared-before-report", "prepared-reported"],
            WorkerEvent::BatchTallied { .. } => ["tally-before-report", "tally-reported"],
            _ => ["event-before-report", "event-reported"],
        };
        fail_point::reach(before);
        let attempt = event.attempt().clone();
        let mut message = pb::WorkerMessage::from(WorkerMessage::Event(event));
        if let Err(error) = limits::check_size("an event", &message, limits::CONTROL_MESSAGE_BYTES)
        {
            let (reason, detail) = (Reason::Internal, error.to_string());
            let failed = WorkerEvent::AttemptFailed { attempt, reason, detail };
            message = WorkerMessage::Event(failed).into();
        }
        // A session that has ended is noticed by who reads from it.
        let _ = self.outgoing.send(message);
        fail_point::reach(after);
    }
}

/// Ends at `deadline`, or never.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What ends a session whose driver has ended: without it the worker would only seem alive.
fn why_driver_ended(ended: Result<(), JoinError>) -> String {
    match ended {
        Ok(()) => "the driver ended".to_owned(),
        Err(error) => format!("the driver failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use kaskade_rpc::security::ClientSecurity;

    use super::*;
    use crate::config::ExchangeConfig;
    use crate::test_coordinator::TestCoordinator;

    #[tokio::test]
    async fn a_registration_without_an_answer_is_worth_another_try() {
        let coordinator = TestCoordinator::start(b"", 0);
        let registration = Registration {
            engine_version: "0.1.0".to_owned(),
            exchange_address: "http://127.0.0.1:1".to_owned(),
            memory_bytes: 1,
            n_threads: 1,
            host_name: "here".to_owned(),
            process_id: 1,
        };
        let folder = tempfile::tempdir().unwrap();
        let around = Surroundings {
            registration,
            cache: ShardCache::new(folder.path().to_owned(), Default::default()),
            pool: ComputePool::start(1).unwrap(),
            switchboard: Switchboard::default(),
            peers: PeerSettings {
                security: ClientSecurity::default(),
                exchange: ExchangeConfig::DEFAULT,
            },
            metrics: Metrics::new(Default::default()),
            coordinator: coordinator.url.clone(),
            data: Handle::current(),
        };
        let error = Session::open(&around).await.map(|_| ()).unwrap_err();
        assert!(error.is_retryable(), "{error}");
    }

    #[tokio::test]
    async fn a_driver_that_panics_says_so() {
        let ended = tokio::spawn(async { panic!("lane 7") }).await;
        let why = why_driver_ended(ended);
        assert!(why.starts_with("the driver failed") && why.contains("lane 7"), "{why}");
    }
}
