//! Slices of several sides on their way to peers: each payload is of one side, and says so.

use bytes::{BufMut, Bytes, BytesMut};
use kaskade_model::lanes::LaneMask;

use crate::slice::{self, DecodeError, EncodedSlice, Slice};

/// The payloads of `frontier`, a list of slices for each side. Where there is one side alone they
/// are those of the slice codec; else each begins with a byte more, its side.
pub(crate) fn encode_sided<const W: usize>(frontier: &[Vec<Slice<W>>]) -> EncodedSlice {
    let mut encoded = EncodedSlice::default();
    for (side, slices) in (0u8..).zip(frontier) {
        let of_side = slice::encode(slices);
        encoded.counts += of_side.counts;
        let payloads = of_side.payloads.into_iter();
        encoded.payloads.extend(payloads.map(|payload| match frontier.len() {
            1 => payload,
            _ => with_side(side, &payload),
        }));
    }
    encoded
}

fn with_side(side: u8, payload: &Bytes) -> Bytes {
    let mut sided = BytesMut::with_capacity(1 + payload.len());
    sided.put_u8(side);
    sided.extend_from_slice(payload);
    sided.freeze()
}

/// Reads a payload of one of `n_sides` sides; as [`slice::decode`].
///
/// # Errors
/// [`DecodeError`] for any byte that [`encode_sided`] would not have written.
pub(crate) fn decode_sided<const W: usize>(
    payload: &[u8],
    n_sides: usize,
    n_nodes: u32,
    allowed: &LaneMask<W>,
) -> Result<(usize, Vec<Slice<W>>), DecodeError> {
    let (side, payload) = match (n_sides, payload) {
        (1, payload) => (0, payload),
        (_, [side, rest @ ..]) => (usize::from(*side), rest),
        (_, []) => return Err(DecodeError::Truncated),
    };
    if side >= n_sides {
        return Err(DecodeError::UnknownSide { side, n_sides });
    }
    Ok((side, slice::decode(payload, n_nodes, allowed)?))
}
