//! Reading a binary file: nothing is lent before its place was checked.

use std::path::{Path, PathBuf};

use bytemuck::Pod;
use kaskade_model::NodeRange;
use rayon::prelude::*;

use super::layout::{
    BLOCK_BYTES, ENTRY_BYTES, FileKind, HEADER_BYTES, Header, MAGIC, MAX_SECTIONS, Placement,
    SectionEntry, Shape, Tag, padded,
};
use crate::FORMAT_VERSION;
use crate::error::StoreError;
use crate::mmap::{MappedSlice, Mapping};
use crate::opening::{Load, Meter};

/// An opened file whose header, section table and table of checksums are sound. The
/// sections themselves are not looked at before [`Container::check_blocks`].
#[derive(Debug)]
pub(crate) struct Container {
    path: PathBuf,
    mapping: Mapping,
    header: Header,
    shape: Shape,
    sections: Vec<SectionEntry>,
}

impl Container {
    /// Maps the file at `path`, which must be of `kind`, and checks all but its sections'
    /// contents. O(sections + blocks).
    pub(crate) fn open(path: &Path, kind: FileKind, load: Load) -> Result<Self, StoreError> {
        let container = Self::open_any(path, load)?;
        if container.shape.kind != kind {
            let (expected, found) = (kind.name(), container.shape.kind.name());
            return Err(StoreError::malformed(path, HEADER, expected, found));
        }
        Ok(container)
    }

    /// As [`Container::open`], whatever the file holds.
    pub(crate) fn open_any(path: &Path, load: Load) -> Result<Self, StoreError> {
        let mapping = Mapping::open(path, load)?;
        let bytes = mapping.bytes();
        let header = read_header(path, bytes)?;
        let sections = read_section_table(path, bytes, &header)?;
        let shape = read_shape(path, &header)?;
        check_placement(path, bytes.len() as u64, &header, &sections)?;
        let container = Self { path: path.to_owned(), mapping, header, shape, sections };
        container.check_table()?;
        Ok(container)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.mapping.bytes()
    }

    /// The header's checksum: it covers the checksums of all other bytes, so two files that
    /// share it are the same but for damage or malice.
    pub(crate) fn header_checksum(&self) -> u32 {
        self.header.header_checksum
    }

