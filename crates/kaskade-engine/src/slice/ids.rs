//! The ids of a block: four encodings, of which the smallest is taken.

use kaskade_model::tally::ChunkCounts;
use roaring::RoaringBitmap;

use super::ascending;
use super::bits::{BitReader, BitWriter};
use super::error::DecodeError;
use super::varint;

/// How a block's ids are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum IdEncoding {
    /// A list in ascending order: wins below one id in four.
    List = 1,
    /// A roaring bitmap: wins where ids stand in long runs.
    Roaring = 2,
    /// One bit an id of the spanned range: wins between one id in four and three in four.
    Dense = 3,
    /// A list of the ids that are missing: wins above three ids in four.
    Missing = 4,
}

impl IdEncoding {
    pub(super) fn count(self, counts: &mut ChunkCounts) {
        match self {
            Self::List | Self::Missing => counts.list += 1,
            Self::Roaring => counts.roaring += 1,
            Self::Dense => counts.dense += 1,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            1 => Ok(Self::List),
            2 => Ok(Self::Roaring),
            3 => Ok(Self::Dense),
            4 => Ok(Self::Missing),
            _ => Err(DecodeError::UnknownEncoding { section: "ids", byte }),
        }
    }
}

/// The bytes that `n` ids (not 0) of which the last is `span` above the first take at most.
pub(super) fn n_bytes_at_most(n: usize, span: u32) -> usize {
    let listed = |n| Listed::new(n, span.saturating_sub(1)).n_bytes();
    let n_missing = u64::from(span) + 1 - n as u64;
    let missing_bytes = varint::n_bytes(n_missing as u32) + listed(n_missing);
    listed(n as u64 - 1).min(missing_bytes).min(span as usize / 8 + 1)
}

/// Appends `nodes` (ascending, not empty) less their first to `out` in the smallest encoding.
pub(super) fn encode(nodes: &[u32], out: &mut Vec<u8>) -> IdEncoding {
    let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
    let span = last - first;
    // The first is known: the others as distances from the id after it.
    let (n_listed, last_listed) = (nodes.len() as u64 - 1, span.saturating_sub(1));
    let n_missing = u64::from(span) + 1 - nodes.len() as u64;
    let of_list = Listed::new(n_listed, last_listed);
    let of_missing = Listed::new(n_missing, last_listed);
    let list_bytes = of_list.n_bytes();
    let missing_bytes = varint::n_bytes(n_missing as u32) + of_missing.n_bytes();
    let dense_bytes = span as usize / 8 + 1;
    let smallest_other = list_bytes.min(missing_bytes).min(dense_bytes);
    // A run costs roaring 4 bytes beside its fixed 15: without that many ids a run it cannot win.
    let n_runs = 1 + nodes.windows(2).filter(|pair| pair[1] - pair[0] > 1).count();
    if 15 + 4 * n_runs < smallest_other {
        let mut bitmap: RoaringBitmap = nodes.iter().map(|node| node - first).collect();
        bitmap.optimize();
        if bitmap.serialized_size() < smallest_other {
            bitmap.serialize_into(&mut *out).expect("writing to a vector cannot fail");
            return IdEncoding::Roaring;
        }
    }
    if list_bytes == smallest_other {
        of_list.write(nodes[1..].iter().map(|node| node - first - 1), out);
        return IdEncoding::List;
    }
    if dense_bytes == smallest_other {
        let start = out.len();
        out.resize(start + dense_bytes, 0);
        for node in nodes {
            let bit = (node - first) as usize;
            out[start + bit / 8] |= 1 << (bit % 8);
        }
        return IdEncoding::Dense;
    }
    varint::write(n_missing as u32, out);
    let gaps = nodes.windows(2).flat_map(|pair| pair[0] + 1..pair[1]);
    of_missing.write(gaps.map(|node| node - first - 1), out);
    IdEncoding::Missing
}

/// The size of a list: a byte for the number of low bits, and the numbers.
struct Listed {
    n: u64,
    last: u32,
    n_low: u32,
}

impl Listed {
    fn new(n: u64, last: u32) -> Self {
        Self { n, last, n_low: ascending::best_n_low(n, last) }
    }

    /// The bytes that it takes at most: exactly those, if its last number is `last`.
    fn n_bytes(&self) -> usize {
        1 + ascending::n_bits(self.n, self.last, self.n_low).div_ceil(8) as usize
    }

