//! What is kept of single simulations, in variable-length integers: differences from one entry to
//! the next, which ascend.

use bytes::{Buf, Bytes, BytesMut};
use kaskade_model::recording::{NodeCount, TracedActivation};
use prost::encoding::{decode_varint, encode_varint};

/// `trace` as four numbers an activation: the places of simulations since the one before, the rounds
/// since it if it is of the same simulation, the nodes since it if it is of the same round, else the
/// round and the node themselves; and the parent plus one, or 0 for none.
pub(super) fn pack_trace(trace: &[TracedActivation]) -> Bytes {
    let mut bytes = BytesMut::new();
    let mut last = Last::default();
    for traced in trace {
        let parent = traced.parent.map_or(0, |parent| u64::from(parent) + 1);
        let (round, node) = last.base(traced.place, traced.round);
        let numbers = [traced.place - last.place, traced.round - round, traced.node - node];
        numbers.into_iter().for_each(|number| encode_varint(number.into(), &mut bytes));
        encode_varint(parent, &mut bytes);
        last = Last { place: traced.place, round: traced.round, node: traced.node };
    }
    bytes.freeze()
}

/// The trace that `bytes` hold; `None` where they hold none. Whether it is one of the batch is for
/// the tally to say.
pub(super) fn unpack_trace(mut bytes: Bytes) -> Option<Vec<TracedActivation>> {
    let mut trace = Vec::with_capacity(bytes.len() / 4);
    let mut last = Last::default();
    while bytes.has_remaining() {
        let place = last.place.checked_add(number(&mut bytes)?)?;
        let since = number(&mut bytes)?;
        let (round, _) = last.base(place, last.round);
        let round = round.checked_add(since)?;
        let (_, node) = last.base(place, round);
        let node = node.checked_add(number(&mut bytes)?)?;
        let parent = decode_varint(&mut bytes).ok()?.checked_sub(1);
        let parent = parent.map(u32::try_from).transpose().ok()?;
        trace.push(TracedActivation { place, round, node, parent });
        last = Last { place, round, node };
    }
    Some(trace)
}

/// `counts` as two numbers a node: the ids since the node before, and the simulations.
pub(super) fn pack_counts(counts: &[NodeCount]) -> Bytes {
    let mut bytes = BytesMut::new();
    let mut last = 0;
    for count in counts {
        encode_varint((count.node - last).into(), &mut bytes);
        encode_varint(count.simulations.into(), &mut bytes);
        last = count.node;
    }
    bytes.freeze()
}

/// The counts that `bytes` hold; `None` where they hold none.
pub(super) fn unpack_counts(mut bytes: Bytes) -> Option<Vec<NodeCount>> {
    let mut counts = Vec::with_capacity(bytes.len() / 2);
    let mut last = 0u32;
    while bytes.has_remaining() {
        let node = last.checked_add(number(&mut bytes)?)?;
        counts.push(NodeCount { node, simulations: number(&mut bytes)? });
        last = node;
    }
    Some(counts)
}

/// The entry before.
#[derive(Default)]
struct Last {
    place: u32,
    round: u32,
    node: u32,
}

impl Last {
    /// What the round and the node of an entry of simulation `place` and `round` are counted from.
    fn base(&self, place: u32, round: u32) -> (u32, u32) {
        if place != self.place {
            (0, 0)
        } else if round != self.round {
            (self.round, 0)
        } else {
            (self.round, self.node)
        }
    }
}

fn number(bytes: &mut Bytes) -> Option<u32> {
    decode_varint(bytes).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_take_few_bytes() {
        let traced = |place, round, node, parent| TracedActivation { place, round, node, parent };
        let trace = [
            traced(0, 0, 7, None),
            traced(0, 1, 3, Some(7)),
            traced(0, 1, 300, Some(7)),
            traced(2, 0, 7, None),
        ];
        let bytes = pack_trace(&trace);
        assert_eq!(
            bytes[..],
            [0, 0, 7, 0, 0, 1, 3, 8, 0, 0, 0xa9, 2, 8, 2, 0, 7, 0],
            "the third is 297 nodes on"
        );
        assert_eq!(unpack_trace(bytes.clone()).unwrap(), trace);
        assert!(unpack_trace(bytes.slice(..5)).is_none());
        assert!(
            unpack_trace(Bytes::from_static(&[0, 0, 0, 0x81, 0x80, 0x80, 0x80, 0x20])).is_none()
        );
    }
}
