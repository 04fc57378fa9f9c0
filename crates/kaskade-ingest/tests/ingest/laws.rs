//! A build is what the plainest program would make of the same lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use kaskade_ingest::spec::ColumnChoice;
use kaskade_store::{Order, Orientation};
use proptest::prelude::*;

use crate::common::{Contents, Scratch, gzip, read_back};

#[derive(Clone, Copy, Debug)]
struct Reading {
    orientation: Orientation,
    undirected: bool,
    order: Order,
}

fn readings() -> impl Strategy<Value = Reading> {
    let orientation = prop_oneof![Just(Orientation::Influence), Just(Orientation::Follows)];
    let order = prop_oneof![Just(Order::InDegree), Just(Order::Id)];
    (orientation, any::<bool>(), order).prop_map(|(orientation, undirected, order)| Reading {
        orientation,
        undirected,
        order,
    })
}

/// The graph of `lines` and its counts of self-loops and duplicates, by sets.
fn plain_build(lines: &[(u64, u64)], reading: Reading) -> (Contents, u64, u64) {
    let mut arcs = BTreeMap::new();
    let (mut n_self_loops, mut n_input_arcs) = (0, 0);
    for &(u, v) in lines {
        if u == v {
            n_self_loops += 1;
            continue;
        }
        if reading.undirected || reading.orientation == Orientation::Influence {
            arcs.insert((u, v), None);
            n_input_arcs += 1;
        }
        if reading.undirected || reading.orientation == Orientation::Follows {
            arcs.insert((v, u), None);
            n_input_arcs += 1;
        }
    }
    let ids: BTreeSet<u64> = lines.iter().flat_map(|&(u, v)| [u, v]).collect();
    let mut originals: Vec<u64> = ids.into_iter().collect();
    if reading.order == Order::InDegree {
        let in_degree = |id: u64| arcs.keys().filter(|&&(_, target)| target == id).count();
        originals.sort_by_key(|&id| std::cmp::Reverse(in_degree(id)));
    }
    let n_duplicates = n_input_arcs - arcs.len() as u64;
    (Contents { originals, arcs }, n_self_loops, n_duplicates)
}

fn text_of(lines: &[(u64, u64)]) -> String {
    lines.iter().fold(String::new(), |mut text, (u, v)| {
        writeln!(text, "{u}\t{v}").unwrap();
        text
    })
}

fn ids() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..12, 2 => 100u64..110, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_build_is_the_plain_build(
        lines in prop::collection::vec((ids(), ids()), 1..60),
        reading in readings(),
        n_shards in 1u32..6,
    ) {
        let scratch = Scratch::new();
        let manifest = scratch.build_file("arcs.txt", text_of(&lines), |spec| {
            spec.orientation = reading.orientation;
            spec.undirected = reading.undirected;
            spec.directory.order = reading.order;
            spec.directory.n_shards = n_shards;
        }).unwrap();
        let (contents, n_self_loops, n_duplicates) = plain_build(&lines, reading);
        prop_assert_eq!(read_back(&scratch.out()), contents);
        prop_assert_eq!((manifest.n_self_loops, manifest.n_duplicates), (n_self_loops, n_duplicates));
        prop_assert_eq!(manifest.shards.len(), n_shards as usize);
    }

    #[test]
    fn the_digest_knows_only_the_set_of_arcs(
        lines in prop::collection::vec((ids(), ids()), 1..60),
        order in Just((0..60).collect::<Vec<usize>>()).prop_shuffle(),
        n_shards in 1u32..6,
        n_files in 1usize..4,
    ) {
        let scratch = Scratch::new();
        let one = scratch.build_file("arcs.txt", text_of(&lines), |_| {}).unwrap();

        let shuffled: Vec<_> = order.iter().filter_map(|&i| lines.get(i).copied()).collect();
        let mut inputs = vec![scratch.write("again.txt", text_of(&lines[..1]))];
        for (i, part) in shuffled.chunks(shuffled.len().div_ceil(n_files)).enumerate() {
            inputs.push(scratch.write(&format!("{i}.txt"), text_of(part)));
        }
        let mut spec = scratch.spec(&inputs);
        spec.directory.n_shards = n_shards;
        let other = kaskade_ingest::build(&spec, &kaskade_ingest::progress::Unwatched).unwrap();
        prop_assert_eq!(one.digest, other.digest);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_built_or_refused(
        bytes in prop_oneof![
            any::<Vec<u8>>(),
            "([0-9]{1,3}[ ,\t\r#a-]{0,2}[0-9.]{0,3}\n){0,9}".prop_map(String::into_bytes),
        ],
        name in prop::sample::select(vec!["a.txt", "a.gz", "a.txt.zst", "a.u32", "a.u64", "a.u32.gz"]),
        wraps in any::<bool>(),
        column in prop::option::of(2usize..4),
        skip_bad_lines in 0u64..4,
    ) {
        let wrap = match name {
            "a.gz" | "a.u32.gz" if wraps => gzip,
            "a.txt.zst" if wraps => |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap(),
            _ => <[u8]>::to_vec,
        };
        let scratch = Scratch::new();
        let built = scratch.build_file(name, wrap(&bytes), |spec| {
            spec.column = column.map(ColumnChoice::Index);
            spec.skip_bad_lines = skip_bad_lines;
        });
        match built {
            Ok(manifest) => prop_assert_eq!(read_back(&scratch.out()).arcs.len() as u64, manifest.n_arcs),
            Err(_) => prop_assert_eq!(scratch.names(), [name], "nothing is left"),
        }
    }
}

#[test]
fn the_digest_is_the_same_for_any_threads() {
    let lines: Vec<(u64, u64)> =
        (0..400_000u64).map(|i| (i * 7919 % 10_007, i * i % 9973)).collect();
    let digest = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let scratch = Scratch::new();
        pool.install(|| scratch.build_file("a.txt", text_of(&lines), |_| {})).unwrap().digest
    };
    assert_eq!(digest(1), digest(4));
}
