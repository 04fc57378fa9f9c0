//! Ids as a sorted array, with an index of cells that makes searches short.

use rayon::prelude::*;

use super::count_nodes;
use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;

/// Ids far from each other.
pub(crate) struct SortedIds {
    ids: Vec<u64>,
    /// The ranks at which cells of 2^`cell_shift` ids begin, from the smallest id on; about
    /// as many cells as ids.
    cell_begins: Vec<u32>,
    cell_shift: u32,
}

impl SortedIds {
    /// The ids in `chunks`.
    pub(super) fn occurring<V: Payload>(chunks: &[ArcChunk<V>]) -> Result<Self, IngestError> {
        let distinct_of = |chunk: &ArcChunk<V>| {
            let mut ids = Vec::with_capacity(2 * chunk.len());
            chunk.for_each(|from, to, _| ids.extend([from, to]));
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let mut ids: Vec<u64> = chunks.par_iter().flat_map_iter(distinct_of).collect();
        ids.par_sort_unstable();
        ids.dedup();
        ids.shrink_to_fit();
        count_nodes(ids.len() as u64)?;
        Ok(Self::index(ids))
    }

    fn index(ids: Vec<u64>) -> Self {
        let span = ids.last().map_or(0, |last| last - ids[0]);
        let n_id_bits = u64::BITS - span.leading_zeros();
        let n_cell_bits = ids.len().checked_ilog2().unwrap_or(0);
        let cell_shift = n_id_bits.saturating_sub(n_cell_bits);
        let n_cells = (span >> cell_shift) as usize + 1;
        let mut cell_begins = vec![0; n_cells + 1];
        for id in &ids {
            cell_begins[((id - ids[0]) >> cell_shift) as usize + 1] += 1;
        }
        for cell in 1..cell_begins.len() {
            cell_begins[cell] += cell_begins[cell - 1];
        }
        Self { ids, cell_begins, cell_shift }
    }

    pub(super) fn n_nodes(&self) -> u32 {
        self.cell_begins[self.cell_begins.len() - 1]
    }

    #[inline]
    pub(super) fn rank(&self, id: u64) -> u32 {
        let cell = ((id - self.ids[0]) >> self.cell_shift) as usize;
        let (begin, end) = (self.cell_begins[cell], self.cell_begins[cell + 1]);
        let ids = &self.ids[begin as usize..end as usize];
        // At most 2³² − 1 ids.
        begin + ids.partition_point(|&other| other < id) as u32
    }

    pub(super) fn into_originals(self) -> Vec<u64> {
        self.ids
    }
}
