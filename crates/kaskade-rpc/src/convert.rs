//! The vocabulary of `kaskade-model` on the wire and back. Each file holds both
//! directions; what comes from the wire is checked here and nowhere else.

mod assignment;
mod attempt;
mod code;
mod command;
mod diffusion;
mod dynamics;
mod event;
mod job_status;
mod plan;
mod reason;
mod recording;
mod seeds;
mod tally;

#[cfg(test)]
pub(crate) mod testing;

use kaskade_model::ids::is_plain_name;
use kaskade_model::spec::MAX_SIMULATIONS;

use crate::error::ConvertError;

/// The value of a field that must be there.
pub(crate) fn required<T>(
    value: Option<T>,
    message: &'static str,
    field: &'static str,
) -> Result<T, ConvertError> {
    value.ok_or(ConvertError::Missing { message, field })
}

/// The name of a graph.
pub(crate) fn graph_name(name: String) -> Result<String, ConvertError> {
    if is_plain_name(&name) {
        Ok(name)
    } else {
        Err(kaskade_model::ids::InvalidName { name }.into())
    }
}

/// A digest in lower-case hexadecimal, 1 to 128 digits.
pub(crate) fn digest(
    digest: String,
    message: &'static str,
    field: &'static str,
) -> Result<String, ConvertError> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if (1..=128).contains(&digest.len()) && digest.bytes().all(is_digit) {
        Ok(digest)
    } else {
        Err(ConvertError::new(message, field, "is not 1 to 128 lower-case hexadecimal digits"))
    }
}

/// A time in seconds since 1970.
pub(crate) fn seconds(
    seconds: f64,
    message: &'static str,
    field: &'static str,
) -> Result<f64, ConvertError> {
    if seconds.is_finite() && seconds >= 0.0 {
        Ok(seconds)
    } else {
        Err(ConvertError::new(message, field, format!("is {seconds}, not a time")))
    }
}

/// `first` and on, `count` simulations: at least one, and numbers that a coin can have.
pub(crate) fn simulations(
    first: u64,
    count: u64,
    message: &'static str,
    field: &'static str,
) -> Result<(), ConvertError> {
    if count == 0 {
        return Err(ConvertError::new(message, field, "is 0, must be at least 1"));
    }
    match first.checked_add(count) {
        Some(end) if end <= MAX_SIMULATIONS => Ok(()),
        _ => Err(ConvertError::new(
            message,
            field,
            format!("is {count} from simulation {first} on, numbers must stay below 2^63"),
        )),
    }
}
