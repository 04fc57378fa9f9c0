//! Texts behind each other: what a list of names is in a file.

use rayon::prelude::*;

/// A list of texts: one after another in `bytes`, text i up to `ends[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strings<'a> {
    ends: &'a [u64],
    bytes: &'a [u8],
}

impl<'a> Strings<'a> {
    /// The texts that `ends` cuts out of `bytes`. Nothing is checked: what the ends do not cut
    /// reads as empty.
    #[must_use]
    pub fn new(ends: &'a [u64], bytes: &'a [u8]) -> Self {
        Self { ends, bytes }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where each text ends in [`Strings::bytes`].
    #[must_use]
    pub fn ends(&self) -> &'a [u64] {
        self.ends
    }

    /// All texts behind each other.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes of text `idx`; `None` where there is no such text.
    #[inline]
    #[must_use]
    pub fn get(&self, idx: usize) -> Option<&'a [u8]> {
        let end = *self.ends.get(idx)? as usize;
        let begin = if idx == 0 { 0 } else { self.ends[idx - 1] as usize };
        self.bytes.get(begin..end)
    }

    /// Text `idx`; `None` where there is no such text.
    #[must_use]
    pub fn text(&self, idx: usize) -> Option<&'a str> {
        self.get(idx).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// What keeps these from being texts: ends that descend or do not end with the bytes, or
    /// bytes that are not UTF-8. In parallel, O(bytes).
    pub(crate) fn flaw(&self) -> Option<StringsFlaw> {
        let last = self.ends.last().copied().unwrap_or(0);
        if !self.ends.par_windows(2).all(|pair| pair[0] <= pair[1])
            || last != self.bytes.len() as u64
        {
            return Some(StringsFlaw::Ends);
        }
        let is_text = (0..self.len()).into_par_iter().all(|idx| self.text(idx).is_some());
        if is_text { None } else { Some(StringsFlaw::Utf8) }
    }
}

/// What is wrong with a list of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StringsFlaw {
    /// The ends descend, or the last one is not the end of the bytes.
    Ends,
    /// A text is not UTF-8.
    Utf8,
}

impl StringsFlaw {
    /// What should be there.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Ends => "ends that ascend to the end of the bytes",
            Self::Utf8 => "texts in UTF-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_where_they_end() {
        let strings = Strings::new(&[2, 2, 4], b"ab\xc3\xa9");
        assert_eq!(
            (0..4).map(|idx| strings.text(idx)).collect::<Vec<_>>(),
            [Some("ab"), Some(""), Some("é"), None]
        );
        assert_eq!(strings.flaw(), None);
        assert_eq!(Strings::new(&[], b"").flaw(), None);
    }

    #[test]
    fn flaws_are_told() {
        let flaw = |ends: &[u64], bytes: &[u8]| Strings::new(ends, bytes).flaw();
        assert_eq!(flaw(&[2, 1, 4], b"abcd"), Some(StringsFlaw::Ends));
        assert_eq!(flaw(&[2, 3], b"abcd"), Some(StringsFlaw::Ends));
        assert_eq!(flaw(&[2, 5], b"abcd"), Some(StringsFlaw::Ends));
        assert_eq!(flaw(&[], b"a"), Some(StringsFlaw::Ends));
        assert_eq!(flaw(&[1, 2], "é".as_bytes()), Some(StringsFlaw::Utf8), "cut in a character");
        assert_eq!(Strings::new(&[9, u64::MAX], b"ab").get(1), None);
    }
}
