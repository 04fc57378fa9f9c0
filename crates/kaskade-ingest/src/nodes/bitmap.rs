//! Ids as bits, with the number of ids below every word.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::count_nodes;
use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;

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

/// The largest id in `chunks`.
pub(super) fn largest_id<V: Payload>(chunks: &[ArcChunk<V>]) -> Option<u64> {
    let largest_of = |chunk: &ArcChunk<V>| {
        let mut largest = None;
        chunk.for_each(|from, to, _| largest = largest.max(Some(from.max(to))));
        largest
    };
    chunks.par_iter().filter_map(largest_of).max()
}

impl BitmapIds {
    /// The ids in `chunks`, of which `largest` is the largest.
    pub(super) fn occurring<V: Payload>(
        chunks: &[ArcChunk<V>],
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
        chunks.par_iter().for_each(|chunk| {
            chunk.for_each(|from, to, _| {
                mark(from);
                mark(to);
            });
        });
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
    pub(super) fn rank(&self, id: u64) -> u32 {
        let word = self.words[(id / WORD_BITS) as usize];
        let lower_bits = (1 << (id % WORD_BITS)) - 1;
        word.n_below + (word.bits & lower_bits).count_ones()
    }

    pub(super) fn to_originals(&self) -> Vec<u64> {
        let mut originals = Vec::with_capacity(self.n_nodes as usize);
        for (word_idx, word) in self.words.iter().enumerate() {
            let mut bits = word.bits;
            while bits != 0 {
                originals.push(word_idx as u64 * WORD_BITS + u64::from(bits.trailing_zeros()));
                bits &= bits - 1;
            }
        }
        originals
    }
}
