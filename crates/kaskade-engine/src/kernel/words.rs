//! Zeroed memory for state: many words, touched at random.
//!
//! A state of many MiB spans more pages of 4 KiB than a processor remembers the places of, so
//! nearly every touch would first look its page up. In huge pages, of 2 MiB, it mostly does not.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use memmap2::MmapMut;

/// From so many bytes on, memory comes in huge pages where the kernel gives them.
const MIN_MAPPED_BYTES: usize = 4 << 20;

/// Words that threads change together, all 0 at first.
#[derive(Debug)]
pub(crate) struct Words {
    start: NonNull<AtomicU64>,
    n_words: usize,
    _memory: Memory,
}

/// Who owns the words; never touched but to free them.
#[derive(Debug)]
enum Memory {
    Mapped(#[expect(dead_code, reason = "owns the words")] MmapMut),
    Heap(#[expect(dead_code, reason = "owns the words")] Vec<CacheLine>),
}

const WORDS_PER_LINE: usize = 8;

/// Words that come from memory together.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct CacheLine(#[expect(dead_code, reason = "reached through the words")] [u64; WORDS_PER_LINE]);

impl Words {
    /// `n_words` words.
    pub(crate) fn zeroed(n_words: usize) -> Self {
        Self::mapped(n_words).unwrap_or_else(|| Self::on_heap(n_words))
    }

    /// `None` where few words are asked for, or there is no such memory: then the heap is asked,
    /// which has its own way to say so.
    fn mapped(n_words: usize) -> Option<Self> {
        let n_bytes = n_words.checked_mul(size_of::<AtomicU64>())?;
        if n_bytes < MIN_MAPPED_BYTES {
            return None;
        }
        let mut memory = MmapMut::map_anon(n_bytes).ok()?;
        #[cfg(target_os = "linux")]
        // A kernel without huge pages says no, and gives small ones.
        let _ = memory.advise(memmap2::Advice::HugePage);
        // A mapping begins at a page, so it is aligned.
        let start = NonNull::new(memory.as_mut_ptr())?.cast();
        Some(Self { start, n_words, _memory: Memory::Mapped(memory) })
    }

    fn on_heap(n_words: usize) -> Self {
        let mut memory = vec![CacheLine([0; WORDS_PER_LINE]); n_words.div_ceil(WORDS_PER_LINE)];
        // An atomic has the size and alignment of its integer, and a line is made of integers.
        let start = NonNull::from(memory.as_mut_slice()).cast();
        Self { start, n_words, _memory: Memory::Heap(memory) }
    }

    /// The words for one thread alone: without the instructions that other threads call for, and
    /// several at a time.
    #[inline(always)]
    #[expect(unsafe_code, reason = "the standard library has no such view of atomics yet")]
    pub(crate) fn exclusive(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; the borrow of self is the only one, and an atomic has the size,
        // the alignment and the bits of its integer.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.n_words) }
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    #[inline(always)]
    #[expect(unsafe_code, reason = "a slice cannot be stored beside the memory it lies in")]
    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `start` points to `n_words` words, aligned and zeroed at first, that `_memory`
        // owns, keeps in place and lends to no one else; any bits are an AtomicU64.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.n_words) }
    }
}

#[expect(unsafe_code, reason = "the pointer to the words hides that they are Send")]
// SAFETY: `Words` owns its memory and lends it as atomics, or to one alone through `&mut self`.
unsafe impl Send for Words {}

#[expect(unsafe_code, reason = "the pointer to the words hides that they are Sync")]
// SAFETY: what is shared is a slice of atomics.
unsafe impl Sync for Words {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn few_and_many_words_are_zero_and_keep_what_is_put() {
        const MANY: usize = MIN_MAPPED_BYTES / size_of::<u64>();
        for n_words in [0, 1, 1000, MANY - 1, MANY, MANY + 1] {
            let mut words = Words::zeroed(n_words);
            assert_eq!(words.len(), n_words);
            assert!(words.iter().all(|word| word.load(Relaxed) == 0), "{n_words} words");
            if let Some(last) = words.last() {
                last.fetch_or(7, Relaxed);
                assert_eq!(std::mem::take(&mut words.exclusive()[n_words - 1]), 7);
            }
        }
    }
}
