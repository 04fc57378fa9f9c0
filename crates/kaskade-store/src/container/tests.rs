use std::fs;
use std::ops::Range;
use std::path::Path;

use kaskade_model::NodeRange;

use super::layout::{BLOCK_BYTES, ENTRY_BYTES, HEADER_BYTES, Header, SectionEntry, padded};
use super::*;
use crate::durable::Flusher;
use crate::error::StoreError;
use crate::opening::{Load, Meter};

/// Makes all checksums of a damaged file right again, as someone who knows the format can.
/// Leaves the file alone where its section table cannot be followed.
pub(crate) fn reseal(bytes: &mut [u8]) {
    let Some(head) = bytes.get(..HEADER_BYTES) else { return };
    let mut header: Header = bytemuck::pod_read_unaligned(head);
    let table_end = HEADER_BYTES.saturating_add(ENTRY_BYTES * header.n_sections as usize);
    let Some(entries) = bytes.get(HEADER_BYTES..table_end) else { return };
    let entries: Vec<SectionEntry> =
        entries.chunks_exact(ENTRY_BYTES).map(bytemuck::pod_read_unaligned).collect();
    let mut checksums = Vec::new();
    for entry in &entries {
        let end = padded(entry.length_bytes).and_then(|length| entry.offset.checked_add(length));
        let Some(end) = end.filter(|&end| end <= bytes.len() as u64) else { break };
        let section = &bytes[entry.offset as usize..end as usize];
        checksums.extend(section.chunks(BLOCK_BYTES as usize).map(crc32c::crc32c));
    }
    let table_bytes = size_of_val(&checksums[..]);
    if checksums.len() == header.n_blocks as usize && table_bytes <= bytes.len() {
        let begin = bytes.len() - table_bytes;
        bytes[begin..].copy_from_slice(bytemuck::cast_slice(&checksums));
        header.table_checksum = crc32c::crc32c(&bytes[begin..]);
    }
    header.header_checksum = 0;
    bytes[..HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(&header));
    let head_bytes = (table_end.next_multiple_of(64)).min(bytes.len());
    header.header_checksum = crc32c::crc32c(&bytes[..head_bytes]);
    bytes[..HEADER_BYTES].copy_from_slice(bytemuck::bytes_of(&header));
}

/// The sections of a sound file: number and place of each.
pub(crate) fn sections(bytes: &[u8]) -> Vec<(u32, Range<usize>)> {
    let header: Header = bytemuck::pod_read_unaligned(&bytes[..HEADER_BYTES]);
    let entries = bytes[HEADER_BYTES..].chunks_exact(ENTRY_BYTES).take(header.n_sections as usize);
    let place = |entry: SectionEntry| {
        (entry.tag, entry.offset as usize..(entry.offset + entry.length_bytes) as usize)
    };
    entries.map(bytemuck::pod_read_unaligned).map(place).collect()
}

const SHAPE: Shape =
    Shape { kind: FileKind::Shard, n_nodes: 9, n_arcs: 3, nodes: NodeRange { begin: 2, end: 5 } };

fn write(path: &Path, shape: Shape, sections: &[SectionData<'_>]) -> WrittenFile {
    let flusher = Flusher::start(path).unwrap();
    let file = write_container(path, shape, sections, &flusher).unwrap();
    flusher.finish().unwrap();
    file
}

#[test]
fn sections_return() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    // More than one block, and one that ends inside a block.
    let degrees: Vec<u32> = (0..40_000).collect();
    let offsets = [7u64, 8, 9];
    let sections = [
        SectionData::new(Tag::InDegrees, &degrees),
        SectionData::new::<u32>(Tag::OutTargets, &[]),
        SectionData::new(Tag::InOffsets, &offsets),
    ];
    let written = write(&path, SHAPE, &sections);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, written.file_bytes);
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), written.digest);

    let container = Container::open(&path, FileKind::Shard, Load::Mmap).unwrap();
    assert_eq!(container.shape(), SHAPE);
    assert_eq!(container.header_checksum(), written.header_checksum);
    container.check_blocks(&Meter::new(0, &|_, _| {})).unwrap();
    assert_eq!(*container.required::<u32>(Tag::InDegrees, 40_000).unwrap(), degrees);
    assert_eq!(*container.required::<u64>(Tag::InOffsets, 3).unwrap(), offsets);
    assert!(container.section::<u32>(Tag::OutTargets).unwrap().unwrap().is_empty());
    assert!(container.section::<u32>(Tag::InSources).unwrap().is_none());
    assert!(container.required::<u32>(Tag::InSources, 0).is_err());
    assert!(container.required::<u64>(Tag::InOffsets, 4).is_err());
    assert!(container.section::<u32>(Tag::InOffsets).is_err(), "of other elements");
    assert!(Container::open(&path, FileKind::Nodes, Load::Mmap).is_err(), "of another kind");
}

