use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kaskade_model::Epoch;

use super::*;
use crate::job_log::tests::full_disk::log_on_disk;
use crate::job_log::tests::record;

#[tokio::test]
async fn a_cancellation_counts_once_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    let log = log_on_disk(&folder.path().join("jobs.redb"), &is_full);
    let record = JobRecord { state: JobState::Queued, ..record("mark", 0) };
    let id = record.job.clone();
    let logged = LoggedJob { record, last_epoch: Epoch(0), tally: Default::default(), owner: None };
    let mut scheduler = Scheduler::new(
        log,
        vec![logged],
        Registry::open(folder.path().join("graphs")).unwrap(),
        ResultStore::open(folder.path()).unwrap(),
        (JobLimits::DEFAULT, Quotas::DEFAULT),
        Membership::new(1, Duration::from_secs(1), Duration::from_secs(10)),
        mpsc::channel(1).0,
    );

    is_full.store(true, Ordering::Relaxed);
    let error = scheduler.cancel(&id, &Caller::default()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    assert_eq!(scheduler.job(&id).unwrap().status().state, JobState::Queued);
    assert!(scheduler.queue.contains(&id));

    // The log opens its file again, beside the full disk.
    let status = scheduler.cancel(&id, &Caller::default()).await.unwrap();
    assert_eq!((status.state, status.reason), (JobState::Cancelled, Some(Reason::Cancelled)));
    assert!(scheduler.queue.is_empty());
}

#[test]
fn a_panic_is_an_outcome() {
    let error = caught::<()>("planning", || panic!("no such shard: {}", 3)).unwrap_err();
    assert_eq!(error.reason(), Reason::Internal);
    let text = "planning stopped by a defect of kaskade: no such shard: 3";
    assert_eq!(error.sentence(), text);
    assert_eq!(caught("planning", || Ok(5)).unwrap(), 5);
}
