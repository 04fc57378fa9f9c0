//! What a worker counts, as Prometheus reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kaskade_model::tally::PartitionTally;
use kaskade_rpc::metrics;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Time that a worker has spent in the parts of its rounds. Whoever watches the spans of that
/// name fills it; without such a watcher it stays at 0.
#[derive(Clone, Debug, Default)]
pub struct PhaseTimes(Arc<[AtomicU64; PHASES.len()]>);

/// The spans whose time is kept, a round first.
const PHASES: [&str; 4] = ["round", "expand", "exchange", "absorb"];

impl PhaseTimes {
    /// Adds the time that a span of `name` was there; one that is no part of a round is ignored.
    pub fn add(&self, name: &str, elapsed: Duration) {
        if let Some(place) = PHASES.iter().position(|phase| *phase == name) {
            let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            self.0[place].fetch_add(nanos, Relaxed);
        }
    }
}

impl Collector for PhaseTimes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let seconds = ConstCounter::new(0.0);
        let help = "Time in rounds and their parts: expand offers a frontier along its arcs, exchange \
                    waits for the frontiers of the peers, absorb reads them";
        let unit = Some(&Unit::Seconds);
        let mut family =
            encoder.encode_descriptor("kaskade_phase", help, unit, seconds.metric_type())?;
        for (phase, nanos) in PHASES.iter().zip(&*self.0) {
            let seconds = Duration::from_nanos(nanos.load(Relaxed)).as_secs_f64();
            ConstCounter::new(seconds).encode(family.encode_family(&[("phase", *phase)])?)?;
        }
        Ok(())
    }
}

/// A handle to all of them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    figures: Figures,
}

#[derive(Clone, Debug, Default)]
struct Figures {
    connected: Gauge,
    in_flight: Gauge,
    batches: Counter,
    rounds: Counter,
    sent_bytes: Counter,
    received_bytes: Counter,
    chunks: Family<Vec<(&'static str, &'static str)>, Counter>,
    arcs_scanned: Counter,
    coins: Counter,
}

impl Metrics {
    /// All of them at 0, but for `phases`, which are as they are.
    pub(crate) fn new(phases: PhaseTimes) -> Self {
        let figures = Figures::default();
        let mut registry = metrics::registry();
        figures.register(registry.sub_registry_with_prefix("kaskade"));
        registry.register_collector(Box::new(phases));
        Self(Arc::new(Inner { registry, figures }))
    }

    /// Whether there is a session with the coordinator.
    pub(crate) fn connected(&self, is_connected: bool) {
        self.0.figures.connected.set(i64::from(is_connected));
        self.0.figures.in_flight.set(0);
    }

    pub(crate) fn in_flight(&self, n_batches: usize) {
        self.0.figures.in_flight.set(i64::try_from(n_batches).unwrap_or(i64::MAX));
    }

    pub(crate) fn round_reported(&self) {
        self.0.figures.rounds.inc();
    }

    pub(crate) fn received(&self, n_bytes: usize) {
        self.0.figures.received_bytes.inc_by(n_bytes as u64);
    }

    pub(crate) fn batch_tallied(&self, tally: &PartitionTally) {
        let (figures, work) = (&self.0.figures, &tally.work);
        figures.batches.inc();
        figures.sent_bytes.inc_by(work.bytes_sent);
        for (encoding, n_chunks) in [
            ("list", work.chunks.list),
            ("roaring", work.chunks.roaring),
            ("dense", work.chunks.dense),
        ] {
            figures.chunks.get_or_create(&vec![("encoding", encoding)]).inc_by(n_chunks);
        }
        figures.arcs_scanned.inc_by(work.arcs_scanned);
        figures.coins.inc_by(work.coins);
    }

    pub(crate) fn page(&self) -> String {
        metrics::page(&self.0.registry)
    }
}

impl Figures {
    fn register(&self, to: &mut Registry) {
        let Self {
            connected,
            in_flight,
            batches,
            rounds,
            sent_bytes,
            received_bytes,
            chunks,
            arcs_scanned,
            coins,
        } = self.clone();
        to.register(
            "coordinator_connected",
            "1 while the coordinator knows this worker",
            connected,
        );
        to.register("batches_in_flight", "Batches in the hands of this worker", in_flight);
        to.register("batches_finished", "Batches that this worker has counted", batches);
        let help = "Rounds reported; of whole batches that a worker has to itself, few are";
        to.register("rounds_reported", help, rounds);
        let help = "Payload sent to peers for finished batches";
        to.register_with_unit("exchange_sent", help, Unit::Bytes, sent_bytes);
        let help = "Payload received from peers";
        to.register_with_unit("exchange_received", help, Unit::Bytes, received_bytes);
        to.register("exchange_chunks", "Chunks made for peers, by encoding", chunks);
        to.register("arcs_scanned", "Arcs looked at for finished batches", arcs_scanned);
        to.register("coins", "Coins thrown for finished batches", coins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_on_the_page() {
        let phases = PhaseTimes::default();
        let metrics = Metrics::new(phases.clone());
        phases.add("absorb", Duration::from_millis(1500));
        phases.add("breakfast", Duration::from_secs(9));
        let mut tally = PartitionTally::empty(0, 64);
        (tally.work.bytes_sent, tally.work.chunks.dense) = (12, 3);
        metrics.batch_tallied(&tally);
        metrics.received(5);
        metrics.connected(true);
        let page = metrics.page();
        for line in [
            "kaskade_phase_seconds_total{phase=\"absorb\"} 1.5",
            "kaskade_phase_seconds_total{phase=\"expand\"} 0.0",
            "kaskade_exchange_sent_bytes_total 12",
            "kaskade_exchange_received_bytes_total 5",
            "kaskade_exchange_chunks_total{encoding=\"dense\"} 3",
            "kaskade_coordinator_connected 1",
        ] {
            assert!(page.lines().any(|written| written == line), "{line} in {page}");
        }
        assert!(!page.contains("breakfast"), "{page}");
    }
}
