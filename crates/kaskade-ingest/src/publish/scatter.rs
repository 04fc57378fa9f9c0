//! Lists on disk: they are read once, by rank, and dealt to the shards of their targets.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use kaskade_model::NodeRange;
use rayon::prelude::*;

use super::{InArcs, ShardSource};
use crate::arcs::Payload;
use crate::error::IngestError;
use crate::incoming::{Incoming, ListPiece};
use crate::memory::Shares;
use crate::progress::{Phase, Progress, Unit};
use crate::spill::SpillFile;

/// The in-arcs of every shard, on disk, in no order.
///
/// A shard's part is a sequence of extents, an extent one of records: the target's place in
/// the shard, the number of sources, the sources as dense ids; the values follow the last
/// record. A target may have several records.
pub(super) struct ScatteredLists<V> {
    file: SpillFile,
    extents: Vec<Vec<Extent>>,
    values: std::marker::PhantomData<V>,
}

#[derive(Clone, Copy)]
struct Extent {
    begin: u64,
    n_words: usize,
    n_values: usize,
}

/// The nodes that may share a word of a cut: shards begin at multiples.
const CUT_NODES: usize = 64;

impl<V: Payload> ScatteredLists<V> {
    /// Deals the lists of `incoming` to the shards with `ranges` of dense ids; `dense_of` gives
    /// those of ranks.
    ///
    /// # Errors
    /// [`IngestError::Spill`], [`IngestError::Interrupted`].
    pub(super) fn new(
        incoming: Incoming<V>,
        dense_of: &[u32],
        ranges: &[NodeRange],
        shares: Shares,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, IngestError> {
        progress.begin(Phase::Share, Some(incoming.n_arcs), Unit::Arcs);
        let mut incoming = incoming;
        let in_degrees = std::mem::take(&mut incoming.in_degrees);
        let (pieces, lists) = incoming.into_pieces();
        let scatter = Scatter::<V> {
            file: SpillFile::new(folder),
            extents: ranges.iter().map(|_| Mutex::default()).collect(),
            idle: Mutex::default(),
            shard_of: shard_of(ranges),
            ranges,
            buffer_words: buffer_words::<V>(ranges.len(), shares),
        };
        // Kept pieces go first: their memory is free then.
        pieces
            .into_par_iter()
            .try_for_each(|piece| scatter.deal(&piece, &in_degrees, dense_of, &lists, progress))?;
        scatter.finish()
    }
}

/// The words of a buffer: all shards' buffers on all threads are a part of what is to work with.
fn buffer_words<V>(n_shards: usize, shares: Shares) -> usize {
    const LEAST_WORDS: u64 = 1 << 8;
    const MOST_WORDS: u64 = 1 << 18;
    let n_buffers = (n_shards * rayon::current_num_threads()) as u64;
    let word_bytes = (size_of::<u32>() + size_of::<V>()) as u64;
    let words = shares.sort_bytes() / 2 / n_buffers / word_bytes;
    words.clamp(LEAST_WORDS, MOST_WORDS) as usize
}

/// The shard of every [`CUT_NODES`] dense ids.
fn shard_of(ranges: &[NodeRange]) -> Vec<u16> {
    // At most `MAX_SHARDS`.
    let words = |(shard, range): (usize, &NodeRange)| {
        std::iter::repeat_n(shard as u16, range.n_nodes().div_ceil(CUT_NODES))
    };
    ranges.iter().enumerate().flat_map(words).collect()
}

struct Scatter<'a, V> {
    file: SpillFile,
    extents: Vec<Mutex<Vec<Extent>>>,
    /// Sets of buffers that no thread has at the moment: one for every shard.
    idle: Mutex<Vec<Vec<Buffer<V>>>>,
    shard_of: Vec<u16>,
    ranges: &'a [NodeRange],
    buffer_words: usize,
}

#[derive(Clone, Default)]
struct Buffer<V> {
    words: Vec<u32>,
    values: Vec<V>,
}

