//! A line of text to an arc, by a checked loop over its bytes.
//!
//! Fields are parted by blanks (spaces, tabs) with at most one comma among them. A line ends
//! in LF, CRLF or with the file; a carriage return elsewhere is an error, because a file with
//! old Macintosh line ends would otherwise read as a single arc.

use memchr::{memchr, memchr2};

use super::value::InputValue;
use crate::error::BadLine;

/// The longest line that is read; blocks keep this much of a longer one.
pub(crate) const MAX_LINE_BYTES: usize = 64 << 10;

/// An arc's ends and its field of the chosen column, or nothing for a blank line or a comment.
pub(crate) type LineResult<F> = Result<Option<(u64, u64, F)>, BadLine>;

/// As [`LineResult`], where ids are strings.
pub(crate) type NamesResult<'a, F> = Result<Option<(&'a [u8], &'a [u8], F)>, BadLine>;

/// The lines of a block.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The field that holds the value, counted from 0 over all fields.
    column: Option<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`, which begins with one; values stand in field `column`.
    pub(crate) fn new(bytes: &'a [u8], column: Option<usize>) -> Self {
        Self { bytes, at: 0, column }
    }

    /// Reads the next line; with where it begins, for an error's sake.
    #[inline]
    pub(crate) fn next_line<V: InputValue>(&mut self) -> Option<(usize, LineResult<V::Field<'a>>)> {
        if self.column.is_none() {
            let begin = self.at;
            if let Some((from, to, end)) = plain_arc(self.bytes, begin) {
                self.at = end;
                return Some((begin, Ok(Some((from, to, V::Field::default())))));
            }
        }
        self.next_with(Self::read_arc::<V>)
    }

    /// Reads the next line, whose ids are strings.
    #[inline]
    pub(crate) fn next_names<V: InputValue>(
        &mut self,
    ) -> Option<(usize, NamesResult<'a, V::Field<'a>>)> {
        self.next_with(Self::read_names::<V>)
    }

    /// Reads the next line, which begins with an id; the rest of it is nobody's.
    #[inline]
    pub(crate) fn next_node(&mut self) -> Option<(usize, Result<Option<u64>, BadLine>)> {
        self.next_with(|lines| match lines.begins_with_arc() {
            true => lines.read_id().map(Some),
            false => Ok(None),
        })
    }

    #[inline]
    fn next_with<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Option<T>, BadLine>,
    ) -> Option<(usize, Result<Option<T>, BadLine>)> {
        let begin = self.at;
        if begin == self.bytes.len() {
            return None;
        }
        let arc = read(self);
        let ended = match arc {
            Ok(Some(_)) => self.end_line(),
            Ok(None) | Err(_) => {
                self.skip_line();
                Ok(())
            }
        };
        let result = match ended {
            Ok(()) => arc,
            Err(reason) => Err(reason),
        };
        let is_long = self.at - begin > MAX_LINE_BYTES && !matches!(result, Ok(None));
        Some((begin, if is_long { Err(BadLine::TooLong) } else { result }))
    }

    #[inline]
    fn read_arc<V: InputValue>(&mut self) -> LineResult<V::Field<'a>> {
        self.read_ends::<_, V>(Self::read_id)
    }

    fn read_names<V: InputValue>(&mut self) -> NamesResult<'a, V::Field<'a>> {
        self.read_ends::<_, V>(Self::read_name)
    }

    #[inline]
    fn read_ends<I, V: InputValue>(
        &mut self,
        read: fn(&mut Self) -> Result<I, BadLine>,
    ) -> Result<Option<(I, I, V::Field<'a>)>, BadLine> {
        if !self.begins_with_arc() {
            return Ok(None);
        }
        let from = read(self)?;
        self.skip_separator();
        if self.is_line_end() {
            return Err(BadLine::MissingTarget);
        }
        let to = read(self)?;
        let field = match self.column {
            Some(column) => V::field_of(self.read_field(column)?)?,
            None => V::Field::default(),
        };
        Ok(Some((from, to, field)))
    }

    /// Moves to the first field, if the line is neither blank nor a comment.
    #[inline]
    fn begins_with_arc(&mut self) -> bool {
        self.skip_blanks();
        match self.peek() {
            b'\n' | b'#' | b'%' => false,
            b'\r' => !self.is_line_end(),
            _ => true,
        }
    }

    fn read_name(&mut self) -> Result<&'a [u8], BadLine> {
        let begin = self.at;
        while !self.is_field_end() {
            self.at += 1;
        }
        let name = &self.bytes[begin..self.at];
        if name.is_empty() {
            return Err(BadLine::EmptyField);
        }
        if name.contains(&b'\r') {
            return Err(BadLine::StrayCarriageReturn);
        }
        std::str::from_utf8(name).map_err(|_| BadLine::NotUtf8)?;
        Ok(name)
    }

    #[inline]
    fn read_id(&mut self) -> Result<u64, BadLine> {
        /// So many digits cannot exceed `u64`.
        const SAFE_DIGITS: usize = 19;
        let begin = self.at;
        let mut id = 0u64;
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            id = id.wrapping_mul(10).wrapping_add(digit.into());
            self.at += 1;
        }
        let n_digits = self.at - begin;
        if n_digits == 0 || !self.is_field_end() {
            return Err(self.reason_for_no_id(n_digits));
        }
        if n_digits > SAFE_DIGITS {
            id = std::str::from_utf8(&self.bytes[begin..self.at])
                .ok()
                .and_then(|digits| digits.parse().ok())
                .ok_or(BadLine::IdTooLarge)?;
        }
        Ok(id)
    }

    #[cold]
    fn reason_for_no_id(&self, n_digits: usize) -> BadLine {
        match self.peek() {
            b',' if n_digits == 0 => BadLine::EmptyField,
            b'\r' => BadLine::StrayCarriageReturn,
            _ => BadLine::NotAnId,
        }
    }

    /// Reads field `column`, from the end of field 1.
    fn read_field(&mut self, column: usize) -> Result<&'a [u8], BadLine> {
        for field in 2..=column {
            self.skip_separator();
            if self.is_line_end() {
                return Err(BadLine::MissingColumn);
            }
            if self.peek() == b',' {
                return Err(BadLine::EmptyField);
            }
            let begin = self.at;
            while !self.is_field_end() {
                self.at += 1;
            }
            if field == column {
                return Ok(&self.bytes[begin..self.at]);
            }
        }
        Err(BadLine::MissingColumn)
    }

    /// Moves over the rest of the line, whose further fields are nobody's.
    #[inline]
    fn end_line(&mut self) -> Result<(), BadLine> {
        if self.peek() == b'\n' {
            self.at = self.bytes.len().min(self.at + 1);
            return Ok(());
        }
        let rest = &self.bytes[self.at..];
        match memchr2(b'\n', b'\r', rest) {
            None => self.at = self.bytes.len(),
            Some(end) => {
                self.at += end;
                if !self.is_line_end() {
                    self.skip_line();
                    return Err(BadLine::StrayCarriageReturn);
                }
                self.skip_line();
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    }

    #[inline]
    fn skip_separator(&mut self) {
        self.skip_blanks();
        if self.peek() == b',' {
            self.at += 1;
            self.skip_blanks();
        }
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
    }

    #[inline]
    fn is_field_end(&self) -> bool {
        matches!(self.peek(), b' ' | b'\t' | b',' | b'\n') || self.is_line_end()
    }

    #[inline]
    fn is_line_end(&self) -> bool {
        let next = || self.bytes.get(self.at + 1).copied().unwrap_or(b'\n');
        self.peek() == b'\n' || (self.peek() == b'\r' && next() == b'\n')
    }

    /// The byte at hand; a line end after the last.
    #[inline]
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(b'\n')
    }
}

/// The line at `at` where it is as nearly all are: two ids of at most 15 digits, one
/// separator between them, and the line's end; with where the next one begins. Any other
/// line, right or wrong, and the last few of a block are for the loops above.
#[inline]
fn plain_arc(bytes: &[u8], at: usize) -> Option<(u64, u64, usize)> {
    let (from, at) = plain_id(bytes, at)?;
    if !matches!(bytes.get(at)?, b'\t' | b' ' | b',') {
        return None;
    }
    let (to, at) = plain_id(bytes, at + 1)?;
    match bytes.get(at)? {
        b'\n' => Some((from, to, at + 1)),
        b'\r' if bytes.get(at + 1) == Some(&b'\n') => Some((from, to, at + 2)),
        _ => None,
    }
}

/// The id at `at` and where it ends, if it has 1 to 15 digits.
#[inline]
fn plain_id(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    const POWERS: [u64; 8] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];
    let (id, n_digits) = leading_digits(word_at(bytes, at)?);
    match n_digits {
        0 => None,
        8 => {
            let (lower, n_lower) = leading_digits(word_at(bytes, at + 8)?);
            let power = POWERS.get(n_lower)?;
            Some((id * power + lower, at + 8 + n_lower))
        }
        _ => Some((id, at + n_digits)),
    }
}

#[inline]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The number that the digits at the beginning of eight bytes make, and how many they are.
#[inline]
fn leading_digits(word: u64) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let digits = word ^ (EACH * u64::from(b'0'));
    // The upper bit of a byte that is more than 9, from the first such byte on.
    let is_other = (digits.wrapping_add(EACH * 0x76) | digits) & (EACH * 0x80);
    let n_digits = is_other.trailing_zeros() as usize / 8;
    if n_digits == 0 {
        return (0, 0);
    }
    // As if zeroes stood before; then pairs, fours and eights of digits are put together.
    let ones = digits << (8 * (8 - n_digits));
    let twos = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000 << 32 | 1) >> 32, n_digits)
}

/// `line` without its end, escaped and cut short, fit for a terminal.
pub(crate) fn quote(line: &[u8]) -> String {
    const MAX_QUOTED_BYTES: usize = 80;
    let line = &line[..memchr(b'\n', line).unwrap_or(line.len())];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let ellipsis = if line.len() > MAX_QUOTED_BYTES { "…" } else { "" };
    format!("{}{ellipsis}", line[..line.len().min(MAX_QUOTED_BYTES)].escape_ascii())
}

#[cfg(test)]
mod tests;
