//! Files in memory, read-only. The only place of this crate with unsafe code.
//!
//! What remains of the risk: a file of a graph directory is never changed in place, so
//! its mapping does not change either. Whoever breaks that rule from outside and
//! *truncates* a mapped file makes the next read beyond its new end a SIGBUS, which ends
//! the process; overwriting one makes results wrong. Replacing a file by rename and
//! deleting it are both harmless: the mapping keeps the old contents. A file that was
//! loaded ([`Load::Ram`]) is a copy, which nothing outside can change.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use bytemuck::Pod;
use memmap2::{Mmap, MmapMut, MmapOptions};
use rayon::prelude::*;

use crate::error::StoreError;
use crate::opening::Load;

/// A whole file, mapped or loaded.
#[derive(Clone, Debug)]
pub(crate) struct Mapping(Arc<Mmap>);

impl Mapping {
    /// Maps or loads the file at `path`.
    pub(crate) fn open(path: &Path, load: Load) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|source| StoreError::io("open", path, source))?;
        let map = match load {
            Load::Mmap | Load::Populate => map(&file, load == Load::Populate),
            Load::Ram => read(&file),
        };
        map.map(|map| Self(Arc::new(map))).map_err(|source| StoreError::io("map", path, source))
    }

    /// All bytes of the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of `range` as elements; `None` when it does not lie in the file, is not
    /// aligned for `T`, or is no multiple of its size.
    pub(crate) fn slice<T: Pod>(&self, range: Range<usize>) -> Option<MappedSlice<T>> {
        let elements: &[T] = bytemuck::try_cast_slice(self.bytes().get(range)?).ok()?;
        Some(MappedSlice {
            start: NonNull::from(elements).cast(),
            n_elements: elements.len(),
            _map: Arc::clone(&self.0),
        })
    }
}

fn map(file: &File, populate: bool) -> io::Result<Mmap> {
    let mut options = MmapOptions::new();
    if populate {
        options.populate();
    }
    #[expect(unsafe_code, reason = "mapping a file is unsafe in memmap2")]
    // SAFETY: files of a graph directory are published by rename and never changed or
    // truncated after that (module documentation); the mapping is read-only and is
    // only ever viewed as plain old data, for which every bit pattern is valid.
    let map = unsafe { options.map(file) }?;
    #[cfg(target_os = "linux")]
    if populate {
        // Only some file systems have huge pages; where there are none, nothing is lost.
        let _ = map.advise(memmap2::Advice::HugePage);
    }
    Ok(map)
}

/// Copies the file into memory of this process, in pieces that threads share.
fn read(file: &File) -> io::Result<Mmap> {
    /// A multiple of the size of a huge page, so that each is filled by one thread.
    const PIECE_BYTES: usize = 16 << 20;
    let n_bytes = usize::try_from(file.metadata()?.len())
        .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    if n_bytes == 0 {
        // There is no empty anonymous mapping.
        return map(file, false);
    }
    let mut memory = MmapMut::map_anon(n_bytes)?;
    #[cfg(target_os = "linux")]
    // Before the first write: a kernel without huge pages says no, and gives small ones.
    let _ = memory.advise(memmap2::Advice::HugePage);
    memory
        .par_chunks_mut(PIECE_BYTES)
        .enumerate()
        .try_for_each(|(piece, bytes)| read_at(file, bytes, (piece * PIECE_BYTES) as u64))?;
    memory.make_read_only()
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        let n_read = file.seek_read(bytes, offset)?;
        if n_read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[n_read..];
        offset += n_read as u64;
    }
    Ok(())
}

/// A part of a file as a slice that keeps the file's memory alive.
#[derive(Debug)]
pub(crate) struct MappedSlice<T> {
    start: NonNull<T>,
    n_elements: usize,
    _map: Arc<Mmap>,
}

impl<T: Pod> Deref for MappedSlice<T> {
    type Target = [T];

    #[inline(always)]
    #[expect(unsafe_code, reason = "a slice cannot be stored beside the mapping it borrows from")]
    fn deref(&self) -> &[T] {
        // SAFETY: start and length are those of a slice into the mapping, which `_map` keeps
        // alive and which nothing writes; the borrow of self bounds the slice's life.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.n_elements) }
    }
}

#[expect(unsafe_code, reason = "the pointer into the mapping hides that the mapping is Send")]
// SAFETY: a MappedSlice is a shared, read-only view of plain old data plus an Arc<Mmap>.
unsafe impl<T: Pod + Sync> Send for MappedSlice<T> {}

#[expect(unsafe_code, reason = "the pointer into the mapping hides that the mapping is Sync")]
// SAFETY: as for Send: nothing is ever written through it.
unsafe impl<T: Pod + Sync> Sync for MappedSlice<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_outlive_the_mapping_and_the_file() {
        for load in [Load::Mmap, Load::Populate, Load::Ram] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("numbers");
            let numbers: Vec<u64> = (0..1000).collect();
            std::fs::write(&path, bytemuck::cast_slice(&numbers)).unwrap();
            let mapping = Mapping::open(&path, load).unwrap();
            let slice = mapping.slice::<u64>(8..8000).unwrap();
            assert!(mapping.slice::<u64>(4..12).is_none(), "not aligned");
            assert!(mapping.slice::<u64>(0..12).is_none(), "no multiple of the element size");
            assert!(mapping.slice::<u64>(7992..8008).is_none(), "beyond the end");
            assert!(mapping.slice::<u64>(8000..8000).unwrap().is_empty());
            drop(mapping);
            std::fs::remove_file(&path).unwrap();
            assert_eq!(*slice, numbers[1..]);
        }
    }

    #[test]
    fn files_without_bytes_and_of_several_pieces_are_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        for n_bytes in [0, (16 << 20) + 5] {
            let bytes: Vec<u8> = (0..n_bytes).map(|at: u32| (at % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let loaded = Mapping::open(&path, Load::Ram).unwrap();
            assert!(loaded.bytes() == bytes, "{n_bytes} bytes");
        }
    }
}
