//! A block to arcs, whatever it holds.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::super::block::{Block, Content, LineRules};
use super::super::classes::{BlockClasses, Classes};
use super::super::csr::parse_csr;
use super::super::lines::{Lines, quote};
use super::super::metis::parse_neighbours;
use super::super::pairs::parse_pairs;
use super::super::parquet::{Cell, ParquetFile};
use super::super::rows::Rows;
use super::super::table::{Table, line_at, parse_id};
use super::super::value::InputValue;
use super::bad_lines::{BadLines, LocatedBadLine};
use super::naming::{Naming, intern_number, intern_pair};
use super::{Intake, LoneNodes};
use crate::arcs::ArcChunk;
use crate::error::{BadLine, IngestError, Place};
use crate::names::Interner;

/// Parses blocks into an intake.
pub(super) struct BlockParser<'a, I> {
    /// Where ids are strings, the dictionary that numbers them.
    pub(super) names: Option<&'a Interner>,
    /// Where a column says classes, those of all blocks.
    pub(super) classes: &'a Classes,
    pub(super) intake: &'a I,
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
    pub(super) fn parse<V: InputValue>(&self, block: &Block) -> Result<BadLines, IngestError>
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
            Content::Neighbours { place, header, weights_count } => {
                let mut classes = BlockClasses::default();
                let found = parse_neighbours::<V>(
                    &block.bytes,
                    *place,
                    header,
                    *weights_count,
                    &mut classes,
                );
                let first = found.first_bad.map(|(begin, line, reason)| LocatedBadLine {
                    file: Arc::clone(&block.file),
                    line,
                    reason,
                    text: quote(&block.bytes[begin..]),
                });
                self.numbers(block, self.joined(block, found.chunk, &classes)?)?;
                Ok(BadLines { n_lines: found.n_bad_lines, first })
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
    pub(super) fn lone_range<V: InputValue>(&self, nodes: Range<u64>) -> Result<(), IngestError>
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

    fn lines<V: InputValue>(
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
        let mut classes = BlockClasses::default();
        let mut bad = |begin: usize, reason| {
            bad_lines.add(&block.file, reason, || {
                (line_at(bytes, begin, first_line), quote(&bytes[begin..]))
            });
        };
        let mut lines = Lines::new(bytes, rules.column);
        if rules == (LineRules { column: rules.column, ..LineRules::default() }) {
            while let Some((begin, line)) = lines.next_line::<V>() {
                match line {
                    Ok(Some((from, to, field))) => {
                        let line = || line_at(bytes, begin, first_line);
                        chunk.push(from, to, V::of_field(field, &mut classes, line));
                    }
                    Ok(None) => {}
                    Err(reason) => bad(begin, reason),
                }
            }
        } else {
            let (first, last) = rules.nodes.unwrap_or((0, u64::MAX));
            while let Some((begin, line)) = lines.next_line::<V>() {
                match line {
                    Ok(Some((from, to, field))) => {
                        if from.min(to) < first || from.max(to) > last {
                            bad(begin, BadLine::IdOutOfRange { first, last });
                            continue;
                        }
                        n_entries += 1;
                        let line = || line_at(bytes, begin, first_line);
                        let value = V::of_field(field, &mut classes, line);
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
        self.intake.arcs(self.joined(block, chunk, &classes)?)?;
        Ok(bad_lines)
    }

    fn name_lines<V: InputValue>(
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
            let numbers = BlockParser {
                names: None,
                classes: self.classes,
                intake: &Naming { parser: self },
            };
            return numbers.lines::<V>(block, first_line, 0, rules);
        }
        let bytes = block.bytes.as_slice();
        let (mut chunk, mut classes) = (ArcChunk::with_capacity(0), BlockClasses::default());
        let mut bad_lines = BadLines::NONE;
        let mut lines = Lines::new(bytes, rules.column);
        while let Some((begin, line)) = lines.next_names::<V>() {
            match line {
                Ok(Some((from, to, field))) => {
                    let (from, to) = (names.intern(from)?.into(), names.intern(to)?.into());
                    let line = || line_at(bytes, begin, first_line);
                    let value = V::of_field(field, &mut classes, line);
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
        self.intake.arcs(self.joined(block, chunk, &classes)?)?;
        Ok(bad_lines)
    }

    fn nodes<V: InputValue>(&self, block: &Block, first_line: u64) -> Result<BadLines, IngestError>
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

    fn rows<V: InputValue>(
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
        let (mut chunk, mut classes) = (ArcChunk::with_capacity(0), BlockClasses::default());
        let mut bad_lines = BadLines::NONE;
        let (mut rows, mut fields) = (Rows::new(bytes, begin, table.delimiter), Vec::new());
        while let Some((row_begin, row)) = rows.next_row(&mut fields) {
            let arc = match row {
                Ok(()) if fields.is_empty() => continue,
                Ok(()) => table.arc::<V>(&rows, &fields),
                Err(reason) => Err(reason),
            };
            let line = || {
                let n_lines = line_at(&bytes[begin..], row_begin - begin, 0);
                first_line + n_lines
            };
            let read = arc.and_then(|(from, to, field)| match self.names {
                None => Ok(Ok((parse_id(&from)?, parse_id(&to)?, field))),
                Some(names) => {
                    for name in [&from, &to] {
                        std::str::from_utf8(name).map_err(|_| BadLine::NotUtf8)?;
                    }
                    Ok(intern_pair(names, &from, &to).map(|(from, to)| (from, to, field)))
                }
            });
            match read {
                Ok(arc) => {
                    let (from, to, field) = arc?;
                    chunk.push(from, to, V::of_field(field, &mut classes, line));
                }
                Err(reason) => {
                    bad_lines.add(&block.file, reason, || (line(), quote(&bytes[row_begin..])));
                }
            }
        }
        self.intake.arcs(self.joined(block, chunk, &classes)?)?;
        Ok(bad_lines)
    }

    fn row_group<V: InputValue>(
        &self,
        block: &Block,
        parquet: &ParquetFile,
        index: usize,
    ) -> Result<BadLines, IngestError>
    where
        I: Intake<V>,
    {
        let mut bad_lines = BadLines::NONE;
        let (mut chunk, mut classes) = (ArcChunk::with_capacity(0), BlockClasses::default());
        parquet.read_group(index, &block.file, |rows| {
            let cells = rows.sources.iter().zip(&rows.targets).enumerate();
            for (row, (idx, (from, to))) in (rows.first_row..).zip(cells) {
                let field = rows.values.field::<V>(idx);
                match field.and_then(|field| Ok((self.cells(from, to)?, field))) {
                    Ok((ends, field)) => {
                        let (from, to) = ends?;
                        chunk.push(from, to, V::of_field(field, &mut classes, || row));
                    }
                    Err(reason) => bad_lines.add(&block.file, reason, || {
                        (row, format!("{}, {}", from.shown(), to.shown()))
                    }),
                }
            }
            if chunk.len() >= CHUNK_ARCS {
                let full = std::mem::replace(&mut chunk, ArcChunk::with_capacity(0));
                self.intake.arcs(self.joined(block, full, &classes)?)?;
            }
            Ok(())
        })?;
        self.intake.arcs(self.joined(block, chunk, &classes)?)?;
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

    /// The arcs of `block` with the numbers that its classes have among those of all blocks.
    fn joined<V: InputValue>(
        &self,
        block: &Block,
        chunk: ArcChunk<V>,
        classes: &BlockClasses,
    ) -> Result<ArcChunk<V>, IngestError> {
        if classes.is_empty() {
            return Ok(chunk);
        }
        let numbers = self.classes.join(classes, &block.file)?;
        Ok(chunk.map_values(|value| value.renumbered(&numbers)))
    }

    /// Hands over arcs between numbers.
    fn numbers<V: InputValue>(&self, block: &Block, chunk: ArcChunk<V>) -> Result<(), IngestError>
    where
        I: Intake<V>,
    {
        block.file.n_entries.fetch_add(chunk.len() as u64, Relaxed);
        self.renumbered(chunk)
    }

    /// Hands over arcs between numbers, which are names where ids are strings.
    pub(super) fn renumbered<V: InputValue>(&self, chunk: ArcChunk<V>) -> Result<(), IngestError>
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
