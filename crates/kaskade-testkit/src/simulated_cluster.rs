//! A cluster in one thread: the job machine, worker machines, and a network between them
//! that delays, reorders, repeats and loses, as one seed says.
//!
//! Sessions with the coordinator keep their order, as a stream does; messages between
//! workers do not, because several streams may carry them. A message that is lost breaks
//! its stream, so its peer is reported. Every step is in the event log, which a failing
//! test prints with the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kaskade_engine::job::{
    JobAction, JobEnd, JobEvent, JobLimits, JobMachine, JobSetup, WorkerInfo,
};
use kaskade_engine::partition::Partition;
use kaskade_engine::worker::{Action, Task, WorkerMachine};
use kaskade_model::coin::Isa;
use kaskade_model::message::{Attempt, PeerMessage, WorkerCommand, WorkerEvent};
use kaskade_model::tally::JobTally;
use kaskade_model::{AnyShard, Epoch, WorkerId};

/// What goes wrong and how little room there is; faults each with its chance in a thousand at every step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A worker dies with all it knew; another one may join later.
    pub crash_per_mille: u64,
    /// A worker asks to leave, and is to be given no more than it has; another one joins.
    pub leave_per_mille: u64,
    /// A message between workers is lost, and its stream with it.
    pub loss_per_mille: u64,
    /// A message between workers arrives twice.
    pub repeat_per_mille: u64,
    /// Faults of all kinds but repeats, at most.
    pub budget: usize,
    /// Bytes of chunks that a worker has room for, of each peer and batch; one chunk at least.
    pub credit_bytes: u64,
}

/// How a simulated job ended, and what it went through.
#[derive(Debug)]
pub struct SimulatedRun {
    /// The end.
    pub end: JobEnd,
    /// The batches that were committed.
    pub tally: JobTally,
    /// How many of their simulations, from the first on, are in the result.
    pub n_simulations: u64,
    /// Workers that died.
    pub n_crashes: usize,
    /// Workers that asked to leave.
    pub n_leaves: usize,
    /// Messages that were lost.
    pub n_losses: usize,
    /// Losses that hit batches while their rounds were under way.
    pub n_hits_in_rounds: usize,
    /// Bytes of chunks that were on their way from one worker to another at a time, at most.
    pub max_bytes_under_way: u64,
    /// Everything that happened, a line a step.
    pub log: Vec<String>,
}

/// Runs the job of `setup` on `n_workers` simulated workers that know `shards`.
///
/// # Panics
/// When an invariant breaks (an epoch is used before it is committed) or the job does not end
/// within a bound of steps; the message has the last steps of the log.
#[must_use]
pub fn run(
    setup: JobSetup,
    shards: &[AnyShard],
    n_workers: usize,
    faults: Faults,
    seed: u64,
) -> SimulatedRun {
    let mut cluster = Cluster::new(setup, shards, n_workers, faults, seed);
    let end = cluster.run_to_end();
    let (tally, n_simulations) = cluster.job.into_tally();
    SimulatedRun {
        end,
        n_crashes: cluster.n_crashes,
        n_leaves: cluster.leaving.len(),
        n_losses: cluster.n_losses,
        n_hits_in_rounds: cluster.n_hits_in_rounds,
        max_bytes_under_way: cluster.max_bytes_under_way,
        tally,
        n_simulations,
        log: cluster.log,
    }
}

/// No job of a test takes longer.
const MAX_STEPS: usize = 200_000;

struct Cluster<'a> {
    shards: &'a [AnyShard],
    faults: Faults,
    random: SplitMix,
    now_ms: u64,
    job: JobMachine,
    end: Option<JobEnd>,
    workers: BTreeMap<WorkerId, Worker>,
    next_worker: u64,
    to_peers: Vec<ToPeer>,
    /// Who came and who was lost, as the coordinator notices it, in order.
    to_job: VecDeque<JobEvent>,
    committed_epochs: BTreeSet<Epoch>,
    /// Workers whose wish to leave the coordinator has been told, or will be.
    leaving: BTreeSet<WorkerId>,
    /// Those of which it has heard.
    told: BTreeSet<WorkerId>,
    n_crashes: usize,
    n_losses: usize,
    n_hits_in_rounds: usize,
    max_bytes_under_way: u64,
    log: Vec<String>,
}

struct Worker {
    machine: WorkerMachine,
    commands: VecDeque<WorkerCommand>,
    events: VecDeque<WorkerEvent>,
    tasks: Vec<Task>,
}

impl Worker {
    fn new(credit_bytes: u64) -> Self {
        Self {
            machine: WorkerMachine::new(credit_bytes),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            tasks: Vec::new(),
        }
    }
}

struct ToPeer {
    attempt: Attempt,
    from: WorkerId,
    to: WorkerId,
    message: PeerMessage,
}

