//! The task that owns the worker machine for one session with the coordinator.

use std::collections::{BTreeMap, VecDeque};

use kaskade_engine::partition::Partition;
use kaskade_engine::worker::{Action, Computed, Task, WorkerMachine};
use kaskade_model::coin::Isa;
use kaskade_model::dynamics::{NoColumns, NodeColumns};
use kaskade_model::message::{
    Assignment, Attempt, Member, PeerMessage, WorkerCommand, WorkerEvent,
};
use kaskade_model::tally::Work;
use kaskade_model::{AnyShard, WorkerId};
use kaskade_rpc::control::Client;
use kaskade_rpc::fail_point;
use kaskade_rpc::security::ClientSecurity;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use crate::cache::ShardCache;
use crate::compute_pool::{ComputePool, guard};
use crate::config::ExchangeConfig;
use crate::error::WorkerError;
use crate::exchange::{PeerLink, open_link};
use crate::metrics::Metrics;
use crate::round_times::RoundTimes;
use crate::spans::Spans;

/// What the driver reacts to.
#[derive(Debug)]
pub(crate) enum Input {
    /// From the coordinator.
    Command(WorkerCommand),
    /// From a peer.
    Peer {
        attempt: Attempt,
        from: WorkerId,
        message: PeerMessage,
        /// Given back when the message has been handled.
        room: Option<OwnedSemaphorePermit>,
    },
    /// A stream from or to a peer ended before its attempt did.
    PeerStreamBroken { attempt: Attempt, peer: WorkerId, detail: String },
    /// Shards are mapped and peers connected, or not.
    Ready { attempt: Attempt, outcome: Result<Box<Ready>, PrepareError> },
    /// A task has run.
    Computed(Result<Computed, WorkerError>, Attempt),
}

/// All that an attempt needs.
#[derive(Debug)]
pub(crate) struct Ready {
    partition: Partition,
    links: BTreeMap<WorkerId, PeerLink>,
}

/// Why an attempt cannot be taken up.
#[derive(Debug)]
pub(crate) enum PrepareError {
    /// This worker cannot.
    Own(WorkerError),
    /// A peer is not to be reached.
    Peer { peer: WorkerId, detail: String },
}

/// An attempt that is being got ready. Dropping it stops that.
#[derive(Debug)]
struct Preparation {
    task: AbortHandle,
    /// The first peer whose stream broke meanwhile, and what was seen.
    broken: Option<(WorkerId, String)>,
}

impl Drop for Preparation {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Inputs that wait for the driver, at most: it never waits itself, so it soon takes them.
pub(crate) const MAILBOX_INPUTS: usize = 1024;

/// The driver of a session.
pub(crate) struct Driver {
    own: WorkerId,
    machine: WorkerMachine,
    links: BTreeMap<Attempt, BTreeMap<WorkerId, PeerLink>>,
    /// Preparations that are under way and still wanted.
    preparing: BTreeMap<Attempt, Preparation>,
    preparations: JoinSet<()>,
    mailbox: mpsc::Sender<Input>,
    events: mpsc::UnboundedSender<WorkerEvent>,
    tools: Tools,
    spans: Spans,
    times: RoundTimes,
}

/// What a driver works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) cache: ShardCache,
    /// For files that the cache lacks.
    pub(crate) client: Client,
    pub(crate) pool: ComputePool,
    /// For the streams to peers.
    pub(crate) peers: PeerSettings,
    pub(crate) metrics: Metrics,
}

/// How a worker speaks with its peers.
#[derive(Clone, Debug)]
pub(crate) struct PeerSettings {
    /// What it shows them, and asks of them.
    pub(crate) security: ClientSecurity,
    /// Streams, each with a connection, and room.
    pub(crate) exchange: ExchangeConfig,
}

impl Driver {
    pub(crate) fn new(
        own: WorkerId,
        mailbox: mpsc::Sender<Input>,
        events: mpsc::UnboundedSender<WorkerEvent>,
        tools: Tools,
    ) -> Self {
        Self {
            own,
            machine: WorkerMachine::new(tools.peers.exchange.credit_bytes),
            links: BTreeMap::new(),
            preparing: BTreeMap::new(),
            preparations: JoinSet::new(),
            mailbox,
            events,
            tools,
            spans: Spans::new(own),
            times: RoundTimes::default(),
        }
    }

