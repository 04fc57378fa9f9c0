//! The lane masks of a block: three encodings, of which the smallest is taken.

use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, count_lanes, lanes_of};

use super::bits::{BitReader, BitWriter};
use super::error::DecodeError;

/// How a plane of masks is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum MaskEncoding {
    /// W words a node.
    Words = 1,
    /// A count and the lanes' numbers, or an escape and the words.
    Lanes = 2,
    /// All nodes have the same mask, written once.
    Same = 3,
}

/// Bits of the count before a list of lanes; its highest value is the escape to words.
const COUNT_BITS: u32 = 4;
const ESCAPE: u64 = (1 << COUNT_BITS) - 1;

const fn lane_bits(n_words: usize) -> u32 {
    (n_words * LANES_PER_WORD - 1).ilog2() + 1
}

/// The bits that one mask takes as a list of lanes.
fn listed_bits<const W: usize>(mask: &LaneMask<W>) -> (u64, bool) {
    let n_lanes = count_lanes(mask);
    let listed = n_lanes * u64::from(lane_bits(W));
    let words = (W * LANES_PER_WORD) as u64;
    let fits = n_lanes < ESCAPE && listed < words;
    (u64::from(COUNT_BITS) + if fits { listed } else { words }, fits)
}

/// Appends `masks` (not empty) to `out` in the smallest encoding.
pub(super) fn encode<const W: usize>(masks: &[LaneMask<W>], out: &mut Vec<u8>) -> MaskEncoding {
    let write_words = |mask: &LaneMask<W>, out: &mut Vec<u8>| {
        mask.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    };
    if masks.iter().all(|mask| *mask == masks[0]) {
        write_words(&masks[0], out);
        return MaskEncoding::Same;
    }
    let words_bytes = (masks.len() * W * 8) as u64;
    let lanes_bytes = masks.iter().map(|mask| listed_bits(mask).0).sum::<u64>().div_ceil(8);
    if words_bytes <= lanes_bytes {
        masks.iter().for_each(|mask| write_words(mask, out));
        return MaskEncoding::Words;
    }
    let mut writer = BitWriter::new(out);
    for mask in masks {
        if listed_bits(mask).1 {
            writer.write(count_lanes(mask), COUNT_BITS);
            for (word_idx, word) in mask.iter().enumerate() {
                for lane in lanes_of(*word) {
                    writer.write((word_idx * LANES_PER_WORD + lane) as u64, lane_bits(W));
                }
            }
        } else {
            writer.write(ESCAPE, COUNT_BITS);
            mask.iter().for_each(|word| writer.write(*word, 64));
        }
    }
    writer.finish();
    MaskEncoding::Lanes
}

/// Appends the `n_masks` masks in `bytes` to `masks`; none is empty or has a lane outside `allowed`.
pub(super) fn decode<const W: usize>(
    encoding: u8,
    bytes: &[u8],
    n_masks: usize,
    allowed: &LaneMask<W>,
    masks: &mut Vec<LaneMask<W>>,
) -> Result<(), DecodeError> {
    let start = masks.len();
    match encoding {
        e if e == MaskEncoding::Words as u8 => {
            if bytes.len() != n_masks * W * 8 {
                return Err(DecodeError::BadMasks);
            }
            masks.extend(bytes.chunks_exact(W * 8).map(words_of));
        }
        e if e == MaskEncoding::Same as u8 => {
            if bytes.len() != W * 8 {
                return Err(DecodeError::BadMasks);
            }
            masks.resize(start + n_masks, words_of(bytes));
        }
        e if e == MaskEncoding::Lanes as u8 => {
            let mut reader = BitReader::new(bytes);
            for _ in 0..n_masks {
                masks.push(read_listed(&mut reader).ok_or(DecodeError::BadMasks)?);
            }
            if !reader.is_at_end() {
                return Err(DecodeError::BadMasks);
            }
        }
        byte => return Err(DecodeError::UnknownEncoding { section: "masks", byte }),
    }
    let is_valid = |mask: &LaneMask<W>| {
        mask.iter().any(|&word| word != 0)
            && mask.iter().zip(allowed).all(|(word, allowed)| word & !allowed == 0)
    };
    if masks[start..].iter().all(is_valid) { Ok(()) } else { Err(DecodeError::BadMasks) }
}

fn words_of<const W: usize>(bytes: &[u8]) -> LaneMask<W> {
    let mut mask = [0; W];
    for (word, bytes) in mask.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes"));
    }
    mask
}

fn read_listed<const W: usize>(reader: &mut BitReader<'_>) -> Option<LaneMask<W>> {
    let mut mask = [0; W];
    let count = reader.read(COUNT_BITS)?;
    if count == ESCAPE {
        for word in &mut mask {
            *word = reader.read(64)?;
        }
        return Some(mask);
    }
    for _ in 0..count {
        let lane = reader.read(lane_bits(W))? as usize;
        *mask.get_mut(lane / LANES_PER_WORD)? |= 1 << (lane % LANES_PER_WORD);
    }
    Some(mask)
}
