//! What a job took. Nothing here is part of a result's identity.

use kaskade_model::tally::{ChunkCounts, Work};
use serde::{Deserialize, Serialize};

/// What a job took, in seconds and bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// From the first round to the last tally.
    pub seconds: f64,
    /// Processor time of all threads and workers; `null` where it was not measured.
    pub cpu_seconds: Option<f64>,
    /// Simulations over seconds; 0 when no time was measured.
    pub simulations_per_second: f64,
    /// Arcs of frontier nodes that were looked at.
    pub arcs_scanned: u64,
    /// Coins thrown.
    pub coins: u64,
    /// Compute threads, over all workers.
    pub threads: u32,
    /// Worker processes; 0 when the job ran in this process.
    pub workers: u32,
    /// Payload bytes of the chunks between workers, counted once per receiver.
    pub bytes_exchanged: u64,
    /// (node, simulation) activations in them, counted once per receiver.
    pub activations_exchanged: u64,
    /// Bytes over activations; `null` where nothing was exchanged.
    pub bytes_per_activation: Option<f64>,
    /// Chunks sent, by encoding.
    pub chunks: ChunkCounts,
    /// The largest resident memory of a process; `null` where it was not measured.
    pub peak_memory_bytes: Option<u64>,
}

/// The part of [`Performance`] that only who ran the job can measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resources {
    /// From the first round to the last tally.
    pub seconds: f64,
    /// Processor time of all threads and workers, where it was measured.
    pub cpu_seconds: Option<f64>,
    /// Compute threads, over all workers.
    pub threads: u32,
    /// Worker processes; 0 when the job ran in this process.
    pub workers: u32,
    /// The largest resident memory of a process, where it was measured.
    pub peak_memory_bytes: Option<u64>,
}

impl Performance {
    /// What `n_simulations` took, from what was counted and what was measured.
    #[must_use]
    pub fn new(work: &Work, n_simulations: u64, resources: Resources) -> Self {
        let Resources { seconds, cpu_seconds, threads, workers, peak_memory_bytes } = resources;
        let simulations_per_second =
            if seconds > 0.0 { n_simulations as f64 / seconds } else { 0.0 };
        Self {
            seconds,
            cpu_seconds,
            simulations_per_second,
            arcs_scanned: work.arcs_scanned,
            coins: work.coins,
            threads,
            workers,
            bytes_exchanged: work.bytes_sent,
            activations_exchanged: work.activations_sent,
            bytes_per_activation: (work.activations_sent > 0)
                .then(|| work.bytes_sent as f64 / work.activations_sent as f64),
            chunks: work.chunks,
            peak_memory_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_too_short_to_time_has_a_finite_speed() {
        let resources = Resources {
            seconds: 0.0,
            cpu_seconds: None,
            threads: 1,
            workers: 0,
            peak_memory_bytes: None,
        };
        let performance = Performance::new(&Work::default(), 5, resources);
        assert_eq!(performance.simulations_per_second, 0.0);
        let performance =
            Performance::new(&Work::default(), 5, Resources { seconds: 2.0, ..resources });
        assert_eq!(performance.simulations_per_second, 2.5);
        assert_eq!(performance.bytes_per_activation, None);
        let work = Work { bytes_sent: 30, activations_sent: 20, ..Work::default() };
        assert_eq!(Performance::new(&work, 5, resources).bytes_per_activation, Some(1.5));
    }
}
