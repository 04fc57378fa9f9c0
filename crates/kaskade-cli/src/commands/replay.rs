//! `kaskade replay`.

use std::fs;
use std::path::{Path, PathBuf};

use kaskade_model::job::PlanError;
use kaskade_model::spec::{RunSpec, Spec};
use kaskade_results::{Replay, ReplaySummary, ResultsError, StoredResult};
use serde::Serialize;

use super::info::table;
use super::rerun::{elsewhere, place_of};
use super::run::perform;
use crate::args::result::ReplayArgs;
use crate::clock;
use crate::console::Console;
use crate::error::CliError;
use crate::spec_file::Job;

/// Shows one simulation of a result as a tree: as it was traced, or else run again.
pub(super) fn replay(args: &ReplayArgs, console: &Console) -> Result<(), CliError> {
    let format = args.out.as_deref().map(Format::of).transpose()?;
    if let Some(path) =
        args.out.as_ref().filter(|path| !args.force && path.symlink_metadata().is_ok())
    {
        return Err(CliError::FileExists { path: path.clone(), flag: "out" });
    }
    let stored = StoredResult::read(&args.result)?;
    let Ok(at) = stored.simulations.binary_search(&args.simulation) else {
        return Err(CliError::NoSuchSimulation {
            simulation: args.simulation,
            first: stored.simulations[0],
            last: stored.simulations[stored.simulations.len() - 1],
        });
    };
    let traced = stored.cascades()?;
    let traced = traced.and_then(|cascades| Replay::of(&cascades, args.simulation));
    let was_traced = traced.is_some();
    let replay = match traced {
        Some(replay) => replay,
        None => run_again(args, &stored, stored.spreads[at], console)?,
    };
    if let (Some(path), Some(format)) = (&args.out, format) {
        let bytes = format.bytes(&replay)?;
        fs::write(path, bytes).map_err(CliError::write_file(path))?;
    }
    let shown = Shown { cascade: replay.summary(), was_traced, out: args.out.clone() };
    console.result(&shown, || shown.text())
}

/// Runs the one simulation, which reached `spread` nodes, on the result's graph.
fn run_again(
    args: &ReplayArgs,
    stored: &StoredResult,
    spread: u64,
    console: &Console,
) -> Result<Replay, CliError> {
    let spec = stored.summary.spec.clone();
    if !spec.dynamics().map_err(PlanError::from)?.can_be_traced() {
        return Err(CliError::NoTrees { kind: spec.model.kind });
    }
    let place = place_of(&spec, args.graph.as_deref())?;
    let run = RunSpec {
        first_simulation: args.simulation,
        simulations: 1,
        trace_simulations: 1,
        nodes: false,
        until: None,
        ..spec.run
    };
    let spec = Spec { run, ..spec }.resolve().map_err(PlanError::from)?;
    let job = Job::of_result(spec, place);
    let graph = &stored.summary.graph.digest;
    let (sample, summary) = perform(&job, &args.engine, clock::new_job_id(), Some(graph), console)
        .map_err(|error| elsewhere(error, args.graph.as_deref()))?;
    let found = summary.spread.max;
    if found != spread {
        let (expected, found) = (format!("a spread of {spread}"), format!("one of {found}"));
        return Err(CliError::OtherResult { expected, found });
    }
    let replay = sample.cascades().and_then(|cascades| Replay::of(cascades, args.simulation));
    // A cascade has its seeds, unless none of them started.
    replay.ok_or(CliError::NobodyStarted { simulation: args.simulation })
}

/// What a tree is written as.
#[derive(Clone, Copy, Debug)]
enum Format {
    Parquet,
    GraphMl,
    Dot,
    Svg,
    Png,
}

impl Format {
    /// The format that the ending of `path` names.
    fn of(path: &Path) -> Result<Self, CliError> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => Ok(Self::Parquet),
            Some("graphml") => Ok(Self::GraphMl),
            Some("dot") => Ok(Self::Dot),
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(CliError::Usage(format!(
                "--out {}: the ending says the format: .parquet, .graphml, .dot, .svg or .png",
                path.display()
            ))),
        }
    }

    fn bytes(self, replay: &Replay) -> Result<Vec<u8>, ResultsError> {
        Ok(match self {
            Self::Parquet => replay.parquet()?,
            Self::GraphMl => replay.graphml().into_bytes(),
            Self::Dot => replay.dot().into_bytes(),
            Self::Svg => replay.svg()?.into_bytes(),
            Self::Png => replay.png()?,
        })
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    cascade: ReplaySummary,
    /// Whether the run kept who passed it to whom; else the simulation was run again.
    was_traced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<PathBuf>,
}

impl Shown {
    fn text(&self) -> String {
        let ReplaySummary { simulation, size, trees, rounds, depth, breadth, kind, .. } =
            &self.cascade;
        let virality = self.cascade.virality.map_or_else(String::new, |of| format!("{of:.3}"));
        let origin = if self.was_traced { "traced" } else { "run again" };
        let spreaders = self.cascade.spreaders.iter();
        let spreaders: Vec<_> =
            spreaders.map(|of| format!("{} ({})", of.node, of.passed_to)).collect();
        let shown = self.cascade.by_depth.iter().take(12).map(u64::to_string);
        let mut by_depth = shown.collect::<Vec<_>>().join(" ");
        if self.cascade.by_depth.len() > 12 {
            by_depth.push_str(" …");
        }
        let mut rows = vec![
            ("simulation", format!("{simulation}, {origin}")),
            ("nodes", size.to_string()),
            ("trees", trees.to_string()),
            ("rounds", rounds.to_string()),
            ("depth", depth.to_string()),
            ("breadth", breadth.to_string()),
            ("virality", virality),
            ("kind", (*kind).to_owned()),
            ("by hops", by_depth),
            ("spreaders", spreaders.join(", ")),
        ];
        rows.retain(|(_, value)| !value.is_empty());
        rows.extend(self.out.iter().map(|out| ("tree in", out.display().to_string())));
        table(&rows)
    }
}