    fn write(&self, numbers: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
        out.push(self.n_low as u8);
        let mut writer = BitWriter::new(out);
        ascending::write(numbers, self.n_low, &mut writer);
        writer.finish();
    }
}

/// Appends the `n_ids` (not 0) ids in `bytes`, counted from `first`, to `nodes`; strictly ascending,
/// each below `n_nodes`.
pub(super) fn decode(
    encoding: u8,
    bytes: &[u8],
    first: u32,
    n_ids: usize,
    n_nodes: u32,
    nodes: &mut Vec<u32>,
) -> Result<(), DecodeError> {
    let encoding = IdEncoding::from_byte(encoding)?;
    if first >= n_nodes || n_ids > (n_nodes - first) as usize {
        return Err(DecodeError::BadIds);
    }
    let (start, last_possible) = (nodes.len(), n_nodes - 1 - first);
    // Without a panic or a large allocation for any bytes; the caller takes nothing from a failure.
    let is_whole = match encoding {
        IdEncoding::List => read_list(bytes, first, n_ids, last_possible, nodes),
        IdEncoding::Missing => read_missing(bytes, first, n_ids, last_possible, nodes),
        IdEncoding::Roaring => {
            let mut rest = bytes;
            RoaringBitmap::deserialize_from(&mut rest)
                .ok()
                .filter(|bitmap| rest.is_empty() && bitmap.len() == n_ids as u64)
                .filter(|bitmap| bitmap.max().is_some_and(|last| last <= last_possible))
                .map(|bitmap| nodes.extend(bitmap.iter().map(|offset| first + offset)))
        }
        IdEncoding::Dense => read_dense(bytes, first, n_ids, last_possible, nodes),
    };
    is_whole.filter(|()| nodes.len() - start == n_ids).ok_or(DecodeError::BadIds)
}

fn list_reader(bytes: &[u8]) -> Option<(u32, BitReader<'_>)> {
    let (&n_low, rest) = bytes.split_first()?;
    (u32::from(n_low) < u32::BITS).then(|| (n_low.into(), BitReader::new(rest)))
}

fn read_list(
    bytes: &[u8],
    first: u32,
    n_ids: usize,
    last_possible: u32,
    nodes: &mut Vec<u32>,
) -> Option<()> {
    let (n_low, mut reader) = list_reader(bytes)?;
    nodes.push(first);
    ascending::read(n_ids - 1, n_low, &mut reader, |number| {
        let is_possible = number < last_possible;
        if is_possible {
            nodes.push(first + 1 + number);
        }
        is_possible
    })?;
    reader.is_at_end().then_some(())
}

fn read_missing(
    mut bytes: &[u8],
    first: u32,
    n_ids: usize,
    last_possible: u32,
    nodes: &mut Vec<u32>,
) -> Option<()> {
    let n_missing = varint::read(&mut bytes)?;
    let last = (n_ids as u64 - 1).checked_add(n_missing.into())?;
    let last = u32::try_from(last).ok().filter(|&last| last <= last_possible)?;
    let (n_low, mut reader) = list_reader(bytes)?;
    let mut next = first;
    ascending::read(n_missing as usize, n_low, &mut reader, |number| {
        // The first and the last are there.
        let is_possible = number + 1 < last;
        if is_possible {
            nodes.extend(next..first + 1 + number);
            next = first + 2 + number;
        }
        is_possible
    })?;
    nodes.extend(next..=first + last);
    reader.is_at_end().then_some(())
}

fn read_dense(
    bytes: &[u8],
    first: u32,
    n_ids: usize,
    last_possible: u32,
    nodes: &mut Vec<u32>,
) -> Option<()> {
    // The last byte has the last id, so the bytes are as few as they can be.
    let last_byte = *bytes.last().filter(|&&byte| byte != 0)?;
    let last = 8 * (bytes.len() as u64 - 1) + u64::from(7 - last_byte.leading_zeros());
    let n_set: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
    if last > last_possible.into() || n_set != n_ids as u64 {
        return None;
    }
    for (position, word) in bytes.chunks(8).enumerate() {
        let mut padded = [0; 8];
        padded[..word.len()].copy_from_slice(word);
        let mut word = u64::from_le_bytes(padded);
        while word != 0 {
            nodes.push(first + 64 * position as u32 + word.trailing_zeros());
            word &= word - 1;
        }
    }
    Some(())
}
