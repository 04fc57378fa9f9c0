//! The in-process run: all shards, no socket, the same kernel.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use kaskade_model::dynamics::NodeRule;
use kaskade_model::ids::BatchId;
use kaskade_model::job::BatchPlan;
use kaskade_model::lanes::LANES_PER_WORD;
use kaskade_model::tally::{JobTally, PartitionTally};
use kaskade_model::until::{Looks, Until, Verdict};

use crate::dynamics::{Contagion, DynamicsRun, Epidemic, NodeMachine};
use crate::error::EngineError;
use crate::kernel::{Parallelism, ShardState, backward_bytes, run_backward, state_bytes};
use crate::partition::{BatchRun, Method, Partition};
use crate::with_lane_words;

/// Who watches an in-process run.
pub trait Observer: Sync {
    /// So many more simulations are finished.
    fn simulations_finished(&self, _n_simulations: u64) {}

    /// Whether the run should stop; asked once a round, or once in at most 64 simulations
    /// where these run one by one.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// An observer that only lets the run go on.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// How many simulations advance together, and how many batches at a time. Decides speed and
/// memory, never a bit of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneChoice {
    /// W: 64-lane words in a batch.
    pub lane_words: usize,
    /// Batches that hold state at a time.
    pub max_in_flight: usize,
}

impl LaneChoice {
    /// The choice for `n_simulations` with `n_threads`, whose lane state may take
    /// `state_limit_bytes`; that of a batch takes `batch_bytes` of W.
    ///
    /// W is the largest of 1, 2, 4 and 8 with which every thread still gets a full batch and a
    /// batch in flight on every thread still fits the limit; 1 where none is. Where not even
    /// that fits, fewer batches are in flight, at least one.
    #[must_use]
    pub fn auto(
        n_simulations: u64,
        n_threads: usize,
        state_limit_bytes: u64,
        batch_bytes: impl Fn(usize) -> u64,
    ) -> Self {
        let fits = |lane_words: usize| {
            let batches = n_threads.max(1) as u64;
            let lanes = (lane_words * LANES_PER_WORD) as u64;
            lanes.saturating_mul(batches) <= n_simulations
                && batch_bytes(lane_words).saturating_mul(batches) <= state_limit_bytes
        };
        let lane_words = [8, 4, 2].into_iter().find(|&lane_words| fits(lane_words)).unwrap_or(1);
        Self::with_lane_words(lane_words, n_threads, state_limit_bytes, batch_bytes(lane_words))
    }

    /// The choice where W is given, and with it the `batch_bytes` of lane state.
    #[must_use]
    pub fn with_lane_words(
        lane_words: usize,
        n_threads: usize,
        state_limit_bytes: u64,
        batch_bytes: u64,
    ) -> Self {
        let n_that_fit = state_limit_bytes / batch_bytes.max(1);
        let n_that_fit = usize::try_from(n_that_fit).unwrap_or(usize::MAX);
        Self { lane_words, max_in_flight: n_that_fit.clamp(1, n_threads.max(1)) }
    }
}

/// Runs every batch of `partition`, which holds the whole graph, on the current rayon pool.
/// At most `max_in_flight` batches hold state at a time ([`state_bytes`] each).
///
/// While there are more batches than threads each runs on one thread; the last ones
/// share the pool. The result is the same for any pool and any `max_in_flight`.
///
/// # Errors
/// [`EngineError::Interrupted`] when `observer` says so, or [`EngineError::Model`].
pub fn run(
    partition: Partition,
    max_in_flight: usize,
    observer: &dyn Observer,
) -> Result<JobTally, EngineError> {
    let lane_words = partition.plan.lane_words;
    let partition = Arc::new(partition);
    with_lane_words!(lane_words, W => {
        let backward = Backward::new::<W>(&partition, max_in_flight);
        let batches = 0..partition.plan.n_batches();
        let tally = JobTally::default();
        run_batches::<W>(&partition, batches, tally, &backward, max_in_flight, observer)
    })
}

/// Runs batches of `partition` as [`run`] does, until a look that `until` has taken says that they
/// are enough; with the number of simulations before that look, which the result holds. The tally
/// may hold some more: those that shared their batch.
///
/// # Errors
/// As [`run`].
pub fn run_until(
    partition: Partition,
    until: Until,
    max_in_flight: usize,
    observer: &dyn Observer,
) -> Result<(JobTally, u64), EngineError> {
    let plan = partition.plan.clone();
    let partition = Arc::new(partition);
    let mut looks = Looks::new(until, plan.first_simulation, plan.n_simulations);
    with_lane_words!(plan.lane_words, W => {
        let backward = Backward::new::<W>(&partition, max_in_flight);
        let (mut tally, mut n_done) = (JobTally::default(), 0);
        loop {
            let batches = n_done..plan.n_batches_of(looks.n_simulations());
            n_done = batches.end;
            tally = run_batches::<W>(
                &partition, batches, tally, &backward, max_in_flight, observer,
            )?;
            if looks.look(&tally) == Verdict::Stop {
                return Ok((tally, looks.n_simulations()));
            }
        }
    })
}

