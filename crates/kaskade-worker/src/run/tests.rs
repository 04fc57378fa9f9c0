use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use kaskade_rpc::security::{ClientSecurity, ServerSecurity};
use kaskade_store::Load;

use super::*;
use crate::PhaseTimes;
use crate::config::ExchangeConfig;
use crate::test_coordinator::TestCoordinator;

const HEARTBEAT_MS: u32 = 50;

/// Time for something to begin that soon begins.
const DEADLINE: Duration = Duration::from_secs(60);

fn config(coordinator: &str, cache: &std::path::Path) -> WorkerConfig {
    WorkerConfig {
        coordinator: coordinator.to_owned(),
        security: ClientSecurity::default(),
        cache: cache.to_owned(),
        listen: WorkerConfig::DEFAULT_LISTEN.parse().unwrap(),
        advertise: None,
        metrics: None,
        phases: PhaseTimes::default(),
        peers: ServerSecurity::default(),
        memory_bytes: 1,
        load: Load::default(),
        n_threads: 1,
        exchange: ExchangeConfig::DEFAULT,
        find_coordinator: DEADLINE,
        find_again: DEADLINE,
    }
}

/// Neither a runtime whose threads do not come back nor more threads that compute than there are
/// cores keep a worker from saying that it lives.
#[test]
fn a_busy_worker_still_has_a_heartbeat() {
    let apart = Runtime::new().unwrap();
    let coordinator = apart.block_on(async { TestCoordinator::registering(HEARTBEAT_MS) });
    let folder = tempfile::tempdir().unwrap();
    let data = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let shutdown = CancellationToken::new();
    data.spawn(run(config(&coordinator.url, folder.path()), shutdown.clone()));
    let n_heartbeats = || coordinator.n_heartbeats.load(SeqCst);
    let began = Instant::now();
    while n_heartbeats() == 0 {
        assert!(began.elapsed() < DEADLINE, "it never registered");
        std::thread::sleep(Duration::from_millis(10));
    }

    let until = Instant::now() + Duration::from_secs(2);
    let busy = move || while Instant::now() < until {};
    // The only thread of the runtime that moves data.
    data.spawn(async move { busy() });
    let n_cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let computing: Vec<_> = (0..n_cores).map(|_| std::thread::spawn(busy)).collect();
    let before = n_heartbeats();
    computing.into_iter().for_each(|thread| thread.join().unwrap());
    let n_sent = n_heartbeats() - before;
    // Of 40 that were due: others use this machine too.
    assert!(n_sent >= 10, "{n_sent} heartbeats in two seconds");
    shutdown.cancel();
}