    /// Name, element size, offset and length of every section, the last three in bytes.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&'static str, u32, u64, u64)> + '_ {
        self.sections.iter().map(|entry| {
            (Tag::name_of(entry.tag), entry.element_bytes, entry.offset, entry.length_bytes)
        })
    }

    /// The section of `tag`, if the file has one.
    pub(crate) fn section<T: Pod>(&self, tag: Tag) -> Result<Option<MappedSlice<T>>, StoreError> {
        self.section_of(tag, 0)
    }

    /// The section of `tag` for the column at `place`, if the file has one.
    pub(crate) fn section_of<T: Pod>(
        &self,
        tag: Tag,
        place: u16,
    ) -> Result<Option<MappedSlice<T>>, StoreError> {
        let number = tag.of_column(place);
        let Some(entry) = self.sections.iter().find(|entry| entry.tag == number) else {
            return Ok(None);
        };
        if entry.element_bytes as usize != size_of::<T>() {
            let expected = format!("elements of {} bytes", size_of::<T>());
            return Err(self.malformed(tag, expected, entry.element_bytes));
        }
        let begin = entry.offset as usize;
        let slice = self.mapping.slice(begin..begin + entry.length_bytes as usize);
        let slice = slice.ok_or_else(|| {
            self.malformed(tag, "a whole number of aligned elements", entry.length_bytes)
        })?;
        Ok(Some(slice))
    }

    /// The section of `tag` with `n_elements` elements; without it the file is malformed.
    pub(crate) fn required<T: Pod>(
        &self,
        tag: Tag,
        n_elements: u64,
    ) -> Result<MappedSlice<T>, StoreError> {
        self.required_of(tag, 0, n_elements)
    }

    /// As [`Container::required`], for the column at `place`.
    pub(crate) fn required_of<T: Pod>(
        &self,
        tag: Tag,
        place: u16,
        n_elements: u64,
    ) -> Result<MappedSlice<T>, StoreError> {
        let expected = || format!("{n_elements} elements");
        match self.section_of::<T>(tag, place)? {
            Some(slice) if slice.len() as u64 == n_elements => Ok(slice),
            Some(slice) => Err(self.malformed(tag, expected(), slice.len())),
            None => Err(self.malformed(tag, expected(), "no such section")),
        }
    }

    /// The section of `tag`, of whatever length; without it the file is malformed.
    pub(crate) fn required_any<T: Pod>(&self, tag: Tag) -> Result<MappedSlice<T>, StoreError> {
        let section = self.section(tag)?;
        section.ok_or_else(|| self.malformed(tag, "a section", "no such section"))
    }

    /// The size of an element of the section of `tag`, if the file has one.
    pub(crate) fn element_bytes(&self, tag: Tag) -> Option<u32> {
        let entry = self.sections.iter().find(|entry| entry.tag == tag as u32);
        entry.map(|entry| entry.element_bytes)
    }

    /// Whether the file has a section of `tag`.
    pub(crate) fn has(&self, tag: Tag) -> bool {
        self.sections.iter().any(|entry| entry.tag == tag as u32)
    }

    /// Compares every byte of every section with its checksum, in parallel.
    pub(crate) fn check_blocks(&self, meter: &Meter<'_>) -> Result<(), StoreError> {
        let mut expected = self.block_checksums();
        for entry in &self.sections {
            let section = self.padded_bytes(entry);
            let (own, rest) = expected.split_at(section.len().div_ceil(BLOCK_BYTES as usize));
            expected = rest;
            section.par_chunks(BLOCK_BYTES as usize).zip(own).enumerate().try_for_each(
                |(block, (bytes, &expected))| {
                    let begin = entry.offset + block as u64 * BLOCK_BYTES;
                    self.check_bytes(Tag::name_of(entry.tag), begin, bytes, expected)?;
                    meter.add(bytes.len() as u64);
                    Ok(())
                },
            )?;
        }
        Ok(())
    }

    /// Compares the digest of the whole file with the one on record, in parallel.
    pub(crate) fn check_digest(&self, expected: &str) -> Result<(), StoreError> {
        let found = blake3::Hasher::new().update_rayon(self.bytes()).finalize().to_hex();
        if *found == *expected {
            return Ok(());
        }
        Err(StoreError::Digest {
            path: self.path.clone(),
            what: "blake3",
            expected: expected.to_owned(),
            found: found.to_string(),
        })
    }

    /// An error about a section of this file.
    pub(crate) fn malformed(
        &self,
        tag: Tag,
        expected: impl ToString,
        found: impl ToString,
    ) -> StoreError {
        StoreError::malformed(&self.path, tag.name(), expected, found)
    }

    fn padded_bytes(&self, entry: &SectionEntry) -> &[u8] {
        let padded_bytes = padded(entry.length_bytes).expect("the placement was checked");
        let begin = entry.offset as usize;
        &self.bytes()[begin..begin + padded_bytes as usize]
    }

    /// The table at the file's end. It is aligned: sections are padded to 64 bytes.
    fn block_checksums(&self) -> &[u32] {
        let begin = self.bytes().len() - self.header.n_blocks as usize * size_of::<u32>();
        bytemuck::cast_slice(&self.bytes()[begin..])
    }

    fn check_table(&self) -> Result<(), StoreError> {
        let table: &[u8] = bytemuck::cast_slice(self.block_checksums());
        let begin = self.header.file_bytes - table.len() as u64;
        self.check_bytes("block checksums", begin, table, self.header.table_checksum)
    }

    fn check_bytes(
        &self,
        section: &'static str,
        begin: u64,
        bytes: &[u8],
        expected: u32,
    ) -> Result<(), StoreError> {
        let found = crc32c::crc32c(bytes);
        if found == expected {
            return Ok(());
        }
        let end = begin + bytes.len() as u64;
        Err(StoreError::Checksum { path: self.path.clone(), section, begin, end, expected, found })
    }
}

fn read_header(path: &Path, bytes: &[u8]) -> Result<Header, StoreError> {
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        return Err(StoreError::WrongMagic { path: path.to_owned(), found: magic.to_vec() });
    }
    let header: Header = bytemuck::pod_read_unaligned(
        bytes.get(..HEADER_BYTES).ok_or_else(|| truncated(path, HEADER_BYTES as u64, bytes))?,
    );
    if header.format_version != FORMAT_VERSION {
        return Err(StoreError::UnsupportedVersion {
            path: path.to_owned(),
            found: header.format_version.into(),
            supported: FORMAT_VERSION,
        });
    }
    Ok(header)
}

