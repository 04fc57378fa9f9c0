//! The ids of a block: three encodings, of which the smallest is taken.

use kaskade_model::tally::ChunkCounts;
use roaring::RoaringBitmap;

use super::error::DecodeError;

/// How a block's ids are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum IdEncoding {
    /// The gap to the id before, less one, in base 128.
    List = 1,
    /// A roaring bitmap: wins where ids stand in long runs.
    Roaring = 2,
    /// One bit an id of the spanned range: wins above one id in eight.
    Dense = 3,
}

impl IdEncoding {
    pub(super) fn count(self, counts: &mut ChunkCounts) {
        match self {
            Self::List => counts.list += 1,
            Self::Roaring => counts.roaring += 1,
            Self::Dense => counts.dense += 1,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            1 => Ok(Self::List),
            2 => Ok(Self::Roaring),
            3 => Ok(Self::Dense),
            _ => Err(DecodeError::UnknownEncoding { section: "ids", byte }),
        }
    }
}

/// Appends `nodes` (ascending, not empty) less their first to `out` in the smallest encoding.
pub(super) fn encode(nodes: &[u32], out: &mut Vec<u8>) -> IdEncoding {
    let (first, last) = (nodes[0], nodes[nodes.len() - 1]);
    let gaps = || nodes.windows(2).map(|pair| pair[1] - pair[0] - 1);
    let list_bytes: usize = gaps().map(varint_bytes).sum();
    let dense_bytes = (last - first) as usize / 8 + 1;
    // A run costs roaring 4 bytes beside its fixed 15: without that many ids a run it cannot win.
    let n_runs = 1 + gaps().filter(|&gap| gap > 0).count();
    let roaring = (15 + 4 * n_runs < list_bytes.min(dense_bytes)).then(|| {
        let mut bitmap: RoaringBitmap = nodes.iter().map(|node| node - first).collect();
        bitmap.optimize();
        bitmap
    });
    let smallest_other = list_bytes.min(dense_bytes);
    if let Some(bitmap) = roaring.filter(|bitmap| bitmap.serialized_size() < smallest_other) {
        bitmap.serialize_into(&mut *out).expect("writing to a vector cannot fail");
        return IdEncoding::Roaring;
    }
    if list_bytes <= dense_bytes {
        gaps().for_each(|gap| write_varint(gap, out));
        return IdEncoding::List;
    }
    let start = out.len();
    out.resize(start + dense_bytes, 0);
    for node in nodes {
        let bit = (node - first) as usize;
        out[start + bit / 8] |= 1 << (bit % 8);
    }
    IdEncoding::Dense
}

/// Appends the `n_ids` ids in `bytes`, counted from `first`, to `nodes`; strictly ascending, each
/// below `n_nodes`.
pub(super) fn decode(
    encoding: u8,
    bytes: &[u8],
    first: u32,
    n_ids: usize,
    n_nodes: u32,
    nodes: &mut Vec<u32>,
) -> Result<(), DecodeError> {
    let start = nodes.len();
    let mut push = |offset: u64| {
        let node = u64::from(first) + offset;
        if node >= u64::from(n_nodes) || nodes.len() - start == n_ids {
            return Err(DecodeError::BadIds);
        }
        nodes.push(node as u32);
        Ok(())
    };
    match IdEncoding::from_byte(encoding)? {
        IdEncoding::List => {
            let mut rest = bytes;
            let mut offset = 0;
            push(0)?;
            for _ in 1..n_ids {
                offset += u64::from(read_varint(&mut rest).ok_or(DecodeError::BadIds)?) + 1;
                push(offset)?;
            }
            if !rest.is_empty() {
                return Err(DecodeError::BadIds);
            }
        }
        IdEncoding::Roaring => {
            let mut rest = bytes;
            let bitmap =
                RoaringBitmap::deserialize_from(&mut rest).map_err(|_| DecodeError::BadIds)?;
            if !rest.is_empty() {
                return Err(DecodeError::BadIds);
            }
            bitmap.iter().try_for_each(|offset| push(offset.into()))?;
        }
        IdEncoding::Dense => {
            for (position, &byte) in (0u64..).zip(bytes) {
                let mut byte = byte;
                while byte != 0 {
                    push(8 * position + u64::from(byte.trailing_zeros()))?;
                    byte &= byte - 1;
                }
            }
        }
    }
    if nodes.len() - start == n_ids { Ok(()) } else { Err(DecodeError::BadIds) }
}

fn varint_bytes(value: u32) -> usize {
    (32 - (value | 1).leading_zeros()).div_ceil(7) as usize
}

fn write_varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return u32::try_from(value).ok();
        }
    }
    None
}
