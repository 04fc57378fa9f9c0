//! Bytes cut into blocks that can be parsed apart: at line ends, or at whole pairs.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

use super::block::Buffers;
use super::lines::MAX_LINE_BYTES;

/// Lines of text: whole ones, save that of a line without end only the beginning is kept.
pub(super) struct TextBlock {
    /// The number of the first line in its file, from 1.
    pub(super) first_line: u64,
    /// The lines.
    pub(super) bytes: Vec<u8>,
    /// The line ends among them.
    pub(super) n_line_ends: usize,
}

/// Cuts what `reader` gives at line ends.
pub(super) struct TextBlocks<'a, R> {
    reader: R,
    buffers: &'a Buffers,
    /// What was read past the last cut: less than a block.
    carry: Vec<u8>,
    next_line: u64,
    block_bytes: usize,
}

impl<'a, R: Read> TextBlocks<'a, R> {
    /// Blocks of about `block_bytes`, which is more than [`MAX_LINE_BYTES`]. A byte order
    /// mark is skipped.
    pub(super) fn new(mut reader: R, block_bytes: usize, buffers: &'a Buffers) -> io::Result<Self> {
        let carry = read_past_mark(&mut reader)?;
        Ok(Self { reader, buffers, carry, next_line: 1, block_bytes })
    }

    /// The next block; `None` at the end.
    pub(super) fn next_block(&mut self) -> io::Result<Option<TextBlock>> {
        let mut bytes = filled(self.buffers, &self.carry, self.block_bytes);
        self.carry.clear();
        let n_read = read_up_to(&mut self.reader, self.block_bytes, &mut bytes)?;
        if n_read == self.block_bytes {
            match memrchr(b'\n', &bytes) {
                Some(end) => {
                    self.carry.extend_from_slice(&bytes[end + 1..]);
                    bytes.truncate(end + 1);
                }
                None => {
                    // A byte past the limit tells the parser that the line exceeds it.
                    bytes.truncate(MAX_LINE_BYTES + 1);
                    bytes.push(b'\n');
                    self.skip_line()?;
                }
            }
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let n_line_ends = memchr_iter(b'\n', &bytes).count();
        let first_line = self.next_line;
        self.next_line += n_line_ends as u64;
        Ok(Some(TextBlock { first_line, bytes, n_line_ends }))
    }

    /// Moves past the end of the line at hand.
    fn skip_line(&mut self) -> io::Result<()> {
        let mut scratch = Vec::new();
        while read_up_to(&mut self.reader, self.block_bytes, &mut scratch)? > 0 {
            if let Some(end) = memchr(b'\n', &scratch) {
                self.carry = scratch.split_off(end + 1);
                break;
            }
            scratch.clear();
        }
        Ok(())
    }
}

/// The first bytes of a text, unless they are a byte order mark.
pub(super) fn read_past_mark(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let mut first = Vec::new();
    read_up_to(reader, BYTE_ORDER_MARK.len(), &mut first)?;
    if first == BYTE_ORDER_MARK {
        first.clear();
    }
    Ok(first)
}

/// A buffer with the bytes of `carry` and room for as many as a block has.
pub(super) fn filled(buffers: &Buffers, carry: &[u8], block_bytes: usize) -> Vec<u8> {
    let mut bytes = buffers.take();
    bytes.reserve_exact(carry.len() + block_bytes);
    bytes.extend_from_slice(carry);
    bytes
}

/// Appends up to `n_bytes` to `bytes`, fewer only at the end; gives their number.
pub(super) fn read_up_to(
    reader: &mut impl Read,
    n_bytes: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<usize> {
    reader.take(n_bytes as u64).read_to_end(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL_BLOCK: usize = MAX_LINE_BYTES + 10;

    fn blocks(text: &[u8]) -> Vec<TextBlock> {
        let buffers = Buffers::new(0);
        let mut blocks = TextBlocks::new(text, SMALL_BLOCK, &buffers).unwrap();
        std::iter::from_fn(|| blocks.next_block().unwrap()).collect()
    }

    #[test]
    fn blocks_hold_whole_lines_and_know_their_numbers() {
        let text: Vec<u8> =
            (0..40_000).flat_map(|i| format!("{i} {}\n", i + 1).into_bytes()).collect();
        let blocks = blocks(&text);
        assert!(blocks.len() > 3);
        let joined: Vec<u8> = blocks.iter().flat_map(|block| block.bytes.clone()).collect();
        assert_eq!(joined, text);
        for block in &blocks {
            let first = block.first_line - 1;
            assert!(block.bytes.starts_with(format!("{first} ").as_bytes()), "line {first}");
            assert!(block.bytes.ends_with(b"\n"));
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        assert_eq!(blocks(b"\xef\xbb\xbf1 2")[0].bytes, b"1 2");
        assert_eq!(blocks(b"\xef\xbb1 2")[0].bytes, b"\xef\xbb1 2");
        assert!(blocks(b"\xef\xbb\xbf").is_empty());
        assert!(blocks(b"").is_empty());
    }

    #[test]
    fn a_line_without_end_keeps_its_beginning_alone() {
        let mut text = b"1 2\n".to_vec();
        text.extend(vec![b'9'; 10 * SMALL_BLOCK]);
        text.extend(b"\n3 4\n");
        let blocks = blocks(&text);
        let total: usize = blocks.iter().map(|block| block.bytes.len()).sum();
        assert!(total < 3 * SMALL_BLOCK, "{total} bytes kept");
        let last = blocks.last().unwrap();
        assert_eq!((last.first_line, last.bytes.as_slice()), (3, b"3 4\n".as_slice()));
        let long = blocks.iter().find(|block| block.first_line == 2).unwrap();
        assert_eq!(long.bytes.len(), MAX_LINE_BYTES + 2);
    }
}
