//! A block to arcs, whatever it holds.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::super::block::{Block, Content, InputFile, LineRules};
use super::super::csr::parse_csr;
use super::super::lines::{Lines, quote};
use super::super::metis::{MetisHeader, parse_neighbours};
use super::super::pairs::parse_pairs;
use super::super::parquet::{Cell, ParquetFile};
use super::super::rows::Rows;
use super::super::table::{Table, line_at, parse_id};
use super::{Intake, LoneNodes};
use crate::arcs::{ArcChunk, Payload};
use crate::error::{BadLine, IngestError, Place};
use crate::names::Interner;

/// Parses blocks into an intake.
pub(super) struct BlockParser<'a, I> {
    /// Where ids are strings, the dictionary that numbers them.
    pub(super) names: Option<&'a Interner>,
    pub(super) intake: &'a I,
}

/// The bad lines of a block.
pub(super) struct BadLines {
    pub(super) n_lines: u64,
    pub(super) first: Option<LocatedBadLine>,
}

/// A bad line and its place in the input.
pub(super) struct LocatedBadLine {
    pub(super) file: Arc<InputFile>,
    pub(super) line: u64,
    pub(super) reason: BadLine,
    pub(super) text: String,
}

impl LocatedBadLine {
    /// What orders bad lines as the inputs do.
    pub(super) fn place(&self) -> (usize, u64) {
        (self.file.order, self.line)
    }
}

impl BadLines {
    const NONE: Self = Self { n_lines: 0, first: None };

    /// Counts a bad line; `locate` is asked for its number and text if it is the first.
    fn add(
        &mut self,
        file: &Arc<InputFile>,
        reason: BadLine,
        locate: impl FnOnce() -> (u64, String),
    ) {
        self.n_lines += 1;
        self.first.get_or_insert_with(|| {
            let (line, text) = locate();
            LocatedBadLine { file: Arc::clone(file), line, reason, text }
        });
    }
}

/// The shortest line with an arc: `1 2` and its end.
const MIN_ARC_BYTES: usize = 4;

/// Arcs that are handed over at once, where a block has no end of its own.
const CHUNK_ARCS: usize = 1 << 18;

