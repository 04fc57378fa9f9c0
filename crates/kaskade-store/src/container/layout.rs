//! The bytes of a header.

use bytemuck::{Pod, Zeroable};
use kaskade_model::NodeRange;

/// The first bytes of every binary file.
pub(super) const MAGIC: [u8; 8] = *b"KASKADE\0";

/// Every section begins at a multiple of this.
pub(super) const ALIGNMENT: u64 = 64;

/// Bytes of a section that share a checksum.
pub(super) const BLOCK_BYTES: u64 = 64 << 10;

/// More sections than any version writes: bounds what a header can ask a reader to look at.
pub(super) const MAX_SECTIONS: u32 = 1024;

/// What a binary file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum FileKind {
    /// The id map and the degrees of all nodes.
    Nodes = 1,
    /// The arcs that end in a range of nodes.
    Shard = 2,
    /// The columns of all nodes.
    Attributes = 3,
}

impl FileKind {
    pub(super) fn from_number(number: u32) -> Option<Self> {
        [Self::Nodes, Self::Shard, Self::Attributes].into_iter().find(|&kind| kind as u32 == number)
    }

    /// The kind in messages and in `docs/format.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Shard => "shard",
            Self::Attributes => "attributes",
        }
    }
}

/// What a section holds. Numbers are part of the format; a reader skips those it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Tag {
    Originals = 1,
    ByOriginal = 2,
    OutDegrees = 3,
    InDegrees = 4,
    NameEnds = 5,
    NameBytes = 6,
    SourceBitmap = 16,
    SourceBlocks = 17,
    OutEnds = 18,
    OutTargets = 19,
    OutByteBases = 20,
    OutByteEnds = 21,
    OutTargetBytes = 22,
    FirstRanks = 23,
    InOffsets = 32,
    InSources = 33,
    InRanks = 34,
    InBlocks = 35,
    InSourceBytes = 36,
    ArcThresholds = 48,
    CumulativeWeights = 49,
    ArcChannels = 50,
    CategoryCodes = 64,
    CategoryEnds = 65,
    CategoryBytes = 66,
    Numbers = 67,
    Bools = 68,
}

impl Tag {
    const ALL: [Self; 27] = [
        Self::Originals,
        Self::ByOriginal,
        Self::OutDegrees,
        Self::InDegrees,
        Self::NameEnds,
        Self::NameBytes,
        Self::SourceBitmap,
        Self::SourceBlocks,
        Self::OutEnds,
        Self::OutTargets,
        Self::OutByteBases,
        Self::OutByteEnds,
        Self::OutTargetBytes,
        Self::FirstRanks,
        Self::InOffsets,
        Self::InSources,
        Self::InRanks,
        Self::InBlocks,
        Self::InSourceBytes,
        Self::ArcThresholds,
        Self::CumulativeWeights,
        Self::ArcChannels,
        Self::CategoryCodes,
        Self::CategoryEnds,
        Self::CategoryBytes,
        Self::Numbers,
        Self::Bools,
    ];

    /// The section's name in messages and in `docs/format.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Originals => "originals",
            Self::ByOriginal => "by-original",
            Self::OutDegrees => "out-degrees",
            Self::InDegrees => "in-degrees",
            Self::NameEnds => "name-ends",
            Self::NameBytes => "name-bytes",
            Self::SourceBitmap => "source-bitmap",
            Self::SourceBlocks => "source-blocks",
            Self::OutEnds => "out-ends",
            Self::OutTargets => "out-targets",
            Self::OutByteBases => "out-byte-bases",
            Self::OutByteEnds => "out-byte-ends",
            Self::OutTargetBytes => "out-target-bytes",
            Self::FirstRanks => "first-ranks",
            Self::InOffsets => "in-offsets",
            Self::InSources => "in-sources",
            Self::InRanks => "in-ranks",
            Self::InBlocks => "in-blocks",
            Self::InSourceBytes => "in-source-bytes",
            Self::ArcThresholds => "arc-thresholds",
            Self::CumulativeWeights => "cumulative-weights",
            Self::ArcChannels => "arc-channels",
            Self::CategoryCodes => "category-codes",
            Self::CategoryEnds => "category-ends",
            Self::CategoryBytes => "category-bytes",
            Self::Numbers => "numbers",
            Self::Bools => "bools",
        }
    }

    /// The number of the section that holds this for the column at `place`: the place stands
    /// in the upper 16 bits, and is 0 where there are no columns.
    pub(crate) fn of_column(self, place: u16) -> u32 {
        self as u32 | u32::from(place) << PLACE_SHIFT
    }

    /// The name of the section numbered `number`.
    pub(super) fn name_of(number: u32) -> &'static str {
        let known = Self::ALL.into_iter().find(|&tag| tag as u32 == number & TAG_MASK);
        known.map_or("a section of a later version", Self::name)
    }
}

/// A section's number is a tag and, above it, the place of a column.
const PLACE_SHIFT: u32 = 16;
const TAG_MASK: u32 = (1 << PLACE_SHIFT) - 1;

/// The first 64 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) format_version: u32,
    pub(super) kind: u32,
    pub(super) n_nodes: u64,
    pub(super) n_arcs: u64,
    pub(super) node_begin: u32,
    pub(super) node_end: u32,
    pub(super) file_bytes: u64,
    pub(super) n_sections: u32,
    pub(super) n_blocks: u32,
    /// Of the table of block checksums.
    pub(super) table_checksum: u32,
    /// Of the header and the section table up to the first section, this field zero.
    pub(super) header_checksum: u32,
}

/// A row of the section table, which follows the header.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SectionEntry {
    pub(super) tag: u32,
    pub(super) element_bytes: u32,
    pub(super) offset: u64,
    pub(super) length_bytes: u64,
}

pub(super) const HEADER_BYTES: usize = size_of::<Header>();
pub(super) const ENTRY_BYTES: usize = size_of::<SectionEntry>();

/// What a header says of the graph and of the file's part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: FileKind,
    /// Nodes of the whole graph.
    pub(crate) n_nodes: u32,
    /// Arcs that the file is about.
    pub(crate) n_arcs: u64,
    /// The nodes that the file is about.
    pub(crate) nodes: NodeRange,
}

/// Where a file's parts lie, as its section lengths alone decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) section_offsets: Vec<u64>,
    pub(super) table_offset: u64,
    pub(super) n_blocks: u32,
    pub(super) file_bytes: u64,
}

impl Placement {
    /// Places sections of these lengths; `None` when offsets or blocks overflow.
    pub(super) fn of(lengths: impl ExactSizeIterator<Item = u64>) -> Option<Self> {
        let head_bytes = HEADER_BYTES + ENTRY_BYTES * lengths.len();
        let mut offset = padded(head_bytes as u64)?;
        let mut n_blocks = 0u64;
        let mut section_offsets = Vec::with_capacity(lengths.len());
        for length in lengths {
            section_offsets.push(offset);
            let padded_bytes = padded(length)?;
            offset = offset.checked_add(padded_bytes)?;
            n_blocks = n_blocks.checked_add(padded_bytes.div_ceil(BLOCK_BYTES))?;
        }
        Some(Self {
            section_offsets,
            table_offset: offset,
            n_blocks: u32::try_from(n_blocks).ok()?,
            file_bytes: offset.checked_add(n_blocks * size_of::<u32>() as u64)?,
        })
    }
}

/// `length` rounded up to the alignment.
pub(super) fn padded(length: u64) -> Option<u64> {
    length.checked_next_multiple_of(ALIGNMENT)
}
