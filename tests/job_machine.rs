//! The coordinator's machine by itself: who is given work, who is waited for, and what a job
//! that cannot go on says.

use kaskade_engine::job::{
    JobAction, JobEnd, JobEvent, JobLimits, JobMachine, JobSetup, MemoryShape, ShardLoad,
    WorkerInfo, largest_footprint,
};
use kaskade_model::coin::Family;
use kaskade_model::diffusion::{ArcProbability, LiveArcModel};
use kaskade_model::dynamics::Dynamics;
use kaskade_model::job::JobPlan;
use kaskade_model::message::{Assignment, Reason, WorkerCommand, WorkerEvent};
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::spec::Placement;
use kaskade_model::tally::{JobTally, PartitionTally};
use kaskade_model::{BatchId, Epoch, JobId, ShardId, WorkerId};

const LIMITS: JobLimits = JobLimits::DEFAULT;

fn shards() -> Vec<ShardLoad> {
    let shard = |id| ShardLoad { shard: ShardId(id), n_nodes: 64, n_arcs: 900, n_bytes: 9000 };
    (0..6).map(shard).collect()
}

fn setup(placement: Placement) -> JobSetup {
    JobSetup {
        job: JobId::new("job").expect("letters make a job id"),
        graph: "graph".to_owned(),
        graph_digest: "digest".to_owned(),
        shard_table_digest: "table".to_owned(),
        plan: JobPlan {
            dynamics: Dynamics::default(),
            coins: Family::Octet,
            model: LiveArcModel::IndependentCascade(ArcProbability::Constant(0.1)),
            seed: 1,
            seeds: SeedPlan::RandomEach(2),
            n_nodes: 384,
            first_simulation: 0,
            n_simulations: 64 * 20,
            max_rounds: None,
            recording: Recording::default(),
            lane_words: 1,
        },
        until: None,
        shards: shards(),
        placement,
        first_epoch: Epoch(1),
        finished: JobTally::default(),
    }
}

fn worker(id: u64, memory_bytes: u64) -> WorkerInfo {
    WorkerInfo { worker: WorkerId(id), address: format!("http://127.0.0.1:{id}"), memory_bytes }
}

/// The machine under test, its time, and what was begun.
struct Test {
    machine: JobMachine,
    now_ms: u64,
}

impl Test {
    fn new(placement: Placement, memory: &[u64]) -> (Self, Vec<JobAction>) {
        let workers = (1..).zip(memory).map(|(id, &bytes)| worker(id, bytes));
        let machine = JobMachine::new(setup(placement), LIMITS, workers, 0);
        let mut test = Self { machine, now_ms: 0 };
        let actions = test.after(0, JobEvent::Ticked);
        (test, actions)
    }

    fn after(&mut self, ms: u64, event: JobEvent) -> Vec<JobAction> {
        self.now_ms += ms;
        self.machine.handle(self.now_ms, event)
    }

    /// All of `assignment`'s members report that they are prepared; what begins.
    fn prepare(&mut self, assignment: &Assignment) -> Vec<JobAction> {
        let mut actions = Vec::new();
        for member in &assignment.members {
            let event = WorkerEvent::Prepared { attempt: assignment.attempt.clone() };
            actions.extend(self.after(1, JobEvent::Reported { worker: member.worker, event }));
        }
        actions
    }

    /// All members report the tally of `batch`.
    fn tally(&mut self, assignment: &Assignment, batch: u32) -> Vec<JobAction> {
        let mut actions = Vec::new();
        for member in &assignment.members {
            let event = WorkerEvent::BatchTallied {
                attempt: assignment.attempt.clone(),
                batch: BatchId(batch),
                tally: Box::new(PartitionTally::empty(64 * u64::from(batch), 64)),
            };
            actions.extend(self.after(1, JobEvent::Reported { worker: member.worker, event }));
        }
        actions
    }
}

fn assignments(actions: &[JobAction]) -> Vec<Assignment> {
    let mut found: Vec<Assignment> = Vec::new();
    for action in actions {
        if let JobAction::Send { command, .. } = action
            && let WorkerCommand::Prepare(assignment) = &**command
            && found.last().is_none_or(|last| last.attempt != assignment.attempt)
        {
            found.push((**assignment).clone());
        }
    }
    found
}

