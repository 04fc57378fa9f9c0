//! `MatrixMarket`: the banner and the size line; entries are lines like any other.

use memchr::memchr;

use super::block::LineRules;
use super::lines::quote;
use crate::error::Malformed;
use crate::error::Place;

/// What stands above the entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MatrixHeader {
    pub(super) is_symmetric: bool,
    pub(super) has_values: bool,
    pub(super) n_rows: u64,
    pub(super) n_entries: u64,
    /// Where the entries begin.
    pub(super) begin: usize,
    /// The lines before them.
    pub(super) n_lines: u64,
}

/// Reads the top of a file that begins with `bytes`.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn read_header(bytes: &[u8]) -> Result<MatrixHeader, (Place, Malformed)> {
    let mut lines = Numbered { bytes, at: 0, line: 0 };
    let banner = lines.next().unwrap_or_default().to_ascii_lowercase();
    let (is_symmetric, has_values) =
        read_banner(&banner).map_err(|reason| (Place::Line(1), reason))?;
    let size = loop {
        match lines.next() {
            None => return Err((Place::Line(lines.line + 1), Malformed::SizeLine)),
            Some(line) if matches!(line.trim_ascii().first(), None | Some(b'%')) => {}
            Some(line) => break line,
        }
    };
    let wrong = |reason| (Place::Line(lines.line), reason);
    let numbers: Option<Vec<u64>> = words(size).map(|word| word.parse().ok()).collect();
    let Some(&[n_rows, n_columns, n_entries]) = numbers.as_deref() else {
        return Err(wrong(Malformed::SizeLine));
    };
    if n_rows != n_columns {
        return Err(wrong(Malformed::NotSquare { rows: n_rows, columns: n_columns }));
    }
    let (begin, n_lines) = (lines.at, lines.line);
    Ok(MatrixHeader { is_symmetric, has_values, n_rows, n_entries, begin, n_lines })
}

impl MatrixHeader {
    /// What its entries mean, with values in `column`.
    pub(super) fn rules(&self, column: Option<usize>) -> LineRules {
        LineRules { column, both_ways: self.is_symmetric, nodes: Some((1, self.n_rows)) }
    }
}

fn read_banner(banner: &[u8]) -> Result<(bool, bool), Malformed> {
    let words: Vec<&str> = words(banner).collect();
    let &["%%matrixmarket", object, form, field, symmetry] = words.as_slice() else {
        return Err(Malformed::MatrixMarketBanner);
    };
    let refused = |word: &str| Malformed::MatrixMarketKind { word: quote(word.as_bytes()) };
    if object != "matrix" {
        return Err(refused(object));
    }
    if form != "coordinate" {
        return Err(refused(form));
    }
    let has_values = match field {
        "pattern" => false,
        "real" | "integer" => true,
        other => return Err(refused(other)),
    };
    match symmetry {
        "general" => Ok((false, has_values)),
        "symmetric" => Ok((true, has_values)),
        other => Err(refused(other)),
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &str> {
    // Of a line that is no text nothing is left to be understood.
    std::str::from_utf8(line).unwrap_or_default().split_ascii_whitespace()
}

/// The lines of a text, counted.
struct Numbered<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The lines given.
    line: u64,
}

impl<'a> Iterator for Numbered<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', rest);
        self.at += end.map_or(rest.len(), |end| end + 1);
        self.line += 1;
        Some(&rest[..end.unwrap_or(rest.len())])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_says_what_the_entries_are() {
        let text =
            b"%%MatrixMarket matrix coordinate Integer Symmetric\r\n% c\n\n 5 5 7\r\n1 2 3\n";
        let header = read_header(text).unwrap();
        let expected = MatrixHeader {
            is_symmetric: true,
            has_values: true,
            n_rows: 5,
            n_entries: 7,
            begin: text.len() - 6,
            n_lines: 4,
        };
        assert_eq!(header, expected);
    }

    #[test]
    fn headers_that_are_none_are_refused_by_name() {
        let refused = |text: &str| read_header(text.as_bytes()).unwrap_err();
        let kind = |word: &str| Malformed::MatrixMarketKind { word: word.into() };
        for (banner, reason) in [
            ("%%MatrixMarket matrix array real general", kind("array")),
            ("%%MatrixMarket matrix coordinate complex general", kind("complex")),
            ("%%MatrixMarket matrix coordinate real skew-symmetric", kind("skew-symmetric")),
            ("%%MatrixMarket matrix coordinate real hermitian", kind("hermitian")),
            ("%%MatrixMarket vector coordinate real general", kind("vector")),
            ("%%MatrixMarket matrix coordinate real", Malformed::MatrixMarketBanner),
            ("1 2 3", Malformed::MatrixMarketBanner),
            ("", Malformed::MatrixMarketBanner),
        ] {
            assert_eq!(refused(banner), (Place::Line(1), reason), "{banner}");
        }
        let banner = "%%MatrixMarket matrix coordinate pattern general\n";
        for (size, line) in [("", 2), ("% x\n", 3), ("3 3\n", 2), ("3 3 -1", 2), ("3 3 1 1", 2)] {
            let expected = (Place::Line(line), Malformed::SizeLine);
            assert_eq!(refused(&format!("{banner}{size}")), expected, "{size:?}");
        }
        let reason = Malformed::NotSquare { rows: 3, columns: 4 };
        assert_eq!(refused(&format!("{banner}\n3 4 1\n")), (Place::Line(3), reason));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            let text = [b"%%MatrixMarket matrix coordinate real general\n", bytes.as_slice()].concat();
            let _ = read_header(&text);
            let _ = read_header(&bytes);
        }
    }
}
