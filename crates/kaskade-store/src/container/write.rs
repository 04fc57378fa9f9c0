//! Writing a binary file.

use std::io::{self, Write};
use std::path::Path;

use bytemuck::Pod;
use rayon::prelude::*;

use super::layout::{
    ALIGNMENT, BLOCK_BYTES, HEADER_BYTES, Header, MAGIC, Placement, SectionEntry, Shape, Tag,
    padded,
};
use crate::durable::{self, Flusher};
use crate::error::StoreError;

/// A section to be written.
pub(crate) struct SectionData<'a> {
    number: u32,
    element_bytes: usize,
    bytes: &'a [u8],
}

impl<'a> SectionData<'a> {
    pub(crate) fn new<T: Pod>(tag: Tag, elements: &'a [T]) -> Self {
        Self::of_column(tag, 0, elements)
    }

    /// The section of the column at `place`, in a file that has several of a tag.
    pub(crate) fn of_column<T: Pod>(tag: Tag, place: u16, elements: &'a [T]) -> Self {
        let number = tag.of_column(place);
        Self { number, element_bytes: size_of::<T>(), bytes: bytemuck::cast_slice(elements) }
    }
}

/// What is known of a file once it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenFile {
    pub(crate) file_bytes: u64,
    /// Blake3 of all bytes, in hex.
    pub(crate) digest: String,
    /// The header's checksum, which covers the checksums of all other bytes.
    pub(crate) header_checksum: u32,
}

/// Writes a file so that it is there whole or not at all, once `flusher` has finished.
pub(crate) fn write_container(
    path: &Path,
    shape: Shape,
    sections: &[SectionData<'_>],
    flusher: &Flusher,
) -> Result<WrittenFile, StoreError> {
    let placement = Placement::of(sections.iter().map(|section| section.bytes.len() as u64))
        .ok_or_else(|| StoreError::invalid_input(path.display(), "it has more than 2^48 bytes"))?;
    let block_checksums: Vec<u32> =
        sections.iter().flat_map(|section| section_checksums(section.bytes)).collect();
    let (head, header_checksum) = head(shape, sections, &placement, &block_checksums);

    durable::write_file_with(path, flusher, |file| {
        let mut writer = HashingWriter { file, hasher: blake3::Hasher::new() };
        writer.write_all(&head)?;
        for section in sections {
            writer.write_all(section.bytes)?;
            writer.write_all(padding(section.bytes.len()))?;
        }
        writer.write_all(bytemuck::cast_slice(&block_checksums))?;
        Ok(WrittenFile {
            file_bytes: placement.file_bytes,
            digest: writer.hasher.finalize().to_hex().to_string(),
            header_checksum,
        })
    })
}

/// The checksums of a section's blocks, the last one with its padding.
fn section_checksums(bytes: &[u8]) -> Vec<u32> {
    let blocks = bytes.par_chunks(BLOCK_BYTES as usize);
    blocks.map(|block| crc32c::crc32c_append(crc32c::crc32c(block), padding(block.len()))).collect()
}

/// The zeros that follow `length` bytes of a section.
fn padding(length: usize) -> &'static [u8] {
    const ZEROS: [u8; ALIGNMENT as usize] = [0; ALIGNMENT as usize];
    &ZEROS[..length.next_multiple_of(ALIGNMENT as usize) - length]
}

/// The header and the section table, padded, with their checksum.
fn head(
    shape: Shape,
    sections: &[SectionData<'_>],
    placement: &Placement,
    block_checksums: &[u32],
) -> (Vec<u8>, u32) {
    let entries: Vec<SectionEntry> = sections
        .iter()
        .zip(&placement.section_offsets)
        .map(|(section, &offset)| SectionEntry {
            tag: section.number,
            element_bytes: section.element_bytes as u32,
            offset,
            length_bytes: section.bytes.len() as u64,
        })
        .collect();
    let mut header = Header {
        magic: MAGIC,
        format_version: crate::FORMAT_VERSION,
        kind: shape.kind as u32,
        n_nodes: shape.n_nodes.into(),
        n_arcs: shape.n_arcs,
        node_begin: shape.nodes.begin,
        node_end: shape.nodes.end,
        file_bytes: placement.file_bytes,
        n_sections: entries.len() as u32,
        n_blocks: placement.n_blocks,
        table_checksum: crc32c::crc32c(bytemuck::cast_slice(block_checksums)),
        header_checksum: 0,
    };
    let mut head = bytemuck::bytes_of(&header).to_vec();
    head.extend_from_slice(bytemuck::cast_slice(&entries));
    let head_bytes = padded(head.len() as u64).expect("a few sections are a few bytes");
    head.resize(head_bytes as usize, 0);
    header.header_checksum = crc32c::crc32c(&head);
    head[..HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(&header));
    (head, header.header_checksum)
}

/// Digests what it passes on.
struct HashingWriter<'a, W> {
    file: &'a mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for HashingWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Pieces, so that what is hashed is still in the cache.
        const PIECE_BYTES: usize = 1 << 20;
        let written = self.file.write(&bytes[..bytes.len().min(PIECE_BYTES)])?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
