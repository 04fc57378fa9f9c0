//! Any graph file to a graph directory; synthetic generators.
//!
//! ```text
//! files ─▶ source: blocks, lines ─▶ arcs ─▶ nodes: ranks ─▶ runs: buckets ─▶ incoming ─▶ publish
//!                    generators ───────────────────────────▲  (ranks already)
//! ```
//! In reading order: [`build()`] is the whole way in one page, [`spec`] is what it is asked
//! for and [`progress`] how it is watched; `source` turns files into arcs of original ids
//! (`arcs`); `nodes` gives every original id its rank; `runs` deals relabelled arcs into
//! buckets of targets, the unit that can spill; `incoming` makes them distinct, bucket by
//! bucket; `order` fixes the dense ids and `publish` hands the shards to
//! [`kaskade_store::GraphWriter`]; `attributes` adds the columns of the nodes. [`generate()`] draws synthetic graphs, straight into `runs`
//! or into a file.
//!
//! Everything that comes out is a pure function of the *set* of input arcs and the options:
//! the order of lines, files, blocks and threads changes no bit.

mod arcs;
mod attributes;
mod build;
mod error;
mod generate;
mod incoming;
mod memory;
mod nodes;
mod order;
pub mod progress;
mod publish;
mod runs;
mod source;
pub mod spec;

pub use attributes::{NodeTableError, NodeTables};
pub use build::build;
pub use error::{BadLine, IngestError};
pub use generate::{DEFAULT_EDGE_FACTOR, GenerateTarget, Generated, generate};
