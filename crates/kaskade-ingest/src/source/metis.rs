//! METIS: line i holds the neighbours of node i, from 1 on.

use std::io::{self, Read};

use memchr::{memchr, memrchr, memrchr2};

use super::block::Buffers;
use super::blocks::{filled, read_past_mark, read_up_to};
use super::classes::BlockClasses;
use super::table::parse_id;
use super::value::InputValue;
use crate::arcs::ArcChunk;
use crate::error::{BadLine, Malformed};

/// What the first line says of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MetisHeader {
    pub(super) n_nodes: u64,
    pub(super) n_edges: u64,
    /// The fields before a node's neighbours: its size and its weights.
    n_node_fields: u64,
    /// Whether a weight follows every neighbour.
    pub(super) has_weights: bool,
}

/// Reads the first line.
pub(super) fn read_header(line: &[u8]) -> Result<MetisHeader, Malformed> {
    let text = std::str::from_utf8(line).map_err(|_| Malformed::MetisHeader)?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let number = |idx: usize| match words.get(idx) {
        Some(word) => word.parse::<u64>().map(Some).map_err(|_| Malformed::MetisHeader),
        None => Ok(None),
    };
    let (Some(n_nodes), Some(n_edges)) = (number(0)?, number(1)?) else {
        return Err(Malformed::MetisHeader);
    };
    let flags = words.get(2).copied().unwrap_or("0");
    let is_binary = flags.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    if flags.len() > 3 || !is_binary || words.len() > 4 {
        return Err(Malformed::MetisHeader);
    }
    let flag = |from_end: usize| flags.bytes().rev().nth(from_end) == Some(b'1');
    let n_weights = match (flag(1), number(3)?) {
        (false, None | Some(0)) => 0,
        (true, None) => 1,
        // More would exceed the longest line.
        (true, Some(n_weights @ 1..=1000)) => n_weights,
        _ => return Err(Malformed::MetisHeader),
    };
    let n_node_fields = u64::from(flag(2)) + n_weights;
    Ok(MetisHeader { n_nodes, n_edges, n_node_fields, has_weights: flag(0) })
}

/// Some lines of a METIS file, the first and the last perhaps in part.
pub(super) struct MetisBlock {
    pub(super) bytes: Vec<u8>,
    pub(super) place: NeighboursPlace,
}

/// Cuts a METIS file at line ends, or between fields where a line is longer than a block.
pub(super) struct MetisBlocks<'a, R> {
    reader: R,
    buffers: &'a Buffers,
    carry: Vec<u8>,
    next_line: u64,
    pub(super) next_node: u64,
    n_fields_before: u64,
    block_bytes: usize,
    /// The header, once it is known; until then no line may be longer than a block.
    pub(super) header: Option<MetisHeader>,
}

impl<'a, R: Read> MetisBlocks<'a, R> {
    pub(super) fn new(mut reader: R, block_bytes: usize, buffers: &'a Buffers) -> io::Result<Self> {
        let carry = read_past_mark(&mut reader)?;
        let (next_line, next_node, n_fields_before) = (1, 0, 0);
        Ok(Self {
            reader,
            buffers,
            carry,
            next_line,
            next_node,
            n_fields_before,
            block_bytes,
            header: None,
        })
    }