/// The section table of a header, once their common checksum is right.
fn read_section_table(
    path: &Path,
    bytes: &[u8],
    header: &Header,
) -> Result<Vec<SectionEntry>, StoreError> {
    if header.n_sections > MAX_SECTIONS {
        let expected = format!("at most {MAX_SECTIONS} sections");
        return Err(StoreError::malformed(path, HEADER, expected, header.n_sections));
    }
    let table_end = HEADER_BYTES + ENTRY_BYTES * header.n_sections as usize;
    let head_bytes = padded(table_end as u64).expect("a few sections are a few bytes");
    let head = bytes
        .get(..head_bytes as usize)
        .ok_or_else(|| truncated(path, head_bytes.max(header.file_bytes), bytes))?;

    let unsealed = Header { header_checksum: 0, ..*header };
    let found =
        crc32c::crc32c_append(crc32c::crc32c(bytemuck::bytes_of(&unsealed)), &head[HEADER_BYTES..]);
    if found != header.header_checksum {
        return Err(StoreError::Checksum {
            path: path.to_owned(),
            section: HEADER,
            begin: 0,
            end: head_bytes,
            expected: header.header_checksum,
            found,
        });
    }
    if (bytes.len() as u64) < header.file_bytes {
        return Err(truncated(path, header.file_bytes, bytes));
    }
    let entries = head[HEADER_BYTES..table_end].chunks_exact(ENTRY_BYTES);
    Ok(entries.map(bytemuck::pod_read_unaligned).collect())
}

fn read_shape(path: &Path, header: &Header) -> Result<Shape, StoreError> {
    let invalid =
        |expected: &str, found: String| Err(StoreError::malformed(path, HEADER, expected, found));
    let Some(kind) = FileKind::from_number(header.kind) else {
        return invalid("a known kind of file", header.kind.to_string());
    };
    let Ok(n_nodes) = u32::try_from(header.n_nodes) else {
        return invalid("at most 2^32 - 1 nodes", header.n_nodes.to_string());
    };
    let nodes = NodeRange { begin: header.node_begin, end: header.node_end };
    if nodes.begin > nodes.end || nodes.end > n_nodes {
        let expected = format!("a range of the {n_nodes} nodes");
        return invalid(&expected, format!("{}..{}", nodes.begin, nodes.end));
    }
    Ok(Shape { kind, n_nodes, n_arcs: header.n_arcs, nodes })
}

/// Compares where the table says that everything lies with where it must lie.
fn check_placement(
    path: &Path,
    found_bytes: u64,
    header: &Header,
    sections: &[SectionEntry],
) -> Result<(), StoreError> {
    let placement = Placement::of(sections.iter().map(|entry| entry.length_bytes))
        .ok_or_else(|| StoreError::malformed(path, HEADER, "less than 2^48 bytes", "more"))?;
    for (entry, &expected) in sections.iter().zip(&placement.section_offsets) {
        if entry.offset != expected {
            let expected = format!("offset {expected}");
            return Err(StoreError::malformed(
                path,
                Tag::name_of(entry.tag),
                expected,
                entry.offset,
            ));
        }
    }
    let stated = (header.file_bytes, header.n_blocks);
    let expected = (placement.file_bytes, placement.n_blocks);
    if stated != expected {
        let text = |(bytes, blocks)| format!("{bytes} bytes in {blocks} blocks");
        return Err(StoreError::malformed(path, HEADER, text(expected), text(stated)));
    }
    if found_bytes != placement.file_bytes {
        let expected = format!("{} bytes in all", placement.file_bytes);
        return Err(StoreError::malformed(path, "length", expected, found_bytes));
    }
    Ok(())
}

fn truncated(path: &Path, expected_bytes: u64, bytes: &[u8]) -> StoreError {
    let found_bytes = bytes.len() as u64;
    StoreError::Truncated { path: path.to_owned(), expected_bytes, found_bytes }
}

const HEADER: &str = "header";
