//! The machines of coordinator and workers under a network that loses, repeats and reorders,
//! and workers that die: whatever happens, the result is that of a run in one process.

use kaskade_engine::job::{
    JobAction, JobEnd, JobEvent, JobLimits, JobMachine, JobSetup, ShardLoad, WorkerInfo,
};
use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_engine::slice;
use kaskade_model::coin::{Family, Isa};
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::dynamics::{
    ActivationRule, Channel, Course, Delay, Dynamics, Immunity, NodeRule, Push, Requirement,
};
use kaskade_model::job::JobPlan;
use kaskade_model::message::{Attempt, Reason, WorkerCommand, WorkerEvent};
use kaskade_model::recording::Recording;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::spec::{LaterSeeds, Placement, SeedSpec};
use kaskade_model::tally::{JobTally, PartitionTally};
use kaskade_model::until::Until;
use kaskade_model::{AnyShard, BatchId, Epoch, JobId, Shard, ShardId, WorkerId};
use kaskade_testkit::simulated_cluster::{self, Faults, SimulatedRun};
use kaskade_testkit::{ArcList, every_model};
use proptest::prelude::*;

const N_NODES: u32 = 400;

fn graph() -> ArcList {
    arc_list(N_NODES, 2400).with_channels(|arc| 7 - 2 * u8::from(arc.source % 4 == 0))
}

fn arc_list(n_nodes: u32, n_arcs: u32) -> ArcList {
    let arc =
        |i: u32| (i.wrapping_mul(2_654_435_761) % n_nodes, i.wrapping_mul(40_503) / 7 % n_nodes);
    ArcList::new(n_nodes, (1..n_arcs).map(arc).filter(|(source, target)| source != target))
}

fn plan(model: LiveArcModel, lane_words: usize) -> JobPlan {
    JobPlan {
        dynamics: Dynamics::default(),
        coins: if model.is_sparse() { Family::Block } else { Family::Octet },
        model,
        seed: 7,
        seeds: SeedPlan::RandomEach(2),
        n_nodes: N_NODES,
        first_simulation: 3,
        n_simulations: 330,
        max_rounds: None,
        recording: Recording { trace_simulations: 100, nodes: true },
        lane_words,
    }
}

fn models() -> [LiveArcModel; 3] {
    [
        LiveArcModel::IndependentCascade(ArcProbability::Constant(0.12)),
        LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade),
        // Whole blocks of arcs, parts of which lie with each worker.
        LiveArcModel::IndependentCascade(ArcProbability::Constant(0.0156)),
    ]
}

fn in_one_process(plan: &JobPlan, shards: &[AnyShard]) -> JobTally {
    let partition = Partition::new(shards.to_vec(), plan.clone(), Isa::Portable);
    let partition = partition.expect("the model fits the graph");
    local::run(partition, 1, &Unobserved).expect("nothing interrupts the run")
}

fn setup(plan: &JobPlan, shards: &[AnyShard], placement: Placement) -> JobSetup {
    let loads = (0..).zip(shards).map(|(id, shard)| ShardLoad {
        shard: ShardId(id),
        n_nodes: shard.nodes().n_nodes() as u64,
        n_arcs: shard.n_arcs(),
        n_bytes: 1,
    });
    JobSetup {
        job: JobId::new("simulated").expect("letters make a job id"),
        graph: "graph".to_owned(),
        graph_digest: "digest".to_owned(),
        shard_table_digest: "table".to_owned(),
        plan: plan.clone(),
        until: None,
        shards: loads.collect(),
        placement,
        first_epoch: Epoch(1),
        finished: JobTally::default(),
    }
}

