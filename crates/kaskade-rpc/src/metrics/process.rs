//! What Prometheus knows of any process, by the names that its own libraries use.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::machine;

/// Adds the figures of this process to `registry`, read whenever it is.
pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Process { started: machine::unix_seconds() }));
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("kaskade_build", "The release of kaskade that runs", build);
}

#[derive(Debug)]
struct Process {
    started: f64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut write = |name: &str, help: &str, unit: Option<Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(
                name,
                help,
                unit.as_ref(),
                metric.metric_type(),
            )?)
        };
        let gauge = |value: Option<u64>| ConstGauge::new(value.unwrap_or(0) as f64);
        let (open, limit) = machine::descriptors();
        write(
            "process_cpu",
            "Processor time of all threads",
            Some(Unit::Seconds),
            &ConstCounter::new(machine::cpu_time().as_secs_f64()),
        )?;
        write(
            "process_major_page_faults",
            "Pages that were waited for until a disk had read them, those of mapped shards among them",
            None,
            &ConstCounter::new(machine::major_faults().unwrap_or(0)),
        )?;
        let resident = gauge(machine::resident_bytes());
        write("process_resident_memory", "Resident memory", Some(Unit::Bytes), &resident)?;
        let peak = gauge(machine::peak_memory_bytes());
        let help = "The largest resident memory so far";
        write("process_peak_resident_memory", help, Some(Unit::Bytes), &peak)?;
        write("process_open_fds", "Open files and connections", None, &gauge(open))?;
        write("process_max_fds", "How many of them there may be", None, &gauge(limit))?;
        let started = ConstGauge::new(self.started);
        write("process_start_time", "Seconds since 1970", Some(Unit::Seconds), &started)
    }
}
