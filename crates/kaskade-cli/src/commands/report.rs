//! `kaskade report`.

use std::fs;
use std::path::{Path, PathBuf};

use kaskade_results::{Reported, StoredResult};
use serde::Serialize;

use super::compare::comparisons;
use crate::args::result::ReportArgs;
use crate::console::Console;
use crate::error::CliError;

/// Writes a page about results, and if asked to their plots and tables as files.
pub(super) fn report(args: &ReportArgs, console: &Console) -> Result<(), CliError> {
    let results = args.results.iter().map(|dir| StoredResult::read(dir));
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let comparisons = comparisons(&results);
    let reported: Vec<_> = results.iter().map(Reported::from).collect();
    let mut files =
        vec![(args.out.clone(), kaskade_results::report(&reported, &comparisons), "out")];
    if let Some(dir) = &args.csv {
        let tables = kaskade_results::csv_tables(&results)?;
        files.extend(tables.into_iter().map(|(name, text)| (dir.join(name), text, "csv")));
    }
    if let Some(dir) = &args.plots {
        for plot in kaskade_results::plots(&reported, &comparisons) {
            files.push((dir.join(format!("{}.svg", plot.name)), plot.file(), "plots"));
        }
    }
    for (path, _, flag) in &files {
        if !args.force && path.symlink_metadata().is_ok() {
            return Err(CliError::FileExists { path: path.clone(), flag });
        }
    }
    for (path, text, _) in &files {
        write(path, text)?;
    }
    let written = Written { files: files.into_iter().map(|(path, ..)| path).collect() };
    console.result(&written, || {
        written.files.iter().map(|path| format!("{}\n", path.display())).collect()
    })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Written {
    files: Vec<PathBuf>,
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), fs::create_dir_all).map_err(CliError::write_file(path))?;
    fs::write(path, text).map_err(CliError::write_file(path))
}
