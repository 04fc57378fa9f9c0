//! The in-view of a mapped shard: for every own node, its sources.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::gaps;
use crate::container::{Container, Tag};
use crate::error::StoreError;
use crate::mmap::MappedSlice;

/// Own nodes that share an [`InBlock`].
pub(super) const IN_BLOCK_NODES: usize = 16;

#[derive(Debug)]
pub(super) struct MappedInView {
    pub(super) sources: MappedSources,
    pub(super) cumulative_weights: Option<MappedSlice<u32>>,
}

#[derive(Debug)]
pub(super) enum MappedSources {
    Plain {
        /// Where the arcs of each own node begin; and the number of arcs.
        offsets: MappedSlice<u64>,
        sources: MappedSlice<u32>,
    },
    Coded {
        blocks: MappedSlice<InBlock>,
        bytes: MappedSlice<u8>,
    },
}

/// What came before a block of [`IN_BLOCK_NODES`] own nodes. Inside of it the in-degrees, a
/// cache line of them, say how many sources come before a node's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct InBlock {
    /// Arcs into the own nodes before the block.
    pub(super) arc_base: u64,
    /// Bytes of their sources.
    pub(super) byte_base: u64,
}

impl MappedInView {
    pub(super) fn open(container: &Container) -> Result<Option<Self>, StoreError> {
        let shape = container.shape();
        let n_own = shape.nodes.n_nodes();
        let sources = if container.has(Tag::InSourceBytes) {
            MappedSources::Coded {
                blocks: container.required(Tag::InBlocks, n_own.div_ceil(IN_BLOCK_NODES) as u64)?,
                bytes: container.required_any(Tag::InSourceBytes)?,
            }
        } else if container.has(Tag::InOffsets) {
            MappedSources::Plain {
                offsets: container.required(Tag::InOffsets, n_own as u64 + 1)?,
                sources: container.required(Tag::InSources, shape.n_arcs)?,
            }
        } else {
            return Ok(None);
        };
        let has_weights = container.has(Tag::CumulativeWeights);
        let cumulative_weights = has_weights
            .then(|| container.required(Tag::CumulativeWeights, shape.n_arcs))
            .transpose()?;
        Ok(Some(Self { sources, cumulative_weights }))
    }

    /// The positions of the arcs into the own node at `node_idx`; `in_degrees` are those of all
    /// own nodes.
    #[inline]
    pub(super) fn arcs_of(&self, in_degrees: &[u32], node_idx: u32) -> Range<usize> {
        let node_idx = node_idx as usize;
        match &self.sources {
            MappedSources::Plain { offsets, .. } => {
                offsets[node_idx] as usize..offsets[node_idx + 1] as usize
            }
            MappedSources::Coded { blocks, .. } => {
                let block = blocks[node_idx / IN_BLOCK_NODES];
                let begin = block.arc_base as usize + n_before(in_degrees, node_idx);
                begin..begin + in_degrees[node_idx] as usize
            }
        }
    }

    /// The sources of the own node at `node_idx`; where they are coded they are decoded into
    /// `scratch`.
    #[inline]
    pub(super) fn sources_of<'a>(
        &'a self,
        in_degrees: &[u32],
        node_idx: u32,
        scratch: &'a mut Vec<u32>,
    ) -> &'a [u32] {
        match &self.sources {
            MappedSources::Plain { sources, .. } => &sources[self.arcs_of(in_degrees, node_idx)],
            MappedSources::Coded { blocks, bytes } => {
                let node_idx = node_idx as usize;
                let block = blocks[node_idx / IN_BLOCK_NODES];
                let bytes = &bytes[block.byte_base as usize..];
                let begin = gaps::skip(bytes, n_before(in_degrees, node_idx));
                gaps::decode(&bytes[begin..], in_degrees[node_idx] as usize, scratch);
                scratch
            }
        }
    }
}

/// Arcs into the own nodes of the block of `node_idx` before it.
#[inline]
fn n_before(in_degrees: &[u32], node_idx: usize) -> usize {
    let begin = node_idx - node_idx % IN_BLOCK_NODES;
    in_degrees[begin..node_idx].iter().map(|&degree| degree as usize).sum()
}
