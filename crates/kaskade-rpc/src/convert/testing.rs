//! What the tests of all conversions share: the two laws, strategies for domain values,
//! and one fixed value of each kind for the golden bytes.

use std::fmt::{Debug, Write as _};

use kaskade_model::coin::Family;
use kaskade_model::diffusion::{
    ArcProbability, ArcWeight, FactorColumns, LiveArcModel, SegmentMatrix,
};
use kaskade_model::dynamics::{
    ActivationRule, Audience, ByCategory, Channel, Conduct, Course, Delay, Dynamics, Immunity,
    LaneSeries, NodeRule, Push, Requirement, Rival, Selector, Sides, Tie,
};
use kaskade_model::ids::{BatchId, Epoch, JobId, Round, ShardId, WorkerId};
use kaskade_model::job::{BatchPlan, JobPlan};
use kaskade_model::message::{
    Assignment, Attempt, Chunk, Credit, Marker, Member, PeerMessage, Reason, WorkerCommand,
    WorkerEvent,
};
use kaskade_model::recording::{NodeCount, Recording, TracedActivation};
use kaskade_model::seeds::SeedPlan;
use kaskade_model::spec::Placement;
use kaskade_model::status::{JobState, JobStatus, Recovery, RoundProgress};
use kaskade_model::tally::{ChunkCounts, PartitionTally, Work};
use proptest::prelude::*;
use prost::Message;

use crate::error::ErrorCode;
use crate::file::{FileChunk, GraphFile};

/// Encoding and decoding gives the value back.
pub(crate) fn assert_round_trip<D, P>(value: D)
where
    D: Clone + Debug + PartialEq + TryFrom<P, Error: Debug>,
    P: From<D> + Message + Default,
{
    let expected = value.clone();
    let bytes = P::from(value).encode_to_vec();
    let decoded = P::decode(&bytes[..]).expect("own bytes");
    assert_eq!(D::try_from(decoded).expect("own message"), expected);
}

/// The value's message has these bytes: another encoding is another protocol version.
pub(crate) fn assert_golden<P: Message + Debug>(value: impl Into<P>, hexadecimal: impl AsRef<str>) {
    assert_golden_message(&value.into(), hexadecimal.as_ref());
}

/// As [`assert_golden`], for a message itself.
pub(crate) fn assert_golden_message(message: &(impl Message + Debug), hexadecimal: &str) {
    let mut found = String::new();
    for byte in message.encode_to_vec() {
        write!(found, "{byte:02x}").expect("strings take everything");
    }
    assert_eq!(found, hexadecimal, "{message:?}");
}

pub(crate) fn job_ids() -> impl Strategy<Value = JobId> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|id| JobId::new(id).unwrap())
}

pub(crate) fn attempts() -> impl Strategy<Value = Attempt> {
    (job_ids(), any::<u32>(), any::<u64>()).prop_map(|(job, group, epoch)| Attempt {
        job,
        group,
        epoch: Epoch(epoch),
    })
}

pub(crate) fn attempt() -> Attempt {
    Attempt { job: JobId::new("job-7").unwrap(), group: 2, epoch: Epoch(3) }
}

fn probabilities() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 1e-9..1.0]
}

pub(crate) fn models() -> impl Strategy<Value = LiveArcModel> {
    use {ArcProbability as P, ArcWeight as W};
    // Boxed: a union of so many would fill the stack of a test.
    prop_oneof![
        probabilities().prop_map(|p| LiveArcModel::IndependentCascade(P::Constant(p))),
        Just(LiveArcModel::IndependentCascade(P::WeightedCascade)),
        Just(LiveArcModel::IndependentCascade(P::Trivalency)),
        Just(LiveArcModel::IndependentCascade(P::Column)),
        (0.01..9.0).prop_map(|share| LiveArcModel::IndependentCascade(P::OverInDegree(share))),
        prop::option::of("[a-z]{1,3}").prop_map(|susceptibility| {
            let influence = Some("influence".to_owned());
            LiveArcModel::IndependentCascade(P::Factors(FactorColumns {
                influence,
                susceptibility,
            }))
        }),
        segment_matrices().prop_map(|matrix| LiveArcModel::IndependentCascade(P::Segments(matrix))),
        probabilities().prop_map(|w| LiveArcModel::LinearThreshold(W::Constant(w))),
        Just(LiveArcModel::LinearThreshold(W::WeightedCascade)),
        Just(LiveArcModel::LinearThreshold(W::Column)),
        (0.01..=1.0).prop_map(|share| LiveArcModel::LinearThreshold(W::OverInDegree(share))),
    ]
    .boxed()
}

