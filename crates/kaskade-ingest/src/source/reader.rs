//! The reading thread: every input in turn, decompressed and cut into blocks.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;

use super::blocks::{BLOCK_BYTES, TextBlocks, read_up_to};
use super::header::{Top, find_top, is_matrix_market, resolve_column};
use super::open::{Encoding, open};
use super::pairs::IdWidth;
use crate::error::IngestError;
use crate::progress::Progress;
use crate::spec::{BuildSpec, Format};

/// A piece of an input that can be parsed alone.
pub(super) struct Block {
    /// The input's place in [`BuildSpec::inputs`].
    pub(super) input_idx: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) content: Content,
}

/// What a block's bytes are.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// Lines, the first with number `first_line`; payloads in field `column`.
    Text { first_line: u64, n_line_ends: usize, column: Option<usize> },
    /// Whole pairs.
    Pairs(IdWidth),
}

/// Reads the inputs of a build.
pub(super) struct Reader<'a> {
    pub(super) spec: &'a BuildSpec,
    pub(super) progress: &'a dyn Progress,
    /// Set by the parsers when no further block is wanted.
    pub(super) stop: &'a AtomicBool,
}

/// An input and its place in [`BuildSpec::inputs`].
#[derive(Clone, Copy)]
struct Input<'a> {
    idx: usize,
    path: &'a Path,
}

/// Whether the parsers want more.
#[derive(PartialEq)]
enum Wanted {
    More,
    Nothing,
}

impl Reader<'_> {
    /// Sends the blocks of all inputs, in order, until the end or [`Reader::stop`].
    ///
    /// # Errors
    /// [`IngestError`]: an input cannot be read or is not what it should be, or the caller
    /// interrupted.
    pub(super) fn read_all(&self, blocks: &SyncSender<Block>) -> Result<(), IngestError> {
        let count = |n_bytes| self.progress.advance(n_bytes);
        for (idx, path) in self.spec.inputs.iter().enumerate() {
            let encoding = Encoding::of(path);
            let format = self.spec.format.or(encoding.format).unwrap_or(Format::Text);
            let contents = open(path, encoding.compression, &count)?;
            let input = Input { idx, path };
            let wanted = match IdWidth::of(format) {
                None => self.read_text(input, contents, blocks)?,
                Some(width) => self.read_pairs(input, contents, width, blocks)?,
            };
            if wanted == Wanted::Nothing {
                break;
            }
        }
        Ok(())
    }

    fn read_text(
        &self,
        input: Input<'_>,
        contents: impl Read,
        blocks: &SyncSender<Block>,
    ) -> Result<Wanted, IngestError> {
        let mut cut = TextBlocks::new(contents, BLOCK_BYTES).map_err(|e| input.unreadable(e))?;
        let mut top_is_read = false;
        let mut column = None;
        while let Some(mut block) = cut.next_block().map_err(|e| input.unreadable(e))? {
            if !top_is_read {
                if block.first_line == 1 && is_matrix_market(&block.bytes) {
                    return Err(IngestError::MatrixMarket { path: input.path.into() });
                }
                let header = match find_top(&block.bytes) {
                    Top::Comments => continue,
                    Top::Header(place) => Some(place),
                    Top::Arcs => None,
                };
                if let Some(choice) = &self.spec.column {
                    let header = header.clone().map(|place| &block.bytes[place]);
                    column = Some(resolve_column(choice, header, input.path)?);
                }
                if let Some(place) = header {
                    // A header is from now on a comment, and line numbers stay right.
                    block.bytes[place.start] = b'#';
                }
                top_is_read = true;
            }
            let (first_line, n_line_ends) = (block.first_line, block.n_line_ends);
            let content = Content::Text { first_line, n_line_ends, column };
            if self.send(Block { input_idx: input.idx, bytes: block.bytes, content }, blocks)?
                == Wanted::Nothing
            {
                return Ok(Wanted::Nothing);
            }
        }
        Ok(Wanted::More)
    }

    fn read_pairs(
        &self,
        input: Input<'_>,
        mut contents: impl Read,
        width: IdWidth,
        blocks: &SyncSender<Block>,
    ) -> Result<Wanted, IngestError> {
        if self.spec.column.is_some() {
            return Err(IngestError::PairsHaveNoColumn { path: input.path.into() });
        }
        loop {
            let mut bytes = Vec::new();
            let n_read = read_up_to(&mut contents, BLOCK_BYTES, &mut bytes)
                .map_err(|e| input.unreadable(e))?;
            if n_read == 0 {
                return Ok(Wanted::More);
            }
            let record_bytes = width.pair_bytes();
            let left = n_read % record_bytes;
            if left != 0 {
                return Err(IngestError::PartialPair {
                    path: input.path.into(),
                    record_bytes,
                    left,
                });
            }
            let content = Content::Pairs(width);
            if self.send(Block { input_idx: input.idx, bytes, content }, blocks)? == Wanted::Nothing
            {
                return Ok(Wanted::Nothing);
            }
        }
    }

    fn send(&self, block: Block, blocks: &SyncSender<Block>) -> Result<Wanted, IngestError> {
        if self.progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let is_wanted = !self.stop.load(Relaxed) && blocks.send(block).is_ok();
        Ok(if is_wanted { Wanted::More } else { Wanted::Nothing })
    }
}

impl Input<'_> {
    fn unreadable(self, source: io::Error) -> IngestError {
        IngestError::Read { path: self.path.into(), source }
    }
}
