//! Little-endian pairs to arcs.

use crate::arcs::{ArcChunk, Payload};
use crate::spec::Format;

/// The width of one id in a file of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdWidth {
    U32,
    U64,
}

impl IdWidth {
    /// The width in files of `format`, if they hold pairs.
    pub(super) fn of(format: Format) -> Option<Self> {
        match format {
            Format::Text => None,
            Format::PairsU32 => Some(Self::U32),
            Format::PairsU64 => Some(Self::U64),
        }
    }

    /// The bytes of a pair.
    pub(super) fn pair_bytes(self) -> usize {
        match self {
            Self::U32 => 8,
            Self::U64 => 16,
        }
    }
}

/// The arcs of `bytes`, which are whole pairs.
pub(super) fn parse_pairs<V: Payload>(bytes: &[u8], width: IdWidth) -> ArcChunk<V> {
    let mut chunk = ArcChunk::with_capacity(bytes.len() / width.pair_bytes());
    match width {
        IdWidth::U32 => {
            for [from, to] in bytes.as_chunks().0.as_chunks().0 {
                let (from, to) = (u32::from_le_bytes(*from), u32::from_le_bytes(*to));
                chunk.push(from.into(), to.into(), V::default());
            }
        }
        IdWidth::U64 => {
            for [from, to] in bytes.as_chunks().0.as_chunks().0 {
                let (from, to) = (u64::from_le_bytes(*from), u64::from_le_bytes(*to));
                chunk.push(from, to, V::default());
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
        let ends = |width| {
            let mut ends = Vec::new();
            parse_pairs::<()>(&bytes, width).for_each(|from, to, ()| ends.push((from, to)));
            ends
        };
        assert_eq!(ends(IdWidth::U32)[0], (0x0403_0201, 0x0807_0605));
        assert_eq!(ends(IdWidth::U32).len(), 4);
        assert_eq!(ends(IdWidth::U64)[0], (0x0807_0605_0403_0201, 0x100f_0e0d_0c0b_0a09));
        assert_eq!(ends(IdWidth::U64).len(), 2);
    }
}