/// As many simulations as an interval of ± 4 % takes: the looks are the same wherever it runs, and
/// whatever is lost.
#[test]
fn a_stop_rule_stops_every_placement_at_the_same_simulation() {
    let until: Until = "relative-error=4%".parse().expect("a goal");
    let model = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.12));
    let shards = graph().shards(7);
    let mut stop = None;
    for lane_words in [1, 8] {
        let plan = JobPlan {
            n_simulations: 20_000,
            first_simulation: 7,
            ..plan(model.clone(), lane_words)
        };
        let partition = Partition::new(shards.clone(), plan.clone(), Isa::Portable);
        let partition = partition.expect("the model fits the graph");
        let (tally, n_simulations) =
            local::run_until(partition, until, 1, &Unobserved).expect("nothing interrupts the run");
        assert_eq!(n_simulations, *stop.get_or_insert(n_simulations), "W decides nothing");
        assert!((1025..20_000).contains(&n_simulations), "stopped at {n_simulations}");
        let faults =
            Faults { crash_per_mille: 3, loss_per_mille: 3, budget: 4, ..Faults::default() };
        for (n_workers, faults) in [(1, Faults::default()), (3, Faults::default()), (3, faults)] {
            for placement in [Placement::Partition, Placement::Replicate] {
                let setup = JobSetup { until: Some(until), ..setup(&plan, &shards, placement) };
                let run = simulated_cluster::run(setup, &shards, n_workers, faults, 1);
                assert_eq!(run.end, JobEnd::Succeeded, "{}", run.log.join("\n"));
                assert_eq!(run.n_simulations, n_simulations);
                let n_rows = n_simulations as usize;
                assert!(run.tally.rows().take(n_rows).eq(tally.rows().take(n_rows)));
            }
        }
    }
}

fn assert_same_rows(run: &SimulatedRun, expected: &JobTally, context: &str) {
    assert_eq!(run.end, JobEnd::Succeeded, "{context}\n{}", run.log.join("\n"));
    assert!(run.tally.rows().eq(expected.rows()), "{context}\n{}", run.log.join("\n"));
    assert!(run.tally.trace().eq(expected.trace()), "{context}\n{}", run.log.join("\n"));
    assert_eq!(run.tally.reached(), expected.reached(), "{context}\n{}", run.log.join("\n"));
}

#[test]
fn every_placement_gives_the_rows_of_one_process() {
    for model in models() {
        for n_shards in [1, 2, 7] {
            let shards = graph().shards(n_shards);
            let plan = plan(model.clone(), 2);
            let expected = in_one_process(&plan, &shards);
            for n_workers in [1, 2, 3, 5] {
                let hybrid =
                    Placement::Hybrid { replicas: 2, parts: (n_workers / 2).max(1) as u32 };
                for placement in [Placement::Auto, Placement::Partition, hybrid] {
                    if placement == hybrid && n_workers < 2 {
                        continue;
                    }
                    let setup = setup(&plan, &shards, placement);
                    let run =
                        simulated_cluster::run(setup, &shards, n_workers, Faults::default(), 1);
                    assert_same_rows(&run, &expected, &format!("{placement} on {n_workers}"));
                    assert_eq!((run.n_crashes, run.n_losses), (0, 0));
                }
            }
        }
    }
}

/// A plan of every model, on the graph of these tests.
fn plans_of_models() -> Vec<(&'static str, JobPlan)> {
    let resolved = every_model(200).into_iter().map(|(name, spec)| {
        let spec = spec.resolve().expect("the spec is valid");
        let seeds = |seeds: &SeedSpec| match seeds {
            SeedSpec::RandomEach(count) => SeedPlan::RandomEach(*count as u32),
            _ => panic!("seeds of every simulation are drawn anew"),
        };
        let pushes = spec.pushes().expect("every campaign is there").into_iter();
        let push =
            |of: LaterSeeds<'_>| Push { round: of.round, side: of.side, seeds: seeds(of.seeds) };
        let pushes = pushes.map(push);
        let dynamics =
            Dynamics { pushes: pushes.collect(), ..spec.dynamics().expect("the spec is valid") };
        let model = spec.live_arc_model().expect("the spec is valid");
        (name, JobPlan { dynamics, max_rounds: spec.last_round(), ..plan(model, 2) })
    });
    resolved.chain(plans_over_channels()).collect()
}