/// Runs `batches` and adds them to `tally`.
fn run_batches<const W: usize>(
    partition: &Arc<Partition>,
    batches: Range<u32>,
    tally: JobTally,
    backward: &Backward,
    max_in_flight: usize,
    observer: &dyn Observer,
) -> Result<JobTally, EngineError> {
    let n_threads = rayon::current_num_threads();
    let n_runners = max_in_flight.clamp(1, n_threads).min(batches.len());
    let next = AtomicU32::new(batches.start);
    let outcome = Mutex::new(Ok(tally));
    // The pool's threads do not know in which span they were called.
    let job_span = tracing::Span::current();

    let run_until_none_is_left = || {
        let mut spare = Spare::<W>::None;
        loop {
            let batch = BatchId(next.fetch_add(1, Relaxed));
            if batch.0 >= batches.end {
                return;
            }
            let n_left = (batches.end - batch.0) as usize;
            let parallelism = if n_left >= n_threads && n_runners == n_threads {
                Parallelism::Sequential
            } else {
                Parallelism::Pool
            };
            let span = tracing::info_span!(parent: &job_span, "batch", batch_id = batch.0);
            let result = span
                .in_scope(|| run_batch(partition, batch, spare, parallelism, backward, observer));
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            let added = result.and_then(|(tally, cleared)| {
                observer.simulations_finished(tally.n_lanes.into());
                if let Ok(job) = &mut *outcome {
                    job.add_batch(batch, tally)?;
                }
                Ok(cleared)
            });
            match added {
                Ok(cleared) => spare = cleared,
                Err(error) => {
                    *outcome = Err(error);
                    next.store(batches.end, Relaxed);
                    return;
                }
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..n_runners {
            scope.spawn(|_| run_until_none_is_left());
        }
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Whether batches are computed backward; what one of them finds out holds for all.
#[derive(Debug)]
struct Backward {
    is_chosen: AtomicBool,
    /// A batch that looks at more arcs than this on its way forward does it again backward.
    max_arcs_forward: u64,
}

impl Backward {
    /// A batch turns back when it has looked at one arc for so many pointers that the way back draws
    /// and follows. By then the way forward has cost about as much as the way back: an arc costs a
    /// batch of the widest kind 57 ns, a pointer 7.6, as measured on wiki-Vote.
    const POINTERS_PER_ARC: u64 = 6;

    /// Whoever counts memory counts lane state: the pointers of all threads, which come in its place, are
    /// drawn unforced only where they take no more.
    fn new<const W: usize>(partition: &Partition, max_in_flight: usize) -> Self {
        let Partition { plan, method, .. } = partition;
        let is_possible = plan.model.chooses_in_arcs() && plan.dynamics.is_plain();
        let n_nodes = u64::from(plan.n_nodes);
        let of_threads =
            backward_bytes(n_nodes).saturating_mul(rayon::current_num_threads() as u64);
        let of_batches = state_bytes(n_nodes, W).saturating_mul(max_in_flight as u64);
        let is_quick = is_possible && of_threads <= of_batches && *method == Method::Auto;
        let pointers = n_nodes * plan.lanes_per_batch();
        Self {
            is_chosen: AtomicBool::new(is_possible && *method == Method::Backward),
            max_arcs_forward: if is_quick { pointers / Self::POINTERS_PER_ARC } else { u64::MAX },
        }
    }
}

/// What a finished batch leaves for the next: cleared states.
enum Spare<const W: usize> {
    None,
    States(Vec<ShardState<W>>),
    Contagion(Vec<Contagion<W>>),
    Epidemic(Vec<Epidemic<W>>),
}

/// Runs a batch, on `spare` where it can; gives it back, unless the batch did without.
fn run_batch<const W: usize>(
    partition: &Arc<Partition>,
    batch: BatchId,
    spare: Spare<W>,
    parallelism: Parallelism,
    backward: &Backward,
    observer: &dyn Observer,
) -> Result<(PartitionTally, Spare<W>), EngineError> {
    let plan = partition.plan.batch(batch);
    let dynamics = &partition.plan.dynamics;
    let is_interrupted = || observer.is_interrupted();
    if dynamics.is_plain() {
        let states = match spare {
            Spare::States(states) => states,
            _ => Vec::new(),
        };
        let (tally, states) =
            run_cascade(partition, &plan, states, parallelism, backward, &is_interrupted)?;
        return Ok((tally, Spare::States(states)));
    }
    let run = Dynamic { partition, plan, parallelism, is_interrupted };
    if matches!(dynamics.rule, NodeRule::Epidemic(_)) {
        let machines = match spare {
            Spare::Epidemic(machines) => machines,
            _ => DynamicsRun::<Epidemic<W>, W>::new_machines(partition),
        };
        let (tally, machines) = run.on(machines)?;
        return Ok((tally, Spare::Epidemic(machines)));
    }
    let machines = match spare {
        Spare::Contagion(machines) => machines,
        _ => DynamicsRun::<Contagion<W>, W>::new_machines(partition),
    };
    let (tally, machines) = run.on(machines)?;
    Ok((tally, Spare::Contagion(machines)))
}

/// A batch whose nodes are machines.
struct Dynamic<'a, F> {
    partition: &'a Arc<Partition>,
    plan: BatchPlan,
    parallelism: Parallelism,
    is_interrupted: F,
}

impl<F: Fn() -> bool> Dynamic<'_, F> {
    fn on<M: NodeMachine<W>, const W: usize>(
        self,
        machines: Vec<M>,
    ) -> Result<(PartitionTally, Vec<M>), EngineError> {
        let mut run = DynamicsRun::begin(Arc::clone(self.partition), self.plan, machines)?;
        while (run.n_transmitting() > 0 || run.n_pending() > 0) && !run.is_cut_off() {
            if (self.is_interrupted)() {
                return Err(EngineError::Interrupted);
            }
            run.step_alone(self.parallelism)?;
        }
        Ok(run.finish())
    }
}

/// Runs a batch of the classical cascade on cleared `states`, made now where there are none;
/// gives them back, cleared, unless the batch did without.
fn run_cascade<const W: usize>(
    partition: &Arc<Partition>,
    plan: &BatchPlan,
    mut states: Vec<ShardState<W>>,
    parallelism: Parallelism,
    backward: &Backward,
    is_interrupted: &(impl Fn() -> bool + Sync),
) -> Result<(PartitionTally, Vec<ShardState<W>>), EngineError> {
    if let Some(tally) = partition.run_one_by_one(plan, parallelism, is_interrupted) {
        return tally.map(|tally| (tally, states));
    }
    if !backward.is_chosen.load(Relaxed) {
        if states.is_empty() {
            states = partition.new_states();
        }
        let mut run = BatchRun::begin(Arc::clone(partition), *plan, states)?;
        loop {
            if run.n_new() == 0 || run.is_cut_off() {
                return Ok(run.finish());
            }
            if is_interrupted() {
                return Err(EngineError::Interrupted);
            }
            if run.tally().work.arcs_scanned > backward.max_arcs_forward {
                backward.is_chosen.store(true, Relaxed);
                break;
            }
            run.step_alone(parallelism)?;
        }
    } else {
        // The way back needs room of its own.
        drop(states);
    }
    let Partition { shards, plan: job, .. } = &**partition;
    match run_backward(shards, job, plan, parallelism, is_interrupted)? {
        Some(tally) => Ok((tally, Vec::new())),
        None => Err(EngineError::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_follow_simulations_and_memory() {
        let choice = |n_simulations, n_nodes, n_threads, limit| {
            let LaneChoice { lane_words, max_in_flight } =
                LaneChoice::auto(n_simulations, n_threads, limit, |lane_words| {
                    state_bytes(n_nodes, lane_words)
                });
            (lane_words, max_in_flight)
        };
        assert_eq!(choice(1, 1000, 2, u64::MAX), (1, 2));
        assert_eq!(choice(1000, 1000, 2, u64::MAX), (4, 2), "two batches of 512 are too many");
        assert_eq!(choice(1024, 1000, 2, u64::MAX), (8, 2));
        assert_eq!(choice(u64::MAX, 1 << 20, 2, 65 << 20), (2, 2), "16 W bytes a node and batch");
        assert_eq!(choice(u64::MAX, 1 << 20, 4, 40 << 20), (1, 2));
        assert_eq!(choice(u64::MAX, 1 << 20, 4, 0), (1, 1));
        assert_eq!(choice(0, 0, 0, 0), (1, 1));
    }
}
