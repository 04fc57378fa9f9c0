//! Places at which a test may have a process die, as `SIGKILL` would have it: nothing is
//! flushed, nothing is closed, nobody is told.
//!
//! `KASKADE_FAIL_POINT=NAME:N` kills the process when it comes to the place called NAME for the
//! N-th time. Without the variable a place costs one comparison. It is for tests of
//! durability, and gives nobody power over a process whose environment they do not set
//! already.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The variable that names the place and the visit.
pub const VARIABLE: &str = "KASKADE_FAIL_POINT";

#[derive(Debug)]
struct FailPoint {
    name: String,
    visits_left: AtomicU64,
}

impl FailPoint {
    fn parse(text: &str) -> Option<Self> {
        let (name, visit) = text.split_once(':')?;
        let visits_left = AtomicU64::new(visit.parse().ok()?);
        Some(Self { name: name.to_owned(), visits_left })
    }

    /// Whether this visit of `name` is the one.
    fn is_due(&self, name: &str) -> bool {
        self.name == name && self.visits_left.fetch_sub(1, Relaxed) == 1
    }
}

/// What the variable asks for. That it is set is said, for whoever did not mean it; what cannot be
/// read is an error of a test, which would otherwise wait in vain.
fn arm() -> Option<FailPoint> {
    let text = std::env::var(VARIABLE).ok()?;
    let point = FailPoint::parse(&text);
    match &point {
        Some(_) => tracing::warn!(point = text, "{VARIABLE} is set: this process will die there"),
        None => tracing::error!(text, "{VARIABLE} is no NAME:N, and nothing will happen"),
    }
    point
}

/// The process has come to the place called `name`.
pub fn reach(name: &'static str) {
    static ARMED: OnceLock<Option<FailPoint>> = OnceLock::new();
    let armed = ARMED.get_or_init(arm);
    if armed.as_ref().is_some_and(|point| point.is_due(name)) {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visit_that_was_asked_for_is_the_one() {
        let point = FailPoint::parse("batch-logged:3").unwrap();
        let visits =
            ["batch-logged", "epoch-logged", "batch-logged", "batch-logged", "batch-logged"];
        assert_eq!(visits.map(|name| point.is_due(name)), [false, false, false, true, false]);
        for bad in ["", "batch-logged", "batch-logged:x"] {
            assert!(FailPoint::parse(bad).is_none(), "{bad:?}");
        }
    }
}
