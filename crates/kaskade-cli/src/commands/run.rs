//! `kaskade run`: a job in this process, no socket.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use kaskade_engine::dynamics::channel_bytes;
use kaskade_engine::job::batch_bytes;
use kaskade_engine::local::{self, LaneChoice};
use kaskade_engine::partition::{Method, Partition};
use kaskade_ingest::IngestError;
use kaskade_model::coin::Isa;
use kaskade_model::job::{JobPlan, PlanError};
use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::Spec;
use kaskade_model::tally::JobTally;
use kaskade_model::until::Until;
use kaskade_model::{AnyShard, JobId};
use kaskade_results::summary::{GraphSummary, JobRecord};
use kaskade_results::{
    JobState, Performance, Provenance, Resources, Sample, Summary, check_target, result_files,
    table, write_directory,
};
use kaskade_rpc::machine;
use kaskade_store::{Graph, Opening, ShardSelection, Verify};

use super::cache::generated_graph;
use super::progress::{RunProgress, with_byte_bar};
use super::sweep;
use crate::args::kernel::KernelChoice;
use crate::args::run::{EngineArgs, RunArgs, VerifyChoice};
use crate::clock::{self, Moment};
use crate::console::Console;
use crate::error::CliError;
use crate::shares;
use crate::size::Size;
use crate::spec_file::{self, Job, Runner};
use crate::unchecked::unchecked;

/// Runs a job, prints its summary, and writes its result directory if one is asked for.
pub(super) fn run(
    args: &RunArgs,
    typed: &BTreeSet<String>,
    console: &Console,
) -> Result<(), CliError> {
    if let Some(sweep) = spec_file::read_sweep(&args.spec, typed, Runner::Process)? {
        return sweep::run(&sweep, args, console);
    }
    let job = spec_file::read(&args.spec, typed, Runner::Process)?;
    let id = clock::new_job_id();
    let out = args.out.clone().or_else(|| job.out.as_deref().map(|out| with_id(out, &id)));
    // Refused before the work, not after it.
    out.as_deref().map(|out| check_target(out, args.force)).transpose()?;

    let (sample, summary) = perform(&job, &args.engine, id, None, console)?;
    if let Some(out) = &out {
        let created = Some(Moment::now().to_rfc3339());
        let provenance = Provenance { created, ..Provenance::default() };
        write_directory(out, &result_files(&sample, &summary, &provenance)?, args.force)?;
    }
    console.result(&summary, || table(&summary))?;
    if let Some(out) = &out {
        console.note(&format!("results in {}", out.display()));
    }
    Ok(())
}

/// Runs `job` as `id`, on a graph with the digest `expected_graph` if one is said.
///
/// # Errors
/// [`CliError`], among them [`CliError::OtherGraph`].
pub(super) fn perform(
    job: &Job,
    args: &EngineArgs,
    id: JobId,
    expected_graph: Option<&str>,
    console: &Console,
) -> Result<(Sample, Summary), CliError> {
    on_pool(args, || {
        let graph = LocalGraph::open(job, args, console)?;
        let found = &graph.summary.digest;
        if let Some(expected) = expected_graph.filter(|digest| digest != found) {
            let (expected, found) = (expected.to_owned(), found.clone());
            return Err(CliError::OtherGraph { expected, found });
        }
        graph.perform(&job.spec, args, id, console)
    })
}

/// Does `work` on the compute threads that `args` ask for, and watches over it where the graph was
/// not checked.
pub(super) fn on_pool<T: Send>(
    args: &EngineArgs,
    work: impl FnOnce() -> Result<T, CliError> + Send,
) -> Result<T, CliError> {
    let pool = super::thread_pool(args.threads)?;
    match args.verify {
        VerifyChoice::Full => pool.install(work),
        VerifyChoice::Header => unchecked(|| pool.install(work)),
    }
}

