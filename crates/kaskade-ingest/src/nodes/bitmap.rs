//! Ids as bits, with the number of ids below every word.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{IdTable, count_nodes};
use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::raw::RawArcs;
use crate::source::LoneNodes;

/// Ids near each other.
pub(crate) struct BitmapIds {
    words: Vec<Word>,
    n_nodes: u32,
}

/// 64 ids; bits and count side by side, so that a rank costs one cache miss.
#[derive(Clone, Copy)]
struct Word {
    bits: u64,
    n_below: u32,
}

const WORD_BITS: u64 = u64::BITS as u64;

/// The ids that a bitmap of `bytes` covers.
pub(super) fn bits_in(bytes: u64) -> u64 {
    (bytes / size_of::<Word>() as u64).saturating_mul(WORD_BITS)
}

/// The largest id in `raw`.
pub(super) fn largest_id<V: Payload>(raw: &RawArcs<V>) -> Result<Option<u64>, IngestError> {
    // One more than the largest id, which may be the largest of all.
    let end = AtomicU64::new(0);
    let is_highest = AtomicU64::new(0);
    raw.visit_all(|chunk: &ArcChunk<V>| {
        let mut largest = None;
        chunk.for_each(|from, to, _| largest = largest.max(Some(from.max(to))));
        match largest.map(|largest| largest.checked_add(1)) {
            Some(Some(chunk_end)) => end.fetch_max(chunk_end, Relaxed),
            Some(None) => is_highest.fetch_max(1, Relaxed),
            None => 0,
        };
    })?;
    let of_arcs = match is_highest.into_inner() {
        1 => Some(u64::MAX),
        _ => end.into_inner().checked_sub(1),
    };
    Ok(raw.lone().iter().filter_map(LoneNodes::largest).chain(of_arcs).max())
}

impl BitmapIds {
    /// The ids in `raw`, of which `largest` is the largest.
    pub(super) fn occurring<V: Payload>(
        raw: &RawArcs<V>,
        largest: Option<u64>,
    ) -> Result<Self, IngestError> {
        let n_words = largest.map_or(0, |largest| (largest / WORD_BITS) as usize + 1);
        let words: Vec<AtomicU64> = (0..n_words).map(|_| AtomicU64::new(0)).collect();
        let mark = |id: u64| {
            let (word, bit) = (&words[(id / WORD_BITS) as usize], 1 << (id % WORD_BITS));
            // Most ids were seen before: reading first keeps the cache line shared.
            if word.load(Relaxed) & bit == 0 {
                word.fetch_or(bit, Relaxed);
            }
        };
        raw.visit_all(|chunk| {
            chunk.for_each(|from, to, _| {
                mark(from);
                mark(to);
            });
        })?;
        raw.lone().iter().for_each(|lone| lone.for_each(mark));
        let n_ids = words.iter().map(|word| u64::from(word.load(Relaxed).count_ones())).sum();
        let n_nodes = count_nodes(n_ids)?;
        let mut n_below = 0;
        let words = words.into_iter().map(|word| {
            let word = Word { bits: word.into_inner(), n_below };
            n_below += word.bits.count_ones();
            word
        });
        Ok(Self { words: words.collect(), n_nodes })
    }

    pub(super) fn n_nodes(&self) -> u32 {
        self.n_nodes
    }

    #[inline]
    pub(crate) fn rank(&self, id: u64) -> u32 {
        let word = self.words[(id / WORD_BITS) as usize];
        let lower_bits = (1 << (id % WORD_BITS)) - 1;
        word.n_below + (word.bits & lower_bits).count_ones()
    }

    /// The memory that the set takes.
    pub(super) fn bytes(&self) -> u64 {
        size_of_val(self.words.as_slice()) as u64
    }

    /// The ids by rank.
    pub(super) fn to_table(&self) -> IdTable {
        let n_nodes = self.n_nodes as usize;
        let last_word = self.words.len().saturating_sub(1) as u64;
        if last_word * WORD_BITS < 1 << 32 {
            let mut ids = Vec::with_capacity(n_nodes);
            self.for_each(|id| ids.push(id as u32));
            IdTable::Narrow(ids)
        } else {
            let mut ids = Vec::with_capacity(n_nodes);
            self.for_each(|id| ids.push(id));
            IdTable::Wide(ids)
        }
    }

    fn for_each(&self, mut visit: impl FnMut(u64)) {
        for (word_idx, word) in self.words.iter().enumerate() {
            let mut bits = word.bits;
            while bits != 0 {
                visit(word_idx as u64 * WORD_BITS + u64::from(bits.trailing_zeros()));
                bits &= bits - 1;
            }
        }
    }
}
