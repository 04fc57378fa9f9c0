//! Ids as a sorted array, with an index of cells that makes searches short.

use rayon::prelude::*;

use super::count_nodes;
use crate::arcs::{ArcChunk, Payload};
use crate::error::IngestError;
use crate::memory::{Budget, NODE_BYTES};
use crate::raw::{RawArcs, RawChunk};

/// Ids far from each other.
pub(crate) struct SortedIds {
    ids: Vec<u64>,
    /// The ranks at which cells of 2^`cell_shift` ids begin, from the smallest id on; about
    /// as many cells as ids.
    cell_begins: Vec<u32>,
    cell_shift: u32,
}

impl SortedIds {
    /// The ids in `raw`: a batch of chunks after the other, so that no more than the
    /// distinct ids and those of a batch are in memory.
    pub(super) fn occurring<V: Payload>(
        raw: &RawArcs<V>,
        budget: Budget,
    ) -> Result<Self, IngestError> {
        const ID_BYTES: u64 = size_of::<u64>() as u64;
        let room_bytes = budget.id_bytes();
        // Two ids an arc, and as much again while they are brought together.
        let batch_arcs = (room_bytes / 2 / (4 * ID_BYTES)).max(1);
        let chunks: Vec<RawChunk<'_, V>> = raw.chunks().collect();
        let mut ids: Vec<u64> = Vec::new();
        raw.lone().iter().for_each(|lone| lone.for_each(|id| ids.push(id)));
        if !ids.is_empty() {
            ids.par_sort_unstable();
            ids.dedup();
            count_nodes(ids.len() as u64)?;
        }
        let mut rest = chunks.as_slice();
        while !rest.is_empty() {
            let (mut n_chunks, mut n_arcs) = (0, 0);
            while n_chunks < rest.len() && (n_chunks == 0 || n_arcs < batch_arcs) {
                n_arcs += rest[n_chunks].n_arcs() as u64;
                n_chunks += 1;
            }
            let (batch, later) = rest.split_at(n_chunks);
            rest = later;
            let found: Vec<Vec<u64>> = batch
                .par_iter()
                .map(|&chunk| raw.visit(chunk, distinct_ids))
                .collect::<Result<_, _>>()?;
            found.into_iter().for_each(|found| ids.extend(found));
            ids.par_sort_unstable();
            ids.dedup();
            let n_ids = ids.len() as u64;
            if n_ids * ID_BYTES > room_bytes / 2 {
                return Err(budget.exceeded_by(n_ids.saturating_mul(2 * NODE_BYTES)));
            }
            count_nodes(n_ids)?;
        }
        ids.shrink_to_fit();
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
    pub(crate) fn rank(&self, id: u64) -> u32 {
        let cell = ((id - self.ids[0]) >> self.cell_shift) as usize;
        let (begin, end) = (self.cell_begins[cell], self.cell_begins[cell + 1]);
        let ids = &self.ids[begin as usize..end as usize];
        // At most 2³² − 1 ids.
        begin + ids.partition_point(|&other| other < id) as u32
    }

    pub(super) fn into_ids(self) -> Vec<u64> {
        self.ids
    }
}

fn distinct_ids<V: Payload>(chunk: &ArcChunk<V>) -> Vec<u64> {
    let mut ids = Vec::with_capacity(2 * chunk.len());
    chunk.for_each(|from, to, _| ids.extend([from, to]));
    ids.sort_unstable();
    ids.dedup();
    ids
}
