//! The format that all binary files share: a header, sections of plain old data, and a
//! checksum per block of them (`docs/format.md`, "Container").
//!
//! The layout is canonical: sections follow each other in the order of the table, each
//! padded to 64 bytes, then comes the table of block checksums, then the end. So a
//! reader computes where everything must lie and compares, and every byte of the file
//! is covered by a checksum.

mod layout;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub(crate) use layout::{FileKind, Shape, Tag};
pub(crate) use read::Container;
pub(crate) use write::{SectionData, WrittenFile, write_container};