fn segment_matrices() -> impl Strategy<Value = SegmentMatrix> {
    let to = || prop::collection::btree_map("[A-Z]{2}", probabilities(), 1..4);
    let from = prop::collection::btree_map("[A-Z]{2}", to(), 0..4);
    (probabilities(), from).prop_map(|(default, from)| SegmentMatrix {
        segment: "country".to_owned(),
        default,
        from,
    })
}

pub(crate) fn seed_plans(n_nodes: u32) -> impl Strategy<Value = SeedPlan> {
    let nodes = || prop::collection::vec(0..n_nodes, 0..50);
    prop_oneof![
        nodes().prop_map(|nodes| SeedPlan::Fixed(nodes.into_iter().collect())),
        // A run container and a bitmap container.
        (0..n_nodes).prop_map(|end| SeedPlan::Fixed((0..=end).collect())),
        (0..n_nodes).prop_map(|end| SeedPlan::Fixed((0..=end).step_by(3).collect())),
        (0..=n_nodes).prop_map(SeedPlan::RandomEach),
    ]
}

fn rules() -> impl Strategy<Value = NodeRule> {
    use {Immunity as I, NodeRule as N, Requirement as R};
    let rivals = prop::collection::btree_set("[a-z]{1,9}", 1..7).prop_map(|names| {
        let rivals = names.into_iter().map(|name| Rival { name }).collect();
        N::Contagion(Sides::Campaigns { rivals, tie: Tie::First })
    });
    let immunity =
        prop_oneof![Just(I::Lasting), Just(I::None), probabilities().prop_map(I::Waning),];
    let course = (prop::option::of(probabilities()), probabilities(), immunity);
    prop_oneof![
        Just(N::default()),
        probabilities().prop_map(|quality| N::Contagion(Sides::Opinion { quality })),
        rivals,
        probabilities().prop_map(|share| N::Threshold(R::Share(share))),
        probabilities().prop_map(|low| N::Threshold(R::UniformShare(low, 1.0))),
        (1u32..9).prop_map(|count| N::Threshold(R::Count(count))),
        (1u32..9).prop_map(|low| N::Threshold(R::UniformCount(low, 9))),
        course.prop_map(|(incubation, recovery, immunity)| {
            N::Epidemic(Course { incubation, recovery, immunity })
        }),
    ]
}