/// Over channels whose messages are under way for as many rounds as one another or not, and must all
/// be heard; and of models in which nodes count, choose or infect over each.
fn plans_over_channels() -> Vec<(&'static str, JobPlan)> {
    let channel = |place: u8, delay| Channel {
        name: place.to_string(),
        place,
        probability: ArcProbability::Constant(0.6),
        delay,
        audience: None,
    };
    let channels = vec![
        channel(0, Delay::Constant(4)),
        channel(1, Delay::Table(vec![2.0, 0.0, 1.0])),
        channel(2, Delay::NextRound),
    ];
    let activation = ActivationRule::All;
    let independent = LiveArcModel::IndependentCascade(ArcProbability::Constant(0.6));
    let job = |model: &LiveArcModel, dynamics, max_rounds| JobPlan {
        coins: Family::Octet,
        dynamics,
        max_rounds,
        seeds: SeedPlan::RandomEach(20),
        ..plan(model.clone(), 2)
    };
    let all = Dynamics { channels: channels.clone(), activation, ..Dynamics::default() };
    let rule = NodeRule::Threshold(Requirement::UniformShare(0.1, 0.6));
    let counted = Dynamics { rule, channels, ..Dynamics::default() };
    let at_once: Vec<Channel> = [0, 2].map(|place| channel(place, Delay::NextRound)).into();
    let weighted = at_once
        .clone()
        .into_iter()
        .map(|channel| Channel { probability: ArcProbability::WeightedCascade, ..channel });
    let chosen = Dynamics { channels: weighted.collect(), ..Dynamics::default() };
    let course = Course { incubation: Some(0.5), recovery: 0.5, immunity: Immunity::Waning(0.2) };
    let rule = NodeRule::Epidemic(course);
    let infected = Dynamics { rule, channels: at_once, ..Dynamics::default() };
    let chooses = LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade);
    vec![
        ("channels", job(&independent, all, None)),
        ("channels, threshold", job(&independent, counted, None)),
        ("channels, linear threshold", job(&chooses, chosen, None)),
        ("channels, sirs", job(&independent, infected, Some(20))),
    ]
}

#[test]
fn every_model_gives_the_rows_of_one_process() {
    for (name, plan) in plans_of_models() {
        let shards = graph().shards(7);
        let expected = in_one_process(&plan, &shards);
        let n_active: u64 = expected.rows().map(|row| row.spread()).sum();
        assert!(n_active > 330 * 10, "{name}: something happens, {n_active}");
        for n_workers in [1, 2, 3, 5] {
            let hybrid = Placement::Hybrid { replicas: 2, parts: (n_workers / 2).max(1) as u32 };
            for placement in [Placement::Replicate, Placement::Partition, hybrid] {
                if placement == hybrid && n_workers < 2 {
                    continue;
                }
                let setup = setup(&plan, &shards, placement);
                let run = simulated_cluster::run(setup, &shards, n_workers, Faults::default(), 1);
                assert_same_rows(&run, &expected, &format!("{name}, {placement} on {n_workers}"));
            }
        }
    }
}

#[test]
fn faults_change_no_model() {
    let faults = Faults {
        crash_per_mille: 8,
        leave_per_mille: 8,
        loss_per_mille: 8,
        repeat_per_mille: 100,
        budget: 8,
        credit_bytes: 0,
    };
    let shards = graph().shards(7);
    for (name, plan) in plans_of_models() {
        let expected = in_one_process(&plan, &shards);
        let mut hits = 0;
        for seed in 0..12 {
            let setup = setup(&plan, &shards, Placement::Partition);
            let run = simulated_cluster::run(setup, &shards, 3, faults, seed);
            assert_same_rows(&run, &expected, &format!("{name}, seed {seed}"));
            hits += run.n_hits_in_rounds + run.n_crashes;
        }
        assert!(hits > 10, "{name}: {hits} faults");
    }
}

/// The long version takes more; the seed of a case that fails is printed.
fn n_cases() -> u32 {
    if std::env::var("KASKADE_FULL").is_ok_and(|value| value == "1") { 1000 } else { 200 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(n_cases()) })]

    #[test]
    fn crashes_losses_and_repeats_change_nothing(
        seed: u64,
        n_workers in 1usize..5,
        placement in prop_oneof![Just(Placement::Partition), Just(Placement::Replicate), Just(Placement::Auto)],
        crash_per_mille in 0u64..20,
        leave_per_mille in 0u64..20,
        loss_per_mille in 0u64..20,
        repeat_per_mille in 0u64..300,
        credit_bytes in prop_oneof![Just(0), 20u64..2000, Just(u64::MAX)],
    ) {
        let shards = graph().shards(7);
        let plan = plan(models()[0].clone(), 1);
        let faults =
            Faults {
                crash_per_mille,
                leave_per_mille,
                loss_per_mille,
                repeat_per_mille,
                budget: 8,
                credit_bytes,
            };
        let setup = setup(&plan, &shards, placement);
        let run = simulated_cluster::run(setup, &shards, n_workers, faults, seed);
        assert_same_rows(&run, &in_one_process(&plan, &shards), &format!("seed {seed}"));
    }
}

