//! The machines of coordinator and workers under a network that loses, repeats and reorders,
//! and workers that die: whatever happens, the result is that of a run in one process.

use kaskade_engine::job::{JobEnd, JobSetup, ShardLoad};
use kaskade_engine::local::{self, Unobserved};
use kaskade_engine::partition::Partition;
use kaskade_model::coin::Isa;
use kaskade_model::diffusion::{ArcProbability, ArcWeight, LiveArcModel};
use kaskade_model::job::JobPlan;
use kaskade_model::message::Reason;
use kaskade_model::seeds::SeedPlan;
use kaskade_model::spec::Placement;
use kaskade_model::tally::JobTally;
use kaskade_model::{Epoch, JobId, Shard, ShardId};
use kaskade_testkit::simulated_cluster::{self, Faults, SimulatedRun};
use kaskade_testkit::{ArcList, VecShard};
use proptest::prelude::*;

const N_NODES: u32 = 400;

fn graph() -> ArcList {
    let arc =
        |i: u32| (i.wrapping_mul(2_654_435_761) % N_NODES, i.wrapping_mul(40_503) / 7 % N_NODES);
    ArcList::new(N_NODES, (1..2400).map(arc).filter(|(source, target)| source != target))
}

fn plan(model: LiveArcModel, lane_words: usize) -> JobPlan {
    JobPlan {
        model,
        seed: 7,
        seeds: SeedPlan::RandomEach(2),
        n_nodes: N_NODES,
        first_simulation: 3,
        n_simulations: 330,
        max_rounds: None,
        lane_words,
    }
}

fn models() -> [LiveArcModel; 2] {
    [
        LiveArcModel::IndependentCascade(ArcProbability::Constant(0.12)),
        LiveArcModel::LinearThreshold(ArcWeight::WeightedCascade),
    ]
}

fn in_one_process(plan: &JobPlan, shards: &[VecShard]) -> JobTally {
    let partition = Partition::new(shards.to_vec(), plan.clone(), Isa::Portable);
    let partition = partition.expect("the model fits the graph");
    local::run(partition, 1, &Unobserved).expect("nothing interrupts the run")
}

fn setup(plan: &JobPlan, shards: &[VecShard], placement: Placement) -> JobSetup {
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
        shards: loads.collect(),
        placement,
        first_epoch: Epoch(1),
        finished: JobTally::default(),
    }
}

fn assert_same_rows(run: &SimulatedRun, expected: &JobTally, context: &str) {
    assert_eq!(run.end, JobEnd::Succeeded, "{context}\n{}", run.log.join("\n"));
    assert!(run.tally.rows().eq(expected.rows()), "{context}\n{}", run.log.join("\n"));
}

#[test]
fn every_placement_gives_the_rows_of_one_process() {
    for model in models() {
        for n_shards in [1, 2, 7] {
            let shards = graph().shards(n_shards);
            let plan = plan(model, 2);
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn crashes_losses_and_repeats_change_nothing(
        seed: u64,
        n_workers in 1usize..5,
        placement in prop_oneof![Just(Placement::Partition), Just(Placement::Replicate)],
        crash_per_mille in 0u64..20,
        loss_per_mille in 0u64..20,
        repeat_per_mille in 0u64..300,
    ) {
        let shards = graph().shards(7);
        let plan = plan(models()[0], 1);
        let faults = Faults { crash_per_mille, loss_per_mille, repeat_per_mille, budget: 8 };
        let setup = setup(&plan, &shards, placement);
        let run = simulated_cluster::run(setup, &shards, n_workers, faults, seed);
        assert_same_rows(&run, &in_one_process(&plan, &shards), &format!("seed {seed}"));
    }
}

#[test]
fn the_faults_really_hit_rounds() {
    let shards = graph().shards(7);
    let plan = plan(models()[0], 1);
    let expected = in_one_process(&plan, &shards);
    let faults =
        Faults { crash_per_mille: 10, loss_per_mille: 10, repeat_per_mille: 100, budget: 8 };
    let mut hits = (0, 0, 0);
    for seed in 0..20 {
        let setup = setup(&plan, &shards, Placement::Partition);
        let run = simulated_cluster::run(setup, &shards, 3, faults, seed);
        assert_same_rows(&run, &expected, &format!("seed {seed}"));
        hits.0 += run.n_crashes;
        hits.1 += run.n_losses;
        hits.2 += run.n_hits_in_rounds;
    }
    assert!(hits.0 > 20 && hits.1 > 5 && hits.2 > 10, "{hits:?}");
}

#[test]
fn a_job_without_enough_workers_fails_after_the_grace() {
    let shards = graph().shards(7);
    let plan = plan(models()[0], 1);
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