/// What nodes may do in a job on `n_nodes` nodes.
pub(crate) fn dynamics_of(n_nodes: u32) -> impl Strategy<Value = Dynamics> {
    let delays = prop_oneof![
        Just(Delay::NextRound),
        (1u32..9).prop_map(Delay::Constant),
        (0.001f64..=1.0).prop_map(Delay::Meeting),
        prop::collection::vec(0.5f64..2.0, 1..5).prop_map(Delay::Table),
    ];
    let conduct = (prop::option::of(probabilities()), prop::option::of(probabilities()));
    let pushes = prop::collection::vec((any::<u32>(), seed_plans(n_nodes)), 0..3);
    let choices = (rules(), delays, conduct, prop::option::of(probabilities()), pushes);
    choices.prop_map(|(rule, delay, (forward, endorse), firing, pushes)| {
        let pushes = pushes.into_iter().map(|(round, seeds)| Push { round, side: 0, seeds });
        let (firing, pushes): (_, Vec<Push>) = (firing, pushes.collect());
        match rule {
            NodeRule::Epidemic(_) => {
                let channel = Channel {
                    name: "mail".to_owned(),
                    place: 3,
                    probability: ArcProbability::WeightedCascade,
                    delay: Delay::NextRound,
                    audience: None,
                };
                let channels = vec![channel; pushes.len().min(1)];
                Dynamics { rule, firing, pushes, channels, ..Dynamics::default() }
            }
            _ => {
                let by = ByCategory {
                    column: "tier".to_owned(),
                    default: 0.5,
                    values: [("gold".to_owned(), 1.0)].into(),
                };
                let forward_by = forward.is_none().then_some(by);
                let conduct = Conduct { forward, endorse, forward_by, endorse_by: None };
                let selector = Selector {
                    column: "age".to_owned(),
                    one_of: None,
                    min: Some(18.0),
                    max: None,
                    is: None,
                };
                let audience = Audience { reach: endorse.map(|_| selector), ..Audience::default() };
                let segments = vec!["a".to_owned()];
                let channel = |(place, name): (u8, &str)| Channel {
                    name: name.to_owned(),
                    place,
                    probability: match place {
                        0 => ArcProbability::Constant(0.5),
                        _ => ArcProbability::Factors(FactorColumns {
                            influence: Some("heard".to_owned()),
                            susceptibility: None,
                        }),
                    },
                    delay: delay.clone(),
                    audience: audience.reach.clone(),
                };
                // As many as there are pushes.
                let names = (0..).zip(["mail", "sms", "follows"]).take(pushes.len());
                let channels: Vec<Channel> = names.map(channel).collect();
                let activation = match channels.len() {
                    2.. => ActivationRule::All,
                    _ => ActivationRule::Any,
                };
                Dynamics {
                    rule,
                    delay,
                    channels,
                    activation,
                    conduct,
                    audience,
                    segments,
                    firing,
                    pushes,
                }
            }
        }
    })
}

pub(crate) fn job_plans() -> impl Strategy<Value = JobPlan> {
    let sizes = (1u32..300_000, 0u64..1 << 62, 1u64..1 << 36, 1usize..=8);
    let families = prop::sample::select(vec![Family::Arc, Family::Octet, Family::Block]);
    let choices = (models(), families, any::<u64>(), any::<Option<u32>>());
    (sizes, choices).prop_flat_map(|(sizes, (model, coins, seed, max_rounds))| {
        let (n_nodes, first_simulation, n_simulations, lane_words) = sizes;
        (seed_plans(n_nodes), dynamics_of(n_nodes)).prop_map(move |(seeds, dynamics)| JobPlan {
            model: model.clone(),
            dynamics,
            coins,
            seed,
            seeds,
            n_nodes,
            first_simulation,
            n_simulations,
            max_rounds,
            recording: Recording { trace_simulations: seed % 10_001, nodes: seed % 2 == 0 },
            lane_words,
        })
    })
}

pub(crate) fn job_plan() -> JobPlan {
    JobPlan {
        model: LiveArcModel::IndependentCascade(ArcProbability::WeightedCascade),
        dynamics: Dynamics::default(),
        coins: Family::Block,
        seed: 1,
        seeds: SeedPlan::RandomEach(5),
        n_nodes: 1000,
        first_simulation: 7,
        n_simulations: 300,
        max_rounds: Some(20),
        recording: Recording::default(),
        lane_words: 2,
    }
}

pub(crate) fn batch_plans() -> impl Strategy<Value = BatchPlan> {
    (any::<u32>(), 0u64..1 << 62, 1u32..=449).prop_map(|(batch, first_simulation, n_lanes)| {
        BatchPlan { batch: BatchId(batch), first_simulation, n_lanes }
    })
}

pub(crate) fn batch_plan() -> BatchPlan {
    BatchPlan { batch: BatchId(9), first_simulation: 1159, n_lanes: 128 }
}

