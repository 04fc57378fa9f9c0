//! 64 coins of an arc, by each instruction set of this machine and one by one.
//!
//! Throughput is in coins a second; an arc's hash is part of it. One thread.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kaskade_benches::graphs::SEED;
use kaskade_model::NodeId;
use kaskade_model::coin::{
    Draw, Isa, LaneKeys, OctetKeys, Purpose, Threshold, Vectorised, Vectors, arc_item,
    simulation_key,
};
use kaskade_model::lanes::LANES_PER_WORD;

const N_ARCS: u32 = 1024;

fn coins(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("coins");
    group.throughput(Throughput::Elements(u64::from(N_ARCS) * LANES_PER_WORD as u64));
    let keys = LaneKeys::new(|lane| simulation_key(SEED, lane as u64));
    let threshold = Threshold::from_probability(0.1).expect("it is a probability");
    let draws = || (0..N_ARCS).map(|target| draw(NodeId(7), NodeId(target), threshold));

    group.bench_function(BenchmarkId::new("one-by-one", "threads=1"), |bencher| {
        bencher.iter(|| {
            let live = |draw: Draw, lane| u32::from(draw.is_live(black_box(&keys).key(lane)));
            draws()
                .map(|draw| (0..LANES_PER_WORD).map(|lane| live(draw, lane)).sum::<u32>())
                .sum::<u32>()
        });
    });
    let octets = OctetKeys::new(SEED, 0);
    for isa in Isa::available() {
        let name = format!("{isa:?}").to_lowercase();
        group.bench_function(BenchmarkId::new(format!("arc-{name}"), "threads=1"), |bencher| {
            bencher.iter(|| isa.run(ByLane(black_box(&keys), threshold)));
        });
        group.bench_function(BenchmarkId::new(format!("block-{name}"), "threads=1"), |bencher| {
            bencher.iter(|| isa.run(ByOctet(black_box(&octets), threshold)));
        });
    }
    group.finish();
}

/// The number of live coins of family `arc`.
struct ByLane<'a>(&'a LaneKeys, Threshold);

/// The number of live coins of family `block`, eight simulations a hash.
struct ByOctet<'a>(&'a OctetKeys, Threshold);

impl Vectorised for ByLane<'_> {
    type Output = u32;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> u32 {
        let mut n_live = 0;
        for target in 0..N_ARCS {
            let draw = draw(NodeId(7), NodeId(target), self.1);
            n_live += self.0.live(vectors, draw, u64::MAX).count_ones();
        }
        n_live
    }
}

impl Vectorised for ByOctet<'_> {
    type Output = u32;

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) -> u32 {
        let mut n_live = 0;
        for target in 0..N_ARCS {
            let draw = draw(NodeId(7), NodeId(target), self.1);
            n_live += self.0.live(vectors, draw, u64::MAX).count_ones();
        }
        n_live
    }
}

fn draw(source: NodeId, target: NodeId, threshold: Threshold) -> Draw {
    Draw { item: arc_item(source, target, Purpose::Arc), from: 0, width: threshold.width() }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2));
    targets = coins
}
criterion_main!(benches);
