//! The workers that are there.

use std::collections::BTreeMap;
use std::time::Duration;

use kaskade_engine::job::WorkerInfo;
use kaskade_model::message::{WorkerCommand, WorkerEvent};
use kaskade_model::status::WorkerStatus;
use kaskade_model::{BatchId, JobId, Round, WorkerId};
use kaskade_rpc::control::{CoordinatorMessage, Registered, Registration};
use kaskade_rpc::machine;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::metrics::{Activity, WorkerFigures};

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
    /// The latest round that it has told of.
    last_round: Option<(JobId, BatchId, Round)>,
    is_leaving: bool,
    is_dismissed: bool,
}

/// What is known of a worker that is gone.
#[derive(Debug)]
pub(super) struct Gone {
    pub(super) is_dismissed: bool,
    host_name: String,
    process_id: u32,
    resident_bytes: u64,
    memory_bytes: u64,
    silence: Duration,
    last_round: Option<(JobId, BatchId, Round)>,
    /// What its process does now, where it is one of this machine.
    process: Option<&'static str>,
}

/// The share of the memory that it offers from which on a worker that ended without a word may
/// have been killed for it.
const NEARLY_ALL: f64 = 0.9;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host_name, process_id, resident_bytes, memory_bytes, .. } = self;
        write!(f, "process {process_id} on {host_name}")?;
        if let Some(process) = self.process {
            write!(f, ", {process}")?;
        }
        write!(
            f,
            ", {resident_bytes} bytes resident when last heard of {:.1} s ago, {memory_bytes} \
             offered",
            self.silence.as_secs_f64()
        )?;
        if *resident_bytes as f64 >= NEARLY_ALL * *memory_bytes as f64 {
            write!(f, ": the system may have killed it for its memory")?;
        }
        match &self.last_round {
            Some((job, batch, round)) => {
                write!(f, "; its last report was of round {round} of batch {batch} of job {job}")
            }
            None => write!(f, "; it had reported no round"),
        }
    }
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
        let taken_in = Worker {
            registration,
            commands,
            last_heard,
            resident_bytes: 0,
            last_round: None,
            is_leaving: false,
            is_dismissed: false,
        };
        self.workers.insert(worker, taken_in);
        Registered {
            worker,
            coordinator_instance: self.instance,
            heartbeat_interval_ms: u32::try_from(self.heartbeat.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// Forgets `worker`; what was known of it, if it was there.
    pub(super) fn remove(&mut self, worker: WorkerId) -> Option<Gone> {
        let worker = self.workers.remove(&worker)?;
        let is_here = machine::host_name().as_ref() == Some(&worker.registration.host_name);
        let process = is_here.then(|| machine::what_process_does(worker.registration.process_id));
        Some(Gone {
            is_dismissed: worker.is_dismissed,
            host_name: worker.registration.host_name,
            process_id: worker.registration.process_id,
            resident_bytes: worker.resident_bytes,
            memory_bytes: worker.registration.memory_bytes,
            silence: worker.last_heard.elapsed(),
            last_round: worker.last_round,
            process,
        })
    }

    /// Notes that `worker` wants to go: no job is given to it any more.
    pub(super) fn leaving(&mut self, worker: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.is_leaving = true;
        }
    }

    /// Lets those go that want to and are not `at_work`.
    pub(super) fn dismiss(&mut self, at_work: impl Fn(WorkerId) -> bool) {
        for (&id, worker) in &mut self.workers {
            if worker.is_leaving && !worker.is_dismissed && !at_work(id) {
                worker.is_dismissed = true;
                // A session that has ended is noticed by its service.
                let _ = worker.commands.send(CoordinatorMessage::Dismissed);
            }
        }
    }

    pub(super) fn heard_of(&mut self, worker: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.last_heard = Instant::now();
        }
    }

    /// Notes the round that `event` tells of, if it does.
    pub(super) fn note_round(&mut self, worker: WorkerId, event: &WorkerEvent) {
        if let WorkerEvent::RoundReported { attempt, batch, round, .. } = event
            && let Some(worker) = self.workers.get_mut(&worker)
        {
            worker.last_round = Some((attempt.job.clone(), *batch, *round));
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
            straggler: None,
        };
        self.workers.iter().map(status).collect()
    }

    /// The workers as metrics have them; whether one `is_at_work` is known elsewhere.
    pub(super) fn figures(&self, is_at_work: impl Fn(WorkerId) -> bool) -> Vec<WorkerFigures> {
        let figures = |(&id, worker): (&WorkerId, &Worker)| WorkerFigures {
            id,
            host_name: worker.registration.host_name.clone(),
            activity: match (worker.is_leaving, is_at_work(id)) {
                (true, _) => Activity::Leaving,
                (false, true) => Activity::AtWork,
                (false, false) => Activity::Idle,
            },
            heartbeat_age: worker.last_heard.elapsed(),
            resident_bytes: worker.resident_bytes,
            offered_bytes: worker.registration.memory_bytes,
            slowness: None,
        };
        self.workers.iter().map(figures).collect()
    }

    /// Takes `deaf`, a time in which nobody could be heard, from everybody's silence.
    pub(super) fn excuse(&mut self, deaf: Duration) {
        for worker in self.workers.values_mut() {
            worker.last_heard += deaf;
        }
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

    /// The workers that a job may count on: those that do not want to go.
    pub(super) fn infos(&self) -> Vec<WorkerInfo> {
        let staying = self.workers.iter().filter(|(_, worker)| !worker.is_leaving);
        staying.filter_map(|(&worker, _)| self.info(worker)).collect()
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

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const DEAD_AFTER: Duration = Duration::from_secs(10);
    const JUST_ALIVE: Duration = Duration::from_secs(9);

    fn member(
        membership: &mut Membership,
    ) -> (WorkerId, mpsc::UnboundedReceiver<CoordinatorMessage>) {
        let (commands, queue) = mpsc::unbounded_channel();
        let registration = Registration {
            engine_version: "1".to_owned(),
            exchange_address: "http://127.0.0.1:1".to_owned(),
            memory_bytes: 1,
            n_threads: 3,
            host_name: "here".to_owned(),
            process_id: 7,
        };
        (membership.register(registration, commands).worker, queue)
    }

    fn silent(membership: &Membership) -> Vec<WorkerId> {
        membership.silent().into_iter().map(|(worker, _)| worker).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_for_too_long_is_silent() {
        let mut membership = Membership::new(1, Duration::from_secs(1), DEAD_AFTER);
        let (first, _first_queue) = member(&mut membership);
        let (second, _second_queue) = member(&mut membership);
        advance(JUST_ALIVE).await;
        assert_eq!(silent(&membership), []);
        membership.heard_of(second);
        advance(JUST_ALIVE).await;
        assert_eq!(silent(&membership), [first]);
        assert!(membership.remove(first).is_some() && membership.remove(first).is_none());
        assert_eq!(silent(&membership), []);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_silent_for_the_time_in_which_nobody_listened() {
        let mut membership = Membership::new(1, Duration::from_secs(1), DEAD_AFTER);
        let (worker, _queue) = member(&mut membership);
        advance(10 * DEAD_AFTER).await;
        membership.excuse(10 * DEAD_AFTER);
        assert_eq!(silent(&membership), []);
        advance(DEAD_AFTER + Duration::from_millis(1)).await;
        assert_eq!(silent(&membership), [worker]);
    }

    #[tokio::test]
    async fn who_wants_to_go_is_dismissed_once_and_not_at_work() {
        let mut membership = Membership::new(1, Duration::from_secs(1), DEAD_AFTER);
        let (first, mut queue) = member(&mut membership);
        let (second, _queue) = member(&mut membership);
        membership.leaving(first);
        let staying: Vec<_> = membership.infos().into_iter().map(|info| info.worker).collect();
        assert_eq!(staying, [second]);
        membership.dismiss(|_| true);
        assert!(queue.try_recv().is_err());
        membership.dismiss(|_| false);
        membership.dismiss(|_| false);
        assert_eq!(queue.try_recv().unwrap(), CoordinatorMessage::Dismissed);
        assert!(queue.try_recv().is_err());
        let gone = membership.remove(first).unwrap();
        assert!(gone.is_dismissed && gone.to_string().contains("process 7 on here"), "{gone}");
    }

    #[tokio::test]
    async fn a_heartbeat_is_noted_and_answered() {
        let mut membership = Membership::new(1, Duration::from_secs(1), DEAD_AFTER);
        let (worker, mut queue) = member(&mut membership);
        membership.heartbeat(worker, 4096);
        assert_eq!(membership.statuses()[0].resident_bytes, 4096);
        assert_eq!(queue.try_recv().unwrap(), CoordinatorMessage::HeartbeatAck);
        assert_eq!(membership.n_threads(worker), 3);
    }
}
