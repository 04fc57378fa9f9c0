//! Rows of a table as RFC 4180 has them: fields between separators, quoted where they hold
//! separators, line ends or quotes.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr2_iter};

use super::lines::MAX_LINE_BYTES;
use crate::error::BadLine;

/// The rows of a block, which begins with one.
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    at: usize,
    delimiter: u8,
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its place, without quotes and, where it has none, without blanks around it.
    place: Range<usize>,
    /// Whether quotes in it stand doubled.
    has_doubled_quotes: bool,
}

impl<'a> Rows<'a> {
    pub(super) fn new(bytes: &'a [u8], begin: usize, delimiter: u8) -> Self {
        Self { bytes, at: begin, delimiter }
    }

    /// Where the next row begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Reads the next row into `fields`; a blank one has none. With where it begins. After a
    /// bad row comes what follows its first line.
    pub(super) fn next_row(
        &mut self,
        fields: &mut Vec<Field>,
    ) -> Option<(usize, Result<(), BadLine>)> {
        let begin = self.at;
        fields.clear();
        if begin == self.bytes.len() {
            return None;
        }
        let mut result = self.read_row(fields);
        if self.at - begin > MAX_LINE_BYTES && result.is_ok() {
            result = Err(BadLine::TooLong);
        }
        if result.is_err() {
            let rest = &self.bytes[begin..];
            self.at = begin + memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        }
        Some((begin, result))
    }

