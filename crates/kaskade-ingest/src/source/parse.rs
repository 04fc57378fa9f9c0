//! All inputs to chunks of arcs, in parallel.

mod bad_lines;
mod blocks;
mod naming;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};

use self::bad_lines::LocatedBadLine;
use self::blocks::BlockParser;
use super::block::{Buffers, Promise};
use super::classes::{Classes, SortedClasses};
use super::plan::Plan;
use super::reader::{First, Reader};
use super::value::InputValue;
use crate::arcs::ArcChunk;
use crate::error::IngestError;
use crate::names::Interner;
use crate::progress::{Phase, Progress, Unit};
use crate::spec::ReadSpec;

/// Takes what the parsers find, in no order and from several threads at once.
pub(crate) trait Intake<V>: Sync {
    /// Takes the arcs of a piece of input.
    ///
    /// # Errors
    /// Any [`IngestError`]; nothing more is read then.
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError>;

    /// Takes nodes that occur without an arc, or perhaps with some too.
    ///
    /// # Errors
    /// Any [`IngestError`]; nothing more is read then.
    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError>;

    /// Hears that the dictionary of names takes `bytes` by now.
    ///
    /// # Errors
    /// [`IngestError::MemoryExceeded`]; nothing more is read then.
    fn names_grown(&self, _bytes: u64) -> Result<(), IngestError> {
        Ok(())
    }

    /// The bytes that text and pairs should be read in at a time: some milliseconds of parsing.
    fn block_bytes(&self) -> usize {
        1 << 20
    }
}

/// Nodes that an input names without an arc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoneNodes {
    /// All of a range: a header counted them, and nothing that was read bounds it.
    Range(Range<u64>),
    /// Those listed in a piece of input.
    List(Vec<u64>),
}

impl LoneNodes {
    /// The number of ids, repetitions included.
    pub(crate) fn n_ids(&self) -> u64 {
        match self {
            Self::Range(range) => range.end.saturating_sub(range.start),
            Self::List(ids) => ids.len() as u64,
        }
    }

    /// The largest id.
    pub(crate) fn largest(&self) -> Option<u64> {
        match self {
            Self::Range(range) => range.end.checked_sub(1).filter(|last| range.contains(last)),
            Self::List(ids) => ids.iter().copied().max(),
        }
    }

    /// Calls `visit` with every id.
    pub(crate) fn for_each(&self, visit: impl FnMut(u64)) {
        match self {
            Self::Range(range) => range.clone().for_each(visit),
            Self::List(ids) => ids.iter().copied().for_each(visit),
        }
    }
}

/// What is known of the inputs beside their arcs.
pub(crate) struct InputFacts {
    /// Bad lines that were skipped.
    pub(crate) n_skipped_lines: u64,
    /// The names, where ids are strings: then ids in chunks are their provisional numbers.
    pub(crate) names: Option<Interner>,
    /// The classes that a column names; in chunks they have the numbers that
    /// [`SortedClasses::numbers`] puts in order.
    pub(crate) classes: SortedClasses,
}

/// Blocks that are read ahead of the parsers.
const BLOCKS_AHEAD: usize = 4;

/// Reads every input of `spec` into `intake`.
///
/// # Errors
/// Any [`IngestError`] about an input: a class too many; of several bad lines the first,
/// whatever was parsed first. Else what `intake` answered.
pub(crate) fn parse<V: InputValue>(
    spec: &ReadSpec,
    intake: &impl Intake<V>,
    progress: &dyn Progress,
) -> Result<InputFacts, IngestError> {
    // Who gives up makes reads fail that waited.
    let told = |error| if progress.interrupted() { IngestError::Interrupted } else { error };
    parse_inputs(spec, intake, progress).map_err(told)
}

