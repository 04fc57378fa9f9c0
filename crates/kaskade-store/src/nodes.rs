//! The nodes of a graph: original ids and degrees, never arcs.

use std::path::Path;

use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeId, NodeRange};
use rayon::prelude::*;

use crate::container::{Container, FileKind, SectionData, Shape, Tag, write_container};
use crate::digest;
use crate::durable::Flusher;
use crate::error::StoreError;
use crate::manifest::FileEntry;
use crate::mmap::MappedSlice;
use crate::opening::{Load, Meter, Verify};

/// The id map and the degrees of a graph, mapped.
#[derive(Debug)]
pub struct Nodes {
    container: Container,
    originals: MappedSlice<u64>,
    by_original: MappedSlice<u32>,
    out_degrees: MappedSlice<u32>,
    in_degrees: MappedSlice<u32>,
}

/// What is known of the nodes once they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesEntry {
    pub(crate) file: FileEntry,
    pub(crate) n_nodes: u32,
    pub(crate) id_map_digest: String,
    pub(crate) facts: DegreeFacts,
}

/// What the degrees say of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DegreeFacts {
    pub(crate) n_arcs: u64,
    pub(crate) max_out_degree: u32,
    pub(crate) max_in_degree: u32,
    pub(crate) n_isolated_nodes: u64,
}

impl Nodes {
    /// The original id of every node, by dense id.
    #[must_use]
    pub fn originals(&self) -> &[u64] {
        &self.originals
    }

    pub(crate) fn open(path: &Path, verify: Verify, meter: &Meter<'_>) -> Result<Self, StoreError> {
        let nodes = Self::open_unchecked(path)?;
        if verify == Verify::Full {
            nodes.container.check_blocks(meter)?;
            nodes.check()?;
        }
        Ok(nodes)
    }

    /// As [`Nodes::open`] with [`Verify::Header`].
    pub(crate) fn open_unchecked(path: &Path) -> Result<Self, StoreError> {
        let container = Container::open(path, FileKind::Nodes, Load::Mmap)?;
        let n_nodes = container.shape().n_nodes.into();
        Ok(Self {
            originals: container.required(Tag::Originals, n_nodes)?,
            by_original: container.required(Tag::ByOriginal, n_nodes)?,
            out_degrees: container.required(Tag::OutDegrees, n_nodes)?,
            in_degrees: container.required(Tag::InDegrees, n_nodes)?,
            container,
        })
    }

    pub(crate) fn container(&self) -> &Container {
        &self.container
    }

    /// What the degrees say; an error when they do not agree with each other.
    pub(crate) fn degree_facts(&self) -> Result<DegreeFacts, StoreError> {
        DegreeFacts::of(&self.out_degrees, &self.in_degrees)
            .map_err(|sums| self.container.malformed(Tag::OutDegrees, sums.n_in, sums.n_out))
    }

    fn check(&self) -> Result<(), StoreError> {
        let n_arcs = self.container.shape().n_arcs;
        let facts = self.degree_facts()?;
        if facts.n_arcs != n_arcs {
            let expected = format!("degrees that sum to {n_arcs}");
            return Err(self.container.malformed(Tag::InDegrees, expected, facts.n_arcs));
        }
        // Ascending originals prove n distinct entries of `by_original`, hence a permutation.
        let is_sorted = is_sorted_by_original(&self.originals, &self.by_original);
        if !is_sorted {
            let expected = "every node once, by ascending original id";
            return Err(self.container.malformed(Tag::ByOriginal, expected, "another order"));
        }
        Ok(())
    }
}

impl NodeDirectory for Nodes {
    fn n_nodes(&self) -> u32 {
        self.container.shape().n_nodes
    }

    fn out_degrees(&self) -> &[u32] {
        &self.out_degrees
    }

    fn in_degrees(&self) -> &[u32] {
        &self.in_degrees
    }

    fn original(&self, node: NodeId) -> OriginalId {
        OriginalId(self.originals[node.index()])
    }

    /// O(log n).
    fn find(&self, original: OriginalId) -> Option<NodeId> {
        let found = self.by_original.binary_search_by_key(&original.0, |&node| {
            self.originals.get(node as usize).copied().unwrap_or(u64::MAX)
        });
        found.ok().map(|rank| NodeId(self.by_original[rank]))
    }
}

