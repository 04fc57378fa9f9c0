//! Inputs that are lines: text, KONECT, tables, `MatrixMarket`, METIS, Graphalytics.

use std::io::Read;
use std::sync::Arc;

use super::super::block::{Content, InputFile, LineRules, Promise};
use super::super::blocks::{TextBlocks, filled, read_past_mark, read_up_to};
use super::super::graphalytics::Parts;
use super::super::header::{Top, find_header_of_names, find_top, is_matrix_market, resolve_column};
use super::super::lines::quote;
use super::super::matrix_market;
use super::super::metis::{self, MetisBlocks};
use super::super::open::Opened;
use super::super::rows::last_row_end;
use super::super::sniff::konect_kind;
use super::super::table::{self, line_at};
use super::{Reader, Wanted};
use crate::error::{BadLine, IngestError, Malformed, Place};
use crate::spec::{ColumnChoice, Format, Input};

/// What formats whose fields have fixed meanings call them.
const KONECT_FIELDS: &[u8] = b"source target weight timestamp";
const WEIGHTED_FIELDS: &[u8] = b"source target weight";

impl Reader<'_> {
    pub(super) fn read_text(
        &mut self,
        file: &Arc<InputFile>,
        contents: impl Read,
    ) -> Result<Wanted, IngestError> {
        let unreadable = |error| file.unreadable(error);
        let mut cut = TextBlocks::new(contents, self.buffers.block_bytes(), self.buffers)
            .map_err(unreadable)?;
        let mut top_is_read = false;
        let mut rules = LineRules::default();
        while let Some(mut block) = cut.next_block().map_err(unreadable)? {
            if !top_is_read {
                if block.first_line == 1 && is_matrix_market(&block.bytes) {
                    return Err(IngestError::MatrixMarket { path: file.path.clone() });
                }
                let header = match self.find_header(&block.bytes) {
                    Top::Comments => continue,
                    Top::Header(place) => Some(place),
                    Top::Arcs => None,
                };
                if let Some(choice) = self.spec.value_column() {
                    let header = header.clone().map(|place| &block.bytes[place]);
                    rules.column = Some(resolve_column(choice, header, &file.path)?);
                }
                if let Some(place) = header {
                    // A header is from now on a comment, and line numbers stay right.
                    block.bytes[place.start] = b'#';
                }
                top_is_read = true;
            }
            let (first_line, n_line_ends) = (block.first_line, block.n_line_ends);
            let content = Content::Lines { first_line, n_line_ends, rules };
            if self.send(file, block.bytes, content)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
        Ok(Wanted::More)
    }

    fn find_header(&self, bytes: &[u8]) -> Top {
        if self.has_names {
            let by_name = matches!(self.spec.value_column(), Some(ColumnChoice::Name(_)));
            find_header_of_names(bytes, by_name)
        } else {
            find_top(bytes)
        }
    }

    pub(super) fn read_konect(
        &mut self,
        file: &Arc<InputFile>,
        opened: Opened<'_>,
    ) -> Result<Wanted, IngestError> {
        let refuse = |reason| Err(file.malformed(Place::Line(1), reason));
        let both_ways = match konect_kind(opened.first_text()) {
            Some(b"sym") => true,
            Some(b"asym") => false,
            Some(_) => return refuse(Malformed::Bipartite),
            None => return refuse(Malformed::KonectHeader),
        };
        let column = self.fixed_column(file, KONECT_FIELDS)?;
        let rules = LineRules { column, both_ways, nodes: None };
        self.read_lines(file, opened.into_contents(), rules)
    }

    /// The column that is chosen in a format whose fields are called so.
    fn fixed_column(&self, file: &InputFile, fields: &[u8]) -> Result<Option<usize>, IngestError> {
        let choice = self.spec.value_column();
        choice.map(|choice| resolve_column(choice, Some(fields), &file.path)).transpose()
    }

    /// Reads lines with an arc each, without a header.
    fn read_lines(
        &self,
        file: &Arc<InputFile>,
        contents: impl Read,
        rules: LineRules,
    ) -> Result<Wanted, IngestError> {
        self.read_plain_lines(file, contents, |first_line, n_line_ends| Content::Lines {
            first_line,
            n_line_ends,
            rules,
        })
    }

    fn read_plain_lines(
        &self,
        file: &Arc<InputFile>,
        contents: impl Read,
        content: impl Fn(u64, usize) -> Content,
    ) -> Result<Wanted, IngestError> {
        let unreadable = |error| file.unreadable(error);
        let mut cut = TextBlocks::new(contents, self.buffers.block_bytes(), self.buffers)
            .map_err(unreadable)?;
        while let Some(block) = cut.next_block().map_err(unreadable)? {
            let content = content(block.first_line, block.n_line_ends);
            if self.send(file, block.bytes, content)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
        Ok(Wanted::More)
    }

    pub(super) fn read_graphalytics(
        &mut self,
        file: &Arc<InputFile>,
        parts: &Parts,
        vertices: &Arc<InputFile>,
    ) -> Result<Wanted, IngestError> {
        let both_ways = !parts.is_directed(self.progress)?;
        let column = self.fixed_column(file, WEIGHTED_FIELDS)?;
        let open = |path| Opened::new(&Input::File(path), self.progress);
        let contents = open(parts.vertices.clone())?.into_contents();
        let nodes = |first_line, _| Content::Nodes { first_line };
        if self.read_plain_lines(vertices, contents, nodes)? == Wanted::Nothing {
            return Ok(Wanted::Nothing);
        }
        let contents = open(parts.edges.clone())?.into_contents();
        self.read_lines(file, contents, LineRules { column, both_ways, nodes: None })
    }

    pub(super) fn read_matrix_market(
        &mut self,
        file: &Arc<InputFile>,
        contents: impl Read,
    ) -> Result<Wanted, IngestError> {
        let unreadable = |error| file.unreadable(error);
        let mut cut = TextBlocks::new(contents, self.buffers.block_bytes(), self.buffers)
            .map_err(unreadable)?;
        let first = cut.next_block().map_err(unreadable)?;
        let bytes = first.as_ref().map_or(&[][..], |block| &block.bytes);
        let header = matrix_market::read_header(bytes)
            .map_err(|(place, reason)| file.malformed(place, reason))?;
        if self.spec.value_column().is_some() && !header.has_values {
            return Err(file.malformed(Place::Line(1), Malformed::NoWeights));
        }
        let rules = header.rules(self.fixed_column(file, WEIGHTED_FIELDS)?);
        let mut next = first;
        let mut begin = header.begin;
        while let Some(mut block) = next {
            // Behind the header once, and from then on at the beginning.
            let n_lines_before = if begin > 0 { header.n_lines } else { 0 };
            block.bytes.drain(..begin);
            begin = 0;
            let content = Content::Lines {
                first_line: block.first_line + n_lines_before,
                n_line_ends: block.n_line_ends,
                rules,
            };
            if self.send(file, block.bytes, content)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
            next = cut.next_block().map_err(unreadable)?;
        }
        self.promises.push(Promise {
            file: Arc::clone(file),
            entries: Some(("entries", header.n_entries)),
            nodes: Some(1..header.n_rows.saturating_add(1)),
        });
        Ok(Wanted::More)
    }

    pub(super) fn read_metis(
        &mut self,
        file: &Arc<InputFile>,
        contents: impl Read,
    ) -> Result<Wanted, IngestError> {
        let unreadable = |error| file.unreadable(error);
        let weights_count = self.fixed_column(file, WEIGHTED_FIELDS)?.is_some();
        let mut cut = MetisBlocks::new(contents, self.buffers.block_bytes(), self.buffers)
            .map_err(unreadable)?;
        while let Some(block) = cut.next_block().map_err(unreadable)? {
            let header = match cut.header {
                Some(header) => header,
                None => {
                    let (line, header) = header_of_metis(&block.bytes);
                    match header {
                        // Nothing but comments so far.
                        None => continue,
                        Some(Err(reason)) => {
                            let place = Place::Line(block.place.first_line + line);
                            return Err(file.malformed(place, reason));
                        }
                        Some(Ok(header)) => header,
                    }
                }
            };
            cut.header = Some(header);
            if weights_count && !header.has_weights {
                return Err(file.malformed(Place::Whole, Malformed::NoWeights));
            }
            let content = Content::Neighbours { place: block.place, header, weights_count };
            if self.send(file, block.bytes, content)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
        let Some(header) = cut.header else {
            return Err(file.malformed(Place::Whole, Malformed::MetisHeader));
        };
        let found = cut.n_node_lines();
        if found < header.n_nodes {
            let (what, expected) = ("nodes", header.n_nodes);
            return Err(file.malformed(Place::Whole, Malformed::Count { what, expected, found }));
        }
        self.promises.push(Promise {
            file: Arc::clone(file),
            // Every edge stands in two lines.
            entries: Some(("neighbours, two for each edge", header.n_edges.saturating_mul(2))),
            nodes: Some(1..header.n_nodes.saturating_add(1)),
        });
        Ok(Wanted::More)
    }

    pub(super) fn read_table(
        &mut self,
        file: &Arc<InputFile>,
        mut contents: impl Read,
        format: Format,
    ) -> Result<Wanted, IngestError> {
        let unreadable = |error| file.unreadable(error);
        let mut carry = read_past_mark(&mut contents).map_err(unreadable)?;
        let mut first_line = 1;
        let mut table = None;
        loop {
            let mut bytes = filled(self.buffers, &carry, self.buffers.block_bytes());
            carry.clear();
            let n_read = read_up_to(&mut contents, self.buffers.block_bytes(), &mut bytes)
                .map_err(unreadable)?;
            if n_read == self.buffers.block_bytes() {
                // A quote before the header is a comment's, so its lines are cut plainly.
                let cut = match table {
                    Some(_) => last_row_end(&bytes),
                    None => memchr::memrchr(b'\n', &bytes).map(|end| end + 1),
                };
                let Some(cut) = cut else {
                    return Err(IngestError::BadLine {
                        path: file.path.clone(),
                        line: first_line,
                        reason: endless(&bytes),
                        text: quote(&bytes),
                        allowed: 0,
                    });
                };
                carry.extend_from_slice(&bytes[cut..]);
                bytes.truncate(cut);
            }
            if bytes.is_empty() {
                return Ok(Wanted::More);
            }
            let n_lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
            let mut begin = 0;
            let known = match &table {
                Some(table) => Arc::clone(table),
                None => match table::Top::read(&bytes, format, self.spec, &file.path)? {
                    // Nothing but comments so far.
                    None => {
                        first_line += n_lines;
                        continue;
                    }
                    Some(top) => {
                        begin = top.begin;
                        // Cut again, now that it is known where rows begin.
                        let end = last_row_end(&bytes[begin..]).map(|end| begin + end);
                        if let (true, Some(end)) = (n_read == self.buffers.block_bytes(), end) {
                            carry.splice(..0, bytes.drain(end..));
                        }
                        Arc::clone(table.insert(Arc::new(top.table)))
                    }
                },
            };
            let n_lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
            let block_line = line_at(&bytes, begin, first_line);
            first_line += n_lines;
            let content = Content::Rows { begin, first_line: block_line, table: known };
            if self.send(file, bytes, content)? == Wanted::Nothing {
                return Ok(Wanted::Nothing);
            }
        }
    }
}

/// Why a row has no end in a whole block.
fn endless(bytes: &[u8]) -> BadLine {
    if memchr::memchr(b'\n', bytes).is_some() { BadLine::UnclosedQuote } else { BadLine::TooLong }
}

/// The header of a METIS file in its first block, with the lines before it.
fn header_of_metis(bytes: &[u8]) -> (u64, Option<Result<metis::MetisHeader, Malformed>>) {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let found = (0..).zip(lines).find(|(_, line)| !line.starts_with(b"%"));
    found.map_or((0, None), |(before, line)| (before, Some(metis::read_header(line))))
}