fn parse_inputs<V: InputValue>(
    spec: &ReadSpec,
    intake: &impl Intake<V>,
    progress: &dyn Progress,
) -> Result<InputFacts, IngestError> {
    let plan = Plan::new(spec)?;
    progress.begin(Phase::Parse, plan.input_bytes, Unit::Bytes);
    let first = First::look(spec, &plan, progress)?;
    let names = first.has_names.then(Interner::new);
    let classes = Classes::default();
    let watch = Watch::new(spec);
    let buffers = Buffers::new(intake.block_bytes());
    let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
    let read = std::thread::scope(|scope| {
        let reader = Reader {
            spec,
            progress,
            stop: &watch.stop,
            buffers: &buffers,
            blocks: sender,
            has_names: first.has_names,
            promises: Vec::new(),
        };
        let plan = &plan;
        let reader = scope.spawn(move || reader.read_all(plan, first.into_opened()));
        receiver.into_iter().par_bridge().for_each(|block| {
            let intake = OverChannel { intake, value: block.file.channel.and_then(V::of_channel) };
            let parser = BlockParser { names: names.as_ref(), classes: &classes, intake: &intake };
            let parsed = parser.parse::<V>(&block).and_then(|bad_lines| {
                names.as_ref().map_or(Ok(()), |names| intake.names_grown(names.bytes()))?;
                Ok(bad_lines)
            });
            buffers.give(block.bytes);
            match parsed {
                Ok(bad_lines) => {
                    block.file.n_bad_lines.fetch_add(bad_lines.n_lines, Relaxed);
                    watch.note_bad_lines(bad_lines.n_lines, bad_lines.first);
                }
                Err(error) => watch.note_refusal(error),
            }
        });
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    // The blocks parsed are the first ones of the input, so the first bad line of all is
    // among them; it comes before whatever stopped the reader. So it is with classes.
    classes.check()?;
    watch.refuse_bad_lines()?;
    let promises = read?;
    let n_skipped_lines = watch.finish()?;
    promises.iter().try_for_each(Promise::check)?;
    let parser = BlockParser { names: names.as_ref(), classes: &classes, intake };
    for nodes in promises.into_iter().filter_map(|promise| promise.nodes) {
        parser.lone_range::<V>(nodes)?;
    }
    Ok(InputFacts { n_skipped_lines, names, classes: classes.into_sorted() })
}

/// Takes the arcs of one input, which all came over one channel where an input has one.
struct OverChannel<'a, I, V> {
    intake: &'a I,
    value: Option<V>,
}

impl<V: InputValue, I: Intake<V>> Intake<V> for OverChannel<'_, I, V> {
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        match self.value {
            Some(value) => self.intake.arcs(chunk.map_values(|_| value)),
            None => self.intake.arcs(chunk),
        }
    }

    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError> {
        self.intake.nodes(ids)
    }

    fn names_grown(&self, bytes: u64) -> Result<(), IngestError> {
        self.intake.names_grown(bytes)
    }
}

/// What the parsers found so far, and whether the reader should stop for it.
struct Watch<'a> {
    spec: &'a ReadSpec,
    stop: AtomicBool,
    n_bad_lines: AtomicU64,
    /// The first bad line in the order of the input.
    first_bad: Mutex<Option<LocatedBadLine>>,
    /// The first block that was refused, by the parser or the intake.
    refusal: Mutex<Option<IngestError>>,
}

impl<'a> Watch<'a> {
    fn new(spec: &'a ReadSpec) -> Self {
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

    fn note_refusal(&self, error: IngestError) {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.store(true, Relaxed);
    }

    fn refuse_bad_lines(&self) -> Result<(), IngestError> {
        if self.n_bad_lines.load(Relaxed) <= self.spec.skip_bad_lines {
            return Ok(());
        }
        let first = self.first_bad.lock().unwrap_or_else(PoisonError::into_inner).take();
        let first = first.expect("the first of the bad lines is kept");
        Err(IngestError::BadLine {
            path: first.file.path.clone(),
            line: first.line,
            reason: first.reason,
            text: first.text,
            allowed: self.spec.skip_bad_lines,
        })
    }

    /// The bad lines that were skipped, or what was refused first.
    fn finish(self) -> Result<u64, IngestError> {
        match self.refusal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(self.n_bad_lines.into_inner()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unwatched;
    use crate::spec::Input;

    /// Refuses names of more than so many bytes.
    struct Narrow(u64);

    impl Intake<()> for Narrow {
        fn arcs(&self, _chunk: ArcChunk<()>) -> Result<(), IngestError> {
            Ok(())
        }

        fn nodes(&self, _ids: LoneNodes) -> Result<(), IngestError> {
            Ok(())
        }

        fn names_grown(&self, bytes: u64) -> Result<(), IngestError> {
            let exceeded =
                IngestError::MemoryExceeded { needed_bytes: bytes, allowed_bytes: self.0 };
            if bytes > self.0 { Err(exceeded) } else { Ok(()) }
        }
    }

    #[test]
    fn an_intake_hears_of_the_names_while_they_are_read() {
        let bytes = b"ann bob\nbob cyd\n"[..].into();
        let spec = ReadSpec::of(vec![Input::Bytes { name: "arcs".to_owned(), bytes }]);
        assert!(parse(&spec, &Narrow(u64::MAX), &Unwatched).unwrap().names.is_some());
        let refused = parse(&spec, &Narrow(0), &Unwatched).map(|_| ());
        assert!(matches!(refused, Err(IngestError::MemoryExceeded { .. })), "{refused:?}");
    }
}