/// A graph that is open in this process, for one job after another.
pub(super) struct LocalGraph {
    /// Without its shards.
    graph: Graph,
    shards: Vec<AnyShard>,
    /// What results say of it.
    pub(super) summary: GraphSummary,
}

impl LocalGraph {
    /// Opens the graph of `job`, drawing it first where it is synthetic.
    pub(super) fn open(job: &Job, args: &EngineArgs, console: &Console) -> Result<Self, CliError> {
        let graph = open_graph(job, args, console)?;
        let summary = GraphSummary {
            digest: graph.manifest().digest.clone(),
            nodes: graph.n_nodes(),
            arcs: graph.manifest().n_arcs,
        };
        let (shards, graph) = graph.split();
        let shards = shards.into_iter().map(|shard| Arc::new(shard) as AnyShard).collect();
        Ok(Self { graph, shards, summary })
    }

    /// Runs the resolved `spec` as job `id`, on the current pool.
    pub(super) fn perform(
        &self,
        spec: &Spec,
        args: &EngineArgs,
        id: JobId,
        console: &Console,
    ) -> Result<(Sample, Summary), CliError> {
        let _span = tracing::info_span!("job", job_id = %id).entered();
        let graph = &self.graph;
        let lanes = choose_lanes(args, spec, graph)?;
        let plan = JobPlan::resolve(spec, graph, lanes.lane_words)?;
        let measures = plan.dynamics.measures();
        let limit_bytes = state_limit_bytes();
        let shards = self.shards.clone();
        let columns = graph.columns();
        let mut partition = Partition::join(shards, plan, Isa::detect(), limit_bytes, columns)?;
        if let Some(kernel) = args.kernel {
            force(kernel, &mut partition)?;
        }
        let run = simulate(partition, spec.run.until, lanes.max_in_flight, console)?;
        let rows = run.tally.rows().take(run.n_simulations as usize);
        let sample = Sample::collect(rows, self.summary.nodes)?;
        let sample = sample.with_kept(&run.tally, spec, graph);
        let record = JobRecord {
            job: id,
            state: JobState::Succeeded,
            graph: self.summary.clone(),
            performance: Performance::new(
                &run.tally.work(),
                run.tally.n_simulations(),
                run.resources,
            ),
            spec: spec.clone(),
            measures,
        };
        let summary = Summary::new(&sample, record);
        Ok((sample, summary))
    }
}

/// `out` with the job's id in place of `{job}`.
fn with_id(out: &Path, id: &JobId) -> PathBuf {
    out.iter().map(|part| part.to_string_lossy().replace("{job}", id.as_str())).collect()
}

/// Opens the job's graph, drawing it first where it is synthetic.
fn open_graph(job: &Job, args: &EngineArgs, console: &Console) -> Result<Graph, CliError> {
    let dir = match &job.graph {
        spec_file::Graph::Directory(dir) => dir.clone(),
        spec_file::Graph::Generate(spec) => {
            let dir = generated_graph(spec, args.cache.as_deref(), console);
            dir.map_err(|error| match error {
                CliError::Ingest(IngestError::Generator(error)) => job.locate_generator(&error),
                error => error,
            })?
        }
        spec_file::Graph::Registered => {
            unreachable!("the spec of a process with a registered graph was refused")
        }
    };
    let verify = match args.verify {
        VerifyChoice::Full => Verify::Full,
        VerifyChoice::Header => Verify::Header,
    };
    let graph = with_byte_bar(console, "verifying", |progress| {
        let opening = Opening { verify, load: args.load.into() };
        Graph::open(&dir, ShardSelection::All, opening, progress)
    })?;
    graph.manifest().require(&dir, kaskade_store::Views::Out)?;
    Ok(graph)
}

