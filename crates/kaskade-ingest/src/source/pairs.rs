//! Little-endian pairs to arcs.

use crate::arcs::{ArcChunk, Payload};

/// How a pair of ids is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    U32,
    U64,
    /// Graph500's: the lower 32 bits of one id, those of the other, then 16 more of each.
    Graph500,
}

impl Packing {
    /// The bytes of a pair.
    pub(super) fn pair_bytes(self) -> usize {
        match self {
            Self::U32 => 8,
            Self::U64 => 16,
            Self::Graph500 => 12,
        }
    }
}

/// The arcs of `bytes`, which are whole pairs.
pub(super) fn parse_pairs<V: Payload>(bytes: &[u8], packing: Packing) -> ArcChunk<V> {
    let mut chunk = ArcChunk::with_capacity(bytes.len() / packing.pair_bytes());
    match packing {
        Packing::U32 => {
            for [from, to] in bytes.as_chunks().0.as_chunks().0 {
                let (from, to) = (u32::from_le_bytes(*from), u32::from_le_bytes(*to));
                chunk.push(from.into(), to.into(), V::default());
            }
        }
        Packing::U64 => {
            for [from, to] in bytes.as_chunks().0.as_chunks().0 {
                let (from, to) = (u64::from_le_bytes(*from), u64::from_le_bytes(*to));
                chunk.push(from, to, V::default());
            }
        }
        Packing::Graph500 => {
            for words in bytes.as_chunks().0.as_chunks().0 {
                let [from, to, high] = words.map(|word| u64::from(u32::from_le_bytes(word)));
                let (from_high, to_high) = (high & 0xffff, high >> 16);
                chunk.push(from | from_high << 32, to | to_high << 32, V::default());
            }
        }
    }
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_little_endian() {
        let bytes: Vec<u8> = (1..=32).collect();
        let ends = |packing| {
            let mut ends = Vec::new();
            parse_pairs::<()>(&bytes, packing).for_each(|from, to, ()| ends.push((from, to)));
            ends
        };
        assert_eq!(ends(Packing::U32)[0], (0x0403_0201, 0x0807_0605));
        assert_eq!(ends(Packing::U32).len(), 4);
        assert_eq!(ends(Packing::U64)[0], (0x0807_0605_0403_0201, 0x100f_0e0d_0c0b_0a09));
        assert_eq!(ends(Packing::U64).len(), 2);
    }

    #[test]
    fn graph500_packs_48_bits() {
        let bytes = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 4, 0];
        let mut ends = Vec::new();
        parse_pairs::<()>(&bytes, Packing::Graph500).for_each(|from, to, ()| ends.push((from, to)));
        assert_eq!(ends, [(1 | 3 << 32, 2 | 4 << 32)]);
    }
}
