//! A sweep on disk: a folder of result directories named by what decides them, and the table.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{POINTS_FOLDER, SweepTable, TABLE_FILES, point_id};
use crate::directory::{check_target, write_directory};
use crate::error::ResultsError;
use crate::files::ResultFile;
use crate::stored::StoredResult;
use crate::summary::Summary;

/// Who holds its lock writes the sweep.
const LOCK: &str = ".lock";

/// The directory of a sweep, locked against other processes as long as this lives.
#[derive(Debug)]
pub struct SweepDirectory {
    path: PathBuf,
    _lock: File,
}

impl SweepDirectory {
    /// Opens the sweep at `path`, creating it where there is none, and clears away what a process
    /// that was killed left half-written.
    ///
    /// # Errors
    /// [`ResultsError::NotASweep`] if anything else is there, [`ResultsError::SweepInUse`] while
    /// another process writes it, [`ResultsError::Io`] if the file system refuses.
    pub fn open(path: &Path) -> Result<Self, ResultsError> {
        check(path)?;
        let points = path.join(POINTS_FOLDER);
        fs::create_dir_all(&points).map_err(ResultsError::io("create directory", &points))?;
        let lock_path = path.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(ResultsError::io("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ResultsError::SweepInUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => {
                return Err(ResultsError::io("lock", &lock_path)(error));
            }
        }
        for entry in fs::read_dir(&points).map_err(ResultsError::io("list", &points))? {
            let entry = entry.map_err(ResultsError::io("list", &points))?;
            // Results are written under hidden names.
            if entry.file_name().to_string_lossy().starts_with('.') {
                let left = entry.path();
                fs::remove_dir_all(&left).map_err(ResultsError::io("clear away", &left))?;
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where the point `id` is, or will be.
    #[must_use]
    pub fn point(&self, id: &str) -> PathBuf {
        self.path.join(POINTS_FOLDER).join(id)
    }

    /// The summary of the point `id`, if its directory is whole and of that point. One that is not
    /// is cleared away.
    ///
    /// # Errors
    /// [`ResultsError::Io`] if the file system refuses, [`ResultsError::NotAResult`] if something
    /// is there that no result has.
    pub fn find(&self, id: &str) -> Result<Option<Summary>, ResultsError> {
        let dir = self.point(id);
        match fs::symlink_metadata(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ResultsError::io("look at", &dir)(error)),
            Ok(_) => {}
        }
        match StoredResult::read(&dir) {
            Ok(StoredResult { summary, .. })
                if point_id(&summary.spec, &summary.graph.digest) == id =>
            {
                return Ok(Some(summary));
            }
            Err(error @ ResultsError::Io { .. }) => return Err(error),
            _ => {}
        }
        // Never delete what is no result.
        check_target(&dir, true)?;
        fs::remove_dir_all(&dir).map_err(ResultsError::io("clear away", &dir))?;
        Ok(None)
    }

    /// Keeps `files` as the result of the point `id`.
    ///
    /// # Errors
    /// Those of [`write_directory`].
    pub fn keep(&self, id: &str, files: &[ResultFile]) -> Result<(), ResultsError> {
        write_directory(&self.point(id), files, false)
    }

    /// Writes the table's files, each whole or not at all.
    ///
    /// # Errors
    /// [`ResultsError::EncodeTable`], or [`ResultsError::Io`] if the file system refuses.
    pub fn write_table(&self, table: &SweepTable) -> Result<(), ResultsError> {
        for (name, bytes) in table.files()? {
            let (path, partial) = (self.path.join(name), self.path.join(partial(name)));
            let write = || {
                let mut file = File::create(&partial)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                fs::rename(&partial, &path)
            };
            write().map_err(ResultsError::io("write", &path))?;
        }
        Ok(())
    }
}

/// The name of a table file that is being written.
fn partial(name: &str) -> String {
    format!(".{name}.partial")
}

/// Whether a sweep may be written at `path`.
fn check(path: &Path) -> Result<(), ResultsError> {
    if path.file_name().is_none() {
        return Err(ResultsError::NoName { path: path.to_owned() });
    }
    let not_a_sweep = |entry| ResultsError::NotASweep { path: path.to_owned(), entry };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ResultsError::io("look at", path)(error)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(not_a_sweep("a file of that name".to_owned()));
        }
        Ok(_) => {}
    }
    for entry in fs::read_dir(path).map_err(ResultsError::io("list", path))? {
        let name = entry.map_err(ResultsError::io("list", path))?.file_name();
        let is_known = name == POINTS_FOLDER
            || name == LOCK
            || TABLE_FILES.iter().any(|&file| name == file || *name == *partial(file));
        if !is_known {
            return Err(not_a_sweep(name.to_string_lossy().into_owned()));
        }
    }
    Ok(())
}
