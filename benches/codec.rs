//! Slices of a frontier to bytes and back, by the share of nodes that are in them.
//!
//! 2²⁰ nodes, one word of lanes, three lanes a node, one thread. Throughput is in nodes of
//! the slice a second; beside it stands a copy of the same nodes and masks as they are.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kaskade_engine::slice::{EncodedSlice, Slice, decode, encode as encode_all};
use kaskade_model::NodeId;
use kaskade_model::coin::{Purpose, node_item};

const N_NODES: u32 = 1 << 20;

/// Name; of how many nodes a run begins, and the nodes of a run.
const DENSITIES: [(&str, u32, u32); 5] = [
    ("every 1000th node", 1000, 1),
    ("every 30th node", 30, 1),
    ("every 3rd node", 3, 1),
    ("nine of ten nodes", 10, 9),
    ("runs of 4000 in 5000", 5000, 4000),
];

fn codec(criterion: &mut Criterion) {
    for (name, stride, run) in DENSITIES {
        let slice = slice(stride, run);
        let encoded = encode(&slice);
        let mut group = criterion.benchmark_group(format!("codec/{name}"));
        group.throughput(Throughput::Elements(slice.n_nodes() as u64));
        let bytes_per_node = encoded.n_bytes() as f64 / slice.n_nodes() as f64;
        let parameter = format!("{bytes_per_node:.2} bytes a node, threads=1");
        group.bench_function(
            BenchmarkId::new("copy", "12.00 bytes a node, threads=1"),
            |bencher| {
                bencher.iter(|| slice.clone());
            },
        );
        group.bench_function(BenchmarkId::new("encode", &parameter), |bencher| {
            bencher.iter(|| encode(&slice));
        });
        group.bench_function(BenchmarkId::new("decode", &parameter), |bencher| {
            bencher.iter(|| {
                let blocks = |payload| decode::<1>(payload, N_NODES, &[u64::MAX]);
                let decoded = encoded.payloads.iter().map(|payload| blocks(payload));
                decoded.collect::<Result<Vec<_>, _>>().expect("what was encoded can be decoded")
            });
        });
        group.finish();
    }
}

/// The first `run` of every `stride` nodes, three lanes each.
fn slice(stride: u32, run: u32) -> Slice<1> {
    let mut slice = Slice::default();
    for node in (0..N_NODES).filter(|node| node % stride < run) {
        let hash = node_item(NodeId(node), Purpose::Seeds);
        let mask = [0, 8, 16].map(|shift| 1 << ((hash >> shift) % 64)).iter().fold(0, |a, b| a | b);
        slice.push(node, [mask]);
    }
    slice
}

fn encode(slice: &Slice<1>) -> EncodedSlice {
    encode_all(std::slice::from_ref(slice))
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2));
    targets = codec
}
criterion_main!(benches);
