use tonic::transport::Endpoint;

use kaskade_rpc::channel::with_token;
use kaskade_store::Load;

use super::*;
use crate::test_coordinator::assignment;

const OWN: WorkerId = WorkerId(1);
const PEER: WorkerId = WorkerId(2);

/// A driver with what it reports. Nothing that it spawns runs before its test waits.
struct Bench {
    driver: Driver,
    events: mpsc::UnboundedReceiver<WorkerEvent>,
    _inputs: mpsc::Receiver<Input>,
    _cache: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let (mailbox, inputs) = mpsc::channel(MAILBOX_INPUTS);
        let (events, reports) = mpsc::unbounded_channel();
        let dir = tempfile::tempdir().unwrap();
        let nobody = Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let client = kaskade_rpc::control::client(with_token(nobody, None));
        let cache = ShardCache::new(dir.path().to_owned(), Load::default());
        let pool = ComputePool::start(1).unwrap();
        let metrics = Metrics::new(Default::default());
        let peers =
            PeerSettings { security: ClientSecurity::default(), exchange: ExchangeConfig::DEFAULT };
        let tools = Tools { cache, client, pool, peers, metrics };
        let driver = Driver::new(OWN, mailbox, events, tools);
        Self { driver, events: reports, _inputs: inputs, _cache: dir }
    }

    fn prepare(&mut self, epoch: u64) -> Attempt {
        let assignment = assignment(epoch, &[OWN.0, PEER.0]);
        let attempt = assignment.attempt.clone();
        self.driver.handle(Input::Command(WorkerCommand::Prepare(Box::new(assignment))));
        attempt
    }

    /// `attempt` has shards and peers.
    fn ready(&mut self, attempt: &Attempt) {
        let plan = assignment(attempt.epoch.0, &[]).plan;
        let partition = Partition::new(Vec::new(), plan, Isa::detect()).unwrap();
        let outcome = Ok(Box::new(Ready { partition, links: BTreeMap::new() }));
        self.driver.handle(Input::Ready { attempt: attempt.clone(), outcome });
    }

    fn break_stream(&mut self, attempt: &Attempt) {
        let (attempt, detail) = (attempt.clone(), "gone".to_owned());
        self.driver.handle(Input::PeerStreamBroken { attempt, peer: PEER, detail });
    }

    fn reported(&mut self) -> Option<WorkerEvent> {
        self.events.try_recv().ok()
    }

    /// How many of the preparations that were begun have been stopped, once all have ended.
    async fn n_stopped(&mut self) -> usize {
        let mut n_stopped = 0;
        while let Some(ended) = self.driver.preparations.join_next().await {
            n_stopped += usize::from(ended.is_err_and(|error| error.is_cancelled()));
        }
        n_stopped
    }
}

fn peer_lost(attempt: &Attempt) -> WorkerEvent {
    WorkerEvent::PeerLost { attempt: attempt.clone(), peer: PEER, detail: "gone".to_owned() }
}

#[tokio::test]
async fn a_stream_that_breaks_while_preparing_is_reported_instead_of_prepared() {
    let mut bench = Bench::new();
    let attempt = bench.prepare(1);
    bench.break_stream(&attempt);
    assert_eq!(bench.reported(), None, "the shards are still worth having");
    bench.ready(&attempt);
    assert_eq!(bench.reported(), Some(peer_lost(&attempt)));
    assert_eq!(bench.reported(), None);
}

#[tokio::test]
async fn a_stream_that_breaks_later_is_reported_at_once() {
    let mut bench = Bench::new();
    let attempt = bench.prepare(1);
    bench.ready(&attempt);
    assert_eq!(bench.reported(), Some(WorkerEvent::Prepared { attempt: attempt.clone() }));
    bench.break_stream(&attempt);
    assert_eq!(bench.reported(), Some(peer_lost(&attempt)));
}

#[tokio::test]
async fn a_release_stops_the_preparation() {
    let mut bench = Bench::new();
    let attempt = bench.prepare(1);
    bench.driver.handle(Input::Command(WorkerCommand::Release { attempt: attempt.clone() }));
    assert_eq!(bench.n_stopped().await, 1);
    bench.ready(&attempt);
    assert_eq!(bench.reported(), None, "nobody wants it any more");
}

#[tokio::test]
async fn a_later_epoch_stops_the_preparation_of_an_earlier_one() {
    let mut bench = Bench::new();
    let earlier = bench.prepare(1);
    let later = bench.prepare(2);
    bench.driver.handle(Input::Command(WorkerCommand::Release { attempt: earlier.clone() }));
    bench.ready(&earlier);
    bench.ready(&later);
    assert_eq!(bench.reported(), Some(WorkerEvent::Prepared { attempt: later }));
    assert_eq!(bench.n_stopped().await, 2, "the earlier one, and the later one when ready");
}