#[test]
fn the_faults_really_hit_rounds() {
    let shards = graph().shards(7);
    let plan = plan(models()[0].clone(), 1);
    let expected = in_one_process(&plan, &shards);
    let faults = Faults {
        crash_per_mille: 10,
        leave_per_mille: 10,
        loss_per_mille: 10,
        repeat_per_mille: 100,
        budget: 12,
        credit_bytes: 0,
    };
    let mut hits = (0, 0, 0, 0);
    for seed in 0..20 {
        let setup = setup(&plan, &shards, Placement::Partition);
        let run = simulated_cluster::run(setup, &shards, 3, faults, seed);
        assert_same_rows(&run, &expected, &format!("seed {seed}"));
        hits.0 += run.n_crashes;
        hits.1 += run.n_losses;
        hits.2 += run.n_hits_in_rounds;
        hits.3 += run.n_leaves;
    }
    assert!(hits.0 > 20 && hits.1 > 5 && hits.2 > 10 && hits.3 > 20, "{hits:?}");
}

/// Frontiers of several chunks a worker, two batches at a time, and room for one chunk, for a few, or
/// for all: what is on its way stays within the room, and everything arrives.
#[test]
fn no_room_is_too_little() {
    const LARGEST_CHUNK: u64 = slice::MAX_PAYLOAD_BYTES as u64;
    const BATCHES_IN_FLIGHT: u64 = 2;
    let shards = arc_list(20_000, 160_000).shards(7);
    for max_rounds in [None, Some(2)] {
        let plan = JobPlan {
            n_nodes: 20_000,
            n_simulations: 1024,
            seeds: SeedPlan::RandomEach(1000),
            max_rounds,
            ..plan(LiveArcModel::IndependentCascade(ArcProbability::Constant(0.3)), 8)
        };
        let expected = in_one_process(&plan, &shards);
        let mut most = Vec::new();
        for credit_bytes in [0, 2 * LARGEST_CHUNK + 7, u64::MAX] {
            let faults = Faults { credit_bytes, ..Faults::default() };
            let setup = setup(&plan, &shards, Placement::Partition);
            let run = simulated_cluster::run(setup, &shards, 3, faults, 1);
            assert_same_rows(&run, &expected, &format!("{credit_bytes} bytes of room"));
            let room = credit_bytes.max(LARGEST_CHUNK).saturating_mul(BATCHES_IN_FLIGHT);
            assert!(run.max_bytes_under_way <= room, "{} in {room}", run.max_bytes_under_way);
            most.push(run.max_bytes_under_way);
        }
        assert!(most[0] < most[2], "the room is the limit: {most:?}");
    }
}

#[test]
fn a_job_without_enough_workers_fails_after_the_grace() {
    let shards = graph().shards(7);
    let plan = plan(models()[0].clone(), 1);
    let setup = setup(&plan, &shards, Placement::Hybrid { replicas: 1, parts: 3 });
    let run = simulated_cluster::run(setup, &shards, 2, Faults::default(), 1);
    let JobEnd::Failed { reason, detail } = run.end else { panic!("{:?}", run.end) };
    assert_eq!(reason, Reason::NoWorkers);
    assert!(detail.contains("needs 3 workers"), "{detail}");
}

#[test]
fn weights_that_exceed_one_are_found_before_a_run() {
    let shards = graph().shards(2);
    let model = LiveArcModel::LinearThreshold(ArcWeight::Constant(0.5));
    let error = Partition::new(shards, plan(model, 1), Isa::Portable).unwrap_err();
    assert!(error.to_string().contains("sum to more than 1"), "{error}");
}

#[test]
fn a_restarted_coordinator_runs_only_what_is_missing() {
    let shards = graph().shards(7);
    // What was finished comes from the log here, with what it says of nodes; there from a tally, which
    // has added that up.
    let plan = plan(models()[0].clone(), 1);
    let plan = JobPlan { recording: Recording { nodes: false, ..plan.recording }, ..plan };
    let expected = in_one_process(&plan, &shards);
    let mut setup = setup(&plan, &shards, Placement::Auto);
    let first = simulated_cluster::run(setup.clone(), &shards, 2, Faults::default(), 1);
    assert_same_rows(&first, &expected, "before the restart");
    let mut finished = JobTally::default();
    for (batch, tally) in first.tally.batch_tallies().filter(|(batch, _)| batch.0 % 2 == 0) {
        finished.add_batch(batch, tally.clone()).expect("each batch once");
    }
    setup.finished = finished;
    setup.first_epoch = Epoch(9);
    let run = simulated_cluster::run(setup, &shards, 2, Faults::default(), 1);
    assert_same_rows(&run, &expected, "after the restart");
    let committed = run.log.iter().filter(|line| line.starts_with("committed")).count();
    assert_eq!(committed, 3, "batches 1, 3 and 5 of 6");
}

