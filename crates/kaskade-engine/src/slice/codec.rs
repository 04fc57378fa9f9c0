//! The bytes of a slice: payloads made of blocks.
//!
//! A block covers the ids of one aligned range of 2¹⁶, or of one shard within it, or of several of
//! those where that takes fewer bytes. It is `id encoding + 8 · planes u8 · first id · n ids · id bytes`, the ids, then per plane `mask encoding u8 · mask bytes` and the masks; numbers are in
//! base 128, the first id as its distance from the end of the block before. Every encoding is chosen by exact byte count. Slices of today have one plane, "active";
//! signs and campaigns will be further planes over the same ids. A payload is blocks end to
//! end, up to [`MAX_PAYLOAD_BYTES`]; which block comes in which payload has no meaning.

use bytes::Bytes;
use kaskade_model::lanes::LaneMask;
use kaskade_model::tally::ChunkCounts;
use rayon::prelude::*;

use super::error::DecodeError;
use super::{Slice, ids, masks, varint};

/// Payloads stay below this: large enough that a message's overhead does not count, small
/// enough that a peer can work on the first while the rest is on its way.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 10;

/// A payload is closed once it is this long.
const FULL_PAYLOAD_BYTES: usize = 112 << 10;

/// The ids of a block share all but their low bits.
const BLOCK_SPAN_BITS: u32 = 16;

/// What a block of its own costs beside ids and masks, about.
const HEADER_BYTES: usize = 9;

/// A byte has the encoding of the ids below, and the number of planes above.
const ENCODING_BITS: u32 = 3;

/// Blocks that one task encodes, and from how many ids on tasks are worth their while.
const BLOCKS_PER_TASK: usize = 4;
const MIN_POOLED_IDS: usize = 1 << 15;

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

/// Encodes `slices`, whose nodes ascend from one to the next; a large one on the current rayon pool.
/// The bytes are the same either way.
#[must_use]
pub fn encode<const W: usize>(slices: &[Slice<W>]) -> EncodedSlice {
    let blocks = cut(slices);
    let n_ids: usize = slices.iter().map(Slice::n_nodes).sum();
    let written: Vec<Written> = if n_ids < MIN_POOLED_IDS {
        vec![Written::new(&blocks)]
    } else {
        blocks.par_chunks(BLOCKS_PER_TASK).map(Written::new).collect()
    };
    let mut encoded = EncodedSlice::default();
    let mut payload = Vec::new();
    let mut at_least = 0;
    for Written { bytes, blocks, counts } in written {
        encoded.counts += counts;
        let mut begin = 0;
        for WrittenBlock { end, kinds, first, last } in blocks {
            payload.push(kinds);
            varint::write(first - at_least, &mut payload);
            payload.extend_from_slice(&bytes[begin..end]);
            (begin, at_least) = (end, last + 1);
            if payload.len() >= FULL_PAYLOAD_BYTES {
                debug_assert!(payload.len() <= MAX_PAYLOAD_BYTES);
                encoded.payloads.push(std::mem::take(&mut payload).into());
                at_least = 0;
            }
        }
    }
    if !payload.is_empty() {
        encoded.payloads.push(payload.into());
    }
    encoded
}

/// A stretch of a slice within one aligned range of 2¹⁶ ids.
#[derive(Clone, Copy)]
struct Part<'a, const W: usize> {
    nodes: &'a [u32],
    masks: &'a [LaneMask<W>],
}

/// The nodes of a block, ascending; most lie in one part.
#[derive(Default)]
struct Block<'a, const W: usize> {
    parts: Vec<Part<'a, W>>,
    n_ids: usize,
}

impl<'a, const W: usize> Block<'a, W> {
    fn add(&mut self, part: Part<'a, W>) {
        self.n_ids += part.nodes.len();
        self.parts.push(part);
    }

    fn ends(&self) -> Option<(u32, u32)> {
        let first = self.parts.first()?.nodes.first()?;
        Some((*first, *self.parts.last()?.nodes.last()?))
    }

    /// Whether `part` takes fewer bytes in this block than in one of its own.
    fn is_better_with(&self, part: Part<'a, W>) -> bool {
        let Some((first, last)) = self.ends() else { return true };
        let [part_first, .., part_last] = *part.nodes else { return true };
        let apart = ids::n_bytes_at_most(self.n_ids, last - first)
            + ids::n_bytes_at_most(part.nodes.len(), part_last - part_first);
        let together = ids::n_bytes_at_most(self.n_ids + part.nodes.len(), part_last - first);
        together <= apart + HEADER_BYTES
    }
}

