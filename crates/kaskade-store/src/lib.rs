//! Graph directories: written once, mapped read-only, verified.
//!
//! A graph directory holds everything that a run reads of a graph: a manifest, the
//! id map with the degrees, and the arcs in shards (`docs/format.md` has the bytes).
//! It is published by one rename when it is complete, and never changed after that.
//!
//! In reading order: [`names`] says which file is called what, [`Order`],
//! [`Orientation`], [`Views`] and [`Layout`] are what a builder chooses, [`cut_shards`] divides the
//! nodes, [`Manifest`] describes a directory, [`GraphWriter`] makes one,
//! [`Graph`] maps one with its [`Nodes`] and [`MappedShard`]s, and [`verify()`] re-reads
//! every byte of one; [`survey()`] says what its graph looks like. Below them, `container` is the format that all binary files
//! share, `mmap` the only place that maps memory, and `digest` the identity of a graph.

#[cfg(target_endian = "big")]
compile_error!("graph directories are little-endian and are read in place");

mod attributes;
mod choices;
mod container;
mod cut;
mod digest;
mod durable;
mod error;
mod graph;
mod inspect;
mod manifest;
mod mmap;
pub mod names;
mod neighbours;
mod nodes;
mod opening;
mod originals;
mod shard;
mod strings;
mod survey;
mod verify;
mod writer;

pub use attributes::{
    Attributes, AttributesEntry, Column, ColumnType, MAX_COLUMN_NAME_BYTES, MAX_NODE_COLUMNS,
    MISSING_BOOL, MISSING_CATEGORY, MISSING_NUMBER, NodeColumn,
};
pub use choices::{IdKind, InvalidChoice, Layout, Order, Orientation, Views};
pub use cut::{MAX_SHARDS, NODE_COST_ARCS, cut_shards};
pub use error::{StoreError, StoreErrorKind};
pub use graph::{Graph, open_attributes, open_shard};
pub use inspect::{FileSummary, SectionSummary, inspect};
pub use manifest::{FileEntry, Manifest, ManifestFile, ShardEntry};
pub use nodes::{Nodes, NodesEntry};
pub use opening::{Load, Opening, Progress, ShardSelection, Verify};
pub use originals::Originals;
pub use shard::{
    CountedShard, FirstRanks, MappedShard, RankedShard, ShardArcs, WrittenShard, shard_write_bytes,
};
pub use strings::Strings;
pub use survey::{
    DegreeDistribution, HeavierTail, HistogramBin, QUANTILES, SectionBytes, Survey,
    bytes_by_section, survey,
};
pub use verify::{VerifyReport, verify};
pub use writer::{GraphFacts, GraphWriter};

/// The version of every file of a graph directory.
pub const FORMAT_VERSION: u32 = 3;

#[cfg(test)]
mod tests;
