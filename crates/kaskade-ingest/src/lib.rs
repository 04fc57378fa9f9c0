//! Any graph file to a graph directory; synthetic generators.
//!
//! ```text
//! files ─▶ source: blocks, lines ─▶ arcs ─▶ nodes: ranks ─▶ runs: buckets ─▶ incoming ─▶ publish
//!                    generators ───────────────────────────▲  (ranks already)
//! ```
//! In reading order: [`build()`] is the whole way in one page, [`spec`] is what it is asked
//! for and [`progress`] how it is watched; `source` turns files into arcs of original ids
//! (`arcs`; `names` numbers ids that are strings, [`read_arcs()`] collects arcs as they are),
//! which `raw` keeps; `nodes` gives every original id its rank; `dealing` relabels
//! arcs and has `runs` deal them into buckets of targets; `incoming` makes them distinct, bucket
//! by bucket; `order` fixes the dense ids and `publish` hands the shards to
//! [`kaskade_store::GraphWriter`]; `attributes` adds the columns of the nodes. [`generate()`] draws synthetic graphs, straight into `dealing`
//! or into a file, [`export()`] writes a directory back to a file of arcs, and [`sample()`]
//! makes a smaller graph of one.
//!
//! Whatever is proportional to the arcs is in memory while `memory` has room for it and in a
//! `spill` file else: raw arcs, runs, lists of distinct arcs, the lists of a shard. Only nodes
//! are always in memory.
//!
//! Everything that comes out is a pure function of the *set* of input arcs and the options:
//! the order of lines, files, blocks and threads changes no bit.

mod arcs;
mod attributes;
mod build;
mod dealing;
mod error;
mod export;
mod generate;
mod incoming;
mod isolated;
mod memory;
mod names;
mod nodes;
mod order;
mod output;
pub mod progress;
mod publish;
mod raw;
mod runs;
mod sample;
mod source;
pub mod spec;
mod spill;

pub use attributes::{NodeTableError, NodeTables};
pub use build::build;
pub use error::{BadLine, IngestError, Malformed, Place};
pub use export::{ExportSpec, Exported, export};
pub use generate::{DEFAULT_EDGE_FACTOR, GenerateTarget, Generated, generate};
pub use isolated::{is_isolated, isolated};
pub use names::{Interner, SortedNames};
pub use sample::{
    DEFAULT_BACKWARD, DEFAULT_FORWARD, SampleMethod, SampleSize, SampleSpec, sample, select_nodes,
};
pub use source::{ReadArcs, read_arcs};
