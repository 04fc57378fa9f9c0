//! What a build may take, and what it takes.

use crate::error::IngestError;

/// The memory that a build may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// No limit where `None`.
    bytes: Option<u64>,
}

/// What a node takes at the peak: original id, rank and dense id, degrees, and its share of
/// the structures that find them.
pub(crate) const NODE_BYTES: u64 = 48;

impl Allowance {
    /// An allowance of `bytes`; no limit where `None`.
    pub(crate) fn new(bytes: Option<u64>) -> Self {
        Self { bytes }
    }

    /// Whether `needed_bytes` are within it.
    pub(crate) fn covers(self, needed_bytes: u64) -> bool {
        self.bytes.is_none_or(|allowed_bytes| needed_bytes <= allowed_bytes)
    }

    /// Refuses `needed_bytes` beyond it.
    ///
    /// # Errors
    /// [`IngestError::MemoryExceeded`].
    pub(crate) fn check(self, needed_bytes: u64) -> Result<(), IngestError> {
        match self.bytes {
            Some(allowed_bytes) if needed_bytes > allowed_bytes => {
                Err(IngestError::MemoryExceeded { needed_bytes, allowed_bytes })
            }
            _ => Ok(()),
        }
    }
}
