//! What a block's bad lines leave behind: their number, and the first with its place.

use std::sync::Arc;

use super::super::block::InputFile;
use crate::error::BadLine;

/// The bad lines of a block.
pub(super) struct BadLines {
    pub(super) n_lines: u64,
    pub(super) first: Option<LocatedBadLine>,
}

/// A bad line and its place in the input.
pub(super) struct LocatedBadLine {
    pub(super) file: Arc<InputFile>,
    pub(super) line: u64,
    pub(super) reason: BadLine,
    pub(super) text: String,
}

impl LocatedBadLine {
    /// What orders bad lines as the inputs do.
    pub(super) fn place(&self) -> (usize, u64) {
        (self.file.order, self.line)
    }
}

impl BadLines {
    pub(super) const NONE: Self = Self { n_lines: 0, first: None };

    /// Counts a bad line; `locate` is asked for its number and text if it is the first.
    pub(super) fn add(
        &mut self,
        file: &Arc<InputFile>,
        reason: BadLine,
        locate: impl FnOnce() -> (u64, String),
    ) {
        self.n_lines += 1;
        self.first.get_or_insert_with(|| {
            let (line, text) = locate();
            LocatedBadLine { file: Arc::clone(file), line, reason, text }
        });
    }
}
