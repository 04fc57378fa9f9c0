//! The lane masks of a block: three encodings, of which the smallest is taken.

use kaskade_model::lanes::{LANES_PER_WORD, LaneMask, count_lanes, lanes_of};

use super::ascending;
use super::bits::{BitReader, BitWriter};
use super::error::DecodeError;

/// How a plane of masks is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum MaskEncoding {
    /// W words a node.
    Words = 1,
    /// How many lanes, and which: the set ones or, where they are more than half, the others.
    Lanes = 2,
    /// All nodes have the same mask, written once as its lanes.
    Same = 3,
}

const fn n_lanes(n_words: usize) -> u32 {
    (n_words * LANES_PER_WORD) as u32
}

/// How `n_listed` lanes of a mask are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    /// As numbers of so many bits, one after the other.
    Numbers(u32),
    /// As ascending numbers with so many low bits each.
    Ascending(u32),
    /// As the words that they are in.
    Words,
}

impl Listing {
    fn of<const W: usize>(n_listed: u32) -> Self {
        let all_bits = n_lanes(W).ilog2();
        // With one or two lanes a node the differences would take more than they save.
        if n_listed <= 2 {
            return Self::Numbers(all_bits);
        }
        let n_low = (n_lanes(W) / n_listed).ilog2();
        let at_most = ascending::n_bits(n_listed.into(), n_lanes(W) - 1, n_low);
        if at_most < u64::from(n_lanes(W)) { Self::Ascending(n_low) } else { Self::Words }
    }
}

/// Appends `masks` (not empty) to `out` in the smallest encoding.
pub(super) fn encode<const W: usize>(masks: &[LaneMask<W>], out: &mut Vec<u8>) -> MaskEncoding {
    if masks.iter().all(|mask| *mask == masks[0]) {
        write_lanes(&masks[..1], out);
        return MaskEncoding::Same;
    }
    let start = out.len();
    write_lanes(masks, out);
    if out.len() - start < masks.len() * W * 8 {
        return MaskEncoding::Lanes;
    }
    out.truncate(start);
    masks.iter().flatten().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
    MaskEncoding::Words
}

fn write_lanes<const W: usize>(masks: &[LaneMask<W>], out: &mut Vec<u8>) {
    let counts: Vec<u32> = masks.iter().map(|mask| count_lanes(mask) as u32).collect();
    // The counts less one, each cut into a part in unary and so many low bits.
    let size = |n_low: u32| {
        let high: u64 = counts.iter().map(|count| u64::from((count - 1) >> n_low)).sum();
        high + counts.len() as u64 * u64::from(n_low)
    };
    let n_low = (0..=n_lanes(W).ilog2()).min_by_key(|&n_low| size(n_low)).unwrap_or(0);
    out.push(n_low as u8);
    let mut writer = BitWriter::new(out);
    for (mask, count) in masks.iter().zip(counts) {
        writer.write_unary((count - 1) >> n_low);
        writer.write(u64::from(count - 1) & ((1 << n_low) - 1), n_low);
        let is_inverted = count > n_lanes(W) / 2;
        let n_listed = if is_inverted { n_lanes(W) - count } else { count };
        let mut listed = *mask;
        if is_inverted {
            listed.iter_mut().for_each(|word| *word = !*word);
        }
        let lanes = || {
            let words = listed.iter().enumerate();
            words.flat_map(|(idx, &word)| {
                lanes_of(word).map(move |lane| (idx * LANES_PER_WORD + lane) as u32)
            })
        };
        match Listing::of::<W>(n_listed) {
            Listing::Numbers(n_bits) => {
                lanes().for_each(|lane| writer.write(lane.into(), n_bits));
            }
            Listing::Ascending(n_low) => ascending::write(lanes(), n_low, &mut writer),
            Listing::Words => mask.iter().for_each(|&word| writer.write_word(word)),
        }
    }
    writer.finish();
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
            read_lanes(bytes, 1, masks).ok_or(DecodeError::BadMasks)?;
            masks.resize(start + n_masks, masks[start]);
        }
        e if e == MaskEncoding::Lanes as u8 => {
            read_lanes(bytes, n_masks, masks).ok_or(DecodeError::BadMasks)?;
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

fn read_lanes<const W: usize>(
    bytes: &[u8],
    n_masks: usize,
    masks: &mut Vec<LaneMask<W>>,
) -> Option<()> {
    let (&n_low, rest) = bytes.split_first()?;
    let n_low = u32::from(n_low);
    if n_low > n_lanes(W).ilog2() {
        return None;
    }
    let mut reader = BitReader::new(rest);
    for _ in 0..n_masks {
        let high = u64::from(reader.read_unary()?);
        let count = (high << n_low | reader.read(n_low)?) + 1;
        let count = u32::try_from(count).ok().filter(|&count| count <= n_lanes(W))?;
        masks.push(read_listed(count, &mut reader)?);
    }
    reader.is_at_end().then_some(())
}

fn read_listed<const W: usize>(count: u32, reader: &mut BitReader<'_>) -> Option<LaneMask<W>> {
    let is_inverted = count > n_lanes(W) / 2;
    let n_listed = if is_inverted { n_lanes(W) - count } else { count };
    let mut mask = [0u64; W];
    let mut set = |lane: u32| {
        let word = mask.get_mut(lane as usize / LANES_PER_WORD);
        word.map(|word| *word |= 1 << (lane as usize % LANES_PER_WORD)).is_some()
    };
    match Listing::of::<W>(n_listed) {
        Listing::Numbers(n_bits) => {
            for _ in 0..n_listed {
                set(reader.read(n_bits)? as u32);
            }
        }
        Listing::Ascending(n_low) => ascending::read(n_listed as usize, n_low, reader, set)?,
        Listing::Words => {
            for word in &mut mask {
                *word = reader.read_word()?;
            }
            return (count_lanes(&mask) == u64::from(count)).then_some(mask);
        }
    }
    if is_inverted {
        mask.iter_mut().for_each(|word| *word = !*word);
    }
    (count_lanes(&mask) == u64::from(count)).then_some(mask)
}
