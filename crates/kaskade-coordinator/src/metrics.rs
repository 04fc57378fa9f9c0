//! What a coordinator counts, and what it shows of its state, as Prometheus reads it.
//!
//! Counters go up where things happen; the rest is a [`Snapshot`] that the scheduler gives when
//! somebody asks. No label has more values than there are states, encodings or workers: jobs and
//! users have none.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use kaskade_model::WorkerId;
use kaskade_model::status::JobState;
use kaskade_model::tally::PartitionTally;
use kaskade_rpc::metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// A handle to all of them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    counters: Counters,
    gauges: Gauges,
}

/// A label's name and its value, or several of them.
type Labels = Vec<(&'static str, String)>;

type FloatGauge = Gauge<f64, AtomicU64>;

/// What only goes up.
#[derive(Clone, Debug, Default)]
struct Counters {
    submitted: Counter,
    ended: Family<Labels, Counter>,
    simulations: Counter,
    batches: Counter,
    retried: Counter,
    recoveries: Counter,
    workers_lost: Counter,
    exchanged_bytes: Counter,
    activations_sent: Counter,
    chunks: Family<Labels, Counter>,
    arcs_scanned: Counter,
    coins: Counter,
}

/// What is shown as it is.
#[derive(Clone, Debug, Default)]
struct Gauges {
    queued: Gauge,
    jobs: Family<Labels, Gauge>,
    in_flight: Gauge,
    workers: Family<Labels, Gauge>,
    heartbeat_age: Family<Labels, FloatGauge>,
    resident_bytes: Family<Labels, Gauge>,
    offered_bytes: Family<Labels, Gauge>,
    slowness: Family<Labels, FloatGauge>,
}

/// The coordinator's state at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// Jobs that wait for their turn.
    pub(crate) n_queued: usize,
    /// The state of each job that is known.
    pub(crate) jobs: Vec<JobState>,
    /// Batches in the hands of workers.
    pub(crate) n_in_flight: usize,
    /// The workers.
    pub(crate) workers: Vec<WorkerFigures>,
}

/// A worker at one moment.
#[derive(Clone, Debug)]
pub(crate) struct WorkerFigures {
    pub(crate) id: WorkerId,
    pub(crate) host_name: String,
    pub(crate) activity: Activity,
    pub(crate) heartbeat_age: Duration,
    pub(crate) resident_bytes: u64,
    pub(crate) offered_bytes: u64,
    /// How many times as long as others it takes, where that is known.
    pub(crate) slowness: Option<f64>,
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It has part in the job that runs.
    AtWork,
    /// It waits for a job.
    Idle,
    /// It takes no job any more.
    Leaving,
}

const ACTIVITIES: [(Activity, &str); 3] =
    [(Activity::AtWork, "at_work"), (Activity::Idle, "idle"), (Activity::Leaving, "leaving")];

const STATES: [JobState; 6] = [
    JobState::Queued,
    JobState::Planning,
    JobState::Running,
    JobState::Succeeded,
    JobState::Failed,
    JobState::Cancelled,
];

impl Metrics {
    /// All of them at 0; `log_seconds` are those of the job log.
    pub(crate) fn new(log_seconds: Histogram) -> Self {
        let (counters, gauges) = (Counters::default(), Gauges::default());
        let mut registry = metrics::registry();
        counters.register(registry.sub_registry_with_prefix("kaskade"));
        gauges.register(registry.sub_registry_with_prefix("kaskade"));
        registry.sub_registry_with_prefix("kaskade").register_with_unit(
            "job_log_write",
            "Time until something was durable in the job log",
            Unit::Seconds,
            log_seconds,
        );
        // A series that is there from the start can be watched for its first change.
        for state in STATES.into_iter().filter(|state| state.is_final()) {
            drop(counters.ended.get_or_create(&in_state(state)));
        }
        Self(Arc::new(Inner { registry, counters, gauges }))
    }

    pub(crate) fn job_submitted(&self) {
        self.0.counters.submitted.inc();
    }

    pub(crate) fn job_ended(&self, state: JobState) {
        self.0.counters.ended.get_or_create(&in_state(state)).inc();
    }

    pub(crate) fn batch_finished(&self, tally: &PartitionTally) {
        let (counters, work) = (&self.0.counters, &tally.work);
        counters.batches.inc();
        counters.simulations.inc_by(u64::from(tally.n_lanes));
        counters.exchanged_bytes.inc_by(work.bytes_sent);
        counters.activations_sent.inc_by(work.activations_sent);
        for (encoding, n_chunks) in [
            ("list", work.chunks.list),
            ("roaring", work.chunks.roaring),
            ("dense", work.chunks.dense),
        ] {
            let labels = vec![("encoding", encoding.to_owned())];
            counters.chunks.get_or_create(&labels).inc_by(n_chunks);
        }
        counters.arcs_scanned.inc_by(work.arcs_scanned);
        counters.coins.inc_by(work.coins);
    }

