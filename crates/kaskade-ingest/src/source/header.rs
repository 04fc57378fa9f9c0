//! The top of a text file: banners, comments, perhaps a header line with column names.

use std::path::Path;

use memchr::memchr;

use super::lines::{MAX_LINE_BYTES, quote};
use crate::error::IngestError;
use crate::spec::ColumnChoice;

/// What the top of a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Top {
    /// Blank lines and comments so far.
    Comments,
    /// A header line at this place.
    Header(std::ops::Range<usize>),
    /// Arcs, without a header.
    Arcs,
}

/// What `bytes`, the first block of a file or all blocks before held comments alone, begin with.
pub(super) fn find_top(bytes: &[u8]) -> Top {
    let mut begin = 0;
    while begin < bytes.len() {
        let end = memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |end| begin + end);
        match bytes[begin..end].trim_ascii_start().first() {
            None | Some(b'#' | b'%') => begin = end + 1,
            Some(first) if first.is_ascii_alphabetic() || matches!(first, b'_' | b'"') => {
                // With a number, or longer than any line, it is a bad line and no header.
                let is_number = |field: &[u8]| {
                    std::str::from_utf8(field).is_ok_and(|field| field.parse::<f64>().is_ok())
                };
                let line = &bytes[begin..end];
                let is_header = line.len() <= MAX_LINE_BYTES && !fields(line).any(is_number);
                return if is_header { Top::Header(begin..end) } else { Top::Arcs };
            }
            Some(_) => return Top::Arcs,
        }
    }
    Top::Comments
}

/// The header of a file with string ids, if its first line, neither blank nor comment, is one:
/// where a column is to be found by name, or where it begins with a known pair of names.
pub(super) fn find_header_of_names(bytes: &[u8], by_name: bool) -> Top {
    let mut begin = 0;
    while begin < bytes.len() {
        let end = memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |end| begin + end);
        let line = &bytes[begin..end];
        match line.trim_ascii_start().first() {
            None | Some(b'#' | b'%') => begin = end + 1,
            Some(_) => {
                let mut fields = fields(line);
                let is_pair = match (fields.next(), fields.next()) {
                    (Some(from), Some(to)) => is_pair_of_names(from, to),
                    _ => false,
                };
                let is_header = by_name || is_pair;
                return if is_header { Top::Header(begin..end) } else { Top::Arcs };
            }
        }
    }
    Top::Comments
}

/// What the columns with source and target are called, by those who name them.
pub(super) const NAMED_PAIRS: [(&str, &str); 10] = [
    ("source", "target"),
    ("src", "dst"),
    ("from", "to"),
    ("u", "v"),
    ("source_id", "target_id"),
    ("src_id", "dst_id"),
    ("from_id", "to_id"),
    ("from_node", "to_node"),
    ("fromnodeid", "tonodeid"),
    ("start", "end"),
];

fn is_pair_of_names(from: &[u8], to: &[u8]) -> bool {
    let is = |field: &[u8], name: &str| field.eq_ignore_ascii_case(name.as_bytes());
    NAMED_PAIRS.iter().any(|(source, target)| is(from, source) && is(to, target))
}

/// Whether a file with these first bytes is a `MatrixMarket` file, whose size line, first
/// after the comments, would read as an arc.
pub(super) fn is_matrix_market(bytes: &[u8]) -> bool {
    bytes.starts_with(b"%%MatrixMarket")
}

/// The field that `choice` means in the file at `path`, whose header line is `header`.
///
/// # Errors
/// [`IngestError::NoHeader`], [`IngestError::UnknownColumn`], or
/// [`IngestError::ColumnIsAnId`] for one of the first two fields.
pub(super) fn resolve_column(
    choice: &ColumnChoice,
    header: Option<&[u8]>,
    path: &Path,
) -> Result<usize, IngestError> {
    let (column, given) = match choice {
        ColumnChoice::Index(index) => (*index, index.to_string()),
        ColumnChoice::Name(name) => {
            let header = header
                .ok_or_else(|| IngestError::NoHeader { path: path.into(), name: name.clone() })?;
            let found = fields(header).position(|field| field == name.as_bytes());
            let column = found.ok_or_else(|| IngestError::UnknownColumn {
                path: path.into(),
                name: name.clone(),
                header: quote(header),
            })?;
            (column, format!("{name:?}"))
        }
    };
    if column < 2 { Err(IngestError::ColumnIsAnId { column: given }) } else { Ok(column) }
}

fn fields(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_separator = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b'\r');
    let fields = header.split(is_separator).filter(|field| !field.is_empty());
    fields.map(|field| {
        let bare = field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\""));
        bare.unwrap_or(field)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_found_below_comments() {
        assert_eq!(find_top(b"# a b\n\n% x\r\n\r\n"), Top::Comments);
        assert_eq!(find_top(b"# a b\n 1 2\n"), Top::Arcs);
        assert_eq!(find_top(b"-1 2\n"), Top::Arcs);
        assert_eq!(find_top(b"\n\"u\",v\r\n1,2\n"), Top::Header(1..7));
        assert_eq!(find_top(b"from to"), Top::Header(0..7));
        assert_eq!(find_top(b"l 2\n2 3\n"), Top::Arcs, "a letter for a digit is a bad line");
        assert_eq!(find_top(&vec![b'x'; MAX_LINE_BYTES + 1]), Top::Arcs);
    }

    #[test]
    fn names_have_a_header_when_its_words_or_a_column_say_so() {
        let find = find_header_of_names;
        assert_eq!(find(b"# c\nalice bob\n", false), Top::Arcs);
        assert_eq!(find(b"# c\nalice bob p\n", true), Top::Header(4..15));
        assert_eq!(find(b"\"Source\",TARGET\na b\n", false), Top::Header(0..15));
        assert_eq!(find(b"# c\n\n", true), Top::Comments);
    }

    #[test]
    fn columns_are_found_by_name_or_index() {
        let resolve = |choice: &str, header: Option<&[u8]>| {
            resolve_column(&choice.parse().unwrap(), header, Path::new("g.csv"))
        };
        let header: Option<&[u8]> = Some(b"\"from\", to,\tweight\r");
        assert_eq!(resolve("weight", header).unwrap(), 2);
        assert_eq!(resolve("5", None).unwrap(), 5);
        assert!(matches!(resolve("to", header), Err(IngestError::ColumnIsAnId { .. })));
        assert!(matches!(resolve("1", None), Err(IngestError::ColumnIsAnId { .. })));
        assert!(matches!(resolve("p", header), Err(IngestError::UnknownColumn { .. })));
        assert!(matches!(resolve("p", None), Err(IngestError::NoHeader { .. })));
    }
}