impl<V: Payload> Scatter<'_, V> {
    fn deal(
        &self,
        piece: &ListPiece<V>,
        in_degrees: &[u32],
        dense_of: &[u32],
        lists: &SpillFile,
        progress: &dyn Progress,
    ) -> Result<(), IngestError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffers = idle.unwrap_or_else(|| vec![Buffer::default(); self.ranges.len()]);
        let mut ranks = piece.ranks.clone();
        let is_single = ranks.len() == 1;
        // The node whose list comes next, and what is left of the list.
        let (mut rank, mut n_left) = (0, 0);
        piece.in_slabs(lists, self.buffer_words, |mut sources, mut values| {
            if progress.interrupted() {
                return Err(IngestError::Interrupted);
            }
            progress.advance(sources.len() as u64);
            while !sources.is_empty() {
                while n_left == 0 {
                    rank = ranks.next().expect("lists end with their nodes");
                    let degree = u64::from(in_degrees[rank as usize]);
                    n_left = if is_single { piece.n_arcs } else { degree };
                }
                let room = self.buffer_words as u64;
                let n_taken = n_left.min(sources.len() as u64).min(room) as usize;
                let (taken, rest) = sources.split_at(n_taken);
                let (taken_values, rest_values) = values.split_at(n_taken);
                (sources, values) = (rest, rest_values);
                n_left -= n_taken as u64;

                let dense = dense_of[rank as usize];
                let shard = usize::from(self.shard_of[dense as usize / CUT_NODES]);
                let buffer = &mut buffers[shard];
                let record = [dense - self.ranges[shard].begin, n_taken as u32];
                buffer.words.extend(record);
                buffer.words.extend(taken.iter().map(|&source| dense_of[source as usize]));
                buffer.values.extend_from_slice(taken_values);
                if buffer.words.len() >= self.buffer_words {
                    self.flush(shard, buffer)?;
                }
            }
            Ok(())
        })?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
        Ok(())
    }

    fn flush(&self, shard: usize, buffer: &mut Buffer<V>) -> Result<(), IngestError> {
        let parts = [bytemuck::cast_slice(&buffer.words), V::bytes(&buffer.values)];
        let begin = self.file.append(&parts)?;
        let (n_words, n_values) = (buffer.words.len(), buffer.values.len());
        let mut extents = self.extents[shard].lock().unwrap_or_else(PoisonError::into_inner);
        extents.push(Extent { begin, n_words, n_values });
        buffer.words.clear();
        buffer.values.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<ScatteredLists<V>, IngestError> {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        for mut buffers in std::mem::take(idle) {
            for (shard, buffer) in buffers.iter_mut().enumerate() {
                if !buffer.words.is_empty() {
                    self.flush(shard, buffer)?;
                }
            }
        }
        let plain =
            |extents: Mutex<_>| extents.into_inner().unwrap_or_else(PoisonError::into_inner);
        let extents = self.extents.into_iter().map(plain).collect();
        Ok(ScatteredLists { file: self.file, extents, values: std::marker::PhantomData })
    }
}

impl<V: Payload> ShardSource<V> for ScatteredLists<V> {
    fn load(
        &self,
        shard: usize,
        _nodes: NodeRange,
        in_degrees: &[u32],
    ) -> Result<InArcs<V>, IngestError> {
        let mut offsets = Vec::with_capacity(in_degrees.len() + 1);
        let mut n_arcs = 0;
        offsets.push(0);
        for &degree in in_degrees {
            n_arcs += u64::from(degree);
            offsets.push(n_arcs);
        }
        let mut sources = vec![0; n_arcs as usize];
        let mut values = vec![V::default(); n_arcs as usize];
        // Where the next arc of each node goes.
        let mut next = offsets.clone();
        let (mut words, mut record_values) = (Vec::new(), Vec::new());
        for extent in &self.extents[shard] {
            words.resize(extent.n_words, 0);
            record_values.resize(extent.n_values, V::default());
            let values_begin = self.file.read(extent.begin, &mut words)?;
            V::read(&self.file, values_begin, &mut record_values)?;
            let (mut rest, mut rest_values) = (words.as_slice(), record_values.as_slice());
            while let [target_idx, n_taken, after @ ..] = rest {
                let (taken, after) = after.split_at(*n_taken as usize);
                let (taken_values, after_values) = rest_values.split_at(*n_taken as usize);
                let begin = next[*target_idx as usize] as usize;
                sources[begin..begin + taken.len()].copy_from_slice(taken);
                values[begin..begin + taken.len()].copy_from_slice(taken_values);
                next[*target_idx as usize] += u64::from(*n_taken);
                (rest, rest_values) = (after, after_values);
            }
        }
        sort_lists(&offsets, &mut sources, &mut values);
        Ok(InArcs { offsets, sources, values })
    }
}

fn sort_lists<V: Payload>(offsets: &[u64], sources: &mut [u32], values: &mut [V]) {
    let mut list: Vec<(u32, V)> = Vec::new();
    for ends in offsets.windows(2) {
        let range = ends[0] as usize..ends[1] as usize;
        let (sources, values) = (&mut sources[range.clone()], &mut values[range]);
        if V::HAS_VALUE {
            list.clear();
            list.extend(sources.iter().copied().zip(values.iter().copied()));
            list.sort_unstable_by_key(|arc| arc.0);
            for (place, arc) in list.iter().enumerate() {
                (sources[place], values[place]) = *arc;
            }
        } else {
            sources.sort_unstable();
        }
    }
}
