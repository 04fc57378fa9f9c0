//! CSV and TSV: which columns hold source, target and value, and rows to arcs.

use std::borrow::Cow;
use std::path::Path;

use super::header::NAMED_PAIRS;
use super::lines::quote;
use super::rows::{Field, Rows};
use super::sniff::is_number;
use super::value::InputValue;
use crate::error::{BadLine, IngestError, Malformed, Place};
use crate::spec::{ColumnChoice, Format, ReadSpec};

/// A table's separator and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) delimiter: u8,
    pub(super) columns: Columns,
}

/// The columns that are read, as places from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) source: usize,
    pub(super) target: usize,
    pub(super) value: Option<usize>,
}

/// What the top of a table turned out to be.
pub(super) struct Top {
    pub(super) table: Table,
    /// Where the rows begin.
    pub(super) begin: usize,
    has_header: bool,
}

/// What is wrong with the choice of columns.
pub(super) enum NoColumns {
    /// There is no column of this name.
    Unknown(String),
    /// Source and target are this column.
    Same(String),
    /// The value's column holds ids.
    IsId(String),
}

/// Finds the columns that `spec` chooses among those called `names`.
pub(super) fn choose_columns(spec: &ReadSpec, names: &[String]) -> Result<Columns, NoColumns> {
    let by_name = |name: &str| names.iter().position(|other| other == name);
    let find = |choice: &ColumnChoice| match choice {
        ColumnChoice::Index(index) => Ok(*index),
        ColumnChoice::Name(name) => by_name(name).ok_or_else(|| NoColumns::Unknown(name.clone())),
    };
    let loosely = |name: &str| names.iter().position(|other| other.eq_ignore_ascii_case(name));
    let pair = NAMED_PAIRS
        .iter()
        .find_map(|(source, target)| loosely(source).zip(loosely(target)))
        .unwrap_or((0, 1));
    let source = spec.source_column.as_ref().map_or(Ok(pair.0), find)?;
    let target = spec.target_column.as_ref().map_or(Ok(pair.1), find)?;
    let value = spec.value_column().map(find).transpose()?;
    let called = |column: usize| {
        names.get(column).map_or_else(|| column.to_string(), |name| format!("{name:?}"))
    };
    if source == target {
        return Err(NoColumns::Same(called(source)));
    }
    match value {
        Some(value) if value == source || value == target => Err(NoColumns::IsId(called(value))),
        _ => Ok(Columns { source, target, value }),
    }
}

impl Top {
    /// Reads the top of the table that begins with `bytes`; `None` while there are comments
    /// alone.
    ///
    /// # Errors
    /// [`IngestError`]: the columns are not there, or the header cannot be read.
    pub(super) fn read(
        bytes: &[u8],
        format: Format,
        spec: &ReadSpec,
        path: &Path,
    ) -> Result<Option<Self>, IngestError> {
        let delimiter = if format == Format::Tsv { b'\t' } else { b',' };
        let mut begin = 0;
        loop {
            let rest = &bytes[begin..];
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            match rest[..end].trim_ascii_start().first() {
                _ if rest.is_empty() => return Ok(None),
                None | Some(b'#' | b'%') => begin += end,
                Some(_) => break,
            }
        }
        let mut rows = Rows::new(bytes, begin, delimiter);
        let mut fields = Vec::new();
        if let Some((_, Err(reason))) = rows.next_row(&mut fields) {
            return Err(IngestError::BadLine {
                path: path.into(),
                line: line_at(bytes, begin, 1),
                reason,
                text: quote(&bytes[begin..]),
                allowed: 0,
            });
        }
        let text = |field| String::from_utf8_lossy(&rows.value(field)).trim().to_owned();
        let names: Vec<String> = fields.iter().map(text).collect();
        let malformed = |reason| {
            let place = Place::Line(line_at(bytes, begin, 1));
            IngestError::Malformed { path: path.into(), place, reason }
        };
        let is_id =
            |column: usize| names.get(column).is_some_and(|name| name.parse::<u64>().is_ok());
        let columns = match choose_columns(spec, &names) {
            Ok(columns) => columns,
            // A first line of numbers is no header to be searched.
            Err(NoColumns::Unknown(name)) if is_id(0) && is_id(1) => {
                return Err(IngestError::NoHeader { path: path.into(), name });
            }
            Err(NoColumns::Unknown(name)) => {
                let header = quote(&bytes[begin..]);
                return Err(IngestError::UnknownColumn { path: path.into(), name, header });
            }
            Err(NoColumns::Same(column)) => {
                return Err(malformed(Malformed::SameColumn { column }));
            }
            Err(NoColumns::IsId(column)) => return Err(IngestError::ColumnIsAnId { column }),
        };
        let has_header = !(is_id(columns.source) && is_id(columns.target));
        let begin = if has_header { rows.at() } else { begin };
        Ok(Some(Self { table: Table { delimiter, columns }, begin, has_header }))
    }

