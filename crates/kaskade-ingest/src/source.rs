//! Inputs to arcs of original ids: a thread reads and decompresses, the pool parses.
//!
//! `plan` says what every input is (`sniff`), `open` decompresses it, and `reader` cuts it into
//! blocks that can be parsed apart (`blocks`, and what its format has of its own); `parse`
//! does that in parallel and hands arcs and lone nodes to an [`Intake`]; what an arc carries
//! beside its ends is read by `value`, and `classes` numbers it where it is a word. A page a format:
//! `lines` and `header` (text, KONECT), `table` and `rows` (CSV, TSV), `matrix_market`,
//! `metis`, `graphalytics`, `pairs` (Graph500 too), `csr` (GAP, BVGraph), `parquet`, `bvgraph`.

mod arcs;
mod block;
mod blocks;
#[cfg(feature = "webgraph")]
mod bvgraph;
mod classes;
mod csr;
mod graphalytics;
mod header;
mod lines;
mod matrix_market;
mod metis;
mod open;
mod pairs;
mod parquet;
mod parse;
mod plan;
mod reader;
mod relay;
mod rows;
mod sniff;
mod table;
mod value;

pub use arcs::{ReadArcs, read_arcs};
pub(crate) use lines::{MAX_LINE_BYTES, quote};
pub(crate) use open::{Compression, Encoding};
pub(crate) use parse::{Intake, LoneNodes, parse};
pub(crate) use value::InputValue;
