//! What the coordinator remembers across restarts: jobs, epochs, finished batches.
//!
//! One `redb` file, written by one thread that takes all waiting writes into one
//! durable transaction. Every record is a checksummed frame (`frame`); the file's
//! integrity is checked at every start, because a flipped bit in it would otherwise be
//! returned as data.

mod frame;
mod writer;

use std::path::{Path, PathBuf};

use kaskade_model::job::JobPlan;
use kaskade_model::message::Reason;
use kaskade_model::spec::{Placement, Spec};
use kaskade_model::status::{JobState, Recovery};
use kaskade_model::tally::{JobTally, PartitionTally};
use kaskade_model::{BatchId, Epoch, JobId};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};

pub use frame::FrameError;
pub use writer::JobLog;

/// A job as the log keeps it, without its batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The job.
    pub job: JobId,
    /// Its place in the order of submission.
    pub order: u64,
    /// The resolved spec, as JSON: its own format carries its own version.
    pub spec_json: String,
    /// How far it is.
    pub state: JobState,
    /// Why it ended, unless it succeeded.
    pub reason: Option<Reason>,
    /// A sentence to the reason.
    pub detail: String,
    /// Seconds since 1970.
    pub submitted: f64,
    /// When its first batch began.
    pub started: Option<f64>,
    /// When it ended.
    pub finished: Option<f64>,
    /// What was fixed when it was planned.
    pub planned: Option<Planned>,
    /// What was lost and made good.
    pub recoveries: Vec<Recovery>,
}

/// What a job keeps from its first planning: batches of a restarted coordinator must be
/// those of the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The digest of the graph that it was planned on.
    pub graph_digest: String,
    /// [`JobPlan::lane_words`].
    pub lane_words: u32,
    /// The placement that was chosen.
    pub placement: String,
}

/// Everything about one job.
#[derive(Clone, Debug)]
pub struct LoggedJob {
    /// The job.
    pub record: JobRecord,
    /// The highest epoch that was committed.
    pub last_epoch: Epoch,
    /// Its finished batches.
    pub tally: JobTally,
    /// Who submitted it, where tokens told.
    pub owner: Option<String>,
}

/// Something to be written.
#[derive(Clone, Debug)]
pub enum LogWrite {
    /// The job's record, new or changed; with a final state, its batches are deleted.
    Job(Box<JobRecord>),
    /// The record of a new job, and who submitted it, where tokens tell.
    Submitted(Box<JobRecord>, Option<String>),
    /// An epoch, before any worker hears of it.
    Epoch(JobId, Epoch),
    /// A finished batch.
    Batch(JobId, BatchId, Box<PartitionTally>),
    /// An ended job that is not kept any longer: all of it is deleted.
    Forget(JobId),
}

const JOBS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("jobs");
const EPOCHS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("epochs");
const BATCHES: TableDefinition<'_, (&str, u32), &[u8]> = TableDefinition::new("batches");
const OWNERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("owners");

/// Opens the log at `path`, or makes it, and reads every job of it.
///
/// # Errors
/// [`LogError`]; a damaged log is refused, never repaired by leaving things out.
pub fn open(path: &Path) -> Result<(JobLog, Vec<LoggedJob>), LogError> {
    let database = Database::create(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => LogError::InUse { path: path.to_owned() },
        error => LogError::at(path)(error),
    })?;
    let database = checked(path, database)?;
    let transaction = database.begin_write().map_err(LogError::at(path))?;
    transaction.open_table(JOBS).map_err(LogError::at(path))?;
    transaction.open_table(EPOCHS).map_err(LogError::at(path))?;
    transaction.open_table(BATCHES).map_err(LogError::at(path))?;
    transaction.open_table(OWNERS).map_err(LogError::at(path))?;
    transaction.commit().map_err(LogError::at(path))?;
    let mut jobs = read_jobs(path, &database)?;
    jobs.sort_by_key(|job| job.record.order);
    Ok((JobLog::start(path.to_owned(), database), jobs))
}

/// `database`, unless it holds other bytes than were written.
fn checked(path: &Path, mut database: Database) -> Result<Database, LogError> {
    if database.check_integrity().map_err(LogError::at(path))? {
        Ok(database)
    } else {
        Err(LogError::Damaged { path: path.to_owned(), record: "index".to_owned() })
    }
}