fn batches_begun(actions: &[JobAction]) -> usize {
    let begins = |action: &&JobAction| {
        matches!(action, JobAction::Send { command, .. }
            if matches!(**command, WorkerCommand::BeginBatch { .. }))
    };
    actions.iter().filter(begins).count()
}

fn losses(actions: &[JobAction]) -> usize {
    actions.iter().filter(|action| matches!(action, JobAction::NoteRecovery(_))).count()
}

fn failure(actions: &[JobAction]) -> Option<(Reason, &str)> {
    actions.iter().find_map(|action| match action {
        JobAction::Finish(JobEnd::Failed { reason, detail }) => Some((*reason, detail.as_str())),
        _ => None,
    })
}

fn workers_of(assignment: &Assignment) -> Vec<u64> {
    assignment.members.iter().map(|member| member.worker.0).collect()
}

#[test]
fn a_worker_that_leaves_ends_its_batches_first_and_nothing_is_lost() {
    let (mut test, actions) = Test::new(Placement::Partition, &[u64::MAX; 3]);
    let first = assignments(&actions).remove(0);
    assert_eq!(batches_begun(&test.prepare(&first)), 2 * 3, "two batches, three members");

    let leaving = test.after(1, JobEvent::WorkerLeaving(WorkerId(2)));
    assert_eq!((losses(&leaving), assignments(&leaving).len()), (0, 0));
    assert_eq!(batches_begun(&test.tally(&first, 0)), 0, "no batch begins any more");
    assert!(test.machine.is_at_work(WorkerId(2)));
    let last = test.tally(&first, 1);
    assert_eq!(losses(&last), 0);
    let second = assignments(&last).remove(0);
    assert_eq!(workers_of(&second), [1, 3]);
    assert!(second.attempt.epoch > first.attempt.epoch);
    assert!(!test.machine.is_at_work(WorkerId(2)));
    let gone = JobEvent::WorkerLost { worker: WorkerId(2), detail: "it left".to_owned() };
    assert_eq!(losses(&test.after(1, gone)), 0);
}

#[test]
fn a_worker_that_joins_is_taken_in_between_batches() {
    let (mut test, actions) = Test::new(Placement::Auto, &[u64::MAX]);
    assert_eq!(test.machine.placement(), Placement::Replicate);
    let first = assignments(&actions).remove(0);
    test.prepare(&first);
    test.after(1, JobEvent::WorkerJoined(worker(2, u64::MAX)));
    let joined = assignments(&test.after(LIMITS.settle_ms, JobEvent::Ticked)).remove(0);
    assert_eq!(workers_of(&joined), [2], "whole batches need no regrouping");

    let (mut test, actions) = Test::new(Placement::Partition, &[u64::MAX]);
    let first = assignments(&actions).remove(0);
    test.prepare(&first);
    test.after(1, JobEvent::WorkerJoined(worker(2, u64::MAX)));
    assert!(assignments(&test.after(LIMITS.settle_ms, JobEvent::Ticked)).is_empty());
    assert_eq!(batches_begun(&test.tally(&first, 0)), 0);
    let wider = assignments(&test.tally(&first, 1)).remove(0);
    assert_eq!(workers_of(&wider), [1, 2]);
}

#[test]
fn a_job_that_does_not_fit_waits_for_workers_and_then_says_what_it_takes() {
    let loads = shards();
    let coins = Some(Family::Octet);
    let shape = MemoryShape { coins, ..MemoryShape::in_cluster(&loads, 1) };
    let needed = |n_parts| largest_footprint(shape, n_parts).total_bytes();
    let (mut test, actions) = Test::new(Placement::Auto, &[needed(2)]);
    assert!(assignments(&actions).is_empty());
    let why = test.machine.waiting_for().unwrap();
    assert!(why.contains(&format!("{} bytes a worker", needed(1))), "{why}");
    assert_eq!(failure(&test.after(LIMITS.admission_ms - 1, JobEvent::Ticked)), None);
    test.after(0, JobEvent::WorkerJoined(worker(2, needed(2))));
    let formed = assignments(&test.after(LIMITS.settle_ms, JobEvent::Ticked)).remove(0);
    assert_eq!((workers_of(&formed), test.machine.placement()), (vec![1, 2], Placement::Partition));

    let (mut test, _) = Test::new(Placement::Auto, &[needed(2)]);
    let refused = test.after(LIMITS.admission_ms, JobEvent::Ticked);
    let (reason, detail) = failure(&refused).expect("nobody joined");
    assert_eq!(reason, Reason::OutOfMemory);
    for part in [needed(1).to_string(), needed(2).to_string(), "--memory".to_owned()] {
        assert!(detail.contains(&part), "{detail}");
    }
}

