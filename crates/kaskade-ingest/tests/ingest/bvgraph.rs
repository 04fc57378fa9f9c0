//! LAW graphs, written by the library itself: sound, little-endian, and damaged.

use std::path::{Path, PathBuf};

use dsi_bitstream::traits::{BE, LE};
use kaskade_ingest::progress::Unwatched;
use kaskade_ingest::spec::{Input, ReadSpec};
use kaskade_ingest::{IngestError, Malformed, ReadArcs, build, read_arcs};
use webgraph::graphs::bvgraph::BvComp;
use webgraph::graphs::vec_graph::VecGraph;

use crate::common::Scratch;

fn read(path: &Path) -> Result<ReadArcs, IngestError> {
    read_arcs(&ReadSpec::of(vec![Input::File(path.to_owned())]), &Unwatched)
}

/// A graph with hubs, runs, copies of lists and nodes without arcs.
fn arcs(n_nodes: usize) -> Vec<(usize, usize)> {
    let row = |node: usize| -> Vec<usize> {
        match node % 5 {
            0 => (0..n_nodes.min(40)).collect(),
            1 => Vec::new(),
            2 => (0..n_nodes).step_by(3).collect(),
            3 => (0..n_nodes).step_by(3).filter(|other| other % 4 != 1).collect(),
            _ => vec![node, (node * node + 7) % n_nodes],
        }
    };
    let of_row = |node: usize| row(node).into_iter().map(move |other| (node, other));
    let mut arcs: Vec<(usize, usize)> = (0..n_nodes).flat_map(of_row).collect();
    arcs.sort_unstable();
    arcs.dedup();
    arcs
}

fn write(scratch: &Scratch, n_nodes: usize, is_little: bool) -> PathBuf {
    let mut graph = VecGraph::empty(n_nodes);
    arcs(n_nodes).into_iter().for_each(|(from, to)| graph.add_arc(from, to));
    let stem = scratch.path("law");
    let mut compression = BvComp::with_basename(&stem);
    if is_little {
        compression.comp_graph::<LE>(&graph).unwrap();
    } else {
        compression.comp_graph::<BE>(&graph).unwrap();
    }
    stem
}

#[test]
fn bvgraphs_are_read_by_any_of_their_names() {
    for is_little in [false, true] {
        let scratch = Scratch::new();
        let stem = write(&scratch, 200, is_little);
        let expected: Vec<(u64, u64)> =
            arcs(200).into_iter().map(|(from, to)| (from as u64, to as u64)).collect();
        for name in ["law", "law.graph", "law.properties"] {
            let found = read(&scratch.path(name)).unwrap();
            assert_eq!(found.arcs, expected, "{name}");
            assert!(found.node_ranges.iter().eq([&(0..200)]));
        }
        let inputs = [stem.with_extension("graph"), stem.with_extension("properties")];
        let manifest = build(&scratch.spec(&inputs), &Unwatched).unwrap();
        assert_eq!(manifest.n_nodes, 200);
        assert_eq!(manifest.n_arcs + manifest.n_self_loops, expected.len() as u64);
    }
}

#[test]
fn long_rows_are_cut() {
    let scratch = Scratch::new();
    let stem = write(&scratch, 4001, false);
    let found = read(&stem.with_extension("graph")).unwrap();
    assert!(found.arcs.len() > (4 << 20) / 4, "more than a block holds");
    let expected = arcs(4001).into_iter().map(|(from, to)| (from as u64, to as u64));
    assert!(found.arcs.into_iter().eq(expected));
}

#[test]
fn damage_is_an_error() {
    let scratch = Scratch::new();
    let stem = write(&scratch, 100, false);
    let graph = stem.with_extension("graph");
    let properties = stem.with_extension("properties");
    let (bytes, text) =
        (std::fs::read(&graph).unwrap(), std::fs::read_to_string(&properties).unwrap());
    let refused = || match read(&graph) {
        Err(IngestError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    for n_bytes in [0, 1, bytes.len() / 2] {
        std::fs::write(&graph, &bytes[..n_bytes]).unwrap();
        refused();
    }
    // Whatever a flipped byte does, it ends, and arcs are between nodes.
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            std::fs::write(&graph, &flipped).unwrap();
            if let Ok(found) = read(&graph) {
                assert!(found.arcs.iter().all(|&(from, to)| from < 100 && to < 100));
            }
        }
    }
    std::fs::write(&graph, &bytes).unwrap();
    for (key, value) in [
        ("nodes", "99999999999"),
        ("nodes", "many"),
        ("arcs", "7"),
        ("windowsize", "99999999999"),
        ("zetak", "99"),
        ("compressionflags", "OUTDEGREES_MAGIC"),
        ("minintervallength", "18446744073709551615"),
    ] {
        let line = |line: &str| match line.split_once('=') {
            Some((found, _)) if found == key => format!("{key}={value}"),
            _ => line.to_owned(),
        };
        let mut changed: Vec<String> = text.lines().map(line).collect();
        changed.push(format!("{key}={value}"));
        std::fs::write(&properties, changed.join("\n")).unwrap();
        refused();
    }
    std::fs::write(&properties, "").unwrap();
    assert!(matches!(refused(), Malformed::Property { key: "nodes", .. }));
}
