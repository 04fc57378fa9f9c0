//! In-arcs of a range of nodes.

use std::ops::Range;

use crate::arcs::Payload;
use crate::error::IngestError;
use crate::memory::Ledger;
use crate::spill::SpillFile;

/// The in-arcs of a range of nodes, or a part of the in-arcs of a single node.
pub(crate) struct ListPiece<V> {
    /// The nodes; only of a single one may further pieces hold more in-arcs.
    pub(crate) ranks: Range<u32>,
    /// The number of arcs.
    pub(crate) n_arcs: u64,
    pub(super) lists: Lists<V>,
}

/// Lists one after the other, wherever they are.
pub(crate) enum Lists<V> {
    Kept {
        sources: Vec<u32>,
        values: Vec<V>,
        /// Where the lists of the nodes begin, and the end of the last.
        begins: Vec<usize>,
    },
    /// All sources at this place, then all values.
    Spilled(u64),
}

impl<V: Payload> ListPiece<V> {
    /// The piece of these lists: in memory if `ledger` has room, else in `file`.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(super) fn keep_or_spill(
        ranks: Range<u32>,
        sources: Vec<u32>,
        values: Vec<V>,
        begins: Vec<usize>,
        ledger: &Ledger,
        file: &SpillFile,
    ) -> Result<Self, IngestError> {
        let n_arcs = sources.len() as u64;
        let bytes = (size_of_val(sources.as_slice()) + size_of_val(values.as_slice())) as u64;
        let lists = if ledger.hold(bytes) {
            Lists::Kept { sources, values, begins }
        } else {
            let parts = [bytemuck::cast_slice(&sources), V::bytes(&values)];
            Lists::Spilled(file.append(&parts)?)
        };
        Ok(Self { ranks, n_arcs, lists })
    }

    /// Hands sources and values to `take`, in order, at most `slab_arcs` at a time; lists may
    /// be cut anywhere.
    ///
    /// # Errors
    /// [`IngestError::Spill`], and those of `take`.
    pub(crate) fn in_slabs(
        &self,
        file: &SpillFile,
        slab_arcs: usize,
        mut take: impl FnMut(&[u32], &[V]) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        match &self.lists {
            Lists::Kept { sources, values, .. } => take(sources, values),
            Lists::Spilled(begin) => {
                let slab_arcs = slab_arcs.max(1) as u64;
                let source_bytes = size_of::<u32>() as u64;
                let values_begin = begin + self.n_arcs * source_bytes;
                let (mut sources, mut values) = (Vec::new(), Vec::new());
                let mut at = 0;
                while at < self.n_arcs {
                    let n_slab = slab_arcs.min(self.n_arcs - at) as usize;
                    sources.resize(n_slab, 0);
                    values.resize(n_slab, V::default());
                    file.read(begin + at * source_bytes, &mut sources)?;
                    V::read(file, values_begin + at * size_of::<V>() as u64, &mut values)?;
                    take(&sources, &values)?;
                    at += n_slab as u64;
                }
                Ok(())
            }
        }
    }
}