    pub(crate) fn recovered(&self, n_batches: usize) {
        self.0.counters.recoveries.inc();
        self.0.counters.retried.inc_by(n_batches as u64);
    }

    pub(crate) fn worker_lost(&self) {
        self.0.counters.workers_lost.inc();
    }

    /// The page, with the state as `snapshot` has it.
    pub(crate) fn page(&self, snapshot: &Snapshot) -> String {
        self.0.gauges.show(snapshot);
        metrics::page(&self.0.registry)
    }
}

fn in_state(state: JobState) -> Labels {
    vec![("state", state.as_str().to_owned())]
}

impl Counters {
    fn register(&self, to: &mut Registry) {
        let Self {
            submitted,
            ended,
            simulations,
            batches,
            retried,
            recoveries,
            workers_lost,
            exchanged_bytes,
            activations_sent,
            chunks,
            arcs_scanned,
            coins,
        } = self.clone();
        to.register("jobs_submitted", "Jobs taken in", submitted);
        to.register("jobs_ended", "Jobs that ended, by state", ended);
        to.register("simulations_finished", "Simulations of finished batches", simulations);
        to.register("batches_finished", "Batches in the job log", batches);
        to.register("batches_retried", "Batches that were given back and run again", retried);
        to.register("recoveries", "Losses that were made good", recoveries);
        to.register("workers_lost", "Workers that went without a word", workers_lost);
        let help = "Payload that workers sent to each other for finished batches";
        to.register_with_unit("exchange", help, Unit::Bytes, exchanged_bytes);
        let help = "(node, lane) pairs that they sent, once per receiver";
        to.register("exchange_activations", help, activations_sent);
        to.register("exchange_chunks", "Chunks that they sent, by encoding", chunks);
        to.register("arcs_scanned", "Arcs looked at for finished batches", arcs_scanned);
        to.register("coins", "Coins thrown for finished batches", coins);
    }
}

impl Gauges {
    fn register(&self, to: &mut Registry) {
        let Self {
            queued,
            jobs,
            in_flight,
            workers,
            heartbeat_age,
            resident_bytes,
            offered_bytes,
            slowness,
        } = self.clone();
        to.register("queue_jobs", "Jobs that wait for their turn", queued);
        to.register("jobs", "Jobs that are known, by state", jobs);
        to.register("batches_in_flight", "Batches in the hands of workers", in_flight);
        to.register("workers", "Registered workers, by what they do", workers);
        let help = "Time since a worker was last heard of";
        to.register_with_unit("worker_heartbeat_age", help, Unit::Seconds, heartbeat_age);
        let help = "Resident memory of a worker, as last reported";
        to.register_with_unit("worker_resident_memory", help, Unit::Bytes, resident_bytes);
        let help = "Memory that a worker offers";
        to.register_with_unit("worker_offered_memory", help, Unit::Bytes, offered_bytes);
        let help = "How many times as long as the median of the others a straggler takes";
        to.register("worker_straggler", help, slowness);
    }

    fn show(&self, snapshot: &Snapshot) {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.queued.set(count(snapshot.n_queued));
        for state in STATES {
            let n = snapshot.jobs.iter().filter(|known| **known == state).count();
            self.jobs.get_or_create(&in_state(state)).set(count(n));
        }
        self.in_flight.set(count(snapshot.n_in_flight));
        for (activity, word) in ACTIVITIES {
            let n = snapshot.workers.iter().filter(|worker| worker.activity == activity).count();
            self.workers.get_or_create(&vec![("state", word.to_owned())]).set(count(n));
        }
        // Those that are gone have no series any more.
        self.heartbeat_age.clear();
        self.resident_bytes.clear();
        self.offered_bytes.clear();
        self.slowness.clear();
        let bytes = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        for worker in &snapshot.workers {
            let labels =
                vec![("worker", worker.id.to_string()), ("host", worker.host_name.clone())];
            let age = worker.heartbeat_age.as_secs_f64();
            self.heartbeat_age.get_or_create(&labels).set(age);
            self.resident_bytes.get_or_create(&labels).set(bytes(worker.resident_bytes));
            self.offered_bytes.get_or_create(&labels).set(bytes(worker.offered_bytes));
            if let Some(slowness) = worker.slowness {
                self.slowness.get_or_create(&labels).set(slowness);
            }
        }
    }
}
