//! Memory as a fast program asks for it: huge pages, and lines asked for ahead of their use.

use std::ops::{Deref, DerefMut, Range};

use bytemuck::Pod;
use memmap2::MmapMut;

/// Elements in huge pages where the system gives them: at random places of a large array an
/// access else also misses the processor's table of pages. The engine keeps its graph and its
/// state so, and what is compared with it must not pay for less.
#[derive(Debug)]
pub struct HugeVec<T> {
    memory: MmapMut,
    len: usize,
    _elements: std::marker::PhantomData<T>,
}

impl<T: Pod> HugeVec<T> {
    /// `len` elements, all bits 0.
    ///
    /// # Panics
    /// When there is not so much memory.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        // A mapping of no bytes is refused.
        let memory = MmapMut::map_anon((len * size_of::<T>()).max(1)).expect("there is memory");
        #[cfg(target_os = "linux")]
        // A kernel without huge pages says no, and gives small ones.
        let _ = memory.advise(memmap2::Advice::HugePage);
        Self { memory, len, _elements: std::marker::PhantomData }
    }

    /// A copy of `elements`.
    #[must_use]
    pub fn of(elements: &[T]) -> Self {
        let mut copy = Self::zeroed(elements.len());
        copy.copy_from_slice(elements);
        copy
    }
}

impl<T: Pod> Deref for HugeVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.memory[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> DerefMut for HugeVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(&mut self.memory[..self.len * size_of::<T>()])
    }
}

/// Asks for the line of `slice[idx]`, which need not be there.
#[inline(always)]
pub fn prefetch<T>(slice: &[T], idx: usize) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "there is no safe prefetch")]
    // SAFETY: a prefetch reads nothing, whatever the address; SSE is part of x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(slice.as_ptr().wrapping_add(idx).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, idx);
}

/// Asks for the lines of the first elements of `slice[range]`, up to four lines: a processor by
/// itself sees that a list is read from begin to end only once it has read so many.
#[inline(always)]
pub fn prefetch_list<T>(slice: &[T], range: Range<usize>) {
    const LINE_BYTES: usize = 64;
    const MAX_LINES: usize = 4;
    for line in 0..MAX_LINES {
        // Without a branch: a short list has its last line asked for again.
        prefetch(slice, (range.start + line * LINE_BYTES / size_of::<T>()).min(range.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_vector_is_zero_and_keeps_what_is_put() {
        for len in [0, 1, 1 << 20] {
            let mut elements = HugeVec::<u32>::zeroed(len);
            assert!(elements.iter().all(|&element| element == 0));
            elements.fill(7);
            assert_eq!(*HugeVec::of(&elements), *vec![7; len]);
            // Past the end, too.
            prefetch(&elements, len + 1000);
        }
    }
}
