//! Async shell round the job machine: queue, planner, membership, job log, results.
pub mod job_log;