    /// The next block; `None` at the end.
    ///
    /// # Errors
    /// What the reader says, and [`io::ErrorKind::InvalidData`] for a field without end.
    pub(super) fn next_block(&mut self) -> io::Result<Option<MetisBlock>> {
        let mut bytes = filled(self.buffers, &self.carry, self.block_bytes);
        self.carry.clear();
        if read_up_to(&mut self.reader, self.block_bytes, &mut bytes)? == self.block_bytes {
            let Some(cut) = memrchr(b'\n', &bytes).or_else(|| self.cut_line(&bytes)) else {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a field of line {} has no end", self.next_line),
                ));
            };
            self.carry.extend_from_slice(&bytes[cut + 1..]);
            bytes.truncate(cut + 1);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let place = NeighboursPlace {
            first_line: self.next_line,
            first_node: self.next_node,
            n_fields_before: self.n_fields_before,
        };
        self.count_lines(&bytes);
        Ok(Some(MetisBlock { bytes, place }))
    }

    /// Where to cut a line that is longer than a block: behind a neighbour and its weight.
    fn cut_line(&self, bytes: &[u8]) -> Option<usize> {
        let header = self.header?;
        let cut = memrchr2(b' ', b'\t', bytes)?;
        let n_fields = self.n_fields_before + fields(&bytes[..cut]).count() as u64;
        let n_behind_weights = n_fields.saturating_sub(header.n_node_fields);
        if header.has_weights && n_behind_weights % 2 == 1 {
            let field_end = bytes[..cut].trim_ascii_end().len();
            return memrchr2(b' ', b'\t', &bytes[..field_end]);
        }
        Some(cut)
    }

    /// Moves the numbers of line, node and field over `bytes`.
    fn count_lines(&mut self, bytes: &[u8]) {
        let mut begin = 0;
        while let Some(end) = memchr(b'\n', &bytes[begin..]) {
            self.next_line += 1;
            let is_new = self.n_fields_before == 0;
            if !(is_new && bytes[begin] == b'%') {
                self.next_node += 1;
            }
            self.n_fields_before = 0;
            begin += end + 1;
        }
        let rest = &bytes[begin..];
        if !(rest.is_empty() || self.n_fields_before == 0 && rest[0] == b'%') {
            self.n_fields_before += fields(rest).count() as u64;
        }
    }

    /// The lines of nodes, once all blocks were taken: the last need have no line end.
    pub(super) fn n_node_lines(&self) -> u64 {
        (self.next_node + u64::from(self.n_fields_before > 0)).saturating_sub(1)
    }
}

/// Where in its file a block of neighbours begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct NeighboursPlace {
    pub(super) first_line: u64,
    /// The node whose line the first one is: the number of lines before that were no comments,
    /// because the header is number 0.
    pub(super) first_node: u64,
    /// The fields of the first line that were in blocks before.
    pub(super) n_fields_before: u64,
}

/// The neighbours in a block, and what was bad about its lines, if anything: the first
/// reason with where its line begins and its number, and how many there are.
pub(super) struct Neighbours<V> {
    pub(super) chunk: ArcChunk<V>,
    pub(super) first_bad: Option<(usize, u64, BadLine)>,
    pub(super) n_bad_lines: u64,
}

/// Reads the neighbours in a block, which begins as `place` says. Weights are values where
/// `weights_count`, and passed over else.
pub(super) fn parse_neighbours<V: InputValue>(
    bytes: &[u8],
    place: NeighboursPlace,
    header: &MetisHeader,
    weights_count: bool,
    classes: &mut BlockClasses,
) -> Neighbours<V> {
    let NeighboursPlace { first_line, first_node, n_fields_before } = place;
    let chunk = ArcChunk::with_capacity(bytes.len() / 4);
    let mut found = Neighbours { chunk, first_bad: None, n_bad_lines: 0 };
    let (mut begin, mut node) = (0, first_node);
    let mut field = n_fields_before;
    for line_number in first_line.. {
        if begin == bytes.len() {
            break;
        }
        let end = memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |end| begin + end);
        let line = &bytes[begin..end];
        let is_comment = field == 0 && line.first() == Some(&b'%');
        if !is_comment {
            // Node 0 is the header.
            if node > 0 {
                let push = |id, value: Option<&[u8]>| {
                    let value = match value {
                        Some(value) if weights_count => V::field_of(value)?,
                        Some(value) => parse_weight(value).map(|()| V::Field::default())?,
                        None => V::Field::default(),
                    };
                    found.chunk.push(node, id, V::of_field(value, classes, || line_number));
                    Ok(())
                };
                let read = read_line(line, node, field, header, push);
                if let Err(reason) = read {
                    found.n_bad_lines += 1;
                    found.first_bad.get_or_insert((begin, line_number, reason));
                }
            }
            node += 1;
        }
        field = 0;
        begin = bytes.len().min(end + 1);
    }
    found.chunk.shrink_to_fit();
    found
}

