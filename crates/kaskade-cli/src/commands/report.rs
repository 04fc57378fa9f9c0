//! `kaskade report`.

use std::fs;
use std::path::{Path, PathBuf};

use kaskade_results::sweep::SweepTable;
use kaskade_results::{Plot, Reported, StoredResult};
use serde::Serialize;

use super::compare::comparisons;
use crate::args::result::ReportArgs;
use crate::console::Console;
use crate::error::CliError;

/// Writes a page about results or about a sweep, and if asked to their plots and tables as files.
pub(super) fn report(args: &ReportArgs, console: &Console) -> Result<(), CliError> {
    let Content { page, plots, tables } = match args.results.as_slice() {
        [dir] if SweepTable::is_in(dir) => of_sweep(dir)?,
        dirs => of_results(dirs, args.csv.is_some())?,
    };
    let mut files = vec![(args.out.clone(), page.into_bytes(), "out")];
    if let Some(dir) = &args.csv {
        let tables = tables.into_iter();
        files.extend(tables.map(|(name, text)| (dir.join(name), text.into_bytes(), "csv")));
    }
    if let Some(dir) = &args.plots {
        for plot in plots {
            let path = |ending| dir.join(format!("{}.{ending}", plot.name));
            files.push((path("svg"), plot.file().into_bytes(), "plots"));
            files.push((path("png"), plot.png()?, "plots"));
        }
    }
    for (path, _, flag) in &files {
        if !args.force && path.symlink_metadata().is_ok() {
            return Err(CliError::FileExists { path: path.clone(), flag });
        }
    }
    for (path, bytes, _) in &files {
        write(path, bytes)?;
    }
    let written = Written { files: files.into_iter().map(|(path, ..)| path).collect() };
    console.result(&written, || {
        written.files.iter().map(|path| format!("{}\n", path.display())).collect()
    })
}

/// What there is to write.
struct Content {
    page: String,
    plots: Vec<Plot>,
    /// Tables with the names of their files.
    tables: Vec<(String, String)>,
}

/// Tables are read only where somebody asks: they are large.
fn of_results(dirs: &[PathBuf], has_tables: bool) -> Result<Content, CliError> {
    let results = dirs.iter().map(|dir| StoredResult::read(dir));
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let comparisons = comparisons(&results);
    let reported: Vec<_> = results.iter().map(Reported::from).collect();
    Ok(Content {
        page: kaskade_results::report(&reported, &comparisons),
        plots: kaskade_results::plots(&reported, &comparisons),
        tables: if has_tables { kaskade_results::csv_tables(&results)? } else { Vec::new() },
    })
}

fn of_sweep(dir: &Path) -> Result<Content, CliError> {
    let sweep = SweepTable::read(dir)?;
    Ok(Content {
        page: kaskade_results::sweep_report(&sweep),
        plots: kaskade_results::sweep_plots(&sweep),
        tables: vec![("sweep.csv".to_owned(), sweep.to_csv())],
    })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Written {
    files: Vec<PathBuf>,
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), fs::create_dir_all).map_err(CliError::write_file(path))?;
    fs::write(path, bytes).map_err(CliError::write_file(path))
}
