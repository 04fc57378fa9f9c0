//! Re-reading every byte of a graph directory (`kaskade graph verify`).
//!
//! Beyond what opening checks ([`crate::Verify::Full`]): the digest of every file, that the
//! in-view is the out-view transposed, ranks, degrees against arcs, first ranks against the shards
//! before, the order of the nodes, and the sums and digests of the manifest recomputed from the arcs.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use kaskade_model::seeds::NodeDirectory;
use rayon::prelude::*;

use crate::choices::Order;
use crate::digest;
use crate::error::StoreError;
use crate::graph::Graph;
use crate::names;
use crate::nodes::Nodes;
use crate::opening::{Progress, ShardSelection, Verify};
use crate::shard::check_first_ranks;

/// What was found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Nodes.
    pub n_nodes: u64,
    /// Arcs.
    pub n_arcs: u64,
    /// Shards.
    pub n_shards: usize,
    /// Bytes of the binary files.
    pub bytes: u64,
    /// The graph digest.
    pub digest: String,
}

/// Checks every byte and every invariant of the graph directory `dir`, in parallel.
/// Memory: 4 bytes per node.
///
/// # Errors
/// [`StoreError`] names a flaw: the file, the section, what was expected and found.
pub fn verify(dir: &Path, progress: &Progress<'_>) -> Result<VerifyReport, StoreError> {
    let graph = Graph::open(dir, ShardSelection::All, Verify::Full, progress)?;
    let manifest = graph.manifest();
    graph.nodes().container().check_digest(&manifest.nodes_file.digest)?;
    check_nodes(dir, &graph)?;
    if let (Some(attributes), Some(file)) = (graph.attributes(), &manifest.attributes_file) {
        attributes.container().check_digest(&file.digest)?;
        attributes.check_digests()?;
    }

    let out_degrees: Vec<AtomicU32> = (0..manifest.n_nodes).map(|_| AtomicU32::new(0)).collect();
    graph.shards().par_iter().zip(&manifest.shards).try_for_each(|(shard, entry)| {
        shard.container().check_digest(&entry.digest)?;
        shard.check_arcs(entry, graph.nodes().in_degrees(), &out_degrees)
    })?;
    check_first_ranks(graph.shards())?;
    let counted = out_degrees.par_iter().map(|degree| degree.load(Ordering::Relaxed));
    if !counted.eq(graph.out_degrees().par_iter().copied()) {
        let path = graph.nodes().container().path();
        let expected = "the number of arcs from each node";
        return Err(StoreError::malformed(path, "out-degrees", expected, "another"));
    }
    Ok(VerifyReport {
        n_nodes: manifest.n_nodes,
        n_arcs: manifest.n_arcs,
        n_shards: manifest.shards.len(),
        bytes: manifest.total_bytes(),
        digest: manifest.digest.clone(),
    })
}

/// Checks what the manifest says of the nodes, and their order.
fn check_nodes(dir: &Path, graph: &Graph) -> Result<(), StoreError> {
    let (manifest, nodes) = (graph.manifest(), graph.nodes());
    let path = dir.join(names::MANIFEST);
    let check = |section, stated: &dyn ToString, found: &dyn ToString| {
        let (stated, found) = (stated.to_string(), found.to_string());
        if stated == found {
            return Ok(());
        }
        Err(StoreError::malformed(&path, section, found, stated))
    };
    let facts = nodes.degree_facts()?;
    check("n_arcs", &manifest.n_arcs, &facts.n_arcs)?;
    check("max_out_degree", &manifest.max_out_degree, &facts.max_out_degree)?;
    check("max_in_degree", &manifest.max_in_degree, &facts.max_in_degree)?;
    check("n_isolated_nodes", &manifest.n_isolated_nodes, &facts.n_isolated_nodes)?;
    let id_map_digest = digest::id_map_digest(nodes.originals());
    check("id_map_digest", &manifest.id_map_digest, &id_map_digest)?;
    if !is_in_order(nodes, manifest.order) {
        let expected = format!("nodes in the order `{}`", manifest.order);
        let path = nodes.container().path();
        return Err(StoreError::malformed(path, "originals", expected, "another order"));
    }
    Ok(())
}

fn is_in_order(nodes: &Nodes, order: Order) -> bool {
    let (originals, in_degrees) = (nodes.originals(), nodes.in_degrees());
    (1..originals.len()).into_par_iter().all(|node| match order {
        Order::Id => originals.is_less(node - 1, node),
        Order::InDegree => {
            in_degrees[node - 1] > in_degrees[node]
                || (in_degrees[node - 1] == in_degrees[node] && originals.is_less(node - 1, node))
        }
    })
}
