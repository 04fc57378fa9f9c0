//! What an input is, by its name or its first bytes.

use std::path::{Path, PathBuf};

use super::lines::Lines;
use super::open::Compression;
use crate::spec::Format;

/// A name without the ending that says the compression, and that.
pub(super) fn split_compression(path: &Path) -> (PathBuf, Compression) {
    let compression = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => return (path.to_owned(), Compression::None),
    };
    (path.with_extension(""), compression)
}

/// The format that the ending of `path` says, of one file; `.txt` says nothing, because
/// KONECT and `MatrixMarket` files are called so too.
pub(super) fn by_name(path: &Path) -> Option<Format> {
    let (bare, _) = split_compression(path);
    Some(match bare.extension()?.to_str()? {
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "mtx" => Format::MatrixMarket,
        "metis" | "graph" => Format::Metis,
        "u32" => Format::PairsU32,
        "u64" => Format::PairsU64,
        "sg" => Format::GapSg,
        "parquet" | "pq" => Format::Parquet,
        _ => return None,
    })
}

/// The format of an input with these first bytes whose name says `named`.
pub(super) fn by_first_bytes(named: Option<Format>, first: &[u8]) -> Format {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    match named {
        Some(Format::Csv) if !first_line_has(text, b',') => Format::Text,
        Some(Format::Tsv) if !first_line_has(text, b'\t') => Format::Text,
        Some(format) => format,
        None if text.starts_with(b"%%MatrixMarket") => Format::MatrixMarket,
        None if first.starts_with(b"PAR1") => Format::Parquet,
        None if konect_kind(text).is_some() => Format::Konect,
        None => Format::Text,
    }
}

/// The first word of KONECT's first line, of those that begin with these bytes.
pub(super) fn konect_kind(text: &[u8]) -> Option<&[u8]> {
    let line = text.strip_prefix(b"%")?;
    let line = line.split(|&byte| byte == b'\n').next()?;
    let word = line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?;
    matches!(word, b"sym" | b"asym" | b"bip").then_some(word)
}

fn first_line_has(text: &[u8], separator: u8) -> bool {
    data_lines(text).next().is_some_and(|line| line.contains(&separator))
}

/// The lines of `text` that are neither blank nor comment.
pub(super) fn data_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n')
        .filter(|line| !matches!(line.trim_ascii_start().first(), None | Some(b'#' | b'%')))
}

/// Whether the first two lines of text both have an id that is no number.
pub(super) fn text_has_names(text: &[u8]) -> bool {
    let mut n_lines = 0;
    let mut n_with_names = 0;
    for line in data_lines(text).take(2) {
        n_lines += 1;
        if let Some((_, Ok(Some((from, to, ()))))) = Lines::new(line, None).next_names::<()>() {
            n_with_names += usize::from(!is_number(from) || !is_number(to));
        }
    }
    n_lines == 2 && n_with_names == 2
}

/// Whether a field is meant as a number, one that can be an id or not.
pub(super) fn is_number(field: &[u8]) -> bool {
    let field = field.trim_ascii();
    let begins = matches!(field.first(), Some(b'0'..=b'9' | b'+' | b'-' | b'.'));
    begins && std::str::from_utf8(field).is_ok_and(|text| text.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_formats() {
        for (path, format) in [
            ("a.csv", Some(Format::Csv)),
            ("a.tsv.gz", Some(Format::Tsv)),
            ("b/a.mtx.zst", Some(Format::MatrixMarket)),
            ("a.graph", Some(Format::Metis)),
            ("a.u32", Some(Format::PairsU32)),
            ("a.sg", Some(Format::GapSg)),
            ("a.txt", None),
            ("out.a", None),
            ("a", None),
        ] {
            assert_eq!(by_name(Path::new(path)), format, "{path}");
        }
    }

    #[test]
    fn first_bytes_say_formats() {
        for (first, format) in [
            ("%%MatrixMarket matrix", Format::MatrixMarket),
            ("PAR1", Format::Parquet),
            ("% sym unweighted\n1 2\n", Format::Konect),
            ("\u{feff}% asym\n", Format::Konect),
            ("% symmetric is the graph\n1 2", Format::Text),
            ("%\nsym", Format::Text),
            ("1 2", Format::Text),
            ("", Format::Text),
        ] {
            assert_eq!(by_first_bytes(None, first.as_bytes()), format, "{first:?}");
        }
        assert_eq!(by_first_bytes(Some(Format::Csv), b"# x\na,b\n"), Format::Csv);
        assert_eq!(by_first_bytes(Some(Format::Csv), b"a b\n1,2\n"), Format::Text);
        assert_eq!(by_first_bytes(Some(Format::Tsv), b"a,b\n"), Format::Text);
    }

    #[test]
    fn two_lines_with_names_have_string_ids() {
        for (text, expected) in [
            ("alice bob\nbob carol\n", true),
            ("from to\nalice bob\n", true),
            ("from to\n1 2\n", false),
            ("# c\n\nu v\n1 alice\n", true),
            ("alice bob\n", false),
            ("1.0 2.0\n1.5 2.5\n", false),
            ("-1 2\n-3 4\n", false),
            ("18446744073709551616 1\n18446744073709551617 1\n", false),
            ("inf nan\nnan inf\n", true),
            ("x\ny\n", false),
            ("", false),
        ] {
            assert_eq!(text_has_names(text.as_bytes()), expected, "{text:?}");
        }
    }
}
