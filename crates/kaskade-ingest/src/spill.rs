//! Files for what does not fit into memory. They have no name from the moment that they are
//! made, so nothing is left of them however the process ends.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytemuck::Pod;

use crate::error::IngestError;

/// A temporary file that is appended to and read from several threads at once. It is made at
/// the first append.
#[derive(Debug)]
pub(crate) struct SpillFile {
    folder: PathBuf,
    file: OnceLock<File>,
    end: AtomicU64,
}

impl SpillFile {
    /// A file in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), file: OnceLock::new(), end: AtomicU64::new(0) }
    }

    /// Appends `parts` one after the other; gives the place of the first byte.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn append(&self, parts: &[&[u8]]) -> Result<u64, IngestError> {
        let file = self.file()?;
        let n_bytes: usize = parts.iter().map(|part| part.len()).sum();
        let begin = self.end.fetch_add(n_bytes as u64, Relaxed);
        let mut at = begin;
        for part in parts {
            file.write_all_at(part, at).map_err(|source| self.failed(source))?;
            at += part.len() as u64;
        }
        Ok(begin)
    }

    /// Fills `elements` with what was appended at `begin`; gives the place after it.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn read<T: Pod>(&self, begin: u64, elements: &mut [T]) -> Result<u64, IngestError> {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(elements);
        if !bytes.is_empty() {
            self.file()?.read_exact_at(bytes, begin).map_err(|source| self.failed(source))?;
        }
        Ok(begin + bytes.len() as u64)
    }

    fn file(&self) -> Result<&File, IngestError> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = tempfile::tempfile_in(&self.folder).map_err(|source| self.failed(source))?;
        // Of two threads that come first, the file of one is dropped unused.
        Ok(self.file.get_or_init(|| file))
    }

    fn failed(&self, source: std::io::Error) -> IngestError {
        IngestError::Spill { folder: self.folder.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_and_no_name_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let spill = SpillFile::new(folder.path());
        assert_eq!(spill.append(&[&[1, 2], &[], &[3]]).unwrap(), 0);
        let numbers = [7u32, 1 << 31];
        let begin = spill.append(&[bytemuck::cast_slice(&numbers)]).unwrap();
        assert_eq!(begin, 3);
        let mut back = [0u32; 2];
        assert_eq!(spill.read(begin, &mut back).unwrap(), 11);
        assert_eq!(back, numbers);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(spill.read(8, &mut back), Err(IngestError::Spill { .. })));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let spill = SpillFile::new(Path::new("/nonexistent"));
        let error = spill.append(&[&[1]]).unwrap_err();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }
}