/// Groups of 1 to 5 workers that hold 1 to 8 shards each, dealt round-robin.
pub(crate) fn assignments() -> impl Strategy<Value = Assignment> {
    let group = (1u64..=5, 1u32..=8, any::<u32>());
    (attempts(), "[a-z0-9_-]{1,20}", "[0-9a-f]{32}", job_plans(), group).prop_map(
        |(attempt, graph, graph_digest, plan, (n_members, n_shards_each, first_worker))| {
            let member = |idx: u64| Member {
                worker: WorkerId(u64::from(first_worker) + idx),
                address: format!("http://10.0.0.{idx}:7401"),
                shards: (0..n_shards_each)
                    .map(|turn| ShardId(turn * n_members as u32 + idx as u32))
                    .collect(),
            };
            let members = (0..n_members).map(member).collect();
            let shard_table_digest = graph_digest.chars().rev().collect();
            Assignment { attempt, graph, graph_digest, shard_table_digest, plan, members }
        },
    )
}

pub(crate) fn assignment() -> Assignment {
    let member = |worker, shards: &[u32]| Member {
        worker: WorkerId(worker),
        address: format!("http://127.0.0.1:{}", 7400 + worker),
        shards: shards.iter().copied().map(ShardId).collect(),
    };
    Assignment {
        attempt: attempt(),
        graph: "wiki".into(),
        graph_digest: "0f".into(),
        shard_table_digest: "1e".into(),
        plan: job_plan(),
        members: vec![member(4, &[0, 2]), member(5, &[1])],
    }
}

pub(crate) fn commands() -> impl Strategy<Value = WorkerCommand> {
    prop_oneof![
        assignments().prop_map(|assignment| WorkerCommand::Prepare(Box::new(assignment))),
        (attempts(), batch_plans())
            .prop_map(|(attempt, batch)| WorkerCommand::BeginBatch { attempt, batch }),
        attempts().prop_map(|attempt| WorkerCommand::Release { attempt }),
    ]
}

pub(crate) fn tallies() -> impl Strategy<Value = PartitionTally> {
    let sizes = (0u64..1 << 62, 1usize..=64, 0usize..6);
    (sizes, any::<[u64; 8]>()).prop_flat_map(|((first_simulation, n_lanes, n_rounds), work)| {
        let numbers = |count| prop::collection::vec(any::<u64>(), count);
        let values =
            (numbers(n_lanes * n_rounds), numbers(n_lanes), numbers(2 * n_lanes * n_rounds));
        values.prop_map(move |(new, fingerprints, values)| PartitionTally {
            first_simulation,
            n_lanes: n_lanes as u32,
            new_per_round: new,
            fingerprints,
            series: LaneSeries { n_measures: 2, values },
            trace: trace(n_lanes as u32, &work),
            reached: reached(n_lanes as u32, &work),
            work: work_of(work),
        })
    })
}

/// Some activations of `n_lanes` simulations.
fn trace(n_lanes: u32, numbers: &[u64]) -> Vec<TracedActivation> {
    let traced = |number: &u64| TracedActivation {
        place: *number as u32 % n_lanes,
        round: (number >> 8) as u32 % 3,
        node: (number >> 32) as u32,
        parent: (!number.is_multiple_of(3)).then_some((number >> 16) as u32),
    };
    let mut trace: Vec<_> = numbers.iter().map(traced).collect();
    trace.sort();
    trace.dedup_by_key(|traced| (traced.place, traced.round, traced.node));
    trace
}

/// Some nodes that were reached.
fn reached(n_lanes: u32, numbers: &[u64]) -> Vec<NodeCount> {
    let count = |number: &u64| NodeCount {
        node: (number >> 32) as u32,
        simulations: *number as u32 % n_lanes + 1,
    };
    let mut counts: Vec<_> = numbers.iter().map(count).collect();
    counts.sort_by_key(|count| count.node);
    counts.dedup_by_key(|count| count.node);
    counts
}

