//! How a caller watches a build, and stops it.

/// Hears what a build does. Called from several threads, a few thousand times in all.
pub trait Progress: Sync {
    /// `phase` begins and will advance to `total` of `unit`, where that is known.
    fn begin(&self, phase: Phase, total: Option<u64>, unit: Unit);

    /// The phase that began last moved on by `by`.
    fn advance(&self, by: u64);

    /// Whether to give up; asked often. The build then ends with
    /// [`crate::IngestError::Interrupted`] and leaves nothing behind.
    fn interrupted(&self) -> bool {
        false
    }
}

/// What a build does, in this order; a generator draws instead of parsing and ordering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading files into arcs; in bytes as they lie on disk.
    Parse,
    /// Drawing the arcs of a synthetic graph.
    Draw,
    /// Giving ranks to nodes and dealing the arcs to buckets.
    Order,
    /// Making the arcs distinct.
    Sort,
    /// Reading tables of node columns; in bytes as they lie on disk.
    Attributes,
    /// Dealing distinct arcs to the shards, when they do not fit into memory.
    Share,
    /// Writing shards, or the file of a synthetic graph.
    Write,
}

/// What a phase counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Arcs.
    Arcs,
}

/// Progress that nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _phase: Phase, _total: Option<u64>, _unit: Unit) {}

    fn advance(&self, _by: u64) {}
}
