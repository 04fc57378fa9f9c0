//! All inputs to chunks of arcs, in parallel.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::lines::{Lines, quote};
use super::pairs::parse_pairs;
use super::reader::{Block, Content, Reader};
use crate::arcs::{ArcChunk, Payload};
use crate::error::{BadLine, IngestError};
use crate::memory::Allowance;
use crate::progress::{Phase, Progress, Unit};
use crate::runs::ranked_arc_bytes;
use crate::spec::BuildSpec;

/// All arcs of all inputs, in no order.
pub(crate) struct ParsedInput<V> {
    /// The arcs.
    pub(crate) chunks: Vec<ArcChunk<V>>,
    /// Bad lines that were skipped.
    pub(crate) n_skipped_lines: u64,
}

impl<V: Payload> ParsedInput<V> {
    /// The number of arcs as written.
    pub(crate) fn n_arcs(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> u64 {
        self.chunks.iter().map(ArcChunk::bytes).sum()
    }
}

/// The shortest line with an arc: `1 2` and its end.
const MIN_ARC_BYTES: usize = 4;

/// Blocks that are read ahead of the parsers.
const BLOCKS_AHEAD: usize = 4;

/// Reads every input of `spec`.
///
/// # Errors
/// Any [`IngestError`] about an input; of several bad lines the first, whatever was parsed
/// first. [`IngestError::MemoryExceeded`] as soon as the arcs outgrow the allowance.
pub(crate) fn parse<V: Payload>(
    spec: &BuildSpec,
    progress: &dyn Progress,
) -> Result<ParsedInput<V>, IngestError> {
    let input_bytes = check_inputs(&spec.inputs)?;
    progress.begin(Phase::Parse, Some(input_bytes), Unit::Bytes);
    let watch = Watch::new(spec);
    let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
    let (blocks, read) = std::thread::scope(|scope| {
        let reader = Reader { spec, progress, stop: &watch.stop };
        let reader = scope.spawn(move || reader.read_all(&sender));
        let blocks: Vec<ParsedBlock<V>> = receiver
            .into_iter()
            .par_bridge()
            .map(|block| {
                let parsed = parse_block(&block);
                watch.note(&parsed);
                parsed
            })
            .collect();
        (blocks, reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    // The blocks parsed are the first ones of the input, so the first bad line of all is
    // among them; it comes before whatever stopped the reader.
    watch.refuse_bad_lines(&blocks)?;
    let bytes_read = read?;
    watch.refuse_memory(bytes_read, input_bytes)?;
    Ok(ParsedInput {
        n_skipped_lines: watch.n_bad_lines.into_inner(),
        chunks: blocks.into_iter().map(|block| block.chunk).collect(),
    })
}

/// Checks that every input can be a file; gives their bytes on disk.
fn check_inputs(inputs: &[PathBuf]) -> Result<u64, IngestError> {
    if inputs.is_empty() {
        return Err(IngestError::NoInput);
    }
    let mut input_bytes = 0;
    for path in inputs {
        let metadata = std::fs::metadata(path)
            .map_err(|source| IngestError::Open { path: path.clone(), source })?;
        if metadata.is_dir() {
            return Err(IngestError::InputIsDirectory { path: path.clone() });
        }
        input_bytes += metadata.len();
    }
    Ok(input_bytes)
}

struct ParsedBlock<V> {
    chunk: ArcChunk<V>,
    n_bad_lines: u64,
    first_bad: Option<LocatedBadLine>,
}

/// A bad line and its place in the input.
struct LocatedBadLine {
    input_idx: usize,
    line: u64,
    reason: BadLine,
    text: String,
}

fn parse_block<V: Payload>(block: &Block) -> ParsedBlock<V> {
    match block.content {
        Content::Text { first_line, n_line_ends, column } => {
            parse_text(block, first_line, n_line_ends, column)
        }
        Content::Pairs(width) => {
            ParsedBlock { chunk: parse_pairs(&block.bytes, width), n_bad_lines: 0, first_bad: None }
        }
    }
}

fn parse_text<V: Payload>(
    block: &Block,
    first_line: u64,
    n_line_ends: usize,
    column: Option<usize>,
) -> ParsedBlock<V> {
    let bytes = block.bytes.as_slice();
    let mut chunk = ArcChunk::with_capacity((n_line_ends + 1).min(bytes.len() / MIN_ARC_BYTES + 1));
    let (mut n_bad_lines, mut first_bad) = (0, None);
    let mut lines = Lines::new(bytes, column);
    while let Some((begin, line)) = lines.next_line() {
        match line {
            Ok(Some((from, to, value))) => chunk.push(from, to, value),
            Ok(None) => {}
            Err(reason) => {
                n_bad_lines += 1;
                first_bad.get_or_insert_with(|| LocatedBadLine {
                    input_idx: block.input_idx,
                    line: first_line + memchr::memchr_iter(b'\n', &bytes[..begin]).count() as u64,
                    reason,
                    text: quote(&bytes[begin..]),
                });
            }
        }
    }
    // Most lines may have been comments.
    chunk.shrink_to_fit();
    ParsedBlock { chunk, n_bad_lines, first_bad }
}

/// What the parsers found so far, and whether the reader should stop for it.
struct Watch<'a> {
    spec: &'a BuildSpec,
    allowance: Allowance,
    stop: AtomicBool,
    n_bad_lines: AtomicU64,
    needed_bytes: AtomicU64,
}

impl<'a> Watch<'a> {
    fn new(spec: &'a BuildSpec) -> Self {
        Self {
            spec,
            allowance: Allowance::new(spec.directory.memory_bytes),
            stop: AtomicBool::new(false),
            n_bad_lines: AtomicU64::new(0),
            needed_bytes: AtomicU64::new(0),
        }
    }

    fn note<V: Payload>(&self, block: &ParsedBlock<V>) {
        let n_bad_lines =
            block.n_bad_lines + self.n_bad_lines.fetch_add(block.n_bad_lines, Relaxed);
        let n_arcs = block.chunk.len() as u64;
        let bytes = block.chunk.bytes() + n_arcs * ranked_arc_bytes::<V>(self.spec.undirected);
        let needed_bytes = bytes + self.needed_bytes.fetch_add(bytes, Relaxed);
        if n_bad_lines > self.spec.skip_bad_lines || !self.allowance.covers(needed_bytes) {
            self.stop.store(true, Relaxed);
        }
    }

    fn refuse_bad_lines<V>(&self, blocks: &[ParsedBlock<V>]) -> Result<(), IngestError> {
        if self.n_bad_lines.load(Relaxed) <= self.spec.skip_bad_lines {
            return Ok(());
        }
        let bad_lines = blocks.iter().filter_map(|block| block.first_bad.as_ref());
        let first = bad_lines.min_by_key(|bad| (bad.input_idx, bad.line));
        let first = first.expect("the first bad line of a block is kept");
        let path: &Path = &self.spec.inputs[first.input_idx];
        Err(IngestError::BadLine {
            path: path.to_owned(),
            line: first.line,
            reason: first.reason,
            text: first.text.clone(),
            allowed: self.spec.skip_bad_lines,
        })
    }

    /// Refuses what does not fit, scaled up from what was read to all there is.
    fn refuse_memory(&self, bytes_read: u64, input_bytes: u64) -> Result<(), IngestError> {
        let needed_bytes = self.needed_bytes.load(Relaxed);
        if self.allowance.covers(needed_bytes) {
            return Ok(());
        }
        let share_read = bytes_read.max(1) as f64 / input_bytes.max(1) as f64;
        self.allowance.check((needed_bytes as f64 / share_read.min(1.0)) as u64)
    }
}
