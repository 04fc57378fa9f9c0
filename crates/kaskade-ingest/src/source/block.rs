//! What goes from the reading thread to the parsers.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::metis::{MetisHeader, NeighboursPlace};
use super::pairs::Packing;
use super::parquet::ParquetFile;
use super::table::Table;
use crate::error::{IngestError, Malformed, Place};

/// A file that blocks come from, and what the parsers count of it.
#[derive(Debug)]
pub(super) struct InputFile {
    /// Its place among all files, which orders bad lines.
    pub(super) order: usize,
    /// What errors call it.
    pub(super) path: PathBuf,
    /// The place of the channel that all its arcs come over, where there is one.
    pub(super) channel: Option<u8>,
    /// Arcs as written, before any stands for two.
    pub(super) n_entries: AtomicU64,
    /// Lines that were bad.
    pub(super) n_bad_lines: AtomicU64,
}

impl InputFile {
    pub(super) fn new(order: usize, path: PathBuf, channel: Option<u8>) -> Arc<Self> {
        let (n_entries, n_bad_lines) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { order, path, channel, n_entries, n_bad_lines })
    }

    /// The error that says what is wrong at `place`.
    pub(super) fn malformed(&self, place: Place, reason: Malformed) -> IngestError {
        IngestError::Malformed { path: self.path.clone(), place, reason }
    }

    /// The error for what cannot be read.
    pub(super) fn unreadable(&self, source: std::io::Error) -> IngestError {
        IngestError::Read { path: self.path.clone(), source }
    }
}

/// A piece of an input that can be parsed alone.
pub(super) struct Block {
    pub(super) file: Arc<InputFile>,
    pub(super) bytes: Vec<u8>,
    pub(super) content: Content,
}

/// What a block's bytes are.
pub(super) enum Content {
    /// Lines with an arc each, from line `first_line` on.
    Lines { first_line: u64, n_line_ends: usize, rules: LineRules },
    /// Lines with a node each.
    Nodes { first_line: u64 },
    /// Rows of a table from byte `begin` on, which is in line `first_line`.
    Rows { begin: usize, first_line: u64, table: Arc<Table> },
    /// Lines of neighbours, whose weights are values where `weights_count`.
    Neighbours { place: NeighboursPlace, header: MetisHeader, weights_count: bool },
    /// Whole pairs.
    Pairs(Packing),
    /// Neighbours as little-endian `u32`, and whose they are: nodes with their counts.
    Csr { rows: Vec<(u64, u32)>, n_nodes: u64, first_byte: u64 },
    /// A row group of a Parquet file; the block has no bytes.
    RowGroup { parquet: Arc<ParquetFile>, index: usize },
}

/// What lines with an arc each mean beside their ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineRules {
    /// The field that holds the value, counted from 0 over all fields.
    pub(super) column: Option<usize>,
    /// Whether a line that is no self-loop stands for both directions.
    pub(super) both_ways: bool,
    /// The first and the last node there is.
    pub(super) nodes: Option<(u64, u64)>,
}

/// What a file's header promised, held against what the parsers counted, once all are done.
pub(super) struct Promise {
    pub(super) file: Arc<InputFile>,
    /// The entries, and what they are called.
    pub(super) entries: Option<(&'static str, u64)>,
    /// Nodes, whether they have arcs or not.
    pub(super) nodes: Option<Range<u64>>,
}

impl Promise {
    /// Checks it, where no line was skipped.
    pub(super) fn check(&self) -> Result<(), IngestError> {
        let (found, n_bad) =
            (self.file.n_entries.load(Relaxed), self.file.n_bad_lines.load(Relaxed));
        match self.entries {
            Some((what, expected)) if expected != found && n_bad == 0 => {
                let reason = Malformed::Count { what, expected, found };
                Err(self.file.malformed(Place::Whole, reason))
            }
            _ => Ok(()),
        }
    }
}

/// Buffers of blocks that were parsed, to be filled again.
pub(super) struct Buffers {
    block_bytes: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// More would be kept for nothing: there are never so many blocks at once.
    const MOST: usize = 32;

    /// No buffers yet, for blocks of about `block_bytes`.
    pub(super) fn new(block_bytes: usize) -> Self {
        Self { block_bytes, free: Mutex::default() }
    }

    /// The bytes that a block is read in.
    pub(super) fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// An empty buffer.
    pub(super) fn take(&self) -> Vec<u8> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < Self::MOST && buffer.capacity() > 0 {
            free.push(buffer);
        }
    }
}