impl<'a> Cluster<'a> {
    fn new(
        setup: JobSetup,
        shards: &'a [AnyShard],
        n_workers: usize,
        faults: Faults,
        seed: u64,
    ) -> Self {
        let limits = JobLimits { settle_ms: 5, ..JobLimits::DEFAULT };
        let mut cluster = Self {
            shards,
            faults,
            random: SplitMix(seed),
            now_ms: 0,
            job: JobMachine::new(setup, limits, [], 0),
            end: None,
            workers: BTreeMap::new(),
            next_worker: 1,
            to_peers: Vec::new(),
            to_job: VecDeque::new(),
            committed_epochs: BTreeSet::new(),
            leaving: BTreeSet::new(),
            told: BTreeSet::new(),
            n_crashes: 0,
            n_losses: 0,
            n_hits_in_rounds: 0,
            max_bytes_under_way: 0,
            log: Vec::new(),
        };
        (0..n_workers).for_each(|_| cluster.join());
        cluster
    }

    fn run_to_end(&mut self) -> JobEnd {
        for _ in 0..MAX_STEPS {
            if let Some(end) = self.end.take() {
                return end;
            }
            self.step();
        }
        let last = self.log.len().saturating_sub(40);
        panic!("the job did not end; the last steps:\n{}", self.log[last..].join("\n"));
    }

    fn step(&mut self) {
        if self.n_crashes + self.n_losses + self.leaving.len() < self.faults.budget {
            if self.random.hits(self.faults.leave_per_mille) {
                self.leave();
            }
            if self.random.hits(self.faults.crash_per_mille) {
                self.crash();
            }
            if self.random.hits(self.faults.loss_per_mille) {
                self.lose_message();
            }
        }
        match self.random.below(5) {
            0 => self.deliver_command(),
            1 => self.deliver_event(),
            2 => self.deliver_to_peer(),
            3 => self.compute(),
            _ => {
                self.now_ms += self.random.below(3);
                let event = self.to_job.pop_front().unwrap_or(JobEvent::Ticked);
                self.handle(event);
            }
        }
    }

    fn join(&mut self) {
        let worker = WorkerId(self.next_worker);
        self.next_worker += 1;
        self.workers.insert(worker, Worker::new(self.faults.credit_bytes));
        let address = format!("simulated-{worker}");
        let info = WorkerInfo { worker, address, memory_bytes: u64::MAX };
        self.to_job.push_back(JobEvent::WorkerJoined(info));
    }

    fn crash(&mut self) {
        let alive: Vec<WorkerId> = self.workers.keys().copied().collect();
        let worker = alive[self.random.below(alive.len() as u64) as usize];
        self.n_crashes += 1;
        self.note(format!("crash of worker {worker}"));
        self.workers.remove(&worker);
        self.to_peers.retain(|m| m.from != worker && m.to != worker);
        self.to_job.push_back(JobEvent::WorkerLost { worker, detail: "crashed".to_owned() });
        self.join();
    }

    fn leave(&mut self) {
        let stays = |id: &WorkerId| !self.leaving.contains(id);
        let mut staying: Vec<WorkerId> = self.workers.keys().copied().filter(stays).collect();
        let Some(worker) = pick(&mut staying, &mut self.random) else { return };
        self.note(format!("worker {worker} wants to leave"));
        self.leaving.insert(worker);
        self.to_job.push_back(JobEvent::WorkerLeaving(worker));
        self.join();
    }

    fn lose_message(&mut self) {
        let Some(lost) = pick(&mut self.to_peers, &mut self.random) else { return };
        self.n_losses += 1;
        self.note(format!("lost {:?} from {} to {}", lost.message, lost.from, lost.to));
        if let Some(receiver) = self.workers.get_mut(&lost.to) {
            receiver.events.push_back(WorkerEvent::PeerLost {
                attempt: lost.attempt,
                peer: lost.from,
                detail: "stream broke".to_owned(),
            });
        }
    }

    fn deliver_command(&mut self) {
        let Some(id) = self.some_worker(|worker| !worker.commands.is_empty()) else { return };
        let worker = self.workers.get_mut(&id).expect("some_worker gives a present one");
        let command = worker.commands.pop_front().expect("some_worker gives one with commands");
        self.log.push(format!("worker {id} gets {command:?}"));
        let actions = match command {
            WorkerCommand::Prepare(assignment) => {
                let member = assignment.members.iter().find(|member| member.worker == id);
                let held = member.map(|member| member.shards.clone()).unwrap_or_default();
                let shards = held.iter().map(|shard| self.shards[shard.0 as usize].clone());
                let plan = assignment.plan.clone();
                // Whoever has all shards is alone in its group.
                let partition = Partition::alone(shards.collect(), plan, Isa::Portable, u64::MAX)
                    .expect("simulated jobs fit their graphs");
                let others = assignment.members.iter().map(|m| m.worker).filter(|&w| w != id);
                let others = others.map(|other| (other, self.faults.credit_bytes)).collect();
                worker.machine.prepare(assignment.attempt, partition, others)
            }
            WorkerCommand::BeginBatch { attempt, batch } => {
                worker.machine.begin_batch(&attempt, batch)
            }
            WorkerCommand::Release { attempt } => {
                worker.machine.release(&attempt);
                Vec::new()
            }
        };
        self.act(id, actions);
    }