impl<I> BlockParser<'_, I> {
    /// Parses `block`; gives its bad lines.
    ///
    /// # Errors
    /// [`IngestError`]: it is malformed as a whole, or what the intake answered.
    pub(super) fn parse<V: Payload>(&self, block: &Block) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        match &block.content {
            Content::Lines { first_line, n_line_ends, rules } => match self.names {
                None => self.lines(block, *first_line, *n_line_ends, *rules),
                Some(names) => self.name_lines(block, *first_line, *rules, names),
            },
            Content::Nodes { first_line } => self.nodes::<V>(block, *first_line),
            Content::Rows { begin, first_line, table } => {
                self.rows::<V>(block, *begin, *first_line, table)
            }
            Content::Neighbours { first_line, first_node, n_fields_before, header } => {
                let place = (*first_line, *first_node, *n_fields_before);
                self.neighbours::<V>(block, place, header)
            }
            Content::Pairs(packing) => {
                self.numbers(block, parse_pairs::<V>(&block.bytes, *packing))?;
                Ok(BadLines::NONE)
            }
            Content::Csr { rows, n_nodes, first_byte } => {
                let chunk =
                    parse_csr::<V>(&block.bytes, rows, *n_nodes).map_err(|(at, reason)| {
                        block.file.malformed(Place::Byte(first_byte + at as u64), reason)
                    })?;
                self.numbers(block, chunk)?;
                Ok(BadLines::NONE)
            }
            Content::RowGroup { parquet, index } => self.row_group::<V>(block, parquet, *index),
        }
    }

    /// Hands over the nodes of a range.
    ///
    /// # Errors
    /// [`IngestError::TooManyNodes`], or what the intake answers.
    pub(super) fn lone_range<V: Payload>(&self, nodes: Range<u64>) -> Result<(), IngestError>
    where
        I: Intake<V>,
    {
        let n_nodes = nodes.end.saturating_sub(nodes.start);
        if n_nodes > u64::from(u32::MAX) {
            return Err(IngestError::TooManyNodes { n_nodes });
        }
        let Some(names) = self.names else {
            return self.intake.nodes(LoneNodes::Range(nodes));
        };
        let mut begin = nodes.start;
        while begin < nodes.end {
            let end = nodes.end.min(begin + CHUNK_ARCS as u64);
            let numbers = (begin..end).map(|node| intern_number(names, node));
            self.intake.nodes(LoneNodes::List(numbers.collect::<Result<_, _>>()?))?;
            begin = end;
        }
        Ok(())
    }

    fn lines<V: Payload>(
        &self,
        block: &Block,
        first_line: u64,
        n_line_ends: usize,
        rules: LineRules,
    ) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        let bytes = block.bytes.as_slice();
        let n_lines_at_most = (n_line_ends + 1).min(bytes.len() / MIN_ARC_BYTES + 1);
        let ways = if rules.both_ways { 2 } else { 1 };
        let mut chunk = ArcChunk::with_capacity(ways * n_lines_at_most);
        let (mut bad_lines, mut n_entries) = (BadLines::NONE, 0);
        let mut bad = |begin: usize, reason| {
            bad_lines.add(&block.file, reason, || {
                (line_at(bytes, begin, first_line), quote(&bytes[begin..]))
            });
        };
        let mut lines = Lines::new(bytes, rules.column);
        if rules == (LineRules { column: rules.column, ..LineRules::default() }) {
            while let Some((begin, line)) = lines.next_line() {
                match line {
                    Ok(Some((from, to, value))) => chunk.push(from, to, value),
                    Ok(None) => {}
                    Err(reason) => bad(begin, reason),
                }
            }
        } else {
            let (first, last) = rules.nodes.unwrap_or((0, u64::MAX));
            while let Some((begin, line)) = lines.next_line() {
                match line {
                    Ok(Some((from, to, value))) => {
                        if from.min(to) < first || from.max(to) > last {
                            bad(begin, BadLine::IdOutOfRange { first, last });
                            continue;
                        }
                        n_entries += 1;
                        chunk.push(from, to, value);
                        if rules.both_ways && from != to {
                            chunk.push(to, from, value);
                        }
                    }
                    Ok(None) => {}
                    Err(reason) => bad(begin, reason),
                }
            }
        }
        // Most lines may have been comments.
        chunk.shrink_to_fit();
        block.file.n_entries.fetch_add(n_entries, Relaxed);
        self.intake.arcs(chunk)?;
        Ok(bad_lines)
    }

    fn name_lines<V: Payload>(
        &self,
        block: &Block,
        first_line: u64,
        rules: LineRules,
        names: &Interner,
    ) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        // Formats that count their nodes hold numbers, and are checked as such.
        if rules.nodes.is_some() {
            let numbers = BlockParser { names: None, intake: &Renumbering { parser: self } };
            return numbers.lines::<V>(block, first_line, 0, rules);
        }
        let bytes = block.bytes.as_slice();
        let mut chunk = ArcChunk::with_capacity(0);
        let mut bad_lines = BadLines::NONE;
        let mut lines = Lines::new(bytes, rules.column);
        while let Some((begin, line)) = lines.next_names::<V>() {
            match line {
                Ok(Some((from, to, value))) => {
                    let (from, to) = (names.intern(from)?.into(), names.intern(to)?.into());
                    chunk.push(from, to, value);
                    if rules.both_ways && from != to {
                        chunk.push(to, from, value);
                    }
                }
                Ok(None) => {}
                Err(reason) => bad_lines.add(&block.file, reason, || {
                    (line_at(bytes, begin, first_line), quote(&bytes[begin..]))
                }),
            }
        }
        self.intake.arcs(chunk)?;
        Ok(bad_lines)
    }

    fn nodes<V: Payload>(&self, block: &Block, first_line: u64) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        let bytes = block.bytes.as_slice();
        let (mut nodes, mut bad_lines) = (Vec::new(), BadLines::NONE);
        let mut lines = Lines::new(bytes, None);
        while let Some((begin, line)) = lines.next_node() {
            match line {
                Ok(Some(node)) => nodes.push(match self.names {
                    None => node,
                    Some(names) => intern_number(names, node)?,
                }),
                Ok(None) => {}
                Err(reason) => bad_lines.add(&block.file, reason, || {
                    (line_at(bytes, begin, first_line), quote(&bytes[begin..]))
                }),
            }
        }
        self.intake.nodes(LoneNodes::List(nodes))?;
        Ok(bad_lines)
    }

    fn rows<V: Payload>(
        &self,
        block: &Block,
        begin: usize,
        first_line: u64,
        table: &Table,
    ) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        let bytes = block.bytes.as_slice();
        let (mut chunk, mut bad_lines) = (ArcChunk::with_capacity(0), BadLines::NONE);
        let (mut rows, mut fields) = (Rows::new(bytes, begin, table.delimiter), Vec::new());
        while let Some((row_begin, row)) = rows.next_row(&mut fields) {
            let arc = match row {
                Ok(()) if fields.is_empty() => continue,
                Ok(()) => table.arc::<V>(&rows, &fields),
                Err(reason) => Err(reason),
            };
            let read = arc.and_then(|(from, to, value)| match self.names {
                None => Ok(Ok((parse_id(&from)?, parse_id(&to)?, value))),
                Some(names) => {
                    for name in [&from, &to] {
                        std::str::from_utf8(name).map_err(|_| BadLine::NotUtf8)?;
                    }
                    Ok(intern_pair(names, &from, &to).map(|(from, to)| (from, to, value)))
                }
            });
            match read {
                Ok(arc) => {
                    let (from, to, value) = arc?;
                    chunk.push(from, to, value);
                }
                Err(reason) => bad_lines.add(&block.file, reason, || {
                    let n_lines = line_at(&bytes[begin..], row_begin - begin, 0);
                    (first_line + n_lines, quote(&bytes[row_begin..]))
                }),
            }
        }
        self.intake.arcs(chunk)?;
        Ok(bad_lines)
    }

    fn neighbours<V: Payload>(
        &self,
        block: &Block,
        (first_line, first_node, n_fields_before): (u64, u64, u64),
        header: &MetisHeader,
    ) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        let found =
            parse_neighbours::<V>(&block.bytes, first_line, first_node, n_fields_before, header);
        let first = found.first_bad.map(|(begin, line, reason)| LocatedBadLine {
            file: Arc::clone(&block.file),
            line,
            reason,
            text: quote(&block.bytes[begin..]),
        });
        self.numbers(block, found.chunk)?;
        Ok(BadLines { n_lines: found.n_bad_lines, first })
    }

    fn row_group<V: Payload>(
        &self,
        block: &Block,
        parquet: &ParquetFile,
        index: usize,
    ) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        let mut bad_lines = BadLines::NONE;
        let mut chunk = ArcChunk::with_capacity(0);
        parquet.read_group(index, &block.file, |rows| {
            let values = rows.values.iter().copied().map(Some).chain(std::iter::repeat(None));
            let cells = rows.sources.iter().zip(&rows.targets).zip(values);
            for (row, ((from, to), value)) in (rows.first_row..).zip(cells) {
                let value = match value {
                    None => Ok(V::default()),
                    Some(None) => Err(BadLine::MissingColumn),
                    Some(Some(value)) => {
                        super::super::lines::check_probability(value).map(V::from_probability)
                    }
                };
                match value.and_then(|value| Ok((self.cells(from, to)?, value))) {
                    Ok((ends, value)) => {
                        let (from, to) = ends?;
                        chunk.push(from, to, value);
                    }
                    Err(reason) => bad_lines.add(&block.file, reason, || {
                        (row, format!("{}, {}", from.shown(), to.shown()))
                    }),
                }
            }
            if chunk.len() >= CHUNK_ARCS {
                let full = std::mem::replace(&mut chunk, ArcChunk::with_capacity(0));
                self.intake.arcs(full)?;
            }
            Ok(())
        })?;
        self.intake.arcs(chunk)?;
        Ok(bad_lines)
    }

    /// The ends of a row.
    fn cells(&self, from: &Cell, to: &Cell) -> Result<Result<(u64, u64), IngestError>, BadLine> {
        let Some(names) = self.names else {
            return Ok(Ok((from.number()?, to.number()?)));
        };
        let text = |cell: &Cell| match cell.text()? {
            Some(text) => Ok(text.to_vec()),
            None => Ok(cell.number()?.to_string().into_bytes()),
        };
        let (from, to) = (text(from)?, text(to)?);
        Ok(intern_pair(names, &from, &to))
    }

    /// Hands over arcs between numbers.
    fn numbers<V: Payload>(&self, block: &Block, chunk: ArcChunk<V>) -> Result<(), IngestError>
    where
        I: Intake<V>,
    {
        block.file.n_entries.fetch_add(chunk.len() as u64, Relaxed);
        self.renumbered(chunk)
    }

    /// Hands over arcs between numbers, which are names where ids are strings.
    fn renumbered<V: Payload>(&self, chunk: ArcChunk<V>) -> Result<(), IngestError>
    where
        I: Intake<V>,
    {
        let Some(names) = self.names else {
            return self.intake.arcs(chunk);
        };
        let mut interned = ArcChunk::with_capacity(chunk.len());
        let mut refused = None;
        chunk.for_each(|from, to, value| {
            let ends =
                intern_number(names, from).and_then(|from| Ok((from, intern_number(names, to)?)));
            match ends {
                Ok((from, to)) => interned.push(from, to, value),
                Err(error) => refused = Some(error),
            }
        });
        match refused {
            Some(error) => Err(error),
            None => self.intake.arcs(interned),
        }
    }
}

/// An intake that makes names of the numbers that it takes.
struct Renumbering<'a, 'b, I> {
    parser: &'a BlockParser<'b, I>,
}

impl<V: Payload, I: Intake<V>> Intake<V> for Renumbering<'_, '_, I> {
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        self.parser.renumbered(chunk)
    }

    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError> {
        self.parser.intake.nodes(ids)
    }
}

fn intern_pair(names: &Interner, from: &[u8], to: &[u8]) -> Result<(u64, u64), IngestError> {
    Ok((names.intern(from)?.into(), names.intern(to)?.into()))
}

/// The number of a number's decimal digits.
fn intern_number(names: &Interner, number: u64) -> Result<u64, IngestError> {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut left = number;
    loop {
        begin -= 1;
        // A decimal digit.
        digits[begin] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            return Ok(names.intern(&digits[begin..])?.into());
        }
    }
}
