//! The workers that are there.

use std::collections::BTreeMap;
use std::time::Duration;

use kaskade_engine::job::WorkerInfo;
use kaskade_model::WorkerId;
use kaskade_model::message::WorkerCommand;
use kaskade_model::status::WorkerStatus;
use kaskade_rpc::control::{CoordinatorMessage, Registered, Registration};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Workers by number. Numbers are never given twice by one run of the coordinator.
#[derive(Debug)]
pub(crate) struct Membership {
    workers: BTreeMap<WorkerId, Worker>,
    next: u64,
    instance: u64,
    heartbeat: Duration,
    dead_after: Duration,
}

#[derive(Debug)]
struct Worker {
    registration: Registration,
    commands: mpsc::UnboundedSender<CoordinatorMessage>,
    last_heard: Instant,
    resident_bytes: u64,
}

impl Membership {
    /// No workers yet, with a coordinator that drew `instance` at its start.
    pub(crate) fn new(instance: u64, heartbeat: Duration, dead_after: Duration) -> Self {
        Self { workers: BTreeMap::new(), next: 1, instance, heartbeat, dead_after }
    }

    pub(super) fn register(
        &mut self,
        registration: Registration,
        commands: mpsc::UnboundedSender<CoordinatorMessage>,
    ) -> Registered {
        let worker = WorkerId(self.next);
        self.next += 1;
        tracing::info!(
            worker_id = worker.0,
            host = registration.host_name,
            address = registration.exchange_address,
            "worker registered"
        );
        let last_heard = Instant::now();
        self.workers
            .insert(worker, Worker { registration, commands, last_heard, resident_bytes: 0 });
        Registered {
            worker,
            coordinator_instance: self.instance,
            heartbeat_interval_ms: u32::try_from(self.heartbeat.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// Forgets `worker`; whether it was there.
    pub(super) fn remove(&mut self, worker: WorkerId) -> bool {
        self.workers.remove(&worker).is_some()
    }

    pub(super) fn heard_of(&mut self, worker: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.last_heard = Instant::now();
        }
    }

    /// Notes and answers a heartbeat.
    pub(super) fn heartbeat(&mut self, worker: WorkerId, resident_bytes: u64) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.resident_bytes = resident_bytes;
            // A session that has ended is noticed by its service.
            let _ = worker.commands.send(CoordinatorMessage::HeartbeatAck);
        }
    }

    pub(super) fn statuses(&self) -> Vec<WorkerStatus> {
        let status = |(&id, worker): (&WorkerId, &Worker)| WorkerStatus {
            id,
            address: worker.registration.exchange_address.clone(),
            host_name: worker.registration.host_name.clone(),
            process_id: worker.registration.process_id,
            memory_bytes: worker.registration.memory_bytes,
            resident_bytes: worker.resident_bytes,
            n_threads: worker.registration.n_threads,
        };
        self.workers.iter().map(status).collect()
    }

    /// Workers that have been silent for too long.
    pub(super) fn silent(&self) -> Vec<(WorkerId, String)> {
        let silent = self.workers.iter().filter(|(_, w)| w.last_heard.elapsed() > self.dead_after);
        let seconds = self.dead_after.as_secs_f64();
        silent.map(|(&worker, _)| (worker, format!("no sign of life for {seconds} s"))).collect()
    }

    /// Queues `command` for `worker`; one that is gone is noticed elsewhere.
    pub(super) fn send(&self, worker: WorkerId, command: WorkerCommand) {
        if let Some(worker) = self.workers.get(&worker) {
            let _ = worker.commands.send(CoordinatorMessage::Command(command));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.workers.len()
    }

    pub(super) fn infos(&self) -> Vec<WorkerInfo> {
        self.workers.keys().filter_map(|&worker| self.info(worker)).collect()
    }

    pub(super) fn info(&self, worker: WorkerId) -> Option<WorkerInfo> {
        let registration = &self.workers.get(&worker)?.registration;
        Some(WorkerInfo {
            worker,
            address: registration.exchange_address.clone(),
            memory_bytes: registration.memory_bytes,
        })
    }

    /// Threads of `worker` that compute.
    pub(super) fn n_threads(&self, worker: WorkerId) -> u32 {
        self.workers.get(&worker).map_or(0, |worker| worker.registration.n_threads)
    }
}