fn work_of(numbers: [u64; 8]) -> Work {
    let [arcs_scanned, coins, bytes_sent, activations_sent, activations_received, ..] = numbers;
    let [.., list, roaring, dense] = numbers;
    Work {
        arcs_scanned,
        coins,
        bytes_sent,
        activations_sent,
        activations_received,
        chunks: ChunkCounts { list, roaring, dense },
    }
}

/// Two lanes, two rounds.
pub(crate) fn tally() -> PartitionTally {
    PartitionTally {
        first_simulation: 7,
        n_lanes: 2,
        new_per_round: vec![1, 2, 3, 0],
        fingerprints: vec![0x0102_0304_0506_0708, u64::MAX],
        series: LaneSeries::default(),
        trace: Vec::new(),
        reached: Vec::new(),
        work: work_of([1, 2, 3, 4, 5, 6, 7, 8]),
    }
}

pub(crate) fn reasons() -> impl Strategy<Value = Reason> {
    prop::sample::select(vec![
        Reason::NoWorkers,
        Reason::WorkerLost,
        Reason::OutOfMemory,
        Reason::DiskFull,
        Reason::CorruptShard,
        Reason::GraphChanged,
        Reason::InvalidSpec,
        Reason::Inconsistent,
        Reason::Cancelled,
        Reason::Internal,
    ])
}

pub(crate) fn error_codes() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(vec![
        ErrorCode::NotFound,
        ErrorCode::AlreadyExists,
        ErrorCode::InvalidArgument,
        ErrorCode::FailedPrecondition,
        ErrorCode::Unavailable,
        ErrorCode::ResourceExhausted,
        ErrorCode::Cancelled,
        ErrorCode::DataLoss,
        ErrorCode::PermissionDenied,
        ErrorCode::DeadlineExceeded,
        ErrorCode::Internal,
    ])
}

pub(crate) fn events() -> impl Strategy<Value = WorkerEvent> {
    let at = || (attempts(), any::<u32>());
    prop_oneof![
        attempts().prop_map(|attempt| WorkerEvent::Prepared { attempt }),
        (at(), any::<u32>(), any::<u64>()).prop_map(|((attempt, batch), round, n_new)| {
            WorkerEvent::RoundReported {
                attempt,
                batch: BatchId(batch),
                round: Round(round),
                n_new,
            }
        }),
        (at(), tallies()).prop_map(|((attempt, batch), tally)| WorkerEvent::BatchTallied {
            attempt,
            batch: BatchId(batch),
            tally: Box::new(tally),
        }),
        (attempts(), any::<u64>(), ".{0,20}").prop_map(|(attempt, peer, detail)| {
            WorkerEvent::PeerLost { attempt, peer: WorkerId(peer), detail }
        }),
        (attempts(), reasons(), ".{0,20}").prop_map(|(attempt, reason, detail)| {
            WorkerEvent::AttemptFailed { attempt, reason, detail }
        }),
    ]
}

pub(crate) fn peer_messages() -> impl Strategy<Value = PeerMessage> {
    let at = || (any::<u32>(), any::<u32>()).prop_map(|(b, r)| (BatchId(b), Round(r)));
    prop_oneof![
        (at(), any::<u32>(), prop::collection::vec(any::<u8>(), 1..50)).prop_map(
            |((batch, round), sequence, payload)| {
                PeerMessage::Chunk(Chunk { batch, round, sequence, payload: payload.into() })
            }
        ),
        (at(), any::<u32>(), any::<(u64, u64, u64)>()).prop_map(
            |((batch, round), n_chunks, (n_bytes, n_new, n_pending))| {
                PeerMessage::Marker(Marker { batch, round, n_chunks, n_bytes, n_new, n_pending })
            }
        ),
        any::<(u32, u64)>().prop_map(|(batch, n_bytes)| {
            PeerMessage::Credit(Credit { batch: BatchId(batch), n_bytes })
        }),
    ]
}

