use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::test_coordinator::{TestCoordinator, assignment};

const FILE: &[u8] = b"twelve bytes";

async fn fetch(coordinator: &TestCoordinator, path: &Path) -> Result<(), WorkerError> {
    let assignment = assignment(1, &[1]);
    let client = &coordinator.client().await;
    let pool = &ComputePool::start(1).unwrap();
    Fetcher { assignment: &assignment, client, pool, load: Load::default() }
        .fetch(GraphFile::Manifest, path)
        .await
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_stream_that_ends_early_is_taken_up_where_it_ended() {
    let coordinator = TestCoordinator::start(FILE, 5);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("1e/manifest.json");
    fetch(&coordinator, &path).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILE);
    assert_eq!(coordinator.n_fetches.load(SeqCst), 3);
    assert_eq!(names_in(path.parent().unwrap()), ["manifest.json"]);
}

#[tokio::test]
async fn streams_that_always_end_early_are_given_up() {
    let coordinator = TestCoordinator::start(FILE, 0);
    let dir = tempfile::tempdir().unwrap();
    let error = fetch(&coordinator, &dir.path().join("manifest.json")).await.unwrap_err();
    assert_eq!(error.to_string(), "the coordinator ended a file at byte 0");
    assert_eq!(coordinator.n_fetches.load(SeqCst), FETCH_ATTEMPTS as u64);
    assert_eq!(names_in(dir.path()), [""; 0], "nothing half fetched stays");
}
