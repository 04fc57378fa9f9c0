//! CSV and TSV.

use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder, Trim};

use super::error::NodeTableError;
use super::open::{MAX_ROW_BYTES, Opened, Ration, Rationed, open};
use super::table::{Field, RowSink, TableFormat};
use super::values::Cell;
use crate::error::IngestError;
use crate::progress::Progress;

/// How the table at `path` is parted, and its columns.
pub(super) fn header(path: &Path) -> Result<(TableFormat, Vec<Field>), IngestError> {
    let Opened { contents, first } = open(path, None)?;
    let delimiter = delimiter(path, &first);
    let mut rows = Rows::new(path, delimiter, contents);
    if !rows.next()? {
        return Err(NodeTableError::NoHeader { path: path.into() }.into());
    }
    let names = rows.fields(0)?;
    let fields = names.iter().map(|name| Field { name: (*name).to_owned(), kind: None });
    Ok((TableFormat::Text(delimiter), fields.collect()))
}

/// Hands the rows below the header to `sink`.
pub(super) fn for_each_row(
    path: &Path,
    delimiter: u8,
    n_fields: usize,
    progress: &dyn Progress,
    sink: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    let Opened { contents, .. } = open(path, Some(progress))?;
    let mut rows = Rows::new(path, delimiter, contents);
    rows.next()?;
    let mut last_line = rows.line();
    while rows.next()? {
        last_line = rows.line();
        let fields = rows.fields(n_fields)?;
        let cells: Vec<Cell<'_>> = fields.into_iter().map(Cell::of_text).collect();
        sink(rows.line(), &cells)?;
    }
    // Such a quote makes one field of all that follows it, rows included.
    if rows.ration.has_open_quote() {
        let (path, line) = (path.to_owned(), last_line);
        return Err(NodeTableError::OpenQuote { path, line }.into());
    }
    Ok(())
}

/// The byte between the fields: a tab where the ending says so, else the first of tab, comma
/// and semicolon that the header line has.
fn delimiter(path: &Path, first: &[u8]) -> u8 {
    let bare = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bare = [".gz", ".zst"].iter().find_map(|packed| bare.strip_suffix(packed)).unwrap_or(bare);
    if bare.ends_with(".tsv") || bare.ends_with(".tab") {
        return b'\t';
    }
    let header = first.split(|&byte| byte == b'\n').next().unwrap_or_default();
    b"\t,;".iter().copied().find(|byte| header.contains(byte)).unwrap_or(b',')
}

/// The rows of a table, one at a time.
struct Rows<'a, R> {
    path: &'a Path,
    reader: Reader<Rationed<R>>,
    ration: Ration,
    row: ByteRecord,
}

impl<'a, R: Read> Rows<'a, R> {
    fn new(path: &'a Path, delimiter: u8, contents: R) -> Self {
        let (contents, ration) = Rationed::new(contents);
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(contents);
        Self { path, reader, ration, row: ByteRecord::new() }
    }

    /// Reads the next row; whether there was one.
    fn next(&mut self) -> Result<bool, IngestError> {
        self.ration.renew();
        let line = self.reader.position().line();
        self.reader.read_byte_record(&mut self.row).map_err(|error| {
            let path = self.path.to_owned();
            if self.ration.is_spent() {
                return NodeTableError::RowTooLong { path, line, limit: MAX_ROW_BYTES }.into();
            }
            match error.into_kind() {
                ErrorKind::Io(source) => IngestError::Read { path, source },
                // No other kind comes of bytes in rows of any length.
                _ => NodeTableError::NotUtf8 { path, line }.into(),
            }
        })
    }

    /// The line at which the row begins.
    fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    /// The fields of the row, as many as `expected` where that is not 0.
    fn fields(&self, expected: usize) -> Result<Vec<&str>, NodeTableError> {
        if expected != 0 && self.row.len() != expected {
            return Err(NodeTableError::RowLength {
                path: self.path.to_owned(),
                line: self.line(),
                expected: expected as u64,
                found: self.row.len() as u64,
            });
        }
        let texts = self.row.iter().map(std::str::from_utf8).collect::<Result<Vec<_>, _>>();
        texts.map_err(|_| NodeTableError::NotUtf8 { path: self.path.to_owned(), line: self.line() })
    }
}

const BUFFER_BYTES: usize = 128 << 10;
