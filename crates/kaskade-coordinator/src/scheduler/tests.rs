use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kaskade_model::Epoch;

use super::*;
use crate::job_log::tests::full_disk::log_on_disk;
use crate::job_log::tests::record;

/// A scheduler with the queued job `mark`, on a disk that is full while `is_full`, as long as the log
/// does not open it again.
fn scheduler(folder: &tempfile::TempDir, is_full: &Arc<AtomicBool>) -> (Scheduler, JobId) {
    let log = log_on_disk(&folder.path().join("jobs.redb"), is_full);
    let record = JobRecord { state: JobState::Queued, ..record("mark", 0) };
    let id = record.job.clone();
    let logged = LoggedJob { record, last_epoch: Epoch(0), tally: Default::default(), owner: None };
    let scheduler = Scheduler::new(
        log,
        vec![logged],
        Registry::open(folder.path().join("graphs")).unwrap(),
        ResultStore::open(folder.path()).unwrap(),
        Bounds { limits: JobLimits::DEFAULT, quotas: Quotas::DEFAULT, keep_jobs: None },
        Membership::new(1, Duration::from_secs(1), Duration::from_secs(10)),
        mpsc::channel(1).0,
    );
    (scheduler, id)
}

#[tokio::test]
async fn an_end_waits_until_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    let (mut scheduler, id) = scheduler(&folder, &is_full);
    is_full.store(true, Ordering::Relaxed);
    let detail = "nobody came".to_owned();
    scheduler.end(&id, JobState::Failed, Some(Reason::NoWorkers), detail).await;
    let status = scheduler.job(&id).unwrap().status();
    assert_eq!((status.state, status.reason), (JobState::Queued, Some(Reason::DiskFull)));
    assert!(status.detail.contains("free space"), "{}", status.detail);
    let cancelled = scheduler.cancel(&id, &Caller::default()).await.unwrap();
    assert_eq!(cancelled.state, JobState::Queued, "it has ended already, in another way");

    // The log opens its file again, beside the full disk.
    scheduler.retry_settling_at = Instant::now();
    scheduler.settle().await;
    let status = scheduler.job(&id).unwrap().status();
    assert_eq!((status.state, status.reason), (JobState::Failed, Some(Reason::NoWorkers)));
    assert!(scheduler.unsettled.is_empty());
}

#[tokio::test]
async fn a_cancellation_counts_once_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    let (mut scheduler, id) = scheduler(&folder, &is_full);

    is_full.store(true, Ordering::Relaxed);
    let error = scheduler.cancel(&id, &Caller::default()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    assert_eq!(scheduler.job(&id).unwrap().status().state, JobState::Queued);
    assert_eq!(scheduler.queue.len(), 1);

    // The log opens its file again, beside the full disk.
    let status = scheduler.cancel(&id, &Caller::default()).await.unwrap();
    assert_eq!((status.state, status.reason), (JobState::Cancelled, Some(Reason::Cancelled)));
    assert_eq!(scheduler.queue.len(), 0);
}

#[test]
fn a_panic_is_an_outcome() {
    let error = caught::<()>("planning", || panic!("no such shard: {}", 3)).unwrap_err();
    assert_eq!(error.reason(), Reason::Internal);
    let text = "planning stopped by a defect of kaskade: no such shard: 3";
    assert_eq!(error.sentence(), text);
    assert_eq!(caught("planning", || Ok(5)).unwrap(), 5);
}