fn cut<const W: usize>(slices: &[Slice<W>]) -> Vec<Block<'_, W>> {
    // The masks of a block must leave its payload below the limit in any encoding.
    let max_ids = FULL_PAYLOAD_BYTES / (8 * W + 2);
    let (mut blocks, mut block) = (Vec::new(), Block::default());
    for slice in slices {
        let mut begin = 0;
        while begin < slice.n_nodes() {
            let range = slice.nodes[begin] >> BLOCK_SPAN_BITS;
            let rest = &slice.nodes[begin..slice.n_nodes().min(begin + max_ids)];
            let n = rest.partition_point(|&node| node >> BLOCK_SPAN_BITS == range);
            let part = Part { nodes: &rest[..n], masks: &slice.masks[begin..begin + n] };
            if block.n_ids + n > max_ids || !block.is_better_with(part) {
                blocks.push(std::mem::take(&mut block));
            }
            block.add(part);
            begin += n;
        }
    }
    if block.n_ids > 0 {
        blocks.push(block);
    }
    blocks
}

/// Blocks end to end, each from its number of ids on.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    blocks: Vec<WrittenBlock>,
    counts: ChunkCounts,
}

/// A block of which the beginning depends on what is before it in its payload.
struct WrittenBlock {
    /// Where its bytes end.
    end: usize,
    kinds: u8,
    first: u32,
    last: u32,
}

impl Written {
    fn new<const W: usize>(blocks: &[Block<'_, W>]) -> Self {
        let mut written = Self::default();
        let (mut nodes, mut masks, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
        for block in blocks {
            if let [part] = &block.parts[..] {
                written.add(part.nodes, &[part.masks], &mut scratch);
            } else {
                nodes.clear();
                masks.clear();
                for part in &block.parts {
                    nodes.extend_from_slice(part.nodes);
                    masks.extend_from_slice(part.masks);
                }
                written.add(&nodes, &[&masks], &mut scratch);
            }
        }
        written
    }

    fn add<const W: usize>(
        &mut self,
        nodes: &[u32],
        planes: &[&[LaneMask<W>]],
        scratch: &mut Vec<u8>,
    ) {
        let Self { bytes, blocks, counts } = self;
        scratch.clear();
        let encoding = ids::encode(nodes, scratch);
        encoding.count(counts);
        varint::write(nodes.len() as u32, bytes);
        varint::write(scratch.len() as u32, bytes);
        bytes.extend_from_slice(scratch);
        for plane in planes {
            scratch.clear();
            bytes.push(masks::encode(plane, scratch) as u8);
            varint::write(scratch.len() as u32, bytes);
            bytes.extend_from_slice(scratch);
        }
        blocks.push(WrittenBlock {
            end: bytes.len(),
            kinds: encoding as u8 | (planes.len() as u8) << ENCODING_BITS,
            first: nodes[0],
            last: nodes[nodes.len() - 1],
        });
    }
}

/// Reads a payload of a graph with `n_nodes` nodes whose batch has the lanes `allowed`, as one
/// slice per block.
///
/// # Errors
/// [`DecodeError`] for any byte that [`encode`] would not have written. Ids ascend over all of the
/// payload, so that no few bytes stand for more than the graph has.
pub fn decode<const W: usize>(
    payload: &[u8],
    n_nodes: u32,
    allowed: &LaneMask<W>,
) -> Result<Vec<Slice<W>>, DecodeError> {
    let mut blocks = Vec::new();
    let mut rest = payload;
    let mut at_least = 0;
    while !rest.is_empty() {
        let block: Slice<W> = decode_block(&mut rest, at_least, n_nodes, allowed)?;
        at_least = block.nodes.last().map_or(at_least, |last| last + 1);
        blocks.push(block);
    }
    Ok(blocks)
}

fn decode_block<const W: usize>(
    rest: &mut &[u8],
    at_least: u32,
    n_nodes: u32,
    allowed: &LaneMask<W>,
) -> Result<Slice<W>, DecodeError> {
    let kinds = take(rest, 1)?[0];
    let (id_encoding, n_planes) = (kinds & ((1 << ENCODING_BITS) - 1), kinds >> ENCODING_BITS);
    let first = number(rest)?.checked_add(at_least).ok_or(DecodeError::BadIds)?;
    let n_ids = number(rest)? as usize;
    if n_ids == 0 || n_ids > 1 << BLOCK_SPAN_BITS {
        return Err(DecodeError::BadIds);
    }
    if n_planes != 1 {
        return Err(DecodeError::UnknownPlanes { n_planes });
    }
    let n_id_bytes = number(rest)? as usize;
    let id_bytes = take(rest, n_id_bytes)?;
    let mut slice = Slice::default();
    ids::decode(id_encoding, id_bytes, first, n_ids, n_nodes, &mut slice.nodes)?;
    let mask_encoding = take(rest, 1)?[0];
    let n_mask_bytes = number(rest)? as usize;
    let mask_bytes = take(rest, n_mask_bytes)?;
    masks::decode(mask_encoding, mask_bytes, n_ids, allowed, &mut slice.masks)?;
    Ok(slice)
}

fn number(rest: &mut &[u8]) -> Result<u32, DecodeError> {
    varint::read(rest).ok_or(DecodeError::Truncated)
}

fn take<'a>(rest: &mut &'a [u8], n_bytes: usize) -> Result<&'a [u8], DecodeError> {
    let (taken, left) = rest.split_at_checked(n_bytes).ok_or(DecodeError::Truncated)?;
    *rest = left;
    Ok(taken)
}

#[cfg(test)]
mod tests;
