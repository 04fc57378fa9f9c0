//! Numbers of an input whose ids are strings: their decimal digits are the names.

use super::super::value::InputValue;
use super::blocks::BlockParser;
use super::{Intake, LoneNodes};
use crate::arcs::ArcChunk;
use crate::error::IngestError;
use crate::names::Interner;

/// An intake that makes names of the numbers that it takes.
pub(super) struct Naming<'a, 'b, I> {
    pub(super) parser: &'a BlockParser<'b, I>,
}

impl<V: InputValue, I: Intake<V>> Intake<V> for Naming<'_, '_, I> {
    fn arcs(&self, chunk: ArcChunk<V>) -> Result<(), IngestError> {
        self.parser.renumbered(chunk)
    }

    fn nodes(&self, ids: LoneNodes) -> Result<(), IngestError> {
        self.parser.intake.nodes(ids)
    }
}

/// The numbers of two names.
pub(super) fn intern_pair(
    names: &Interner,
    from: &[u8],
    to: &[u8],
) -> Result<(u64, u64), IngestError> {
    Ok((names.intern(from)?.into(), names.intern(to)?.into()))
}

/// The number of a number's decimal digits.
pub(super) fn intern_number(names: &Interner, number: u64) -> Result<u64, IngestError> {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut left = number;
    loop {
        begin -= 1;
        // A decimal digit.
        digits[begin] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            return Ok(names.intern(&digits[begin..])?.into());
        }
    }
}
