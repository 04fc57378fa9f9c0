//! What a binary file says of itself, for people (`kaskade inspect`).

use std::path::Path;

use kaskade_model::NodeRange;
use serde::Serialize;

use crate::FORMAT_VERSION;
use crate::container::Container;
use crate::error::StoreError;
use crate::opening::Load;

/// The header of a binary file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// `nodes`, `attributes` or `shard`.
    pub kind: &'static str,
    /// The version of the format.
    pub format_version: u32,
    /// Nodes of the whole graph.
    pub n_nodes: u32,
    /// Arcs that the file is about.
    pub n_arcs: u64,
    /// Nodes that the file is about.
    pub nodes: NodeRange,
    /// The length of the file.
    pub file_bytes: u64,
    /// The checksum in its header.
    pub header_checksum: u32,
    /// Its sections.
    pub sections: Vec<SectionSummary>,
}

/// A section of a binary file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionSummary {
    /// What it holds, as `docs/format.md` calls it.
    pub name: &'static str,
    /// The size of an element.
    pub element_bytes: u32,
    /// Where it begins.
    pub offset_bytes: u64,
    /// Its length without padding.
    pub length_bytes: u64,
}

/// Reads the header of the nodes file, the attributes or shard at `path`; the sections themselves are not
/// looked at. O(sections + blocks).
///
/// # Errors
/// [`StoreError`]: not found, another version, or damaged.
pub fn inspect(path: &Path) -> Result<FileSummary, StoreError> {
    let container = Container::open_any(path, Load::Mmap)?;
    let shape = container.shape();
    let sections = container.sections().map(|(name, element_bytes, offset_bytes, length_bytes)| {
        SectionSummary { name, element_bytes, offset_bytes, length_bytes }
    });
    Ok(FileSummary {
        kind: shape.kind.name(),
        format_version: FORMAT_VERSION,
        n_nodes: shape.n_nodes,
        n_arcs: shape.n_arcs,
        nodes: shape.nodes,
        file_bytes: container.bytes().len() as u64,
        header_checksum: container.header_checksum(),
        sections: sections.collect(),
    })
}

#[cfg(test)]
mod tests {
    use kaskade_model::ShardId;

    use super::*;
    use crate::tests::fixture::tiny;
    use crate::{Views, names};

    #[test]
    fn headers_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tiny.kg");
        tiny().write(&dir, 2, Views::Out).unwrap();
        let nodes = inspect(&dir.join(names::NODES)).unwrap();
        let names_of = |summary: &FileSummary| -> Vec<&'static str> {
            summary.sections.iter().map(|section| section.name).collect()
        };
        assert_eq!((nodes.kind, nodes.n_nodes, nodes.n_arcs), ("nodes", 71, 6));
        assert_eq!(names_of(&nodes), ["originals", "by-original", "out-degrees", "in-degrees"]);
        let shard = inspect(&dir.join(names::shard(ShardId(1)))).unwrap();
        assert_eq!(
            (shard.kind, shard.nodes, shard.n_arcs),
            ("shard", NodeRange { begin: 64, end: 71 }, 1)
        );
        let expected = [
            "in-degrees",
            "source-bitmap",
            "source-blocks",
            "out-ends",
            "first-ranks",
            "out-targets",
            "arc-thresholds",
        ];
        assert_eq!(names_of(&shard), expected);
        let bitmap = &shard.sections[1];
        assert_eq!((bitmap.element_bytes, bitmap.length_bytes), (8, 16));
        assert!(inspect(&dir.join(names::MANIFEST)).is_err());
    }
}
