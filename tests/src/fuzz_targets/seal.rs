//! Inputs with their checksums made right (`docs/format.md`).

/// The bytes of a header.
const HEADER_BYTES: usize = 64;

/// The bytes of a row of the section table.
const ENTRY_BYTES: usize = 24;

/// Sections begin at multiples of this.
const ALIGNMENT: usize = 64;

/// The bytes of a section that share a checksum.
const BLOCK_BYTES: usize = 64 << 10;

/// More sections than a reader looks at.
const MAX_SECTIONS: usize = 64;

const SECTIONS_AT: usize = 48;
const TABLE_CHECKSUM_AT: usize = 56;
const HEADER_CHECKSUM_AT: usize = 60;

/// `bytes` as a container with the checksums that its bytes have, as far as its own lengths lead;
/// nothing else changes.
pub(super) fn file(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    // A file that ends too early has no place for a checksum.
    let _ = seal(&mut file);
    file
}

/// Makes all checksums of `file` right; `None` where it ends before that.
fn seal(file: &mut [u8]) -> Option<()> {
    let n_sections = get_u32(file, SECTIONS_AT)? as usize;
    let entries_end = HEADER_BYTES + ENTRY_BYTES * n_sections.min(MAX_SECTIONS);
    let head_end = entries_end.next_multiple_of(ALIGNMENT);
    let mut checksums = Vec::new();
    let mut table_begin = head_end;
    for entry in (HEADER_BYTES..entries_end).step_by(ENTRY_BYTES) {
        let begin = get_u64(file, entry + 8)?;
        let end =
            begin.checked_add(get_u64(file, entry + 16)?.checked_next_multiple_of(ALIGNMENT)?)?;
        let section = file.get(begin..end)?;
        checksums.extend(section.chunks(BLOCK_BYTES).map(crc32c::crc32c));
        table_begin = end;
    }
    let table: Vec<u8> = checksums.into_iter().flat_map(u32::to_le_bytes).collect();
    file.get_mut(table_begin..)?.get_mut(..table.len())?.copy_from_slice(&table);
    put_u32(file, TABLE_CHECKSUM_AT, crc32c::crc32c(&table))?;
    put_u32(file, HEADER_CHECKSUM_AT, 0)?;
    let of_head = crc32c::crc32c(file.get(..head_end)?);
    put_u32(file, HEADER_CHECKSUM_AT, of_head)
}

fn get_u32(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

fn get_u64(file: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(*file.get(at..)?.first_chunk()?)).ok()
}

fn put_u32(file: &mut [u8], at: usize, value: u32) -> Option<()> {
    *file.get_mut(at..)?.first_chunk_mut()? = value.to_le_bytes();
    Some(())
}

/// What stands between the facts of a manifest and their digest.
const SEAL_BEFORE: &[u8] = b",\n  \"manifest_digest\": \"";

/// The manifest whose bytes before its digest are `open`, or whose end with a digest is to be
/// replaced.
pub(super) fn manifest(open: &[u8]) -> Vec<u8> {
    let seal = open.windows(SEAL_BEFORE.len()).rposition(|bytes| bytes == SEAL_BEFORE);
    let open = &open[..seal.unwrap_or(open.len())];
    let digest = blake3::hash(open).to_hex();
    [open, SEAL_BEFORE, digest.as_bytes(), b"\"\n}\n"].concat()
}
