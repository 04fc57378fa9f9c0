//! A disk that is full, or fails, for a while.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::*;

#[tokio::test]
async fn the_log_goes_on_once_the_disk_is_willing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    let is_full = Arc::new(AtomicBool::new(false));
    let log = log_on_disk(&path, &is_full);
    let write = |name, order| log.write(LogWrite::Job(Box::new(record(name, order))));
    write("before", 1).await.unwrap();

    is_full.store(true, Ordering::Relaxed);
    let error = write("lost", 2).await.unwrap_err();
    assert!(error.is_disk_full(), "{error:?}");

    // The handle with the full disk was let go of: from here on it is the file itself.
    write("after", 3).await.unwrap();
    drop(log);
    let (_log, jobs) = reopen(&path);
    let names: Vec<_> = jobs.iter().map(|job| job.record.job.as_str()).collect();
    assert_eq!(names, ["before", "after"]);
}

/// What a disk said that it could not do was not done, and counts as not done.
#[tokio::test]
async fn a_write_that_failed_is_not_durable_and_the_next_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    let fails = Arc::new(AtomicBool::new(false));
    let log = log_on(&path, &fails, ErrorKind::Other);
    let write = |name, order| log.write(LogWrite::Job(Box::new(record(name, order))));
    write("before", 1).await.unwrap();
    fails.store(true, Ordering::Relaxed);
    let error = write("lost", 2).await.unwrap_err();
    assert!(error.is_passing() && !error.is_disk_full(), "{error:?}");
    write("after", 3).await.unwrap();
    drop(log);
    let (_log, jobs) = reopen(&path);
    let names: Vec<_> = jobs.iter().map(|job| job.record.job.as_str()).collect();
    assert_eq!(names, ["before", "after"]);
}

/// A new log at `path` on a disk that is full while `is_full`, as long as the log does not
/// open it again.
pub(crate) fn log_on_disk(path: &Path, is_full: &Arc<AtomicBool>) -> JobLog {
    log_on(path, is_full, ErrorKind::StorageFull)
}

fn log_on(path: &Path, fails: &Arc<AtomicBool>, error: ErrorKind) -> JobLog {
    drop(open(path).unwrap());
    let database = until_free(|| Database::builder().create_with_backend(disk(path, fails, error)));
    JobLog::start(path.to_owned(), database)
}

/// A file, locked as redb locks its own, on a disk that refuses with `error` while it `fails`.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    fails: Arc<AtomicBool>,
    error: ErrorKind,
}

fn disk(path: &Path, fails: &Arc<AtomicBool>, error: ErrorKind) -> Disk {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    Disk { file: FileBackend::new(file).unwrap(), fails: fails.clone(), error }
}

impl Disk {
    fn is_willing(&self) -> Result<(), Error> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(self.error.into());
        }
        Ok(())
    }
}

type Edge = Bound<u64>;

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.is_willing()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.is_willing()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.is_willing()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> Result<(), Error> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