#[test]
fn what_is_left_of_a_cluster_waits_the_grace_for_what_it_lost() {
    let loads = shards();
    let needed = largest_footprint(MemoryShape::in_cluster(&loads, 1), 2).total_bytes();
    let (mut test, actions) = Test::new(Placement::Auto, &[needed, needed]);
    test.prepare(&assignments(&actions)[0]);
    test.after(1, JobEvent::WorkerLost { worker: WorkerId(1), detail: "killed".to_owned() });
    assert_eq!(failure(&test.after(LIMITS.admission_ms + 1000, JobEvent::Ticked)), None);
    test.after(1, JobEvent::WorkerJoined(worker(3, needed)));
    let formed = assignments(&test.after(LIMITS.settle_ms, JobEvent::Ticked)).remove(0);
    assert_eq!(workers_of(&formed), [2, 3]);
}

#[test]
fn a_full_disk_is_waited_for_and_costs_no_retry() {
    let (mut test, actions) = Test::new(Placement::Partition, &[u64::MAX]);
    let mut assignment = assignments(&actions).remove(0);
    for _ in 0..3 * LIMITS.max_retries {
        let event = WorkerEvent::AttemptFailed {
            attempt: assignment.attempt.clone(),
            reason: Reason::DiskFull,
            detail: "no space in the cache".to_owned(),
        };
        let failed = test.after(1, JobEvent::Reported { worker: WorkerId(1), event });
        assert_eq!(failure(&failed), None);
        assert!(test.machine.waiting_for().unwrap().contains("no space in the cache"));
        let idle = test.after(LIMITS.disk_retry_ms - 1, JobEvent::Ticked);
        assert_eq!((failure(&idle), assignments(&idle).len()), (None, 0));
        assignment = assignments(&test.after(1, JobEvent::Ticked)).remove(0);
    }
    assert_eq!(batches_begun(&test.prepare(&assignment)), 2);
}

#[test]
fn a_coordinator_that_stops_lets_batches_end_and_begins_none() {
    let (mut test, actions) = Test::new(Placement::Partition, &[u64::MAX; 2]);
    let first = assignments(&actions).remove(0);
    test.prepare(&first);
    assert_eq!(losses(&test.after(1, JobEvent::StopRequested)), 0);
    assert_eq!(test.machine.n_workers_at_work(), 2);
    test.tally(&first, 0);
    let last = test.tally(&first, 1);
    assert_eq!((test.machine.n_workers_at_work(), assignments(&last).len()), (0, 0));
    let later = test.after(10 * LIMITS.no_workers_grace_ms, JobEvent::Ticked);
    assert_eq!((failure(&later), assignments(&later).len()), (None, 0));
}

#[test]
fn a_batch_that_kills_its_workers_names_the_shard_that_they_shared() {
    let (mut test, mut actions) = Test::new(Placement::Partition, &[u64::MAX; 3]);
    let mut next_worker = 4;
    let mut n_kills = 0;
    let detail = loop {
        if let Some((reason, detail)) = failure(&actions) {
            assert_eq!(reason, Reason::WorkerLost);
            break detail.to_owned();
        }
        let Some(assignment) = assignments(&actions).pop() else {
            actions = test.after(LIMITS.settle_ms, JobEvent::Ticked);
            continue;
        };
        test.prepare(&assignment);
        let holds_poison = |shards: &[ShardId]| shards.contains(&ShardId(4));
        let victim = assignment.members.iter().find(|member| holds_poison(&member.shards));
        let worker_id = victim.expect("somebody holds it").worker;
        n_kills += 1;
        actions =
            test.after(1, JobEvent::WorkerLost { worker: worker_id, detail: "killed".to_owned() });
        // Now three, now five workers: the shards are dealt in other hands.
        for _ in 0..[3, 0, 0][n_kills % 3] {
            test.after(0, JobEvent::WorkerJoined(worker(next_worker, u64::MAX)));
            next_worker += 1;
        }
    };
    assert_eq!(n_kills as u32, LIMITS.max_retries + 1);
    assert!(detail.contains("batch 0 was given back 17 times"), "{detail}");
    assert!(detail.contains("every worker that failed held shard 4)"), "{detail}");
}
