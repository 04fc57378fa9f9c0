//! Arcs as an input gives them: chunks of pairs of original ids.

use std::cmp::Ordering;

use crate::error::IngestError;
use crate::incoming::{Refusal, merge};
use crate::spec::Duplicates;
use crate::spill::SpillFile;

/// What an arc carries besides its ends: nothing, a probability, or channels.
///
/// A type parameter instead of an optional field: without a column an arc is eight bytes.
/// Values stand in arrays beside those of the ends.
pub(crate) trait Payload:
    Copy + Default + Send + Sync + PartialEq + std::fmt::Debug + 'static
{
    /// Whether it is anything at all.
    const HAS_VALUE: bool = size_of::<Self>() > 0;

    /// A total order, so that merging equal arcs cannot depend on the order of the input.
    fn compare(self, other: Self) -> Ordering;

    /// What a shard keeps of them.
    fn into_columns(values: Vec<Self>) -> ArcColumns;

    /// Merges `ascending`, those of two or more equal arcs.
    ///
    /// # Errors
    /// [`Refusal`], where `rule` does not let them.
    fn merge(ascending: impl Iterator<Item = Self>, rule: Duplicates) -> Result<Self, Refusal>;

    /// The bytes of `values` in a spill file.
    fn bytes(values: &[Self]) -> &[u8];

    /// Fills `values` from the bytes at `begin` of `file`; gives the place after them.
    fn read(file: &SpillFile, begin: u64, values: &mut [Self]) -> Result<u64, IngestError>;
}

/// The values of arcs as a shard takes them; at most one of the two is there.
#[derive(Debug, Default)]
pub(crate) struct ArcColumns {
    pub(crate) probabilities: Option<Vec<f64>>,
    pub(crate) channels: Option<Vec<u8>>,
}

/// The channels that an arc belongs to, a bit each.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, bytemuck::Pod, bytemuck::Zeroable,
)]
#[repr(transparent)]
pub(crate) struct ChannelSet(pub(crate) u8);

impl Payload for () {
    fn compare(self, (): ()) -> Ordering {
        Ordering::Equal
    }

    fn into_columns(_values: Vec<()>) -> ArcColumns {
        ArcColumns::default()
    }

    /// Equal arcs are one, by any rule.
    fn merge(_ascending: impl Iterator<Item = ()>, _rule: Duplicates) -> Result<(), Refusal> {
        Ok(())
    }

    fn bytes(_values: &[()]) -> &[u8] {
        &[]
    }

    fn read(_file: &SpillFile, begin: u64, _values: &mut [()]) -> Result<u64, IngestError> {
        Ok(begin)
    }
}

impl Payload for f64 {
    fn compare(self, other: f64) -> Ordering {
        self.total_cmp(&other)
    }

    fn into_columns(values: Vec<f64>) -> ArcColumns {
        ArcColumns { probabilities: Some(values), ..ArcColumns::default() }
    }

    fn merge(ascending: impl Iterator<Item = f64>, rule: Duplicates) -> Result<f64, Refusal> {
        merge::probabilities(ascending, rule)
    }

    fn bytes(values: &[f64]) -> &[u8] {
        bytemuck::cast_slice(values)
    }

    fn read(file: &SpillFile, begin: u64, values: &mut [f64]) -> Result<u64, IngestError> {
        file.read(begin, values)
    }
}

impl Payload for ChannelSet {
    fn compare(self, other: Self) -> Ordering {
        self.cmp(&other)
    }

    fn into_columns(values: Vec<Self>) -> ArcColumns {
        ArcColumns { channels: Some(bytemuck::cast_vec(values)), ..ArcColumns::default() }
    }

    /// An arc belongs to all channels that it came over.
    fn merge(mut ascending: impl Iterator<Item = Self>, rule: Duplicates) -> Result<Self, Refusal> {
        ascending.try_fold(Self::default(), |all, one| {
            let is_twice = all.0 & one.0 != 0;
            if is_twice && rule == Duplicates::Error {
                return Err(Refusal::Duplicate);
            }
            Ok(Self(all.0 | one.0))
        })
    }

    fn bytes(values: &[Self]) -> &[u8] {
        bytemuck::cast_slice(values)
    }

    fn read(file: &SpillFile, begin: u64, values: &mut [Self]) -> Result<u64, IngestError> {
        file.read(begin, values)
    }
}

/// The arcs of one block of input, `from to` as written: in half the memory where all ids
/// fit 32 bits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArcChunk<V> {
    ends: Ends,
    values: Vec<V>,
}

#[derive(Clone, Debug, PartialEq)]
enum Ends {
    Narrow(Vec<[u32; 2]>),
    Wide(Vec<[u64; 2]>),
}

impl<V: Payload> ArcChunk<V> {
    /// An empty chunk with room for `n_arcs`.
    pub(crate) fn with_capacity(n_arcs: usize) -> Self {
        Self { ends: Ends::Narrow(Vec::with_capacity(n_arcs)), values: Vec::with_capacity(n_arcs) }
    }

    /// The chunk of these arcs, with their values.
    pub(crate) fn narrow(ends: Vec<[u32; 2]>, values: Vec<V>) -> Self {
        debug_assert_eq!(ends.len(), values.len(), "each arc has a value");
        Self { ends: Ends::Narrow(ends), values }
    }

