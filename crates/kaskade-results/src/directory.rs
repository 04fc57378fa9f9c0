//! A result on disk: a directory that is there whole or not at all.
//!
//! The files are written and fsynced beside the target, the manifest last; one rename
//! publishes them. A crash leaves at most a hidden sibling, never a half result under
//! the name that was asked for.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Instead, ResultsError};
use crate::files::{FileKind, ResultFile};
use crate::manifest::Manifest;
use crate::sweep::SweepTable;

/// Writes `files` as the result directory `dir`, after checking them against their
/// manifest: they may come from the wire. Missing parents are created.
///
/// With `force` an earlier result at `dir` is replaced; it is moved aside first, put back
/// if publishing fails, and deleted last.
///
/// # Errors
/// Those of [`Manifest::check`] and [`check_target`]; [`ResultsError::Io`] if the file
/// system refuses. Nothing is then left behind but created parents.
pub fn write_directory(dir: &Path, files: &[ResultFile], force: bool) -> Result<(), ResultsError> {
    Manifest::check(files)?;
    let target = check_target(dir, force)?;
    let parent = parent(dir);
    fs::create_dir_all(&parent).map_err(ResultsError::io("create directory", &parent))?;
    let staging = Sibling::create(dir, "partial")?;
    for kind in FileKind::ALL {
        for file in files.iter().filter(|file| file.kind == kind) {
            write_file(&staging.path.join(kind.name()), &file.bytes)?;
        }
    }
    sync_directory(&staging.path)?;
    match target {
        Target::Free => publish(&staging.path, dir)?,
        Target::EarlierResult => replace(&staging.path, dir)?,
    }
    sync_directory(&parent)
}

/// Whether [`write_directory`] may write `dir`: to be asked before a job is run for it.
///
/// # Errors
/// [`ResultsError::AlreadyThere`] if something is there and `force` is off,
/// [`ResultsError::NotAResult`] if it is on but what is there is anything else than an
/// earlier result or an empty directory, [`ResultsError::NoName`] if `dir` cannot be created
/// by name.
pub fn check_target(dir: &Path, force: bool) -> Result<Target, ResultsError> {
    if dir.file_name().is_none() {
        return Err(ResultsError::NoName { path: dir.to_owned() });
    }
    let metadata = match fs::symlink_metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Target::Free),
        Err(error) => return Err(ResultsError::io("look at", dir)(error)),
    };
    if !force {
        return Err(ResultsError::AlreadyThere { path: dir.to_owned() });
    }
    let not_a_result = |entry| ResultsError::NotAResult { path: dir.to_owned(), entry };
    if !metadata.is_dir() {
        return Err(not_a_result("a file or link of that name".to_owned()));
    }
    let unreadable = || ResultsError::io("list", dir);
    for entry in fs::read_dir(dir).map_err(unreadable())? {
        let entry = entry.map_err(unreadable())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = entry.file_type().map_err(unreadable())?.is_file();
        if !is_file || name.parse::<FileKind>().is_err() {
            return Err(not_a_result(name));
        }
    }
    Ok(Target::EarlierResult)
}

/// What stands where a result directory is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing.
    Free,
    /// An earlier result, or an empty directory, that may be replaced.
    EarlierResult,
}

/// Says what `dir` is where it has no file of a result.
///
/// # Errors
/// [`ResultsError::NoResult`].
pub(crate) fn require_result(dir: &Path) -> Result<(), ResultsError> {
    if FileKind::ALL.iter().any(|kind| dir.join(kind.name()).symlink_metadata().is_ok()) {
        return Ok(());
    }
    let found = match dir.try_exists() {
        Ok(false) => Instead::Nothing,
        _ if SweepTable::is_in(dir) => Instead::Sweep,
        _ => Instead::Other,
    };
    Err(ResultsError::NoResult { path: dir.to_owned(), found })
}

/// Reads the result directory `dir` and checks it against its manifest.
///
/// # Errors
/// Those of [`Manifest::check`]; [`ResultsError::Io`] if a file cannot be read.
pub fn read_directory(dir: &Path) -> Result<Vec<ResultFile>, ResultsError> {
    let mut files = Vec::new();
    for kind in FileKind::ALL {
        let path = dir.join(kind.name());
        match fs::read(&path) {
            Ok(bytes) => files.push(ResultFile { kind, bytes }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ResultsError::io("read", &path)(error)),
        }
    }
    Manifest::check(&files)?;
    Ok(files)
}

/// A new hidden directory beside the target, deleted when dropped if it is still there.
struct Sibling {
    path: PathBuf,
    is_kept: bool,
}

impl Sibling {
    /// Creates a directory beside `dir` whose name tells what it is for.
    fn create(dir: &Path, purpose: &str) -> Result<Self, ResultsError> {
        let name = dir.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let process = std::process::id();
        let mut attempt = 0_u64;
        loop {
            // Names may be taken: by other threads, or by a crashed process of this number.
            let path = parent(dir).join(format!(".{name}.{purpose}-{process}-{attempt}"));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, is_kept: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                Err(error) => return Err(ResultsError::io("create directory", &path)(error)),
            }
        }
    }

    /// Leaves the directory where it is.
    fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        self.path.clone()
    }
}

impl Drop for Sibling {
    fn drop(&mut self) {
        if !self.is_kept {
            // After a successful rename there is nothing to delete; after a failure the
            // failure itself is what the caller hears of.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn publish(staging: &Path, dir: &Path) -> Result<(), ResultsError> {
    fs::rename(staging, dir).map_err(ResultsError::io("create directory", dir))
}

/// Publishes `staging` as `dir` in place of what is there.
fn replace(staging: &Path, dir: &Path) -> Result<(), ResultsError> {
    let aside = Sibling::create(dir, "replaced")?;
    // Renaming onto an empty directory is atomic, so the earlier result is never half moved.
    fs::rename(dir, &aside.path).map_err(ResultsError::io("move aside", dir))?;
    publish(staging, dir).map_err(|error| match fs::rename(&aside.path, dir) {
        Ok(()) => error,
        Err(source) => {
            let path = aside.keep();
            ResultsError::Io { action: "put back the earlier result from", path, source }
        }
    })
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ResultsError> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(ResultsError::io("write", path))
}

/// Makes the names in `dir` durable.
fn sync_directory(dir: &Path) -> Result<(), ResultsError> {
    let sync = || File::open(dir)?.sync_all();
    sync().map_err(ResultsError::io("sync directory", dir))
}

/// The directory that holds `dir`.
fn parent(dir: &Path) -> PathBuf {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests;
