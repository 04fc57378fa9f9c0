//! Records of the job log: bincode inside a checksummed frame. The only place of bincode.
//!
//! bincode is unmaintained (RUSTSEC-2025-0141) and its version 1.3.3 complete; it is
//! pinned, reads slices only, with a limit, and rejects trailing bytes. The frame says
//! which codec wrote the payload, so that another one can follow (`docs/adr/0003`).
//!
//! `magic "KSKR" · codec u8 · version u8 · 0 u16 · payload bytes u32 · crc32c u32 · payload`

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: [u8; 4] = *b"KSKR";
const CODEC_BINCODE_1: u8 = 1;
const VERSION: u8 = 2;
const HEADER_BYTES: usize = 16;

/// Larger records are refused: 16,000 rounds of 512 simulations fit four times.
const MAX_PAYLOAD_BYTES: u64 = 256 << 20;

/// `value` as a framed record.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let payload = codec().serialize(value).map_err(|source| FrameError::Payload { source })?;
    let mut frame = Vec::with_capacity(HEADER_BYTES + payload.len());
    frame.extend(MAGIC);
    frame.extend([CODEC_BINCODE_1, VERSION, 0, 0]);
    // The codec's limit is below 2³².
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(crc32c::crc32c(&payload).to_le_bytes());
    frame.extend(payload);
    Ok(frame)
}

/// The value of a framed record.
pub(super) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T, FrameError> {
    let (header, payload) = frame.split_at_checked(HEADER_BYTES).ok_or(FrameError::Damaged)?;
    if header[..4] != MAGIC {
        return Err(FrameError::Damaged);
    }
    if header[4..6] != [CODEC_BINCODE_1, VERSION] {
        return Err(FrameError::UnknownCodec { codec: header[4], version: header[5] });
    }
    let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[at + byte]));
    let is_whole = header[6..8] == [0, 0]
        && number(8) as usize == payload.len()
        && number(12) == crc32c::crc32c(payload);
    if !is_whole {
        return Err(FrameError::Damaged);
    }
    codec().deserialize(payload).map_err(|source| FrameError::Payload { source })
}

fn codec() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(MAX_PAYLOAD_BYTES)
        .reject_trailing_bytes()
}

/// A record that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The frame is not whole: another length, checksum or magic.
    #[error("record is damaged")]
    Damaged,
    /// Another kaskade wrote it.
    #[error("record has codec {codec} version {version}, which this kaskade does not know")]
    UnknownCodec {
        /// The codec found.
        codec: u8,
        /// Its version.
        version: u8,
    },
    /// The payload is none of the expected type.
    #[error("record does not hold what it should")]
    Payload {
        /// The codec's word.
        #[source]
        source: bincode::Error,
    },
}

#[cfg(test)]
mod tests {
    use kaskade_model::tally::PartitionTally;

    use super::*;

    fn tally() -> PartitionTally {
        PartitionTally { new_per_round: vec![1, 2, 3, 0], ..PartitionTally::empty(64, 2) }
    }

    #[test]
    fn the_bytes_of_a_tally_are_pinned() {
        let frame = encode(&tally()).unwrap();
        let expected_head = [b'K', b'S', b'K', b'R', 1, 2, 0, 0];
        assert_eq!(frame[..8], expected_head);
        let mut payload = Vec::new();
        payload.extend(64u64.to_le_bytes());
        payload.extend(2u32.to_le_bytes());
        for numbers in [&[1u64, 2, 3, 0][..], &[0, 0]] {
            payload.extend((numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|number| payload.extend(number.to_le_bytes()));
        }
        // No measures, no series, no trace, no nodes, no work.
        payload.extend([0; 4 + 8 + 8 + 8 + 8 * 8]);
        assert_eq!(frame[HEADER_BYTES..], payload);
        assert_eq!(decode::<PartitionTally>(&frame).unwrap(), tally());
    }

    #[test]
    fn no_flipped_byte_and_no_cut_passes() {
        let frame = encode(&tally()).unwrap();
        for at in 0..frame.len() {
            let mut flipped = frame.clone();
            flipped[at] ^= 0x10;
            assert!(decode::<PartitionTally>(&flipped).is_err(), "byte {at}");
            assert!(decode::<PartitionTally>(&frame[..at]).is_err(), "cut at {at}");
        }
        let mut longer = frame;
        longer.push(0);
        assert!(decode::<PartitionTally>(&longer).is_err());
    }

    #[test]
    fn lying_lengths_allocate_nothing() {
        let mut payload = Vec::new();
        payload.extend(64u64.to_le_bytes());
        payload.extend(2u32.to_le_bytes());
        payload.extend((u64::MAX / 16).to_le_bytes());
        let mut frame = Vec::new();
        frame.extend(MAGIC);
        frame.extend([CODEC_BINCODE_1, VERSION, 0, 0]);
        frame.extend((payload.len() as u32).to_le_bytes());
        frame.extend(crc32c::crc32c(&payload).to_le_bytes());
        frame.extend(payload);
        assert!(matches!(decode::<PartitionTally>(&frame), Err(FrameError::Payload { .. })));
    }
}
