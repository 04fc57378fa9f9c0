//! What a partition counted: numbers packed into bytes, 8 each, little-endian.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kaskade_model::dynamics::LaneSeries;
use kaskade_model::tally::{ChunkCounts, PartitionTally, Work};

use super::plan::lanes;
use super::recording::{pack_counts, pack_trace, unpack_counts, unpack_trace};
use super::required;
use crate::error::ConvertError;
use crate::pb;

const MESSAGE: &str = "PartitionTally";

/// Measures of a job, at most.
const MAX_MEASURES: u32 = 4096;

impl From<PartitionTally> for pb::PartitionTally {
    fn from(tally: PartitionTally) -> Self {
        Self {
            first_simulation: tally.first_simulation,
            n_lanes: tally.n_lanes,
            new_per_round: pack(&tally.new_per_round),
            fingerprints: pack(&tally.fingerprints),
            work: Some(tally.work.into()),
            n_measures: tally.series.n_measures,
            series: pack(&tally.series.values),
            trace: pack_trace(&tally.trace),
            reached: pack_counts(&tally.reached),
        }
    }
}

impl TryFrom<pb::PartitionTally> for PartitionTally {
    type Error = ConvertError;

    fn try_from(tally: pb::PartitionTally) -> Result<Self, ConvertError> {
        let n_lanes = lanes(tally.first_simulation, tally.n_lanes, MESSAGE)?;
        let row_bytes = n_lanes as usize * size_of::<u64>();
        let invalid = |field, n_bytes: usize| {
            let reason = format!("has {n_bytes} bytes, {n_lanes} lanes take {row_bytes} a round");
            Err(ConvertError::new(MESSAGE, field, reason))
        };
        if !tally.new_per_round.len().is_multiple_of(row_bytes) {
            return invalid("new_per_round", tally.new_per_round.len());
        }
        if tally.fingerprints.len() != row_bytes {
            return invalid("fingerprints", tally.fingerprints.len());
        }
        if tally.n_measures > MAX_MEASURES {
            let reason = format!("is {}, must be at most {MAX_MEASURES}", tally.n_measures);
            return Err(ConvertError::new(MESSAGE, "n_measures", reason));
        }
        let series = LaneSeries { n_measures: tally.n_measures, values: unpack(tally.series) };
        if !series.is_well_formed(n_lanes) {
            let reason = format!("has other than {} numbers a round", tally.n_measures * n_lanes);
            return Err(ConvertError::new(MESSAGE, "series", reason));
        }
        let damaged = |field| ConvertError::new(MESSAGE, field, "does not hold what it should");
        let tally = Self {
            trace: unpack_trace(tally.trace).ok_or_else(|| damaged("trace"))?,
            reached: unpack_counts(tally.reached).ok_or_else(|| damaged("reached"))?,
            first_simulation: tally.first_simulation,
            n_lanes,
            new_per_round: unpack(tally.new_per_round),
            fingerprints: unpack(tally.fingerprints),
            series,
            work: required(tally.work, MESSAGE, "work")?.try_into()?,
        };
        if tally.is_well_formed() {
            Ok(tally)
        } else {
            let reason = "or `reached` is not in order, or of other simulations";
            Err(ConvertError::new(MESSAGE, "trace", reason))
        }
    }
}

fn pack(numbers: &[u64]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(size_of_val(numbers));
    numbers.iter().for_each(|&number| bytes.put_u64_le(number));
    bytes.freeze()
}

fn unpack(mut bytes: Bytes) -> Vec<u64> {
    let mut numbers = Vec::with_capacity(bytes.len() / size_of::<u64>());
    while let Ok(number) = bytes.try_get_u64_le() {
        numbers.push(number);
    }
    numbers
}

impl From<Work> for pb::Work {
    fn from(work: Work) -> Self {
        Self {
            arcs_scanned: work.arcs_scanned,
            coins: work.coins,
            bytes_sent: work.bytes_sent,
            activations_sent: work.activations_sent,
            activations_received: work.activations_received,
            chunks: Some(pb::ChunkCounts {
                list: work.chunks.list,
                roaring: work.chunks.roaring,
                dense: work.chunks.dense,
            }),
        }
    }
}

impl TryFrom<pb::Work> for Work {
    type Error = ConvertError;

    fn try_from(work: pb::Work) -> Result<Self, ConvertError> {
        let chunks = required(work.chunks, "Work", "chunks")?;
        Ok(Self {
            arcs_scanned: work.arcs_scanned,
            coins: work.coins,
            bytes_sent: work.bytes_sent,
            activations_sent: work.activations_sent,
            activations_received: work.activations_received,
            chunks: ChunkCounts { list: chunks.list, roaring: chunks.roaring, dense: chunks.dense },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::testing::{assert_golden, assert_round_trip, tallies, tally};

    proptest! {
        #[test]
        fn round_trips(tally in tallies()) {
            prop_assert!(tally.is_well_formed());
            assert_round_trip::<_, pb::PartitionTally>(tally);
        }
    }

    #[test]
    fn golden_bytes() {
        assert_golden::<pb::PartitionTally>(
            tally(),
            "080710021a20010000000000000002000000000000000300000000000000000000000000000022100807060504030201ffffffffffffffff2a12080110021803200428053206080610071808",
        );
        assert_golden::<pb::Work>(tally().work, "080110021803200428053206080610071808");
    }

    #[test]
    fn tallies_that_are_not_well_formed_are_refused() {
        let refuse = |change: fn(&mut pb::PartitionTally)| {
            let mut message = pb::PartitionTally::from(tally());
            change(&mut message);
            PartitionTally::try_from(message).unwrap_err().to_string()
        };
        assert_eq!(
            refuse(|message| message.new_per_round = vec![0; 17].into()),
            "invalid PartitionTally: field new_per_round has 17 bytes, 2 lanes take 16 a round"
        );
        assert!(refuse(|message| message.fingerprints.clear()).contains("fingerprints has 0"));
        assert!(refuse(|message| message.n_lanes = 0).contains("n_lanes is 0"));
        assert!(refuse(|message| message.n_lanes = 513).contains("must be 1 to"));
        assert!(refuse(|message| message.n_lanes = u32::MAX).contains("must be 1 to"));
        assert!(refuse(|message| message.work = None).contains("work is missing"));
        assert!(
            refuse(|message| message.trace = vec![0x80].into()).contains("trace does not hold")
        );
        assert!(refuse(|message| message.trace = vec![2, 0, 0, 0].into()).contains("not in order"));
        assert!(refuse(|message| message.reached = vec![1].into()).contains("reached does not"));
        assert!(refuse(|message| message.reached = vec![1, 3].into()).contains("not in order"));
    }
}
