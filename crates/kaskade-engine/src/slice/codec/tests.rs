use kaskade_model::lanes::first_lanes;
use proptest::prelude::*;

use super::*;

const N_NODES: u32 = 300_000;

fn encode<const W: usize>(slice: &Slice<W>) -> EncodedSlice {
    super::encode(std::slice::from_ref(slice))
}

fn decode_all<const W: usize>(encoded: &EncodedSlice) -> Slice<W> {
    let mut all = Slice::default();
    for payload in &encoded.payloads {
        assert!(payload.len() <= MAX_PAYLOAD_BYTES);
        for block in decode::<W>(payload, N_NODES, &first_lanes(64 * W)).unwrap() {
            block.nodes.iter().zip(block.masks).for_each(|(&node, mask)| all.push(node, mask));
        }
    }
    all
}

/// Every `stride`-th node of the graph, `run` of them in a row, with masks of about `n_lanes` lanes.
fn patterned<const W: usize>(stride: u32, run: u32, n_lanes: u32) -> Slice<W> {
    let mut slice = Slice::default();
    for node in (0..N_NODES).filter(|node| node % stride < run) {
        let mut mask = [0; W];
        for lane in 0..n_lanes {
            let hash =
                (node + 1).wrapping_mul(0x9e37_79b9).wrapping_add(lane.wrapping_mul(0x85eb_ca6b))
                    >> 16;
            mask[hash as usize / 64 % W] |= 1 << (hash % 64);
        }
        slice.push(node, mask);
    }
    slice
}

#[test]
fn each_encoding_is_chosen_where_it_is_smallest() {
    let chosen = |stride, run| encode(&patterned::<1>(stride, run, 3)).counts;
    let sparse = chosen(1000, 1);
    assert!(sparse.list > 0 && sparse.dense == 0 && sparse.roaring == 0, "{sparse:?}");
    let dense = chosen(3, 1);
    assert!(dense.dense > 0 && dense.list == 0 && dense.roaring == 0, "{dense:?}");
    let runs = chosen(5000, 4000);
    assert!(runs.roaring > 0 && runs.list == 0 && runs.dense == 0, "{runs:?}");
    let nearly_all = encode(&patterned::<1>(10, 9, 3));
    assert!(nearly_all.counts.list > 0 && nearly_all.counts.dense == 0, "{:?}", nearly_all.counts);
}

#[test]
fn many_small_slices_share_their_blocks() {
    let one = patterned::<1>(3000, 1, 2);
    let several: Vec<Slice<1>> = one
        .nodes
        .chunks(7)
        .zip(one.masks.chunks(7))
        .map(|(nodes, masks)| Slice { nodes: nodes.to_vec(), masks: masks.to_vec() })
        .collect();
    assert_eq!(super::encode(&several), encode(&one));
    assert_eq!(encode(&one).counts.list, 1);
}

#[test]
fn few_lanes_cost_few_bits() {
    let slice = patterned::<1>(100, 1, 1);
    let bytes = encode(&slice).n_bytes() as f64 / slice.n_nodes() as f64;
    assert!(bytes < 2.0, "{bytes} bytes a node: about eight bits for the id, seven for the lane");
}

#[test]
fn large_slices_stay_below_the_payload_limit() {
    for n_lanes in [1, 20, 64, 2000] {
        let slice = patterned::<8>(1, 1, n_lanes);
        let encoded = encode(&slice);
        assert!(encoded.payloads.len() > 1);
        assert_eq!(decode_all::<8>(&encoded), slice);
    }
}

proptest! {
    #[test]
    fn slices_return(
        nodes in prop::collection::btree_map(0..N_NODES, (any::<u64>(), 0u64..8), 0..400),
        run in 0u32..3000,
        inverted in any::<bool>(),
    ) {
        let mut nodes = nodes;
        nodes.extend((1000..1000 + run).map(|node| (node, (1, 1))));
        if inverted {
            nodes = nodes.into_iter().map(|(node, (word, other))| (node, (!word, !other))).collect();
        }
        let mut slice = Slice::<2>::default();
        for (node, (word, other)) in nodes {
            slice.push(node, [word, other | u64::from(word == 0)]);
        }
        prop_assert_eq!(decode_all::<2>(&encode(&slice)), slice);
    }

    #[test]
    fn hostile_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<1>(&payload, N_NODES, &[u64::MAX]);
    }

    #[test]
    fn damaged_payloads_never_panic(
        stride in 1u32..400, at in any::<prop::sample::Index>(), flip in 1u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let encoded = encode(&patterned::<1>(stride, stride.div_ceil(3), 2));
        let mut payload = encoded.payloads[0].to_vec();
        payload[at.index(encoded.payloads[0].len())] ^= flip;
        if let Ok(blocks) = decode::<1>(&payload, N_NODES, &[u64::MAX]) {
            for block in blocks {
                prop_assert_eq!(block.nodes.len(), block.masks.len());
                prop_assert!(block.nodes.iter().all(|&node| node < N_NODES));
            }
        }
        payload.truncate(cut.index(payload.len()));
        let _ = decode::<1>(&payload, N_NODES, &[u64::MAX]);
    }
}

#[test]
fn lanes_outside_the_batch_are_refused() {
    let mut slice = Slice::<1>::default();
    slice.push(7, [0b100]);
    let payload = &encode(&slice).payloads[0];
    assert_eq!(decode::<1>(payload, 8, &[0b11]), Err(DecodeError::BadMasks));
    assert_eq!(decode::<1>(payload, 7, &[0b111]), Err(DecodeError::BadIds));
    assert_eq!(decode::<1>(payload, 8, &[0b111]).unwrap(), [slice]);
}

#[test]
fn a_payload_says_each_node_once() {
    let all = patterned::<1>(1, 1, 1);
    let few = Slice::<1> { nodes: all.nodes[N_NODES as usize - 9..].to_vec(), masks: vec![[1]; 9] };
    let payload = encode(&few).payloads[0].to_vec();
    decode::<1>(&payload, N_NODES, &[u64::MAX]).unwrap();
    // What follows is counted from there on.
    let twice = payload.repeat(2);
    assert_eq!(decode::<1>(&twice, N_NODES, &[u64::MAX]), Err(DecodeError::BadIds));
}