/// The machine of a job on two workers, and what it asks for at the beginning.
fn two_workers() -> (JobMachine, Vec<JobAction>) {
    let shards = graph().shards(7);
    let worker = |id| WorkerInfo {
        worker: WorkerId(id),
        address: format!("http://127.0.0.1:{}", 7400 + id),
        memory_bytes: u64::MAX,
    };
    let setup = setup(&plan(models()[0].clone(), 1), &shards, Placement::Partition);
    let mut machine = JobMachine::new(setup, JobLimits::DEFAULT, [worker(1), worker(2)], 0);
    let actions = machine.handle(0, JobEvent::Ticked);
    (machine, actions)
}

fn attempt_of(actions: &[JobAction]) -> Option<Attempt> {
    actions.iter().find_map(|action| match action {
        JobAction::Send { command, .. } => match &**command {
            WorkerCommand::Prepare(assignment) => Some(assignment.attempt.clone()),
            _ => None,
        },
        _ => None,
    })
}

fn end_of(actions: &[JobAction]) -> Option<&JobEnd> {
    actions.iter().find_map(|action| match action {
        JobAction::Finish(end) => Some(end),
        _ => None,
    })
}

#[test]
fn workers_that_never_reach_each_other_do_not_try_for_ever() {
    let (mut machine, mut actions) = two_workers();
    let mut n_attempts = 0;
    for now_ms in (0..).step_by(1000) {
        if let Some(attempt) = attempt_of(&actions) {
            n_attempts += 1;
            assert!(n_attempts < 100, "no end in sight");
            let (peer, detail) = (WorkerId(2), "no route".to_owned());
            let event = WorkerEvent::PeerLost { attempt, peer, detail };
            actions = machine.handle(now_ms, JobEvent::Reported { worker: WorkerId(1), event });
        } else {
            actions = machine.handle(now_ms, JobEvent::Ticked);
        }
        if let Some(end) = end_of(&actions) {
            let JobEnd::Failed { reason, detail } = end else { panic!("{end:?}") };
            assert_eq!(*reason, Reason::WorkerLost);
            assert!(detail.contains("no route"), "{detail}");
            break;
        }
    }
    assert_eq!(n_attempts, JobLimits::DEFAULT.max_retries + 1);
}

#[test]
fn a_worker_that_cannot_do_its_part_is_left_out() {
    let (mut machine, actions) = two_workers();
    let attempt = attempt_of(&actions).expect("the workers are assigned at once");
    let failed = |attempt, worker| JobEvent::Reported {
        worker: WorkerId(worker),
        event: WorkerEvent::AttemptFailed {
            attempt,
            reason: Reason::CorruptShard,
            detail: "shard 3 is damaged".to_owned(),
        },
    };
    assert!(end_of(&machine.handle(1, failed(attempt, 1))).is_none());
    let actions = machine.handle(10_000, JobEvent::Ticked);
    let second = attempt_of(&actions).expect("the other worker is assigned");
    assert_eq!(machine.n_workers_at_work(), 1);
    let end = machine.handle(10_001, failed(second, 2));
    let Some(JobEnd::Failed { reason, .. }) = end_of(&end) else { panic!("{end:?}") };
    assert_eq!(*reason, Reason::CorruptShard, "nobody is left");
}

#[test]
fn a_tally_of_other_simulations_is_never_committed() {
    let (mut machine, actions) = two_workers();
    let attempt = attempt_of(&actions).expect("the workers are assigned at once");
    for worker in [1, 2] {
        let event = WorkerEvent::Prepared { attempt: attempt.clone() };
        machine.handle(1, JobEvent::Reported { worker: WorkerId(worker), event });
    }
    let event = WorkerEvent::BatchTallied {
        attempt,
        batch: BatchId(0),
        tally: Box::new(PartitionTally::empty(777, 3)),
    };
    let actions = machine.handle(2, JobEvent::Reported { worker: WorkerId(1), event });
    let Some(JobEnd::Failed { reason, .. }) = end_of(&actions) else { panic!("{actions:?}") };
    assert_eq!(*reason, Reason::Inconsistent);
}
