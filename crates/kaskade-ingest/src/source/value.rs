//! What an arc carries, as an input says it.

use kaskade_model::coin::Threshold;
use kaskade_model::dynamics::is_channel_name;

use super::classes::{BlockClasses, Renumbering};
use crate::arcs::{ChannelSet, Payload};
use crate::error::BadLine;

/// A payload that inputs say: nothing, a probability that stands in a column, or a channel, that
/// of the whole input or one that a column names.
pub(crate) trait InputValue: Payload {
    /// A sound field of the chosen column. It is the value of an arc once the rest of its line
    /// turned out to be sound as well.
    type Field<'a>: Copy + Default;

    /// Reads a field of text.
    ///
    /// # Errors
    /// Why it is no value.
    fn field_of(field: &[u8]) -> Result<Self::Field<'_>, BadLine>;

    /// Reads a field that is a number in the input.
    ///
    /// # Errors
    /// Why it is no value.
    fn field_of_number<'a>(number: f64) -> Result<Self::Field<'a>, BadLine>;

    /// The value of an arc with this field, the default one where no column is read. `line` is
    /// asked where the arc stands if its class is new among `classes`.
    fn of_field(
        field: Self::Field<'_>,
        classes: &mut BlockClasses,
        line: impl FnOnce() -> u64,
    ) -> Self;

    /// The value of an arc of an input that is all of the channel numbered `channel`.
    fn of_channel(_channel: u8) -> Option<Self> {
        None
    }

    /// The same value, with classes by other numbers.
    fn renumbered(self, _numbers: &Renumbering) -> Self {
        self
    }
}

impl InputValue for () {
    type Field<'a> = ();

    fn field_of(_field: &[u8]) -> Result<(), BadLine> {
        Ok(())
    }

    fn field_of_number<'a>(_number: f64) -> Result<Self::Field<'a>, BadLine> {
        Ok(())
    }

    #[inline]
    fn of_field((): (), _classes: &mut BlockClasses, _line: impl FnOnce() -> u64) {}
}

impl InputValue for f64 {
    type Field<'a> = f64;

    fn field_of(field: &[u8]) -> Result<f64, BadLine> {
        let text = std::str::from_utf8(field).map_err(|_| BadLine::NotAProbability)?;
        Self::field_of_number(text.parse().map_err(|_| BadLine::NotAProbability)?)
    }

    fn field_of_number<'a>(number: f64) -> Result<Self::Field<'a>, BadLine> {
        Threshold::from_probability(number).map_err(|_| BadLine::NotAProbability)?;
        // Adding 0 makes −0 a 0, so that equal values have equal bits.
        Ok(number + 0.0)
    }

    #[inline]
    fn of_field(field: f64, _classes: &mut BlockClasses, _line: impl FnOnce() -> u64) -> f64 {
        field
    }
}

impl InputValue for ChannelSet {
    /// The name of a class.
    type Field<'a> = Option<&'a str>;

    fn field_of(field: &[u8]) -> Result<Option<&str>, BadLine> {
        if field.is_empty() {
            return Err(BadLine::NoClass);
        }
        let name = std::str::from_utf8(field).ok().filter(|name| is_channel_name(name));
        name.map(Some).ok_or(BadLine::NotAChannel)
    }

    /// Classes are words: readers of typed columns make words of numbers.
    fn field_of_number<'a>(_number: f64) -> Result<Self::Field<'a>, BadLine> {
        Err(BadLine::NotAChannel)
    }

    #[inline]
    fn of_field(
        field: Option<&str>,
        classes: &mut BlockClasses,
        line: impl FnOnce() -> u64,
    ) -> Self {
        field.map_or(Self::default(), |name| classes.set_of(name, line))
    }

    fn of_channel(channel: u8) -> Option<Self> {
        Some(Self(1 << channel))
    }

    fn renumbered(self, numbers: &Renumbering) -> Self {
        numbers.set(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_a_name_of_a_channel() {
        assert_eq!(ChannelSet::field_of(b"e-mail_2.0"), Ok(Some("e-mail_2.0")));
        assert_eq!(ChannelSet::field_of(b""), Err(BadLine::NoClass));
        for field in [&b"a b"[..], b"a,b", b"\xc3\xa9", b"\xff", &[b'x'; 65]] {
            assert_eq!(ChannelSet::field_of(field), Err(BadLine::NotAChannel), "{field:?}");
        }
    }
}
