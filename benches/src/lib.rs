//! What the benches share: graphs to run on, and plain programs to be compared with.
//!
//! Every figure of kaskade's stands beside one of a program that a good programmer writes
//! in an afternoon for one thread ([`baseline`], [`csr`], [`plain_ingest`]): lanes, threads and
//! shards must earn their keep against that, not against themselves on fewer threads.
//! `docs/benchmarks.md` has the commands and a table of one run.

pub mod baseline;
pub mod csr;
pub mod frontiers;
pub mod graphs;
pub mod jobs;
pub mod labels;
pub mod measure;
pub mod memory;
pub mod peers;
pub mod plain_ingest;
pub mod roofline;
pub mod workloads;
