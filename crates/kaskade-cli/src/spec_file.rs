//! From a spec file and flags to a resolved job.
//!
//! What was said for this job comes first, in the order flag, spec; then what holds in
//! general, in the order `KASKADE_*`, configuration file, default. So a variable that
//! somebody set last week never overrides a spec.

mod document;
mod draft;
mod seed_file;
mod sweep;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kaskade_model::spec::{GenerateSpec, SeedSpec, Spec, SpecError};

use crate::args::job::SpecArgs;
use crate::error::CliError;
use document::Document;
use draft::Draft;
pub(crate) use seed_file::SeedFileLimit;
pub(crate) use sweep::{Sweep, SweepPoint};

/// A job that is fully said: nothing is left to choose, and seeds are no file any more.
#[derive(Debug)]
pub(crate) struct Job {
    /// The resolved spec.
    pub(crate) spec: Spec,
    /// The graph.
    pub(crate) graph: Graph,
    /// Where the spec wants its result, `{job}` still to be replaced.
    pub(crate) out: Option<PathBuf>,
    document: Option<Document>,
}

impl Job {
    /// The job of a spec that was resolved before, on `graph`.
    pub(crate) fn of_result(spec: Spec, graph: Graph) -> Self {
        Self { spec, graph, out: None, document: None }
    }

    /// What a generator says of `[graph] generate`, with the place where that stands.
    pub(crate) fn locate_generator(&self, error: &SpecError) -> CliError {
        match &self.document {
            Some(document) => {
                let key = format!("graph.{}", error.key);
                document.flaw(&key, format!("{key} {}", error.reason)).into()
            }
            None => CliError::of_flag(error),
        }
    }
}

/// Where a job's graph is.
#[derive(Debug)]
pub(crate) enum Graph {
    /// In a directory.
    Directory(PathBuf),
    /// Nowhere before its first use.
    Generate(GenerateSpec),
    /// With the coordinator, under the name in the spec.
    Registered,
}

/// Who runs the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// This process.
    Process,
    /// A coordinator's workers.
    Cluster,
}

/// Reads the spec that `args` name, lays their flags over it and resolves it. `typed` are
/// the flags that were typed on the command line.
///
/// # Errors
/// [`CliError`] names file, line and column, or the flag.
pub(crate) fn read(
    args: &SpecArgs,
    typed: &BTreeSet<String>,
    runner: Runner,
) -> Result<Job, CliError> {
    let document = args.spec.as_deref().map(Document::read).transpose()?;
    if let Some(document) = document.as_ref().filter(|document| document.contents.sweep.is_some()) {
        let message = "[sweep] makes many jobs of one spec, this command takes one: leave it out";
        return Err(document.flaw("sweep", message.to_owned()).into());
    }
    job(document, args, typed, runner, &[])
}

/// Reads the sweep of the spec that `args` name, if it has one, and resolves its points.
///
/// # Errors
/// As [`read`], and for what a sweep cannot vary.
pub(crate) fn read_sweep(
    args: &SpecArgs,
    typed: &BTreeSet<String>,
    runner: Runner,
) -> Result<Option<Sweep>, CliError> {
    match args.spec.as_deref().map(Document::read).transpose()? {
        Some(document) if document.contents.sweep.is_some() => {
            Sweep::read(&document, args, typed, runner).map(Some)
        }
        _ => Ok(None),
    }
}

/// The job that `document` and `args` describe, a point of a sweep over the keys `swept`, which no
/// flag may stand above.
fn job(
    document: Option<Document>,
    args: &SpecArgs,
    typed: &BTreeSet<String>,
    runner: Runner,
    swept: &[&str],
) -> Result<Job, CliError> {
    let mut draft = Draft::new(document.as_ref());
    draft.apply_flags(args, typed, runner);
    draft.refuse_flags_above(swept)?;

    let graph = draft.graph(runner)?;
    let folder = |is_flag: bool| if is_flag { Path::new("") } else { draft.folder() };
    let graph = match graph {
        Graph::Directory(path) => Graph::Directory(folder(draft.is_flag("graph")).join(path)),
        elsewhere => elsewhere,
    };
    let out = draft.out().map(|out| draft.folder().join(out));
    let limit = match runner {
        Runner::Process => SeedFileLimit::None,
        Runner::Cluster => SeedFileLimit::Request,
    };
    let read_seeds = |seeds: &SeedSpec, folder: &Path| match seeds {
        SeedSpec::File(path) => {
            Ok::<_, CliError>(SeedSpec::Ids(seed_file::read(&folder.join(path), limit)?))
        }
        seeds => Ok(seeds.clone()),
    };
    let mut spec = draft.spec(read_seeds(draft.seeds()?, folder(draft.is_flag("seeds")))?);
    for seeds in spec.later_seeds_mut() {
        *seeds = read_seeds(seeds, draft.folder())?;
    }
    if let Graph::Directory(path) = &graph {
        // A result lies elsewhere than the spec: it has to say where the graph is seen from here.
        spec.graph.path = path.to_str().map(str::to_owned).or(spec.graph.path);
    }
    let spec = draft.resolve(spec)?;
    Ok(Job { spec, graph, out, document })
}

#[cfg(test)]
mod tests;
