//! Calls into libraries that panic on some damaged files.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Makes `call`; a panic in it becomes an error with its message. What it had in hand is not
/// used again.
///
/// # Errors
/// What the panic said.
pub fn isolated<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    DEPTH.set(DEPTH.get() - 1);
    outcome.map_err(|panic| message(panic.as_ref()))
}

/// Whether this thread is inside of [`isolated`]: for a panic hook, which need not say a word
/// of a panic that becomes an error.
#[must_use]
pub fn is_isolated() -> bool {
    DEPTH.get() > 0
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it could not be decoded".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_messages() {
        assert_eq!(isolated(|| 3), Ok(3));
        assert_eq!(isolated(|| panic!("no {}", "way")), Err::<(), _>("no way".to_owned()));
        assert_eq!(isolated(is_isolated), Ok(true));
        assert!(!is_isolated());
    }
}