fn placements() -> impl Strategy<Value = Placement> {
    prop_oneof![
        Just(Placement::Replicate),
        Just(Placement::Partition),
        (1u32.., 1u32..).prop_map(|(replicas, parts)| Placement::Hybrid { replicas, parts }),
    ]
}

fn states() -> impl Strategy<Value = JobState> {
    prop::sample::select(vec![
        JobState::Queued,
        JobState::Planning,
        JobState::Running,
        JobState::Succeeded,
        JobState::Failed,
        JobState::Cancelled,
    ])
}

pub(crate) fn job_statuses() -> impl Strategy<Value = JobStatus> {
    let ends = (states(), prop::option::of(reasons()), ".{0,20}");
    let time = || 0.0f64..4e9;
    let times = (time(), prop::option::of(time()), prop::option::of(time()));
    let counts = (any::<u64>(), any::<u64>(), any::<u32>(), prop::option::of(placements()));
    let batches = prop::collection::vec(any::<u32>().prop_map(BatchId), 0..3);
    let recovery = (any::<u64>(), ".{0,20}", batches, any::<bool>(), time());
    let recoveries = prop::collection::vec(recovery, 0..3);
    let rounds = prop::collection::vec(any::<(u32, u32, u64)>(), 0..3);
    (job_ids(), ends, times, counts, recoveries, rounds).prop_map(
        |(id, (state, reason, detail), times, (a, b, n_workers, placement), recoveries, rounds)| {
            JobStatus {
                id,
                state,
                reason,
                detail,
                submitted: times.0,
                started: times.1,
                finished: times.2,
                simulations_done: a.min(b),
                simulations_total: a.max(b),
                n_workers,
                placement_why: String::new(),
                placement,
                recoveries: recoveries
                    .into_iter()
                    .map(|(epoch, what, batches, was_in_rounds, at)| Recovery {
                        epoch: Epoch(epoch),
                        what,
                        batches,
                        was_in_rounds,
                        at,
                    })
                    .collect(),
                rounds: rounds
                    .into_iter()
                    .map(|(batch, round, n_new)| RoundProgress {
                        batch: BatchId(batch),
                        round: Round(round),
                        n_new,
                    })
                    .collect(),
            }
        },
    )
}

pub(crate) fn job_status() -> JobStatus {
    JobStatus {
        id: JobId::new("job-7").unwrap(),
        state: JobState::Failed,
        reason: Some(Reason::WorkerLost),
        detail: "gone".into(),
        submitted: 1.5,
        started: Some(2.5),
        finished: None,
        simulations_done: 512,
        simulations_total: 1000,
        n_workers: 3,
        placement: Some(Placement::Partition),
        placement_why: "it fits".into(),
        recoveries: vec![Recovery {
            epoch: Epoch(2),
            what: "worker 4 lost".into(),
            batches: vec![BatchId(9)],
            was_in_rounds: true,
            at: 3.5,
        }],
        rounds: vec![RoundProgress { batch: BatchId(9), round: Round(4), n_new: 300 }],
    }
}

pub(crate) fn graph_files() -> impl Strategy<Value = GraphFile> {
    prop_oneof![
        Just(GraphFile::Manifest),
        Just(GraphFile::Nodes),
        Just(GraphFile::Attributes),
        any::<u32>().prop_map(|shard| GraphFile::Shard(ShardId(shard))),
    ]
}

pub(crate) fn chunks() -> impl Strategy<Value = FileChunk> {
    let data = prop::collection::vec(any::<u8>(), 1..50);
    let inside = (0u64..1 << 60, data, 0u64..1000).prop_map(|(offset, data, after)| FileChunk {
        offset,
        total_bytes: offset + data.len() as u64 + after,
        data: data.into(),
    });
    let end = any::<u64>().prop_map(|total_bytes| FileChunk {
        offset: total_bytes,
        total_bytes,
        data: Default::default(),
    });
    prop_oneof![4 => inside, 1 => end]
}