    /// Whether the ids below the header are no numbers, by the first row.
    pub(super) fn has_names(&self, bytes: &[u8]) -> bool {
        let mut rows = Rows::new(bytes, self.begin, self.table.delimiter);
        let mut fields = Vec::new();
        while let Some((_, Ok(()))) = rows.next_row(&mut fields) {
            if fields.is_empty() {
                continue;
            }
            let columns = &self.table.columns;
            let is_name = |column: usize| {
                fields.get(column).is_some_and(|field| {
                    let value = rows.value(field);
                    !value.is_empty() && !is_number(&value)
                })
            };
            return self.has_header && (is_name(columns.source) || is_name(columns.target));
        }
        false
    }
}

/// The ids of an arc, as fields, and that of the chosen column.
type Arc<'a, F> = (Cow<'a, [u8]>, Cow<'a, [u8]>, F);

/// The number of the line that holds byte `at` of `bytes`, which begin in line `first_line`.
pub(super) fn line_at(bytes: &[u8], at: usize, first_line: u64) -> u64 {
    first_line + memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64
}

impl Table {
    /// The fields of a row, which is not blank.
    pub(super) fn arc<'a, V: InputValue>(
        &self,
        rows: &Rows<'a>,
        fields: &[Field],
    ) -> Result<Arc<'a, V::Field<'a>>, BadLine> {
        let Columns { source, target, value } = self.columns;
        let id = |column: usize| {
            let field = fields.get(column).ok_or(BadLine::MissingTarget)?;
            let id = rows.value(field);
            if id.is_empty() { Err(BadLine::EmptyField) } else { Ok(id) }
        };
        let (from, to) = (id(source)?, id(target)?);
        let value = match value {
            None => V::Field::default(),
            Some(column) => {
                let field = fields.get(column).ok_or(BadLine::MissingColumn)?;
                // No value has quotes in it.
                V::field_of(rows.written(field).trim_ascii())?
            }
        };
        Ok((from, to, value))
    }
}

/// The id that a field holds.
pub(super) fn parse_id(field: &[u8]) -> Result<u64, BadLine> {
    let digits = field.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadLine::NotAnId);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| BadLine::NotAnId)?;
    digits.parse().map_err(|_| BadLine::IdTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(
        names: &[&str],
        change: impl FnOnce(&mut ReadSpec),
    ) -> Result<Columns, &'static str> {
        let mut spec = ReadSpec::of(Vec::new());
        change(&mut spec);
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        choose_columns(&spec, &names).map_err(|error| match error {
            NoColumns::Unknown(_) => "unknown",
            NoColumns::Same(_) => "same",
            NoColumns::IsId(_) => "is an id",
        })
    }

    fn name(name: &str) -> Option<ColumnChoice> {
        Some(ColumnChoice::Name(name.to_owned()))
    }

    #[test]
    fn columns_are_chosen_or_known_or_the_first_two() {
        let found = |source, target, value| Ok(Columns { source, target, value });
        assert_eq!(columns(&["x", "Target", "SOURCE"], |_| {}), found(2, 1, None));
        assert_eq!(columns(&["t", "dst", "src"], |_| {}), found(2, 1, None));
        assert_eq!(columns(&["id_1", "id_2"], |_| {}), found(0, 1, None));
        let chosen = columns(&["a", "b", "c", "p"], |spec| {
            spec.source_column = name("c");
            spec.target_column = Some(ColumnChoice::Index(0));
            spec.column = name("p");
        });
        assert_eq!(chosen, found(2, 0, Some(3)));
    }

    #[test]
    fn columns_that_cannot_be_are_refused() {
        assert_eq!(columns(&["a", "b"], |spec| spec.column = name("c")), Err("unknown"));
        assert_eq!(columns(&["a", "b"], |spec| spec.source_column = name("b")), Err("same"));
        assert_eq!(columns(&["a", "b"], |spec| spec.column = name("b")), Err("is an id"));
    }

    #[test]
    fn ids_are_whole_numbers() {
        assert_eq!(parse_id(b" 18446744073709551615 "), Ok(u64::MAX));
        assert_eq!(parse_id(b"18446744073709551616"), Err(BadLine::IdTooLarge));
        for field in ["", "+1", "-1", "1.0", "1e3", "a", "1 2"] {
            assert_eq!(parse_id(field.as_bytes()), Err(BadLine::NotAnId), "{field:?}");
        }
    }
}
