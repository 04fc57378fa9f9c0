//! The thread that writes the log.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Instant;

use kaskade_rpc::fail_point;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use redb::Database;
use tokio::sync::oneshot;

use super::{BATCHES, EPOCHS, JOBS, LogError, LogWrite, OWNERS, checked, frame};
use crate::error::error_chain;

/// A handle to the log; the thread ends with the last of them.
#[derive(Clone, Debug)]
pub struct JobLog {
    path: PathBuf,
    writes: mpsc::Sender<Waiting>,
    seconds: Histogram,
}

struct Waiting {
    write: LogWrite,
    written: oneshot::Sender<Result<(), LogError>>,
}

/// Writes that share one durable transaction, at most.
const WRITES_PER_COMMIT: usize = 256;

impl JobLog {
    pub(super) fn start(path: PathBuf, database: Database) -> Self {
        let (sender, receiver) = mpsc::channel();
        // From a tenth of a millisecond, a fast disk, to three seconds.
        let seconds = Histogram::new(exponential_buckets(1e-4, 2.0, 16));
        let log = Self { path, writes: sender, seconds };
        let path = log.path.clone();
        std::thread::Builder::new()
            .name("kaskade-job-log".to_owned())
            .spawn(move || write_all(Held { path, database: Some(database) }, &receiver))
            .expect("a process that cannot start one thread at start-up cannot run at all");
        log
    }

    /// Writes `write` and returns once it is durable.
    ///
    /// # Errors
    /// [`LogError`]; then nothing of it was written.
    pub async fn write(&self, write: LogWrite) -> Result<(), LogError> {
        let closed = || LogError::Closed { path: self.path.clone() };
        let (written, outcome) = oneshot::channel();
        let begun = Instant::now();
        self.writes.send(Waiting { write, written }).map_err(|_| closed())?;
        let outcome = outcome.await.map_err(|_| closed())?;
        self.seconds.observe(begun.elapsed().as_secs_f64());
        outcome
    }

    /// How long writes have taken.
    pub(crate) fn seconds(&self) -> Histogram {
        self.seconds.clone()
    }
}

/// The database, or none after a failure: then the next write opens it again.
struct Held {
    path: PathBuf,
    database: Option<Database>,
}

impl Held {
    /// Writes all of `waiting` in one durable transaction, or nothing of it.
    fn commit(&mut self, waiting: &[Waiting]) -> Result<(), LogError> {
        // After an I/O error every later write to this handle would fail, and while it lives
        // its lock keeps the file from being opened again: a failed write lets go of it.
        let database = match self.database.take() {
            Some(database) => database,
            None => reopen(&self.path)?,
        };
        commit(&self.path, &database, waiting)?;
        self.database = Some(database);
        Ok(())
    }
}

fn reopen(path: &Path) -> Result<Database, LogError> {
    let database = checked(path, Database::open(path).map_err(LogError::at(path))?)?;
    tracing::info!(path = %path.display(), "job log opened again");
    Ok(database)
}

fn write_all(mut held: Held, receiver: &mpsc::Receiver<Waiting>) {
    while let Ok(first) = receiver.recv() {
        let mut waiting = vec![first];
        waiting.extend(receiver.try_iter().take(WRITES_PER_COMMIT - 1));
        let outcome = held.commit(&waiting);
        if let Err(error) = &outcome {
            tracing::error!(error = error_chain(error), "could not write the job log");
        }
        let is_full = outcome.as_ref().is_err_and(LogError::is_disk_full);
        for Waiting { written, .. } in waiting {
            // A caller that is gone does not wait for the answer.
            let _ = written.send(match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(copy(&held.path, error, is_full)),
            });
        }
    }
}

fn copy(path: &Path, error: &LogError, is_full: bool) -> LogError {
    let kind = if is_full { std::io::ErrorKind::StorageFull } else { std::io::ErrorKind::Other };
    let source = redb::Error::Io(std::io::Error::new(kind, error_chain(error)));
    LogError::Database { path: path.to_owned(), source: Box::new(source) }
}

fn commit(path: &Path, database: &Database, waiting: &[Waiting]) -> Result<(), LogError> {
    let transaction = database.begin_write().map_err(LogError::at(path))?;
    {
        let mut jobs = transaction.open_table(JOBS).map_err(LogError::at(path))?;
        let mut epochs = transaction.open_table(EPOCHS).map_err(LogError::at(path))?;
        let mut batches = transaction.open_table(BATCHES).map_err(LogError::at(path))?;
        let mut owners = transaction.open_table(OWNERS).map_err(LogError::at(path))?;
        for Waiting { write, .. } in waiting {
            let framed = |result: Result<Vec<u8>, frame::FrameError>, record: String| {
                result.map_err(|source| LogError::Record { path: path.to_owned(), record, source })
            };
            match write {
                LogWrite::Job(record) => {
                    let bytes = framed(frame::encode(record), format!("job {}", record.job))?;
                    jobs.insert(record.job.as_str(), bytes.as_slice())
                        .map_err(LogError::at(path))?;
                    if record.state.is_final() {
                        // Its results stand in its result directory.
                        let rows = (record.job.as_str(), 0)..=(record.job.as_str(), u32::MAX);
                        batches.retain_in(rows, |_, _| false).map_err(LogError::at(path))?;
                    }
                }
                LogWrite::Submitted(record, owner) => {
                    let job = record.job.as_str();
                    let bytes = framed(frame::encode(record), format!("job {job}"))?;
                    jobs.insert(job, bytes.as_slice()).map_err(LogError::at(path))?;
                    if let Some(owner) = owner {
                        let bytes = framed(frame::encode(owner), format!("owner of job {job}"))?;
                        owners.insert(job, bytes.as_slice()).map_err(LogError::at(path))?;
                    }
                }
                LogWrite::Epoch(job, epoch) => {
                    let bytes = framed(frame::encode(epoch), format!("epoch of job {job}"))?;
                    epochs.insert(job.as_str(), bytes.as_slice()).map_err(LogError::at(path))?;
                }
                LogWrite::Batch(job, batch, tally) => {
                    let bytes = framed(frame::encode(tally), format!("batch {batch} of {job}"))?;
                    let key = (job.as_str(), batch.0);
                    batches.insert(key, bytes.as_slice()).map_err(LogError::at(path))?;
                }
                LogWrite::Forget(job) => {
                    let name = job.as_str();
                    jobs.remove(name).map_err(LogError::at(path))?;
                    epochs.remove(name).map_err(LogError::at(path))?;
                    owners.remove(name).map_err(LogError::at(path))?;
                    let rows = (name, 0)..=(name, u32::MAX);
                    batches.retain_in(rows, |_, _| false).map_err(LogError::at(path))?;
                }
            }
        }
    }
    fail_point::reach("log-before-commit");
    transaction.commit().map_err(LogError::at(path))?;
    fail_point::reach("log-committed");
    Ok(())
}