    /// The bytes of a field as written, with quotes in it still doubled.
    pub(super) fn written(&self, field: &Field) -> &'a [u8] {
        &self.bytes[field.place.clone()]
    }

    /// The bytes of a field of the row read last.
    pub(super) fn value(&self, field: &Field) -> Cow<'a, [u8]> {
        let bytes = self.written(field);
        if !field.has_doubled_quotes {
            return Cow::Borrowed(bytes);
        }
        let mut value = Vec::with_capacity(bytes.len());
        let mut was_quote = false;
        for &byte in bytes {
            was_quote = byte == b'"' && !was_quote;
            if !was_quote {
                value.push(byte);
            }
        }
        Cow::Owned(value)
    }

    fn read_row(&mut self, fields: &mut Vec<Field>) -> Result<(), BadLine> {
        if self.end_line() {
            return Ok(());
        }
        loop {
            let field = if self.peek() == Some(b'"') { self.quoted()? } else { self.bare()? };
            fields.push(field);
            if self.end_line() {
                return Ok(());
            }
            // What ends a field and no line is a separator.
            self.at += 1;
        }
    }

    fn bare(&mut self) -> Result<Field, BadLine> {
        let begin = self.at;
        let mut after_blanks = begin;
        loop {
            match self.peek() {
                None | Some(b'\n') => break,
                Some(byte) if byte == self.delimiter => break,
                Some(b'\r') if self.is_line_end() => break,
                Some(b'\r') => return Err(BadLine::StrayCarriageReturn),
                Some(b'"') => return Err(BadLine::StrayQuote),
                Some(b' ' | b'\t') if after_blanks == self.at => after_blanks += 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        let mut end = self.at;
        while end > after_blanks && matches!(self.bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        Ok(Field { place: after_blanks..end, has_doubled_quotes: false })
    }

    fn quoted(&mut self) -> Result<Field, BadLine> {
        self.at += 1;
        let begin = self.at;
        let mut has_doubled_quotes = false;
        loop {
            let rest = &self.bytes[self.at..];
            self.at += memchr(b'"', rest).ok_or(BadLine::UnclosedQuote)?;
            let end = self.at;
            self.at += 1;
            match self.peek() {
                Some(b'"') => {
                    has_doubled_quotes = true;
                    self.at += 1;
                }
                None | Some(b'\n') => return Ok(Field { place: begin..end, has_doubled_quotes }),
                Some(byte) if byte == self.delimiter || self.is_line_end() => {
                    return Ok(Field { place: begin..end, has_doubled_quotes });
                }
                Some(_) => return Err(BadLine::StrayQuote),
            }
        }
    }

    /// Moves over a line end, if one is here.
    fn end_line(&mut self) -> bool {
        match self.peek() {
            None => {}
            Some(b'\n') => self.at += 1,
            Some(b'\r') if self.is_line_end() => self.at = self.bytes.len().min(self.at + 2),
            Some(_) => return false,
        }
        true
    }

    fn is_line_end(&self) -> bool {
        self.peek() == Some(b'\r') && matches!(self.bytes.get(self.at + 1), None | Some(b'\n'))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

/// Where the last row of `bytes` ends that ends there: behind the last line end outside
/// quotes. `bytes` begins with a row.
pub(super) fn last_row_end(bytes: &[u8]) -> Option<usize> {
    let mut n_quotes_before = memchr_iter(b'"', bytes).count();
    for at in memrchr2_iter(b'\n', b'"', bytes) {
        if bytes[at] == b'"' {
            n_quotes_before -= 1;
        } else if n_quotes_before.is_multiple_of(2) {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Row = Result<Vec<String>, BadLine>;

    fn rows(text: &str) -> Vec<Row> {
        let mut rows = Rows::new(text.as_bytes(), 0, b',');
        let mut fields = Vec::new();
        let mut all = Vec::new();
        while let Some((_, result)) = rows.next_row(&mut fields) {
            let value = |field| String::from_utf8(rows.value(field).into_owned()).unwrap();
            all.push(result.map(|()| fields.iter().map(value).collect()));
        }
        all
    }

    fn row(fields: &[&str]) -> Row {
        Ok(fields.iter().map(|&field| field.to_owned()).collect())
    }

    #[test]
    fn fields_are_bare_or_quoted() {
        assert_eq!(rows("a, b ,c\r\n"), [row(&["a", "b", "c"])]);
        assert_eq!(
            rows("\"a,b\",\" c \",\"say \"\"hi\"\"\"\n"),
            [row(&["a,b", " c ", "say \"hi\""])]
        );
        assert_eq!(rows("\"a\nb\",c\nd,e"), [row(&["a\nb", "c"]), row(&["d", "e"])]);
        assert_eq!(
            rows("a,\n\n,\"\"\r\n\r"),
            [row(&["a", ""]), row(&[]), row(&["", ""]), row(&[])]
        );
        assert_eq!(rows("#x,y"), [row(&["#x", "y"])]);
    }

    #[test]
    fn bad_rows_end_with_their_first_line() {
        assert_eq!(rows("a\"b,c\nd,e\n"), [Err(BadLine::StrayQuote), row(&["d", "e"])]);
        assert_eq!(rows("\"a\"b,c\nd,e\n"), [Err(BadLine::StrayQuote), row(&["d", "e"])]);
        assert_eq!(rows("\"a,c\nd,e\n"), [Err(BadLine::UnclosedQuote), row(&["d", "e"])]);
        assert_eq!(rows("a\rb,c\nd,e\n"), [Err(BadLine::StrayCarriageReturn), row(&["d", "e"])]);
        let long = format!("a,{}\nd,e\n", "x".repeat(MAX_LINE_BYTES));
        assert_eq!(rows(&long), [Err(BadLine::TooLong), row(&["d", "e"])]);
    }

    #[test]
    fn rows_end_outside_quotes() {
        assert_eq!(last_row_end(b"a,b\nc,d"), Some(4));
        assert_eq!(last_row_end(b"a,b\n\"c\nd"), Some(4));
        assert_eq!(last_row_end(b"\"a\nb\",c\n\"d"), Some(8));
        assert_eq!(last_row_end(b"\"a\nb"), None);
    }

    proptest! {
        #[test]
        fn what_csv_writes_is_read(
            written in prop::collection::vec(prop::collection::vec(".{0,6}", 2..4), 0..6)
        ) {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for row in &written {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let expected: Vec<Row> = written.into_iter().map(Ok).collect();
            prop_assert_eq!(rows(&text), expected);
        }

        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            let mut rows = Rows::new(&bytes, 0, b',');
            let mut fields = Vec::new();
            let mut n_rows = 0;
            while rows.next_row(&mut fields).is_some() {
                fields.iter().for_each(|field| drop(rows.value(field)));
                n_rows += 1;
            }
            prop_assert!(n_rows <= bytes.len());
            prop_assert!(last_row_end(&bytes).is_none_or(|end| end <= bytes.len()));
        }
    }
}
