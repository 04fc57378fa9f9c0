//! A spec with `[sweep]`: `kaskade run` in this process, `kaskade submit` on a cluster.

mod cluster;

use std::path::{Path, PathBuf};

use kaskade_model::JobId;
use kaskade_results::summary::GraphSummary;
use kaskade_results::sweep::{SweepDirectory, SweepRow, SweepTable, point_id};
use kaskade_results::{Provenance, Summary, result_files};
use serde::Serialize;

pub(super) use cluster::submit;

use super::run::{LocalGraph, on_pool};
use crate::args::run::RunArgs;
use crate::clock::Moment;
use crate::console::{Console, Counted};
use crate::error::CliError;
use crate::spec_file::{Sweep, SweepPoint};

/// Rows that are printed for people; all are in the table.
const MAX_ROWS: usize = 40;

/// Runs the points of `sweep` that its directory lacks, and writes the table of all.
pub(super) fn run(sweep: &Sweep, args: &RunArgs, console: &Console) -> Result<(), CliError> {
    let out = directory_of(sweep, args.out.as_deref(), args.force)?;
    let out = out.ok_or(CliError::Incomplete(
        "a sweep needs a directory, from which it goes on when it was interrupted: name one with \
         --out DIR",
    ))?;
    let directory = SweepDirectory::open(&out)?;
    say_coins(sweep, console);
    let bar = console.bar("sweep", Some(sweep.points.len() as u64), Counted::Things("points"));
    let mut done = Done::new(&out);
    let table = on_pool(&args.engine, || {
        let graph = LocalGraph::open(&sweep.points[0].job, &args.engine, console)?;
        let mut table = empty_table(sweep, graph.summary.clone());
        for point in &sweep.points {
            let spec = &point.job.spec;
            let id = point_id(spec, &graph.summary.digest);
            let summary = match directory.find(&id)? {
                Some(summary) => {
                    done.points_kept += 1;
                    summary
                }
                None => {
                    let (sample, summary) =
                        graph.perform(spec, &args.engine, job_id(&id), console)?;
                    let created = Some(Moment::now().to_rfc3339());
                    let provenance = Provenance { created, ..Provenance::default() };
                    directory.keep(&id, &result_files(&sample, &summary, &provenance)?)?;
                    tracing::info!(point = id, "point done");
                    done.points_run += 1;
                    summary
                }
            };
            table.rows.push(row(id, point, &summary));
            bar.inc(1);
        }
        Ok(table)
    })?;
    bar.finish_and_clear();
    directory.write_table(&table)?;
    print(&table, &done, console)
}

/// Where `sweep` goes: the flag's word stands above the spec's.
fn directory_of(
    sweep: &Sweep,
    out: Option<&Path>,
    force: bool,
) -> Result<Option<PathBuf>, CliError> {
    if force {
        let text = "a sweep goes on from what its directory holds and replaces nothing: leave out \
                    --force, or name another directory";
        return Err(CliError::Usage(text.to_owned()));
    }
    let out = out.map(Path::to_owned).or_else(|| sweep.out.clone());
    if out.as_deref().is_some_and(|out| out.to_string_lossy().contains("{job}")) {
        let text = "a sweep goes on in its directory, which therefore has one name: take {job} out \
                    of run.out, or use --out DIR";
        return Err(CliError::Usage(text.to_owned()));
    }
    Ok(out)
}

/// Says what `auto` became, where that is not what each point by itself would have.
fn say_coins(sweep: &Sweep, console: &Console) {
    if sweep.is_one_family_forced {
        console.note("the points' coins would be of different families: all get octet coins");
    }
}

/// The table of `sweep` before it has a row.
fn empty_table(sweep: &Sweep, graph: GraphSummary) -> SweepTable {
    SweepTable {
        graph,
        seed: sweep.points[0].job.spec.run.seed,
        coins: sweep.coins,
        is_one_family_forced: sweep.is_one_family_forced,
        axes: sweep.axes.clone(),
        rows: Vec::new(),
    }
}

fn row(id: String, point: &SweepPoint, summary: &Summary) -> SweepRow {
    SweepRow::new(id, point.values.clone(), summary)
}

/// The job of the point `id`, which is made of letters that a job's id may have.
fn job_id(id: &str) -> JobId {
    JobId::new(id).expect("hexadecimal digits are letters of job ids")
}

/// What became of the points.
#[derive(Debug, Serialize)]
struct Done<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<&'a Path>,
    /// Points that were run now.
    points_run: usize,
    /// Points whose results were there.
    points_kept: usize,
}

impl<'a> Done<'a> {
    fn new(out: &'a Path) -> Self {
        Self { out: Some(out), points_run: 0, points_kept: 0 }
    }
}

/// Prints the table, and where it is.
fn print(table: &SweepTable, done: &Done<'_>, console: &Console) -> Result<(), CliError> {
    #[derive(Serialize)]
    struct Printed<'a> {
        #[serde(flatten)]
        done: &'a Done<'a>,
        #[serde(flatten)]
        document: kaskade_results::sweep::SweepDocument<'a>,
    }
    console.result(&Printed { done, document: table.document() }, || describe(table))?;
    let Done { points_run, points_kept, .. } = done;
    let what = format!("{points_run} points run, {points_kept} found");
    match done.out {
        Some(out) => console.note(&format!("{what}; table and page in {}", out.display())),
        None => console.note(&what),
    }
    Ok(())
}

/// The table for people: a row a point, in columns.
fn describe(table: &SweepTable) -> String {
    let mut rows = vec![Vec::new()];
    rows[0].extend(table.axes.iter().map(|axis| axis.key.clone()));
    rows[0].extend(["mean", "interval", "median", "break out"].map(str::to_owned));
    for row in table.rows.iter().take(MAX_ROWS) {
        let mut cells: Vec<String> = row.values.iter().map(ToString::to_string).collect();
        cells.push(format!("{:.2}", row.spread.mean));
        let interval = row.spread.confidence_interval;
        cells.push(
            interval.map_or_else(String::new, |[low, high]| format!("{low:.2} to {high:.2}")),
        );
        cells.push(row.spread.quantiles.p50.to_string());
        let share = |share: f64| format!("{:.1} %", 100.0 * share);
        cells.push(row.outbreak.map_or_else(String::new, |found| share(found.probability)));
        rows.push(cells);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len()).filter_map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text: String = rows.iter().map(line).collect();
    if table.rows.len() > MAX_ROWS {
        text += &format!("{MAX_ROWS} of {} points; sweep.csv has them all\n", table.rows.len());
    }
    text += &format!("digest {}\n", table.digest());
    text
}