/// Writes the file of the nodes at `path`. Arrays are by dense id.
pub(crate) fn write_nodes(
    path: &Path,
    originals: &[u64],
    out_degrees: &[u32],
    in_degrees: &[u32],
    flusher: &Flusher,
) -> Result<NodesEntry, StoreError> {
    let invalid = |reason: String| StoreError::invalid_input("the nodes", reason);
    let n_nodes = u32::try_from(originals.len())
        .map_err(|_| invalid(format!("{} nodes are more than 2^32 - 1", originals.len())))?;
    if out_degrees.len() != originals.len() || in_degrees.len() != originals.len() {
        return Err(invalid("ids and degrees are not equally many".to_owned()));
    }
    let facts = DegreeFacts::of(out_degrees, in_degrees).map_err(|sums| {
        invalid(format!("out-degrees sum to {}, in-degrees to {}", sums.n_out, sums.n_in))
    })?;
    let mut by_original: Vec<u32> = (0..n_nodes).collect();
    by_original.par_sort_unstable_by_key(|&node| originals[node as usize]);
    if !is_sorted_by_original(originals, &by_original) {
        return Err(invalid("an original id occurs twice".to_owned()));
    }
    let shape = Shape {
        kind: FileKind::Nodes,
        n_nodes,
        n_arcs: facts.n_arcs,
        nodes: NodeRange { begin: 0, end: n_nodes },
    };
    let sections = [
        SectionData::new(Tag::Originals, originals),
        SectionData::new(Tag::ByOriginal, &by_original),
        SectionData::new(Tag::OutDegrees, out_degrees),
        SectionData::new(Tag::InDegrees, in_degrees),
    ];
    let file = write_container(path, shape, &sections, flusher)?.into();
    Ok(NodesEntry { file, n_nodes, id_map_digest: digest::id_map_digest(originals), facts })
}

/// Whether `by_original` names nodes by strictly ascending original id.
fn is_sorted_by_original(originals: &[u64], by_original: &[u32]) -> bool {
    let original = |node: u32| originals.get(node as usize);
    by_original.par_iter().all(|&node| original(node).is_some())
        && by_original.par_windows(2).all(|pair| original(pair[0]) < original(pair[1]))
}

/// The sums of degrees that should be equal.
pub(crate) struct UnequalSums {
    n_out: u64,
    n_in: u64,
}

impl DegreeFacts {
    fn of(out_degrees: &[u32], in_degrees: &[u32]) -> Result<Self, UnequalSums> {
        let sum = |degrees: &[u32]| degrees.par_iter().map(|&degree| u64::from(degree)).sum();
        let (n_out, n_in) = (sum(out_degrees), sum(in_degrees));
        if n_out != n_in {
            return Err(UnequalSums { n_out, n_in });
        }
        let highest = |degrees: &[u32]| degrees.par_iter().copied().max().unwrap_or(0);
        let pairs = out_degrees.par_iter().zip(in_degrees);
        Ok(Self {
            n_arcs: n_in,
            max_out_degree: highest(out_degrees),
            max_in_degree: highest(in_degrees),
            n_isolated_nodes: pairs.filter(|&(&out, &r#in)| out == 0 && r#in == 0).count() as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_any_order_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nodes.kgn");
        let originals = [50, u64::MAX, 0, 7, 49];
        let flusher = Flusher::start(&path).unwrap();
        let (out_degrees, in_degrees) = ([0, 1, 2, 0, 0], [2, 0, 1, 0, 0]);
        let entry = write_nodes(&path, &originals, &out_degrees, &in_degrees, &flusher).unwrap();
        let facts =
            DegreeFacts { n_arcs: 3, max_out_degree: 2, max_in_degree: 2, n_isolated_nodes: 2 };
        assert_eq!((entry.n_nodes, entry.facts), (5, facts));
        let meter = Meter::new(0, &|_, _| {});
        let nodes = Nodes::open(&path, Verify::Full, &meter).unwrap();
        for (node, &original) in (0..).map(NodeId).zip(&originals) {
            assert_eq!(nodes.find(OriginalId(original)), Some(node));
            assert_eq!(nodes.original(node), OriginalId(original));
        }
        for absent in [1, 8, 51, u64::MAX - 1] {
            assert_eq!(nodes.find(OriginalId(absent)), None);
        }
    }
}
