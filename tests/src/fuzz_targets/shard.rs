//! Any file as a shard.

use std::path::Path;

use kaskade_model::{NodeId, Ranks, Shard, ShardId};
use kaskade_store::{MappedShard, ShardEntry, Verify, inspect, open_shard};

use super::{Verdict, with_file};

/// Opens a file of `bytes` with every check, and looks up everything in it.
pub(super) fn open(bytes: &[u8]) -> Verdict {
    let shard = with_file(bytes, |path| open_file(path, bytes));
    match shard {
        Some(shard) => {
            look_up_everything(&shard);
            Verdict::Accepted
        }
        None => Verdict::Refused,
    }
}

fn open_file(path: &Path, bytes: &[u8]) -> Option<MappedShard> {
    let summary = inspect(path).ok()?;
    for section in &summary.sections {
        let end = section.offset_bytes.checked_add(section.length_bytes);
        assert!(end.is_some_and(|end| end <= bytes.len() as u64), "{section:?} lies in the file");
    }
    // What a manifest would say of it.
    let entry = ShardEntry {
        shard: ShardId(0),
        nodes: summary.nodes,
        n_arcs: summary.n_arcs,
        file_bytes: summary.file_bytes,
        digest: blake3::hash(bytes).to_hex().to_string(),
        header_checksum: summary.header_checksum,
        arc_sum: String::new(),
        column_sum: None,
    };
    open_shard(path, &entry, Verify::Full).ok()
}

/// After [`Verify::Full`] no lookup can fail, and views are whole.
fn look_up_everything(shard: &MappedShard) {
    let n_own = shard.nodes().n_nodes() as u32;
    if shard.has_out_view() {
        let (mut n_arcs, mut scratch) = (0, Vec::new());
        for source in (0..shard.n_graph_nodes()).map(NodeId) {
            let arcs = shard.out_arcs(source, &mut scratch);
            assert!(arcs.targets.is_sorted_by(|a, b| a < b), "targets of {source:?} ascend");
            assert!(arcs.targets.iter().all(|&target| target < n_own), "targets are the shard's");
            if !arcs.targets.is_empty() {
                assert_eq!(arcs.first_arc as u64, n_arcs, "arcs of {source:?} follow the last");
            }
            n_arcs += arcs.targets.len() as u64;
            let end_rank = u64::from(shard.first_rank(source)) + arcs.targets.len() as u64;
            assert!(end_rank <= u64::from(shard.nodes().end), "each arc has a target of its own");
        }
        assert_eq!(n_arcs, shard.n_arcs(), "every arc has a source");
    }
    let n_ranks = shard.in_ranks().map(|ranks| match ranks {
        Ranks::U8(ranks) => ranks.len(),
        Ranks::U16(ranks) => ranks.len(),
        Ranks::U32(ranks) => ranks.len(),
    });
    let n_thresholds = shard.arc_thresholds().map(<[u32]>::len);
    for n_values in [n_ranks, n_thresholds].into_iter().flatten() {
        assert_eq!(n_values as u64, shard.n_arcs(), "an arc has one");
    }
    let (mut n_arcs, mut scratch) = (0, Vec::new());
    for node_idx in 0..n_own {
        let in_degree = shard.in_degrees()[node_idx as usize];
        n_arcs += u64::from(in_degree);
        if let Some(sources) = shard.in_sources(node_idx, &mut scratch) {
            assert_eq!(sources.len(), in_degree as usize, "a source for each arc into a node");
            assert!(sources.iter().all(|&source| source < shard.n_graph_nodes()));
        }
        if let Some(weights) = shard.cumulative_weights(node_idx) {
            assert_eq!(weights.len(), in_degree as usize, "a weight for each arc into a node");
            assert!(weights.is_sorted(), "sums of weights ascend");
        }
    }
    assert_eq!(n_arcs, shard.n_arcs(), "every arc has a target");
}
