//! The nodes of a graph: original ids and degrees, never arcs.

use std::borrow::Cow;
use std::path::Path;

use kaskade_model::seeds::NodeDirectory;
use kaskade_model::spec::OriginalId;
use kaskade_model::{NodeId, NodeRange};
use rayon::prelude::*;

use crate::attributes::AttributesEntry;
use crate::choices::IdKind;
use crate::container::{Container, FileKind, SectionData, Shape, Tag, write_container};
use crate::digest;
use crate::durable::Flusher;
use crate::error::StoreError;
use crate::manifest::FileEntry;
use crate::mmap::MappedSlice;
use crate::opening::{Load, Meter, Verify};
use crate::originals::Originals;
use crate::strings::StringsFlaw;

/// The id map and the degrees of a graph, mapped.
#[derive(Debug)]
pub struct Nodes {
    container: Container,
    ids: Ids,
    by_original: MappedSlice<u32>,
    out_degrees: MappedSlice<u32>,
    in_degrees: MappedSlice<u32>,
}

/// The original ids as they lie in the file.
#[derive(Debug)]
enum Ids {
    Numbers(MappedSlice<u64>),
    Names { ends: MappedSlice<u64>, bytes: MappedSlice<u8> },
}

impl Ids {
    /// Those of `container`: a file with the ends of names has names.
    fn of(container: &Container) -> Result<Self, StoreError> {
        let n_nodes = container.shape().n_nodes.into();
        if !container.has(Tag::NameEnds) {
            return Ok(Self::Numbers(container.required(Tag::Originals, n_nodes)?));
        }
        let bytes = container.section(Tag::NameBytes)?.ok_or_else(|| {
            container.malformed(Tag::NameBytes, "the bytes of all names", "no such section")
        })?;
        Ok(Self::Names { ends: container.required(Tag::NameEnds, n_nodes)?, bytes })
    }
}

/// What is known of the nodes once they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodesEntry {
    pub(crate) file: FileEntry,
    pub(crate) n_nodes: u32,
    pub(crate) ids: IdKind,
    pub(crate) id_map_digest: String,
    pub(crate) facts: DegreeFacts,
    pub(crate) attributes: Option<AttributesEntry>,
}

impl NodesEntry {
    /// The same nodes with the columns of `attributes`.
    #[must_use]
    pub fn with_attributes(self, attributes: AttributesEntry) -> Self {
        Self { attributes: Some(attributes), ..self }
    }
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
    pub fn originals(&self) -> Originals<'_> {
        match &self.ids {
            Ids::Numbers(numbers) => Originals::Numbers(numbers),
            Ids::Names { ends, bytes } => Originals::Names { ends, bytes },
        }
    }

    /// The node that the input called `text`, as [`NodeDirectory::find`], without an id made of
    /// it. O(log n).
    #[must_use]
    pub fn find_text(&self, text: &str) -> Option<NodeId> {
        self.at_rank(self.originals().rank_of_text(&self.by_original, text))
    }

    fn at_rank(&self, rank: Option<usize>) -> Option<NodeId> {
        rank.map(|rank| NodeId(self.by_original[rank]))
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
            ids: Ids::of(&container)?,
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
        let originals = self.originals();
        if let Some(flaw) = originals.names().and_then(|names| names.flaw()) {
            let tag = match flaw {
                StringsFlaw::Ends => Tag::NameEnds,
                StringsFlaw::Utf8 => Tag::NameBytes,
            };
            return Err(self.container.malformed(tag, flaw.expected(), "others"));
        }
        if !originals.is_sorted_by(&self.by_original) {
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
        self.originals().id(node.index())
    }

    /// O(log n).
    fn find(&self, original: &OriginalId) -> Option<NodeId> {
        self.at_rank(self.originals().rank(&self.by_original, original))
    }

    fn by_original(&self) -> &[u32] {
        &self.by_original
    }
}

/// Writes the file of the nodes at `path`. Arrays are by dense id; `by_original` is sorted out
/// where it is not given.
pub(crate) fn write_nodes(
    path: &Path,
    originals: Originals<'_>,
    by_original: Option<&[u32]>,
    out_degrees: &[u32],
    in_degrees: &[u32],
    flusher: &Flusher,
) -> Result<NodesEntry, StoreError> {
    let invalid = |reason: &str| StoreError::invalid_input("the nodes", reason);
    let Ok(n_nodes) = u32::try_from(originals.len()) else {
        return Err(invalid(&format!("{} nodes are more than 2^32 - 1", originals.len())));
    };
    let n_each =
        [out_degrees.len(), in_degrees.len(), by_original.map_or(originals.len(), <[_]>::len)];
    if n_each != [originals.len(); 3] {
        return Err(invalid("ids and degrees are not equally many"));
    }
    if let Some(flaw) = originals.names().and_then(|names| names.flaw()) {
        return Err(invalid(&format!("names need {}", flaw.expected())));
    }
    let facts = DegreeFacts::of(out_degrees, in_degrees).map_err(|sums| {
        invalid(&format!("out-degrees sum to {}, in-degrees to {}", sums.n_out, sums.n_in))
    })?;
    let by_original = match by_original {
        Some(given) => Cow::Borrowed(given),
        None => Cow::Owned(originals.sorted()),
    };
    if !originals.is_sorted_by(&by_original) {
        return Err(invalid(match by_original {
            Cow::Borrowed(_) => "the ids do not ascend in the order that is given",
            Cow::Owned(_) => "an original id occurs twice",
        }));
    }
    let shape = Shape {
        kind: FileKind::Nodes,
        n_nodes,
        n_arcs: facts.n_arcs,
        nodes: NodeRange { begin: 0, end: n_nodes },
    };
    let by_original = SectionData::new(Tag::ByOriginal, &by_original);
    let out_degrees = SectionData::new(Tag::OutDegrees, out_degrees);
    let in_degrees = SectionData::new(Tag::InDegrees, in_degrees);
    let file = match originals {
        Originals::Numbers(numbers) => {
            let numbers = SectionData::new(Tag::Originals, numbers);
            write_container(path, shape, &[numbers, by_original, out_degrees, in_degrees], flusher)?
        }
        Originals::Names { ends, bytes } => {
            let ends = SectionData::new(Tag::NameEnds, ends);
            let bytes = SectionData::new(Tag::NameBytes, bytes);
            let sections = [ends, bytes, by_original, out_degrees, in_degrees];
            write_container(path, shape, &sections, flusher)?
        }
    };
    Ok(NodesEntry {
        file: file.into(),
        n_nodes,
        ids: originals.kind(),
        id_map_digest: digest::id_map_digest(originals),
        facts,
        attributes: None,
    })
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
mod tests;
