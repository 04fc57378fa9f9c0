//! All inputs to chunks of arcs, in parallel.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::lines::{Lines, quote};
use super::pairs::parse_pairs;
use super::reader::{Block, Content, Reader};
use crate::arcs::{ArcChunk, Payload};
use crate::error::{BadLine, IngestError};
use crate::progress::{Phase, Progress, Unit};
use crate::spec::BuildSpec;

/// Takes what the parsers find, in no order and from several threads at once.
pub(crate) trait Intake<V>: Sync {
    /// Takes the arcs of a piece of input.
    ///
    /// # Errors
    /// Any [`IngestError`]; nothing more is read then.
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError>;
}

/// What is known of the inputs beside their arcs.
pub(crate) struct InputFacts {
    /// Bad lines that were skipped.
    pub(crate) n_skipped_lines: u64,
}

/// The shortest line with an arc: `1 2` and its end.
const MIN_ARC_BYTES: usize = 4;

/// Blocks that are read ahead of the parsers.
const BLOCKS_AHEAD: usize = 4;

/// Reads every input of `spec` into `intake`.
///
/// # Errors
/// Any [`IngestError`] about an input; of several bad lines the first, whatever was parsed
/// first. Else what `intake` answered.
pub(crate) fn parse<V: Payload>(
    spec: &BuildSpec,
    intake: &impl Intake<V>,
    progress: &dyn Progress,
) -> Result<InputFacts, IngestError> {
    let input_bytes = check_inputs(&spec.inputs)?;
    progress.begin(Phase::Parse, Some(input_bytes), Unit::Bytes);
    let watch = Watch::new(spec);
    let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
    let read = std::thread::scope(|scope| {
        let reader = Reader { spec, progress, stop: &watch.stop };
        let reader = scope.spawn(move || reader.read_all(&sender));
        receiver.into_iter().par_bridge().for_each(|block| {
            let parsed = parse_block(&block);
            drop(block);
            watch.note_bad_lines(parsed.n_bad_lines, parsed.first_bad);
            watch.note_taken(intake.arcs(parsed.chunk));
        });
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    // The blocks parsed are the first ones of the input, so the first bad line of all is
    // among them; it comes before whatever stopped the reader.
    watch.refuse_bad_lines()?;
    read?;
    watch.finish()
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

impl LocatedBadLine {
    /// What orders bad lines as the input does.
    fn place(&self) -> (usize, u64) {
        (self.input_idx, self.line)
    }
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
    stop: AtomicBool,
    n_bad_lines: AtomicU64,
    /// The first bad line in the order of the input.
    first_bad: Mutex<Option<LocatedBadLine>>,
    /// What the intake answered first that was no success.
    refusal: Mutex<Option<IngestError>>,
}

impl<'a> Watch<'a> {
    fn new(spec: &'a BuildSpec) -> Self {
        Self {
            spec,
            stop: AtomicBool::new(false),
            n_bad_lines: AtomicU64::new(0),
            first_bad: Mutex::new(None),
            refusal: Mutex::new(None),
        }
    }

    fn note_bad_lines(&self, n_bad_lines: u64, first_bad: Option<LocatedBadLine>) {
        let Some(bad) = first_bad else { return };
        let mut first = self.first_bad.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = first.as_ref().is_none_or(|first| bad.place() < first.place());
        if is_first {
            *first = Some(bad);
        }
        drop(first);
        let n_bad_lines = n_bad_lines + self.n_bad_lines.fetch_add(n_bad_lines, Relaxed);
        if n_bad_lines > self.spec.skip_bad_lines {
            self.stop.store(true, Relaxed);
        }
    }

    fn note_taken(&self, answer: Result<(), IngestError>) {
        if let Err(error) = answer {
            self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.stop.store(true, Relaxed);
        }
    }

    fn refuse_bad_lines(&self) -> Result<(), IngestError> {
        if self.n_bad_lines.load(Relaxed) <= self.spec.skip_bad_lines {
            return Ok(());
        }
        let first = self.first_bad.lock().unwrap_or_else(PoisonError::into_inner).take();
        let first = first.expect("the first of the bad lines is kept");
        let path: &Path = &self.spec.inputs[first.input_idx];
        Err(IngestError::BadLine {
            path: path.to_owned(),
            line: first.line,
            reason: first.reason,
            text: first.text,
            allowed: self.spec.skip_bad_lines,
        })
    }

    fn finish(self) -> Result<InputFacts, IngestError> {
        match self.refusal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(InputFacts { n_skipped_lines: self.n_bad_lines.into_inner() }),
        }
    }
}