fn choose_lanes(args: &EngineArgs, spec: &Spec, graph: &Graph) -> Result<LaneChoice, CliError> {
    let n_threads = rayon::current_num_threads();
    let dynamics = spec.dynamics().map_err(PlanError::from)?;
    let model = spec.live_arc_model().map_err(PlanError::from)?;
    let (n_nodes, n_arcs) = (u64::from(graph.n_nodes()), graph.manifest().n_arcs);
    let of_channels = channel_bytes(&dynamics, model.chooses_in_arcs(), n_nodes, n_arcs);
    let limit_bytes = state_limit_bytes().saturating_sub(of_channels);
    let mean_in_degree = n_arcs as f64 / n_nodes.max(1) as f64;
    let of_batch = |lane_words| batch_bytes(Some(&dynamics), n_nodes, mean_in_degree, lane_words);
    Ok(match args.lane_words {
        Some(lane_words) => {
            let lane_words = lane_words as usize;
            LaneChoice::with_lane_words(lane_words, n_threads, limit_bytes, of_batch(lane_words))
        }
        None => LaneChoice::auto(spec.run.simulations, n_threads, limit_bytes, of_batch),
    })
}

/// What lane state may take, or what is used in its place: as much as `graph plan` says.
fn state_limit_bytes() -> u64 {
    let memory_bytes = Size::Auto.resolve(machine::free_memory_bytes(), shares::MEMORY_SHARE);
    shares::state_limit_bytes(memory_bytes.unwrap_or(u64::MAX))
}

fn force(kernel: KernelChoice, partition: &mut Partition) -> Result<(), CliError> {
    let is_plain = partition.plan.dynamics.is_plain();
    let refusal = match kernel.method {
        Method::Auto => None,
        _ if !is_plain => Some("--kernel forces a way of the classical cascade, which this is not"),
        Method::Backward if !partition.plan.model.chooses_in_arcs() => {
            Some("--kernel backward is for --model linear-threshold")
        }
        Method::OneByOne if !partition.can_run_one_by_one() => {
            Some("--kernel one-by-one is for block coins, and graphs whose arcs fit the memory")
        }
        Method::Light if !partition.can_be_light() => {
            Some("--kernel light is for coins of single arcs, up to 64 shards and 8 million nodes")
        }
        Method::Pull if !partition.can_pull() => Some(
            "--kernel pull is for cascades with coins of single arcs, and graphs with an in-view",
        ),
        _ => None,
    };
    if let Some(reason) = refusal {
        return Err(CliError::Usage(reason.to_owned()));
    }
    (partition.method, partition.isa) = (kernel.method, kernel.isa);
    Ok(())
}

/// Batches that were run, and what they took.
struct Run {
    tally: JobTally,
    /// The simulations of the tally, from the first on, that are in the result.
    n_simulations: u64,
    resources: Resources,
}

/// Runs batches on the current pool, all or `until` they are enough, and measures what they take.
fn simulate(
    partition: Partition,
    until: Option<Until>,
    max_in_flight: usize,
    console: &Console,
) -> Result<Run, CliError> {
    let max_simulations = partition.plan.n_simulations;
    let progress = RunProgress::new(console, max_simulations);
    let lane_words = partition.plan.lane_words;
    tracing::info!(lane_words, max_in_flight, isa = ?partition.isa, "rounds begin");
    let (started, cpu_before) = (Instant::now(), machine::cpu_time());
    let (tally, n_simulations) = match until {
        Some(until) => local::run_until(partition, until, max_in_flight, &progress)?,
        None => (local::run(partition, max_in_flight, &progress)?, max_simulations),
    };
    let resources = Resources {
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: Some((machine::cpu_time() - cpu_before).as_secs_f64()),
        threads: rayon::current_num_threads() as u32,
        workers: 0,
        peak_memory_bytes: machine::peak_memory_bytes(),
    };
    Ok(Run { tally, n_simulations, resources })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_a_spec_are_named_by_the_job() {
        let id = JobId::new("j7").unwrap();
        assert_eq!(with_id(Path::new("a/results/{job}"), &id), Path::new("a/results/j7"));
        assert_eq!(with_id(Path::new("/b/c"), &id), Path::new("/b/c"));
    }
}