    /// Adds an arc.
    #[inline]
    pub(crate) fn push(&mut self, from: u64, to: u64, value: V) {
        match &mut self.ends {
            Ends::Wide(arcs) => arcs.push([from, to]),
            Ends::Narrow(arcs) => match (u32::try_from(from), u32::try_from(to)) {
                (Ok(from), Ok(to)) => arcs.push([from, to]),
                _ => {
                    self.widen();
                    return self.push(from, to, value);
                }
            },
        }
        self.values.push(value);
    }

    #[cold]
    fn widen(&mut self) {
        if let Ends::Narrow(arcs) = &self.ends {
            let mut wide = Vec::with_capacity(arcs.capacity());
            wide.extend(arcs.iter().map(|arc| arc.map(u64::from)));
            self.ends = Ends::Wide(wide);
        }
    }

    /// The same arcs with `change` made to their values.
    pub(crate) fn map_values(mut self, change: impl Fn(V) -> V) -> Self {
        self.values.iter_mut().for_each(|value| *value = change(*value));
        self
    }

    /// Gives back the room that is not used.
    pub(crate) fn shrink_to_fit(&mut self) {
        match &mut self.ends {
            Ends::Narrow(arcs) => arcs.shrink_to_fit(),
            Ends::Wide(arcs) => arcs.shrink_to_fit(),
        }
        self.values.shrink_to_fit();
    }

    /// The number of arcs.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The bytes that the arcs take.
    pub(crate) fn bytes(&self) -> u64 {
        (self.end_bytes().len() + size_of_val(self.values.as_slice())) as u64
    }

    /// Calls `visit` with every arc's ends and value. A closure instead of an iterator,
    /// so that the width is asked once a chunk.
    #[inline]
    pub(crate) fn for_each(&self, mut visit: impl FnMut(u64, u64, V)) {
        let values = &self.values;
        match &self.ends {
            Ends::Narrow(arcs) => arcs
                .iter()
                .zip(values)
                .for_each(|(&[from, to], &value)| visit(from.into(), to.into(), value)),
            Ends::Wide(arcs) => {
                arcs.iter().zip(values).for_each(|(&[from, to], &value)| visit(from, to, value));
            }
        }
    }

    /// Writes the chunk to `file`.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn spill(&self, file: &SpillFile) -> Result<SpilledChunk, IngestError> {
        let is_wide = matches!(self.ends, Ends::Wide(_));
        let begin = file.append(&[self.end_bytes(), V::bytes(&self.values)])?;
        Ok(SpilledChunk { begin, n_arcs: self.len(), is_wide })
    }

    /// The chunk that was written to `file` as `spilled`.
    ///
    /// # Errors
    /// [`IngestError::Spill`].
    pub(crate) fn unspill(file: &SpillFile, spilled: &SpilledChunk) -> Result<Self, IngestError> {
        let n_arcs = spilled.n_arcs;
        let (ends, values_begin) = if spilled.is_wide {
            let mut arcs = vec![[0u64; 2]; n_arcs];
            let end = file.read(spilled.begin, &mut arcs)?;
            (Ends::Wide(arcs), end)
        } else {
            let mut arcs = vec![[0u32; 2]; n_arcs];
            let end = file.read(spilled.begin, &mut arcs)?;
            (Ends::Narrow(arcs), end)
        };
        let mut values = vec![V::default(); n_arcs];
        V::read(file, values_begin, &mut values)?;
        Ok(Self { ends, values })
    }

    fn end_bytes(&self) -> &[u8] {
        match &self.ends {
            Ends::Narrow(arcs) => bytemuck::cast_slice(arcs),
            Ends::Wide(arcs) => bytemuck::cast_slice(arcs),
        }
    }
}

/// Where a chunk lies in a spill file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpilledChunk {
    begin: u64,
    pub(crate) n_arcs: usize,
    is_wide: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(chunk: &ArcChunk<()>) -> Vec<(u64, u64)> {
        let mut ends = Vec::new();
        chunk.for_each(|from, to, ()| ends.push((from, to)));
        ends
    }

    #[test]
    fn a_chunk_widens_at_the_first_id_that_needs_it() {
        let arcs = [(1, 2), (3, u64::from(u32::MAX)), (u64::MAX, 0), (4, 5)];
        let mut chunk = ArcChunk::<()>::with_capacity(4);
        chunk.push(arcs[0].0, arcs[0].1, ());
        chunk.push(arcs[1].0, arcs[1].1, ());
        assert_eq!(chunk.bytes(), 16);
        chunk.push(arcs[2].0, arcs[2].1, ());
        chunk.push(arcs[3].0, arcs[3].1, ());
        assert_eq!(chunk.bytes(), 64);
        assert_eq!(ends(&chunk), arcs);
    }

    #[test]
    fn chunks_return_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = SpillFile::new(folder.path());
        let narrow = ArcChunk::narrow(vec![[1, 2], [3, 4], [5, 6]], vec![0.5, 0.25, 1.0]);
        let mut wide = ArcChunk::with_capacity(0);
        wide.push(u64::MAX, 7, 0.125);
        for chunk in [narrow, wide, ArcChunk::with_capacity(0)] {
            let spilled = chunk.spill(&file).unwrap();
            assert_eq!(spilled.n_arcs, chunk.len());
            assert_eq!(ArcChunk::unspill(&file, &spilled).unwrap(), chunk);
        }
        let chunk = ArcChunk::narrow(vec![[8, 9]], vec![()]);
        let spilled = chunk.spill(&file).unwrap();
        assert_eq!(ends(&ArcChunk::unspill(&file, &spilled).unwrap()), [(8, 9)]);
    }
}
