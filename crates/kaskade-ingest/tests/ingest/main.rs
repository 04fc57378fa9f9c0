//! Files and generators to graph directories, read back and compared with plain answers.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

#[cfg(feature = "webgraph")]
mod bvgraph;
mod classes;
mod column;
mod common;
mod formats;
mod generators;
mod hostile;
mod inputs;
mod known_graphs;
mod laws;
mod parquet;
mod publication;
