//! The in-view of a compressed shard.

use super::ShardArcs;
use crate::container::{SectionData, Tag};
use crate::shard::gaps;
use crate::shard::in_view::{IN_BLOCK_NODES, InBlock};

/// The sources of all own nodes, coded.
#[derive(Debug)]
pub(super) struct CodedSources {
    blocks: Vec<InBlock>,
    bytes: Vec<u8>,
}

impl CodedSources {
    pub(super) fn new(arcs: &ShardArcs) -> Self {
        let mut blocks = Vec::with_capacity(arcs.nodes.n_nodes().div_ceil(IN_BLOCK_NODES));
        let mut bytes = Vec::with_capacity(arcs.in_sources.len());
        for (target_idx, in_arcs) in arcs.own_in_arcs() {
            if (target_idx as usize).is_multiple_of(IN_BLOCK_NODES) {
                let (arc_base, byte_base) = (in_arcs.start as u64, bytes.len() as u64);
                blocks.push(InBlock { arc_base, byte_base });
            }
            gaps::encode(&arcs.in_sources[in_arcs], &mut bytes);
        }
        Self { blocks, bytes }
    }

    pub(super) fn push_sections<'a>(&'a self, sections: &mut Vec<SectionData<'a>>) {
        sections.push(SectionData::new(Tag::InBlocks, &self.blocks));
        sections.push(SectionData::new(Tag::InSourceBytes, &self.bytes));
    }
}