    /// Handles inputs until the session drops its end of `inputs`.
    pub(crate) async fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        while let Some(input) = inputs.recv().await {
            self.handle(input);
            // Reaps what has finished; the outcome came through the mailbox.
            while self.preparations.try_join_next().is_some() {}
        }
    }

    fn handle(&mut self, input: Input) {
        let actions = match input {
            Input::Command(WorkerCommand::Prepare(assignment)) => {
                self.prepare(*assignment);
                Vec::new()
            }
            Input::Command(WorkerCommand::BeginBatch { attempt, batch }) => {
                self.machine.begin_batch(&attempt, batch)
            }
            Input::Command(WorkerCommand::Release { attempt }) => {
                self.release(&attempt);
                Vec::new()
            }
            Input::Peer { attempt, from, message, room: _room } => {
                if let PeerMessage::Chunk(chunk) = &message {
                    self.tools.metrics.received(chunk.payload.len());
                }
                self.machine.receive(&attempt, from, message)
            }
            Input::PeerStreamBroken { attempt, peer, detail } => {
                self.peer_stream_broken(attempt, peer, detail);
                Vec::new()
            }
            Input::Ready { attempt, outcome } => self.ready(attempt, outcome),
            Input::Computed(Ok(computed), _) => self.machine.computed(computed),
            Input::Computed(Err(error), attempt) => vec![failed(attempt, &error)],
        };
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Compute(task) => actions.extend(self.compute(task)),
                Action::Send { attempt, messages } => {
                    // Credits, and chunks that waited for some, end no round.
                    let marker = messages.iter().find_map(|(_, message)| match message {
                        PeerMessage::Marker(marker) => Some(*marker),
                        PeerMessage::Chunk(_) | PeerMessage::Credit(_) => None,
                    });
                    if let Some(marker) = marker {
                        self.times.note(&attempt, &marker);
                        self.spans.exchange(&attempt, &marker);
                        fail_point::reach("slice-before-send");
                    }
                    self.send(&attempt, messages);
                    if marker.is_some() {
                        fail_point::reach("slice-sent");
                    }
                }
                Action::Report(event) => self.report(event),
            }
        }
    }

    fn prepare(&mut self, assignment: Assignment) {
        let (own, tools, mailbox) = (self.own, self.tools.clone(), self.mailbox.clone());
        let attempt = assignment.attempt.clone();
        self.stop_preparing(&attempt);
        tracing::info!(job_id = %attempt.job, epoch = attempt.epoch.0, "preparing");
        let prepared = attempt.clone();
        let task = self.preparations.spawn(async move {
            let outcome = get_ready(own, assignment, &tools, &mailbox).await;
            let outcome = outcome.map(Box::new);
            // The session may have ended meanwhile.
            let _ = mailbox.send(Input::Ready { attempt: prepared, outcome }).await;
        });
        self.preparing.insert(attempt, Preparation { task, broken: None });
    }

    /// Stops the preparations that `attempt` replaces, its own among them.
    fn stop_preparing(&mut self, attempt: &Attempt) {
        self.preparing.retain(|other, _| !is_replaced(other, attempt));
    }

    fn peer_stream_broken(&mut self, attempt: Attempt, peer: WorkerId, detail: String) {
        if let Some(preparation) = self.preparing.get_mut(&attempt) {
            preparation.broken.get_or_insert((peer, detail));
        } else if self.links.contains_key(&attempt) {
            self.report(WorkerEvent::PeerLost { attempt, peer, detail });
        }
    }

    fn ready(
        &mut self,
        attempt: Attempt,
        outcome: Result<Box<Ready>, PrepareError>,
    ) -> Vec<Action> {
        // One that was released meanwhile is not wanted any more.
        let Some(mut preparation) = self.preparing.remove(&attempt) else { return Vec::new() };
        let broken = preparation.broken.take();
        let broken = broken.map(|(peer, detail)| PrepareError::Peer { peer, detail });
        match outcome.and_then(|ready| broken.map_or(Ok(ready), Err)) {
            Ok(ready) => {
                let Ready { partition, links } = *ready;
                self.links.retain(|other, _| !is_replaced(other, &attempt));
                let room_of = |(&peer, link): (&WorkerId, &PeerLink)| (peer, link.credit_bytes);
                let peers = links.iter().map(room_of).collect();
                self.links.insert(attempt.clone(), links);
                self.spans.retain(|other| !is_replaced(other, &attempt));
                self.spans.prepare(&attempt);
                self.machine.prepare(attempt, partition, peers)
            }
            Err(PrepareError::Own(error)) => {
                tracing::error!(job_id = %attempt.job, error = %Chain(&error), "could not prepare");
                let (reason, detail) = (error.reason(), Chain(&error).to_string());
                vec![Action::Report(WorkerEvent::AttemptFailed { attempt, reason, detail })]
            }
            Err(PrepareError::Peer { peer, detail }) => {
                vec![Action::Report(WorkerEvent::PeerLost { attempt, peer, detail })]
            }
        }
    }

    fn release(&mut self, attempt: &Attempt) {
        self.stop_preparing(attempt);
        self.machine.release(attempt);
        self.times.forget(attempt);
        self.links.remove(attempt);
        self.spans.release(attempt);
    }

    /// Computes `task`: here if it is light, because to wake the pool takes longer, else there.
    fn compute(&mut self, task: Task) -> Vec<Action> {
        let (attempt, batch) = task.of();
        let attempt = attempt.clone();
        let span = self.spans.task(&attempt, batch);
        self.tools.metrics.in_flight(self.spans.n_batches());
        let _entered = span.enter();
        match guard(move || task.run_if_light()) {
            Ok(Ok(computed)) => self.machine.computed(computed),
            Ok(Err(task)) => {
                let mailbox = self.mailbox.clone();
                self.tools.pool.spawn(
                    move || task.run(),
                    // A session that has ended waits for nothing.
                    move |outcome| drop(mailbox.blocking_send(Input::Computed(outcome, attempt))),
                );
                Vec::new()
            }
            Err(error) => vec![failed(attempt, &error)],
        }
    }

    fn send(&mut self, attempt: &Attempt, messages: Vec<(WorkerId, PeerMessage)>) {
        let Some(links) = self.links.get_mut(attempt) else { return };
        for (peer, message) in messages {
            if let Some(link) = links.get_mut(&peer) {
                link.send(message);
            }
        }
    }

    fn report(&mut self, event: WorkerEvent) {
        match &event {
            WorkerEvent::RoundReported { .. } => self.tools.metrics.round_reported(),
            WorkerEvent::BatchTallied { attempt, batch, tally } => {
                self.spans.tallied(attempt, *batch);
                self.tools.metrics.batch_tallied(tally);
                self.tools.metrics.in_flight(self.spans.n_batches());
                let round_us = self.times.median_us(attempt, *batch);
                let Work { bytes_sent, activations_sent, .. } = tally.work;
                let bytes_each = bytes_sent as f64 / activations_sent.max(1) as f64;
                tracing::info!(
                    job_id = %attempt.job, batch_id = batch.0, n_rounds = tally.n_rounds(),
                    round_us, bytes_sent, activations_sent, bytes_each, "batch done"
                );
            }
            _ => {}
        }
        // The session may have ended meanwhile.
        let _ = self.events.send(event);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.machine.release_all();
    }
}