    fn deliver_event(&mut self) {
        let Some(id) = self.some_worker(|worker| !worker.events.is_empty()) else { return };
        let worker = self.workers.get_mut(&id).expect("some_worker gives a present one");
        let event = worker.events.pop_front().expect("some_worker gives one with events");
        self.handle(JobEvent::Reported { worker: id, event });
    }

    fn deliver_to_peer(&mut self) {
        let Some(sent) = pick(&mut self.to_peers, &mut self.random) else { return };
        let ToPeer { attempt, from, to, message } = sent;
        if self.random.hits(self.faults.repeat_per_mille) {
            let (attempt, message) = (attempt.clone(), message.clone());
            self.to_peers.push(ToPeer { attempt, from, to, message });
        }
        if let Some(receiver) = self.workers.get_mut(&to) {
            let actions = receiver.machine.receive(&attempt, from, message);
            self.act(to, actions);
        }
    }

    fn compute(&mut self) {
        let Some(id) = self.some_worker(|worker| !worker.tasks.is_empty()) else { return };
        let worker = self.workers.get_mut(&id).expect("some_worker gives a present one");
        let task = pick(&mut worker.tasks, &mut self.random).expect("it has tasks");
        let computed = task.run_if_light().unwrap_or_else(|task| task.run());
        let actions = worker.machine.computed(computed);
        self.act(id, actions);
    }

    fn act(&mut self, id: WorkerId, actions: Vec<Action>) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        for action in actions {
            match action {
                Action::Compute(task) => worker.tasks.push(task),
                Action::Report(event) => worker.events.push_back(event),
                Action::Send { attempt, messages } => {
                    self.to_peers.extend(messages.into_iter().map(|(to, message)| ToPeer {
                        attempt: attempt.clone(),
                        from: id,
                        to,
                        message,
                    }));
                }
            }
        }
        self.note_bytes_under_way(id);
    }

    fn note_bytes_under_way(&mut self, from: WorkerId) {
        let mut bytes = BTreeMap::<WorkerId, u64>::new();
        for sent in self.to_peers.iter().filter(|sent| sent.from == from) {
            if let PeerMessage::Chunk(chunk) = &sent.message {
                *bytes.entry(sent.to).or_default() += chunk.payload.len() as u64;
            }
        }
        let most = bytes.into_values().max().unwrap_or(0);
        self.max_bytes_under_way = self.max_bytes_under_way.max(most);
    }

    fn handle(&mut self, event: JobEvent) {
        if let JobEvent::WorkerLeaving(worker) = event {
            self.told.insert(worker);
        }
        if event != JobEvent::Ticked {
            self.log.push(format!("coordinator gets {event:?}"));
        }
        for action in self.job.handle(self.now_ms, event) {
            match action {
                JobAction::CommitEpoch(epoch) => {
                    assert!(self.committed_epochs.insert(epoch), "epoch {epoch} is used twice");
                }
                JobAction::Send { worker, command } => {
                    if let WorkerCommand::Prepare(assignment) = &*command {
                        assert!(!self.told.contains(&worker), "worker {worker} is leaving");
                        let epoch = assignment.attempt.epoch;
                        assert!(self.committed_epochs.contains(&epoch), "{epoch} is not durable");
                    }
                    if let Some(worker) = self.workers.get_mut(&worker) {
                        worker.commands.push_back(*command);
                    }
                }
                JobAction::CommitBatch { batch, .. } => self.note(format!("committed {batch}")),
                JobAction::NoteRecovery(loss) => {
                    self.n_hits_in_rounds += usize::from(loss.was_in_rounds);
                    self.note(format!("recovers: {loss:?}"));
                }
                JobAction::Finish(end) => self.end = Some(end),
            }
        }
    }

    fn some_worker(&mut self, suits: impl Fn(&Worker) -> bool) -> Option<WorkerId> {
        let ids = self.workers.iter().filter(|(_, worker)| suits(worker)).map(|(&id, _)| id);
        let mut suitable: Vec<WorkerId> = ids.collect();
        pick(&mut suitable, &mut self.random)
    }

    fn note(&mut self, line: String) {
        self.log.push(line);
    }
}

/// Takes any element out.
fn pick<T>(from: &mut Vec<T>, random: &mut SplitMix) -> Option<T> {
    let n = from.len() as u64;
    (n > 0).then(|| from.swap_remove(random.below(n) as usize))
}

/// Steele, Lea and Flood's SplitMix64: the same steps for the same seed, on any machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn hits(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}
