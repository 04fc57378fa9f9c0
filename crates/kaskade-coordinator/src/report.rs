//! From merged tallies to a result directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kaskade_model::JobId;
use kaskade_model::dynamics::Measure;
use kaskade_model::spec::Spec;
use kaskade_model::tally::JobTally;
use kaskade_results::{
    GraphSummary, JobRecord, JobState, Performance, Provenance, Resources, ResultFile, Sample,
    Summary, read_directory, result_files, write_directory,
};
use kaskade_store::Graph;

use crate::error::CoordinatorError;

/// A finished job, all that its result is made of.
#[derive(Clone, Debug)]
pub(crate) struct FinishedJob {
    pub(crate) job: JobId,
    pub(crate) spec: Spec,
    pub(crate) graph: GraphSummary,
    pub(crate) measures: Vec<Measure>,
    /// What the nodes are called, where the result names some.
    pub(crate) nodes: Option<Arc<Graph>>,
    pub(crate) tally: JobTally,
    /// The simulations of the tally, from the first on, that are in the result.
    pub(crate) n_simulations: u64,
    pub(crate) resources: Resources,
    pub(crate) provenance: Provenance,
}

/// The results of jobs, a directory each.
#[derive(Clone, Debug)]
pub(crate) struct ResultStore {
    dir: PathBuf,
}

impl ResultStore {
    pub(crate) fn open(state: &Path) -> Result<Self, CoordinatorError> {
        let dir = state.join("results");
        std::fs::create_dir_all(&dir).map_err(CoordinatorError::file("create", &dir))?;
        Ok(Self { dir })
    }

    /// Computes the summary of `finished` and writes its result directory. One that an
    /// earlier run of the coordinator wrote, but did not live to note, is replaced.
    pub(crate) fn write(&self, finished: &FinishedJob) -> Result<(), CoordinatorError> {
        let FinishedJob { job, spec, graph, measures, tally, .. } = finished;
        let FinishedJob { n_simulations, resources, provenance, nodes, .. } = finished;
        let rows = tally.rows().take(*n_simulations as usize);
        let mut sample = Sample::collect(rows, graph.nodes)?;
        if let Some(nodes) = nodes {
            sample = sample.with_kept(tally, spec, &**nodes);
        }
        let work = tally.work();
        let record = JobRecord {
            job: job.clone(),
            state: JobState::Succeeded,
            graph: graph.clone(),
            spec: spec.clone(),
            measures: measures.clone(),
            performance: Performance::new(&work, sample.n_simulations(), *resources),
        };
        let summary = Summary::new(&sample, record);
        let files = result_files(&sample, &summary, provenance)?;
        write_directory(&self.path(job), &files, true)?;
        Ok(())
    }

    /// The files of the result of `job`, checked.
    pub(crate) fn read(&self, job: &JobId) -> Result<Vec<ResultFile>, CoordinatorError> {
        Ok(read_directory(&self.path(job))?)
    }

    /// Removes the result of `job`, if there is one.
    pub(crate) fn remove(&self, job: &JobId) -> Result<(), CoordinatorError> {
        let (path, doomed) = (self.path(job), self.dir.join(format!(".{job}.forgotten")));
        match std::fs::rename(&path, &doomed) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            // What is left of it after a crash is swept by the next start.
            Ok(()) => {
                std::fs::remove_dir_all(&doomed).map_err(CoordinatorError::file("remove", doomed))
            }
            Err(error) => Err(CoordinatorError::file("rename", path)(error)),
        }
    }

    /// Removes what an earlier run of the coordinator did not live to write or to remove. Results
    /// whose job is not `is_known` stay: the log may be one that somebody restored, or began anew.
    pub(crate) fn sweep(&self, is_known: impl Fn(&str) -> bool) -> Result<(), CoordinatorError> {
        let listed =
            std::fs::read_dir(&self.dir).map_err(CoordinatorError::file("list", &self.dir))?;
        for entry in listed {
            let path = entry.map_err(CoordinatorError::file("list", &self.dir))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') && path.is_dir() {
                tracing::info!(path = %path.display(), "removing what was left unfinished");
                std::fs::remove_dir_all(&path).map_err(CoordinatorError::file("remove", &path))?;
            } else if !is_known(&name) {
                tracing::warn!(path = %path.display(), "results of a job that the log does not know");
            }
        }
        Ok(())
    }

    fn path(&self, job: &JobId) -> PathBuf {
        self.dir.join(job.as_str())
    }
}
