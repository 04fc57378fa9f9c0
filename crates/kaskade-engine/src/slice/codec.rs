//! The bytes of a slice: payloads made of blocks.
//!
//! A block covers ids of one aligned range of 2¹⁶ (or part of it) and is
//! `first id u32 · n ids u32 · id bytes u32 · id encoding u8 · planes u8`, the ids, then
//! per plane `mask bytes u32 · mask encoding u8` and the masks. Every encoding is chosen
//! by exact byte count. Slices of today have one plane, "active"; signs and campaigns
//! will be further planes over the same ids. A payload is blocks end to end, up to
//! [`MAX_PAYLOAD_BYTES`]; which block comes in which payload has no meaning.

use bytes::Bytes;
use kaskade_model::lanes::LaneMask;
use kaskade_model::tally::ChunkCounts;

use super::error::DecodeError;
use super::{Slice, ids, masks};

/// Payloads stay below this: large enough that a message's overhead does not count, small
/// enough that a peer can work on the first while the rest is on its way.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 10;

/// A payload is closed once it is this long.
const FULL_PAYLOAD_BYTES: usize = 112 << 10;

const BLOCK_HEADER_BYTES: usize = 14;
const PLANE_HEADER_BYTES: usize = 5;

/// The ids of a block share all but their low bits.
const BLOCK_SPAN_BITS: u32 = 16;

/// A slice as its peers receive it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedSlice {
    /// The payloads, in no particular order.
    pub payloads: Vec<Bytes>,
    /// Blocks by the encoding of their ids.
    pub counts: ChunkCounts,
}

impl EncodedSlice {
    /// The bytes of all payloads.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.payloads.iter().map(|payload| payload.len() as u64).sum()
    }
}

/// Encodes slices, one after the other.
#[derive(Debug, Default)]
pub struct Encoder {
    payload: Vec<u8>,
    ids: Vec<u8>,
    masks: Vec<u8>,
    encoded: EncodedSlice,
}

impl Encoder {
    /// Adds `slice` to what is encoded.
    pub fn add<const W: usize>(&mut self, slice: &Slice<W>) {
        // The masks of a block must leave its payload below the limit in any encoding.
        let max_ids = FULL_PAYLOAD_BYTES / (8 * W + 2);
        let mut begin = 0;
        while begin < slice.n_nodes() {
            let range = slice.nodes[begin] >> BLOCK_SPAN_BITS;
            let in_range = slice.nodes[begin..]
                .iter()
                .take(max_ids)
                .take_while(|&&node| node >> BLOCK_SPAN_BITS == range)
                .count();
            let end = begin + in_range;
            self.add_block(&slice.nodes[begin..end], &[&slice.masks[begin..end]]);
            begin = end;
        }
    }

    /// Everything added so far.
    #[must_use]
    pub fn finish(mut self) -> EncodedSlice {
        self.close_payload();
        self.encoded
    }

    fn add_block<const W: usize>(&mut self, nodes: &[u32], planes: &[&[LaneMask<W>]]) {
        self.ids.clear();
        let encoding = ids::encode(nodes, &mut self.ids);
        encoding.count(&mut self.encoded.counts);
        put_u32(nodes[0], &mut self.payload);
        put_u32(nodes.len() as u32, &mut self.payload);
        put_u32(self.ids.len() as u32, &mut self.payload);
        self.payload.extend([encoding as u8, planes.len() as u8]);
        self.payload.extend_from_slice(&self.ids);
        for plane in planes {
            self.masks.clear();
            let encoding = masks::encode(plane, &mut self.masks);
            put_u32(self.masks.len() as u32, &mut self.payload);
            self.payload.push(encoding as u8);
            self.payload.extend_from_slice(&self.masks);
        }
        debug_assert!(self.payload.len() <= MAX_PAYLOAD_BYTES);
        if self.payload.len() >= FULL_PAYLOAD_BYTES {
            self.close_payload();
        }
    }

    fn close_payload(&mut self) {
        if !self.payload.is_empty() {
            self.encoded.payloads.push(std::mem::take(&mut self.payload).into());
        }
    }
}

/// Reads a payload of a graph with `n_nodes` nodes whose batch has the lanes `allowed`, as one
/// slice per block.
///
/// # Errors
/// [`DecodeError`] for any byte that [`Encoder`] would not have written; nothing is
/// allocated by a length that the payload does not back.
pub fn decode<const W: usize>(
    payload: &[u8],
    n_nodes: u32,
    allowed: &LaneMask<W>,
) -> Result<Vec<Slice<W>>, DecodeError> {
    let mut blocks = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        blocks.push(decode_block(&mut rest, n_nodes, allowed)?);
    }
    Ok(blocks)
}

fn decode_block<const W: usize>(
    rest: &mut &[u8],
    n_nodes: u32,
    allowed: &LaneMask<W>,
) -> Result<Slice<W>, DecodeError> {
    let header = take(rest, BLOCK_HEADER_BYTES)?;
    let (first, n_ids) = (get_u32(header, 0), get_u32(header, 4) as usize);
    let (id_encoding, n_planes) = (header[12], header[13]);
    if n_ids == 0 || n_ids > 1 << BLOCK_SPAN_BITS {
        return Err(DecodeError::BadIds);
    }
    if n_planes != 1 {
        return Err(DecodeError::UnknownPlanes { n_planes });
    }
    let id_bytes = take(rest, get_u32(header, 8) as usize)?;
    let mut slice = Slice::default();
    ids::decode(id_encoding, id_bytes, first, n_ids, n_nodes, &mut slice.nodes)?;
    let plane_header = take(rest, PLANE_HEADER_BYTES)?;
    let mask_bytes = take(rest, get_u32(plane_header, 0) as usize)?;
    masks::decode(plane_header[4], mask_bytes, n_ids, allowed, &mut slice.masks)?;
    Ok(slice)
}

fn take<'a>(rest: &mut &'a [u8], n_bytes: usize) -> Result<&'a [u8], DecodeError> {
    let (taken, left) = rest.split_at_checked(n_bytes).ok_or(DecodeError::Truncated)?;
    *rest = left;
    Ok(taken)
}

fn put_u32(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn get_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes of a header"))
}

#[cfg(test)]
mod tests;