#[test]
fn the_layout_is_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let sections = [
        SectionData::new(Tag::InDegrees, &[1u32, 2, 3]),
        SectionData::new(Tag::InOffsets, &[4u64]),
    ];
    write(&path, SHAPE, &sections);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[..16], b"KASKADE\0\x03\0\0\0\x02\0\0\0");
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!((number(16), number(24)), (9, 3));
    assert_eq!(number(32), 2 | 5 << 32);
    assert_eq!((number(40), bytes.len()), (264, 264));
    assert_eq!(number(48), 2 | 2 << 32, "two sections, two blocks");
    assert_eq!((number(64), number(72), number(80)), (4 | 4 << 32, 128, 12));
    assert_eq!((number(88), number(96), number(104)), (32 | 8 << 32, 192, 8));
    assert_eq!((number(128), number(136), number(192)), (1 | 2 << 32, 3, 4));
    let table: Vec<u8> = [&bytes[128..192], &bytes[192..256]]
        .iter()
        .flat_map(|block| crc32c::crc32c(block).to_le_bytes())
        .collect();
    assert_eq!(bytes[256..], table);
}

#[test]
fn a_resealed_file_is_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let degrees: Vec<u32> = (0..40_000).collect();
    write(&path, SHAPE, &[SectionData::new(Tag::InDegrees, &degrees)]);
    let bytes = fs::read(&path).unwrap();
    let mut resealed = bytes.clone();
    reseal(&mut resealed);
    assert_eq!(resealed, bytes);
}

#[test]
fn each_flaw_has_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let degrees = vec![1u32; 40_000];
    write(&path, SHAPE, &[SectionData::new(Tag::InDegrees, &degrees)]);
    let sound = fs::read(&path).unwrap();
    let open = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = sound.clone();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let container = Container::open(&path, FileKind::Shard, Load::Mmap)?;
        container.check_blocks(&Meter::new(0, &|_, _| {}))
    };
    open(&|_| {}).unwrap();
    let error = open(&|bytes| bytes[0] = b'L').unwrap_err();
    assert!(matches!(error, StoreError::WrongMagic { .. }), "{error}");
    let error = open(&|bytes| bytes[8] = 2).unwrap_err();
    assert!(matches!(error, StoreError::UnsupportedVersion { found: 2, .. }), "{error}");
    assert!(error.to_string().contains("kaskade graph build"), "{error}");
    let error = open(&|bytes| bytes.truncate(1000)).unwrap_err();
    assert!(matches!(error, StoreError::Truncated { found_bytes: 1000, .. }), "{error}");
    let error = open(&|bytes| bytes.push(0)).unwrap_err();
    assert!(matches!(error, StoreError::Malformed { section: "length", .. }), "{error}");
    let error = open(&|bytes| bytes[24] ^= 1).unwrap_err();
    assert!(matches!(error, StoreError::Checksum { section: "header", .. }), "{error}");
    let error = open(&|bytes| bytes[128 + 70_000] ^= 1).unwrap_err();
    let StoreError::Checksum { section: "in-degrees", begin, end, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((begin, end), (128 + 65_536, 128 + 131_072), "the second block");
    let error = open(&|bytes| *bytes.last_mut().unwrap() ^= 1).unwrap_err();
    assert!(matches!(error, StoreError::Checksum { section: "block checksums", .. }), "{error}");
    assert!(error.is_corrupt());
}

#[test]
fn lying_headers_are_refused_without_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let sections =
        [SectionData::new(Tag::InDegrees, &[1u32; 50]), SectionData::new(Tag::InOffsets, &[4u64])];
    write(&path, SHAPE, &sections);
    let sound = fs::read(&path).unwrap();
    let n_numbers = (HEADER_BYTES + 2 * ENTRY_BYTES) / 4;
    let mut n_refused = 0;
    for lie in [1, 2, 63, 64, 1 << 16, u32::MAX / 2, u32::MAX - 63, u32::MAX] {
        for number in 2..n_numbers {
            let mut bytes = sound.clone();
            bytes[4 * number..4 * number + 4].copy_from_slice(&u32::to_le_bytes(lie));
            reseal(&mut bytes);
            fs::write(&path, &bytes).unwrap();
            match Container::open(&path, FileKind::Shard, Load::Mmap) {
                Ok(container) => {
                    // A lie about counts is for the reader of the sections to see.
                    let _ = container.required::<u32>(Tag::InDegrees, 50);
                    let _ = container.required::<u64>(Tag::InOffsets, 1);
                    container.check_blocks(&Meter::new(0, &|_, _| {})).unwrap();
                }
                Err(_) => n_refused += 1,
            }
        }
    }
    assert!(n_refused > 100, "only {n_refused} refused");
}