fn read_jobs(path: &Path, database: &Database) -> Result<Vec<LoggedJob>, LogError> {
    let at = LogError::at::<redb::StorageError>;
    let transaction = database.begin_read().map_err(LogError::at(path))?;
    let jobs = transaction.open_table(JOBS).map_err(LogError::at(path))?;
    let epochs = transaction.open_table(EPOCHS).map_err(LogError::at(path))?;
    let batches = transaction.open_table(BATCHES).map_err(LogError::at(path))?;
    let owners = transaction.open_table(OWNERS).map_err(LogError::at(path))?;
    let mut logged = Vec::new();
    for entry in jobs.iter().map_err(at(path))? {
        let (key, frame) = entry.map_err(at(path))?;
        let name = key.value();
        let record: JobRecord = read(path, format!("job {name}"), frame.value())?;
        let last_epoch = match epochs.get(name).map_err(at(path))? {
            Some(frame) => read(path, format!("epoch of job {name}"), frame.value())?,
            None => Epoch(0),
        };
        let owner = owners.get(name).map_err(at(path))?;
        let owner = owner
            .map(|frame| read(path, format!("owner of job {name}"), frame.value()))
            .transpose()?;
        let mut tally = JobTally::default();
        // An ended job keeps no batches; those of an older log are not needed.
        if !record.state.is_final() {
            for entry in batches.range((name, 0)..=(name, u32::MAX)).map_err(at(path))? {
                let (key, frame) = entry.map_err(at(path))?;
                let batch = BatchId(key.value().1);
                let what = format!("batch {batch} of job {name}");
                let part: PartitionTally = read(path, what.clone(), frame.value())?;
                if !part.is_well_formed() || tally.add_batch(batch, part).is_err() {
                    return Err(LogError::Damaged { path: path.to_owned(), record: what });
                }
            }
        }
        logged.push(LoggedJob { record, last_epoch, tally, owner });
    }
    Ok(logged)
}

fn read<T: serde::de::DeserializeOwned>(
    path: &Path,
    record: String,
    frame: &[u8],
) -> Result<T, LogError> {
    frame::decode(frame).map_err(|source| LogError::Record {
        path: path.to_owned(),
        record,
        source,
    })
}

impl JobRecord {
    /// The resolved spec.
    ///
    /// # Errors
    /// [`serde_json::Error`] when another version wrote one that this one cannot read.
    pub fn spec(&self) -> Result<Spec, serde_json::Error> {
        serde_json::from_str(&self.spec_json)
    }

    /// The placement that was chosen when the job was planned.
    #[must_use]
    pub fn placement(&self) -> Option<Placement> {
        self.planned.as_ref().and_then(|planned| planned.placement.parse().ok())
    }
}

impl Planned {
    /// What `plan` fixes, on the graph of `graph_digest`.
    #[must_use]
    pub fn new(plan: &JobPlan, graph_digest: String, placement: Placement) -> Self {
        Self { graph_digest, lane_words: plan.lane_words as u32, placement: placement.to_string() }
    }
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system or the database refuses.
    #[error("could not use the job log {path}")]
    Database {
        /// The log.
        path: PathBuf,
        /// The database's word.
        #[source]
        source: Box<redb::Error>,
    },
    /// Another process holds it.
    #[error("the job log {path} is in use: does another coordinator run on this state folder?")]
    InUse {
        /// The log.
        path: PathBuf,
    },
    /// A check found other bytes than were written.
    #[error(
        "the job log {path} is damaged at its {record}: restore it, or move it away to start with none"
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// What is damaged.
        record: String,
    },
    /// A record cannot be read.
    #[error("could not read the {record} in the job log {path}")]
    Record {
        /// The log.
        path: PathBuf,
        /// What cannot be read.
        record: String,
        /// Why.
        #[source]
        source: FrameError,
    },
    /// The thread that writes the log is gone.
    #[error("the job log {path} is closed")]
    Closed {
        /// The log.
        path: PathBuf,
    },
}

impl LogError {
    fn at<E: Into<redb::Error>>(path: &Path) -> impl FnOnce(E) -> Self + '_ {
        move |source| Self::Database { path: path.to_owned(), source: Box::new(source.into()) }
    }

    /// Whether the log holds other bytes than were written.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Record { .. } => true,
            Self::Database { source, .. } => match &**source {
                redb::Error::Corrupted(_) => true,
                redb::Error::Io(error) => {
                    use std::io::ErrorKind as E;
                    matches!(error.kind(), E::InvalidData | E::UnexpectedEof)
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether another attempt may succeed without anybody touching the log itself.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Database { .. }) && !self.is_corrupt()
    }

    /// Whether the disk is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Database { source, .. }
            if matches!(&**source, redb::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull))
    }
}

#[cfg(test)]
pub(crate) mod tests;