/// Hands the neighbours of `node` in `line` to `push`, with their weights if they have some.
fn read_line(
    line: &[u8],
    node: u64,
    n_fields_before: u64,
    header: &MetisHeader,
    mut push: impl FnMut(u64, Option<&[u8]>) -> Result<(), BadLine>,
) -> Result<(), BadLine> {
    let out_of_range = BadLine::IdOutOfRange { first: 1, last: header.n_nodes };
    let stride = if header.has_weights { 2 } else { 1 };
    let mut waiting = None;
    for (idx, field) in (n_fields_before..).zip(fields(line)) {
        let Some(place) = idx.checked_sub(header.n_node_fields) else {
            // A size or a weight of the node.
            parse_weight(field)?;
            continue;
        };
        if place % stride == 0 {
            let id = parse_id(field)?;
            if id == 0 || id > header.n_nodes || node > header.n_nodes {
                return Err(out_of_range);
            }
            if stride == 1 {
                push(id, None)?;
            } else {
                waiting = Some(id);
            }
        } else if let Some(id) = waiting.take() {
            push(id, Some(field))?;
        }
    }
    if waiting.is_some() { Err(BadLine::MissingColumn) } else { Ok(()) }
}

fn parse_weight(field: &[u8]) -> Result<(), BadLine> {
    let text = std::str::from_utf8(field).map_err(|_| BadLine::NotAnId)?;
    text.parse::<f64>().map(|_| ()).map_err(|_| BadLine::NotAnId)
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_says_what_a_line_holds() {
        let header = |line: &str| read_header(line.as_bytes());
        let read = header("7 11").unwrap();
        assert_eq!((read.n_nodes, read.n_edges), (7, 11));
        assert_eq!((read.n_node_fields, read.has_weights), (0, false));
        let read = header("7 11 111 2").unwrap();
        assert_eq!((read.n_node_fields, read.has_weights), (3, true));
        let read = header("7 11 011\r").unwrap();
        assert_eq!((read.n_node_fields, read.has_weights), (1, true));
        assert!(!header("7 11 100").unwrap().has_weights);
        for line in ["", "7", "7 -1", "7 11 2", "7 11 1111", "7 11 001 2", "7 11 010 0", "a b"] {
            assert_eq!(header(line), Err(Malformed::MetisHeader), "{line:?}");
        }
        assert_eq!(header("7 11 010 1 1"), Err(Malformed::MetisHeader));
    }

    /// Reads `text` through blocks of `block_bytes`.
    fn read(text: &str, block_bytes: usize) -> (Vec<(u64, u64)>, u64, u64) {
        let buffers = Buffers::new(0);
        let mut blocks = MetisBlocks::new(text.as_bytes(), block_bytes, &buffers).unwrap();
        let header = text.lines().find(|line| !line.starts_with('%')).unwrap();
        let header = read_header(header.as_bytes()).unwrap();
        let (mut arcs, mut n_bad) = (Vec::new(), 0);
        while let Some(block) = blocks.next_block().unwrap() {
            blocks.header = Some(header);
            let found = parse_neighbours::<()>(
                &block.bytes,
                block.place,
                &header,
                false,
                &mut BlockClasses::default(),
            );
            n_bad += found.n_bad_lines;
            found.chunk.for_each(|from, to, ()| arcs.push((from, to)));
        }
        (arcs, n_bad, blocks.n_node_lines())
    }

    #[test]
    fn lines_may_be_longer_than_blocks() {
        let text = "% c\n4 5 11\n9 2 1 3 1\n% c\n9 1 1 3 1 4 1\n9 1 1 2 1\n9 2 1";
        let expected = [(1, 2), (1, 3), (2, 1), (2, 3), (2, 4), (3, 1), (3, 2), (4, 2)];
        for block_bytes in 11..40 {
            assert_eq!(read(text, block_bytes), (expected.to_vec(), 0, 4), "{block_bytes}");
        }
    }

    #[test]
    fn blank_lines_are_nodes_and_bad_lines_are_counted() {
        let text = "3 1\n\n3\n2\n\n";
        assert_eq!(read(text, 100), (vec![(2, 3), (3, 2)], 0, 4));
        let (arcs, n_bad, _) = read("2 2\n3\n1 x\n1\n", 100);
        assert_eq!((arcs, n_bad), (vec![(2, 1)], 3), "3 is no node, x no id, and no third line");
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>, flags in 0u64..4) {
            let header = MetisHeader {
                n_nodes: 300,
                n_edges: 0,
                n_node_fields: flags / 2,
                has_weights: flags % 2 == 1,
            };
            let place = NeighboursPlace { first_line: 1, first_node: 1, n_fields_before: 0 };
            let mut classes = BlockClasses::default();
            let found = parse_neighbours::<f64>(&bytes, place, &header, true, &mut classes);
            prop_assert!(found.n_bad_lines as usize <= bytes.len());
            let _ = read_header(&bytes);
        }
    }
}
