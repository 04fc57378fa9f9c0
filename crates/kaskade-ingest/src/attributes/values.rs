//! What a field of a table stands for.

use std::borrow::Cow;

use kaskade_store::ColumnType;

/// A field of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// An empty field, a null, a NaN.
    Missing,
    /// A text, trimmed and not empty.
    Text(&'a str),
    /// A whole number of a typed table.
    Integer(i128),
    /// A number of a typed table, no NaN.
    Number(f64),
    /// A truth of a typed table.
    Bool(bool),
}

/// The words for "true", in any case; those for "false" beside them.
const TRUTHS: [(&str, &str); 5] =
    [("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("1", "0")];

/// The words that stand for no value where numbers or truths are expected, in any case. Among
/// texts they are texts: `NA` is also a country.
const ABSENCES: [&str; 5] = ["na", "n/a", "nan", "null", "none"];

impl<'a> Cell<'a> {
    /// The field `text` of a table of texts.
    pub(super) fn of_text(text: &'a str) -> Self {
        let text = text.trim();
        if text.is_empty() { Self::Missing } else { Self::Text(text) }
    }

    /// The field as a text; `None` where it is missing.
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::Missing => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Integer(number) => Some(Cow::Owned(number.to_string())),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(truth) => Some(Cow::Owned(truth.to_string())),
        }
    }

    /// The field as a finite number, `Ok(None)` where it is missing.
    pub(super) fn number(&self) -> Result<Option<f64>, NotOfType> {
        let number = match *self {
            Self::Missing => return Ok(None),
            Self::Text(text) => match number_of(text) {
                Some(number) => number,
                None if is_absence(text) => return Ok(None),
                None => return Err(NotOfType),
            },
            Self::Integer(number) => number as f64,
            Self::Number(number) => number,
            Self::Bool(truth) => f64::from(u8::from(truth)),
        };
        // Adding zero makes the negative zero the other one.
        if number.is_finite() { Ok(Some(number + 0.0)) } else { Err(NotOfType) }
    }

    /// The field as a truth, `Ok(None)` where it is missing.
    pub(super) fn bool(&self) -> Result<Option<bool>, NotOfType> {
        match *self {
            Self::Missing => Ok(None),
            Self::Text(text) => match bool_of(text) {
                Some(truth) => Ok(Some(truth)),
                None if is_absence(text) => Ok(None),
                None => Err(NotOfType),
            },
            Self::Integer(number @ 0..=1) => Ok(Some(number == 1)),
            Self::Number(number) if number == 0.0 || number == 1.0 => Ok(Some(number == 1.0)),
            Self::Integer(_) | Self::Number(_) => Err(NotOfType),
            Self::Bool(truth) => Ok(Some(truth)),
        }
    }
}

/// The value is not of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotOfType;

fn bool_of(text: &str) -> Option<bool> {
    TRUTHS.iter().find_map(|(yes, no)| {
        let is = |word: &&str| text.eq_ignore_ascii_case(word);
        if is(yes) { Some(true) } else { is(no).then_some(false) }
    })
}

/// A finite number in decimal notation; `inf` and `nan` are words.
fn number_of(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_absence(text: &str) -> bool {
    ABSENCES.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What all values of a column say of its type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    n_values: u64,
    n_bools: u64,
    n_numbers: u64,
}

impl Evidence {
    /// Hears of a value.
    pub(super) fn add(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Missing => {}
            Cell::Text(text) if is_absence(text) => {}
            cell => {
                self.n_values += 1;
                self.n_bools += u64::from(cell.bool().is_ok());
                self.n_numbers += u64::from(cell.number().is_ok());
            }
        }
    }

    /// The narrowest type that has all values: bool, number, category. Without values, category.
    pub(super) fn kind(&self) -> ColumnType {
        match self.n_values {
            0 => ColumnType::Category,
            n if n == self.n_bools => ColumnType::Bool,
            n if n == self.n_numbers => ColumnType::Number,
            _ => ColumnType::Category,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[&str]) -> ColumnType {
        let mut evidence = Evidence::default();
        values.iter().for_each(|value| evidence.add(&Cell::of_text(value)));
        evidence.kind()
    }

    #[test]
    fn all_values_decide_the_type() {
        use ColumnType::{Bool, Category, Number};
        for (values, expected) in [
            (&["true", "", "No", "T", "0"][..], Bool),
            (&["1", "0", "NA"], Bool),
            (&["1", "0", "2"], Number),
            (&["1e3", "-.5", "+7", "nan", "null"], Number),
            (&["1", "0x2"], Category),
            (&["1", "inf"], Category),
            (&["1", "yes", "2"], Category),
            (&["DE", "NA"], Category),
            (&["", ""], Category),
            (&["NA"], Category),
            (&[], Category),
        ] {
            assert_eq!(kind(values), expected, "{values:?}");
        }
    }

    #[test]
    fn cells_become_what_is_asked_of_them() {
        assert_eq!(Cell::of_text("  "), Cell::Missing);
        assert_eq!(Cell::Text("-0").number().map(|x| x.map(f64::to_bits)), Ok(Some(0)));
        assert_eq!(Cell::Text("1e999").number(), Err(NotOfType));
        assert_eq!(Cell::Text("None").number(), Ok(None));
        assert_eq!(Cell::Integer(-3).number(), Ok(Some(-3.0)));
        assert_eq!(Cell::Number(f64::INFINITY).number(), Err(NotOfType));
        assert_eq!(Cell::Integer(1).bool(), Ok(Some(true)));
        assert_eq!(Cell::Integer(2).bool(), Err(NotOfType));
        assert_eq!(Cell::Number(0.0).bool(), Ok(Some(false)));
        assert_eq!(Cell::Bool(true).number(), Ok(Some(1.0)));
        assert_eq!(Cell::Bool(true).text().as_deref(), Some("true"));
        assert_eq!(Cell::Integer(7).text().as_deref(), Some("7"));
    }
}