fn failed(attempt: Attempt, error: &WorkerError) -> Action {
    let (reason, detail) = (error.reason(), error.to_string());
    Action::Report(WorkerEvent::AttemptFailed { attempt, reason, detail })
}

/// Whether `other` is over once `attempt` is: no later one of the same job and group.
fn is_replaced(other: &Attempt, attempt: &Attempt) -> bool {
    (&other.job, other.group) == (&attempt.job, attempt.group) && other.epoch <= attempt.epoch
}

async fn get_ready(
    own: WorkerId,
    assignment: Assignment,
    tools: &Tools,
    mailbox: &mpsc::Sender<Input>,
) -> Result<Ready, PrepareError> {
    let Tools { cache, client, pool, peers, .. } = tools;
    let is_own = |member: &&Member| member.worker == own;
    let no_member = WorkerError::Assignment("this worker is none of its members");
    let member = assignment.members.iter().find(is_own).ok_or(PrepareError::Own(no_member))?;
    let shards = cache.shards(&assignment, &member.shards, client, pool).await;
    let shards = shards.map_err(PrepareError::Own)?;
    let shards = shards.into_iter().map(|shard| -> AnyShard { shard }).collect();
    let plan = assignment.plan.clone();
    let is_alone = assignment.members.len() == 1;
    let columns = cache.columns(&assignment, client, pool).await.map_err(PrepareError::Own)?;
    let join = move || {
        // The planner counted them.
        let lists_limit_bytes = if is_alone { u64::MAX } else { 0 };
        let columns: &dyn NodeColumns = match &columns {
            Some(columns) => columns,
            None => &NoColumns,
        };
        Partition::join(shards, plan, Isa::detect(), lists_limit_bytes, columns)
    };
    let partition = pool.run(join).await;
    let partition = partition
        .and_then(|partition| partition.map_err(WorkerError::from))
        .map_err(PrepareError::Own)?;
    let mut links = BTreeMap::new();
    for peer in assignment.members.iter().filter(|member| member.worker != own) {
        let (mailbox, attempt) = (mailbox.clone(), assignment.attempt.clone());
        let worker = peer.worker;
        let broken = move |detail| {
            let input = Input::PeerStreamBroken { attempt, peer: worker, detail };
            // Called from the link's own task, which ends with it.
            tokio::spawn(async move { mailbox.send(input).await });
        };
        let streams = (peer, peers.exchange.n_streams);
        let link = open_link(&assignment.attempt, own, streams, &peers.security, broken).await;
        let unreachable = |error: kaskade_rpc::RpcError| PrepareError::Peer {
            peer: worker,
            detail: error.to_string(),
        };
        links.insert(worker, link.map_err(unreachable)?);
    }
    Ok(Ready { partition, links })
}

/// An error with all that caused it, on one line.
struct Chain<'a>(&'a WorkerError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
