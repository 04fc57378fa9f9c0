use redb::ReadableTableMetadata;

use super::*;

pub(crate) mod full_disk;

pub(crate) fn record(name: &str, order: u64) -> JobRecord {
    JobRecord {
        job: JobId::new(name).unwrap(),
        order,
        spec_json: "{}".to_owned(),
        state: JobState::Running,
        reason: None,
        detail: String::new(),
        submitted: 1.5,
        started: None,
        finished: None,
        planned: None,
        recoveries: Vec::new(),
    }
}

fn tally(first_simulation: u64) -> PartitionTally {
    PartitionTally { new_per_round: vec![3, 4], ..PartitionTally::empty(first_simulation, 2) }
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    let (log, jobs) = open(&path).unwrap();
    assert!(jobs.is_empty());
    for (name, order, owner) in [("later", 7, None), ("first", 2, Some("ann".to_owned()))] {
        let submitted = LogWrite::Submitted(Box::new(record(name, order)), owner);
        log.write(submitted).await.unwrap();
    }
    let first = JobId::new("first").unwrap();
    log.write(LogWrite::Epoch(first.clone(), Epoch(4))).await.unwrap();
    for batch in [3, 0] {
        let write = LogWrite::Batch(first.clone(), BatchId(batch), Box::new(tally(9)));
        log.write(write).await.unwrap();
    }
    drop(log);

    let (_log, jobs) = reopen(&path);
    let names: Vec<_> = jobs.iter().map(|job| job.record.job.as_str()).collect();
    assert_eq!(names, ["first", "later"]);
    assert_eq!((jobs[0].last_epoch, jobs[1].last_epoch), (Epoch(4), Epoch(0)));
    assert!(jobs[0].tally.contains(BatchId(0)) && jobs[0].tally.contains(BatchId(3)));
    assert_eq!(jobs[1].tally, JobTally::default());
    assert_eq!((jobs[0].owner.as_deref(), jobs[1].owner.as_deref()), (Some("ann"), None));
}

#[tokio::test]
async fn a_damaged_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    let (log, _) = open(&path).unwrap();
    log.write(LogWrite::Job(Box::new(record("mark", 1)))).await.unwrap();
    drop(log);
    drop(reopen(&path));

    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).rposition(|window| window == b"KSKR").unwrap();
    bytes[at + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = until_free(|| match open(&path) {
        Err(in_use @ LogError::InUse { .. }) => Err(in_use),
        Err(error) => Ok(error),
        Ok(_) => panic!("a damaged log was opened"),
    });
    assert!(error.is_corrupt(), "{error:?}");
}

#[tokio::test]
async fn the_batches_of_an_ended_job_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.redb");
    let (log, _) = open(&path).unwrap();
    for (name, order) in [("ended", 1), ("ended-not", 2)] {
        let job = JobId::new(name).unwrap();
        log.write(LogWrite::Job(Box::new(record(name, order)))).await.unwrap();
        let write = LogWrite::Batch(job, BatchId(u32::MAX), Box::new(tally(0)));
        log.write(write).await.unwrap();
    }
    let ended = JobRecord { state: JobState::Succeeded, ..record("ended", 1) };
    log.write(LogWrite::Job(Box::new(ended))).await.unwrap();
    drop(log);

    let (log, jobs) = reopen(&path);
    assert_eq!(jobs[0].record.state, JobState::Succeeded);
    assert!(jobs[1].tally.contains(BatchId(u32::MAX)));
    drop(log);
    let database = until_free(|| Database::open(&path));
    let batches = database.begin_read().unwrap().open_table(BATCHES).unwrap();
    assert_eq!(batches.len().unwrap(), 1);
}

/// Opens the log again.
fn reopen(path: &Path) -> (JobLog, Vec<LoggedJob>) {
    until_free(|| open(path))
}

/// Opens a file once the thread of the handle before has let it go.
fn until_free<T, E: std::fmt::Debug>(open: impl Fn() -> Result<T, E>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        match open() {
            Ok(opened) => return opened,
            Err(error) if std::time::Instant::now() > deadline => panic!("{error:?}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}
